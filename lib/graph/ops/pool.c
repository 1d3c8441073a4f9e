/* pool.c - one row for each sequence: the mean of its real rows, or its first row. */
#include <string.h>

#include "graph/jlayers.h"
#include "graph/ops.h"
#include "graph/ref.h"

struct pool {
	int64_t T;
	bool first;
};

/* How many rows of sequence b count. */
static int64_t
real_rows(const struct pool *a, const int32_t *seg, int64_t b)
{
	int64_t n = 0;

	for (int64_t t = 0; t < a->T; t++)
		n += seg[b * a->T + t] >= 0;
	return n;
}

/* The share of row t of sequence b in the sum. */
static float
share(const struct pool *a, const int32_t *seg, int64_t b, int64_t t)
{
	int64_t n;

	if (a->first)
		return t == 0;
	n = real_rows(a, seg, b);
	return seg[b * a->T + t] >= 0 ? 1 / (float)n : 0;
}

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct pool *a = n->attr;
	int64_t C = jnode_cols(n);

	for (int64_t b = first; b < first + count; b++) {
		float *out = (float *)n->data + b * C;

		memset(out, 0, (size_t)C * sizeof(*out));
		for (int64_t t = 0; t < a->T; t++)
			x->k->axpy(out, share(a, n->in[1]->data, b, t),
				(const float *)n->in[0]->data + (b * a->T + t) * C, C);
	}
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n->in[0]) * 64, forward_rows);
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct pool *a = n->attr;
	int64_t C = jnode_cols(n);

	for (int64_t r = first * a->T; r < (first + count) * a->T; r++) {
		float *dx = n->in[0]->grad + r * C;

		if (!n->add[0])
			memset(dx, 0, (size_t)C * sizeof(*dx));
		x->k->axpy(dx, share(a, n->in[1]->data, r / a->T, r % a->T), n->grad + r / a->T * C,
			C);
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n) * 64, backward_rows);
}

static unsigned
keeps(const struct jnode *n)
{
	(void)n;
	return 2;
}

static void
forward_ref(const struct jref *r)
{
	const struct pool *a = r->n->attr;
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		r->out[i] = 0;
		for (int64_t t = 0; t < a->T; t++)
			r->out[i] += (double)share(a, r->ids[1], i / C, t)
				* r->in[0][(i / C * a->T + t) * C + i % C];
	}
}

static void
backward_ref(const struct jref *r)
{
	const struct pool *a = r->n->attr;
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		for (int64_t t = 0; t < a->T; t++)
			r->din[0][(i / C * a->T + t) * C + i % C] += r->dout[i]
				* (double)share(a, r->ids[1], i / C, t);
}

const struct jop jop_pool = {
	.name = "pool", .forward = forward, .backward = backward, .keeps = keeps,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_pool(struct jgraph *g, struct jnode *x, struct jnode *seg, int B, bool first)
{
	struct jnode *n = jnode_new(g, &jop_pool, x);
	struct pool *a = jnode_attr(n, sizeof(*a));

	if (B < 1 || jnode_rows(x) % B || seg->dtype != JDT_I32 || jnode_count(seg) != jnode_rows(x))
		jbug("pool: %lld rows of %d sequences", (long long)jnode_rows(x), B);
	jnode_input(n, x);
	jnode_input(n, seg);
	n->n_dims = 2;
	n->shape[0] = B;
	n->shape[1] = jnode_cols(x);
	a->T = jnode_rows(x) / B;
	a->first = first;
	return n;
}
