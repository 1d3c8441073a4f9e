/* Arms side by side: ratios by group and over all, paired differences, intervals. */
#include <math.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "score/jcompare.h"
#include "t.h"

#define DOCS 40
#define SEEDS 3

static void
test_ratios(void)
{
	const uint32_t group[3] = { 0, 0, 1 };
	const double bytes[3] = { 10, 30, 20 }, bit = log(2);
	/* two seeds, three documents, two arms, in bits */
	const double bits[12] = { 10, 20, 30, 60, 40, 20, 30, 20, 30, 60, 20, 20 };
	struct jcompare_figure f[6];
	struct jcompare c = { .seeds = 2, .docs = 3, .arms = 2, .groups = 2, .group = group,
		.bytes = bytes, .reference = 1 };
	double nll[12];

	for (int i = 0; i < 12; i++)
		nll[i] = bits[i] * bit;
	c.nll = nll;
	jcompare_run(&c, 100, 1, f);
	near(f[0].bpb, 100.0 / 80, 1e-12);
	near(f[1].bpb, 160.0 / 80, 1e-12);
	near(f[2].bpb, 60.0 / 40, 1e-12);
	near(f[4].bpb, 160.0 / 120, 1e-12);
	near(f[4].diff, f[4].bpb - f[5].bpb, 1e-12);
	near(f[5].diff, 0, 1e-12);
	ok(f[0].low <= f[0].bpb && f[0].bpb <= f[0].high);
}

/* A difference that is the same in every document is certain, however much the documents differ. */
static void
test_paired(void)
{
	double bytes[DOCS], nll[SEEDS * DOCS * 3];
	uint32_t group[DOCS];
	struct jcompare_figure f[9], again[9];
	struct jcompare c = { .seeds = SEEDS, .docs = DOCS, .arms = 3, .groups = 2, .group = group,
		.bytes = bytes, .nll = nll };
	struct jrand r;

	jrand_init(&r, 7, 0);
	for (int i = 0; i < DOCS; i++) {
		group[i] = (uint32_t)i % 2;
		bytes[i] = 100;
	}
	for (int i = 0; i < SEEDS * DOCS; i++) {
		nll[3 * i] = 100 + 50 * jrand_double(&r);
		nll[3 * i + 1] = nll[3 * i] - 5;
		nll[3 * i + 2] = 100 + 50 * jrand_double(&r);
	}
	jcompare_run(&c, 500, 1, f);
	jcompare_run(&c, 500, 1, again);
	ok(memcmp(f, again, sizeof(f)) == 0);
	near(f[7].diff_low, f[7].diff_high, 1e-9);
	ok(f[7].diff_high < 0);
	ok(f[8].diff_low < f[8].diff_high - 0.01);
	ok(f[7].high - f[7].low > 0.01);
}

static void
test_empty_group(void)
{
	const uint32_t group[1] = { 1 };
	const double bytes[1] = { 8 }, nll[1] = { 8 };
	struct jcompare_figure f[3];
	struct jcompare c = { .seeds = 1, .docs = 1, .arms = 1, .groups = 2, .group = group,
		.bytes = bytes, .nll = nll };

	jcompare_run(&c, 10, 0, f);
	ok(isnan(f[0].bpb));
	near(f[1].bpb, 1 / log(2), 1e-12);
	near(f[2].high, f[1].bpb, 1e-12);
}

int
main(void)
{
	test_ratios();
	test_paired();
	test_empty_group();
	return t_done();
}
