/*
 * moe_rows.c - rows to their experts and back: spread copies each row to its places among the rows
 * sorted by expert, combine adds them up with the router's weights.
 */
#include <string.h>

#include "graph/moe.h"
#include "graph/ops.h"
#include "graph/ref.h"

/* --- spread: inputs x, plan --- */
static void
spread_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	struct moe_plan p = moe_plan_of(n->in[1]);
	int64_t C = jnode_cols(n);
	float *out = n->data;

	(void)x;
	for (int64_t i = first; i < first + count; i++)
		memcpy(out + i * C, (const float *)n->in[0]->data + p.order[i] / p.used * C,
			(size_t)C * sizeof(*out));
}

static void
spread_forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), spread_rows);
}

static void
gather_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	struct moe_plan p = moe_plan_of(n->in[1]);
	int64_t C = jnode_cols(n);

	for (int64_t r = first; r < first + count; r++) {
		float *to = n->in[0]->grad + r * C;

		if (!n->add[0])
			memset(to, 0, (size_t)C * sizeof(*to));
		for (int64_t j = 0; j < p.used; j++)
			x->k->add(to, to, n->grad + p.place[r * p.used + j] * C, C);
	}
}

static void
spread_backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n->in[0]), jnode_cols(n), gather_rows);
}

static void
spread_forward_ref(const struct jref *r)
{
	struct moe_plan p = moe_plan_of(r->n->in[1]);
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = r->in[0][p.order[i / C] / p.used * C + i % C];
}

static void
spread_backward_ref(const struct jref *r)
{
	struct moe_plan p = moe_plan_of(r->n->in[1]);
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->din[0][p.order[i / C] / p.used * C + i % C] += r->dout[i];
}

const struct jop jop_moe_spread = {
	.name = "moe_spread", .forward = spread_forward, .backward = spread_backward,
	.forward_ref = spread_forward_ref, .backward_ref = spread_backward_ref
};

/* --- combine: inputs y, route --- */
static void
combine_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	struct moe_plan p = moe_plan_of(n->in[1]);
	int64_t C = jnode_cols(n);
	const float *y = n->in[0]->data, *w = n->in[1]->data;

	for (int64_t r = first; r < first + count; r++) {
		float *out = (float *)n->data + r * C;

		memset(out, 0, (size_t)C * sizeof(*out));
		for (int64_t s = r * p.used; s < (r + 1) * p.used; s++)
			x->k->axpy(out, w[s], y + p.place[s] * C, C);
	}
}

static void
combine_forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), combine_rows);
}

static void
combine_back_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	struct moe_plan p = moe_plan_of(n->in[1]);
	int64_t C = jnode_cols(n);
	const float *y = n->in[0]->data, *w = n->in[1]->data;
	float *dy = n->in[0]->grad, *dw = n->in[1]->grad;

	for (int64_t s = first * p.used; s < (first + count) * p.used; s++) {
		const float *d = n->grad + s / p.used * C;
		int64_t at = p.place[s] * C;

		if (dw)
			dw[s] = (n->add[1] ? dw[s] : 0) + x->k->dot(d, y + at, C);
		if (dy && !n->add[0])
			memset(dy + at, 0, (size_t)C * sizeof(*dy));
		if (dy)
			x->k->axpy(dy + at, w[s], d, C);
	}
}

static void
combine_backward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), combine_back_rows);
}

static unsigned
combine_keeps(const struct jnode *n)
{
	(void)n;
	return 3;
}

static void
combine_forward_ref(const struct jref *r)
{
	struct moe_plan p = moe_plan_of(r->n->in[1]);
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		r->out[i] = 0;
		for (int64_t s = i / C * p.used; s < (i / C + 1) * p.used; s++)
			r->out[i] += r->in[1][s] * r->in[0][p.place[s] * C + i % C];
	}
}

static void
combine_backward_ref(const struct jref *r)
{
	struct moe_plan p = moe_plan_of(r->n->in[1]);
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		for (int64_t s = i / C * p.used; s < (i / C + 1) * p.used; s++) {
			r->din[1][s] += r->dout[i] * r->in[0][p.place[s] * C + i % C];
			r->din[0][p.place[s] * C + i % C] += r->dout[i] * r->in[1][s];
		}
	}
}

const struct jop jop_moe_combine = {
	.name = "moe_combine", .forward = combine_forward, .backward = combine_backward,
	.keeps = combine_keeps,
	.forward_ref = combine_forward_ref, .backward_ref = combine_backward_ref
};

struct jnode *
jg_moe_spread(struct jgraph *g, struct jnode *x, struct jnode *route)
{
	struct jnode *n = jnode_new(g, &jop_moe_spread, x);

	if (route->op != &jop_moe_route || jnode_rows(route) != jnode_rows(x))
		jbug("moe_spread: %lld rows", (long long)jnode_rows(x));
	jnode_input(n, x);
	jnode_input(n, route->in[1]);
	n->n_dims = 2;
	n->shape[0] = jnode_count(route);
	n->shape[1] = jnode_cols(x);
	return n;
}

struct jnode *
jg_moe_combine(struct jgraph *g, struct jnode *y, struct jnode *route)
{
	struct jnode *n = jnode_new(g, &jop_moe_combine, NULL);

	if (route->op != &jop_moe_route || jnode_rows(y) != jnode_count(route))
		jbug("moe_combine: %lld rows", (long long)jnode_rows(y));
	jnode_input(n, y);
	jnode_input(n, route);
	n->n_dims = 2;
	n->shape[0] = jnode_rows(route);
	n->shape[1] = jnode_cols(y);
	return n;
}
