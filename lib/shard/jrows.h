/*
 * jrows.h - documents to rows of seq + 1 tokens as they come, to be written as a packed shard.
 *
 * JPACK_STREAM fills row after row with documents in their order; where a row ends inside a document
 * the next begins with the row's last token again, so that each token but the first of its document
 * is a target once.  JPACK_BEST_FIT cuts documents longer than a row in the same way and places the
 * pieces, best fit decreasing, over windows of 65536 pieces or 4 Mi tokens (H. Ding et al., Fewer
 * Truncations Improve Language Modeling, 2024); documents of less than two tokens are left out.
 *
 *	jrows_new -> jrows_add ... -> jrows_finish -> jrows_free
 */
#ifndef JROWS_H
#define JROWS_H

#include "shard/jpack.h"

struct jrows_piece {
	const uint32_t *ids;
	const unsigned char *mask;
	size_t n;
	uint64_t text_bytes;		/* its share of the document's */
};
/* Takes a row of n pieces, together at most seq + 1 tokens. */
typedef int jrows_fn(void *arg, const struct jrows_piece *v, size_t n, struct jerr *e);

struct jrows;
int jrows_new(struct jrows **r, enum jpack_mode mode, int seq, jrows_fn *put, void *arg,
	struct jerr *e);
void jrows_free(struct jrows *r);
/* mask has n bytes 0/1, or is NULL: all count. */
int jrows_add(struct jrows *r, const uint32_t *ids, const unsigned char *mask, size_t n,
	uint64_t text_bytes, struct jerr *e);
int jrows_finish(struct jrows *r, struct jerr *e);	/* gives out what is left */

#endif
