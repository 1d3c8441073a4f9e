/*
 * Choosing a token.  Candidates are (logit, id) pairs ordered by falling logit, then rising id, so
 * that equal logits do not depend on the sorting routine.
 */
#include "infer/jinfer.h"

#include <math.h>
#include <stdlib.h>

struct candidate {
	float logit;
	uint32_t id;
	double p;
};

struct jsampler {
	int64_t vocab;
	struct candidate *c;
};

struct jsampler *
jsampler_new(int64_t vocab)
{
	struct jsampler *s = jmem_alloc(1, sizeof(*s));

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

/* Each token of the window once: positive logits divided, negative ones multiplied. */
static void
penalise(float *logits, int64_t vocab, const struct jsample_opts *o, const uint32_t *recent,
	size_t n)
{
	size_t from = o->repeat_last >= 0 && n > (size_t)o->repeat_last ?
		n - (size_t)o->repeat_last : 0;
	float penalty = (float)o->repeat_penalty;

	if (penalty == 1)
		return;
	for (size_t i = from; i < n; i++) {
		size_t j = from;

		while (recent[j] != recent[i])
			j++;
		if (j < i || recent[i] >= vocab)
			continue;
		if (logits[recent[i]] > 0)
			logits[recent[i]] /= penalty;
		else
			logits[recent[i]] *= penalty;
	}
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

uint32_t
jsample(struct jsampler *s, float *logits, const struct jsample_opts *o, const uint32_t *recent,
	size_t n_recent, struct jrand *r)
{
	size_t n = 0;
	double u, sum = 0;

	penalise(logits, s->vocab, o, recent, n_recent);
	if (o->temperature <= 0)
		return greedy(logits, s->vocab);
	for (int64_t i = 0; i < s->vocab; i++)
		if (!isnan(logits[i]))
			s->c[n++] = (struct candidate){ logits[i], (uint32_t)i, 0 };
	if (n == 0)
		return 0;
	if (o->top_k > 0 && (size_t)o->top_k < n) {
		select_top(s->c, n, (size_t)o->top_k);
		n = (size_t)o->top_k;
	} else {
		qsort(s->c, n, sizeof(*s->c), by_logit);
	}
	softmax(s->c, n, 1);
	if (o->top_p < 1)
		n = cut_top_p(s->c, n, o->top_p);
	if (o->min_p > 0)
		n = cut_min_p(s->c, n, o->min_p);
	softmax(s->c, n, o->temperature);
	u = jrand_double(r);
	for (size_t i = 0; i + 1 < n; i++) {
		sum += s->c[i].p;
		if (u < sum)
			return s->c[i].id;
	}
	return s->c[n - 1].id;
}
