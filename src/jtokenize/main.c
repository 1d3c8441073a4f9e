/* jtokenize - trains tokenizers, and turns text into token ids and shards. */
#include "tokenize.h"

#include "base/jmem.h"
#include "io/jfs.h"

int
tokenizer_open(struct jtok **t, const struct tokenize_opts *o, struct jerr *e)
{
	char *shipped;
	int rc;

	if (o->tok)
		return jtok_load(t, o->tok, e);
	shipped = jcli_share("tokenizers/default");
	rc = jfs_is_dir(shipped) ? jtok_load(t, shipped, e) :
		jerr_set(e, JERR_ARG, "no tokenizer given with -t, and none is shipped at %s", shipped);
	jmem_free(shipped);
	return rc;
}

#define TOK_OPT(o) { "tokenizer", 't', JOPT_STR, &(o).tok, "TOK", \
	"folder, tokenizer.json, llama2.c .bin, sentencepiece .model, .tiktoken or GGUF" }
#define SPECIAL_OPT(o) { "special", 0, JOPT_BOOL, &(o).special, NULL, \
	"text of special tokens becomes their ids" }

static struct tokenize_opts o = TOKENIZE_OPTS_INIT;
static const struct jopt encode_opts[] = {
	TOK_OPT(o),
	{ "shard-tokens", 0, JOPT_COUNT, &o.shard_tokens, "N", "tokens after which the next shard begins" },
	{ "chunk", 0, JOPT_COUNT, &o.chunk, "N", "cut documents into documents of at most N tokens" },
	{ "pack", 0, JOPT_COUNT, &o.pack, "N", "write rows of N tokens and one, as training reads them" },
	{ "best-fit", 0, JOPT_BOOL, &o.best_fit, NULL, "with --pack: keep documents whole where they fit a row" },
	{ "eos", 0, JOPT_BOOL, &o.eos, NULL, "end each document with the end-of-text token" },
	{ "mask", 0, JOPT_BOOL, &o.mask, NULL, "write the loss mask even if the first record has none" },
	SPECIAL_OPT(o),
	{ .type = JOPT_END }
};
static const struct jopt train_opts[] = {
	{ "vocab", 'v', JOPT_COUNT, &o.vocab, "N", "tokens, special ones and the 256 bytes included" },
	{ "pre", 0, JOPT_STR, &o.pre, "NAME", "how text is cut into words", .choices = "llama3|gpt2|qwen2" },
	{ "extend", 0, JOPT_STR, &o.extend, "TOK", "go on from this tokenizer, whose ids stay" },
	{ "choose", 0, JOPT_BOOL, &o.choose, NULL, "take the size up to -v that costs least per byte of text" },
	{ "model", 0, JOPT_STR, &o.model, "PRESET", "the model whose cost it is" },
	{ "held-out", 0, JOPT_STR, &o.held_out, "FILE", "text or records to measure on" },
	{ "min-frequency", 0, JOPT_INT, &o.min_frequency, "N", "pairs seen less often are not merged" },
	{ "special-token", 0, JOPT_LIST, &o.specials, "TEXT",
		"special tokens instead of the usual four; the first ends a text" },
	{ .type = JOPT_END }
};
static const struct jopt ids_opts[] = {
	TOK_OPT(o),
	{ "json", 0, JOPT_BOOL, &o.json, NULL, "lines are JSON strings" },
	SPECIAL_OPT(o),
	{ "bos", 0, JOPT_BOOL, &o.bos, NULL, "add what the file's post-processor adds (BOS, EOS)" },
	{ "offsets", 0, JOPT_BOOL, &o.offsets, NULL, "write objects with the bytes that each id stands for" },
	{ "chunk", 0, JOPT_COUNT, &o.chunk, "N", "a line out for every N ids" },
	{ .type = JOPT_END }
};
static const struct jopt decode_opts[] = {
	TOK_OPT(o),
	{ "special", 0, JOPT_BOOL, &o.special, NULL, "write special tokens too" },
	{ .type = JOPT_END }
};
static const struct jopt count_opts[] = {
	TOK_OPT(o),
	{ "by", 0, JOPT_STR, &o.by, "FIELD", "also per value of this member; \"file\": per input file" },
	SPECIAL_OPT(o),
	{ .type = JOPT_END }
};
static const struct jopt save_opts[] = { TOK_OPT(o), { .type = JOPT_END } };
static const struct jopt template_opts[] = {
	TOK_OPT(o),
	{ "generation-prompt", 0, JOPT_BOOL, &o.generation_prompt, NULL,
		"end with what begins the answer" },
	{ "tools", 0, JOPT_STR, &o.tools, "FILE", "JSON array of tools for the template" },
	{ "template", 0, JOPT_STR, &o.template, "FILE", "this template instead of the tokenizer's" },
	{ "vars", 0, JOPT_BOOL, &o.vars, NULL, "the input is the object of all variables; no tokenizer" },
	{ "lines", 0, JOPT_BOOL, &o.lines, NULL, "a record a line in, a JSON string a line out" },
	{ .type = JOPT_END }
};
static const struct jopt mix_opts[] = {
	{ "pack", 0, JOPT_COUNT, &o.pack, "N", "rows of N tokens and one; default those of packed sets" },
	{ "best-fit", 0, JOPT_BOOL, &o.best_fit, NULL, "keep documents whole where they fit a row" },
	{ "rows", 0, JOPT_COUNT, &o.rows, "N", "rows in all; default until the limits are reached" },
	{ "plan", 0, JOPT_BOOL, &o.plan, NULL, "write what each set would give, not the rows" },
	{ "shard-tokens", 0, JOPT_COUNT, &o.shard_tokens, "N", "tokens after which the next shard begins" },
	{ .type = JOPT_END }
};
static const struct jopt check_opts[] = {
	{ "stats", 0, JOPT_BOOL, &o.stats, NULL, "also lengths of documents and use of the vocabulary" },
	{ .type = JOPT_END }
};
static const struct jverb verbs[] = {
	{ "train", "[options] -o DIR [FILE ...]", "train a byte-level BPE tokenizer", train_opts,
		train_run, &o },
	{ "encode", "[options] -o DIR|FILE.jsh [FILE ...]", "turn documents into token shards",
		encode_opts, encode_run, &o },
	{ "ids", "[options] [FILE ...]", "a line of text in, a JSON array of ids out", ids_opts, ids_run, &o },
	{ "decode", "[options] [FILE ...]", "JSON arrays of ids, or token shards, in, JSON strings out", decode_opts,
		decode_run, &o },
	{ "count", "[options] [FILE ...]", "count the tokens of documents", count_opts, count_run, &o },
	{ "template", "[options] [FILE]", "render messages with the chat template", template_opts,
		template_run, &o },
	{ "save", "[options] -o DIR|FILE.tiktoken", "write a tokenizer in another format", save_opts,
		save_run, &o },
	{ "mix", "[options] -o DIR|FILE.jsh SHARDS=WEIGHT[,LIMIT] ...", "mix sets of shards by weights", mix_opts,
		mix_run, &o },
	{ "check", "[options] SHARD ...", "verify every checksum of token shards", check_opts, check_run, &o },
	{ .name = NULL }
};

int
main(int argc, char **argv)
{
	const struct jtool tool = { .name = "jtokenize", .args = "[options] [FILE ...]",
		.summary = "turn text into token shards, and train tokenizers", .opts = encode_opts,
		.run = encode_run, .arg = &o, .verbs = verbs };

	return jcli_main(&tool, argc, argv);
}
