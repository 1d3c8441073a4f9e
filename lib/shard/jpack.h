/*
 * jpack.h - training sequences from a shard set: which tokens go into sequence number i, for any i,
 * in a keyed order that can be resumed from the number alone.
 *
 * Documents are packed into rows of seq + 1 tokens (the last is only a target).  JPACK_STREAM cuts
 * the shuffled concatenation of documents every seq tokens, so that each token is a target once; a
 * document that does not fit goes on in the next cut, and the last row is padded.  JPACK_BEST_FIT
 * keeps each document (cut at seq + 1) in one row, best fit decreasing over windows of the shuffled
 * documents, for fine-tuning.  Rows are then handed out in a keyed order, so that the cuts of one
 * long document do not fill a batch.  Either way seg[] numbers the document of each position inside
 * the row, so attention and position ids do not cross documents.
 *
 * A set that is packed already (jshard.h) gives its rows as they were written, whatever the mode; seq
 * must be theirs.  They are handed out in a keyed order too, unless the set says to keep its own.
 *
 * The order is a function of (seed, epoch); no state but the row number needs saving.
 */
#ifndef JPACK_H
#define JPACK_H

#include "shard/jshard.h"

enum jpack_mode { JPACK_STREAM, JPACK_BEST_FIT };

struct jpack;

struct jpack_row {
	int32_t *ids;		/* [seq]   input tokens */
	int32_t *targets;	/* [seq]   next token, or -1: no loss (mask 0, document end, padding) */
	int32_t *seg;		/* [seq]   segment number from 0, padding rows continue the last */
	int32_t *pos;		/* [seq]   position inside the segment */
};

int jpack_open(struct jpack **p, const struct jshard_set *s, enum jpack_mode mode, int seq,
	uint64_t seed, struct jerr *e);
void jpack_close(struct jpack *p);
uint64_t jpack_rows(const struct jpack *p);	/* rows per epoch */
/* Row i (any i; i / rows is the epoch).  Thread safe. */
int jpack_row(struct jpack *p, uint64_t i, struct jpack_row *out, struct jerr *e);
/* A piece of a document that lies in a row; the rest of the row is padding. */
struct jpack_part {
	uint64_t doc, from;		/* from: global index of its first token */
	size_t n;
};
/* The pieces of row i, in order, at most max (seq + 1 is enough): their tokens are together at most
 * seq + 1.  Returns how many. */
size_t jpack_row_parts(struct jpack *p, uint64_t i, struct jpack_part *v, size_t max);
/* Document numbers of row i, at most max; returns how many there are: for the record of what entered
 * which step. */
size_t jpack_row_docs(struct jpack *p, uint64_t i, uint64_t *docs, size_t max);

#endif
