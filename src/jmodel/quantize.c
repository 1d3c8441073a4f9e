/*
 * jmodel quantize: a model as a GGUF file with fewer bits a weight; which columns matter can be told
 * by an importance matrix, read from a file or collected from text; what it costs is measured as
 * perplexity.
 */
#include "verbs.h"

#include <math.h>
#include <string.h>

#include "infer/jinfer.h"
#include "io/jio.h"
#include "record/jrec.h"
#include "sample.h"
#include "store.h"

static struct quantize_opts {
	const char *type, *imatrix, *save_imatrix, *tokenizer, *name;
	struct jopt_list calibrate, eval;
	int64_t chunk, chunks;
	bool requantize;
	struct jgguf_split split;
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
	{ .name = "split-max-size", .type = JOPT_SIZE, .value = &opts.split.max_bytes, .arg = "SIZE",
		.help = "divide into files of at most so many bytes of weights; 0 = one" },
	{ .name = "split-max-tensors", .type = JOPT_COUNT, .value = &opts.split.max_tensors, .arg = "N",
		.help = "divide into files of at most so many tensors; 0 = one" },
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
calibrate(struct job *j, struct jerr *e)
{
	struct sample s = { .cli = j->cli, .files = &opts.calibrate, .chunk = opts.chunk,
		.chunks = opts.chunks };
	int rc = sample_read(&s, j->m, j->t, e);

	j->imatrix = jimatrix_new();
	if (rc >= 0)
		rc = jmodel_calibrate(j->m, j->pool, &s.c, j->imatrix, e);
	sample_release(&s);
	if (rc < 0)
		return rc;
	jcli_info(j->cli, "calibrated on %zu tokens, perplexity %.4g", sample_tokens(&s),
		exp(s.c.nll));
	return opts.save_imatrix ? jimatrix_save(j->imatrix, opts.save_imatrix,
		opts.calibrate.v[0], s.c.chunk, e) : 0;
}

static void
put_record(const struct job *j, struct jbuf *b)
{
	jrec_begin(b);
	jrec_put_str(b, "type", opts.type, strlen(opts.type));
	jrec_put_int(b, "bytes", (int64_t)opts.split.bytes);
	if (opts.split.files > 1)
		jrec_put_int(b, "files", (int64_t)opts.split.files);
	jrec_put_num(b, "bits_per_weight", 8 * (double)opts.split.bytes / (double)j->m->count);
	jrec_put_bool(b, "importance", j->imatrix != NULL);
	if (opts.eval.n)
		sample_put(b, &j->before, &j->after);
	jrec_end(b);
}

/* Of several files the first is opened. */
static int
measure_written(struct job *j, const char *dst, struct jerr *e)
{
	struct jbuf name;
	int rc;

	jbuf_init(&name);
	jgguf_part_name(&name, dst, 0, opts.split.files);
	rc = sample_ppl_of(&opts.eval, name.p, opts.tokenizer, j->pool, &j->after, e);
	jbuf_release(&name);
	return rc;
}

static int
quantize(struct job *j, const char *src, const char *dst, struct jerr *e)
{
	int rc = store_refuse_adapter(j->m, src, e);

	if (rc >= 0 && !opts.requantize)
		rc = store_refuse_quantized(j->m, src, "take the original, or say --requantize", e);
	if (j->t)
		store_adopt_ids(j->m, j->t);
	if (rc >= 0 && opts.imatrix)
		rc = jimatrix_load(&j->imatrix, opts.imatrix, e);
	if (rc >= 0 && opts.calibrate.n)
		rc = calibrate(j, e);
	if (rc >= 0 && opts.eval.n)
		rc = sample_ppl(&opts.eval, j->m, j->t, j->pool, &j->before, e);
	j->gguf = (struct jmodel_gguf){
		.name = opts.name, .mix = jmix_find(opts.type), .imatrix = j->imatrix,
		.pool = j->pool
	};
	if (rc >= 0)
		rc = store_gguf(j->m, j->t, dst, &j->gguf, &opts.split, e);
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
		put_record(&j, &b);
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
