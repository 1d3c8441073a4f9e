/*
 * layernorm.c - (x - mean) / sqrt(var + eps) * w + b over each row (Ba et al. 2016).
 *
 * The gradients of w and b are sums over rows: chunks of CHUNK rows in order, then the chunks in order.
 */
#include <math.h>
#include <string.h>

#include "graph/jlayers.h"
#include "graph/ops.h"
#include "graph/ref.h"

enum { CHUNK = 64 };

struct norm {
	float eps;
};

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);
	const float *const wb[2] = { n->param[0]->value, n->param[1]->value };

	for (int64_t r = first; r < first + count; r++)
		x->k->layernorm((float *)n->data + r * C, (const float *)n->in[0]->data + r * C, wb, C,
			((const struct norm *)n->attr)->eps);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

struct task {
	const struct jrun *x;
	const struct jnode *n;
};

static int64_t
chunks(const struct jnode *n)
{
	return (jnode_rows(n) + CHUNK - 1) / CHUNK;
}

static void
backward_chunk(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	int64_t C = jnode_cols(t->n), R = jnode_rows(t->n);
	float *sums = t->x->work + i * 2 * C;

	(void)worker;
	memset(sums, 0, (size_t)(2 * C) * sizeof(*sums));
	for (int64_t r = i * CHUNK; r < (i + 1) * CHUNK && r < R; r++) {
		const struct jln_back b = {
			.n = C, .eps = ((const struct norm *)t->n->attr)->eps,
			.x = (const float *)t->n->in[0]->data + r * C, .w = t->n->param[0]->value,
			.dy = t->n->grad + r * C,
			.dx = t->n->in[0]->grad ? t->n->in[0]->grad + r * C : NULL,
			.dw = t->n->param[0]->grad ? sums : NULL,
			.db = t->n->param[1]->grad ? sums + C : NULL, .add = t->n->add[0]
		};

		t->x->k->layernorm_back(&b);
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	int64_t C = jnode_cols(n);
	struct task t = { x, n };

	jpar_for(x->pool, chunks(n), backward_chunk, &t);
	for (int k = 0; k < 2; k++) {
		float *g = jnode_param_grad(n, k);

		for (int64_t i = 0; g && i < chunks(n); i++)
			x->k->add(g, g, x->work + (2 * i + k) * C, C);
	}
}

static unsigned
keeps(const struct jnode *n)
{
	(void)n;
	return 1;
}

static size_t
work(const struct jrun *x, const struct jnode *n)
{
	return x->training ? (size_t)(chunks(n) * 2 * jnode_cols(n)) : 0;
}

static void
moments_ref(const struct jref *r, int64_t row, double *mean, double *inv)
{
	int64_t C = jnode_cols(r->n);
	const double *x = r->in[0] + row * C;
	double v = 0;

	*mean = 0;
	for (int64_t i = 0; i < C; i++)
		*mean += x[i] / (double)C;
	for (int64_t i = 0; i < C; i++)
		v += (x[i] - *mean) * (x[i] - *mean) / (double)C;
	*inv = 1 / sqrt(v + (double)((const struct norm *)r->n->attr)->eps);
}

static void
forward_ref(const struct jref *r)
{
	int64_t C = jnode_cols(r->n);
	double mean, inv;

	for (int64_t row = 0; row < jnode_rows(r->n); row++) {
		moments_ref(r, row, &mean, &inv);
		for (int64_t i = 0; i < C; i++)
			r->out[row * C + i] = (r->in[0][row * C + i] - mean) * inv * r->param[0][i]
				+ r->param[1][i];
	}
}

static void
backward_ref(const struct jref *r)
{
	int64_t C = jnode_cols(r->n);
	double mean, inv;

	for (int64_t row = 0; row < jnode_rows(r->n); row++) {
		const double *x = r->in[0] + row * C, *dy = r->dout + row * C;
		double a = 0, b = 0;

		moments_ref(r, row, &mean, &inv);
		for (int64_t i = 0; i < C; i++) {
			double h = (x[i] - mean) * inv;

			a += dy[i] * r->param[0][i] / (double)C;
			b += dy[i] * r->param[0][i] * h / (double)C;
			r->dparam[0][i] += dy[i] * h;
			r->dparam[1][i] += dy[i];
		}
		for (int64_t i = 0; i < C; i++)
			r->din[0][row * C + i] += inv * (dy[i] * r->param[0][i] - a
				- (x[i] - mean) * inv * b);
	}
}

const struct jop jop_layernorm = {
	.name = "layernorm", .flags = JOP_CHEAP, .in_place = 1,
	.forward = forward, .backward = backward, .keeps = keeps, .work = work,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_layernorm(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias, float eps)
{
	struct jnode *n = jnode_new(g, &jop_layernorm, x);
	struct norm *a = jnode_attr(n, sizeof(*a));

	if (w->n_dims != 1 || w->shape[0] != jnode_cols(x) || bias->n_dims != 1
	    || bias->shape[0] != w->shape[0])
		jbug("layernorm %s: %lld columns, weight of %lld", w->name, (long long)jnode_cols(x),
			(long long)w->shape[0]);
	jnode_input(n, x);
	n->param[0] = w;
	n->param[1] = bias;
	a->eps = eps;
	return n;
}
