/* Shingle sets, their similarity, and what MinHash says about it. */
#include "t.h"

#include <stdbool.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jsys.h"
#include "text/jminhash.h"
#include "text/junicode.h"
#include "text/minhash_internal.h"
#include "text/wordkey.h"

enum { SET = 400, TRIALS = 200 };

static double
jaccard(const char *a, const char *b, int k)
{
	struct jshingles x = { .n = 0 }, y = { .n = 0 };
	double s;

	jshingles_read(&x, a, strlen(a), k, NULL);
	jshingles_read(&y, b, strlen(b), k, NULL);
	s = jshingles_jaccard(x.v, x.n, y.v, y.n);
	jshingles_release(&x);
	jshingles_release(&y);
	return s;
}

static void
test_shingles(void)
{
	struct jshingles s = { .n = 0 };
	struct jerr e = { 0 };

	eq_int(jshingles_read(&s, "a b c d e f", 11, 5, &e), 0);
	eq_int(s.n, 2);
	eq_int(jshingles_read(&s, "a b", 3, 5, &e), 0);
	eq_int(s.n, 1);
	eq_int(jshingles_read(&s, "a a a a a a a", 13, 2, &e), 0);
	eq_int(s.n, 1);
	eq_int(jshingles_read(&s, " ... ", 5, 5, &e), 0);
	eq_int(s.n, 0);
	eq_int(jshingles_read(&s, "a", 1, 0, &e), JERR_ARG);
	jshingles_release(&s);
	/* {ab, bc, cd} and {ab, bc, cx}: 2 of 4. */
	near(jaccard("a b c d", "a b c x", 2), 0.5, 0);
	near(jaccard("One, two; THREE.", "one two three", 2), 1, 0);
	near(jaccard("caf\xc3\xa9 au lait", "cafe\xcc\x81 au lait", 3), 1, 0);
	near(jaccard("a b c", "d e f", 2), 0, 0);
	near(jaccard("", "", 5), 1, 0);
	near(jaccard("", "a", 5), 0, 0);
}

/* Two sorted sets of SET numbers with `both` in common. */
static void
make_sets(struct jrand *r, uint64_t *a, uint64_t *b, int both)
{
	int i;

	for (i = 0; i < SET; i++) {
		a[i] = jrand_u64(r);
		b[i] = i < both ? a[i] : jrand_u64(r);
	}
}

/* The share of equal signatures is the similarity, within four standard errors. */
static void
test_estimate(double share)
{
	int both = (int)(share * SET), t, i;
	double j = both / (2.0 * SET - both), agree = 0, se;
	uint64_t a[SET], b[SET];
	uint32_t sa[128], sb[128];
	struct jminhash m;
	struct jerr e = { 0 };
	struct jrand r;

	jrand_init(&r, 7, (uint64_t)both);
	for (t = 0; t < TRIALS; t++) {
		jminhash_init(&m, 32, 4, (uint64_t)t, &e);
		make_sets(&r, a, b, both);
		jminhash_sign(&m, a, SET, sa);
		jminhash_sign(&m, b, SET, sb);
		for (i = 0; i < 128; i++)
			agree += sa[i] == sb[i];
	}
	agree /= 128.0 * TRIALS;
	se = sqrt(j * (1 - j) / (128.0 * TRIALS)) + 1e-9;
	printf("# similarity %.4f, estimated %.4f\n", j, agree);
	near(agree, j, 4 * se);
}

/* The share of pairs that share a band follows 1 - (1 - s^r)^b. */
static void
test_bands(void)
{
	uint64_t a[SET], b[SET], x[32], y[32];
	uint32_t sig[128];
	int both = SET / 2, t, i, found = 0;
	double s = both / (2.0 * SET - both), p = 1 - pow(1 - pow(s, 4), 32), se;
	struct jminhash m;
	struct jerr e = { 0 };
	struct jrand r;

	jrand_init(&r, 9, 0);
	for (t = 0; t < 2000; t++) {
		bool any = false;

		jminhash_init(&m, 32, 4, (uint64_t)t, &e);
		make_sets(&r, a, b, both);
		jminhash_sign(&m, a, SET, sig);
		jminhash_bands(&m, sig, x);
		jminhash_sign(&m, b, SET, sig);
		jminhash_bands(&m, sig, y);
		for (i = 0; i < 32; i++)
			any = any || x[i] == y[i];
		found += any;
	}
	se = sqrt(p * (1 - p) / 2000);
	printf("# shared a band: %.4f, expected %.4f\n", found / 2000.0, p);
	near(found / 2000.0, p, 4 * se);
}

static void
test_choice(void)
{
	static const double threshold[] = { 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1 };
	struct jminhash m;
	struct jerr e = { 0 };
	int bands, rows;
	size_t i;

	for (i = 0; i < sizeof(threshold) / sizeof(threshold[0]); i++) {
		jminhash_choose(threshold[i], &bands, &rows);
		ok(bands * rows <= 128 && pow(1 - pow(threshold[i], rows), bands) <= 1e-6);
	}
	jminhash_choose(0.8, &bands, &rows);
	eq_int(bands, 32);
	eq_int(rows, 4);
	eq_int(jminhash_init(&m, 0, 1, 0, &e), JERR_ARG);
	eq_int(jminhash_init(&m, JMINHASH_MAX, 2, 0, &e), JERR_ARG);
}

/* Every instruction set gives what the plain loop gives, for any number of signatures and hashes. */
static void
test_kernels(void)
{
	static const unsigned masks[] = { 0, JCPU_AVX2, ~0u };
	static const int bands[] = { 1, 3, 9, 32, 64 }, rows[] = { 1, 4, 7, 8 };
	uint32_t sig[JMINHASH_MAX], want[JMINHASH_MAX], h[301];
	uint64_t set[301];
	struct jminhash m;
	struct jerr e = { 0 };
	struct jrand r;
	size_t i, b, w, n;
	int bad = 0;

	jrand_init(&r, 3, 3);
	for (i = 0; i < 301; i++) {
		set[i] = jrand_u64(&r);
		h[i] = minhash_mix(set[i]);
	}
	for (i = 0; i < 3; i++)
		for (b = 0; b < 5; b++)
			for (w = 0; w < 4; w++)
				for (n = 1; n <= 301; n += 100) {
					jsys_mask_features(masks[i]);
					jminhash_init(&m, bands[b], rows[w], 5, &e);
					jminhash_sign(&m, set, n, sig);
					memset(want, 0xff, sizeof(want));
					minhash_least_ref(&m, h, n, want);
					bad += memcmp(sig, want, (size_t)(m.bands * m.rows) * 4) != 0;
				}
	jsys_mask_features(~0u);
	eq_int(bad, 0);
}

/* The fast way to the keys of words gives what the plain one gives, on any mixture of bytes. */
static void
test_wordkeys(void)
{
	static const char *const parts[] = { "a", "Word", "don't", "x_1", "3.14", "os.path", "caf\xc3\xa9", " ",
		"\n", ".", ",", "'", "_", "\xe4\xb8\xad\xe6\x96\x87", "--", "longer_than_eight_bytes", "Z", "9", "\xcc\x81",
		"\xff", "12345678", "@[`{", "a;b", "1;2", "\xe2\x80\x99s", ":", "\xe2\x80\x9c", "\xe2\x80\xa6",
		"\xe2\x80", "and then " };
	uint64_t *keys = NULL;
	char text[2400];
	struct jtext_word w;
	struct jrand r;
	size_t cap = 0, n, at, i, count, len;
	int t, bad = 0;

	jrand_init(&r, 8, 8);
	for (t = 0; t < 20000; t++) {
		size_t pieces = (size_t)jrand_below(&r, t % 4 ? 20 : 100);

		for (n = 0; pieces-- > 0; n += len) {
			const char *s = parts[jrand_below(&r, sizeof(parts) / sizeof(parts[0]))];

			len = strlen(s);
			memcpy(text + n, s, len);
		}
		count = wordkeys(text, n, &keys, &cap);
		for (i = 0, at = 0; jtext_next_word(text, n, &at, &w); i++)
			bad += i >= count || keys[i] != wordkey(text, n, &w);
		bad += i != count;
	}
	eq_int(bad, 0);
	jmem_free(keys);
}

/* Flattening sixteen bytes at a time: as one by one. */
static void
test_flatten(void)
{
	static const char *const parts[] = { "a", "BC", " ", "  ", "\n", "\t", "\xc3\x89", "word", "Eight888", ".",
		"\xe2\x80\x89", "\x01", "Z z", "Ten of it " };
	char text[1000], want[2000];
	struct jbuf out;
	struct jerr e = { 0 };
	struct jrand r;
	size_t n, len, i, k;
	int t, bad = 0;

	jbuf_init(&out);
	jrand_init(&r, 9, 9);
	for (t = 0; t < 20000; t++) {
		size_t pieces = (size_t)jrand_below(&r, t % 4 ? 18 : 80);
		bool blank = false;

		for (n = 0; pieces-- > 0; n += len) {
			const char *s = parts[jrand_below(&r, sizeof(parts) / sizeof(parts[0]))];

			len = strlen(s);
			memcpy(text + n, s, len);
		}
		for (i = 0, k = 0; i < n; i++) {
			unsigned char c = (unsigned char)text[i];

			if (c == 0xe2 || c == ' ' || c == '\n' || c == '\t') {
				blank = true;
				i += c == 0xe2 ? 2 : 0;
				continue;
			}
			if (blank && k > 0)
				want[k++] = ' ';
			blank = false;
			want[k++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : i > 0 && c == 0x89 ? 0xa9 : c);
		}
		jbuf_reset(&out);
		jtext_flatten(text, n, &out, &e);
		bad += out.n != k || memcmp(out.p, want, k) != 0;
	}
	eq_int(bad, 0);
	jbuf_release(&out);
}

int
main(void)
{
	test_wordkeys();
	test_flatten();
	test_kernels();
	test_shingles();
	test_estimate(0.2);
	test_estimate(0.5);
	test_estimate(0.9);
	test_bands();
	test_choice();
	return t_done();
}
