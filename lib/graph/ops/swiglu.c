/* swiglu.c - silu(gate) * up (Shazeer 2020). */
#include <math.h>

#include "graph/ops.h"
#include "graph/ref.h"

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t F = jnode_cols(n);
	const float *gate = n->in[0]->data, *up = n->in[1]->data;

	x->k->swiglu((float *)n->data + first * F, gate + first * F, up + first * F, count * F);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t F = jnode_cols(n), at = first * F;
	struct jswiglu_back b = {
		.n = count * F, .dy = n->grad + at,
		.gate = (const float *)n->in[0]->data + at, .up = (const float *)n->in[1]->data + at,
		.dgate = n->in[0]->grad ? n->in[0]->grad + at : NULL,
		.dup = n->in[1]->grad ? n->in[1]->grad + at : NULL,
		.add_gate = n->add[0], .add_up = n->add[1]
	};

	x->k->swiglu_back(&b);
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), backward_rows);
}

static unsigned
keeps(const struct jnode *n)
{
	(void)n;
	return 3;
}

static void
forward_ref(const struct jref *r)
{
	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = r->in[0][i] / (1 + exp(-r->in[0][i])) * r->in[1][i];
}

static void
backward_ref(const struct jref *r)
{
	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		double g = r->in[0][i], s = 1 / (1 + exp(-g));

		r->din[0][i] += r->dout[i] * r->in[1][i] * s * (1 + g * (1 - s));
		r->din[1][i] += r->dout[i] * g * s;
	}
}

const struct jop jop_swiglu = {
	.name = "swiglu", .flags = JOP_CHEAP, .in_place = 3, .back_in_place = 1,
	.forward = forward, .backward = backward, .keeps = keeps,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_swiglu(struct jgraph *g, struct jnode *gate, struct jnode *up)
{
	struct jnode *n = jnode_new(g, &jop_swiglu, gate);

	if (gate == up || jnode_rows(gate) != jnode_rows(up) || jnode_cols(gate) != jnode_cols(up))
		jbug("swiglu: gate and up differ in shape");
	jnode_input(n, gate);
	jnode_input(n, up);
	return n;
}
