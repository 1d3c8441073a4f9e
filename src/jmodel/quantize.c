/*
 * jmodel quantize: a model as a GGUF file with fewer bits a weight; which columns matter can be told
 * by an importance matrix, read from a file or collected from text; what it costs is measured as
 * perplexity.
 */
#include "verbs.h"

#include <math.h>
#include <string.h>

#include "infer/jinfer.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "record/jrec.h"
#include "score/jppl.h"
#include "store.h"
#include "tensor/jquant.h"
#include "textids.h"

static struct quantize_opts {
	const char *type, *imatrix, *save_imatrix, *tokenizer, *name;
	struct jopt_list calibrate, eval;
	int64_t chunk, chunks;
	bool requantize;
} opts = { .type = "q8_0", .chunk = 512, .chunks = 200 };

static const struct jopt table[] = {
	{ .name = "type", .type = JOPT_STR, .value = &opts.type, .arg = "TYPE",
		.help = "block type, or llama.cpp's mix of several, for the matrices",
		.choices = "q8_0|q4_0|q4_1|q5_0|q5_1|q4_k_s|q4_k_m|q5_k_s|q5_k_m|q6_k" },
	{ .name = "imatrix", .type = JOPT_STR, .value = &opts.imatrix, .arg = "FILE",
		.help = "importance of columns: GGUF or .dat as llama.cpp writes it" },
	{ .name = "calibrate", .type = JOPT_LIST, .value = &opts.calibrate, .arg = "FILE",
		.help = "collect importance from this text or these JSONL documents" },
	{ .name = "chunk", .type = JOPT_INT, .value = &opts.chunk, .arg = "N",
		.help = "tokens that are read together when calibrating" },
	{ .name = "chunks", .type = JOPT_INT, .value = &opts.chunks, .arg = "N",
		.help = "at most so many chunks, 0 = all" },
	{ .name = "save-imatrix", .type = JOPT_STR, .value = &opts.save_imatrix, .arg = "FILE",
		.help = "write the collected importance as GGUF" },
	{ .name = "eval", .type = JOPT_LIST, .value = &opts.eval, .arg = "FILE",
		.help = "measure perplexity on this text before and after" },
	{ .name = "requantize", .type = JOPT_BOOL, .value = &opts.requantize,
		.help = "allow a source that is quantized already" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where SRC carries none" },
	{ .name = "name", .type = JOPT_STR, .value = &opts.name, .arg = "NAME",
		.help = "general.name of the file (default: DST's name)" },
	{ .type = JOPT_END }
};

struct job {
	struct jcli *cli;
	struct jmodel *m;
	struct jtok *t;
	struct jpar *pool;
	struct jimatrix *imatrix;
	struct jmodel_gguf gguf;
	struct jppl_result before, after;
};

static int
check_source(const struct job *j, const char *path, struct jerr *e)
{
	if (j->m->adapter)
		return jerr_set(e, JERR_ARG, "%s is an adapter: merge it into its base first (jmodel "
			"merge)", path);
	for (size_t i = 0; !opts.requantize && i < j->m->n_params; i++) {
		const struct jparam *p = &j->m->params[i];

		if (!p->value && jdtype_is_block(p->dtype))
			return jerr_set(e, JERR_ARG, "%s is quantized already (%s is %s), and errors "
				"add up: take the original, or say --requantize", path, p->name,
				jdtype_name(p->dtype));
	}
	return 0;
}

static void
on_chunk(void *arg, uint64_t done, uint64_t total)
{
	jcli_progress(arg, "chunks", done, total, NULL);
}

static int
calibrate(struct job *j, struct jerr *e)
{
	struct jcalibration c = { .chunk = (int)opts.chunk, .on_chunk = on_chunk, .arg = j->cli };
	struct jids ids = { 0 };
	int rc = 0;

	if (!j->t)
		return jerr_set(e, JERR_ARG, "--calibrate needs a tokenizer (--tokenizer TOK)");
	if (opts.chunk > j->m->cfg.context)
		c.chunk = (int)j->m->cfg.context;
	for (size_t i = 0; rc >= 0 && i < opts.calibrate.n; i++) {
		jcli_input(j->cli, opts.calibrate.v[i]);
		rc = textids_add(&ids, j->t, opts.calibrate.v[i], e);
	}
	c.ids = ids.v;
	c.n = ids.n;
	if (opts.chunks > 0 && c.n / (size_t)c.chunk > (size_t)opts.chunks)
		c.n = (size_t)opts.chunks * (size_t)c.chunk;
	for (size_t i = 0; rc >= 0 && i < c.n; i++)
		if (ids.v[i] >= (uint64_t)j->m->cfg.vocab_size)
			rc = jerr_set(e, JERR_FORMAT, "token id %lu: the model has %lld",
				(unsigned long)ids.v[i], (long long)j->m->cfg.vocab_size);
	j->imatrix = jimatrix_new();
	if (rc >= 0)
		rc = jmodel_calibrate(j->m, j->pool, &c, j->imatrix, e);
	jids_release(&ids);
	if (rc < 0)
		return rc;
	jcli_info(j->cli, "calibrated on %zu tokens, perplexity %.4g", c.n / (size_t)c.chunk *
		(size_t)c.chunk, exp(c.nll));
	return opts.save_imatrix ? jimatrix_save(j->imatrix, opts.save_imatrix,
		opts.calibrate.v[0], c.chunk, e) : 0;
}

static int
measure(struct job *j, struct jmodel *m, struct jppl_result *r, struct jerr *e)
{
	struct jppl *p;
	int rc = jppl_new(&p, m, j->t, j->pool, (int)m->cfg.context, e);

	if (rc < 0)
		return rc;
	for (size_t i = 0; rc >= 0 && i < opts.eval.n; i++)
		rc = jppl_file(p, opts.eval.v[i], e);
	jppl_result(p, r);
	jppl_free(p);
	if (rc >= 0 && r->tokens == 0)
		rc = jerr_set(e, JERR_FORMAT, "--eval: the inputs hold no token");
	return rc;
}

static int
measure_written(struct job *j, const char *dst, struct jerr *e)
{
	struct jmodel *m;
	struct jtok *t;
	int rc = jinfer_open(&m, &t, dst, opts.tokenizer, false, e);

	if (rc < 0)
		return rc;
	rc = measure(j, m, &j->after, e);
	if (t)
		jtok_free(t);
	jmodel_free(m);
	return rc;
}

static void
put_record(const struct job *j, const char *dst, struct jbuf *b)
{
	int64_t bytes = jfs_size(dst);

	jrec_begin(b);
	jrec_put_str(b, "type", opts.type, strlen(opts.type));
	jrec_put_int(b, "bytes", bytes);
	jrec_put_num(b, "bits_per_weight", 8 * (double)bytes / (double)j->m->count);
	jrec_put_bool(b, "importance", j->imatrix != NULL);
	if (opts.eval.n) {
		jrec_put_num(b, "ppl_before", j->before.ppl);
		jrec_put_num(b, "ppl_after", j->after.ppl);
		jrec_put_num(b, "ppl_ratio", j->after.ppl / j->before.ppl);
	}
	jrec_end(b);
}

static int
quantize(struct job *j, const char *src, const char *dst, struct jerr *e)
{
	int rc = check_source(j, src, e);

	if (j->t)
		store_adopt_ids(j->m, j->t);
	if (rc >= 0 && opts.imatrix)
		rc = jimatrix_load(&j->imatrix, opts.imatrix, e);
	if (rc >= 0 && opts.calibrate.n)
		rc = calibrate(j, e);
	if (rc >= 0 && opts.eval.n)
		rc = measure(j, j->m, &j->before, e);
	j->gguf = (struct jmodel_gguf){
		.name = opts.name, .mix = jmix_find(opts.type), .imatrix = j->imatrix,
		.pool = j->pool
	};
	if (rc >= 0)
		rc = store_gguf(j->m, j->t, dst, &j->gguf, e);
	if (rc >= 0 && j->gguf.fallbacks)
		jcli_warn(j->cli, "%llu matrices have rows that are no whole blocks and got another type",
			(unsigned long long)j->gguf.fallbacks);
	if (rc >= 0 && j->gguf.blind)
		jcli_warn(j->cli, "the importance matrix does not know %llu of the matrices",
			(unsigned long long)j->gguf.blind);
	if (rc >= 0 && opts.eval.n)
		rc = measure_written(j, dst, e);
	return rc;
}

static int
check_args(int argc, char **argv, struct jerr *e)
{
	if (argc != 2)
		return jerr_set(e, JERR_ARG, "quantize wants SRC and DST, got %d operands", argc);
	if (!jstr_ends(argv[1], ".gguf"))
		return jerr_set(e, JERR_ARG, "%s: a quantized model is a GGUF file: name it *.gguf",
			argv[1]);
	if (opts.imatrix && opts.calibrate.n)
		return jerr_set(e, JERR_ARG, "--imatrix and --calibrate exclude each other");
	if (opts.save_imatrix && !opts.calibrate.n)
		return jerr_set(e, JERR_ARG, "--save-imatrix needs --calibrate");
	if (opts.chunk < 2 || opts.chunks < 0)
		return jerr_set(e, JERR_ARG, "--chunk is at least 2, --chunks at least 0");
	return 0;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct job j = { .cli = cli };
	struct jbuf b;
	int rc = check_args(argc, argv, e);

	(void)arg;
	if (rc < 0)
		return rc;
	rc = jinfer_open(&j.m, &j.t, argv[0], opts.tokenizer, false, e);
	if (rc < 0)
		return rc;
	if (!j.t)
		jcli_warn(cli, "%s: no tokenizer found, none is written", argv[0]);
	j.pool = jpar_new((int)jcli_common(cli)->jobs);
	rc = quantize(&j, argv[0], argv[1], e);
	if (rc >= 0) {
		jbuf_init(&b);
		put_record(&j, argv[1], &b);
		rc = jout_put(jcli_common(cli)->output, b.p, b.n, e);
		jbuf_release(&b);
	}
	jimatrix_free(j.imatrix);
	jpar_free(j.pool);
	if (j.t)
		jtok_free(j.t);
	jmodel_free(j.m);
	return rc;
}

const struct jverb quantize_verb = {
	.name = "quantize",
	.args = "[--type TYPE] SRC DST",
	.summary = "write a GGUF file with fewer bits a weight",
	.opts = table,
	.run = run,
};
