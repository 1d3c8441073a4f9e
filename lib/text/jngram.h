/*
 * jngram.h - n-gram language models over token ids: interpolated modified Kneser-Ney smoothing
 * (Chen and Goodman 1998), the baseline that a neural model has to beat on the same text.
 *
 * The vocabulary is closed: ids 0..vocab-1, each of which gets a probability in every context, and
 * those add up to 1.  A sequence is a document; its first tokens are predicted after a mark that
 * stands for the beginning.  Tokens that end a document are ordinary ids if the caller puts them
 * there.
 *
 *	p(w | h) = max(c(hw) - D(c), 0) / c(h) + g(h) p(w | h')
 *
 * where c is the count for the highest order and for n-grams at the beginning, else the number of
 * different tokens before; D has one value each for counts 1, 2 and 3 or more, estimated from the
 * counts of counts; g(h) is what the discounts left over; the last h' is the uniform distribution.
 *
 *	jngram_train_open -> jngram_train_add ... -> jngram_train_finish -> jngram_log2 ... -> jngram_free
 *
 * Training counts by external sort within `memory`; the finished tables must fit half of it.  Where
 * they do not, n-grams of the highest order that were seen least are left out (their mass goes to
 * g), up to those seen 3 times, and then it is JERR_LIMIT with the bytes that were needed.  A model
 * is read-only and may be used by many threads.
 */
#ifndef JNGRAM_H
#define JNGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

enum { JNGRAM_MAX_ORDER = 8 };

struct jngram_opts {
	int order;		/* 1..JNGRAM_MAX_ORDER; 5 is usual */
	uint32_t vocab;
	uint64_t memory;	/* bytes */
};

struct jngram;
struct jngram_trainer;

int jngram_train_open(struct jngram_trainer **t, const struct jngram_opts *o, struct jerr *e);
/* One document.  JERR_ARG for an id that is not below vocab. */
int jngram_train_add(struct jngram_trainer *t, const uint32_t *ids, size_t n, struct jerr *e);
/* Frees t in any case.  *m is freed by jngram_free(). */
int jngram_train_finish(struct jngram_trainer *t, struct jngram **m, struct jerr *e);
void jngram_train_abort(struct jngram_trainer *t);	/* NULL is fine */

void jngram_free(struct jngram *m);
/* log2 of the probability of ids[at] after ids[0..at-1], which start a document. */
double jngram_log2(const struct jngram *m, const uint32_t *ids, size_t at);
/* The sum of that over a whole document: minus it is the bits the document costs. */
double jngram_log2_sum(const struct jngram *m, const uint32_t *ids, size_t n);

struct jngram_info {
	int order;
	uint32_t vocab;
	uint64_t tokens, documents;			/* trained on */
	uint64_t grams[JNGRAM_MAX_ORDER + 1];		/* kept, by order */
	uint32_t least_top;				/* counts below this left out; 1 = none */
	uint64_t bytes;					/* of the tables */
	double discount[JNGRAM_MAX_ORDER + 1][4];	/* by order, [1] [2] [3] */
};
void jngram_describe(const struct jngram *m, struct jngram_info *info);

#endif
