/*
 * jeval ppl: perplexity and bits per byte of texts, documents or shards, as one record.
 */
#include "verbs.h"

#include <string.h>

#include "infer/jinfer.h"
#include "io/jio.h"
#include "model/jadapter.h"
#include "par/jpar.h"
#include "record/jrec.h"
#include "score/jppl.h"

static struct ppl_opts {
	const char *model, *tokenizer, *adapter, *name;
	int64_t context;
} opts;

static const struct jopt table[] = {
	{ .name = "model", .letter = 'm', .type = JOPT_STR, .value = &opts.model, .arg = "MODEL",
		.help = "model folder, GGUF file or llama2.c file" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where the model carries none" },
	{ .name = "adapter", .type = JOPT_STR, .value = &opts.adapter, .arg = "DIR",
		.help = "adapter folder to hang on the model" },
	{ .name = "name", .type = JOPT_STR, .value = &opts.name, .arg = "NAME",
		.help = "what the record calls the model" },
	{ .name = "context", .type = JOPT_INT, .value = &opts.context, .arg = "N",
		.help = "tokens of a window, 0 = all that the model can" },
	{ .type = JOPT_END }
};

static void
progress(void *arg, uint64_t docs, uint64_t tokens)
{
	(void)tokens;
	jcli_progress(arg, "documents", docs, 0, NULL);
}

static int
put_record(struct jcli *cli, const struct jppl_result *r, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	jrec_begin(&b);
	jrec_put_str(&b, "metric", "ppl", 3);
	jrec_put_str(&b, "model", opts.model, strlen(opts.model));
	if (opts.name)
		jrec_put_str(&b, "name", opts.name, strlen(opts.name));
	jppl_put(r, &b);
	jrec_end(&b);
	rc = jout_put(jcli_common(cli)->output, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
score(struct jcli *cli, struct jppl *p, int argc, char **argv, struct jerr *e)
{
	char dash[] = "-", *standard_input[] = { dash };
	struct jppl_result r;
	int rc = 0;

	if (argc == 0) {
		argc = 1;
		argv = standard_input;
	}
	jppl_on_progress(p, progress, cli);
	for (int i = 0; rc >= 0 && i < argc; i++) {
		jcli_input(cli, argv[i]);
		rc = jppl_file(p, argv[i], e);
	}
	if (rc < 0)
		return rc;
	jppl_result(p, &r);
	jcli_counts(cli)->in = r.docs;
	jcli_counts(cli)->out = 1;
	jcli_counts(cli)->bytes_in = r.bytes;
	if (r.tokens == 0)
		return jerr_set(e, JERR_FORMAT, "nothing to score: the inputs hold no token");
	return put_record(cli, &r, e);
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct jmodel *m;
	struct jtok *tok;
	struct jpar *pool;
	struct jppl *p;
	int64_t context;
	int rc;

	(void)arg;
	if (!opts.model)
		return jerr_set(e, JERR_ARG, "no model given (-m MODEL)");
	rc = jinfer_open(&m, &tok, opts.model, opts.tokenizer, false, e);
	if (rc < 0)
		return rc;
	if (opts.adapter && jmodel_adapt(m, opts.adapter, e) < 0) {
		jtok_free(tok);
		jmodel_free(m);
		return e->code;
	}
	context = opts.context > 0 ? opts.context : m->cfg.context;
	if (context > m->cfg.context)
		context = m->cfg.context;
	pool = jpar_new((int)jcli_common(cli)->jobs);
	rc = jppl_new(&p, m, tok, pool, (int)context, e);
	if (rc >= 0) {
		rc = score(cli, p, argc, argv, e);
		jppl_free(p);
	}
	jpar_free(pool);
	if (tok)
		jtok_free(tok);
	jmodel_free(m);
	return rc;
}

const struct jverb ppl_verb = {
	.name = "ppl",
	.args = "-m MODEL [FILE ...]",
	.summary = "perplexity and bits per byte of texts, documents or shards",
	.opts = table,
	.run = run,
};
