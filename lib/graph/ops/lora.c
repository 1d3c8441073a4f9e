/*
 * lora.c - low-rank adapters beside frozen weights (LoRA, Hu et al. 2021): y = base + scale * h B^T,
 * where h = dropout(x) A^T is an ordinary product; and what the builders record for an adapted weight.
 */
#include <string.h>

#include "graph/dora.h"
#include "graph/jlora.h"
#include "graph/ops.h"
#include "graph/ref.h"

/* In: base [R, O], h [R, r]; parameter B [O, r]. */

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
			.C = jnode_param_grad(n, 0), .ldc = K, .alpha = scale, .beta = 1 },
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
	.name = "lora", .flags = JOP_STORED, .in_place = 1, .back_in_place = 1,
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

struct jnode *
jg_lora_linear(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias)
{
	const struct jlora *l = w->lora;
	const struct dora d = dora_of(w, l, false);
	bool trained = l->a->grad || l->b->grad;
	struct jnode *z = jg_dropout(g, x, trained ? l->dropout : 0), *h = jg_linear(g, z, l->a, NULL);
	struct jnode *u, *v, *n, *base;

	if (!l->m)
		return add_low_rank(g, jg_linear_base(g, x, w, bias), h, l);
	u = jg_linear_base(g, z, w, NULL);
	v = add_low_rank(g, u, h, l);
	if (z == x)
		return dora_node(g, v, &d, bias);
	base = jg_linear_base(g, x, w, bias);
	n = dora_node(g, v, &d, NULL);
	jnode_input(n, base);
	jnode_input(n, u);
	return n;
}

struct jnode *
jg_lora_embed(struct jgraph *g, struct jnode *ids, struct jparam *table)
{
	const struct jlora *l = table->lora_rows;
	const struct dora d = dora_of(table, l, true);
	struct jnode *v = add_low_rank(g, jg_embed_base(g, ids, table), jg_embed(g, ids, l->a), l);

	return l->m ? dora_node(g, v, &d, NULL) : v;
}
