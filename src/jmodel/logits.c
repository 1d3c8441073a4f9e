/*
 * jmodel logits: what the model computes for a list of ids, for comparison with other programs.
 */
#include "verbs.h"

#include <string.h>

#include "conf/jval.h"
#include "ids.h"
#include "infer/jinfer.h"
#include "infer/jnll.h"
#include "io/jio.h"
#include "par/jpar.h"

static struct logits_opts {
	const char *model, *ids;
	bool loss;
} opts;

static const struct jopt table[] = {
	{ .name = "model", .letter = 'm', .type = JOPT_STR, .value = &opts.model, .arg = "MODEL",
		.help = "model folder, GGUF file or llama2.c file" },
	{ .name = "ids", .type = JOPT_STR, .value = &opts.ids, .arg = "LIST",
		.help = "token ids: 1,2,3 or @FILE" },
	{ .name = "loss", .type = JOPT_BOOL, .value = &opts.loss,
		.help = "print the loss of every token and their mean instead" },
	{ .type = JOPT_END }
};

/* Positions are fed in blocks so that memory stays small for a large vocabulary. */
#define BLOCK 64

static int
put_block(struct jout *out, const float *logits, size_t n, size_t V, bool first, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init(&b);
	for (size_t i = 0; i < n; i++) {
		jbuf_adds(&b, first && i == 0 ? "[[" : ",\n [");
		for (size_t v = 0; v < V; v++) {
			if (v)
				jbuf_addc(&b, ',');
			jbuf_printf(&b, "%.9g", (double)logits[i * V + v]);
		}
		jbuf_addc(&b, ']');
	}
	rc = jout_write(out, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

static int
put_logits(struct jmodel *m, struct jpar *pool, const struct jids *ids, struct jout *out,
	struct jerr *e)
{
	size_t V = (size_t)m->cfg.vocab_size;
	float *logits = jmem_try(BLOCK * V, sizeof(*logits));
	struct jinfer *inf = NULL;
	int rc = 0;

	if (!logits)
		rc = jerr_set(e, JERR_NOMEM, "no memory for %d x %zu logits", BLOCK, V);
	else if (ids->n > (size_t)m->cfg.context)
		rc = jerr_set(e, JERR_LIMIT, "%zu ids, the model's context is %lld", ids->n,
			(long long)m->cfg.context);
	else
		rc = jinfer_new(&inf, m, pool, 1, (int)ids->n, e);
	for (size_t at = 0; rc >= 0 && at < ids->n; at += BLOCK) {
		struct jinfer_feed f = { .ids = ids->v + at, .all_logits = logits };

		f.n = ids->n - at < BLOCK ? ids->n - at : BLOCK;
		rc = jinfer_feed(inf, &f, 1, e);
		if (rc >= 0)
			rc = put_block(out, logits, f.n, V, at == 0, e);
	}
	if (rc >= 0)
		rc = jout_write(out, "]\n", 2, e);
	jinfer_free(inf);
	jmem_free(logits);
	return rc;
}

static int
put_loss(struct jmodel *m, struct jpar *pool, const struct jids *ids, struct jout *out,
	struct jerr *e)
{
	double *nll = jmem_alloc(ids->n, sizeof(*nll)), sum = 0;
	struct jbuf b;
	int rc = jinfer_nll(m, pool, ids, (int)m->cfg.context, nll, e);

	jbuf_init(&b);
	jbuf_adds(&b, "{\"loss\":");
	for (size_t i = 1; rc >= 0 && i < ids->n; i++)
		sum += nll[i];
	jjson_num(&b, sum / (double)(ids->n - 1));
	jbuf_adds(&b, ",\"nll\":[");
	for (size_t i = 1; rc >= 0 && i < ids->n; i++) {
		if (i > 1)
			jbuf_addc(&b, ',');
		jjson_num(&b, nll[i]);
	}
	jbuf_adds(&b, "]}\n");
	if (rc >= 0)
		rc = jout_write(out, b.p, b.n, e);
	jbuf_release(&b);
	jmem_free(nll);
	return rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct jids ids = { 0 };
	struct jmodel *m = NULL;
	struct jout *out = NULL;
	struct jpar *pool = NULL;
	int rc;

	(void)arg;
	(void)argv;
	if (argc != 0 || !opts.model)
		return jerr_set(e, JERR_ARG, "logits wants -m MODEL and --ids LIST");
	rc = ids_parse(&ids, opts.ids, e);
	if (rc >= 0)
		rc = jmodel_load(&m, opts.model, e);
	if (rc >= 0)
		rc = jout_open(&out, jcli_common(cli)->output, e);
	if (rc >= 0) {
		pool = jpar_new((int)jcli_common(cli)->jobs);
		rc = (opts.loss ? put_loss : put_logits)(m, pool, &ids, out, e);
		if (rc >= 0)
			rc = jout_commit(out, e);
		else
			jout_abort(out);
		jpar_free(pool);
	}
	jmodel_free(m);
	jids_release(&ids);
	return rc;
}

const struct jverb logits_verb = {
	.name = "logits",
	.args = "-m MODEL --ids LIST",
	.summary = "print the logits of every position as JSON",
	.opts = table,
	.run = run,
};
