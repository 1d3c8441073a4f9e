/*
 * Ridge regression by conjugate gradients (Hestenes and Stiefel 1952) on sparse rows of length 1, in
 * folds; then the curve of the predictions.
 */
#include "swarm/jcurve.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jrand.h"
#include "swarm/features.h"

#define ROUNDS 60		/* of conjugate gradients, at most */
#define ENOUGH 1e-8		/* of the first squared residual */
#define DRAWS 1000
#define FORM 0.1		/* of a question's form, beside its words: per standard deviation */
#define LEARNED (-1)		/* in no fold: learned from, never asked */

enum { LENGTH, NUMBERS, SYMBOLS, LINES, WORD_LENGTH, MEASURES };	/* the logarithms of all but the last */
#define COLUMNS (FEATURES + MEASURES)

struct question {
	struct features f;		/* weighed for the fold that is being fitted */
	struct features raw;
	double weak, strong, score;
	double measure[MEASURES];	/* of its form */
	uint64_t key;			/* what decides the fold */
	int fold;
};

struct jcurve {
	uint64_t seed;
	int folds;
	double ridge;
	struct question *q;
	size_t n, cap, learned;
	float *idf;			/* [FEATURES] */
	double *w, *residual, *step, *image;	/* [COLUMNS] */
};

struct jcurve *
jcurve_new(uint64_t seed, int folds, double ridge)
{
	struct jcurve *c = jmem_zalloc(1, sizeof(*c));

	c->seed = seed;
	c->folds = folds;
	c->ridge = ridge;
	c->idf = jmem_zalloc(FEATURES, sizeof(*c->idf));
	c->w = jmem_zalloc(4 * COLUMNS, sizeof(*c->w));
	c->residual = c->w + COLUMNS;
	c->step = c->residual + COLUMNS;
	c->image = c->step + COLUMNS;
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

/* What the form says of how hard a question is, whatever it is about. */
static void
measure(struct question *q, const char *text, size_t n)
{
	double m[MEASURES] = { 0 }, words = 1;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		bool digit = c >= '0' && c <= '9';

		m[NUMBERS] += digit && (i == 0 || text[i - 1] < '0' || text[i - 1] > '9');
		m[SYMBOLS] += strchr("\\$^_{}=+*/<>()[]", c) != NULL;
		m[LINES] += c == '\n';
		words += c == ' ';
	}
	q->measure[LENGTH] = log(1 + (double)n);
	q->measure[WORD_LENGTH] = (double)n / words;
	for (int k = NUMBERS; k < WORD_LENGTH; k++)
		q->measure[k] = log(1 + m[k]);
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
	measure(q, text, n);
}

void
jcurve_learn(struct jcurve *c, const char *text, size_t n, double weak, double strong)
{
	jcurve_add(c, text, n, NULL, weak, strong);
	c->q[c->n - 1].fold = LEARNED;
	c->learned++;
}

/* Those that are asked move to the front; the others stay in the order in which they came. */
static void
set_apart(struct jcurve *c)
{
	struct question *q = jmem_alloc(c->n + 1, sizeof(*q));
	size_t k = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->q[i].fold != LEARNED)
			q[k++] = c->q[i];
	for (size_t i = 0; i < c->n; i++)
		if (c->q[i].fold == LEARNED)
			q[k++] = c->q[i];
	jmem_free(c->q);
	c->q = q;
	c->cap = c->n + 1;
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
	const size_t n = c->n - c->learned;
	uint64_t *keys = jmem_alloc(n + 1, sizeof(*keys));
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		keys[i] = c->q[i].key;
	qsort(keys, n, sizeof(*keys), by_key);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || keys[i] != keys[k - 1])
			keys[k++] = keys[i];
	for (size_t i = 0; i < n; i++) {
		const uint64_t *at = bsearch(&c->q[i].key, keys, k, sizeof(*keys), by_key);

		c->q[i].fold = (int)((size_t)(at - keys) % (size_t)c->folds);
	}
	jmem_free(keys);
	if (c->folds < 2 || k < (size_t)c->folds)
		return jerr_set(e, JERR_ARG, "%zu different questions or groups: expected at least as many as "
			"folds (%d), and two folds", k, c->folds);
	return 0;
}

/* Mean and standard deviation of the measures outside of the fold. */
static void
spread(const struct jcurve *c, int fold, double *mean, double *dev)
{
	for (int k = 0; k < MEASURES; k++) {
		double n = 0, sum = 0, square = 0;

		for (size_t i = 0; i < c->n; i++) {
			double v = c->q[i].measure[k];

			if (c->q[i].fold == fold)
				continue;
			n++;
			sum += v;
			square += v * v;
		}
		mean[k] = sum / n;
		dev[k] = sqrt(fmax(square / n - mean[k] * mean[k], 0)) + 1e-9;
	}
}

static void
weigh(struct jcurve *c, int fold)
{
	double n = 0, mean[MEASURES], dev[MEASURES];

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
	spread(c, fold, mean, dev);
	for (size_t i = 0; i < c->n; i++) {
		struct question *q = &c->q[i];

		JMEM_GROW(q->f.v, q->f.cap, q->raw.n + 1);
		memcpy(q->f.v, q->raw.v, q->raw.n * sizeof(*q->f.v));
		q->f.n = q->raw.n;
		features_weigh(&q->f, c->idf);
		JMEM_GROW(q->f.v, q->f.cap, q->f.n + MEASURES);
		for (int k = 0; k < MEASURES; k++)
			q->f.v[q->f.n++] = (struct feature){ (uint32_t)FEATURES + (uint32_t)k,
				(float)(FORM * (q->measure[k] - mean[k]) / dev[k]) };
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

	for (size_t k = 0; k < COLUMNS; k++)
		sum += v[k] * v[k];
	return sum;
}

/*
 * Solves (X'X + ridge) w = X'(y - mean) over the other folds.  The mean is no part of a prediction: where
 * a fold gains more than the others, theirs is lower, which would count against its questions.
 */
static void
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
	memset(c->w, 0, 2 * COLUMNS * sizeof(*c->w));
	for (size_t i = 0; i < c->n; i++)
		if (c->q[i].fold != fold)
			add_times(&c->q[i].f, c->q[i].strong - c->q[i].weak - mean, c->residual);
	memcpy(c->step, c->residual, COLUMNS * sizeof(*c->step));
	rr = first = square(c->residual);
	for (int round = 0; round < ROUNDS && rr > ENOUGH * first; round++) {
		double along = 0, alpha, next;

		for (size_t k = 0; k < COLUMNS; k++)
			c->image[k] = c->ridge * c->step[k];
		for (size_t i = 0; i < c->n; i++)
			if (c->q[i].fold != fold)
				add_times(&c->q[i].f, dot(&c->q[i].f, c->step), c->image);
		for (size_t k = 0; k < COLUMNS; k++)
			along += c->step[k] * c->image[k];
		alpha = rr / along;
		for (size_t k = 0; k < COLUMNS; k++) {
			c->w[k] += alpha * c->step[k];
			c->residual[k] -= alpha * c->image[k];
		}
		next = square(c->residual);
		for (size_t k = 0; k < COLUMNS; k++)
			c->step[k] = c->residual[k] + next / rr * c->step[k];
		rr = next;
	}
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
	const size_t asked = c->n - c->learned;
	double *times = jmem_alloc(asked + 1, sizeof(*times)), v[DRAWS];
	struct jrand rand;
	size_t n = 0;

	jrand_init(&rand, c->seed, 1);
	for (int k = 0; k < DRAWS; k++) {
		double a;

		memset(times, 0, asked * sizeof(*times));
		for (size_t i = 0; i < asked; i++)
			times[jrand_below(&rand, asked)]++;
		a = area(c->q, asked, times);
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
	const size_t asked = c->n - c->learned;
	double gained = 0, n = (double)asked, gap = r->strong - r->weak;
	double *const cpt[] = { &r->cpt50, &r->cpt80, &r->cpt95 };
	const double want[] = { 0.5, 0.8, 0.95 };
	int point = 0, reached = 0;

	for (size_t i = 0; i <= asked; i++) {
		for (; point < JCURVE_POINTS && (double)i >= n * point / (JCURVE_POINTS - 1) - 1e-9; point++)
			r->quality[point] = r->weak + gained / n;
		for (; reached < 3 && gained / n >= want[reached] * gap - 1e-12; reached++)
			*cpt[reached] = (double)i / n;
		if (i < asked)
			gained += c->q[i].strong - c->q[i].weak;
	}
}

/* Predictions of every question by the folds that it is not in, or by what was to be learned from. */
static void
predict(struct jcurve *c)
{
	const size_t asked = c->n - c->learned;

	for (int fold = 0; fold < c->folds; fold++) {
		weigh(c, fold);
		fit(c, fold);
		for (size_t i = 0; i < asked; i++)
			if (c->q[i].fold == fold)
				c->q[i].score = dot(&c->q[i].f, c->w);
	}
}

int
jcurve_run(struct jcurve *c, struct jcurve_result *r, struct jerr *e)
{
	const size_t n = c->n - c->learned;
	int rc = 0;

	memset(r, 0, sizeof(*r));
	set_apart(c);
	if (c->learned)
		c->folds = 1;
	else
		rc = deal(c, e);
	if (rc < 0)
		return rc;
	r->questions = n;
	for (size_t i = 0; i < n; i++) {
		r->weak += c->q[i].weak / (double)n;
		r->strong += c->q[i].strong / (double)n;
	}
	if (r->strong <= r->weak)
		return jerr_set(e, JERR_ARG, "the strong model (%.4f) is no better than the weak one (%.4f): "
			"nothing to route", r->strong, r->weak);
	for (size_t i = 0; i < n; i++)
		c->q[i].score = c->q[i].strong - c->q[i].weak;
	qsort(c->q, n, sizeof(*c->q), by_score);
	r->perfect = area(c->q, n, NULL);
	predict(c);
	qsort(c->q, n, sizeof(*c->q), by_score);
	r->apgr = area(c->q, n, NULL);
	interval(c, r);
	trace(c, r);
	return 0;
}
