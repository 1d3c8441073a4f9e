/* linear.c - y = x W^T + b;  dx = dy W,  dW += dy^T x,  db += column sums of dy. */
#include <string.h>

#include "graph/jloras.h"
#include "graph/ops.h"
#include "graph/ref.h"
#include "tensor/jpacked.h"

enum { COLS = 64 };	/* columns per task of the bias gradient */

static void
fill_bias(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t O = jnode_cols(n);
	float *y = n->data;

	(void)x;
	for (int64_t r = first; r < first + count; r++)
		memcpy(y + r * O, n->param[1]->value, (size_t)O * sizeof(*y));
}

/* A training pass takes the decoded values: they are what backward() differentiates. */
static bool
is_packed(const struct jrun *x, const struct jnode *n)
{
	return n->param[0]->packed && !x->training;
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	int64_t R = jnode_rows(n), O = jnode_cols(n), I = jnode_cols(n->in[0]);
	struct jgemm m = {
		.form = JGEMM_NT, .M = R, .N = O, .K = I,
		.A = n->in[0]->data, .lda = I, .C = n->data, .ldc = O, .alpha = 1,
		.beta = n->param[1] ? 1 : 0
	};

	jparam_operand(n->param[0], 0, &m);
	if (n->param[1])
		jrun_for_rows(x, n, R, O, fill_bias);
	if (is_packed(x, n)) {
		const struct jpacked_call c = { R, m.A, I, m.C, O, n->param[1] };

		jpacked_product(n->param[0]->packed, &c, x->pool, x->work);
		return;
	}
	jkern_gemm_par(x->mm, &m, x->pool, x->work);
}

struct task {
	const struct jrun *x;
	const struct jnode *n;
};

static void
bias_cols(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	int64_t R = jnode_rows(t->n), O = jnode_cols(t->n), c = i * COLS;
	float *g = jnode_param_grad(t->n, 1) + c;

	(void)worker;
	for (int64_t r = 0; r < R; r++)
		t->x->k->add(g, g, t->n->grad + r * O + c, O - c < COLS ? O - c : COLS);
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	int64_t R = jnode_rows(n), O = jnode_cols(n), I = jnode_cols(n->in[0]);
	struct task t = { x, n };

	if (n->in[0]->grad) {
		struct jgemm m = {
			.form = JGEMM_NN, .M = R, .N = I, .K = O,
			.A = n->grad, .lda = O, .C = n->in[0]->grad, .ldc = I, .alpha = 1,
			.beta = n->add[0] ? 1 : 0
		};

		jparam_operand(n->param[0], 0, &m);
		jkern_gemm_par(x->mm, &m, x->pool, x->work);
	}
	if (n->param[0]->grad) {
		struct jgemm m = {
			.form = JGEMM_TN, .M = O, .N = I, .K = R,
			.A = n->grad, .lda = O, .B = n->in[0]->data, .ldb = I,
			.C = jnode_param_grad(n, 0), .ldc = I, .alpha = 1, .beta = 1
		};

		jkern_gemm_par(x->mm, &m, x->pool, x->work);
	}
	if (n->param[1] && n->param[1]->grad)
		jpar_for(x->pool, (O + COLS - 1) / COLS, bias_cols, &t);
}

static unsigned
keeps(const struct jnode *n)
{
	return n->param[0]->grad ? 1 : 0;
}

static size_t
work(const struct jrun *x, const struct jnode *n)
{
	int64_t R = jnode_rows(n), O = jnode_cols(n), I = jnode_cols(n->in[0]);
	struct jgemm m = { .form = JGEMM_NT, .N = O, .K = I };
	size_t w;

	if (is_packed(x, n))
		return jpacked_work(n->param[0]->packed, R, x->workers);
	jparam_operand(n->param[0], 0, &m);
	w = jkern_gemm_work_of(x->mm, &m);
	if (x->training) {
		size_t dx, dw = jkern_gemm_work(x->mm, JGEMM_TN, I, R);

		m.form = JGEMM_NN;
		m.N = I;
		m.K = O;
		dx = jkern_gemm_work_of(x->mm, &m);

		w = dx > w ? dx : w;
		w = dw > w ? dw : w;
	}
	return w * (size_t)x->workers;
}

static double
flops(const struct jnode *n, bool backward_pass)
{
	double one = 2 * (double)jnode_count(n) * (double)jnode_cols(n->in[0]);

	if (!backward_pass)
		return one;
	return one * ((n->in[0]->needs_grad ? 1 : 0) + (n->param[0]->grad ? 1 : 0));
}

static void
forward_ref(const struct jref *r)
{
	int64_t R = jnode_rows(r->n), O = jnode_cols(r->n), I = jnode_cols(r->n->in[0]);

	for (int64_t i = 0; i < R; i++) {
		for (int64_t o = 0; o < O; o++) {
			double s = r->param[1] ? r->param[1][o] : 0;

			for (int64_t c = 0; c < I; c++)
				s += r->in[0][i * I + c] * r->param[0][o * I + c];
			r->out[i * O + o] = s;
		}
	}
}

static void
backward_ref(const struct jref *r)
{
	int64_t R = jnode_rows(r->n), O = jnode_cols(r->n), I = jnode_cols(r->n->in[0]);

	for (int64_t i = 0; i < R; i++) {
		for (int64_t o = 0; o < O; o++) {
			double d = r->dout[i * O + o];

			if (r->param[1])
				r->dparam[1][o] += d;
			for (int64_t c = 0; c < I; c++) {
				r->din[0][i * I + c] += d * r->param[0][o * I + c];
				r->dparam[0][o * I + c] += d * r->in[0][i * I + c];
			}
		}
	}
}

const struct jop jop_linear = {
	.name = "linear", .flags = JOP_STORED, .forward = forward, .backward = backward, .keeps = keeps,
	.work = work, .flops = flops, .forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_linear(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias)
{
	if (w->lora)
		return jg_lora_linear(g, x, w, bias);
	return w->many && g->which ? jg_loras_linear(g, x, w, bias) : jg_linear_base(g, x, w, bias);
}

struct jnode *
jg_linear_base(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias)
{
	struct jnode *n = jnode_new(g, &jop_linear, x);

	if (x->dtype != JDT_F32 || w->n_dims != 2 || jnode_cols(x) != w->shape[1])
		jbug("linear %s: x is [.., %lld], w [%lld, %lld]", w->name,
			(long long)jnode_cols(x), (long long)w->shape[0], (long long)w->shape[1]);
	if (bias && (bias->n_dims != 1 || bias->shape[0] != w->shape[0]))
		jbug("linear %s: bias of %lld", w->name, (long long)bias->shape[0]);
	jnode_input(n, x);
	n->param[0] = w;
	n->param[1] = bias;
	n->shape[n->n_dims - 1] = w->shape[0];
	return n;
}
