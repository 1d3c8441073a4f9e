/* scale.c - x * factor, and cap * tanh(x / cap). */
#include <math.h>

#include "graph/jlayers.h"
#include "graph/ops.h"
#include "graph/ref.h"

struct scale {
	float factor, cap;	/* one of them is 0 */
};

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct scale *a = n->attr;
	int64_t at = first * jnode_cols(n), end = (first + count) * jnode_cols(n);
	const float *in = n->in[0]->data;
	float *out = n->data;

	(void)x;
	for (int64_t i = at; i < end; i++)
		out[i] = a->cap > 0 ? a->cap * tanhf(in[i] / a->cap) : in[i] * a->factor;
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct scale *a = n->attr;
	int64_t at = first * jnode_cols(n), end = (first + count) * jnode_cols(n);
	const float *out = n->data, *dy = n->grad;
	float *dx = n->in[0]->grad;

	(void)x;
	for (int64_t i = at; i < end; i++) {
		float t = a->cap > 0 ? out[i] / a->cap : 0;
		float d = dy[i] * (a->cap > 0 ? 1 - t * t : a->factor);

		dx[i] = n->add[0] ? dx[i] + d : d;
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), backward_rows);
}

static unsigned
keeps(const struct jnode *n)
{
	return ((const struct scale *)n->attr)->cap > 0 ? JOP_OUT : 0;
}

static void
forward_ref(const struct jref *r)
{
	const struct scale *a = r->n->attr;
	double cap = (double)a->cap;

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = cap > 0 ? cap * tanh(r->in[0][i] / cap)
			: r->in[0][i] * (double)a->factor;
}

static void
backward_ref(const struct jref *r)
{
	const struct scale *a = r->n->attr;
	double cap = (double)a->cap;

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		double t = cap > 0 ? r->out[i] / cap : 0;

		r->din[0][i] += r->dout[i] * (cap > 0 ? 1 - t * t : (double)a->factor);
	}
}

const struct jop jop_scale = {
	.name = "scale", .in_place = 1, .back_in_place = 1,
	.forward = forward, .backward = backward, .keeps = keeps,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

static struct jnode *
record(struct jgraph *g, struct jnode *x, float factor, float cap)
{
	struct jnode *n = jnode_new(g, &jop_scale, x);
	struct scale *a = jnode_attr(n, sizeof(*a));

	a->factor = factor;
	a->cap = cap;
	jnode_input(n, x);
	return n;
}

struct jnode *
jg_scale(struct jgraph *g, struct jnode *x, float factor)
{
	return record(g, x, factor, 0);
}

struct jnode *
jg_softcap(struct jgraph *g, struct jnode *x, float cap)
{
	if (!(cap > 0))
		jbug("softcap: cap %g", (double)cap);
	return record(g, x, 0, cap);
}
