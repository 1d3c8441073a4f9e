/* Shingle sets, their similarity, and what MinHash says about it. */
#include "t.h"

#include <stdbool.h>

#include "base/jrand.h"
#include "text/jminhash.h"

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
	uint64_t a[SET], b[SET], sa[128], sb[128];
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
	uint64_t a[SET], b[SET], sig[128], x[32], y[32];
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

int
main(void)
{
	test_shingles();
	test_estimate(0.2);
	test_estimate(0.5);
	test_estimate(0.9);
	test_bands();
	test_choice();
	return t_done();
}
