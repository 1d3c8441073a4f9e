#include "swarm/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HALF_KNOWN 2.0		/* a word in so many passages counts as half known ... */
#define PER_HALF_KNOWN 350	/* ... or in one of so many, if that is more */

void
weights_release(struct weights *w)
{
	jmem_free(w->w);
	jmem_free(w->bias);
	jmem_free(w->idf);
	jmem_free(w->words);
	jmem_free(w->df);
	memset(w, 0, sizeof(*w));
}

void
weights_logits(const struct weights *w, const struct features *f, double *z)
{
	const size_t C = w->classes;

	for (size_t c = 0; c < C; c++)
		z[c] = w->bias[c];
	for (size_t i = 0; i < f->n; i++) {
		const float *row = w->w + f->v[i].at * C;

		for (size_t c = 0; c < C; c++)
			z[c] += (double)row[c] * f->v[i].value;
	}
}

static int
by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static const uint32_t *
df_of(const struct weights *w, uint64_t word)
{
	const uint64_t *at = w->n_words ? bsearch(&word, w->words, w->n_words, sizeof(word), by_hash) :
		NULL;

	return at ? w->df + (size_t)(at - w->words) * w->classes : NULL;
}

double
weights_coverage(const struct weights *w, const struct features *f, size_t without)
{
	double known = 0, all = 0, half = (double)w->passages / PER_HALF_KNOWN;

	if (half < HALF_KNOWN)
		half = HALF_KNOWN;
	for (size_t i = 0; i < f->n_words; i++) {
		const uint32_t *row = df_of(w, f->words[i]);
		double df = 0, rarity;

		for (size_t e = 0; row && e < w->experts; e++)
			df += e == without ? 0 : row[e];
		rarity = log((double)(w->passages + 1) / (df + 0.5));
		if (rarity < 0.1)
			rarity = 0.1;
		known += rarity * df / (df + half);
		all += rarity;
	}
	return all > 0 ? known / all : 0;
}
