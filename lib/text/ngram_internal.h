/*
 * ngram_internal.h - private: the tables of an n-gram model.
 *
 * A trie by levels: level n holds the n-grams in lexicographic order, of each only its last word;
 * the n-grams that continue entry i of level n are entries child[i] .. child[i + 1] - 1 of level
 * n + 1.  Level 0 is the empty context, one entry.
 */
#ifndef NGRAM_INTERNAL_H
#define NGRAM_INTERNAL_H

#include "text/jngram.h"

struct ngram_level {
	uint32_t *word;
	float *prob;		/* interpolated; while counts are read, none */
	float *back;		/* g of the n-gram as a context; not on the highest level */
	uint32_t *child;	/* n + 1 entries; not on the highest level */
	uint64_t n;
};

struct jngram {
	struct jngram_info info;
	struct ngram_level level[JNGRAM_MAX_ORDER + 1];
};

#define NGRAM_NONE UINT64_MAX

/* Entry of level k + 1 for word w after entry `at` of level k, or NGRAM_NONE. */
uint64_t jngram_child(const struct jngram *m, int k, uint64_t at, uint32_t w);
/* Entry of level n for n words, or NGRAM_NONE. */
uint64_t jngram_find(const struct jngram *m, const uint32_t *words, int n);

struct jsort;
struct ngram_counts {			/* of one order, before anything is left out */
	uint64_t distinct;
	uint64_t of[5];			/* n-grams with count 1..4 */
};
/*
 * Fills the tables from counted: records of order (1 byte), ids (big-endian), count (8 bytes,
 * big-endian), sorted.
 */
int jngram_build(struct jngram *m, struct jsort *counted, const struct ngram_counts *counts,
	uint64_t memory, struct jerr *e);

#endif
