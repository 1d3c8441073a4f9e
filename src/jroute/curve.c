/*
 * jroute curve: what quality costs when a router chooses between a strong and a weak model.
 */
#include "verbs.h"

#include <math.h>
#include <string.h>

#include "io/jio.h"
#include "record/jreader.h"
#include "swarm/jcurve.h"

static struct curve_opts {
	const char *weak, *strong, *by, *learn;
	int64_t folds;
	double ridge;
	bool show;
} opts = { .weak = "weak", .strong = "strong", .folds = 5, .ridge = 3 };

static const struct jopt table[] = {
	{ .name = "weak", .type = JOPT_STR, .value = &opts.weak, .arg = "KEY",
		.help = "member with the quality of the weak model's answer, 0 to 1 or a truth value" },
	{ .name = "strong", .type = JOPT_STR, .value = &opts.strong, .arg = "KEY",
		.help = "the same of the strong model" },
	{ .name = "by", .type = JOPT_STR, .value = &opts.by, .arg = "KEY",
		.help = "member that keeps records together in a fold: a subject" },
	{ .name = "learn", .type = JOPT_STR, .value = &opts.learn, .arg = "FILE",
		.help = "learn from these records alone, and predict the others" },
	{ .name = "folds", .type = JOPT_INT, .value = &opts.folds, .arg = "N",
		.help = "parts, each predicted from the others" },
	{ .name = "ridge", .type = JOPT_DOUBLE, .value = &opts.ridge, .arg = "X",
		.help = "how much large weights cost" },
	{ .name = "show", .type = JOPT_BOOL, .value = &opts.show,
		.help = "a table for people instead of a record" },
	{ .type = JOPT_END }
};

static bool
quality(const struct jrec *r, const char *key, double *v)
{
	bool b;

	if (jrec_num(r, key, v))
		return *v >= 0 && *v <= 1;
	*v = jrec_bool(r, key, &b) && b;
	return jrec_bool(r, key, &b);
}

static void
add(struct jcli *cli, struct jcurve *c, bool learn, char *line, size_t n, struct jarena *a)
{
	struct jerr why = { 0 };
	const char *text, *group = NULL;
	double weak, strong;
	struct jrec r;
	size_t group_n;

	jarena_reset(a);
	jcli_counts(cli)->in++;
	if (jrec_parse(&r, line, n, a, &why) < 0 || !jroute_question(&r, &text, &n)) {
		jcli_reject(cli, "no question, prompt, messages or text");
	} else if (!quality(&r, opts.weak, &weak) || !quality(&r, opts.strong, &strong)) {
		jcli_reject(cli, "no quality of both models");
	} else if (opts.by && !learn && !jrec_str(&r, opts.by, &group, &group_n)) {
		jcli_reject(cli, "no group");
	} else {
		if (learn)
			jcurve_learn(c, text, n, weak, strong);
		else
			jcurve_add(c, text, n, group, weak, strong);
		jcli_counts(cli)->out++;
	}
}

static int
read_all(struct jcli *cli, struct jcurve *c, bool learn, int argc, char **argv, struct jerr *e)
{
	struct jreader in;
	struct jarena a;
	char *line;
	size_t n;
	int rc = jreader_open(&in, argc, argv, e);

	if (rc < 0)
		return rc;
	for (int i = 0; i < argc; i++)
		jcli_input(cli, argv[i]);
	jarena_init(&a, 0);
	while ((rc = jreader_line(&in, &line, &n, e)) > 0)
		if (rc == 1)
			add(cli, c, learn, line, n, &a);
		else
			jcli_reject(cli, "line too long");
	jarena_release(&a);
	jreader_close(&in);
	return rc;
}

static void
put_record(struct jbuf *b, const struct jcurve_result *r)
{
	struct jbuf list;

	jbuf_init(&list);
	for (int i = 0; i < JCURVE_POINTS; i++) {
		jbuf_addc(&list, i ? ',' : '[');
		jjson_num(&list, r->quality[i]);
	}
	jbuf_addc(&list, ']');
	jrec_begin(b);
	jrec_put_str(b, "metric", "curve", 5);
	jrec_put_int(b, "questions", (int64_t)r->questions);
	jrec_put_num(b, "weak", r->weak);
	jrec_put_num(b, "strong", r->strong);
	jrec_put_num(b, "apgr", r->apgr);
	if (!isnan(r->apgr_low)) {
		jrec_put_num(b, "low", r->apgr_low);
		jrec_put_num(b, "high", r->apgr_high);
	}
	jrec_put_num(b, "perfect", r->perfect);
	jrec_put_num(b, "cpt50", r->cpt50);
	jrec_put_num(b, "cpt80", r->cpt80);
	jrec_put_num(b, "cpt95", r->cpt95);
	jrec_put_raw(b, "quality", list.p, list.n);
	jrec_end(b);
	jbuf_release(&list);
}

static void
put_table(struct jbuf *b, const struct jcurve_result *r)
{
	const char *verdict = r->apgr_low > 0.5 ? "better than random" : r->apgr_high < 0.5 ?
		"WORSE than random" : "no better than random";

	jbuf_printf(b, "%zu questions; quality: weak %.4f, strong %.4f\n"
		"APGR %.3f (95 %%: %.3f .. %.3f), %s; random 0.5, perfect %.3f\n"
		"strong calls for 50 %% of the gap: %.1f %%, for 80 %%: %.1f %%, for 95 %%: %.1f %%\n\n"
		"strong   quality   random\n", r->questions, r->weak, r->strong, r->apgr, r->apgr_low,
		r->apgr_high, verdict, r->perfect, 100 * r->cpt50, 100 * r->cpt80, 100 * r->cpt95);
	for (int i = 0; i < JCURVE_POINTS; i += 2) {
		double share = (double)i / (JCURVE_POINTS - 1);

		jbuf_printf(b, "%4.0f %%    %.4f   %.4f\n", 100 * share, r->quality[i],
			r->weak + share * (r->strong - r->weak));
	}
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct jcurve_result r;
	struct jcurve *c;
	char *learn;
	struct jbuf b;
	int rc;

	(void)arg;
	if (opts.folds < 2 || opts.folds > 1000 || !(opts.ridge > 0))
		return jerr_set(e, JERR_ARG, "expected --folds 2..1000 and --ridge above 0");
	learn = opts.learn ? jmem_strdup(opts.learn) : NULL;
	c = jcurve_new((uint64_t)jcli_common(cli)->seed, (int)opts.folds, opts.ridge);
	rc = read_all(cli, c, false, argc, argv, e);
	if (rc == 0 && learn)
		rc = read_all(cli, c, true, 1, &learn, e);
	jmem_free(learn);
	if (rc == 0)
		rc = jcurve_run(c, &r, e);
	jcurve_free(c);
	if (rc < 0)
		return rc;
	jbuf_init(&b);
	(opts.show ? put_table : put_record)(&b, &r);
	rc = jout_put(jcli_common(cli)->output, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

const struct jverb curve_verb = {
	.name = "curve",
	.args = "[--by KEY] [FILE ...]",
	.summary = "quality against calls of the strong of two models",
	.opts = table,
	.run = run,
};
