#include "text/jminhash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "base/jrand.h"
#include "text/junicode.h"
#include "text/jwords.h"

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

/*
 * Hashes are spread evenly, so one pass into buckets by their first byte leaves short stretches for
 * the comparing sort.
 */
static void
sort_hashes(uint64_t *v, uint64_t *spare, size_t n)
{
	size_t start[257] = { 0 }, at[256], i;

	for (i = 0; i < n; i++)
		start[(v[i] >> 56) + 1]++;
	for (i = 0; i < 256; i++) {
		start[i + 1] += start[i];
		at[i] = start[i];
	}
	for (i = 0; i < n; i++)
		spare[at[v[i] >> 56]++] = v[i];
	for (i = 0; i < 256; i++)
		if (start[i + 1] - start[i] > 1)
			qsort(spare + start[i], start[i + 1] - start[i], sizeof(*spare), by_value);
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

static void
add_shingles(struct jshingles *s, const char *p, size_t n, size_t k)
{
	struct jtext_word w;
	size_t at = 0, words = 0, i, width;

	while (jtext_next_word(p, n, &at, &w)) {
		JMEM_GROW(s->words, s->words_cap, words + 1);
		s->words[words++] = jtext_word_hash(p, &w);
	}
	s->n = 0;
	if (words == 0)
		return;
	width = words < k ? words : k;
	JMEM_GROW(s->v, s->cap, words - width + 1);
	for (i = 0; i + width <= words; i++)
		s->v[s->n++] = jhash64(s->words + i, width * sizeof(*s->words), 0);
	sort_distinct(s);
}

int
jshingles_read(struct jshingles *s, const char *text, size_t n, int k, struct jerr *e)
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
	for (i = 0; i < bands * rows; i++) {
		m->a[i] = jrand_u64(&r) | 1;
		m->b[i] = jrand_u64(&r);
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

static uint64_t
mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

void
jminhash_sign(const struct jminhash *m, const uint64_t *set, size_t n, uint64_t *sig)
{
	int k = m->bands * m->rows, i;
	size_t j;

	for (i = 0; i < k; i++)
		sig[i] = UINT64_MAX;
	for (j = 0; j < n; j++) {
		uint64_t h = mix(set[j]);

		for (i = 0; i < k; i++) {
			uint64_t v = m->a[i] * h + m->b[i];

			sig[i] = v < sig[i] ? v : sig[i];
		}
	}
}

void
jminhash_bands(const struct jminhash *m, const uint64_t *sig, uint64_t *band)
{
	int i;

	for (i = 0; i < m->bands; i++)
		band[i] = jhash64(sig + i * m->rows, (size_t)m->rows * sizeof(*sig), (uint64_t)i);
}
