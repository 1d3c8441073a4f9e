/*
 * jinfer.h - generation: models opened, prompts, sampling, stop rules, many completions at once over an
 * engine (jengine.h).  A completion does not depend on those beside it in the batch, nor on -j.
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
#include "infer/jengine.h"
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
	int adapter;			/* of jinfer_adapter_find(); 0: none */
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
	const char *finish;		/* "stop", "length" or "context"; "memory": see jgen_failed() */
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
 * prompt, at most a chunk of it, or its last token) as one batch.  Where the cache has too few pages
 * the youngest ones wait: their pages go to the older ones, and what they had is computed again later,
 * with the same bits.  jgen_free() ends the sequence in the slot.
 */
struct jgen;
int jgen_start(struct jgen **g, const struct jgen_task *t, struct jerr *e);
/*
 * Advances all of them; NULL entries and finished ones are passed over.  They share one engine, and are
 * all that use it: what others hold of its pages counts as lost.
 */
int jgen_step(struct jgen *const *g, size_t n, struct jerr *e);
bool jgen_done(const struct jgen *g);
/* Why it ended without an answer: the cache cannot hold it even alone.  NULL: it did not. */
const char *jgen_failed(const struct jgen *g);
void jgen_free(struct jgen *g);

#endif
