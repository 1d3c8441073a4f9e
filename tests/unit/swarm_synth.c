/* Putting answers together, and the fixed-share mixture with its bound. */
#include <math.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "swarm/jsynth.h"
#include "t.h"

static struct jsynth_answer
answer(const char *expert, const char *text, double score)
{
	return (struct jsynth_answer){ .expert = expert, .text = text, .n = strlen(text), .score = score };
}

static void
test_cut(void)
{
	static const char code[] = "First. Second.\n\n```c\nint a;\n\nint b;\n```\nEnd of it.\n";
	size_t n = strlen(code), fence = (size_t)(strstr(code, "End") - code);

	eq_int(jsynth_cut(code, n, n), n);
	eq_int(jsynth_cut(code, n, fence), fence);
	for (size_t max = 15; max < fence; max++)
		if (jsynth_cut(code, n, max) != 15)
			ok(!"cut in the middle of code");
	ok(jsynth_cut(code, n, 20) == 15);
	eq_int(jsynth_cut(code, n, 10), 6);
	eq_int(jsynth_cut(code, n, 3), 0);
	eq_int(jsynth_cut("~~~\nopen", 8, 5), 0);
}

static void
test_modes(void)
{
	struct jsynth_answer a[3] = { answer("x", "One.\n", 0.25), answer("y", "Two.", 0.75),
		answer("z", "Three.", 0) };
	struct jsynth_weighted o = { .max_bytes = 1000, .threshold = 0.1, .attribution = true };
	struct jbuf b;

	jbuf_init(&b);
	jsynth_select(a, 3, &b);
	eq_str(b.p, "Two.");
	ok(a[1].weight == 1 && a[0].weight == 0);
	jbuf_reset(&b);
	jsynth_concatenate(a, 3, true, &b);
	eq_str(b.p, "## y\n\nTwo.\n\n## x\n\nOne.\n\n## z\n\nThree.");
	jbuf_reset(&b);
	jsynth_weighted(a, 3, &o, &b);
	eq_str(b.p, "## y\n\nTwo.\n\n## x\n\nOne.");
	near(a[0].weight + a[1].weight + a[2].weight, 1, 1e-12);
	jbuf_reset(&b);
	o.threshold = 2;
	jsynth_weighted(a, 3, &o, &b);
	eq_str(b.p, "## y\n\nTwo.");
	jsynth_weigh(a, 3);
	near(a[1].weight, 0.75, 1e-12);
	jbuf_release(&b);
}

static void
test_similarity(void)
{
	struct jsynth_answer a[3] = { answer("x", "sort the list in place", 1),
		answer("y", "sort the list in place with sort", 1), answer("z", "bake bread", 1) };
	double agree[3];

	near(jsynth_similarity("a b", 3, "A  b", 4), 1, 1e-9);
	near(jsynth_similarity("a b", 3, "c d", 3), 0, 1e-9);
	ok(jsynth_agreement(a, 3, agree) < 0.5 && agree[2] < agree[0]);
	near(jsynth_agreement(a, 1, agree), 1, 0);
}

#define K 5
#define T 400

/* Probabilities of what came next: expert `good` is mostly right, the others guess. */
static void
draw(struct jrand *r, size_t good, double *logp)
{
	for (size_t k = 0; k < K; k++)
		logp[k] = log(k == good ? 0.2 + 0.8 * jrand_double(r) : 0.001 + 0.4 * jrand_double(r));
}

static void
test_bound(double share, int changes)
{
	double logp[K], loss = 0, sequence = 0, each[K] = { 0 }, best, bound;
	struct jmixture m;
	struct jrand r;
	int seen = 0;
	size_t before = 0;

	jmixture_init(&m, K, share);
	jrand_init(&r, 7, (uint64_t)changes);
	for (int t = 0; t < T; t++) {
		size_t good = (size_t)(t * (changes + 1) / T) % K;

		seen += t > 0 && good != before;
		before = good;
		draw(&r, good, logp);
		for (size_t k = 0; k < K; k++)
			each[k] -= logp[k];
		sequence -= logp[good];
		loss -= jmixture_step(&m, logp);
	}
	if (share > 0) {
		bound = sequence + log(K) + seen * log(K / share) -
			(T - 1 - seen) * log(1 - share + share / K);
	} else {
		best = each[0];
		for (size_t k = 1; k < K; k++)
			best = best < each[k] ? best : each[k];
		bound = best + log(K);
	}
	eq_int(seen, changes);
	ok(loss <= bound + 1e-9);
	jmixture_release(&m);
}

static void
test_mixture(void)
{
	double never[2] = { -INFINITY, -INFINITY }, one[2] = { log(0.5), -INFINITY };
	struct jmixture m;

	test_bound(0, 0);
	for (int changes = 0; changes < 10; changes += 3) {
		test_bound(0.01, changes);
		test_bound(0.2, changes);
	}
	jmixture_init(&m, 2, 0);
	near(jmixture_step(&m, one), log(0.25), 1e-12);
	ok(m.w[0] == 1 && m.w[1] == 0);
	ok(jmixture_step(&m, never) == -INFINITY && m.w[0] == 1);
	jmixture_release(&m);
	jmixture_init(&m, 2, 0.1);
	jmixture_step(&m, one);
	near(m.w[1], 0.05, 1e-12);
	jmixture_release(&m);
}

/* With a prior: loss <= a sequence's + ln 1/q of its first + ln 1/(share q) of each change + staying. */
static void
test_prior(void)
{
	const double score[K] = { 6, 1, 1 };
	double logp[K], loss = 0, sequence = 0, bound;
	struct jmixture m;
	struct jrand r;

	jmixture_init(&m, K, 0.05);
	jmixture_prior(&m, score, 0.1);
	near(m.w[0], 0.9 * 0.75 + 0.1 / K, 1e-12);
	near(m.prior[K - 1], 0.1 / K, 1e-12);
	bound = -log(m.prior[0]) - log(0.05 * m.prior[1]) - (T - 2) * log(1 - 0.05);
	jrand_init(&r, 9, 0);
	for (int t = 0; t < T; t++) {
		size_t good = t >= T / 2;

		draw(&r, good, logp);
		sequence -= logp[good];
		loss -= jmixture_step(&m, logp);
	}
	ok(loss <= sequence + bound);
	jmixture_prior(&m, (double[K]){ 0 }, 0.1);
	ok(m.prior[0] > m.prior[1]);	/* no score at all says nothing */
	jmixture_release(&m);
}

int
main(void)
{
	test_cut();
	test_modes();
	test_similarity();
	test_mixture();
	test_prior();
	return t_done();
}
