#include "swarm/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "text/jwords.h"

#define HALF_KNOWN 2.0		/* a word in so many passages counts as half known ... */
#define PER_HALF_KNOWN 350	/* ... or in one of so many, if that is more */

void
features_release(struct features *f)
{
	jmem_free(f->v);
	jmem_free(f->words);
	memset(f, 0, sizeof(*f));
}

static void
put(struct features *f, uint64_t hash)
{
	JMEM_GROW(f->v, f->cap, f->n + 1);
	f->v[f->n++] = (struct feature){ (uint32_t)(hash >> (64 - FEATURE_BITS)), 1 };
}

static void
put_word(struct features *f, uint64_t hash)
{
	put(f, hash * 0x9e3779b97f4a7c15ull);
	JMEM_GROW(f->words, f->cap_words, f->n_words + 1);
	f->words[f->n_words++] = hash;
}

/* The parts of os.path and read_line are words as well. */
static void
put_parts(struct features *f, const char *text, const struct jtext_word *w)
{
	size_t end = w->at + w->n, from = w->at;

	for (size_t i = w->at; i <= end; i++) {
		if (i < end && text[i] != '.' && text[i] != '_')
			continue;
		if (i > from && i - from < w->n) {
			struct jtext_word part = { .at = from, .n = i - from, .flags = w->flags };

			put_word(f, jtext_word_hash(text, &part));
		}
		from = i + 1;
	}
}

/* A name like os.path, readLine or x86 speaks of technology even where it is new; 0 for a number. */
static uint64_t
shape(const char *text, const struct jtext_word *w)
{
	uint64_t dot = 0, line = 0, digit = 0, upper = 0, lower = 0;

	for (size_t i = w->at; i < w->at + w->n; i++) {
		char c = text[i];

		dot |= c == '.';
		line |= c == '_';
		digit |= c >= '0' && c <= '9';
		lower |= (unsigned char)c >= 0x80 || (c >= 'a' && c <= 'z');
		upper |= i > w->at && c >= 'A' && c <= 'Z';
	}
	return upper | lower ? 1 + (dot | digit << 1 | upper << 2 | lower << 3 | line << 4) : 0;
}

static int
by_place(const void *a, const void *b)
{
	uint32_t x = ((const struct feature *)a)->at, y = ((const struct feature *)b)->at;

	return (x > y) - (x < y);
}

static int
by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void
features_make(struct features *f, const char *text, size_t n)
{
	struct jtext_word w;
	uint64_t before = 0;
	size_t at = 0, k = 0;

	f->n = f->n_words = 0;
	while (jtext_next_word(text, n, &at, &w)) {
		uint64_t hash = jtext_word_hash(text, &w);

		put_word(f, hash);
		put_parts(f, text, &w);
		if (shape(text, &w))
			put(f, shape(text, &w) * 0xc2b2ae3d27d4eb4full);
		if (before)
			put(f, (before * 31 + hash) * 0xff51afd7ed558ccdull);
		before = hash;
	}
	if (f->n == 0)
		return;
	qsort(f->v, f->n, sizeof(*f->v), by_place);
	for (size_t i = 1; i < f->n; i++) {
		if (f->v[i].at == f->v[k].at)
			f->v[k].value++;
		else
			f->v[++k] = f->v[i];
	}
	f->n = k + 1;
	qsort(f->words, f->n_words, sizeof(*f->words), by_hash);
	k = 0;
	for (size_t i = 1; i < f->n_words; i++)
		if (f->words[i] != f->words[k])
			f->words[++k] = f->words[i];
	f->n_words = k + 1;
}

void
features_weigh(struct features *f, const float *idf)
{
	double sum = 0;
	float scale;

	for (size_t i = 0; i < f->n; i++) {
		f->v[i].value = (1 + logf(f->v[i].value)) * idf[f->v[i].at];
		sum += (double)f->v[i].value * f->v[i].value;
	}
	scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
	for (size_t i = 0; i < f->n; i++)
		f->v[i].value *= scale;
}

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
weights_logp(const struct weights *w, const struct features *f, size_t without, double *logp)
{
	double max = -INFINITY, sum = 0;

	for (size_t e = 0; e < w->classes; e++) {
		const float *row = w->w + e * FEATURES;
		double z = w->bias[e];

		for (size_t i = 0; i < f->n; i++)
			z += (double)row[f->v[i].at] * f->v[i].value;
		logp[e] = e == without ? -INFINITY : z / w->temperature;
		if (logp[e] > max)
			max = logp[e];
	}
	for (size_t e = 0; e < w->classes; e++)
		sum += exp(logp[e] - max);
	for (size_t e = 0; e < w->classes; e++)
		logp[e] -= max + log(sum);
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

double
weights_acceptance(const struct weights *w, const struct features *f, size_t without, double *logp)
{
	double max = -INFINITY;

	weights_logp(w, f, without, logp);
	for (size_t e = 0; e < w->experts; e++)
		if (logp[e] > max)
			max = logp[e];
	return exp(max) * weights_coverage(w, f, without);
}
