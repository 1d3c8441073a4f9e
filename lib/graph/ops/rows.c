/* rows.c - chosen rows: out[i] = x[rows[i]]; the gradient is added row by row in order. */
#include <string.h>

#include "graph/ops.h"
#include "graph/ref.h"

static int64_t
row_of(const struct jnode *n, int64_t i)
{
	int64_t r = ((const int32_t *)n->in[1]->data)[i];

	if (r < 0 || r >= jnode_rows(n->in[0]))
		jbug("rows: row %lld of %lld", (long long)r, (long long)jnode_rows(n->in[0]));
	return r;
}

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);
	const float *in = n->in[0]->data;
	float *out = n->data;

	(void)x;
	for (int64_t i = first; i < first + count; i++)
		memcpy(out + i * C, in + row_of(n, i) * C, (size_t)C * sizeof(*out));
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	int64_t C = jnode_cols(n);
	float *to = n->in[0]->grad;

	if (!to)
		return;
	if (!n->add[0])
		memset(to, 0, (size_t)jnode_count(n->in[0]) * sizeof(*to));
	for (int64_t i = 0; i < jnode_rows(n); i++) {
		float *row = to + row_of(n, i) * C;

		x->k->add(row, row, n->grad + i * C, C);
	}
}

static void
forward_ref(const struct jref *r)
{
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = r->in[0][r->ids[1][i / C] * C + i % C];
}

static void
backward_ref(const struct jref *r)
{
	int64_t C = jnode_cols(r->n);

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->din[0][r->ids[1][i / C] * C + i % C] += r->dout[i];
}

const struct jop jop_rows = {
	.name = "rows", .forward = forward, .backward = backward,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_rows(struct jgraph *g, struct jnode *x, struct jnode *rows)
{
	struct jnode *n = jnode_new(g, &jop_rows, x);

	if (rows->dtype != JDT_I32 || rows->n_dims != 1 || x->n_dims != 2)
		jbug("rows: x [R, C] and i32 [N] wanted");
	jnode_input(n, x);
	jnode_input(n, rows);
	n->shape[0] = rows->shape[0];
	return n;
}
