/*
 * features.h - inside the room swarm: a text as hashed words and word pairs, and what a trained
 * router holds.
 */
#ifndef FEATURES_H
#define FEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/jmem.h"

#define FEATURE_BITS 17
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

/* A router as it is trained and stored. */
struct weights {
	size_t experts, classes;	/* one class more than experts: "none of these" */
	size_t n_words;
	uint64_t passages;
	float *w;			/* [classes, FEATURES] */
	float *bias;			/* [classes] */
	float *idf;			/* [FEATURES] */
	uint64_t *words;		/* [n_words], rising */
	uint32_t *df;			/* [n_words, classes]: passages of each with the word */
	double temperature, keyword_weight, trained_weight, threshold;
};
void weights_release(struct weights *w);
/* Log-probabilities of all classes but `without` (SIZE_MAX: all), at the temperature; that one is -inf. */
void weights_logp(const struct weights *w, const struct features *f, size_t without, double *logp);
/* Share of the words, by rarity, that the experts but `without` have in their texts. */
double weights_coverage(const struct weights *w, const struct features *f, size_t without);
/* How much the text looks like one of the experts': coverage times the best one's probability. */
double weights_acceptance(const struct weights *w, const struct features *f, size_t without,
	double *logp);

#endif
