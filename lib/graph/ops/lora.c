/*
 * lora.c - low-rank adapters beside frozen weights (LoRA, Hu et al. 2021; DoRA, Liu et al. 2024).
 *
 *	lora	y = base + scale * h B^T, where h = dropout(x) A^T is an ordinary product
 *	dora	y = g v (+ bias), g = m / |W + scale B A| by rows, v = x W^T + scale * h B^T
 *		with dropout: y = base + g v - u, where u and v are made of dropout(x)
 *
 * The norm counts as a constant in the backward pass, as in the paper's section 4.3.
 */
#include <math.h>
#include <string.h>

#include "graph/jlora.h"
#include "graph/ops.h"
#include "graph/ref.h"

/* --- lora: in base [R, O], h [R, r]; parameter B [O, r] --- */

static void
lora_forward(const struct jrun *x, struct jnode *n)
{
	int64_t R = jnode_rows(n), O = jnode_cols(n), K = jnode_cols(n->in[1]);
	struct jgemm m = {
		.form = JGEMM_NT, .M = R, .N = O, .K = K, .A = n->in[1]->data, .lda = K,
		.B = n->param[0]->value, .ldb = K, .C = n->data, .ldc = O,
		.alpha = *(const float *)n->attr, .beta = 1
	};

	if (n->data != n->in[0]->data)
		memcpy(n->data, n->in[0]->data, (size_t)(R * O) * sizeof(float));
	jkern_gemm_par(x->k, &m, x->pool, x->work);
}

static void
pass_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t O = jnode_cols(n), at = first * O;
	float *to = n->in[0]->grad + at;

	if (n->add[0])
		x->k->add(to, to, n->grad + at, count * O);
	else if (to != n->grad + at)
		memcpy(to, n->grad + at, (size_t)(count * O) * sizeof(*to));
}

static void
lora_backward(const struct jrun *x, struct jnode *n)
{
	int64_t R = jnode_rows(n), O = jnode_cols(n), K = jnode_cols(n->in[1]);
	float scale = *(const float *)n->attr;

	if (n->in[1]->grad)
		jkern_gemm_par(x->k, &(struct jgemm){ .form = JGEMM_NN, .M = R, .N = K, .K = O,
			.A = n->grad, .lda = O, .B = n->param[0]->value, .ldb = K,
			.C = n->in[1]->grad, .ldc = K, .alpha = scale,
			.beta = n->add[1] ? 1 : 0 }, x->pool, x->work);
	if (n->param[0]->grad)
		jkern_gemm_par(x->k, &(struct jgemm){ .form = JGEMM_TN, .M = O, .N = K, .K = R,
			.A = n->grad, .lda = O, .B = n->in[1]->data, .ldb = K,
			.C = n->param[0]->grad, .ldc = K, .alpha = scale, .beta = 1 },
			x->pool, x->work);
	/* Last: the gradient of the base may take over the place of that of the sum. */
	if (n->in[0]->grad)
		jrun_for_rows(x, n, R, O, pass_rows);
}

static unsigned
lora_keeps(const struct jnode *n)
{
	return n->param[0]->grad ? 2 : 0;
}

static size_t
lora_work(const struct jrun *x, const struct jnode *n)
{
	int64_t R = jnode_rows(n), O = jnode_cols(n), K = jnode_cols(n->in[1]);
	size_t w = jkern_gemm_work(x->k, JGEMM_NT, O, K);

	if (x->training) {
		size_t dh = jkern_gemm_work(x->k, JGEMM_NN, K, O);
		size_t db = jkern_gemm_work(x->k, JGEMM_TN, K, R);

		w = dh > w ? dh : w;
		w = db > w ? db : w;
	}
	return w * (size_t)x->workers;
}

static double
lora_flops(const struct jnode *n, bool backward)
{
	double one = 2 * (double)jnode_count(n) * (double)jnode_cols(n->in[1]);

	if (!backward)
		return one;
	return one * ((n->in[1]->needs_grad ? 1 : 0) + (n->param[0]->grad ? 1 : 0));
}

static void
lora_forward_ref(const struct jref *r)
{
	int64_t R = jnode_rows(r->n), O = jnode_cols(r->n), K = jnode_cols(r->n->in[1]);
	double scale = *(const float *)r->n->attr;

	for (int64_t i = 0; i < R * O; i++) {
		double s = 0;

		for (int64_t k = 0; k < K; k++)
			s += r->in[1][i / O * K + k] * r->param[0][i % O * K + k];
		r->out[i] = r->in[0][i] + scale * s;
	}
}

static void
lora_backward_ref(const struct jref *r)
{
	int64_t R = jnode_rows(r->n), O = jnode_cols(r->n), K = jnode_cols(r->n->in[1]);
	double scale = *(const float *)r->n->attr;

	for (int64_t i = 0; i < R * O; i++) {
		double d = r->dout[i];

		r->din[0][i] += d;
		for (int64_t k = 0; k < K; k++) {
			r->din[1][i / O * K + k] += scale * d * r->param[0][i % O * K + k];
			r->dparam[0][i % O * K + k] += scale * d * r->in[1][i / O * K + k];
		}
	}
}

const struct jop jop_lora = {
	.name = "lora", .in_place = 1, .back_in_place = 1,
	.forward = lora_forward, .backward = lora_backward, .keeps = lora_keeps,
	.work = lora_work, .flops = lora_flops,
	.forward_ref = lora_forward_ref, .backward_ref = lora_backward_ref
};

static struct jnode *
add_low_rank(struct jgraph *g, struct jnode *base, struct jnode *h, const struct jlora *l)
{
	struct jnode *n = jnode_new(g, &jop_lora, base);
	float *scale = jnode_attr(n, sizeof(*scale));

	if (jnode_cols(h) != l->b->shape[1] || jnode_cols(base) != l->b->shape[0]
	    || jnode_rows(h) != jnode_rows(base))
		jbug("lora %s: h is [.., %lld], B [%lld, %lld]", l->b->name,
			(long long)jnode_cols(h), (long long)l->b->shape[0],
			(long long)l->b->shape[1]);
	*scale = l->scale;
	jnode_input(n, base);
	jnode_input(n, h);
	n->param[0] = l->b;
	return n;
}

/* --- dora: in v [R, O] and, with dropout, base and u; parameters m [O], bias --- */

struct dora {
	const struct jlora *l;
	const struct jparam *w;
	bool fixed;			/* l->norm stands: nothing is trained */
};

/* Factor of output o: m / |W_o + scale B_o A|; tmp is a row of W. */
static float
row_factor(const struct jrun *x, const struct jnode *n, int64_t o, float *tmp)
{
	const struct dora *d = n->attr;
	const struct jlora *l = d->l;

	return n->param[0]->value[o] / (d->fixed ? l->norm[o] : jlora_row_norm(x->k, d->w, l, o,
		tmp));
}

enum { FACTORS = 32 };		/* rows of W per task */

struct task {
	const struct jrun *x;
	struct jnode *n;
	float *factor;
};

static float *
factors_of(const struct jrun *x, const struct jnode *n)
{
	return n->saved ? n->saved : x->work;
}

static size_t
row_floats(const struct jnode *n)
{
	const struct dora *d = n->attr;

	return ((size_t)d->w->shape[1] + 15) / 16 * 16;
}

static void
factor_task(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	int64_t O = jnode_cols(t->n), o = i * FACTORS;
	size_t head = ((size_t)O + 15) / 16 * 16;
	float *tmp = t->x->work + head + (size_t)worker * row_floats(t->n);

	for (; o < (i + 1) * FACTORS && o < O; o++)
		t->factor[o] = row_factor(t->x, t->n, o, tmp);
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
	struct task t = { x, n, factors_of(x, n) };
	int64_t O = jnode_cols(n);

	jpar_for(x->pool, (O + FACTORS - 1) / FACTORS, factor_task, &t);
	jrun_for_rows(x, n, jnode_rows(n), O, dora_rows);
}

enum { COLS = 64 };		/* columns per task of the gradient of m */

/* dm = sum of dy v / |W + scale B A| = sum of dy v times factor / m. */
static void
magnitude_cols(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	struct jnode *n = t->n;
	int64_t R = jnode_rows(n), O = jnode_cols(n), c = i * COLS;
	int64_t w = O - c < COLS ? O - c : COLS;
	float sum[COLS] = { 0 };

	(void)worker;
	for (int64_t r = 0; r < R; r++) {
		const float *v = (const float *)n->in[0]->data + r * O + c;
		const float *dy = n->grad + r * O + c;

		for (int64_t j = 0; j < w; j++)
			sum[j] += dy[j] * v[j];
	}
	for (int64_t j = 0; j < w; j++) {
		float m = n->param[0]->value[c + j];

		n->param[0]->grad[c + j] += m != 0 ? sum[j] * (n->saved[c + j] / m) : 0;
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
	struct task t = { x, n, n->saved };
	int64_t O = jnode_cols(n);

	if (n->param[0]->grad)
		jpar_for(x->pool, (O + COLS - 1) / COLS, magnitude_cols, &t);
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
dora_work(const struct jrun *x, const struct jnode *n)
{
	return ((size_t)jnode_cols(n) + 15) / 16 * 16 + (size_t)x->workers * row_floats(n);
}

static void
dora_forward_ref(const struct jref *r)
{
	const struct dora *d = r->n->attr;
	int64_t O = jnode_cols(r->n), I = d->w->shape[1], K = d->l->a->shape[0];

	for (int64_t o = 0; o < O; o++) {
		double sum = 0, f;

		for (int64_t c = 0; c < I; c++) {
			double w = d->w->value[o * I + c];

			for (int64_t k = 0; k < K; k++)
				w += (double)d->l->scale * d->l->b->value[o * K + k]
					* d->l->a->value[k * I + c];
			sum += w * w;
		}
		f = r->param[0][o] / sqrt(sum);
		for (int64_t i = o; i < jnode_count(r->n); i += O)
			r->out[i] = f * r->in[0][i] + (r->param[1] ? r->param[1][o] : 0)
				+ (r->n->n_in > 1 ? r->in[1][i] - r->in[2][i] : 0);
	}
}

const struct jop jop_dora = {
	.name = "dora", .forward = dora_forward, .backward = dora_backward, .keeps = dora_keeps,
	.saved = dora_saved, .work = dora_work, .forward_ref = dora_forward_ref
};

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

static struct jnode *
scale_rows(struct jgraph *g, struct jnode *v, struct jparam *w, struct jparam *bias)
{
	struct jnode *n = jnode_new(g, &jop_dora, v);
	struct dora *d = jnode_attr(n, sizeof(*d));
	const struct jlora *l = w->lora;

	d->l = l;
	d->w = w;
	d->fixed = l->norm && !l->a->grad && !l->b->grad;
	jnode_input(n, v);
	n->param[0] = l->m;
	n->param[1] = bias;
	return n;
}

struct jnode *
jg_lora_linear(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias)
{
	const struct jlora *l = w->lora;
	struct jnode *z = jg_dropout(g, x, l->dropout), *h = jg_linear(g, z, l->a, NULL);
	struct jnode *u, *v, *n, *base;

	if (!l->m)
		return add_low_rank(g, jg_linear_base(g, x, w, bias), h, l);
	u = jg_linear_base(g, z, w, NULL);
	v = add_low_rank(g, u, h, l);
	if (z == x)
		return scale_rows(g, v, w, bias);
	base = jg_linear_base(g, x, w, bias);
	n = scale_rows(g, v, w, NULL);
	jnode_input(n, base);
	jnode_input(n, u);
	return n;
}

struct jnode *
jg_lora_embed(struct jgraph *g, struct jnode *ids, struct jparam *table)
{
	const struct jlora *l = table->lora_rows;

	return add_low_rank(g, jg_embed_base(g, ids, table), jg_embed(g, ids, l->a), l);
}
