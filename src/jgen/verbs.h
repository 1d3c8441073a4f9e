/* verbs.h - the verbs of jgen, one file each, and what they share. */
#ifndef VERBS_H
#define VERBS_H

#include "cli/jcli.h"
#include "infer/jinfer.h"

extern const struct jverb complete_verb, chat_verb, synth_verb, embed_verb, bench_verb;

/* What every verb that samples from a model asks for; each has its own table of options for it. */
struct model_opts {
	const char *model, *tokenizer, *adapters;
	struct jopt_list adapter;
	int64_t adapters_kept;
	int64_t max_tokens, top_k, repeat_last, context, dry_allowed, dry_last;
	double temperature, top_p, min_p, typical_p, top_n_sigma, xtc_probability, xtc_threshold;
	double repeat_penalty, presence_penalty, frequency_penalty, dry_multiplier, dry_base;
	struct jopt_list stop, bias;
	bool ignore_eos;
	const char *schema, *grammar, *regex, *draft, *cache_type;
	int64_t speculate;
};
#define MODEL_OPTS_INIT { .max_tokens = 256, .top_k = 40, .repeat_last = 64, .temperature = 0.8, \
	.top_p = 0.95, .min_p = 0.05, .typical_p = 1, .repeat_penalty = 1.0, .xtc_threshold = 0.1, \
	.dry_base = 1.75, .dry_allowed = 2, .cache_type = "f32", \
	.adapters_kept = 64 }

#define MODEL_OPTS(o) \
	{ .name = "model", .letter = 'm', .type = JOPT_STR, .value = &(o)->model, .arg = "MODEL", \
		.help = "model folder, GGUF file or llama2.c file" }, \
	{ .name = "tokenizer", .type = JOPT_STR, .value = &(o)->tokenizer, .arg = "TOK", \
		.help = "tokenizer, where the model carries none" }, \
	{ .name = "adapter", .type = JOPT_LIST, .value = &(o)->adapter, .arg = "DIR", \
		.help = "adapter folder to hang on the model; NAME=DIR: for those who name it" }, \
	{ .name = "max-tokens", .letter = 'n', .type = JOPT_INT, .value = &(o)->max_tokens, \
		.arg = "N", .help = "most tokens of one answer" }, \
	{ .name = "context", .type = JOPT_INT, .value = &(o)->context, .arg = "N", \
		.help = "tokens kept per sequence, 0 = all that the model can" }, \
	{ .name = "cache-type", .type = JOPT_STR, .value = &(o)->cache_type, .arg = "TYPE", \
		.help = "keys and values kept as f32, f16 or q8_0; two types: keys,values" }, \
	{ .name = "temperature", .type = JOPT_DOUBLE, .value = &(o)->temperature, .arg = "X", \
		.help = "0 always takes the likeliest token" }, \
	{ .name = "top-k", .type = JOPT_INT, .value = &(o)->top_k, .arg = "N", \
		.help = "sample among the N likeliest tokens, 0 = all" }, \
	{ .name = "top-p", .type = JOPT_DOUBLE, .value = &(o)->top_p, .arg = "X", \
		.help = "sample among the likeliest tokens that reach this share, 1 = all" }, \
	{ .name = "min-p", .type = JOPT_DOUBLE, .value = &(o)->min_p, .arg = "X", \
		.help = "drop tokens below this share of the likeliest, 0 = none" }, \
	{ .name = "typical-p", .type = JOPT_DOUBLE, .value = &(o)->typical_p, .arg = "X", \
		.help = "keep the tokens of usual surprise that reach this share, 1 = all" }, \
	{ .name = "top-n-sigma", .type = JOPT_DOUBLE, .value = &(o)->top_n_sigma, .arg = "X", \
		.help = "keep logits within X deviations of the highest, 0 = all" }, \
	{ .name = "xtc-probability", .type = JOPT_DOUBLE, .value = &(o)->xtc_probability, \
		.arg = "X", .help = "chance to leave out all but the least of the likely tokens" }, \
	{ .name = "xtc-threshold", .type = JOPT_DOUBLE, .value = &(o)->xtc_threshold, .arg = "X", \
		.help = "tokens of at least this probability are likely ones" }, \
	{ .name = "repeat-penalty", .type = JOPT_DOUBLE, .value = &(o)->repeat_penalty, .arg = "X", \
		.help = "make recent tokens less likely, 1 = off" }, \
	{ .name = "repeat-last", .type = JOPT_INT, .value = &(o)->repeat_last, .arg = "N", \
		.help = "how many tokens back the penalty looks" }, \
	{ .name = "presence-penalty", .type = JOPT_DOUBLE, .value = &(o)->presence_penalty, \
		.arg = "X", .help = "taken off the logits of recent tokens" }, \
	{ .name = "frequency-penalty", .type = JOPT_DOUBLE, .value = &(o)->frequency_penalty, \
		.arg = "X", .help = "taken off the logits of recent tokens for each time they occur" }, \
	{ .name = "dry-multiplier", .type = JOPT_DOUBLE, .value = &(o)->dry_multiplier, .arg = "X", \
		.help = "penalty of tokens that go on with a repetition, 0 = off" }, \
	{ .name = "dry-base", .type = JOPT_DOUBLE, .value = &(o)->dry_base, .arg = "X", \
		.help = "growth of that penalty for each token repeated" }, \
	{ .name = "dry-allowed", .type = JOPT_INT, .value = &(o)->dry_allowed, .arg = "N", \
		.help = "length of repetitions from which it counts" }, \
	{ .name = "dry-last", .type = JOPT_INT, .value = &(o)->dry_last, .arg = "N", \
		.help = "how many tokens back it looks, 0 = all" }, \
	{ .name = "logit-bias", .type = JOPT_LIST, .value = &(o)->bias, .arg = "ID=X", \
		.help = "add X to the logit of a token id, -inf bans it (may be repeated)" }, \
	{ .name = "schema", .type = JOPT_STR, .value = &(o)->schema, .arg = "FILE", \
		.help = "write JSON that satisfies this JSON schema" }, \
	{ .name = "grammar", .type = JOPT_STR, .value = &(o)->grammar, .arg = "FILE", \
		.help = "write text of this GBNF grammar" }, \
	{ .name = "regex", .type = JOPT_STR, .value = &(o)->regex, .arg = "TEXT", \
		.help = "write text that this regular expression matches" }, \
	{ .name = "speculate", .type = JOPT_INT, .value = &(o)->speculate, .arg = "N", \
		.help = "guess N tokens ahead and check them at once; the text stays the same" }, \
	{ .name = "draft", .type = JOPT_STR, .value = &(o)->draft, .arg = "MODEL", \
		.help = "a small model that guesses; else what followed the same words before" }, \
	{ .name = "stop", .type = JOPT_LIST, .value = &(o)->stop, .arg = "TEXT", \
		.help = "end an answer before this text (may be repeated)" }, \
	{ .name = "ignore-eos", .type = JOPT_BOOL, .value = &(o)->ignore_eos, \
		.help = "go on after tokens that end a text" }

/* A model ready to generate. */
struct model {
	struct jmodel *m;
	struct jtok *tok;
	struct jtok_state *state;
	struct jpar *pool;
	struct jinfer *inf;
	const char **stop;		/* NULL-terminated */
	struct jlogit_bias *bias;
	size_t n_bias;
	bool *dry_breaks;		/* by token id */
	struct jmodel *draft_model;	/* NULL: no draft */
	struct jinfer *draft;
	struct jgrammar *grammar;	/* NULL: free text */
	struct jgvocab *vocab;
	struct adapter_store *store;	/* NULL: no folder of adapters */
};

int model_check(const struct model_opts *o, struct jerr *e);
/* need_tok: as jinfer_open(); without it tok may stay NULL. */
int model_open(struct model *m, const struct model_opts *o, struct jcli *cli, bool need_tok,
	struct jerr *e);
/* The engine, with a cache of at most half of -M (a draft has half of that). */
int model_start(struct model *m, const struct model_opts *o, struct jcli *cli, int slots,
	struct jerr *e);
/* With -v: what the cache took. */
void model_tell(const struct model *m, struct jcli *cli);
void model_close(struct model *m);
void model_gen_opts(const struct model *m, const struct model_opts *o, struct jcli *cli,
	struct jgen_opts *g);

/* Adapters that requests name: adapters.c. */
int adapters_check(const struct model_opts *o, bool by_name, struct jerr *e);
const char *adapters_alone(const struct model_opts *o);	/* the folder for all requests, or NULL */
char *adapters_first(const struct model_opts *o);	/* of NAME=DIR the first name, for jmem_free(); or NULL */
int adapters_open(struct model *m, const struct model_opts *o, struct jerr *e);	/* of the engine */
void adapters_close(struct model *m);
/* name NULL: none; fails where there is no such adapter, or its folder cannot be used. */
int adapters_find(struct model *m, const char *name, int *adapter, struct jerr *e);

/* What an answer is held to, and biases: constraint.c; called by model_open(). */
int constraint_open(struct model *m, const struct model_opts *o, struct jerr *e);
void constraint_close(struct model *m);

/* Drops what stands before the last tokens that leave room for an answer; a BOS in front stays. */
void truncate_prompt(struct jids *ids, const struct model *m, size_t answer);

#endif
