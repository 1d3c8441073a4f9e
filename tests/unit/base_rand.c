/*
 * The generator against its reference outputs, and the statistics and laws of what is built on it.
 */
#include <stdint.h>

#include "base/jrand.h"
#include "t.h"

static void
reference(void)
{
	/* xoshiro256** 1.0 from the state 1, 2, 3, 4, as published with the reference code's ports */
	static const uint64_t want[] = { 11520u, 0u, 1509978240u, 1215971899390074240u,
		1216172134540287360u, 607988272756665600u, 16172922978634559625u, 8476171486693032832u,
		10595114339597558777u, 2904607092377533576u };
	struct jrand r = { { 1, 2, 3, 4 } };
	size_t i, wrong = 0;

	for (i = 0; i < 10; i++)
		wrong += jrand_u64(&r) != want[i];
	eq_int(wrong, 0);
}

static void
keys(void)
{
	struct jrand a, b;

	jrand_init(&a, 1, 2);
	jrand_init(&b, 1, 2);
	ok(jrand_u64(&a) == jrand_u64(&b));
	jrand_init(&b, 2, 1);
	ok(jrand_u64(&a) != jrand_u64(&b));
	jrand_init(&b, 0, 0);
	ok(b.s[0] || b.s[1] || b.s[2] || b.s[3]);
	jrand_init_str(&a, 5, "doc-1", 5);
	jrand_init_str(&b, 5, "doc-2", 5);
	ok(jrand_u64(&a) != jrand_u64(&b));
}

static void
statistics(void)
{
	enum { N = 200000 };
	struct jrand r;
	double sum = 0, squares = 0, x, chi = 0;
	int count[10] = { 0 }, i, outside = 0;

	jrand_init(&r, 42, 0);
	for (i = 0; i < N; i++) {
		x = jrand_normal(&r);
		sum += x;
		squares += x * x;
		x = jrand_double(&r);
		outside += x < 0 || x >= 1;
		count[jrand_below(&r, 10)]++;
	}
	near(sum / N, 0, 0.01);
	near(squares / N, 1, 0.02);
	eq_int(outside, 0);
	for (i = 0; i < 10; i++)
		chi += (count[i] - N / 10.0) * (count[i] - N / 10.0) / (N / 10.0);
	ok(chi < 27.9);		/* 0.1% of chi-square with 9 degrees of freedom */
	ok(jrand_below(&r, 1) == 0);
}

static void
permutations(void)
{
	static unsigned char seen[5000];
	static const uint64_t sizes[] = { 1, 2, 3, 4, 5, 16, 17, 1000, 4096, 4999 };
	size_t k, i, wrong = 0, same = 0;
	uint64_t n, j;

	for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
		n = sizes[k];
		memset(seen, 0, sizeof(seen));
		for (i = 0; i < n; i++) {
			j = jrand_permute(i, n, 7, k);
			if (j >= n || seen[j]++)
				wrong++;
		}
	}
	eq_int(wrong, 0);
	for (i = 0; i < 1000; i++)
		same += jrand_permute(i, 1000, 1, 0) == jrand_permute(i, 1000, 2, 0);
	ok(same < 15);
	ok(jrand_permute(UINT64_C(1) << 40, (UINT64_C(1) << 40) + 9, 3, 4) <= UINT64_C(1) << 40);
}

int
main(void)
{
	reference();
	keys();
	statistics();
	permutations();
	return t_done();
}
