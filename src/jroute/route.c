/*
 * jroute route: adds to each record the experts that should answer it.
 */
#include "verbs.h"

#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "record/jreader.h"
#include "swarm/jswarm.h"

static struct route_opts {
	const char *experts, *router, *strategy, *question, *judge;
	int64_t top_k;
	double min_score, budget;
	bool abstain, explain;
} opts = { .strategy = "hybrid", .top_k = 3, .min_score = 0.1, .abstain = true };

static const struct jopt table[] = {
	{ .name = "experts", .type = JOPT_STR, .value = &opts.experts, .arg = "DIR",
		.help = "folder of expert files" },
	{ .name = "router", .type = JOPT_STR, .value = &opts.router, .arg = "FILE",
		.help = "trained router; router.safetensors of the folder if there is one" },
	{ .name = "strategy", .type = JOPT_STR, .value = &opts.strategy, .arg = "NAME",
		.choices = "keyword|trained|knn|ridge|embedding|hybrid|likelihood|judge",
		.help = "what the scores are made of" },
	{ .name = "judge", .type = JOPT_STR, .value = &opts.judge, .arg = "MODEL",
		.help = "the model that chooses, with --strategy judge" },
	{ .name = "question", .letter = 'p', .type = JOPT_STR, .value = &opts.question, .arg = "TEXT",
		.help = "route this question instead of records" },
	{ .name = "top-k", .letter = 'k', .type = JOPT_INT, .value = &opts.top_k, .arg = "N",
		.help = "at most so many experts" },
	{ .name = "min-score", .type = JOPT_DOUBLE, .value = &opts.min_score, .arg = "X",
		.help = "experts that score less are not asked" },
	{ .name = "budget", .type = JOPT_DOUBLE, .value = &opts.budget, .arg = "X",
		.help = "most that the experts of a question may cost together, 0 = any" },
	{ .name = "abstain", .type = JOPT_BOOL, .value = &opts.abstain,
		.help = "ask nobody where the question is foreign to all" },
	{ .name = "explain", .type = JOPT_BOOL, .value = &opts.explain,
		.help = "tell for people what was chosen, and why" },
	{ .type = JOPT_END }
};

struct route {
	struct jcli *cli;
	struct jexperts x;
	struct jrouter *router;
	struct jswarm *swarm;		/* NULL: no model is asked */
	struct jroute_opts o;
	struct jroute_result res;
	struct jout *out, *rejects;
	struct jbuf line, list;
};

static void
put_why(struct route *r, size_t i, struct jbuf *out)
{
	size_t from = r->res.why_at[i], end = r->res.why_at[i + 1] - 1;

	jjson_str(out, r->res.why.p + from, end - from);
}

/* [{"name", "score", "why"}, ...] of the chosen. */
static void
put_experts(struct route *r)
{
	jbuf_reset(&r->list);
	jbuf_addc(&r->list, '[');
	for (size_t i = 0; i < r->res.chosen; i++) {
		const struct jexpert *x = &r->x.v[r->res.v[i].expert];

		jbuf_adds(&r->list, i ? ",{\"name\":" : "{\"name\":");
		jjson_str(&r->list, x->name, strlen(x->name));
		jbuf_adds(&r->list, ",\"score\":");
		jjson_num(&r->list, r->res.v[i].score);
		jbuf_adds(&r->list, ",\"why\":");
		put_why(r, i, &r->list);
		jbuf_addc(&r->list, '}');
	}
	jbuf_addc(&r->list, ']');
}

/* choices holds one line per expert; the chosen come first. */
static int
explain(struct route *r, const char *question, size_t n, struct jerr *e)
{
	struct jbuf *b = &r->line;

	jbuf_reset(b);
	jbuf_printf(b, "question: %.*s\nstrategy: %s\n", n > 400 ? 400 : (int)n, question, opts.strategy);
	if (r->res.threshold > 0)
		jbuf_printf(b, "looks like ours: %.3f (from %.3f on somebody is asked)\n",
			r->res.acceptance, r->res.threshold);
	for (size_t i = 0; i < r->res.n; i++) {
		size_t from = r->res.why_at[i], end = r->res.why_at[i + 1] - 1;

		jbuf_printf(b, "%s %-20s %.3f  %.*s\n", i < r->res.chosen ? "*" : " ",
			r->x.v[r->res.v[i].expert].name, r->res.v[i].score, (int)(end - from),
			r->res.why.p + from);
	}
	jbuf_printf(b, "%zu of %zu are asked, cost %g\n", r->res.chosen, r->res.n, r->res.cost);
	return jout_write(r->out, b->p, b->n, e);
}

static int
route_record(struct route *r, const struct jrec *rec, struct jerr *e)
{
	struct jrec_edit ed[2] = { { .key = "experts" }, { .key = "route" } };
	const char *question;
	struct jbuf about;
	size_t n;
	int rc;

	if (!jroute_question(rec, &question, &n))
		return jerr_set(e, JERR_FORMAT, "no question, prompt, messages or text");
	rc = r->swarm ? jswarm_route(r->swarm, r->router, &(struct jswarm_judging){ opts.judge, question,
		r->o.top_k }, &r->o, &r->res, e) :
		jrouter_route(r->router, question, n, &r->o, &r->res, e);
	if (rc < 0)
		return rc;
	if (opts.explain)
		return explain(r, question, n, e);
	put_experts(r);
	ed[0].val = r->list.p;
	ed[0].val_n = r->list.n;
	jbuf_init(&about);
	jbuf_printf(&about, "{\"strategy\":\"%s\",\"acceptance\":", opts.strategy);
	jjson_num(&about, r->res.acceptance);
	jbuf_adds(&about, ",\"threshold\":");
	jjson_num(&about, r->res.threshold);
	jbuf_adds(&about, ",\"cost\":");
	jjson_num(&about, r->res.cost);
	jbuf_addc(&about, '}');
	ed[1].val = about.p;
	ed[1].val_n = about.n;
	jbuf_reset(&r->line);
	jrec_write_edits(rec, ed, 2, &r->line);
	rc = jout_write(r->out, r->line.p, r->line.n, e);
	jbuf_release(&about);
	return rc;
}

static int
refuse(struct route *r, const char *line, size_t n, const char *why, struct jerr *e)
{
	jcli_reject(r->cli, why);
	if (!r->rejects)
		return 0;
	jbuf_reset(&r->line);
	jrec_put_refused(&r->line, line, n, why);
	return jout_write(r->rejects, r->line.p, r->line.n, e);
}

static int
route_line(struct route *r, const char *line, size_t n, struct jarena *a, struct jerr *e)
{
	struct jerr why = { 0 };
	struct jrec rec;
	int rc;

	jarena_reset(a);
	jcli_counts(r->cli)->in++;
	rc = jrec_parse(&rec, line, n, a, &why);
	if (rc == 0)
		rc = route_record(r, &rec, &why);
	if (rc == 0) {
		jcli_counts(r->cli)->out++;
		return 0;
	}
	if (why.code != JERR_FORMAT) {
		*e = why;
		return rc;
	}
	return refuse(r, line, n, why.msg, e);
}

static int
route_files(struct route *r, int argc, char **argv, struct jerr *e)
{
	struct jreader in;
	struct jarena a;
	char *line;
	size_t n;
	int rc = jreader_open(&in, argc, argv, e);

	if (rc < 0)
		return rc;
	for (int i = 0; i < argc; i++)
		jcli_input(r->cli, argv[i]);
	jarena_init(&a, 0);
	while ((rc = jreader_line(&in, &line, &n, e)) > 0) {
		if (rc == 2)
			rc = refuse(r, "", 0, "line too long", e);
		else
			rc = route_line(r, line, n, &a, e);
		if (rc < 0)
			break;
		jcli_progress(r->cli, "records", jreader_done(&in), in.bytes_total, NULL);
	}
	jarena_release(&a);
	jreader_close(&in);
	return rc;
}

static int
route_question(struct route *r, struct jerr *e)
{
	struct jarena a;
	struct jbuf b;
	int rc;

	jarena_init(&a, 0);
	jbuf_init(&b);
	jbuf_adds(&b, "{\"question\":");
	jjson_str(&b, opts.question, strlen(opts.question));
	jbuf_addc(&b, '}');
	rc = route_line(r, b.p, b.n, &a, e);
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

static int
open_all(struct route *r, struct jerr *e)
{
	const char *file = opts.router, *output = jcli_common(r->cli)->output;
	bool models = opts.judge || strcmp(opts.strategy, "likelihood") == 0;
	uint64_t bytes;
	int rc = experts_open(&r->x, opts.experts, e);

	if (rc < 0)
		return rc;
	if (models)
		r->swarm = jswarm_new(&(struct jswarm_opts){ .memory = jcli_common(r->cli)->memory,
			.jobs = (int)jcli_common(r->cli)->jobs, .experts = &r->x });
	if (!file && jfs_exists(router_path(&r->x, opts.experts)))
		file = router_path(&r->x, opts.experts);
	if (models || strcmp(opts.strategy, "keyword") == 0)
		file = opts.router;
	rc = jrouter_open(&r->router, &r->x, file, e);
	if (rc == 0 && !models)
		rc = jrouter_check(r->router, r->o.strategy, e);
	if (rc == 0 && !models)
		rc = jrouter_memory(r->router, r->o.strategy, jcli_common(r->cli)->memory, &bytes, e);
	if (rc == 0)
		rc = jout_open(&r->out, output, e);
	if (rc == 0 && jcli_common(r->cli)->rejects)
		rc = jout_open(&r->rejects, jcli_common(r->cli)->rejects, e);
	return rc;
}

static int
close_output(struct jout *out, int rc, struct jerr *e)
{
	if (out && rc < 0)
		jout_abort(out);
	return out && rc >= 0 ? jout_commit(out, e) : rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct route r = { .cli = cli, .o = JROUTE_OPTS_INIT };
	int rc;

	(void)arg;
	if (opts.question && argc > 0)
		return jerr_set(e, JERR_ARG, "either -p TEXT or files of records, not both");
	if (opts.top_k < 1 || opts.top_k > 1000 || opts.min_score < 0 || opts.min_score > 1 ||
	    opts.budget < 0)
		return jerr_set(e, JERR_ARG, "expected --top-k 1..1000, --min-score 0..1, --budget 0 or more");
	if ((opts.judge != NULL) != (strcmp(opts.strategy, "judge") == 0))
		return jerr_set(e, JERR_ARG, "--strategy judge and --judge MODEL go together");
	for (int s = 0; jroute_strategies[s]; s++)
		if (strcmp(opts.strategy, jroute_strategies[s]) == 0)
			r.o.strategy = (enum jroute_strategy)s;
	r.o.top_k = (int)opts.top_k;
	r.o.min_score = opts.min_score;
	r.o.budget = opts.budget;
	r.o.abstain = opts.abstain;
	jroute_result_init(&r.res);
	jbuf_init(&r.line);
	jbuf_init(&r.list);
	rc = open_all(&r, e);
	if (rc == 0)
		rc = opts.question ? route_question(&r, e) : route_files(&r, argc, argv, e);
	rc = close_output(r.rejects, rc, e);
	rc = close_output(r.out, rc, e);
	jswarm_free(r.swarm);
	jrouter_close(r.router);
	jroute_result_release(&r.res);
	jbuf_release(&r.line);
	jbuf_release(&r.list);
	jexperts_release(&r.x);
	return rc < 0 ? rc : 0;
}

const struct jverb route_verb = {
	.name = "route",
	.args = "--experts DIR [-p TEXT | FILE ...]",
	.summary = "choose the experts of each question",
	.opts = table,
	.run = run,
};
