/*
 * rmsnorm.c - root-mean-square norm over the last `width` values (Zhang and Sennrich 2019).
 *
 * The weight's gradient is a sum over rows: each chunk of CHUNK rows sums its own in order, then
 * the chunks are added in order, whatever thread made them.
 */
#include <math.h>
#include <string.h>

#include "graph/jlayers.h"
#include "graph/ops.h"
#include "graph/ref.h"

enum { CHUNK = 64 };

struct rms {
	int64_t width;
	float eps;
	bool zero;		/* the scale is 1 + w; it stands at the start of the scratch */
};

static const float *
scale_of(const struct jrun *x, const struct jnode *n)
{
	return ((const struct rms *)n->attr)->zero ? x->work : n->param[0]->value;
}

static void
make_scale(const struct jrun *x, const struct jnode *n)
{
	const struct rms *a = n->attr;

	for (int64_t i = 0; a->zero && i < a->width; i++)
		x->work[i] = 1 + n->param[0]->value[i];
}

/* The rest of the scratch. */
static float *
sums(const struct jrun *x, const struct jnode *n)
{
	const struct rms *a = n->attr;

	return x->work + (a->zero ? a->width : 0);
}

/* Rows of width values. */
static int64_t
rows_of(const struct jnode *n)
{
	const struct rms *a = n->attr;

	return jnode_count(n) / a->width;
}

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct rms *a = n->attr;
	const float *in = n->in[0]->data;
	float *out = n->data;

	for (int64_t r = first; r < first + count; r++)
		x->k->rmsnorm(out + r * a->width, in + r * a->width, scale_of(x, n), a->width,
			a->eps);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	const struct rms *a = n->attr;

	make_scale(x, n);
	jrun_for_rows(x, n, rows_of(n), a->width, forward_rows);
}

struct task {
	const struct jrun *x;
	const struct jnode *n;
};

static void
backward_chunk(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jnode *n = t->n;
	const struct rms *a = n->attr;
	int64_t w = a->width, end = (i + 1) * CHUNK < rows_of(n) ? (i + 1) * CHUNK : rows_of(n);
	struct jrms_back b = { .n = w, .eps = a->eps, .w = scale_of(t->x, n), .add = n->add[0] };

	(void)worker;
	if (n->param[0]->grad) {
		b.dw = sums(t->x, n) + i * w;
		memset(b.dw, 0, (size_t)w * sizeof(float));
	}
	for (int64_t r = i * CHUNK; r < end; r++) {
		b.x = (const float *)n->in[0]->data + r * w;
		b.dy = n->grad + r * w;
		b.dx = n->in[0]->grad ? n->in[0]->grad + r * w : NULL;
		t->x->k->rmsnorm_back(&b);
	}
}

static int64_t
chunks(const struct jnode *n)
{
	return (rows_of(n) + CHUNK - 1) / CHUNK;
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	const struct rms *a = n->attr;
	struct task t = { x, n };
	float *g = jnode_param_grad(n, 0);

	make_scale(x, n);
	jpar_for(x->pool, chunks(n), backward_chunk, &t);
	for (int64_t i = 0; g && i < chunks(n); i++)
		x->k->add(g, g, sums(x, n) + i * a->width, a->width);
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
	const struct rms *a = n->attr;

	return (size_t)(((x->training ? chunks(n) : 0) + a->zero) * a->width);
}

static double
factor(const struct jref *r, int64_t row)
{
	const struct rms *a = r->n->attr;
	double s = 0;

	for (int64_t i = 0; i < a->width; i++) {
		double v = r->in[0][row * a->width + i];

		s += v * v;
	}
	return 1 / sqrt(s / (double)a->width + (double)a->eps);
}

static void
forward_ref(const struct jref *r)
{
	const struct rms *a = r->n->attr;

	for (int64_t row = 0; row < rows_of(r->n); row++) {
		double f = factor(r, row);

		for (int64_t i = 0; i < a->width; i++)
			r->out[row * a->width + i] = r->in[0][row * a->width + i] * f
				* (r->param[0][i] + a->zero);
	}
}

static void
backward_ref(const struct jref *r)
{
	const struct rms *a = r->n->attr;

	for (int64_t row = 0; row < rows_of(r->n); row++) {
		const double *x = r->in[0] + row * a->width, *dy = r->dout + row * a->width;
		double *dx = r->din[0] + row * a->width;
		double f = factor(r, row), s = 0;

		for (int64_t i = 0; i < a->width; i++) {
			s += dy[i] * (r->param[0][i] + a->zero) * x[i];
			r->dparam[0][i] += dy[i] * x[i] * f;
		}
		for (int64_t i = 0; i < a->width; i++)
			dx[i] += dy[i] * (r->param[0][i] + a->zero) * f
				- x[i] * f * f * f * s / (double)a->width;
	}
}

const struct jop jop_rmsnorm = {
	.name = "rmsnorm", .flags = JOP_CHEAP, .in_place = 1, .back_in_place = 1,
	.forward = forward, .backward = backward, .keeps = keeps, .work = work,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_rmsnorm(struct jgraph *g, struct jnode *x, struct jparam *w, int64_t width, float eps)
{
	struct jnode *n = jnode_new(g, &jop_rmsnorm, x);
	struct rms *a = jnode_attr(n, sizeof(*a));

	if (width < 1 || jnode_cols(x) % width || w->n_dims != 1 || w->shape[0] != width)
		jbug("rmsnorm %s: width %lld over %lld columns, weight of %lld", w->name,
			(long long)width, (long long)jnode_cols(x), (long long)w->shape[0]);
	jnode_input(n, x);
	n->param[0] = w;
	a->width = width;
	a->eps = eps;
	return n;
}

struct jnode *
jg_rmsnorm_zero(struct jgraph *g, struct jnode *x, struct jparam *w, int64_t width, float eps)
{
	struct jnode *n = jg_rmsnorm(g, x, w, width, eps);

	((struct rms *)(uintptr_t)n->attr)->zero = true;
	return n;
}
