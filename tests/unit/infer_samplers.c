/*
 * Samplers beyond the common ones: the distribution that is left, against vectors worked out by hand
 * from the definitions (those of llama.cpp's tests where it has them).
 */
#include "t.h"

#include "infer/jsample.h"

#include "base/jmem.h"

#define DRAWS 40000

static const struct jsample_opts plain = { .temperature = 1, .top_p = 1, .typical_p = 1,
	.repeat_penalty = 1, .repeat_last = 64, .dry_base = 1.75, .dry_allowed = 2 };

/* p and want: n probabilities, n up to 8; want need not sum to 1. */
static void
expect(const double *p, const double *want, int n, const struct jsample_opts *o,
	const uint32_t *recent, size_t n_recent)
{
	struct jsampler *s = jsampler_new(n);
	double share[8] = { 0 }, sum = 0;
	struct jrand r;

	jrand_init(&r, 11, 3);
	for (int i = 0; i < DRAWS; i++) {
		float logits[8];

		for (int v = 0; v < n; v++)
			logits[v] = (float)log(p[v]);
		share[jsample(s, logits, o, recent, n_recent, &r)] += 1.0 / DRAWS;
	}
	for (int v = 0; v < n; v++)
		sum += want[v];
	for (int v = 0; v < n; v++) {
		near(share[v], want[v] / sum, 0.012);
		ok(want[v] > 0 || share[v] == 0);
	}
	jsampler_free(s);
}

static const double four[] = { 0.4, 0.3, 0.2, 0.1 }, even4[] = { 0.25, 0.25, 0.25, 0.25 };
static const double even5[] = { 0.2, 0.2, 0.2, 0.2, 0.2 };

static void
cuts(void)
{
	struct jsample_opts o = plain;

	o.typical_p = 0.5;
	expect((const double[]){ 0.97, 0.01, 0.01, 0.01 }, (const double[]){ 1, 0, 0, 0 }, 4, &o, NULL, 0);
	expect((const double[]){ 0.4, 0.2, 0.2, 0.2 }, (const double[]){ 0, 1, 1, 1 }, 4, &o, NULL, 0);
	o = plain;
	o.top_n_sigma = 1;
	expect((const double[]){ 0.1, 0.2, 0.3, 0.4 }, (const double[]){ 0, 0, 3, 4 }, 4, &o, NULL, 0);
	o.top_n_sigma = 3;
	expect((const double[]){ 0.1, 0.2, 0.3, 0.4 }, (const double[]){ 1, 2, 3, 4 }, 4, &o, NULL, 0);
	o = plain;
	o.xtc_probability = 1;
	o.xtc_threshold = 0.09;
	expect(four, (const double[]){ 0, 0, 0, 1 }, 4, &o, NULL, 0);
	o.xtc_threshold = 0.19;
	expect(four, (const double[]){ 0, 0, 2, 1 }, 4, &o, NULL, 0);
	o.xtc_threshold = 0.29;
	expect(four, (const double[]){ 0, 3, 2, 1 }, 4, &o, NULL, 0);
	o.xtc_threshold = 0.39;
	expect(four, four, 4, &o, NULL, 0);
}

static void
penalties(void)
{
	static const uint32_t recent[] = { 0, 1, 2, 0, 0 };
	struct jsample_opts o = plain;

	o.presence_penalty = 1;
	expect(even5, (const double[]){ exp(-1), exp(-1), exp(-1), 1, 1 }, 5, &o, recent, 5);
	o.frequency_penalty = 0.5;
	expect(even5, (const double[]){ exp(-2.5), exp(-1.5), exp(-1.5), 1, 1 }, 5, &o, recent, 5);
	o.repeat_last = 2;
	expect(even5, (const double[]){ exp(-2), 1, 1, 1, 1 }, 5, &o, recent, 5);
	o = plain;
	o.bias = (const struct jlogit_bias[]){ { 0, -INFINITY }, { 1, 1 } };
	o.n_bias = 2;
	expect(even4, (const double[]){ 0, exp(1), 1, 1 }, 4, &o, NULL, 0);
}

static void
repetitions(void)
{
	bool breaks[8] = { [3] = true };
	struct jsample_opts o = plain;

	o.dry_multiplier = 1;
	o.dry_base = 1.1;
	o.dry_allowed = 2;
	expect(even4, even4, 4, &o, (const uint32_t[]){ 0, 1 }, 2);
	/* 0 1 came before, and 2 after it */
	expect(even4, (const double[]){ 1, 1, exp(-1), 1 }, 4, &o, (const uint32_t[]){ 0, 1, 2, 0, 1 }, 5);
	o.dry_multiplier = 2;
	expect(even5, (const double[]){ 1, 1, exp(-2), 1, 1 }, 5, &o,
		(const uint32_t[]){ 0, 1, 2, 3, 4, 0, 1 }, 7);
	/* three tokens repeated: one power of the base more */
	expect(even5, (const double[]){ 1, 1, 1, exp(-2.2), 1 }, 5, &o,
		(const uint32_t[]){ 0, 1, 2, 3, 4, 0, 1, 2 }, 8);
	o.dry_last = 4;
	expect(even5, even5, 5, &o, (const uint32_t[]){ 0, 1, 2, 3, 4, 0, 1, 2 }, 8);
	o.dry_last = 0;
	o.dry_breaks = breaks;
	expect(even5, even5, 5, &o, (const uint32_t[]){ 0, 1, 2, 0, 3, 1 }, 6);
	/* all the same token: lengths must not run into a square of time */
	{
		static uint32_t same[50000];
		struct jsampler *s = jsampler_new(4);
		float logits[4] = { 0 };

		o.dry_breaks = NULL;
		jsample_penalise(s, logits, &o, same, 50000);
		ok(logits[0] < -1e9 && logits[1] == 0);
		jsampler_free(s);
	}
}

static void
log_probabilities(void)
{
	struct jsampler *s = jsampler_new(4);
	float logits[4];
	struct jlogprob top[3];

	for (int i = 0; i < 4; i++)
		logits[i] = (float)log(four[i]) + 7;
	jsample_top(s, logits, 3, top);
	for (int i = 0; i < 3; i++) {
		eq_int(top[i].id, i);
		near(top[i].logprob, log(four[i]), 1e-6);
	}
	near(jsample_log_sum(logits, 4), 7, 1e-6);
	jsampler_free(s);
}

int
main(void)
{
	cuts();
	penalties();
	repetitions();
	log_probabilities();
	return t_done();
}
