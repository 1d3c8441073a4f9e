/*
 * dropout.c - random numbers in a graph: dropout (Srivastava et al. 2014) before an adapter, uniform
 * noise on embeddings (NEFTune, Jain et al. 2023).
 *
 * Only a forward pass that is followed by backward() draws.  The numbers are a function of the graph's
 * key (jgraph_set_random), the node and the row, so recomputation and backward see them again, and
 * threads change nothing.
 */
#include <string.h>

#include "base/jrand.h"
#include "graph/jlora.h"
#include "graph/ops.h"
#include "graph/ref.h"

static void
row_random(const struct jrun *x, const struct jnode *n, int64_t row, struct jrand *r)
{
	jrand_init(r, x->random + (uint64_t)n->index * 0x9e3779b97f4a7c15u, (uint64_t)row);
}

/* Copies or drops one row; y may be x. */
static void
drop_row(const struct jrun *x, const struct jnode *n, int64_t row, float *y, const float *v)
{
	float p = *(const float *)n->attr, keep = 1 / (1 - p);
	uint32_t limit = (uint32_t)((double)p * 65536), bits;
	int64_t C = jnode_cols(n), i = 0, j;
	struct jrand r;
	uint64_t u;

	row_random(x, n, row, &r);
	while (i < C) {
		u = jrand_u64(&r);
		for (j = 0; j < 4 && i < C; j++, i++) {
			bits = (uint32_t)(u >> 16 * j) & 0xffff;
			y[i] = bits < limit ? 0 : v[i] * keep;
		}
	}
}

static void
drop_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);

	for (int64_t r = first; r < first + count; r++) {
		const float *v = (const float *)n->in[0]->data + r * C;
		float *y = (float *)n->data + r * C;

		if (x->grads)
			drop_row(x, n, r, y, v);
		else
			memcpy(y, v, (size_t)C * sizeof(*y));
	}
}

static void
dropout_forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), drop_rows);
}

static void
drop_back_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);

	for (int64_t r = first; r < first + count; r++) {
		float *dy = n->grad + r * C, *dx = n->in[0]->grad + r * C;

		drop_row(x, n, r, dy, dy);
		if (n->add[0])
			x->k->add(dx, dx, dy, C);
		else if (dx != dy)
			memcpy(dx, dy, (size_t)C * sizeof(*dx));
	}
}

static void
dropout_backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), drop_back_rows);
}

/* The reference is that of a pass without gradient: nothing is dropped. */
static void
same_forward_ref(const struct jref *r)
{
	memcpy(r->out, r->in[0], (size_t)jnode_count(r->n) * sizeof(*r->out));
}

static void
same_backward_ref(const struct jref *r)
{
	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->din[0][i] += r->dout[i];
}

const struct jop jop_dropout = {
	.name = "dropout", .flags = JOP_CHEAP, .back_in_place = 1,
	.forward = dropout_forward, .backward = dropout_backward,
	.forward_ref = same_forward_ref, .backward_ref = same_backward_ref
};

static void
noise_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	float a = *(const float *)n->attr;
	int64_t C = jnode_cols(n);
	struct jrand rand;

	for (int64_t r = first; r < first + count; r++) {
		const float *v = (const float *)n->in[0]->data + r * C;
		float *y = (float *)n->data + r * C;

		row_random(x, n, r, &rand);
		for (int64_t i = 0; i < C; i++)
			y[i] = v[i] + (x->grads ? a * (float)(2 * jrand_double(&rand) - 1) : 0);
	}
}

static void
noise_forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), noise_rows);
}

static void
noise_back_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t at = first * jnode_cols(n), len = count * jnode_cols(n);
	float *dx = n->in[0]->grad + at;

	if (n->add[0])
		x->k->add(dx, dx, n->grad + at, len);
	else if (dx != n->grad + at)
		memcpy(dx, n->grad + at, (size_t)len * sizeof(*dx));
}

static void
noise_backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), noise_back_rows);
}

const struct jop jop_noise = {
	.name = "noise", .in_place = 1, .back_in_place = 1,
	.forward = noise_forward, .backward = noise_backward,
	.forward_ref = same_forward_ref, .backward_ref = same_backward_ref
};

static struct jnode *
with_number(struct jgraph *g, const struct jop *op, struct jnode *x, float v)
{
	struct jnode *n = jnode_new(g, op, x);
	float *attr = jnode_attr(n, sizeof(*attr));

	*attr = v;
	jnode_input(n, x);
	return n;
}

struct jnode *
jg_dropout(struct jgraph *g, struct jnode *x, float p)
{
	if (!(p >= 0 && p < 1))
		jbug("dropout: a share of %g", (double)p);
	return p > 0 ? with_number(g, &jop_dropout, x, p) : x;
}

struct jnode *
jg_noise(struct jgraph *g, struct jnode *x, float amplitude)
{
	return with_number(g, &jop_noise, x, amplitude);
}
