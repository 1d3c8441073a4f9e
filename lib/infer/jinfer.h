/*
 * jinfer.h - generation: a session per sequence over a shared model, a KV cache, sampling, stop
 * rules.  A sequence's tokens do not depend on the sequences beside it in the batch, nor on -j.
 */
#ifndef JINFER_H
#define JINFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jstr.h"
#include "infer/jgrammar.h"
#include "infer/jsample.h"
#include "model/jmodel.h"
#include "tok/jtok.h"

/*
 * A model and its tokenizer, from one path (folder or GGUF) or from two.  need_tok: without a
 * tokenizer it is an error, which says how to name one; else *tok may be NULL.  A tokenizer with
 * more ids than the model has rows is an error.
 */
int jinfer_open(struct jmodel **m, struct jtok **tok, const char *model, const char *tokenizer,
	bool need_tok, struct jerr *e);
/*
 * Appends the ids of a prompt: BOS in front where the tokenizer's file says so, and for an empty
 * prompt BOS or else EOS, the end of whatever stood before.
 */
struct jprompt {
	const char *text;
	size_t n;
	bool special;			/* text of special tokens becomes their ids */
};
int jinfer_prompt(struct jtok_state *s, const struct jtok *t, const struct jprompt *p,
	struct jids *ids, struct jerr *e);
/*
 * Appends {"messages": ...} as the chat template writes it, up to where the answer begins; messages is
 * a JSON array of {role, content}.  To be encoded with JTOK_SPECIAL.
 */
int jinfer_chat(const struct jtok *t, const char *messages, size_t n, struct jbuf *out,
	struct jerr *e);

/*
 * The engine: `slots` sequences of up to `capacity` tokens.  feed() puts tokens of a slot at the
 * end of its cache; with many slots per call their rows run as one batch.
 */
struct jinfer;
int jinfer_new(struct jinfer **inf, struct jmodel *m, struct jpar *pool, int slots, int capacity,
	struct jerr *e);
void jinfer_free(struct jinfer *inf);
uint64_t jinfer_kv_bytes(const struct jmodel_config *c, int slots, int capacity);

struct jinfer_feed {
	int slot;
	const uint32_t *ids;
	size_t n;
	float *logits;		/* [V] of the last token, filled by the call; NULL = not wanted */
	float *all_logits;	/* [n, V] of every token, or NULL */
	float *hidden;		/* [n, C] of every token, the final norm applied, or NULL */
};
int jinfer_feed(struct jinfer *inf, const struct jinfer_feed *f, size_t n, struct jerr *e);
size_t jinfer_length(const struct jinfer *inf, int slot);
int jinfer_capacity(const struct jinfer *inf);
const struct jmodel_config *jinfer_config(const struct jinfer *inf);
void jinfer_reset(struct jinfer *inf, int slot);	/* forgets the slot's tokens */
void jinfer_truncate(struct jinfer *inf, int slot, size_t n);	/* keeps the first n of them */
/*
 * Begins a new sequence in the slot.  Where the caches of this or another slot still hold tokens that
 * ids[0..n-1] begin with, their rows are taken over: returns how many, at most n - 1; feed the rest.
 * The bits are those of feeding everything.
 */
size_t jinfer_begin(struct jinfer *inf, int slot, const uint32_t *ids, size_t n);
void jinfer_fork(struct jinfer *inf, int from, int to);	/* `to` becomes a copy of the sequence */
/* A sequence's cache as a file (safetensors), and back: only into the same model's. */
int jinfer_save(const struct jinfer *inf, int slot, const char *path, struct jerr *e);
int jinfer_restore(struct jinfer *inf, int slot, const char *path, struct jerr *e);

/* One completion.  on_text gets decoded pieces as they become whole UTF-8; non-zero stops. */
struct jgen_opts {
	struct jsample_opts sample;
	uint64_t seed;
	uint64_t key;			/* with seed: the random stream of this completion */
	int max_tokens;			/* -n */
	const char *const *stop;	/* stop strings, NULL-terminated, or NULL */
	bool ignore_eos;
	/*
	 * The text is held to a grammar, by masks over the vocabulary (which it shares with other
	 * completions of the same thread).  Where the shortest end still fits into max_tokens, the
	 * end is reached in time: the text is then whole, never cut.
	 */
	const struct jgrammar *grammar;
	struct jgvocab *vocab;
	/*
	 * Speculation: up to so many tokens are guessed, by what followed the same words before or by
	 * a draft model (an engine of the same vocabulary; the task's slot is used), and checked in one
	 * pass.  Every token is still drawn from the model's own logits with the same random numbers,
	 * and rows do not depend on their neighbours: the text is the same, byte for byte, at any
	 * temperature.  0: off.
	 */
	bool whole_prompt;		/* compute all of it, even what another sequence has */
	int speculate;
	struct jinfer *draft;		/* NULL: look the words up */
	int logprobs;			/* likeliest tokens to tell for each token; 0: none, no log-probabilities */
	int (*on_text)(void *arg, const char *p, size_t n);
	void *arg;
};
struct jgen_result {
	struct jbuf text;		/* without the stop string */
	struct jids ids;
	/*
	 * With logprobs: for each id first its own, then the likeliest: 1 + logprobs entries.  They are
	 * the model's own, before penalties, masks and temperature.
	 */
	struct jlogprob *logprobs;
	size_t n_logprobs, cap_logprobs;
	size_t reused;			/* tokens of the prompt taken from a cache */
	uint64_t drafted, accepted;	/* tokens guessed, and those that were right */
	const char *finish;		/* "stop", "length" or "context" */
	double prompt_s, decode_s;
};
void jgen_result_init(struct jgen_result *r);
void jgen_result_release(struct jgen_result *r);
/* A completion to be made.  tok may be NULL: ids only, no text.  What it points to outlives it. */
struct jgen_task {
	struct jinfer *inf;
	int slot;
	const struct jtok *tok;
	struct jtok_state *state;	/* of tok; used by one thread at a time */
	const uint32_t *prompt;		/* n ids, copied */
	size_t n;
	const struct jgen_opts *opts;
	struct jgen_result *result;
};
int jinfer_complete(const struct jgen_task *t, struct jerr *e);
/*
 * The likeliest text by beam search instead; of opts only max_tokens and ignore_eos count.  The engine
 * has at least `width` slots, all of which are used.
 */
struct jbeam_opts {
	int width;
	double length_penalty;		/* scores are divided by length to this power */
};
int jinfer_beam(const struct jgen_task *t, const struct jbeam_opts *o, struct jerr *e);

/*
 * The same for many sequences at once: each step feeds what every unfinished one has pending (its
 * prompt, at most a chunk of it, or its last token) as one batch.  The slot is reset when a task
 * starts and free again when it is finished.
 */
struct jgen;
int jgen_start(struct jgen **g, const struct jgen_task *t, struct jerr *e);
/* Advances all of them; NULL entries and finished ones are passed over.  They share one engine. */
int jgen_step(struct jgen *const *g, size_t n, struct jerr *e);
bool jgen_done(const struct jgen *g);
void jgen_free(struct jgen *g);

#endif
