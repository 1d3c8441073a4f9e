/*
 * tokenize.h - jtokenize: the verbs and what they share.
 */
#ifndef TOKENIZE_H
#define TOKENIZE_H

#include "cli/jcli.h"
#include "tok/jtok.h"

struct tokenize_opts {
	const char *tok;		/* -t: NULL = the shipped tokenizer */
	/* encode */
	uint64_t shard_tokens;
	uint64_t chunk;			/* also ids; 0 = whole */
	bool eos, mask, best_fit;
	uint64_t pack;			/* also mix; tokens of a row, 0 = not packed */
	uint64_t rows;			/* mix */
	bool plan;
	/* ids, decode, count */
	bool json, special, bos, offsets;
	const char *by;
	/* template */
	bool generation_prompt, lines, vars;
	const char *tools, *template;
	/* check */
	bool stats;
	/* train */
	uint64_t vocab;
	const char *pre, *extend;
	bool choose;
	const char *model, *held_out;
	int64_t min_frequency;
	struct jopt_list specials;
};

#define TOKENIZE_OPTS_INIT { .shard_tokens = 100000000, .eos = true, .vocab = 8192, \
	.pre = "llama3", .min_frequency = 2 }

jcli_run_fn encode_run, train_run, ids_run, decode_run, count_run, template_run, check_run,
	mix_run, save_run;
/* unshard.c: the documents of shards as JSON strings. */
int unshard_run(struct jcli *cli, const struct tokenize_opts *o, int argc, char **argv, struct jerr *e);

/* Loads -t, or the tokenizer that is shipped. */
int tokenizer_open(struct jtok **t, const struct tokenize_opts *o, struct jerr *e);
/* choose.c: replaces t by its cut that costs least per byte of held-out text. */
int choose_size(struct jcli *cli, const struct tokenize_opts *o, struct jtok **t, struct jerr *e);
int tokenizer_save(const struct jtok *t, const char *dir, struct jerr *e);

#endif
