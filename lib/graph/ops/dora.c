/*
 * dora.c - the factors of DoRA (Liu et al. 2024), and the node that applies them:
 *
 *	y = g v (+ bias), g = m / |W + scale B A| by rows, v = x W^T + scale * h B^T
 *		with dropout: y = base + g v - u, where u and v are made of dropout(x)
 *
 * Of a table that is looked up, W [V, C] + scale A B^T, the norms are those of its columns, over the whole
 * vocabulary, as PEFT has it.  The norm counts as a constant in the backward pass, as in the paper's
 * section 4.3.
 */
#include "graph/dora.h"

#include <math.h>
#include <string.h>

#include "graph/ops.h"
#include "graph/ref.h"

enum {
	FACTORS = 32,		/* rows of W per task */
	PARTS = 32		/* of a table, whose sums of squares are added in order */
};

static size_t
padded(int64_t n)
{
	return ((size_t)n + 15) / 16 * 16;
}

struct dora
dora_of(const struct jparam *w, const struct jlora *l, bool table)
{
	return (struct dora){ l, w, l->norm && !l->a->grad && !l->b->grad, table };
}

int64_t
dora_count(const struct dora *d)
{
	return d->w->shape[d->table];
}

float
jlora_row_norm(const struct jkern *k, const struct jparam *w, const struct jlora *l, int64_t o,
	float *tmp)
{
	int64_t I = w->shape[1], K = l->a->shape[0];

	jparam_row(w, o, tmp);
	for (int64_t i = 0; i < K; i++)
		k->axpy(tmp, l->scale * l->b->value[o * K + i], l->a->value + i * I, I);
	return sqrtf(k->dot(tmp, tmp, I));
}

/* Squares of the columns, summed over the rows of one part; turned is B^T, tmp a row. */
static void
part_squares(const struct jkern *k, const struct dora *d, int64_t part, const float *turned, float *tmp,
	float *sum)
{
	int64_t V = d->w->shape[0], C = d->w->shape[1], K = d->l->a->shape[1];

	memset(sum, 0, (size_t)C * sizeof(*sum));
	for (int64_t v = V * part / PARTS; v < V * (part + 1) / PARTS; v++) {
		jparam_row(d->w, v, tmp);
		for (int64_t i = 0; i < K; i++)
			k->axpy(tmp, d->l->scale * d->l->a->value[v * K + i], turned + i * C, C);
		for (int64_t c = 0; c < C; c++)
			sum[c] += tmp[c] * tmp[c];
	}
}

struct task {
	const struct jrun *x;
	const struct dora *d;
	float *factor, *turned, *sums, *rows;	/* sums [PARTS, C] */
};

static void
part_task(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	size_t C = padded(t->d->w->shape[1]);

	part_squares(t->x->k, t->d, i, t->turned, t->rows + (size_t)worker * C, t->sums + (size_t)i * C);
}

/* The root of the sums of all parts. */
static void
add_parts(const struct jkern *k, float *norm, const float *sums, int64_t C)
{
	memcpy(norm, sums, (size_t)C * sizeof(*norm));
	for (size_t i = 1; i < PARTS; i++)
		k->add(norm, norm, sums + i * padded(C), C);
	for (int64_t c = 0; c < C; c++)
		norm[c] = sqrtf(norm[c]);
}

void
jlora_column_norms(const struct jkern *k, const struct jparam *w, const struct jlora *l, float *norm)
{
	const struct dora d = { l, w, false, true };
	int64_t C = w->shape[1], K = l->b->shape[1];
	float *work = jmem_alloc(padded(C) * (PARTS + 1) + (size_t)(K * C), sizeof(*work));
	float *tmp = work + PARTS * padded(C), *turned = tmp + padded(C);

	k->transpose(turned, l->b->value, C, K, C, K);
	for (int64_t i = 0; i < PARTS; i++)
		part_squares(k, &d, i, turned, tmp, work + (size_t)i * padded(C));
	add_parts(k, norm, work, C);
	jmem_free(work);
}

static void
row_task(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jparam *w = t->d->w;
	float *tmp = t->rows + (size_t)worker * padded(w->shape[1]);

	for (int64_t o = i * FACTORS; o < (i + 1) * FACTORS && o < w->shape[0]; o++)
		t->factor[o] = jlora_row_norm(t->x->k, w, t->d->l, o, tmp);
}

size_t
dora_work(const struct dora *d, int workers)
{
	size_t C = padded(d->w->shape[1]);

	return C * (size_t)workers + (d->table ? PARTS * C + padded(d->w->shape[1] * d->l->b->shape[1]) : 0);
}

void
dora_factors(const struct jrun *x, const struct dora *d, float *factor, float *work)
{
	int64_t n = dora_count(d), C = d->w->shape[1], K = d->l->b->shape[1];
	struct task t = { .x = x, .d = d, .factor = factor, .rows = work };

	if (d->fixed) {
		memcpy(factor, d->l->norm, (size_t)n * sizeof(*factor));
	} else if (d->table) {
		t.sums = work + (size_t)x->workers * padded(C);
		t.turned = t.sums + PARTS * padded(C);
		x->k->transpose(t.turned, d->l->b->value, C, K, C, K);
		jpar_for(x->pool, PARTS, part_task, &t);
		add_parts(x->k, factor, t.sums, C);
	} else {
		jpar_for(x->pool, (n + FACTORS - 1) / FACTORS, row_task, &t);
	}
	for (int64_t i = 0; i < n; i++)
		factor[i] = d->l->m->value[i] / factor[i];
}

void
dora_factors_ref(const struct dora *d, const double *m, double *factor)
{
	const struct jlora *l = d->l;
	int64_t n = dora_count(d), rows = d->w->shape[0], I = d->w->shape[1], K = l->b->shape[1];

	for (int64_t i = 0; i < n; i++)
		factor[i] = 0;
	for (int64_t v = 0; v < rows * I; v++) {
		int64_t o = v / I, c = v % I;
		double w = d->w->value[v];

		for (int64_t k = 0; k < K; k++)
			w += (double)l->scale * (d->table
				? (double)l->a->value[o * K + k] * l->b->value[c * K + k]
				: (double)l->b->value[o * K + k] * l->a->value[k * I + c]);
		factor[d->table ? c : o] += w * w;
	}
	for (int64_t i = 0; i < n; i++)
		factor[i] = m[i] / sqrt(factor[i]);
}

/* In: v [R, O] and, with dropout, base and u; parameters m [O], bias. */

static float *
factors_of(const struct jrun *x, const struct jnode *n)
{
	return n->saved ? n->saved : x->work;
}

static void
dora_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const float *f = factors_of(x, n), *bias = n->param[1] ? n->param[1]->value : NULL;
	int64_t O = jnode_cols(n);

	for (int64_t r = first; r < first + count; r++) {
		const float *v = (const float *)n->in[0]->data + r * O;
		float *y = (float *)n->data + r * O;

		for (int64_t o = 0; o < O; o++)
			y[o] = f[o] * v[o] + (bias ? bias[o] : 0);
		if (n->n_in == 1)
			continue;
		x->k->add(y, y, (const float *)n->in[1]->data + r * O, O);
		x->k->axpy(y, -1, (const float *)n->in[2]->data + r * O, O);
	}
}

static void
dora_forward(const struct jrun *x, struct jnode *n)
{
	dora_factors(x, n->attr, factors_of(x, n), x->work + padded(jnode_cols(n)));
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), dora_rows);
}

enum { COLS = 64 };		/* columns per task of the gradient of m */

/* dm = sum of dy v / |W + scale B A| = sum of dy v times factor / m. */
static void
magnitude_cols(void *arg, int64_t i, int worker)
{
	struct jnode *n = arg;
	int64_t R = jnode_rows(n), O = jnode_cols(n), c = i * COLS;
	int64_t w = O - c < COLS ? O - c : COLS;
	float sum[COLS] = { 0 }, *dm = jnode_param_grad(n, 0);

	(void)worker;
	for (int64_t r = 0; r < R; r++) {
		const float *v = (const float *)n->in[0]->data + r * O + c;
		const float *dy = n->grad + r * O + c;

		for (int64_t j = 0; j < w; j++)
			sum[j] += dy[j] * v[j];
	}
	for (int64_t j = 0; j < w; j++) {
		float m = n->param[0]->value[c + j];

		dm[c + j] += m != 0 ? sum[j] * (n->saved[c + j] / m) : 0;
	}
}

static void
to_input(const struct jrun *x, struct jnode *n, int k, int64_t first, int64_t count, float sign)
{
	int64_t at = first * jnode_cols(n), len = count * jnode_cols(n);
	float *to = n->in[k]->grad + at;

	if (!n->add[k])
		memset(to, 0, (size_t)len * sizeof(*to));
	x->k->axpy(to, sign, n->grad + at, len);
}

static void
dora_back_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t O = jnode_cols(n);

	if (n->n_in > 1 && n->in[1]->grad)
		to_input(x, n, 1, first, count, 1);
	if (n->n_in > 1 && n->in[2]->grad)
		to_input(x, n, 2, first, count, -1);
	for (int64_t r = first; n->in[0]->grad && r < first + count; r++) {
		float *dv = n->in[0]->grad + r * O;
		const float *dy = n->grad + r * O;

		for (int64_t o = 0; o < O; o++)
			dv[o] = dy[o] * n->saved[o] + (n->add[0] ? dv[o] : 0);
	}
}

static void
dora_backward(const struct jrun *x, struct jnode *n)
{
	int64_t O = jnode_cols(n);

	if (n->param[0]->grad)
		jpar_for(x->pool, (O + COLS - 1) / COLS, magnitude_cols, n);
	jrun_for_rows(x, n, jnode_rows(n), O, dora_back_rows);
}

static unsigned
dora_keeps(const struct jnode *n)
{
	return n->param[0]->grad ? 1 : 0;
}

static uint64_t
dora_saved(const struct jnode *n)
{
	return (uint64_t)jnode_cols(n) * sizeof(float);
}

static size_t
node_work(const struct jrun *x, const struct jnode *n)
{
	return padded(jnode_cols(n)) + dora_work(n->attr, x->workers);
}

static void
dora_forward_ref(const struct jref *r)
{
	int64_t O = jnode_cols(r->n);
	double *f = jmem_alloc((size_t)O, sizeof(*f));

	dora_factors_ref(r->n->attr, r->param[0], f);
	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = f[i % O] * r->in[0][i] + (r->param[1] ? r->param[1][i % O] : 0)
			+ (r->n->n_in > 1 ? r->in[1][i] - r->in[2][i] : 0);
	jmem_free(f);
}

const struct jop jop_dora = {
	.name = "dora", .forward = dora_forward, .backward = dora_backward, .keeps = dora_keeps,
	.saved = dora_saved, .work = node_work, .forward_ref = dora_forward_ref
};

struct jnode *
dora_node(struct jgraph *g, struct jnode *v, const struct dora *d, struct jparam *bias)
{
	struct jnode *n = jnode_new(g, &jop_dora, v);
	struct dora *attr = jnode_attr(n, sizeof(*attr));

	*attr = *d;
	jnode_input(n, v);
	n->param[0] = d->l->m;
	n->param[1] = bias;
	return n;
}
