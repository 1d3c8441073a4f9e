/* add.c - a + b, the residual connection. */
#include <string.h>

#include "graph/ops.h"
#include "graph/ref.h"

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n), at = first * C;

	x->k->add((float *)n->data + at, (const float *)n->in[0]->data + at,
		(const float *)n->in[1]->data + at, count * C);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n), at = first * C;

	/* Where one gradient takes over the place of dy, it has its value already. */
	for (int k = 0; k < 2; k++) {
		float *to = n->in[k]->grad;

		if (to && n->add[k])
			x->k->add(to + at, to + at, n->grad + at, count * C);
		else if (to && to != n->grad)
			memcpy(to + at, n->grad + at, (size_t)(count * C) * sizeof(*to));
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), backward_rows);
}

static void
forward_ref(const struct jref *r)
{
	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = r->in[0][i] + r->in[1][i];
}

static void
backward_ref(const struct jref *r)
{
	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		r->din[0][i] += r->dout[i];
		r->din[1][i] += r->dout[i];
	}
}

const struct jop jop_add = {
	.name = "add", .in_place = 3, .back_in_place = 3,
	.forward = forward, .backward = backward,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_add(struct jgraph *g, struct jnode *a, struct jnode *b)
{
	struct jnode *n = jnode_new(g, &jop_add, a);

	if (jnode_rows(a) != jnode_rows(b) || jnode_cols(a) != jnode_cols(b))
		jbug("add: shapes differ");
	jnode_input(n, a);
	jnode_input(n, b);
	return n;
}
