/*
 * act.c - activations, alone and as gates: act(x), act(gate) * up.  GELU (Hendrycks and Gimpel 2016)
 * exactly, by the error function, or by tanh: 0.5 x (1 + tanh z) = x / (1 + exp(-2z)).
 */
#include <math.h>

#include "graph/jlayers.h"
#include "graph/ops.h"
#include "graph/ref.h"

struct act {
	enum jact act;
};

enum { BLOCK = 256 };		/* values taken at once */

#define TANH_IN 1.5957691216057308	/* 2 sqrt(2 / pi) */
#define TANH_CUBE 0.044715
#define ROOT_HALF 0.70710678118654752
#define ROOT_2PI 0.39894228040143268	/* 1 / sqrt(2 pi) */

/* act and, if d is not NULL, its derivative, for up to BLOCK values. */
static void
apply(const struct jrun *x, enum jact act, const float *v, int64_t n, float *y, float *d)
{
	if (act == JACT_GELU_TANH) {
		x->k->gelu_tanh(y, d, v, n);
		return;
	}
	for (int64_t i = 0; i < n; i++) {
		float u = v[i], s;

		switch (act) {
		case JACT_GELU_TANH:
			break;
		case JACT_GELU:
			s = 0.5f * (1 + erff(u * (float)ROOT_HALF));
			y[i] = u * s;
			if (d)
				d[i] = s + u * (float)ROOT_2PI * expf(-0.5f * u * u);
			break;
		case JACT_SILU:
			s = 1 / (1 + expf(-u));
			y[i] = u * s;
			if (d)
				d[i] = s * (1 + u * (1 - s));
			break;
		case JACT_RELU:
			y[i] = u > 0 ? u : 0;
			if (d)
				d[i] = u > 0 ? 1 : 0;
			break;
		}
	}
}

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct act *a = n->attr;
	int64_t F = jnode_cols(n);

	for (int64_t at = first * F; at < (first + count) * F; at += F) {
		for (int64_t i = 0; i < F; i += BLOCK) {
			const float *in = (const float *)n->in[0]->data + at + i;
			const float *up = n->n_in > 1 ? (const float *)n->in[1]->data + at + i : NULL;
			float *out = (float *)n->data + at + i, y[BLOCK];
			int64_t w = F - i < BLOCK ? F - i : BLOCK;

			apply(x, a->act, in, w, y, NULL);
			for (int64_t j = 0; j < w; j++)
				out[j] = up ? y[j] * up[j] : y[j];
		}
	}
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

static void
give(float *to, bool add, int64_t i, float v)
{
	to[i] = add ? to[i] + v : v;
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct act *a = n->attr;
	int64_t F = jnode_cols(n);
	float *dgate = n->in[0]->grad, *dup = n->n_in > 1 ? n->in[1]->grad : NULL;

	for (int64_t at = first * F; at < (first + count) * F; at += F) {
		for (int64_t i = 0; i < F; i += BLOCK) {
			int64_t w = F - i < BLOCK ? F - i : BLOCK, k = at + i;
			const float *in = (const float *)n->in[0]->data + k, *dy = n->grad + k;
			const float *up = n->n_in > 1 ? (const float *)n->in[1]->data + k : NULL;
			float y[BLOCK], d[BLOCK];

			apply(x, a->act, in, w, y, d);
			for (int64_t j = 0; j < w; j++) {
				float g = dy[j];

				if (dup)
					give(dup + k, n->add[1], j, g * y[j]);
				if (dgate)
					give(dgate + k, n->add[0], j, g * d[j] * (up ? up[j] : 1));
			}
		}
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), backward_rows);
}

static unsigned
keeps(const struct jnode *n)
{
	return n->n_in > 1 ? 3 : 1;
}

static double
value_ref(enum jact act, double u, double *d)
{
	double z, t, s;

	switch (act) {
	case JACT_GELU_TANH:
		z = TANH_IN / 2 * (u + TANH_CUBE * u * u * u);
		t = tanh(z);
		*d = 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * TANH_IN / 2 * (1 + 3 * TANH_CUBE * u * u);
		return 0.5 * u * (1 + t);
	case JACT_GELU:
		s = 0.5 * (1 + erf(u * ROOT_HALF));
		*d = s + u * ROOT_2PI * exp(-0.5 * u * u);
		return u * s;
	case JACT_SILU:
		s = 1 / (1 + exp(-u));
		*d = s * (1 + u * (1 - s));
		return u * s;
	case JACT_RELU:
		break;
	}
	*d = u > 0;
	return u > 0 ? u : 0;
}

static void
forward_ref(const struct jref *r)
{
	const struct act *a = r->n->attr;
	double d;

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = value_ref(a->act, r->in[0][i], &d) * (r->n->n_in > 1 ? r->in[1][i] : 1);
}

static void
backward_ref(const struct jref *r)
{
	const struct act *a = r->n->attr;

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		double d, y = value_ref(a->act, r->in[0][i], &d);

		r->din[0][i] += r->dout[i] * d * (r->n->n_in > 1 ? r->in[1][i] : 1);
		if (r->n->n_in > 1)
			r->din[1][i] += r->dout[i] * y;
	}
}

const struct jop jop_act = {
	.name = "act", .flags = JOP_CHEAP, .in_place = 3, .back_in_place = 1,
	.forward = forward, .backward = backward, .keeps = keeps,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

static struct jnode *
record(struct jgraph *g, struct jnode *x, enum jact act)
{
	struct jnode *n = jnode_new(g, &jop_act, x);
	struct act *a = jnode_attr(n, sizeof(*a));

	a->act = act;
	jnode_input(n, x);
	return n;
}

struct jnode *
jg_act(struct jgraph *g, struct jnode *x, enum jact act)
{
	return record(g, x, act);
}

struct jnode *
jg_gated(struct jgraph *g, struct jnode *gate, struct jnode *up, enum jact act)
{
	struct jnode *n;

	if (act == JACT_SILU)
		return jg_swiglu(g, gate, up);
	if (gate == up || jnode_rows(gate) != jnode_rows(up) || jnode_cols(gate) != jnode_cols(up))
		jbug("act: gate and up differ in shape");
	n = record(g, gate, act);
	jnode_input(n, up);
	return n;
}
