/*
 * Ridge regression by conjugate gradients (Hestenes and Stiefel 1952) on sparse rows of length 1, in
 * folds; then the curve of the predictions.
 */
#include "swarm/jcurve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jrand.h"
#include "swarm/features.h"

#define ROUNDS 60		/* of conjugate gradients, at most */
#define ENOUGH 1e-8		/* of the first squared residual */
#define DRAWS 1000

struct question {
	struct features f;		/* weighed for the fold that is being fitted */
	struct features raw;
	double weak, strong, score;
	uint64_t key;			/* what decides the fold */
	int fold;
};

struct jcurve {
	uint64_t seed;
	int folds;
	double ridge;
	struct question *q;
	size_t n, cap;
	float *idf;			/* [FEATURES] */
	double *w, *residual, *step, *image;	/* [FEATURES] */
};

struct jcurve *
jcurve_new(uint64_t seed, int folds, double ridge)
{
	struct jcurve *c = jmem_zalloc(1, sizeof(*c));

	c->seed = seed;
	c->folds = folds;
	c->ridge = ridge;
	c->idf = jmem_zalloc(FEATURES, sizeof(*c->idf));
	c->w = jmem_zalloc(4 * FEATURES, sizeof(*c->w));
	c->residual = c->w + FEATURES;
	c->step = c->residual + FEATURES;
	c->image = c->step + FEATURES;
	return c;
}

void
jcurve_free(struct jcurve *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		features_release(&c->q[i].f);
		features_release(&c->q[i].raw);
	}
	jmem_free(c->q);
	jmem_free(c->idf);
	jmem_free(c->w);
	jmem_free(c);
}

void
jcurve_add(struct jcurve *c, const char *text, size_t n, const char *group, double weak, double strong)
{
	struct question *q;

	JMEM_GROW(c->q, c->cap, c->n + 1);
	q = &c->q[c->n++];
	memset(q, 0, sizeof(*q));
	q->weak = weak;
	q->strong = strong;
	q->key = group ? jhash64(group, strlen(group), c->seed) : jhash64(text, n, c->seed);
	features_make(&q->raw, text, n);
}

static int
by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Keys are dealt out in their order, so that the folds have as many of them as can be. */
static int
deal(struct jcurve *c, struct jerr *e)
{
	uint64_t *keys = jmem_alloc(c->n + 1, sizeof(*keys));
	size_t k = 0;

	for (size_t i = 0; i < c->n; i++)
		keys[i] = c->q[i].key;
	qsort(keys, c->n, sizeof(*keys), by_key);
	for (size_t i = 0; i < c->n; i++)
		if (i == 0 || keys[i] != keys[k - 1])
			keys[k++] = keys[i];
	for (size_t i = 0; i < c->n; i++) {
		const uint64_t *at = bsearch(&c->q[i].key, keys, k, sizeof(*keys), by_key);

		c->q[i].fold = (int)((size_t)(at - keys) % (size_t)c->folds);
	}
	jmem_free(keys);
	if (c->folds < 2 || k < (size_t)c->folds)
		return jerr_set(e, JERR_ARG, "%zu different questions or groups: expected at least as many as "
			"folds (%d), and two folds", k, c->folds);
	return 0;
}

static void
weigh(struct jcurve *c, int fold)
{
	double n = 0;

	memset(c->idf, 0, FEATURES * sizeof(*c->idf));
	for (size_t i = 0; i < c->n; i++) {
		const struct features *f = &c->q[i].raw;

		if (c->q[i].fold == fold)
			continue;
		n++;
		for (size_t k = 0; k < f->n; k++)
			c->idf[f->v[k].at]++;
	}
	for (size_t k = 0; k < FEATURES; k++)
		c->idf[k] = logf(((float)n + 1) / (c->idf[k] + 1)) + 1;
	for (size_t i = 0; i < c->n; i++) {
		struct question *q = &c->q[i];

		JMEM_GROW(q->f.v, q->f.cap, q->raw.n + 1);
		memcpy(q->f.v, q->raw.v, q->raw.n * sizeof(*q->f.v));
		q->f.n = q->raw.n;
		features_weigh(&q->f, c->idf);
	}
}

static double
dot(const struct features *f, const double *v)
{
	double sum = 0;

	for (size_t k = 0; k < f->n; k++)
		sum += (double)f->v[k].value * v[f->v[k].at];
	return sum;
}

static void
add_times(const struct features *f, double by, double *v)
{
	for (size_t k = 0; k < f->n; k++)
		v[f->v[k].at] += by * f->v[k].value;
}

static double
square(const double *v)
{
	double sum = 0;

	for (size_t k = 0; k < FEATURES; k++)
		sum += v[k] * v[k];
	return sum;
}

/* Solves (X'X + ridge) w = X'(y - mean) over the other folds; returns the mean. */
static double
fit(struct jcurve *c, int fold)
{
	double mean = 0, n = 0, rr, first;

	for (size_t i = 0; i < c->n; i++) {
		if (c->q[i].fold == fold)
			continue;
		mean += c->q[i].strong - c->q[i].weak;
		n++;
	}
	mean /= n;
	memset(c->w, 0, 2 * FEATURES * sizeof(*c->w));
	for (size_t i = 0; i < c->n; i++)
		if (c->q[i].fold != fold)
			add_times(&c->q[i].f, c->q[i].strong - c->q[i].weak - mean, c->residual);
	memcpy(c->step, c->residual, FEATURES * sizeof(*c->step));
	rr = first = square(c->residual);
	for (int round = 0; round < ROUNDS && rr > ENOUGH * first; round++) {
		double along = 0, alpha, next;

		for (size_t k = 0; k < FEATURES; k++)
			c->image[k] = c->ridge * c->step[k];
		for (size_t i = 0; i < c->n; i++)
			if (c->q[i].fold != fold)
				add_times(&c->q[i].f, dot(&c->q[i].f, c->step), c->image);
		for (size_t k = 0; k < FEATURES; k++)
			along += c->step[k] * c->image[k];
		alpha = rr / along;
		for (size_t k = 0; k < FEATURES; k++) {
			c->w[k] += alpha * c->step[k];
			c->residual[k] -= alpha * c->image[k];
		}
		next = square(c->residual);
		for (size_t k = 0; k < FEATURES; k++)
			c->step[k] = c->residual[k] + next / rr * c->step[k];
		rr = next;
	}
	return mean;
}

static int
by_score(const void *a, const void *b)
{
	const struct question *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->key > y->key) - (x->key < y->key);
}

/* APGR of the questions in their order, each as often as times says (NULL: once). */
static double
area(const struct question *q, size_t n, const double *times)
{
	double all = 0, gap = 0, sum = 0, gained = 0;

	for (size_t i = 0; i < n; i++) {
		double t = times ? times[i] : 1;

		gap += t * (q[i].strong - q[i].weak);
		all += t;
	}
	for (size_t i = 0; i < n; i++) {
		double t = times ? times[i] : 1, d = t * (q[i].strong - q[i].weak);

		sum += t * (gained + d / 2);
		gained += d;
	}
	return gap > 0 ? sum / gap / all : NAN;
}

static int
by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
interval(struct jcurve *c, struct jcurve_result *r)
{
	double *times = jmem_alloc(c->n + 1, sizeof(*times)), v[DRAWS];
	struct jrand rand;
	size_t n = 0;

	jrand_init(&rand, c->seed, 1);
	for (int k = 0; k < DRAWS; k++) {
		double a;

		memset(times, 0, c->n * sizeof(*times));
		for (size_t i = 0; i < c->n; i++)
			times[jrand_below(&rand, c->n)]++;
		a = area(c->q, c->n, times);
		if (!isnan(a))
			v[n++] = a;
	}
	qsort(v, n, sizeof(*v), by_number);
	r->apgr_low = n ? v[(size_t)(0.025 * (double)(n - 1) + 0.5)] : NAN;
	r->apgr_high = n ? v[(size_t)(0.975 * (double)(n - 1) + 0.5)] : NAN;
	jmem_free(times);
}

/* Quality at the shares of the table, and the shares at which so much of the gap is reached. */
static void
trace(const struct jcurve *c, struct jcurve_result *r)
{
	double gained = 0, n = (double)c->n, gap = r->strong - r->weak;
	double *const cpt[] = { &r->cpt50, &r->cpt80, &r->cpt95 };
	const double want[] = { 0.5, 0.8, 0.95 };
	int point = 0, reached = 0;

	for (size_t i = 0; i <= c->n; i++) {
		for (; point < JCURVE_POINTS && (double)i >= n * point / (JCURVE_POINTS - 1) - 1e-9; point++)
			r->quality[point] = r->weak + gained / n;
		for (; reached < 3 && gained / n >= want[reached] * gap - 1e-12; reached++)
			*cpt[reached] = (double)i / n;
		if (i < c->n)
			gained += c->q[i].strong - c->q[i].weak;
	}
}

int
jcurve_run(struct jcurve *c, struct jcurve_result *r, struct jerr *e)
{
	int rc = deal(c, e);

	memset(r, 0, sizeof(*r));
	if (rc < 0)
		return rc;
	r->questions = c->n;
	for (size_t i = 0; i < c->n; i++) {
		r->weak += c->q[i].weak / (double)c->n;
		r->strong += c->q[i].strong / (double)c->n;
	}
	if (r->strong <= r->weak)
		return jerr_set(e, JERR_ARG, "the strong model (%.4f) is no better than the weak one (%.4f): "
			"nothing to route", r->strong, r->weak);
	for (size_t i = 0; i < c->n; i++)
		c->q[i].score = c->q[i].strong - c->q[i].weak;
	qsort(c->q, c->n, sizeof(*c->q), by_score);
	r->perfect = area(c->q, c->n, NULL);
	for (int fold = 0; fold < c->folds; fold++) {
		double mean;

		weigh(c, fold);
		mean = fit(c, fold);
		for (size_t i = 0; i < c->n; i++)
			if (c->q[i].fold == fold)
				c->q[i].score = mean + dot(&c->q[i].f, c->w);
	}
	qsort(c->q, c->n, sizeof(*c->q), by_score);
	r->apgr = area(c->q, c->n, NULL);
	interval(c, r);
	trace(c, r);
	return 0;
}
