/*
 * router_tune.c - what was held out decides how much each signal counts, and from where on a text is
 * somebody's.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "swarm/solve.h"
#include "swarm/train.h"

#define LOOKED_AT 400		/* held-out passages of a class */
#define KEPT 20			/* all but one of so many of the experts' own must be taken */
#define ENOUGH 4000		/* foreign passages, so that they alone tell what is foreign */
#define AT_MOST 0.8		/* share of what experts that are left out say about it beside some */

enum kind { OURS, FOREIGN, LEFT_OUT };

struct tune {
	struct jrouter_train *t;
	struct sight sight;
	double *keyword;		/* [experts] */
	float **vector;			/* [passages][C], NULL where it was not needed yet */
	size_t *seen;			/* [classes] passages of each */
	double *signal;			/* [n, experts, SIGNALS] of the experts' own */
	size_t *made, n, cap, cap_made;
	double *looks;			/* [m, 2, LOOKS + 1]: the passage, and nothing */
	size_t *theirs, m, cap_looks, cap_kind;	/* [m] 0: somebody's, 1: not */
	enum kind *kind;		/* [m] */
	size_t cap_theirs;
};

static int
look(struct tune *u, const struct passage *p, size_t without, struct jerr *e)
{
	struct jrouter_train *t = u->t;
	struct text_seen q = { &p->f, u->keyword, NULL, without };
	float **vector = &u->vector[p - t->p];
	int rc = 0;

	keywords_score(t->kw, t->bytes.p + p->text_at, p->text_n, u->keyword);
	if (t->encoder && !*vector) {
		*vector = jmem_alloc(t->t.e.width, sizeof(**vector));
		rc = encoder_text(t->encoder, t->bytes.p + p->text_at, p->text_n, *vector, e);
	}
	q.vector = *vector;
	if (rc == 0)
		sight_see(&u->sight, &t->t, &q);
	return rc;
}

static void
put_signal(struct tune *u, size_t expert)
{
	size_t row = u->t->x->n * SIGNALS;

	JMEM_GROW(u->signal, u->cap, (u->n + 1) * row);
	JMEM_GROW(u->made, u->cap_made, u->n + 1);
	memcpy(u->signal + u->n * row, u->sight.signal, row * sizeof(*u->signal));
	u->made[u->n++] = expert;
}

static void
put_looks(struct tune *u, enum kind kind)
{
	const size_t row = 2 * (LOOKS + 1);

	JMEM_GROW(u->looks, u->cap_looks, (u->m + 1) * row);
	JMEM_GROW(u->theirs, u->cap_theirs, u->m + 1);
	JMEM_GROW(u->kind, u->cap_kind, u->m + 1);
	memset(u->looks + u->m * row, 0, row * sizeof(*u->looks));
	memcpy(u->looks + u->m * row, u->sight.looks, (LOOKS + 1) * sizeof(*u->looks));
	u->kind[u->m] = kind;
	u->theirs[u->m++] = kind != OURS;
}

/* The passages of a class that are looked at: those held out, the first of them. */
static int
look_at_all(struct tune *u, bool looks, struct jerr *e)
{
	struct jrouter_train *t = u->t;
	const size_t nobody = t->x->n;
	int rc = 0;

	memset(u->seen, 0, (nobody + 1) * sizeof(*u->seen));
	for (size_t i = 0; rc == 0 && i < t->n; i++) {
		const struct passage *p = &t->p[i];

		if (!p->held_out || u->seen[p->expert] == LOOKED_AT || (looks && !p->is_short) ||
		    (!looks && p->expert == nobody))
			continue;
		u->seen[p->expert]++;
		rc = look(u, p, SIZE_MAX, e);
		if (rc == 0 && !looks)
			put_signal(u, p->expert);
		if (rc < 0 || !looks)
			continue;
		put_looks(u, p->expert == nobody ? FOREIGN : OURS);
		if (p->expert == nobody)
			continue;
		rc = look(u, p, p->expert, e);
		if (rc == 0)
			put_looks(u, LEFT_OUT);
	}
	return rc;
}

/* --- the strategies --- */

/* The weights of the signals that it may use, none of them negative. */
static void
fit_strategy(struct tune *u, enum jroute_strategy s, int signals)
{
	const size_t rows = u->n * u->t->x->n;
	struct choices_made c = { .n = u->n, .alternatives = u->t->x->n, .made = u->made };
	double *x = jmem_alloc(rows * SIGNALS + 1, sizeof(*x)), w[SIGNALS];
	int used[SIGNALS];

	for (int k = 0; k < signals; k++)
		if (strategy_uses(s, k))
			used[c.k++] = k;
	for (size_t i = 0; i < rows; i++)
		for (size_t k = 0; k < c.k; k++)
			x[i * c.k + k] = u->signal[i * SIGNALS + (size_t)used[k]];
	c.x = x;
	c.n_signs = c.k;
	if (c.k > 0)
		solve_choices(&c, w);
	for (size_t k = 0; k < c.k; k++)
		u->t->t.mix[s][used[k]] = (float)w[k];
	jmem_free(x);
}

/* Share of the rows whose own expert has the highest sum. */
static double
accuracy(const struct tune *u, enum jroute_strategy s)
{
	const size_t E = u->t->x->n;
	const float *w = u->t->t.mix[s];
	size_t right = 0;

	for (size_t i = 0; i < u->n; i++) {
		double best = -INFINITY;
		size_t first = 0;

		for (size_t a = 0; a < E; a++) {
			const double *x = u->signal + (i * E + a) * SIGNALS;
			double sum = 0;

			for (int k = 0; k < SIGNALS; k++)
				sum += (double)w[k] * x[k];
			if (sum > best) {
				best = sum;
				first = a;
			}
		}
		right += first == u->made[i];
	}
	return u->n ? (double)right / (double)u->n : 0;
}

/* --- the threshold --- */

/* How much what is left out counts: all where nothing is foreign, nothing where there is enough of it. */
static double
share_left_out(const struct jrouter_train *t)
{
	double n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->p[i].expert == t->x->n;
	return n == 0 ? 1 : n < ENOUGH ? AT_MOST * (1 - n / ENOUGH) : 0;
}

/* Both sides weigh the same; without a vector nothing is near. */
static void
fit_looks(struct tune *u, bool embeds)
{
	double *weight = jmem_alloc(u->m + 1, sizeof(*weight)), n[3] = { 0 }, w[LOOKS + 1];
	double left_out = share_left_out(u->t), of[3] = { 1, 1 - left_out, left_out };
	struct choices_made c = { .n = u->m, .alternatives = 2, .k = LOOKS + 1, .n_signs = LOOKS,
		.x = u->looks, .made = u->theirs, .weight = weight };

	for (size_t i = 0; i < u->m; i++)
		n[u->kind[i]]++;
	for (size_t i = 0; !embeds && i < u->m; i++)
		u->looks[i * 2 * (LOOKS + 1) + LOOKS_NEAR] = 0;
	for (size_t i = 0; i < u->m; i++)
		weight[i] = of[u->kind[i]] / n[u->kind[i]];
	solve_choices(&c, w);
	for (int k = 0; k <= LOOKS; k++)
		u->t->t.looks[embeds][k] = (float)w[k];
	jmem_free(weight);
}

static int
by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static size_t
count_below(const double *v, size_t n, double limit)
{
	size_t k = 0;

	while (k < n && v[k] < limit)
		k++;
	return k;
}

/*
 * Nearly all of the experts' own short passages stay.  Within that, given foreign texts, as many of
 * them as possible are refused: the ones to come are more various than those at hand.  Without them
 * the sum of shares that fall on the right side is the highest.
 */
static void
choose_threshold(struct tune *u, const double *own, size_t n, const double *foreign, size_t m,
	struct jrouter_report *r)
{
	double best = -1;

	for (size_t i = u->t->has_foreign ? n / KEPT : 0; i < n / KEPT + 1 && i < n; i++) {
		size_t below = count_below(foreign, m, own[i]);
		double kept = 1 - (double)count_below(own, n, own[i]) / (double)n;
		double off = m ? (double)below / (double)m : 0;

		if (kept + off > best) {
			best = kept + off;
			/* Half way to the next foreign one: between the two any limit is as good. */
			u->t->t.threshold[u->sight.embeds] = (own[i] + (below ? foreign[below - 1] : 0)) / 2;
			r->own_accepted = kept;
			r->foreign_rejected = off;
		}
	}
}

static void
find_threshold(struct tune *u, bool embeds, struct jrouter_report *r)
{
	double *own = jmem_alloc(2 * u->m + 1, sizeof(*own)), *foreign = own + u->m;
	size_t n = 0, m = 0;

	u->sight.embeds = embeds;
	for (size_t i = 0; i < u->m; i++) {
		double v;

		memcpy(u->sight.looks, u->looks + i * 2 * (LOOKS + 1), sizeof(u->sight.looks));
		v = sight_acceptance(&u->sight, &u->t->t);
		if (u->kind[i] == OURS)
			own[n++] = v;
		else if ((u->kind[i] == FOREIGN) == u->t->has_foreign)
			foreign[m++] = v;
	}
	qsort(own, n, sizeof(*own), by_number);
	qsort(foreign, m, sizeof(*foreign), by_number);
	choose_threshold(u, own, n, foreign, m, r);
	jmem_free(own);
}

int
router_tune(struct jrouter_train *t, struct jrouter_report *r, struct jerr *e)
{
	const int signals = t->encoder ? SIGNALS : SIGNAL_NEAREST;
	struct tune u = { .t = t };
	int rc;

	sight_init(&u.sight, &t->t);
	u.keyword = jmem_zalloc(t->x->n, sizeof(*u.keyword));
	u.vector = jmem_zalloc(t->n + 1, sizeof(*u.vector));
	u.seen = jmem_zalloc(t->x->n + 1, sizeof(*u.seen));
	rc = look_at_all(&u, false, e);
	for (int s = 0; rc == 0 && s < STRATEGIES; s++) {
		fit_strategy(&u, (enum jroute_strategy)s, signals);
		r->accuracy[s] = accuracy(&u, (enum jroute_strategy)s);
	}
	if (rc == 0)
		rc = look_at_all(&u, true, e);	/* how sure it is depends on the weights found */
	r->embeds = t->encoder != NULL;
	for (int embeds = r->embeds; rc == 0 && embeds >= 0; embeds--) {
		struct jrouter_report all;

		fit_looks(&u, embeds);
		find_threshold(&u, embeds, embeds == r->embeds ? r : &all);
	}
	r->threshold = t->t.threshold[r->embeds];
	sight_release(&u.sight);
	jmem_free(u.keyword);
	for (size_t i = 0; i < t->n; i++)
		jmem_free(u.vector[i]);
	jmem_free(u.vector);
	jmem_free(u.seen);
	jmem_free(u.signal);
	jmem_free(u.made);
	jmem_free(u.looks);
	jmem_free(u.theirs);
	jmem_free(u.kind);
	return rc;
}
