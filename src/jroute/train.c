/*
 * jroute train: a router from the experts' own examples and documents.
 */
#include "verbs.h"

#include <string.h>

#include "io/jfs.h"
#include "record/jreader.h"

static struct train_opts {
	const char *experts, *encoder;
	struct jopt_list foreign;
} opts;

static const struct jopt table[] = {
	{ .name = "experts", .type = JOPT_STR, .value = &opts.experts, .arg = "DIR",
		.help = "folder of expert files" },
	{ .name = "foreign", .type = JOPT_LIST, .value = &opts.foreign, .arg = "FILE",
		.help = "texts that are none of the experts', a line or record each; shipped: general "
			"ones, the default; none: none" },
	{ .name = "encoder", .type = JOPT_STR, .value = &opts.encoder, .arg = "MODEL",
		.help = "compare embeddings by this model as well; base: the base_model of the experts" },
	{ .type = JOPT_END }
};

static void
add_member(struct jrouter_train *t, size_t expert, const struct jrec *r, const char *key)
{
	const char *p;
	size_t n;

	if (jrec_str(r, key, &p, &n))
		jrouter_train_add(t, expert, p, n);
}

/* Documents by title and text, pairs by question and answer. */
static int
add_record(struct jcli *cli, struct jrouter_train *t, size_t expert, const char *line, size_t n,
	struct jarena *a)
{
	static const char *const keys[] = { "text", "title", "question", "prompt", "answer" };
	struct jerr why = { 0 };
	const char *title;
	struct jrec r;
	size_t title_n;

	jarena_reset(a);
	jcli_counts(cli)->in++;
	if (jrec_parse(&r, line, n, a, &why) < 0) {
		jcli_reject(cli, "not a JSON record");
		return 0;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		add_member(t, expert, &r, keys[i]);
	if (jrec_str(&r, "title", &title, &title_n))
		jrouter_train_add_topic(t, expert, title, title_n);
	jcli_counts(cli)->out++;
	return 1;
}

/* A record, or a line of plain text; lines with # are comments. */
static int
add_foreign(struct jcli *cli, struct jrouter_train *t, size_t expert, const char *line, size_t n,
	struct jarena *a)
{
	struct jerr why = { 0 };
	const char *p = line;
	struct jrec r;

	(void)expert;
	if (n == 0 || line[0] == '#')
		return 0;
	jarena_reset(a);
	jcli_counts(cli)->in++;
	if (line[0] == '{' && (jrec_parse(&r, line, n, a, &why) < 0 || !jroute_question(&r, &p, &n))) {
		jcli_reject(cli, "no question, prompt, messages or text");
		return 0;
	}
	jrouter_train_add_foreign(t, p, n);
	jcli_counts(cli)->out++;
	return 1;
}

/* Topics of one field by commas; lines with # are comments. */
static int
add_topics(struct jcli *cli, struct jrouter_train *t, size_t expert, const char *line, size_t n,
	struct jarena *a)
{
	(void)cli, (void)expert, (void)a;
	if (n > 0 && line[0] != '#')
		jrouter_train_add_foreign_topics(t, line, n);
	return 1;
}

typedef int add_line(struct jcli *cli, struct jrouter_train *t, size_t expert, const char *line, size_t n,
	struct jarena *a);

static int
add_lines(struct jcli *cli, struct jrouter_train *t, size_t expert, const char *path, add_line *add,
	struct jerr *e)
{
	struct jreader in;
	struct jarena a;
	char *name = jmem_strdup(path), *line;
	size_t n;
	int rc = jreader_open(&in, 1, &name, e);

	if (rc < 0) {
		jmem_free(name);
		return rc;
	}
	jcli_input(cli, path);
	jarena_init(&a, 0);
	while ((rc = jreader_line(&in, &line, &n, e)) > 0)
		if (rc == 1)
			add(cli, t, expert, line, n, &a);
		else
			jcli_reject(cli, "line too long");
	jarena_release(&a);
	jreader_close(&in);
	jmem_free(name);
	return rc;
}

static int
add_file(struct jcli *cli, struct jrouter_train *t, size_t expert, const char *path, struct jerr *e)
{
	return add_lines(cli, t, expert, path, add_record, e);
}

static int
add_shipped(struct jcli *cli, struct jrouter_train *t, struct jerr *e)
{
	char *lines = jcli_share("routing/foreign.txt"), *topics = jcli_share("routing/topics.txt");
	int rc = add_lines(cli, t, 0, lines, add_foreign, e);

	if (rc == 0)
		rc = add_lines(cli, t, 0, topics, add_topics, e);
	jmem_free(lines);
	jmem_free(topics);
	return rc;
}

/* What --foreign names, else what is shipped. */
static int
add_all_foreign(struct jcli *cli, struct jrouter_train *t, struct jerr *e)
{
	int rc = opts.foreign.n == 0 ? add_shipped(cli, t, e) : 0;

	for (size_t i = 0; rc == 0 && i < opts.foreign.n; i++) {
		const char *name = opts.foreign.v[i];

		if (strcmp(name, "shipped") == 0)
			rc = add_shipped(cli, t, e);
		else if (strcmp(name, "none") != 0)
			rc = add_lines(cli, t, 0, name, add_foreign, e);
	}
	return rc;
}

static int
add_expert(struct jcli *cli, struct jrouter_train *t, const struct jexperts *x, size_t i,
	struct jerr *e)
{
	const struct jexpert *ex = &x->v[i];
	int rc = 0;

	for (size_t k = 0; k < ex->n_examples; k++)
		jrouter_train_add(t, i, ex->examples[k], strlen(ex->examples[k]));
	for (size_t k = 0; k < ex->n_keywords; k++)
		jrouter_train_add_topic(t, i, ex->keywords[k], strlen(ex->keywords[k]));
	if (ex->description[0])
		jrouter_train_add(t, i, ex->description, strlen(ex->description));
	for (size_t k = 0; rc == 0 && k < ex->n_knowledge; k++)
		rc = add_file(cli, t, i, ex->knowledge[k], e);
	return rc;
}

/* Operands NAME=FILE: more records of that expert. */
static int
add_operand(struct jcli *cli, struct jrouter_train *t, const struct jexperts *x, const char *arg,
	struct jerr *e)
{
	const char *eq = strchr(arg, '=');

	for (size_t i = 0; eq && i < x->n; i++)
		if (strlen(x->v[i].name) == (size_t)(eq - arg) &&
		    strncmp(x->v[i].name, arg, (size_t)(eq - arg)) == 0)
			return add_file(cli, t, i, eq + 1, e);
	return jerr_set(e, JERR_ARG, "%s: expected EXPERT=FILE with the name of an expert", arg);
}

/* MODEL, or the base that most experts name, the first of equals. */
static int
add_encoder(struct jcli *cli, struct jrouter_train *t, const struct jexperts *x, struct jerr *e)
{
	const char *model = opts.encoder;
	size_t most = 0;

	if (!model)
		return 0;
	if (strcmp(model, "base") == 0) {
		for (size_t i = 0; i < x->n; i++) {
			size_t same = 0;

			for (size_t k = 0; x->v[i].base_model && k < x->n; k++)
				same += x->v[k].base_model &&
					strcmp(x->v[k].base_model, x->v[i].base_model) == 0;
			if (same > most)
				model = x->v[i].base_model;
			most = same > most ? same : most;
		}
		if (most == 0)
			return jerr_set(e, JERR_ARG, "--encoder base: no expert has a base_model");
	}
	return jrouter_train_encoder(t, model, &(struct jrouter_means){ (int)jcli_common(cli)->jobs,
		jcli_common(cli)->memory }, e);
}

static void
tell(struct jcli *cli, const char *output, const struct jrouter_report *r)
{
	const double *a = r->accuracy;

	jcli_info(cli, "%s: %zu passages, %zu of them held out: %.1f %% go to their expert; at the "
		"threshold %.3f %.1f %% are taken, of %s %.1f %% are not", output, r->passages, r->held_out,
		100 * a[JROUTE_HYBRID], r->threshold, 100 * r->own_accepted,
		r->has_foreign ? "foreign ones" : "those of an expert left out", 100 * r->foreign_rejected);
	if (r->embeds)
		jcli_info(cli, "by words alone %.1f %%, by the nearest examples %.1f %%, by ridge %.1f %%, "
			"by both of these %.1f %%", 100 * a[JROUTE_TRAINED], 100 * a[JROUTE_NEAREST],
			100 * a[JROUTE_RIDGE], 100 * a[JROUTE_EMBEDDING]);
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	const char *output = jcli_common(cli)->output;
	struct jrouter_report r;
	struct jrouter_train *t;
	struct jexperts x;
	int rc = experts_open(&x, opts.experts, e);

	(void)arg;
	if (rc < 0)
		return rc;
	if (strcmp(output, "-") == 0)
		output = router_path(&x, opts.experts);
	t = jrouter_train_new(&x, (uint64_t)jcli_common(cli)->seed);
	for (size_t i = 0; rc == 0 && i < x.n; i++)
		rc = add_expert(cli, t, &x, i, e);
	for (int i = 0; rc == 0 && i < argc; i++)
		rc = add_operand(cli, t, &x, argv[i], e);
	if (rc == 0)
		rc = add_all_foreign(cli, t, e);
	if (rc == 0)
		rc = add_encoder(cli, t, &x, e);
	if (rc == 0)
		rc = jrouter_train_save(t, output, &r, e);
	if (rc == 0)
		tell(cli, output, &r);
	jrouter_train_free(t);
	jexperts_release(&x);
	return rc;
}

const struct jverb train_verb = {
	.name = "train",
	.args = "--experts DIR [EXPERT=FILE ...]",
	.summary = "make a router from the experts' own texts",
	.opts = table,
	.run = run,
};
