/*
 * jgen bench: how fast a model reads a prompt and writes, alone and several at once, and the share of
 * the memory's measured speed at which it reads its weights.
 */
#include "verbs.h"

#include <math.h>

#include "base/jjson.h"
#include "base/jsys.h"
#include "io/jio.h"
#include "tensor/jroof.h"

static struct bench_opts {
	const char *model;
	int64_t prompt, tokens, parallel, rounds;
	bool json;
} opts = { .prompt = 512, .tokens = 64, .parallel = 8, .rounds = 3 };

static const struct jopt table[] = {
	{ .name = "model", .letter = 'm', .type = JOPT_STR, .value = &opts.model, .arg = "MODEL",
		.help = "model folder, GGUF file or llama2.c file" },
	{ .name = "prompt-tokens", .type = JOPT_INT, .value = &opts.prompt, .arg = "N",
		.help = "tokens of the prompt" },
	{ .name = "max-tokens", .letter = 'n', .type = JOPT_INT, .value = &opts.tokens, .arg = "N",
		.help = "tokens to write after it" },
	{ .name = "parallel", .type = JOPT_INT, .value = &opts.parallel, .arg = "N",
		.help = "sequences written at once in the last part, 0 = leave it out" },
	{ .name = "rounds", .type = JOPT_INT, .value = &opts.rounds, .arg = "N",
		.help = "times everything is measured; the best counts" },
	{ .name = "json", .type = JOPT_BOOL, .value = &opts.json,
		.help = "one JSON object instead of lines" },
	{ .type = JOPT_END }
};

struct rates {
	double prompt, decode, batch;	/* tokens/s */
	double weight_bytes;		/* read for one token */
	double bandwidth;		/* bytes/s that memory gives, measured */
};

/* The weights that every token reads: all but a table that rows are looked up in. */
static double
weight_bytes(const struct jmodel *m)
{
	double bytes = 0;

	for (size_t i = m->cfg.tied ? 0 : 1; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];
		int64_t n = 1;

		for (int d = 0; d < p->n_dims; d++)
			n *= p->shape[d];
		bytes += (double)jten_bytes(p->value ? JDT_F32 : p->dtype, n);
	}
	return bytes;
}

/* Tokens per second of `times` feeds of one token to each of `slots` sequences. */
static int
write_rate(struct jinfer *inf, int slots, int64_t times, float *logits, double *rate, struct jerr *e)
{
	size_t V = (size_t)jinfer_config(inf)->vocab_size;
	struct jinfer_feed *f = jmem_zalloc((size_t)slots, sizeof(*f));
	double start = jsys_now();
	uint32_t id;
	int rc = 0;

	for (int64_t i = 0; i < times && rc == 0; i++) {
		id = (uint32_t)((uint64_t)i * 7919 % V);
		for (int s = 0; s < slots; s++)
			f[s] = (struct jinfer_feed){ .slot = s, .ids = &id, .n = 1,
				.logits = logits + (size_t)s * V };
		rc = jinfer_feed(inf, f, (size_t)slots, e);
	}
	*rate = fmax(*rate, (double)times * slots / (jsys_now() - start));
	jmem_free(f);
	return rc;
}

static int
measure_round(struct jinfer *inf, const uint32_t *ids, float *logits, struct rates *r, struct jerr *e)
{
	struct jinfer_feed f = { .slot = 0, .ids = ids, .n = (size_t)opts.prompt, .logits = logits };
	double start;
	int rc;

	for (int s = 0; s < (opts.parallel > 1 ? opts.parallel : 1); s++)
		jinfer_reset(inf, s);
	start = jsys_now();
	rc = jinfer_feed(inf, &f, 1, e);
	r->prompt = fmax(r->prompt, (double)opts.prompt / (jsys_now() - start));
	if (rc == 0)
		rc = write_rate(inf, 1, opts.tokens, logits, &r->decode, e);
	if (rc == 0 && opts.parallel > 0)
		rc = write_rate(inf, (int)opts.parallel, opts.tokens, logits, &r->batch, e);
	return rc;
}

static int
measure(struct jinfer *inf, struct rates *r, struct jerr *e)
{
	size_t V = (size_t)jinfer_config(inf)->vocab_size;
	size_t slots = opts.parallel > 1 ? (size_t)opts.parallel : 1;
	uint32_t *ids = jmem_alloc((size_t)opts.prompt, sizeof(*ids));
	float *logits = jmem_alloc(slots * V, sizeof(*logits));
	int rc = 0;

	for (size_t i = 0; i < (size_t)opts.prompt; i++)
		ids[i] = (uint32_t)(i * 7919 % V);
	/* One round more: the first one makes the graphs and lays the weights out. */
	for (int64_t i = 0; i <= opts.rounds && rc == 0; i++) {
		if (i == 1)
			r->prompt = r->decode = r->batch = 0;
		rc = measure_round(inf, ids, logits, r, e);
	}
	jmem_free(ids);
	jmem_free(logits);
	return rc;
}

static int
put_rates(struct jcli *cli, const struct rates *r, struct jerr *e)
{
	double roof = r->bandwidth / r->weight_bytes;
	struct jout *out;
	struct jbuf b;
	int rc = jout_open(&out, jcli_common(cli)->output, e);

	if (rc < 0)
		return rc;
	jbuf_init(&b);
	if (opts.json) {
		jbuf_adds(&b, "{\"prompt_tokens_per_s\":");
		jjson_num(&b, r->prompt);
		jbuf_adds(&b, ",\"decode_tokens_per_s\":");
		jjson_num(&b, r->decode);
		jbuf_printf(&b, ",\"parallel\":%lld,\"batch_tokens_per_s\":", (long long)opts.parallel);
		jjson_num(&b, r->batch);
		jbuf_adds(&b, ",\"weight_bytes\":");
		jjson_num(&b, r->weight_bytes);
		jbuf_adds(&b, ",\"bandwidth\":");
		jjson_num(&b, r->bandwidth);
		jbuf_adds(&b, ",\"roof_share\":");
		jjson_num(&b, r->decode / roof);
		jbuf_adds(&b, "}\n");
	} else {
		jbuf_printf(&b, "prompt  %9.1f tokens/s\ndecode  %9.1f tokens/s, %.0f%% of what %.1f GB/s "
			"allow for %.1f MB of weights\n", r->prompt, r->decode, 100 * r->decode / roof,
			r->bandwidth * 1e-9, r->weight_bytes * 1e-6);
		if (opts.parallel > 0)
			jbuf_printf(&b, "%2lld at once %5.1f tokens/s, %.1f times one\n",
				(long long)opts.parallel, r->batch, r->batch / r->decode);
	}
	rc = jout_write(out, b.p, b.n, e);
	if (rc < 0)
		jout_abort(out);
	else
		rc = jout_commit(out, e);
	jbuf_release(&b);
	return rc;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct rates r = { 0 };
	struct jroof roof;
	struct jmodel *m;
	struct jtok *tok = NULL;
	struct jinfer *inf;
	struct jpar *pool;
	int rc;

	if (argc > 0 || !opts.model)
		return jerr_set(e, JERR_ARG, argc > 0 ? "unexpected operand '%s'"
			: "no model given (-m MODEL)%s", argc > 0 ? argv[0] : "");
	if (opts.prompt < 1 || opts.tokens < 1 || opts.rounds < 1 || opts.parallel < 0
	    || opts.parallel > 1024 || opts.prompt > 1 << 20 || opts.tokens > 1 << 20)
		return jerr_set(e, JERR_ARG, "expected a prompt, tokens and rounds of 1 or more and at "
			"most 1024 sequences");
	rc = jinfer_open(&m, &tok, opts.model, NULL, false, e);
	if (rc < 0)
		return rc;
	pool = jpar_new((int)jcli_common(cli)->jobs);
	jroof_measure(&roof, pool, 0.2);
	r.bandwidth = roof.bandwidth;
	r.weight_bytes = weight_bytes(m);
	rc = jinfer_new(&inf, m, pool, opts.parallel > 1 ? (int)opts.parallel : 1,
		(int)(opts.prompt + 2 * opts.tokens), e);
	if (rc == 0) {
		rc = measure(inf, &r, e);
		jinfer_free(inf);
	}
	if (tok)
		jtok_free(tok);
	jmodel_free(m);
	jpar_free(pool);
	return rc < 0 ? rc : put_rates(cli, &r, e);
}

const struct jverb bench_verb = {
	.name = "bench",
	.args = "-m MODEL [options]",
	.summary = "measure how fast a model reads and writes",
	.opts = table,
	.run = run,
};
