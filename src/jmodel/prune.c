/*
 * jmodel prune: layers and weights that matter least taken out of a model; the result is a model folder.
 */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

#include "infer/jinfer.h"
#include "io/jio.h"
#include "model/jdescribe.h"
#include "model/jprune.h"
#include "record/jrec.h"
#include "sample.h"
#include "store.h"
#include "tensor/jquant.h"

static struct prune_opts {
	const char *pattern, *method, *drop, *dtype, *tokenizer;
	double sparsity;
	int64_t layers, chunk, chunks;
	struct jopt_list calibrate, eval;
	uint64_t part_bytes;
} opts = { .method = "auto", .dtype = "auto", .chunk = 512, .chunks = 128,
	.part_bytes = STORE_PART_BYTES };

static const struct jopt table[] = {
	{ .name = "sparsity", .letter = 's', .type = JOPT_DOUBLE, .value = &opts.sparsity, .arg = "X",
		.help = "share of the weights of every matrix that becomes zero" },
	{ .name = "pattern", .type = JOPT_STR, .value = &opts.pattern, .arg = "N:M",
		.help = "instead: of M neighbours in a row N stay, as 2:4" },
	{ .name = "method", .type = JOPT_STR, .value = &opts.method, .arg = "NAME",
		.help = "score of a weight; auto: wanda with --calibrate, else magnitude",
		.choices = "auto|magnitude|wanda" },
	{ .name = "layers", .type = JOPT_INT, .value = &opts.layers, .arg = "N",
		.help = "keep the N layers that change the text of --calibrate most" },
	{ .name = "drop-layers", .type = JOPT_STR, .value = &opts.drop, .arg = "LIST",
		.help = "leave these layers out: 3,5-7, counted from 0" },
	{ .name = "calibrate", .type = JOPT_LIST, .value = &opts.calibrate, .arg = "FILE",
		.help = "text or JSONL documents that show what matters" },
	{ .name = "chunk", .type = JOPT_INT, .value = &opts.chunk, .arg = "N",
		.help = "tokens that are read together when calibrating" },
	{ .name = "chunks", .type = JOPT_INT, .value = &opts.chunks, .arg = "N",
		.help = "at most so many chunks, 0 = all" },
	{ .name = "eval", .type = JOPT_LIST, .value = &opts.eval, .arg = "FILE",
		.help = "measure perplexity on this text before and after" },
	{ .name = "dtype", .type = JOPT_STR, .value = &opts.dtype, .arg = "TYPE",
		.help = "numbers of the pruned model; auto: as SRC has them",
		.choices = "auto|f32|f16|bf16" },
	{ .name = "shard-size", .type = JOPT_SIZE, .value = &opts.part_bytes, .arg = "SIZE",
		.help = "bytes of one weight file; 0 = all in one" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where SRC carries none" },
	{ .type = JOPT_END }
};

struct job {
	struct jcli *cli;
	struct jmodel *m;		/* as it was, opened */
	struct jmodel *pruned;
	struct jtok *t;
	struct jpar *pool;
	struct sample text;
	struct jprune how;
	bool weights;			/* are weights pruned, or layers alone? */
	struct jmodel_layers kept;
	double *influence;		/* [layers], or NULL */
	struct jbuf lines;		/* records */
	uint64_t n, zeros, tensors;
	struct jppl_result before, after;
};

static void
on_tensor(void *arg, const struct jprune_tensor *t)
{
	struct job *j = arg;

	jrec_begin(&j->lines);
	jrec_put_str(&j->lines, "tensor", t->name, strlen(t->name));
	jrec_put_int(&j->lines, "weights", (int64_t)t->n);
	jrec_put_num(&j->lines, "sparsity", (double)t->zeros / (double)t->n);
	jrec_put_num(&j->lines, "drift", t->drift);
	jrec_end(&j->lines);
	j->n += t->n;
	j->zeros += t->zeros;
	j->tensors++;
}

/* "3,5-7": all but these layers are kept. */
static int
parse_drop(struct jmodel_layers *kept, const char *s, int64_t layers, struct jerr *e)
{
	for (int64_t l = 0; l < layers; l++)
		kept->bits[l / 64] |= UINT64_C(1) << l % 64;
	while (*s) {
		int first, last, n = 0, more = 0;

		if (sscanf(s, "%9d%n", &first, &n) != 1 || n == 0)
			return jerr_set(e, JERR_ARG, "--drop-layers: expected numbers as 3,5-7 at \"%s\"", s);
		last = first;
		if (s[n] == '-' && sscanf(s + n, "-%9d%n", &last, &more) != 1)
			return jerr_set(e, JERR_ARG, "--drop-layers: expected a range as 5-7 at \"%s\"", s);
		if (first < 0 || last < first || last >= layers)
			return jerr_set(e, JERR_ARG, "--drop-layers: %.*s: the model has the layers 0 to "
				"%lld", n + more, s, (long long)layers - 1);
		for (int l = first; l <= last; l++)
			kept->bits[l / 64] &= ~(UINT64_C(1) << l % 64);
		s += n + more;
		if (*s == ',' && s[1])
			s++;
		else if (*s)
			return jerr_set(e, JERR_ARG, "--drop-layers: expected a comma at \"%s\"", s);
	}
	return 0;
}

/* The text, if what it gives between two layers fits into -M. */
static int
read_text(struct job *j, struct jerr *e)
{
	uint64_t memory = jcli_common(j->cli)->memory, bytes;

	if (sample_read(&j->text, j->m, j->t, e) < 0)
		return e->code;
	bytes = (uint64_t)sample_tokens(&j->text) * (uint64_t)j->m->cfg.hidden * sizeof(float);
	if (bytes > memory)
		return jerr_set(e, JERR_NOMEM, "%zu tokens take %.1f MB between two layers, -M allows %.1f: "
			"read fewer --chunks", sample_tokens(&j->text), (double)bytes * 1e-6,
			(double)memory * 1e-6);
	return 0;
}

static int
choose_layers(struct job *j, struct jerr *e)
{
	int64_t layers = j->m->cfg.layers, left = 0;

	if (!opts.layers) {
		if (parse_drop(&j->kept, opts.drop ? opts.drop : "", layers, e) < 0)
			return e->code;
		for (int64_t l = 0; l < layers; l++)
			left += jmodel_layer_in(&j->kept, l);
		return left ? 0 : jerr_set(e, JERR_ARG, "--drop-layers leaves no layer");
	}
	if (opts.layers > layers)
		return jerr_set(e, JERR_ARG, "--layers %lld: the model has %lld",
			(long long)opts.layers, (long long)layers);
	j->influence = jmem_alloc((size_t)layers, sizeof(*j->influence));
	if (jmodel_influence(j->m, j->pool, &j->text.c, j->influence, e) < 0)
		return e->code;
	jmodel_most_influential(j->influence, layers, opts.layers, &j->kept);
	return 0;
}

static void
put_layers(struct job *j)
{
	for (int64_t l = 0; (opts.layers || opts.drop) && l < j->m->cfg.layers; l++) {
		jrec_begin(&j->lines);
		jrec_put_int(&j->lines, "layer", l);
		if (j->influence)
			jrec_put_num(&j->lines, "influence", j->influence[l]);
		jrec_put_bool(&j->lines, "kept", jmodel_layer_in(&j->kept, l));
		jrec_end(&j->lines);
	}
}

static int
print_records(struct job *j, struct jerr *e)
{
	jrec_begin(&j->lines);
	jrec_put_int(&j->lines, "layers", j->pruned->cfg.layers);
	jrec_put_int(&j->lines, "parameters", (int64_t)j->pruned->count);
	jrec_put_num(&j->lines, "parameters_ratio", (double)j->pruned->count / (double)j->m->count);
	jrec_put_int(&j->lines, "tensors", (int64_t)j->tensors);
	jrec_put_num(&j->lines, "sparsity", j->n ? (double)j->zeros / (double)j->n : 0);
	if (opts.eval.n)
		sample_put(&j->lines, &j->before, &j->after);
	jrec_end(&j->lines);
	return jout_put(jcli_common(j->cli)->output, j->lines.p, j->lines.n, e);
}

/* The type of the first matrix of a layer, where folders have it. */
static enum jdtype
source_type(const struct jmodel *m)
{
	for (size_t i = 0; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];

		if (p->n_dims == 2 && !p->value && (p->dtype == JDT_F16 || p->dtype == JDT_BF16))
			return p->dtype;
	}
	return JDT_F32;
}

static int
prune(struct job *j, const char *src, const char *dst, struct jerr *e)
{
	struct store_form form = { source_type(j->m), opts.part_bytes, src };
	int rc = 0;

	if (strcmp(opts.dtype, "auto") != 0)
		form.dtype = (enum jdtype)jdtype_find(opts.dtype);
	if (opts.calibrate.n)
		rc = read_text(j, e);
	if (rc >= 0 && opts.eval.n)
		rc = sample_ppl(&opts.eval, j->m, j->t, j->pool, &j->before, e);
	if (rc >= 0)
		rc = choose_layers(j, e);
	if (rc >= 0)
		rc = jmodel_keep_layers(&j->pruned, j->m, &j->kept, e);
	if (rc >= 0)
		put_layers(j);
	if (rc >= 0 && j->weights)
		rc = jmodel_prune(j->pruned, j->pool, &j->how, e);
	if (rc >= 0)
		rc = store_folder(j->pruned, j->t, dst, form, e);
	if (rc >= 0 && opts.eval.n)
		rc = sample_ppl_of(&opts.eval, dst, opts.tokenizer, j->pool, &j->after, e);
	return rc < 0 ? rc : print_records(j, e);
}

/* What to do, and does it make sense, before anything is read? */
static int
read_opts(struct job *j, struct jerr *e)
{
	bool wanda = strcmp(opts.method, "wanda") == 0;

	j->weights = opts.pattern || opts.sparsity != 0;
	if (!j->weights && !opts.layers && !opts.drop)
		return jerr_set(e, JERR_ARG, "what shall go? --sparsity X or --pattern N:M of the weights, "
			"--layers N or --drop-layers LIST of the layers");
	if ((opts.pattern && opts.sparsity != 0) || (opts.layers && opts.drop))
		return jerr_set(e, JERR_ARG, opts.layers && opts.drop ? "--layers and --drop-layers exclude "
			"each other" : "--sparsity and --pattern exclude each other");
	if (!opts.pattern && j->weights && !(opts.sparsity > 0 && opts.sparsity < 1))
		return jerr_set(e, JERR_ARG, "--sparsity %g: expected a share between 0 and 1", opts.sparsity);
	if (opts.pattern) {
		int end = 0;

		if (sscanf(opts.pattern, "%4d:%4d%n", &j->how.keep, &j->how.of, &end) != 2 ||
		    opts.pattern[end] || j->how.keep < 1 || j->how.keep >= j->how.of ||
		    j->how.of > JPRUNE_MAX_OF)
			return jerr_set(e, JERR_ARG, "--pattern %s: expected N:M as 2:4, M at most %d",
				opts.pattern, JPRUNE_MAX_OF);
	}
	if ((wanda || opts.layers) && !opts.calibrate.n)
		return jerr_set(e, JERR_ARG, "%s needs text: --calibrate FILE", wanda ? "wanda" : "--layers");
	if (opts.layers < 0 || opts.chunk < 2 || opts.chunks < 0)
		return jerr_set(e, JERR_ARG, "--layers and --chunks are at least 0, --chunk at least 2");
	if (!wanda && strcmp(opts.method, "auto") == 0)
		wanda = opts.calibrate.n > 0;
	j->how.method = wanda ? JPRUNE_WANDA : JPRUNE_MAGNITUDE;
	j->how.sparsity = opts.sparsity;
	if (opts.calibrate.n && !opts.layers && !(wanda && j->weights))
		return jerr_set(e, JERR_ARG, "--calibrate: what is asked for looks at no text");
	return 0;
}

static int
check_operands(int argc, char **argv, struct jerr *e)
{
	if (argc != 2)
		return jerr_set(e, JERR_ARG, "prune wants SRC and DST, got %d operands", argc);
	if (jstr_ends(argv[1], ".gguf"))
		return jerr_set(e, JERR_ARG, "%s: prune writes a folder; jmodel quantize or convert makes a "
			"GGUF file of it", argv[1]);
	return 0;
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct job j = { .cli = cli };
	int rc = check_operands(argc, argv, e);

	(void)arg;
	if (rc >= 0)
		rc = read_opts(&j, e);
	if (rc >= 0)
		rc = jinfer_open(&j.m, &j.t, argv[0], opts.tokenizer, false, e);
	if (rc < 0)
		return rc;
	if (j.t)
		store_adopt_ids(j.m, j.t);
	else
		jcli_warn(cli, "%s: no tokenizer found, none is written", argv[0]);
	j.pool = jpar_new((int)jcli_common(cli)->jobs);
	j.text = (struct sample){ .cli = cli, .files = &opts.calibrate, .chunk = opts.chunk,
		.chunks = opts.chunks };
	j.how.text = &j.text.c;
	j.how.on_tensor = on_tensor;
	j.how.arg = &j;
	jbuf_init(&j.lines);
	rc = store_refuse_adapter(j.m, argv[0], e);
	if (rc >= 0)
		rc = store_refuse_quantized(j.m, argv[0], "prune the original, then quantize it", e);
	if (rc >= 0)
		rc = prune(&j, argv[0], argv[1], e);
	jbuf_release(&j.lines);
	sample_release(&j.text);
	jmem_free(j.influence);
	jpar_free(j.pool);
	if (j.t)
		jtok_free(j.t);
	jmodel_free(j.pruned);
	jmodel_free(j.m);
	return rc;
}

const struct jverb prune_verb = {
	.name = "prune",
	.args = "--sparsity X | --pattern N:M | --layers N | --drop-layers LIST SRC DST",
	.summary = "take out the weights or layers that matter least",
	.opts = table,
	.run = run,
};
