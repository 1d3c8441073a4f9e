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
	bool eos, mask;
	/* ids, decode, count */
	bool json, special, bos;
	/* template */
	bool generation_prompt, lines;
	const char *tools;
	/* train */
	uint64_t vocab;
	const char *pre;
	int64_t min_frequency;
	struct jopt_list specials;
};

#define TOKENIZE_OPTS_INIT { .shard_tokens = 100000000, .eos = true, .vocab = 8192, \
	.pre = "llama3", .min_frequency = 2 }

jcli_run_fn encode_run, train_run, ids_run, decode_run, count_run, template_run, check_run;

/* Loads -t, or the tokenizer that is shipped. */
int tokenizer_open(struct jtok **t, const struct tokenize_opts *o, struct jerr *e);

#endif
