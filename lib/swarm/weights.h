/* weights.h - inside the room swarm: a linear classifier of texts, and the words that it knows. */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "swarm/features.h"

struct weights {
	size_t experts, classes;	/* one class more than experts: "none of these" */
	size_t n_words;
	uint64_t passages;
	float *w;			/* [FEATURES, classes] */
	float *bias;			/* [classes] */
	float *idf;			/* [FEATURES] */
	uint64_t *words;		/* [n_words], rising */
	uint32_t *df;			/* [n_words, classes]: passages of each with the word */
};
void weights_release(struct weights *w);
/* z[classes] of weighed features: ln of the odds, up to a constant. */
void weights_logits(const struct weights *w, const struct features *f, double *z);
/* Share of the words, by rarity, that the experts but `without` (SIZE_MAX: all) have in their texts. */
double weights_coverage(const struct weights *w, const struct features *f, size_t without);

#endif
