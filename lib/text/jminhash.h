/*
 * jminhash.h - sets of word shingles, their Jaccard similarity, and MinHash signatures for finding
 * similar sets without comparing all pairs.
 *
 * A shingle is k words in a row (jwords.h, letter case aside); a text of fewer words is one
 * shingle.  A set is the sorted distinct 64-bit hashes of its shingles.
 *
 * Signature i is the least of a_i * mix(h) + b_i mod 2^32 over the set, a_i odd; two sets agree in
 * it with probability equal to their similarity s.  `rows` signatures hashed together make a band;
 * two sets share at least one of `bands` bands with probability 1 - (1 - s^rows)^bands.  32 bits
 * suffice because signatures only propose pairs: shingles that fall together make a pair more
 * likely to be proposed, and the similarity itself is measured on the 64-bit sets.
 */
#ifndef JMINHASH_H
#define JMINHASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct jshingles {
	uint64_t *v;			/* sorted, distinct, unless listed */
	size_t n, cap;
	uint64_t *words;		/* scratch */
	size_t words_cap;
};

void jshingles_release(struct jshingles *s);
/* Of UTF-8 text with k >= 1 words a shingle; composes NFD text first.  Empty if it has no word. */
int jshingles_read(struct jshingles *s, const char *text, size_t n, int k, struct jerr *e);
/* The same, neither sorted nor distinct: enough for jminhash_sign(), and faster. */
int jshingles_list(struct jshingles *s, const char *text, size_t n, int k, struct jerr *e);
/* |A and B| / |A or B|; 1 for two empty sets. */
double jshingles_jaccard(const uint64_t *a, size_t a_n, const uint64_t *b, size_t b_n);

enum { JMINHASH_MAX = 512 };		/* bands x rows */

struct jminhash {
	int bands, rows;
	uint32_t a[JMINHASH_MAX], b[JMINHASH_MAX];
};

/* 1 <= bands * rows <= JMINHASH_MAX, else JERR_ARG. */
int jminhash_init(struct jminhash *m, int bands, int rows, uint64_t seed, struct jerr *e);
/*
 * Bands and rows for a threshold: the most rows (the fewest vain comparisons) for which a pair at
 * the threshold is missed with probability of at most 1e-6, with about 128 signatures.
 */
void jminhash_choose(double threshold, int *bands, int *rows);
/* sig: bands * rows numbers.  The set must not be empty. */
void jminhash_sign(const struct jminhash *m, const uint64_t *set, size_t n, uint32_t *sig);
/* band: `bands` hashes; equal in two sets means equal rows, bar a collision in 64 bits. */
void jminhash_bands(const struct jminhash *m, const uint32_t *sig, uint64_t *band);

#endif
