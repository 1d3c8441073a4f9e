#include "text/jdsir.h"

#include <math.h>
#include <stdbool.h>

#include "base/jhash.h"
#include "base/jrand.h"
#include "text/jwords.h"

struct grams {			/* walks over the n-grams of a text */
	const char *p;
	size_t n, at, mark;	/* behind the last word; behind the last token */
	struct jtext_word word;
	bool has_word, ended;
	uint64_t before;	/* hash of the token before, 0 = none */
	uint64_t words;
};

/* The next token: a word, or the marks before it up to a space.  False after the last. */
static bool
next_token(struct grams *g, const char **s, size_t *n)
{
	size_t end;

	if (!g->has_word && !g->ended) {
		g->has_word = jtext_next_word(g->p, g->n, &g->at, &g->word);
		g->ended = !g->has_word;
	}
	end = g->has_word ? g->word.at : g->n;
	while (g->mark < end && g->p[g->mark] == ' ')
		g->mark++;
	*s = g->p + g->mark;
	if (g->mark < end) {
		while (g->mark < end && g->p[g->mark] != ' ')
			g->mark++;
		*n = (size_t)(g->p + g->mark - *s);
		return true;
	}
	if (!g->has_word)
		return false;
	*n = g->word.n;
	g->mark = g->word.at + g->word.n;
	g->has_word = false;
	g->words++;
	return true;
}

static uint32_t
bucket(uint64_t hash)
{
	return (uint32_t)((hash >> 32) * JDSIR_BUCKETS >> 32);
}

/* Buckets of the next token and of the pair that it ends; returns how many, 0 after the last. */
static int
next_grams(struct grams *g, uint32_t to[2])
{
	const char *s;
	size_t n;
	uint64_t h, pair;
	int k = 1;

	if (!next_token(g, &s, &n))
		return 0;
	h = jhash64(s, n, 0) | 1;
	to[0] = bucket(h);
	if (g->before) {
		pair = (g->before ^ g->before >> 29) * UINT64_C(0xbf58476d1ce4e5b9) + h;
		pair = (pair ^ pair >> 32) * UINT64_C(0x94d049bb133111eb);
		to[k++] = bucket(pair ^ pair >> 31);
	}
	g->before = h;
	return k;
}

void
jdsir_count(const char *flat, size_t n, uint64_t *count)
{
	struct grams g = { .p = flat, .n = n };
	uint32_t at[2];
	int k;

	while ((k = next_grams(&g, at)) > 0)
		while (k-- > 0)
			count[at[k]]++;
}

static double
log_share(uint64_t count, uint64_t sum)
{
	return log((sum ? (double)count / (double)sum : 0) + 1e-8);
}

void
jdsir_ratio(const uint64_t *target, const uint64_t *raw, double *ratio)
{
	uint64_t t = 0, r = 0;
	int i;

	for (i = 0; i < JDSIR_BUCKETS; i++) {
		t += target[i];
		r += raw[i];
	}
	for (i = 0; i < JDSIR_BUCKETS; i++)
		ratio[i] = log_share(target[i], t) - log_share(raw[i], r);
}

double
jdsir_weight(const char *flat, size_t n, const double *ratio, uint64_t *words)
{
	struct grams g = { .p = flat, .n = n };
	uint32_t at[2];
	double sum = 0;
	int k, i;

	while ((k = next_grams(&g, at)) > 0)
		for (i = 0; i < k; i++)
			sum += ratio[at[i]];
	*words = g.words;
	return sum;
}

double
jdsir_noise(uint64_t seed, const char *id, size_t n)
{
	struct jrand r;

	jrand_init_str(&r, seed, id, n);
	return -log(-log(((double)(jrand_u64(&r) >> 11) + 0.5) * 0x1p-53));
}
