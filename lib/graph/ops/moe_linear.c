/*
 * moe_linear.c - each expert's product with its rows, which lie together: y = x W_e^T.
 *
 * Forward tasks are an expert and some of its outputs; backward tasks are experts.  Which rows an
 * expert has does not change a row's bits (jkern.h).
 */
#include <string.h>

#include "graph/jlayers.h"
#include "graph/jlora.h"
#include "graph/moe.h"
#include "graph/ops.h"
#include "graph/ref.h"

enum { COLS = 256 };		/* outputs of a forward task */

struct task {
	const struct jrun *x;
	const struct jnode *n;
	size_t stride;
};

static int64_t
blocks(const struct jnode *n)
{
	return (jnode_cols(n) + COLS - 1) / COLS;
}

static void
forward_task(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jnode *n = t->n;
	struct moe_plan p = moe_plan_of(n->in[1]);
	int64_t e = i / blocks(n), c = i % blocks(n) * COLS, O = jnode_cols(n);
	int64_t I = jnode_cols(n->in[0]), first = p.start[e];
	struct jgemm m = {
		.form = JGEMM_NT, .M = p.start[e + 1] - first, .N = O - c < COLS ? O - c : COLS,
		.K = I, .A = (const float *)n->in[0]->data + first * I, .lda = I,
		.C = (float *)n->data + first * O + c, .ldc = O, .alpha = 1
	};

	if (m.M == 0)
		return;
	jparam_operand(n->param[0], e * O + c, &m);
	jkern_gemm(t->x->mm, &m, t->x->work + (size_t)worker * t->stride);
}

static void
backward_task(void *arg, int64_t e, int worker)
{
	const struct task *t = arg;
	const struct jnode *n = t->n;
	struct moe_plan p = moe_plan_of(n->in[1]);
	int64_t O = jnode_cols(n), I = jnode_cols(n->in[0]), first = p.start[e];
	int64_t rows = p.start[e + 1] - first;
	float *work = t->x->work + (size_t)worker * t->stride, *dx = n->in[0]->grad;
	float *dw = jnode_param_grad(n, 0);

	if (rows > 0 && dx) {
		struct jgemm m = {
			.form = JGEMM_NN, .M = rows, .N = I, .K = O, .A = n->grad + first * O,
			.lda = O, .C = dx + first * I, .ldc = I, .alpha = 1,
			.beta = n->add[0] ? 1 : 0
		};

		jparam_operand(n->param[0], e * O, &m);
		jkern_gemm(t->x->mm, &m, work);
	}
	if (rows > 0 && dw) {
		struct jgemm m = {
			.form = JGEMM_TN, .M = O, .N = I, .K = rows, .A = n->grad + first * O,
			.lda = O, .B = (const float *)n->in[0]->data + first * I, .ldb = I,
			.C = dw + e * O * I, .ldc = I, .alpha = 1, .beta = 1
		};

		jkern_gemm(t->x->mm, &m, work);
	}
}

/* Scratch floats of one worker. */
static size_t
stride_of(const struct jrun *x, const struct jnode *n)
{
	int64_t O = jnode_cols(n), I = jnode_cols(n->in[0]);
	struct jgemm m = { .form = JGEMM_NT, .N = COLS, .K = I };
	size_t w, dx, dw;

	jparam_operand(n->param[0], 0, &m);
	w = jkern_gemm_work_of(x->mm, &m);
	if (x->training) {
		dw = jkern_gemm_work(x->mm, JGEMM_TN, I, jnode_rows(n));
		m.form = JGEMM_NN;
		m.N = I;
		m.K = O;
		dx = jkern_gemm_work_of(x->mm, &m);
		w = dx > w ? dx : w;
		w = dw > w ? dw : w;
	}
	return (w + 15) / 16 * 16;
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	struct task t = { x, n, stride_of(x, n) };

	jpar_for(x->pool, moe_layer_of(n->in[1])->moe->o.experts * blocks(n), forward_task, &t);
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	struct task t = { x, n, stride_of(x, n) };

	jpar_for(x->pool, moe_layer_of(n->in[1])->moe->o.experts, backward_task, &t);
}

static unsigned
keeps(const struct jnode *n)
{
	return n->param[0]->grad ? 1 : 0;
}

static size_t
work(const struct jrun *x, const struct jnode *n)
{
	return stride_of(x, n) * (size_t)x->workers;
}

static double
flops(const struct jnode *n, bool backward_pass)
{
	double one = 2 * (double)jnode_count(n) * (double)jnode_cols(n->in[0]);

	if (!backward_pass)
		return one;
	return one * ((n->in[0]->needs_grad ? 1 : 0) + (n->param[0]->grad ? 1 : 0));
}

/* The first weight of output o of the expert that has sorted row i. */
static int64_t
weight_at(const struct jnode *n, int64_t i, int64_t o)
{
	struct moe_plan p = moe_plan_of(n->in[1]);

	return (p.choice[p.order[i]] * jnode_cols(n) + o) * jnode_cols(n->in[0]);
}

static void
forward_ref(const struct jref *r)
{
	int64_t O = jnode_cols(r->n), I = jnode_cols(r->n->in[0]);

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		int64_t w = weight_at(r->n, i / O, i % O);

		r->out[i] = 0;
		for (int64_t c = 0; c < I; c++)
			r->out[i] += r->in[0][i / O * I + c] * r->param[0][w + c];
	}
}

static void
backward_ref(const struct jref *r)
{
	int64_t O = jnode_cols(r->n), I = jnode_cols(r->n->in[0]);

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		int64_t w = weight_at(r->n, i / O, i % O);

		for (int64_t c = 0; c < I; c++) {
			r->din[0][i / O * I + c] += r->dout[i] * r->param[0][w + c];
			r->dparam[0][w + c] += r->dout[i] * r->in[0][i / O * I + c];
		}
	}
}

const struct jop jop_moe_linear = {
	.name = "moe_linear", .flags = JOP_STORED, .forward = forward, .backward = backward, .keeps = keeps,
	.work = work, .flops = flops, .forward_ref = forward_ref, .backward_ref = backward_ref
};

static struct jnode *
product(struct jgraph *g, struct jnode *x, struct jparam *w, struct jnode *route)
{
	struct jnode *n = jnode_new(g, &jop_moe_linear, x);
	int64_t E;

	if (route->op != &jop_moe_route || jnode_rows(x) != jnode_count(route))
		jbug("moe_linear %s: %lld rows", w->name, (long long)jnode_rows(x));
	E = moe_layer_of(route)->moe->o.experts;
	if (w->n_dims != 2 || w->shape[0] % E || w->shape[1] != jnode_cols(x))
		jbug("moe_linear %s: x is [.., %lld], w [%lld, %lld]", w->name,
			(long long)jnode_cols(x), (long long)w->shape[0], (long long)w->shape[1]);
	jnode_input(n, x);
	jnode_input(n, route->in[1]);
	n->param[0] = w;
	n->shape[n->n_dims - 1] = w->shape[0] / E;
	return n;
}

/* With an adapter, whose A and B are stacks of as many experts: y = x W_e^T + scale * h B_e^T. */
struct jnode *
jg_moe_linear(struct jgraph *g, struct jnode *x, struct jparam *w, struct jnode *route)
{
	const struct jlora *l = w->lora;
	struct jnode *y = product(g, x, w, route), *h;

	if (!l)
		return y;
	if (l->m)
		jbug("moe_linear %s: no DoRA on experts", w->name);
	h = jg_scale(g, product(g, jg_dropout(g, x, l->dropout), l->a, route), l->scale);
	return jg_add(g, y, product(g, h, l->b, route));
}
