/*
 * jmodel convert: between Hugging Face folders and GGUF files, and from llama2.c files, tokenizer
 * included.
 */
#include "verbs.h"

#include <string.h>

#include "infer/jinfer.h"
#include "merge_adapter.h"
#include "store.h"
#include "tensor/jquant.h"

static struct convert_opts {
	const char *type, *tokenizer, *name;
	bool forget;
	uint64_t part_bytes;
	struct jgguf_split split;
} opts = { .type = "f32", .part_bytes = STORE_PART_BYTES };

static const struct jopt table[] = {
	{ .name = "type", .type = JOPT_STR, .value = &opts.type, .arg = "TYPE",
		.help = "how weights are stored: f32, f16, bf16, or q8_0 (GGUF)",
		.choices = "f32|f16|bf16|q8_0" },
	{ .name = "tokenizer", .type = JOPT_STR, .value = &opts.tokenizer, .arg = "TOK",
		.help = "tokenizer, where SRC carries none" },
	{ .name = "name", .type = JOPT_STR, .value = &opts.name, .arg = "NAME",
		.help = "general.name of a GGUF file (default: DST's name)" },
	{ .name = "shard-size", .type = JOPT_SIZE, .value = &opts.part_bytes, .arg = "SIZE",
		.help = "bytes of one weight file of a folder; 0 = all in one" },
	{ .name = "split-max-size", .type = JOPT_SIZE, .value = &opts.split.max_bytes, .arg = "SIZE",
		.help = "divide a GGUF file into files of at most so many bytes of weights; 0 = one" },
	{ .name = "split-max-tensors", .type = JOPT_COUNT, .value = &opts.split.max_tensors, .arg = "N",
		.help = "divide a GGUF file into files of at most so many tensors; 0 = one" },
	{ .name = "forget-base", .type = JOPT_BOOL, .value = &opts.forget,
		.help = "of an adapter: write no fingerprint of its base, so that any base of its shape is taken" },
	{ .type = JOPT_END }
};

static int
to_folder(struct jmodel *m, const struct jtok *t, const char *src, const char *dst, struct jerr *e)
{
	int dtype = jdtype_find(opts.type);

	if (jdtype_is_block((enum jdtype)dtype))
		return jerr_set(e, JERR_ARG, "%s needs a GGUF file: name the destination *.gguf",
			opts.type);
	return store_folder(m, t, dst, (struct store_form){ (enum jdtype)dtype, opts.part_bytes,
		src }, e);
}

static int
run(struct jcli *cli, void *arg, int argc, char **argv, struct jerr *e)
{
	struct jmodel_gguf gguf = { .name = opts.name, .mix = jmix_find(opts.type) };
	struct jmodel *m;
	struct jtok *t;
	int rc;

	(void)arg;
	if (argc != 2)
		return jerr_set(e, JERR_ARG, "convert wants SRC and DST, got %d operands", argc);
	if ((opts.split.max_bytes || opts.split.max_tensors) &&
	    (!jstr_ends(argv[1], ".gguf") || jadapter_is(argv[0])))
		return jerr_set(e, JERR_ARG, "%s: only models as GGUF files (*.gguf) are divided so; a folder "
			"has --shard-size", argv[1]);
	if (jadapter_is(argv[0]))
		return convert_adapter(argv[0], argv[1], opts.forget, e);
	rc = jinfer_open(&m, &t, argv[0], opts.tokenizer, false, e);
	if (rc < 0)
		return rc;
	if (t)
		store_adopt_ids(m, t);
	else
		jcli_warn(cli, "%s: no tokenizer found, none is written", argv[0]);
	if (jstr_ends(argv[1], ".gguf"))
		rc = store_gguf(m, t, argv[1], &gguf, &opts.split, e);
	else
		rc = to_folder(m, t, argv[0], argv[1], e);
	if (rc >= 0 && gguf.fallbacks)
		jcli_warn(cli, "rows that are no multiple of 32 are stored as F16");
	if (t)
		jtok_free(t);
	jmodel_free(m);
	return rc;
}

const struct jverb convert_verb = {
	.name = "convert",
	.args = "[--type TYPE] SRC DST",
	.summary = "convert between model folders, GGUF and llama2.c",
	.opts = table,
	.run = run,
};
