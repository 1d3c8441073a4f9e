#include "swarm/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "text/jwords.h"

#define SHORTEST 4		/* parts of words, in bytes with the marks of beginning and end */
#define LONGEST 5
#define WORD_BYTES 64		/* of a word, of those that are looked at */

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

/* Parts of a word, "<socket>": letter case does not change them. */
static void
put_grams(struct features *f, const char *text, const struct jtext_word *w)
{
	char b[WORD_BYTES + 2];
	size_t n = 0;

	b[n++] = '<';
	for (size_t i = w->at; i < w->at + w->n && n <= WORD_BYTES; i++)
		b[n++] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	b[n++] = '>';
	for (size_t k = SHORTEST; k <= LONGEST; k++)
		for (size_t i = 0; i + k <= n; i++)
			put(f, jhash64(b + i, k, k) * 0x9e3779b97f4a7c15ull);
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
		put_grams(f, text, &w);
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
