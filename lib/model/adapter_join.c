/*
 * adapter_join.c - several adapters into one, as PEFT's add_weighted_adapter() does it.
 *
 * With f_i = weight_i * scale_i of an adapter:
 *
 *	cat	A = [f_i A_i ...], B = [B_i ...]: exactly the weighted sum, of the sum of the ranks
 *	svd	the same, brought to a rank by its largest singular values
 *	others	tensor by tensor, for adapters of one rank: sign(f_i) sqrt|f_i| A_i and sqrt|f_i| B_i summed
 *		(linear), of each the largest values (prune), or a random share (dare), and of these the
 *		ones whose sign wins, averaged (ties, dare-ties)
 *
 * The result has the scale 1 everywhere.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jrand.h"
#include "model/adapter.h"
#include "model/svd.h"
#include "model/topk.h"

const char *const jadapter_joins = "cat|svd|linear|prune|ties|dare|dare-ties";

int
jadapter_join_find(const char *name)
{
	static const char *const names[] = { "cat", "svd", "linear", "prune", "ties", "dare", "dare-ties" };

	for (int i = 0; i < 7; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

/* The same module of each adapter; NULL where one has none. */
struct group {
	const struct jadapter_join *o;
	const struct jadapter_module **v;	/* [n] */
	const struct jadapter_module *first;	/* that is there */
	struct jadapter_module *to;
	int64_t rank;				/* of the result */
};

static const struct jadapter_module *
find(const struct jadapter *a, const struct jadapter_module *like)
{
	for (size_t i = 0; i < a->n_modules; i++)
		if (strcmp(a->modules[i].name, like->name) == 0 && a->modules[i].half == like->half
		    && a->modules[i].stack == like->stack)
			return &a->modules[i];
	return NULL;
}

static int64_t
inputs(const struct jadapter_module *m)
{
	return m->look_up ? m->a->shape[0] : m->a->shape[1];
}

static double
factor(const struct group *g, size_t i)
{
	return g->o->weights[i] * (double)adapter_scale(g->o->adapters[i], g->v[i]);
}

/* Finds the group and its rank. */
static int
gather(struct group *g, const struct jadapter_module *like, struct jerr *e)
{
	bool whole = g->o->method == JJOIN_CAT;
	int64_t most = 0;

	g->rank = 0;
	g->first = like;
	for (size_t i = 0; i < g->o->n; i++) {
		const struct jadapter_module *m = g->v[i] = find(g->o->adapters[i], like);

		if (!m)
			continue;
		if (m->parts != like->parts || inputs(m) != inputs(like)
		    || m->b->shape[0] != like->b->shape[0])
			return jerr_set(e, JERR_FORMAT, "adapters: %s has another shape in adapter %zu",
				like->name, i + 1);
		if (g->o->method > JJOIN_SVD && m->r != like->r)
			return jerr_set(e, JERR_ARG, "adapters: %s has the ranks %lld and %lld: only cat and "
				"svd join adapters of different ranks", like->name, (long long)like->r,
				(long long)m->r);
		g->rank += m->r;
		most = m->r > most ? m->r : most;
	}
	if (!whole)
		g->rank = g->o->method == JJOIN_SVD && g->o->rank > 0
			? (g->o->rank < g->rank ? g->o->rank : g->rank) : most;
	if (g->o->method == JJOIN_SVD && (like->half || like->parts > 1))
		return jerr_set(e, JERR_UNSUPPORTED, "adapters: svd of %s, the experts, is not offered",
			like->name);
	return 0;
}

/* Where value k of input i, and of output o, of one part stands. */
static float *
a_at(const struct jadapter_module *m, int64_t part, int64_t k, int64_t i)
{
	return m->look_up ? &m->a->value[i * m->r + k] : &m->a->value[(part * m->r + k) * m->a->shape[1] + i];
}

static float *
b_at(const struct jadapter_module *m, int64_t o, int64_t k)
{
	return &m->b->value[o * m->r + k];
}

static void
join_cat(struct group *g)
{
	int64_t at = 0, I = inputs(g->first), O = g->first->b->shape[0];

	for (size_t n = 0; n < g->o->n; n++) {
		const struct jadapter_module *m = g->v[n];
		float f = m ? (float)factor(g, n) : 0;

		for (int64_t k = 0; m && k < m->r; k++) {
			for (int64_t p = 0; p < m->parts; p++)
				for (int64_t i = 0; i < I; i++)
					*a_at(g->to, p, at + k, i) = f * *a_at(m, p, k, i);
			for (int64_t o = 0; o < O; o++)
				*b_at(g->to, o, at + k) = *b_at(m, o, k);
		}
		at += m ? m->r : 0;
	}
}

static int
join_svd(struct group *g, struct jerr *e)
{
	struct svd s = { .O = g->first->b->shape[0], .I = inputs(g->first), .r = g->rank };
	int64_t at = 0;

	for (size_t n = 0; n < g->o->n; n++)
		s.R += g->v[n] ? g->v[n]->r : 0;
	s.b = jmem_try((size_t)(s.R * s.O), sizeof(double));
	s.a = jmem_try((size_t)(s.R * s.I), sizeof(double));
	if (!s.a || !s.b)
		jerr_set(e, JERR_NOMEM, "no memory to join %s", g->first->name);
	for (size_t n = 0; e->code == 0 && n < g->o->n; n++) {
		const struct jadapter_module *m = g->v[n];

		for (int64_t k = 0; m && k < m->r; k++, at++) {
			for (int64_t i = 0; i < s.I; i++)
				s.a[at * s.I + i] = factor(g, n) * (double)*a_at(m, 0, k, i);
			for (int64_t o = 0; o < s.O; o++)
				s.b[at * s.O + o] = (double)*b_at(m, o, k);
		}
	}
	if (e->code == 0)
		svd_thin(&s);
	for (int64_t k = 0; e->code == 0 && k < s.r; k++) {
		for (int64_t i = 0; i < s.I; i++)
			*a_at(g->to, 0, k, i) = (float)s.a[k * s.I + i];
		for (int64_t o = 0; o < s.O; o++)
			*b_at(g->to, o, k) = (float)s.b[k * s.O + o];
	}
	jmem_free(s.b);
	jmem_free(s.a);
	return e->code;
}

/* Leaves of one adapter's tensor what the method wants of it. */
static void
thin_out(const struct jadapter_join *o, size_t n, const struct jparam *p, float *v, int64_t count)
{
	struct jrand r;

	if (o->method == JJOIN_PRUNE || o->method == JJOIN_TIES)
		topk_keep(v, count, (int64_t)(o->density * (double)count), false);
	if (o->method != JJOIN_DARE && o->method != JJOIN_DARE_TIES)
		return;
	jrand_init_str(&r, o->seed + n * 0x9e3779b97f4a7c15u, p->name, strlen(p->name));
	for (int64_t i = 0; i < count; i++)
		v[i] = jrand_double(&r) < o->density ? v[i] / (float)o->density : 0;
}

/* The weighted sum of the values at i; with elected, of those with the sign of the plain sum, averaged. */
static double
joined(float *const *v, const double *by, size_t n, int64_t i, bool elected)
{
	double plain = 0, sum = 0;
	int took = 0;

	for (size_t k = 0; k < n; k++)
		plain += v[k] ? (double)v[k][i] : 0;
	for (size_t k = 0; k < n; k++) {
		if (!v[k] || (elected && (plain >= 0 ? v[k][i] <= 0 : v[k][i] >= 0)))
			continue;
		sum += by[k] * (double)v[k][i];
		took++;
	}
	return elected && took > 0 ? sum / took : sum;
}

/* One tensor of the group, A or B. */
static void
join_tensor(struct group *g, bool is_b)
{
	const struct jadapter_join *o = g->o;
	struct jparam *to = is_b ? g->to->b : g->to->a;
	int64_t count = to->shape[0] * to->shape[1];
	float **v = jmem_zalloc(o->n, sizeof(*v));
	double *by = jmem_zalloc(o->n, sizeof(*by));
	bool elected = o->method == JJOIN_TIES || o->method == JJOIN_DARE_TIES;

	for (size_t k = 0; k < o->n; k++) {
		const struct jparam *p = !g->v[k] ? NULL : is_b ? g->v[k]->b : g->v[k]->a;
		double f = p ? factor(g, k) : 0;

		if (!p)
			continue;
		v[k] = jmem_alloc((size_t)count, sizeof(**v));
		memcpy(v[k], p->value, (size_t)count * sizeof(**v));
		thin_out(o, k, p, v[k], count);
		by[k] = sqrt(fabs(f)) * (is_b || f >= 0 ? 1 : -1);
	}
	for (int64_t i = 0; i < count; i++)
		to->value[i] = (float)joined(v, by, o->n, i, elected);
	for (size_t k = 0; k < o->n; k++)
		jmem_free(v[k]);
	jmem_free(by);
	jmem_free(v);
}

static int
check(const struct jadapter_join *o, struct jerr *e)
{
	if (!(o->density > 0 && o->density <= 1))
		return jerr_set(e, JERR_ARG, "adapters: density %g: expected above 0, at most 1", o->density);
	for (size_t i = 0; i < o->n; i++) {
		const struct jadapter *a = o->adapters[i];

		if (a->dora || a->n_whole > 0)
			return jerr_set(e, JERR_UNSUPPORTED, "adapter %zu has %s, which cannot be joined with "
				"others", i + 1, a->dora ? "DoRA" : "whole tensors");
		if (a->mark.print[0] && o->adapters[0]->mark.print[0]
		    && strcmp(a->mark.print, o->adapters[0]->mark.print) != 0)
			return jerr_set(e, JERR_ARG, "adapter %zu was trained on another base than the first",
				i + 1);
	}
	return 0;
}

struct plan {
	struct adapter_part *parts;
	size_t n, cap;
};

static void
plan_part(struct plan *p, const struct jadapter_module *m, int kind, int64_t rank)
{
	struct adapter_part *to;
	const struct jparam *from = kind == PART_A ? m->a : m->b;

	JMEM_GROW(p->parts, p->cap, p->n + 1);
	to = &p->parts[p->n++];
	*to = (struct adapter_part){ .module = m->name, .kind = kind, .n_dims = 2,
		.shape = { from->shape[0], rank }, .dtype = JDT_F32, .stack = m->stack,
		.parts = m->parts, .half = kind == PART_B ? m->half : 0 };
	if (kind == PART_A && !m->look_up) {
		to->shape[0] = rank * m->parts;
		to->shape[1] = from->shape[1];
	}
}

/* Parts of all modules that any of the adapters has, in the order in which they come. */
static int
plan_modules(struct plan *p, struct group *g, struct jerr *e)
{
	for (size_t k = 0; k < g->o->n; k++) {
		const struct jadapter *a = g->o->adapters[k];

		for (size_t i = 0; i < a->n_modules; i++) {
			bool seen = false;

			for (size_t j = 0; j < k && !seen; j++)
				seen = find(g->o->adapters[j], &a->modules[i]) != NULL;
			if (seen)
				continue;
			if (gather(g, &a->modules[i], e) < 0)
				return e->code;
			if (a->modules[i].half != 2)
				plan_part(p, &a->modules[i], PART_A, g->rank);
			plan_part(p, &a->modules[i], PART_B, g->rank);
		}
	}
	return 0;
}

/* The first adapter that has such a module has it as its own first. */
static int
fill(struct jadapter *a, struct group *g, struct jerr *e)
{
	for (size_t i = 0; i < a->n_modules && e->code == 0; i++) {
		const struct jadapter_module *like = NULL;

		for (size_t k = 0; k < g->o->n && !like; k++)
			like = find(g->o->adapters[k], &a->modules[i]);
		g->to = &a->modules[i];
		g->to->alpha = (double)g->to->r;
		if (gather(g, like, e) < 0)
			return e->code;
		if (g->o->method == JJOIN_CAT) {
			join_cat(g);
		} else if (g->o->method == JJOIN_SVD) {
			join_svd(g, e);
		} else {
			join_tensor(g, false);
			join_tensor(g, true);
		}
		a->r = g->to->r > a->r ? g->to->r : a->r;
	}
	a->alpha = (double)a->r;
	return e->code;
}

static void
take_names(struct jadapter *a, const struct jadapter *from)
{
	a->bias = "none";
	a->fan_in_fan_out = from->fan_in_fan_out;
	a->base = from->base ? jarena_strndup(&a->arena, from->base, strlen(from->base)) : NULL;
	a->task = from->task ? jarena_strndup(&a->arena, from->task, strlen(from->task)) : NULL;
	a->mark = from->mark;
	adapter_name_targets(a);
}

int
jadapter_join(struct jadapter **out, const struct jadapter_join *o, struct jerr *e)
{
	struct group g = { .o = o, .v = jmem_zalloc(o->n + 1, sizeof(*g.v)) };
	struct jadapter *a = jmem_zalloc(1, sizeof(*a));
	struct plan p = { 0 };

	jarena_init(&a->arena, 0);
	if (check(o, e) == 0 && plan_modules(&p, &g, e) == 0 && adapter_build(a, p.parts, p.n, e) == 0
	    && fill(a, &g, e) == 0)
		take_names(a, o->adapters[0]);
	jmem_free(p.parts);
	jmem_free(g.v);
	if (e->code < 0)
		jadapter_free(a);
	else
		*out = a;
	return e->code;
}
