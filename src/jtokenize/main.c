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

int
main(int argc, char **argv)
{
	static struct tokenize_opts o = TOKENIZE_OPTS_INIT;
	static const struct jopt encode_opts[] = {
		TOK_OPT(o),
		{ "shard-tokens", 0, JOPT_COUNT, &o.shard_tokens, "N", "tokens after which the next shard begins" },
		{ "eos", 0, JOPT_BOOL, &o.eos, NULL, "end each document with the end-of-text token" },
		{ "mask", 0, JOPT_BOOL, &o.mask, NULL, "write the loss mask even if the first record has none" },
		SPECIAL_OPT(o),
		{ .type = JOPT_END }
	};
	static const struct jopt train_opts[] = {
		{ "vocab", 'v', JOPT_COUNT, &o.vocab, "N", "tokens, special ones and the 256 bytes included" },
		{ "pre", 0, JOPT_STR, &o.pre, "NAME", "how text is cut into words", .choices = "llama3|gpt2|qwen2" },
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
		{ .type = JOPT_END }
	};
	static const struct jopt decode_opts[] = {
		TOK_OPT(o),
		{ "special", 0, JOPT_BOOL, &o.special, NULL, "write special tokens too" },
		{ .type = JOPT_END }
	};
	static const struct jopt count_opts[] = { TOK_OPT(o), SPECIAL_OPT(o), { .type = JOPT_END } };
	static const struct jopt template_opts[] = {
		TOK_OPT(o),
		{ "generation-prompt", 0, JOPT_BOOL, &o.generation_prompt, NULL,
			"end with what begins the answer" },
		{ "tools", 0, JOPT_STR, &o.tools, "FILE", "JSON array of tools for the template" },
		{ "lines", 0, JOPT_BOOL, &o.lines, NULL, "a record a line in, a JSON string a line out" },
		{ .type = JOPT_END }
	};
	static const struct jopt no_opts[] = { { .type = JOPT_END } };
	static const struct jverb verbs[] = {
		{ "train", "[options] -o DIR [FILE ...]", "train a byte-level BPE tokenizer", train_opts,
			train_run, &o },
		{ "encode", "[options] -o DIR|FILE.jsh [FILE ...]", "turn documents into token shards",
			encode_opts, encode_run, &o },
		{ "ids", "[options] [FILE ...]", "a line of text in, a JSON array of ids out", ids_opts, ids_run, &o },
		{ "decode", "[options] [FILE ...]", "JSON arrays of ids in, JSON strings out", decode_opts,
			decode_run, &o },
		{ "count", "[options] [FILE ...]", "count the tokens of documents", count_opts, count_run, &o },
		{ "template", "[options] [FILE]", "render messages with the chat template", template_opts,
			template_run, &o },
		{ "check", "SHARD ...", "verify every checksum of token shards", no_opts, check_run, &o },
		{ .name = NULL }
	};
	const struct jtool tool = { .name = "jtokenize", .args = "[options] [FILE ...]",
		.summary = "turn text into token shards, and train tokenizers", .opts = encode_opts,
		.run = encode_run, .arg = &o, .verbs = verbs };

	return jcli_main(&tool, argc, argv);
}
