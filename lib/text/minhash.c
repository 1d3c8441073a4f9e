#include "text/jminhash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "base/jrand.h"
#include "text/junicode.h"
#include "text/minhash_internal.h"
#include "text/wordkey.h"

void
jshingles_release(struct jshingles *s)
{
	jmem_free(s->v);
	jmem_free(s->words);
	memset(s, 0, sizeof(*s));
}

static int
by_value(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;

	return a < b ? -1 : a > b;
}

static void
sort_stretch(uint64_t *v, size_t n)
{
	uint64_t t;
	size_t i, j;

	if (n > 32) {
		qsort(v, n, sizeof(*v), by_value);
		return;
	}
	for (i = 1; i < n; i++) {
		t = v[i];
		for (j = i; j > 0 && v[j - 1] > t; j--)
			v[j] = v[j - 1];
		v[j] = t;
	}
}

/*
 * Hashes are spread evenly, so one pass into buckets by their first bits leaves short stretches for
 * the comparing sort.
 */
static void
sort_hashes(uint64_t *v, uint64_t *spare, size_t n)
{
	size_t start[1025] = { 0 }, at[1024], i;

	for (i = 0; i < n; i++)
		start[(v[i] >> 54) + 1]++;
	for (i = 0; i < 1024; i++) {
		start[i + 1] += start[i];
		at[i] = start[i];
	}
	for (i = 0; i < n; i++)
		spare[at[v[i] >> 54]++] = v[i];
	for (i = 0; i < 1024; i++)
		if (start[i + 1] - start[i] > 1)
			sort_stretch(spare + start[i], start[i + 1] - start[i]);
	memcpy(v, spare, n * sizeof(*v));
}

static void
sort_distinct(struct jshingles *s)
{
	size_t i, to = 0;

	if (s->n > 1)
		sort_hashes(s->v, s->words, s->n);
	for (i = 0; i < s->n; i++)
		if (to == 0 || s->v[i] != s->v[to - 1])
			s->v[to++] = s->v[i];
	s->n = to;
}

#define SHINGLE_FACTOR UINT64_C(0xc2b2ae3d27d4eb4f)

/* The hash of `width` words is a polynomial in theirs, rolled from shingle to shingle. */
static void
add_shingles(struct jshingles *s, const char *p, size_t n, size_t k)
{
	size_t words = wordkeys(p, n, &s->words, &s->words_cap), i, width;
	uint64_t h = 0, top = 1;

	s->n = 0;
	if (words == 0)
		return;
	width = words < k ? words : k;
	JMEM_GROW(s->v, s->cap, words - width + 1);
	for (i = 0; i < width; i++)
		top *= SHINGLE_FACTOR;
	for (i = 0; i < words; i++) {
		h = h * SHINGLE_FACTOR + s->words[i];
		if (i >= width)
			h -= top * s->words[i - width];
		if (i + 1 >= width)
			s->v[s->n++] = wordkey_spread(h);
	}
}

int
jshingles_list(struct jshingles *s, const char *text, size_t n, int k, struct jerr *e)
{
	struct jbuf nfc;
	int rc;

	if (k < 1)
		return jerr_set(e, JERR_ARG, "shingles of %d words: expected at least 1", k);
	if (!jtext_maybe_not_nfc(text, n)) {
		add_shingles(s, text, n, (size_t)k);
		return 0;
	}
	jbuf_init(&nfc);
	rc = jtext_normalise(text, n, JTEXT_NFC, &nfc, e);
	if (rc == 0)
		add_shingles(s, nfc.p, nfc.n, (size_t)k);
	jbuf_release(&nfc);
	return rc;
}

int
jshingles_read(struct jshingles *s, const char *text, size_t n, int k, struct jerr *e)
{
	int rc = jshingles_list(s, text, n, k, e);

	if (rc == 0)
		sort_distinct(s);
	return rc;
}

double
jshingles_jaccard(const uint64_t *a, size_t a_n, const uint64_t *b, size_t b_n)
{
	size_t i = 0, j = 0, both = 0;

	while (i < a_n && j < b_n) {
		both += a[i] == b[j];
		if (a[i] < b[j])
			i++;
		else if (a[i] > b[j])
			j++;
		else
			i++, j++;
	}
	return a_n + b_n == 0 ? 1 : (double)both / (double)(a_n + b_n - both);
}

int
jminhash_init(struct jminhash *m, int bands, int rows, uint64_t seed, struct jerr *e)
{
	struct jrand r;
	int i;

	if (bands < 1 || rows < 1 || bands > JMINHASH_MAX / rows)
		return jerr_set(e, JERR_ARG, "%d bands of %d rows: expected 1 to %d signatures in all",
			bands, rows, JMINHASH_MAX);
	m->bands = bands;
	m->rows = rows;
	jrand_init(&r, seed, 0);
	for (i = 0; i < JMINHASH_MAX; i++) {
		m->a[i] = (uint32_t)jrand_u64(&r) | 1;
		m->b[i] = (uint32_t)jrand_u64(&r);
	}
	return 0;
}

void
jminhash_choose(double threshold, int *bands, int *rows)
{
	int r;

	for (r = 8; r > 1; r--)
		if (pow(1 - pow(threshold, r), 128 / r) <= 1e-6)
			break;
	*rows = r;
	*bands = 128 / r;
}

void
jminhash_sign(const struct jminhash *m, const uint64_t *set, size_t n, uint32_t *sig)
{
	uint32_t mixed[MINHASH_BATCH];
	size_t i, j, take;

	memset(sig, 0xff, (size_t)m->bands * (size_t)m->rows * sizeof(*sig));
	for (i = 0; i < n; i += take) {
		take = n - i < MINHASH_BATCH ? n - i : MINHASH_BATCH;
		for (j = 0; j < take; j++)
			mixed[j] = minhash_mix(set[i + j]);
		minhash_least(m, mixed, take, sig);
	}
}

void
jminhash_bands(const struct jminhash *m, const uint32_t *sig, uint64_t *band)
{
	int i;

	for (i = 0; i < m->bands; i++)
		band[i] = jhash64(sig + i * m->rows, (size_t)m->rows * sizeof(*sig), (uint64_t)i);
}
