/*
 * loras.c - low-rank adapters by rows: in base [R, O], x [R, I] (look-ups: ids), which [R] and, where
 * an adapter has DoRA and the weight a bias, the product without the bias [R, O].
 *
 * Rows that follow each other and have the same adapter are cut into pieces.  First each piece gets
 * its h = x A^T, then each piece and block of columns its y += scale h B^T: the calls of lora.c on fewer
 * rows and columns, which does not change an element's bits.
 */
#include <string.h>

#include "graph/jloras.h"
#include "graph/ops.h"
#include "graph/ref.h"

enum {
	ROWS = 32,		/* of a piece at most */
	COLS = 256		/* of y in one task */
};

struct loras {
	const struct jloras *set;
	const struct jparam *bias;	/* of DoRA; NULL = none */
	bool look_up;
	int64_t rank;			/* the highest */
};

struct piece {
	int32_t first, count;
	const struct jlora *l;
};

struct task {
	const struct jrun *x;
	struct jnode *n;
	struct piece *piece;
	float *h, *work;		/* h [R, rank]; work of all workers */
	size_t stride;
};

static size_t
padded(size_t floats)
{
	return (floats + 15) / 16 * 16;
}

static size_t
pieces_floats(int64_t R)
{
	return padded((size_t)R * sizeof(struct piece) / sizeof(float));
}

/* Scratch of one worker. */
static size_t
stride_of(const struct jrun *x, const struct jnode *n)
{
	const struct loras *a = n->attr;
	size_t most = 0;

	for (int i = 0; i < a->set->n; i++) {
		const struct jlora *l = a->set->v[i];
		size_t h, y;

		if (!l)
			continue;
		h = a->look_up ? 0 : jkern_gemm_work(x->k, JGEMM_NT, l->a->shape[0], l->a->shape[1]);
		y = jkern_gemm_work(x->k, JGEMM_NT, COLS, l->b->shape[1]);
		most = h > most ? h : most;
		most = y > most ? y : most;
	}
	return padded(most);
}

static size_t
work(const struct jrun *x, const struct jnode *n)
{
	const struct loras *a = n->attr;

	return pieces_floats(jnode_rows(n)) + padded((size_t)(jnode_rows(n) * a->rank))
		+ (size_t)x->workers * stride_of(x, n);
}

static const struct jlora *
lora_of(const struct loras *a, int32_t which)
{
	if (which >= a->set->n)
		jbug("adapter %d of %d", (int)which, a->set->n);
	return which < 0 ? NULL : a->set->v[which];
}

static int64_t
cut(const struct jnode *n, struct piece *p)
{
	const int32_t *which = n->in[2]->data;
	int64_t pieces = 0, R = jnode_rows(n), end;

	for (int64_t r = 0; r < R; r = end) {
		const struct jlora *l = lora_of(n->attr, which[r]);

		for (end = r + 1; end < R && end - r < ROWS && which[end] == which[r];)
			end++;
		if (l)
			p[pieces++] = (struct piece){ (int32_t)r, (int32_t)(end - r), l };
	}
	return pieces;
}

static void
to_rank(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct loras *a = t->n->attr;
	const struct piece *p = &t->piece[i];
	const struct jnode *in = t->n->in[1];
	int64_t K = p->l->b->shape[1], I = jnode_cols(in);
	float *h = t->h + p->first * a->rank;
	struct jgemm m = { .form = JGEMM_NT, .M = p->count, .N = K, .K = I, .lda = I, .ldc = K,
		.B = p->l->a->value, .ldb = I, .C = h, .alpha = 1 };

	if (!a->look_up) {
		m.A = (const float *)in->data + p->first * I;
		jkern_gemm(t->x->k, &m, t->work + (size_t)worker * t->stride);
		return;
	}
	for (int64_t r = 0; r < p->count; r++)
		jparam_row(p->l->a, ((const int32_t *)in->data)[p->first + r], h + r * K);
}

/* y *= m / norm (+ bias) for columns o..o + count of a row. */
static void
magnify(const struct loras *a, const struct jlora *l, float *y, int64_t o, int64_t count)
{
	for (int64_t c = o; c < o + count; c++)
		y[c] = l->m->value[c] / l->norm[c] * y[c] + (a->bias ? a->bias->value[c] : 0);
}

static void
from_rank(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct loras *a = t->n->attr;
	int64_t O = jnode_cols(t->n), blocks = (O + COLS - 1) / COLS, o = i % blocks * COLS;
	const struct piece *p = &t->piece[i / blocks];
	int64_t K = p->l->b->shape[1], count = O - o < COLS ? O - o : COLS, at = p->first * O + o;
	float *y = (float *)t->n->data + at;
	struct jgemm m = { .form = JGEMM_NT, .M = p->count, .N = count, .K = K,
		.A = t->h + p->first * a->rank, .lda = K, .B = p->l->b->value + o * K, .ldb = K,
		.C = y, .ldc = O, .alpha = p->l->scale, .beta = 1 };

	for (int64_t r = 0; p->l->m && t->n->n_in > 3 && r < p->count; r++)
		memcpy(y + r * O, (const float *)t->n->in[3]->data + at + r * O,
			(size_t)count * sizeof(*y));
	jkern_gemm(t->x->k, &m, t->work + (size_t)worker * t->stride);
	for (int64_t r = 0; p->l->m && r < p->count; r++)
		magnify(a, p->l, y + r * O - o, o, count);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	const struct loras *a = n->attr;
	int64_t R = jnode_rows(n), O = jnode_cols(n), pieces;
	struct task t = { .x = x, .n = n, .piece = (struct piece *)(void *)x->work,
		.h = x->work + pieces_floats(R), .stride = stride_of(x, n) };

	t.work = t.h + padded((size_t)(R * a->rank));
	if (n->data != n->in[0]->data)
		memcpy(n->data, n->in[0]->data, (size_t)(R * O) * sizeof(float));
	pieces = cut(n, t.piece);
	jpar_for(x->pool, pieces, to_rank, &t);
	jpar_for(x->pool, pieces * ((O + COLS - 1) / COLS), from_rank, &t);
}

static void
row_ref(const struct jref *r, const struct jlora *l, int64_t row, double *h)
{
	const struct loras *a = r->n->attr;
	int64_t O = jnode_cols(r->n), K = l->b->shape[1], I = a->look_up ? 0 : l->a->shape[1];

	for (int64_t k = 0; k < K; k++) {
		h[k] = a->look_up ? (double)l->a->value[r->ids[1][row] * K + k] : 0;
		for (int64_t c = 0; c < I; c++)
			h[k] += r->in[1][row * I + c] * (double)l->a->value[k * I + c];
	}
	for (int64_t o = 0; o < O; o++) {
		double v = r->in[l->m && r->n->n_in > 3 ? 3 : 0][row * O + o];

		for (int64_t k = 0; k < K; k++)
			v += (double)l->scale * h[k] * (double)l->b->value[o * K + k];
		if (l->m)
			v = (double)l->m->value[o] / (double)l->norm[o] * v
				+ (a->bias ? (double)a->bias->value[o] : 0);
		r->out[row * O + o] = v;
	}
}

static void
forward_ref(const struct jref *r)
{
	const struct loras *a = r->n->attr;
	int64_t O = jnode_cols(r->n);
	double *h = jmem_alloc((size_t)a->rank + 1, sizeof(*h));

	for (int64_t i = 0; i < jnode_rows(r->n); i++) {
		const struct jlora *l = lora_of(a, r->ids[2][i]);

		if (l)
			row_ref(r, l, i, h);
		else
			memcpy(r->out + i * O, r->in[0] + i * O, (size_t)O * sizeof(*h));
	}
	jmem_free(h);
}

const struct jop jop_loras = {
	.name = "loras", .flags = JOP_NO_BACK, .in_place = 1, .forward = forward, .work = work,
	.forward_ref = forward_ref
};

void
jgraph_set_adapters(struct jgraph *g, struct jnode *which)
{
	g->which = which;
}

static struct jnode *
record(struct jgraph *g, struct jnode *base, struct jnode *x, const struct loras *how)
{
	struct jnode *n = jnode_new(g, &jop_loras, base);
	struct loras *a = jnode_attr(n, sizeof(*a));

	*a = *how;
	for (int i = 0; i < a->set->n; i++)
		if (a->set->v[i] && a->set->v[i]->b->shape[1] > a->rank)
			a->rank = a->set->v[i]->b->shape[1];
	if (jnode_count(g->which) != jnode_rows(base) || g->which->dtype != JDT_I32)
		jbug("loras: adapters of %lld rows, %lld rows", (long long)jnode_count(g->which),
			(long long)jnode_rows(base));
	jnode_input(n, base);
	jnode_input(n, x);
	jnode_input(n, g->which);
	return n;
}

struct jnode *
jg_loras_linear(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias)
{
	struct loras how = { .set = w->many, .bias = bias };
	struct jnode *base = jg_linear_base(g, x, w, bias), *bare = NULL, *n;

	for (int i = 0; bias && i < w->many->n; i++)
		if (!bare && w->many->v[i] && w->many->v[i]->m)
			bare = jg_linear_base(g, x, w, NULL);
	n = record(g, base, x, &how);
	if (bare)
		jnode_input(n, bare);
	return n;
}

struct jnode *
jg_loras_embed(struct jgraph *g, struct jnode *ids, struct jparam *table)
{
	const struct loras how = { .set = table->many_rows, .look_up = true };

	return record(g, jg_embed_base(g, ids, table), ids, &how);
}
