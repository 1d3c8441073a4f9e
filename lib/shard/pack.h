/*
 * pack.h - the parts of jpack (private to the room).
 */
#ifndef SHARD_PACK_H
#define SHARD_PACK_H

#include "jpack.h"

/* Where the rows of best-fit packing take their documents: row r has docs[first[r] .. first[r+1]). */
struct pack_bins {
	uint64_t *docs;
	uint64_t *first;	/* [rows + 1] */
	uint64_t rows;
};

/* Packs all documents of s (cut at cap tokens) into rows of cap tokens; empty ones are left out. */
int pack_bins_make(struct pack_bins *b, const struct jshard_set *s, uint32_t cap, uint64_t seed,
	struct jerr *e);
void pack_bins_release(struct pack_bins *b);

#endif
