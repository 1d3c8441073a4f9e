/*
 * layernorm.c - (x - mean) / sqrt(var + eps) * w + b over each row (Ba et al. 2016).
 *
 * Sums run in LANES partial sums, so that a row's bits depend on the row alone.  The gradients of w
 * and b are sums over rows: chunks of CHUNK rows in order, then the chunks in order.
 */
#include <math.h>
#include <string.h>

#include "graph/jlayers.h"
#include "graph/ops.h"
#include "graph/ref.h"

enum { CHUNK = 64, LANES = 16 };

struct norm {
	float eps;
};

static float
sum_lanes(const float s[LANES])
{
	float t = 0;

	for (int i = 0; i < LANES; i++)
		t += s[i];
	return t;
}

/* Mean and 1 / standard deviation of n values. */
static void
moments(const float *x, int64_t n, float eps, float *mean, float *inv)
{
	float s[LANES] = { 0 }, q[LANES] = { 0 }, m;
	int64_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			s[k] += x[i + k];
	for (; i < n; i++)
		s[i % LANES] += x[i];
	m = sum_lanes(s) / (float)n;
	for (i = 0; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			q[k] += (x[i + k] - m) * (x[i + k] - m);
	for (; i < n; i++)
		q[i % LANES] += (x[i] - m) * (x[i] - m);
	*mean = m;
	*inv = 1 / sqrtf(sum_lanes(q) / (float)n + eps);
}

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);
	const float *w = n->param[0]->value, *b = n->param[1]->value;
	float mean, inv;

	(void)x;
	for (int64_t r = first; r < first + count; r++) {
		const float *in = (const float *)n->in[0]->data + r * C;
		float *out = (float *)n->data + r * C;

		moments(in, C, ((const struct norm *)n->attr)->eps, &mean, &inv);
		for (int64_t i = 0; i < C; i++)
			out[i] = (in[i] - mean) * inv * w[i] + b[i];
	}
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

/* dx = inv * (g - mean(g) - h * mean(g h)) with g = dy w and h = (x - mean) inv. */
static void
backward_row(const struct jnode *n, int64_t r, float *dw, float *db)
{
	int64_t C = jnode_cols(n), i;
	const float *x = (const float *)n->in[0]->data + r * C, *dy = n->grad + r * C;
	const float *w = n->param[0]->value;
	float *dx = n->in[0]->grad ? n->in[0]->grad + r * C : NULL;
	float mean, inv, s[LANES] = { 0 }, t[LANES] = { 0 }, a, b;

	moments(x, C, ((const struct norm *)n->attr)->eps, &mean, &inv);
	for (i = 0; i < C; i++) {
		float h = (x[i] - mean) * inv;

		s[i % LANES] += dy[i] * w[i];
		t[i % LANES] += dy[i] * w[i] * h;
		if (dw)
			dw[i] += dy[i] * h;
		if (db)
			db[i] += dy[i];
	}
	a = sum_lanes(s) / (float)C;
	b = sum_lanes(t) / (float)C;
	for (i = 0; dx && i < C; i++) {
		float d = inv * (dy[i] * w[i] - a - (x[i] - mean) * inv * b);

		dx[i] = n->add[0] ? dx[i] + d : d;
	}
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
	for (int64_t r = i * CHUNK; r < (i + 1) * CHUNK && r < R; r++)
		backward_row(t->n, r, t->n->param[0]->grad ? sums : NULL,
			t->n->param[1]->grad ? sums + C : NULL);
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	int64_t C = jnode_cols(n);
	struct task t = { x, n };

	jpar_for(x->pool, chunks(n), backward_chunk, &t);
	for (int k = 0; k < 2; k++)
		for (int64_t i = 0; n->param[k]->grad && i < chunks(n); i++)
			x->k->add(n->param[k]->grad, n->param[k]->grad, x->work + (2 * i + k) * C, C);
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
