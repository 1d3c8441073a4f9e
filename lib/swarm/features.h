/*
 * features.h - inside the room swarm: a text as hashed words, pairs of words, and parts of words of
 * 4 and 5 bytes, which tell a name that is new by what it is made of.
 */
#ifndef FEATURES_H
#define FEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/jmem.h"

#define FEATURE_BITS 19
#define FEATURES ((size_t)1 << FEATURE_BITS)

struct feature {
	uint32_t at;			/* below FEATURES */
	float value;			/* counts, then weighted and of length 1 */
};
struct features {
	struct feature *v;		/* rising */
	size_t n, cap;
	uint64_t *words;		/* distinct hashes of single words, rising */
	size_t n_words, cap_words;
};
void features_release(struct features *f);
/* Counts words (with the parts of names like os.path and read_line) and pairs of neighbours. */
void features_make(struct features *f, const char *text, size_t n);
/* (1 + log count) * idf, scaled to length 1. */
void features_weigh(struct features *f, const float *idf);

#endif
