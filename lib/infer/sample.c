/*
 * Choosing a token.  Candidates are (logit, id) pairs ordered by falling logit, then rising id, so
 * that equal logits do not depend on the sorting routine.
 */
#include "infer/sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/jmem.h"

struct jsampler *
jsampler_new(int64_t vocab)
{
	struct jsampler *s = jmem_zalloc(1, sizeof(*s));

	s->vocab = vocab;
	s->c = jmem_alloc((size_t)vocab, sizeof(*s->c));
	return s;
}

void
jsampler_free(struct jsampler *s)
{
	if (!s)
		return;
	jmem_free(s->c);
	jmem_free(s->work);
	jmem_free(s->lengths);
	jmem_free(s->longest);
	jmem_free(s);
}

static int
before(const struct candidate *a, const struct candidate *b)
{
	return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

static int
by_logit(const void *a, const void *b)
{
	return before(a, b) ? -1 : 1;
}

static uint32_t
greedy(const float *logits, int64_t vocab)
{
	int64_t best = 0;

	for (int64_t i = 1; i < vocab; i++)
		if (logits[i] > logits[best])
			best = i;
	return (uint32_t)best;
}

static void
sift_down(struct candidate *c, size_t at, size_t n)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct candidate t;

		if (child >= n)
			return;
		if (child + 1 < n && before(&c[child], &c[child + 1]))
			child++;
		if (!before(&c[at], &c[child]))
			return;
		t = c[at];
		c[at] = c[child];
		c[child] = t;
		at = child;
	}
}

/* The k first of n candidates, in order, into c[0..k-1]: a heap with the last of them on top. */
static void
select_top(struct candidate *c, size_t n, size_t k)
{
	for (size_t i = k / 2; i-- > 0;)
		sift_down(c, i, k);
	for (size_t i = k; i < n; i++) {
		if (before(&c[i], &c[0])) {
			c[0] = c[i];
			sift_down(c, 0, k);
		}
	}
	qsort(c, k, sizeof(*c), by_logit);
}

static void
softmax(struct candidate *c, size_t n, double temperature)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		c[i].p = exp(((double)c[i].logit - (double)c[0].logit) / temperature);
		sum += c[i].p;
	}
	for (size_t i = 0; i < n; i++)
		c[i].p /= sum;
}

/* The fewest candidates whose probabilities reach top_p. */
static size_t
cut_top_p(const struct candidate *c, size_t n, double top_p)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += c[i].p;
		if (sum >= top_p)
			return i + 1;
	}
	return n;
}

static size_t
cut_min_p(const struct candidate *c, size_t n, double min_p)
{
	size_t k = 1;

	while (k < n && c[k].p >= min_p * c[0].p)
		k++;
	return k;
}

/* The candidates whose surprise is nearest to the entropy, until they reach typical_p. */
static int
by_typicality(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->distance != y->distance ? (x->distance > y->distance ? 1 : -1) : by_logit(a, b);
}

static size_t
cut_typical(struct candidate *c, size_t n, double typical_p)
{
	double entropy = 0, sum = 0;
	size_t k = n;

	softmax(c, n, 1);
	for (size_t i = 0; i < n; i++)
		if (c[i].p > 0)
			entropy -= c[i].p * log(c[i].p);
	for (size_t i = 0; i < n; i++)
		c[i].distance = fabs(-log(c[i].p) - entropy);
	qsort(c, n, sizeof(*c), by_typicality);
	for (size_t i = 0; i < n; i++) {
		sum += c[i].p;
		k = i + 1;
		if (sum > typical_p)
			break;
	}
	qsort(c, k, sizeof(*c), by_logit);
	return k;
}

/* Logits more than so many standard deviations below the highest go. */
static size_t
cut_sigma(struct candidate *c, size_t n, double sigmas)
{
	double mean = 0, var = 0, limit, max = -INFINITY;
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		mean += c[i].logit;
		if (c[i].logit > max)
			max = c[i].logit;
	}
	mean /= (double)n;
	for (size_t i = 0; i < n; i++)
		var += (c[i].logit - mean) * (c[i].logit - mean);
	limit = max - sigmas * sqrt(var / (double)n);
	for (size_t i = 0; i < n; i++)
		if (c[i].logit >= limit)
			c[k++] = c[i];
	return k;
}

/* By chance drops all tokens of at least the threshold but the last of them. */
static size_t
cut_xtc(struct candidate *c, size_t n, const struct jsample_opts *o, struct jrand *r)
{
	size_t likely = 0;

	if (jrand_double(r) >= o->xtc_probability)
		return n;
	softmax(c, n, 1);
	while (likely < n && c[likely].p >= o->xtc_threshold)
		likely++;
	if (likely < 2)
		return n;
	for (size_t i = likely - 1; i < n; i++)
		c[i - (likely - 1)] = c[i];
	return n - (likely - 1);
}

static size_t
gather(struct jsampler *s, const float *logits)
{
	size_t n = 0;

	for (int64_t i = 0; i < s->vocab; i++)
		if (logits[i] > -INFINITY)	/* a NaN is not, either */
			s->c[n++] = (struct candidate){ .logit = logits[i], .id = (uint32_t)i };
	return n;
}

static size_t
narrow(struct jsampler *s, size_t n, const struct jsample_opts *o, struct jrand *r)
{
	if (o->top_n_sigma > 0)
		n = cut_sigma(s->c, n, o->top_n_sigma);
	if (o->top_k > 0 && (size_t)o->top_k < n) {
		select_top(s->c, n, (size_t)o->top_k);
		n = (size_t)o->top_k;
	} else {
		qsort(s->c, n, sizeof(*s->c), by_logit);
	}
	if (o->typical_p > 0 && o->typical_p < 1)
		n = cut_typical(s->c, n, o->typical_p);
	softmax(s->c, n, 1);
	if (o->top_p < 1)
		n = cut_top_p(s->c, n, o->top_p);
	if (o->min_p > 0)
		n = cut_min_p(s->c, n, o->min_p);
	if (o->xtc_probability > 0)
		n = cut_xtc(s->c, n, o, r);
	return n;
}

uint32_t
jsample_choose(struct jsampler *s, const float *logits, const struct jsample_opts *o,
	struct jrand *r)
{
	size_t n;
	double u, sum = 0;

	if (o->temperature <= 0)
		return greedy(logits, s->vocab);
	n = gather(s, logits);
	if (n == 0)
		return 0;
	n = narrow(s, n, o, r);
	softmax(s->c, n, o->temperature);
	u = jrand_double(r);
	for (size_t i = 0; i + 1 < n; i++) {
		sum += s->c[i].p;
		if (u < sum)
			return s->c[i].id;
	}
	return s->c[n - 1].id;
}

uint32_t
jsample(struct jsampler *s, float *logits, const struct jsample_opts *o, const uint32_t *recent,
	size_t n_recent, struct jrand *r)
{
	jsample_penalise(s, logits, o, recent, n_recent);
	return jsample_choose(s, logits, o, r);
}

double
jsample_log_sum(const float *logits, int64_t n)
{
	double max = -INFINITY, sum = 0;

	for (int64_t i = 0; i < n; i++)
		if (logits[i] > max)
			max = logits[i];
	for (int64_t i = 0; i < n; i++)
		if (logits[i] > -INFINITY)
			sum += exp(logits[i] - max);
	return max + log(sum);
}

void
jsample_top(struct jsampler *s, const float *logits, size_t k, struct jlogprob *out)
{
	double log_sum = jsample_log_sum(logits, s->vocab);
	size_t n = gather(s, logits), found = k < n ? k : n;

	select_top(s->c, n, found);
	for (size_t i = 0; i < k; i++)
		out[i] = i < found ? (struct jlogprob){ s->c[i].id,
			(float)(s->c[i].logit - log_sum) } : (struct jlogprob){ 0, -INFINITY };
}
