/* Sampling: which tokens can come out, how often, and that a seed fixes them. */
#include "t.h"

#include "infer/jinfer.h"

#define V 5
#define DRAWS 20000

/* log of 0.1 0.2 0.3 0.15 0.25 */
static const double prob[V] = { 0.1, 0.2, 0.3, 0.15, 0.25 };

static void
draw(const struct jsample_opts *o, const uint32_t *recent, size_t n, double share[V])
{
	struct jsampler *s = jsampler_new(V);
	struct jrand r;

	jrand_init(&r, 7, 1);
	memset(share, 0, V * sizeof(*share));
	for (int i = 0; i < DRAWS; i++) {
		float logits[V];

		for (int v = 0; v < V; v++)
			logits[v] = (float)log(prob[v]);
		share[jsample(s, logits, o, recent, n, &r)] += 1.0 / DRAWS;
	}
	jsampler_free(s);
}

/* want[] need not sum to 1. */
static void
expect(const struct jsample_opts *o, const uint32_t *recent, size_t n, const double want[V])
{
	double share[V], sum = 0;

	draw(o, recent, n, share);
	for (int v = 0; v < V; v++)
		sum += want[v];
	for (int v = 0; v < V; v++) {
		near(share[v], want[v] / sum, 0.015);
		if (want[v] == 0)
			ok(share[v] == 0);
	}
}

static void
distributions(void)
{
	static const struct jsample_opts plain = { .temperature = 1, .top_p = 1, .repeat_penalty = 1 };
	static const uint32_t recent[] = { 0, 2, 2, 1 };
	struct jsample_opts o = plain;

	expect(&o, NULL, 0, prob);
	o.top_k = 2;
	expect(&o, NULL, 0, (const double[V]){ 0, 0, 0.3, 0, 0.25 });
	o.top_k = 100;
	expect(&o, NULL, 0, prob);
	o = plain;
	o.top_p = 0.7;		/* .3 + .25 + .2 reaches it */
	expect(&o, NULL, 0, (const double[V]){ 0, 0.2, 0.3, 0, 0.25 });
	o.top_p = 0.29;		/* always at least one */
	expect(&o, NULL, 0, (const double[V]){ 0, 0, 1, 0, 0 });
	o = plain;
	o.min_p = 0.6;		/* of .3: .18 and more */
	expect(&o, NULL, 0, (const double[V]){ 0, 0.2, 0.3, 0, 0.25 });
	o = plain;
	o.temperature = 0.5;	/* squares */
	expect(&o, NULL, 0, (const double[V]){ 0.01, 0.04, 0.09, 0.0225, 0.0625 });
	o.temperature = 2;
	o.top_k = 2;		/* cut first, then the temperature */
	expect(&o, NULL, 0, (const double[V]){ 0, 0, sqrt(0.3), 0, sqrt(0.25) });
	o = plain;
	o.repeat_penalty = 2;	/* negative logits double: probabilities square; each token once */
	o.repeat_last = 2;
	expect(&o, recent, 4, (const double[V]){ 0.1, 0.04, 0.09, 0.15, 0.25 });
	o.repeat_last = 64;
	expect(&o, recent, 4, (const double[V]){ 0.01, 0.04, 0.09, 0.15, 0.25 });
}

static void
greedy(void)
{
	struct jsample_opts o = { .temperature = 0, .repeat_penalty = 1, .top_p = 1 };
	struct jsampler *s = jsampler_new(V);
	float a[V] = { 1, 3, 2, 3, 0 }, b[V] = { 1, 3, 2, 2.9f, 0 };
	const uint32_t recent[] = { 1 };
	struct jrand r;

	jrand_init(&r, 0, 0);
	eq_int(jsample(s, a, &o, NULL, 0, &r), 1);
	o.repeat_penalty = 1.5;
	o.repeat_last = 8;
	eq_int(jsample(s, b, &o, recent, 1, &r), 3);
	jsampler_free(s);
}

/* Equal logits: the order must not hang on the sorting routine. */
static void
ties(void)
{
	struct jsample_opts o = { .temperature = 1, .top_k = 2, .top_p = 1, .repeat_penalty = 1 };
	struct jsampler *s = jsampler_new(V);
	bool seen[V] = { false };
	struct jrand r;

	jrand_init(&r, 3, 0);
	for (int i = 0; i < 200; i++) {
		float same[V] = { 1, 1, 1, 1, 1 };

		seen[jsample(s, same, &o, NULL, 0, &r)] = true;
	}
	ok(seen[0] && seen[1] && !seen[2] && !seen[3] && !seen[4]);
	jsampler_free(s);
}

static void
seeds(void)
{
	struct jsample_opts o = JSAMPLE_OPTS_INIT;
	struct jsampler *s = jsampler_new(V);
	uint32_t got[2][32];

	for (int k = 0; k < 2; k++) {
		struct jrand r;

		jrand_init(&r, 11, 5);
		for (int i = 0; i < 32; i++) {
			float logits[V] = { 0.1f, 0.2f, 0.3f, 0.2f, 0.1f };

			got[k][i] = jsample(s, logits, &o, NULL, 0, &r);
		}
	}
	ok(memcmp(got[0], got[1], sizeof(got[0])) == 0);
	jsampler_free(s);
}

int
main(void)
{
	distributions();
	greedy();
	ties();
	seeds();
	return t_done();
}
