/*
 * evals_internal.h - what the parts of jevals share: the items as arrays of word hashes.
 */
#ifndef TEXT_EVALS_INTERNAL_H
#define TEXT_EVALS_INTERNAL_H

#include "base/jmem.h"
#include "text/jevals.h"
#include "text/wordkey.h"

struct evals_item {
	uint32_t at, n;			/* question, in words */
	uint32_t answer_at, answers;	/* in answer */
	double weight;			/* of all its words, added in their order */
	const char *name, *question, *answer;	/* answer: the first, or NULL */
};

struct evals_answer {
	uint32_t at, n;			/* in words */
};

struct evals_seed {
	uint64_t hash;
	uint32_t item, at;		/* word of the question */
};

struct jevals {
	struct jarena arena;
	uint64_t *words;
	float *weight;			/* of each word of a question */
	size_t words_n, words_cap;
	struct evals_item *item;
	size_t items, items_cap;
	struct evals_answer *answer;
	size_t answers, answers_cap;
	struct evals_seed *seed;	/* by hash */
	size_t seeds;
	uint32_t *first;		/* by the high bits of a hash: where its seeds start */
	unsigned shift;
	uint64_t *filter;		/* three bits a hash, all in one word */
	uint64_t filter_mask;
	uint64_t *known;		/* hashes of whole questions, an open table */
	size_t known_cap;
};

/* A seed is a polynomial in its words, so that it can be rolled over a text. */
#define EVALS_FACTOR UINT64_C(0xc2b2ae3d27d4eb4f)
/* Hash of a word of the n bytes at p, letter case and the shape of the apostrophe aside. */
uint64_t evals_word_hash(const char *p, size_t n, const struct jtext_word *w);

/* A hash that lacks one of its bits in its word of the filter is no seed's. */
static inline size_t
evals_filter_at(const struct jevals *v, uint64_t hash)
{
	return (size_t)(hash >> 18 & v->filter_mask);
}

static inline uint64_t
evals_filter_bits(uint64_t hash)
{
	return UINT64_C(1) << (hash & 63) | UINT64_C(1) << (hash >> 6 & 63) | UINT64_C(1) << (hash >> 12 & 63);
}

/* The seeds of a hash: first and one past the last. */
void evals_find(const struct jevals *v, uint64_t hash, size_t *from, size_t *to);

#endif
