/*
 * deduppairs.h - who is compared with whom: the members of a bucket (documents with one hash in
 * common), in the order of their ranks.
 *
 * Up to twice `width` members are compared with each other, all of them; of more, each meets the
 * `width` best and the `width` before it, so that boilerplate costs time linear in its copies.
 */
#ifndef DEDUPPAIRS_H
#define DEDUPPAIRS_H

#include "dedup.h"

enum { BUCKET_WIDTH = 64 };		/* the largest */

struct bucket_member {
	uint64_t rank;
	uint32_t at;			/* place in the text, for spans */
};

struct bucket {
	struct bucket_member best[BUCKET_WIDTH], window[BUCKET_WIDTH];
	uint64_t n, width;
};

/* Pairs m with the members it meets, each of which is before it, and makes it a member. */
int bucket_meet(struct bucket *k, const struct bucket_member *m, int (*pair)(void *arg,
	const struct bucket_member *a, const struct bucket_member *b, struct jerr *e), void *arg,
	struct jerr *e);

/* Appends a wanted set or text to d->sets and notes its place in the document's row. */
int dedup_store_wanted(struct dedup *d, uint64_t ordinal, const void *p, size_t n, struct jerr *e);

#endif
