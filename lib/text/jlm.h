/*
 * jlm.h - n-gram language models over words, as back-off tables: read from ARPA files or from our
 * own binary, trained with modified Kneser-Ney smoothing (jngram.h), written as either.
 *
 *	p(w | h) = P(hw) where the n-gram hw is listed, else B(h) p(w | h'), h' = h without its first
 *	word; B is 1 for an unlisted h.  Logarithms are to base 10, as in ARPA files.
 *
 * A sentence starts after <s>, which is never predicted, and ends with </s>, which is.  A word that
 * is not listed is <unk>; a model without <unk> gives it 10^-100 (KenLM's default).
 *
 * Binary (version 1, little-endian): magic "\x89JLM\r\n\x1a\n", version, order, entries by order,
 * then for each order its keys (64-bit hashes of the word hashes, sorted) and after each key P and
 * B as 32-bit floats, then the length and CRC-32C of all that.  Words are kept as hashes only, so
 * a binary is scored with, not turned back into an ARPA file.  It is mapped, not read.
 *
 * A model is read-only and may be used by many threads.
 */
#ifndef JLM_H
#define JLM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

enum { JLM_MAX_ORDER = 8 };

struct jlm;

/* Either format, told apart by the magic; an ARPA file may be compressed. */
int jlm_open(struct jlm **m, const char *file, struct jerr *e);
/* ARPA text or a binary from memory, which must stay; name stands in messages. */
int jlm_open_mem(struct jlm **m, const void *p, size_t n, const char *name, struct jerr *e);
void jlm_free(struct jlm *m);				/* NULL is fine */
int jlm_order(const struct jlm *m);
/* The bytes of the binary form. */
void jlm_write(const struct jlm *m, struct jbuf *out);

struct jlm_state {			/* the words before, the last first */
	uint64_t word[JLM_MAX_ORDER];
	float back[JLM_MAX_ORDER];	/* B of the last 1..n of them */
	int n;
};
void jlm_begin(const struct jlm *m, struct jlm_state *s);	/* after <s> */
/* log10 p of the word, which is then the last of the state. */
double jlm_score(const struct jlm *m, struct jlm_state *s, const char *word, size_t n);
double jlm_end(const struct jlm *m, struct jlm_state *s);	/* log10 p of </s> */
/*
 * Perplexity of a text: each line is a sentence of its words (jwords.h) in lower case; lines
 * without words do not count.  10^-(sum of log10 p / (words + lines)); NaN without a word.
 */
double jlm_perplexity(const struct jlm *m, const char *text, size_t n);

struct jlm_opts {
	int order;		/* 1..5 usual: 5 */
	int min_count;		/* words seen less often are <unk> */
	uint64_t memory;	/* bytes, whatever the length of the text */
	bool binary;		/* write the binary instead of an ARPA file */
};
struct jlm_sink {
	int (*write)(void *arg, const void *p, size_t n, struct jerr *e);	/* 0 or < 0 */
	void *arg;
};
struct jlm_trainer;
int jlm_train_open(struct jlm_trainer **t, const struct jlm_opts *o, struct jerr *e);
/* Lines and words as for jlm_perplexity().  JERR_LIMIT where the words take a quarter of the memory. */
int jlm_train_add(struct jlm_trainer *t, const char *text, size_t n, struct jerr *e);
/* Frees t in any case and writes the model piece by piece; what the sink has of a failure is no model. */
int jlm_train_finish(struct jlm_trainer *t, const struct jlm_sink *to, struct jerr *e);
void jlm_train_abort(struct jlm_trainer *t);		/* NULL is fine */

#endif
