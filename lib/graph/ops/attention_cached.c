/*
 * attention_cached.c - attention for generation: new rows of k and v go into the cache, then each
 * row meets the keys of its own sequence.  One task is one row and one key-value head; it runs the
 * tiles of attn.h, as training does.
 */
#include <math.h>
#include <string.h>

#include "graph/attn.h"
#include "graph/ops.h"
#include "graph/ref.h"

struct cached {
	struct jattn a;
	struct jkv_cache *cache;
};

/* Offset in the cache of a sequence's position. */
static int64_t
cache_at(const struct cached *c, int64_t slot, int64_t pos)
{
	return (slot * c->cache->capacity + pos) * c->a.K * c->a.d;
}

static void
append(const struct jnode *n)
{
	const struct cached *c = n->attr;
	const int32_t *slot = n->in[3]->data, *pos = n->in[4]->data;
	size_t width = (size_t)c->a.K * (size_t)c->a.d;

	for (int64_t r = 0; r < jnode_rows(n); r++) {
		int64_t at;

		if (slot[r] < 0 || slot[r] >= c->cache->slots || pos[r] < 0
		    || pos[r] >= c->cache->capacity)
			jbug("attention_cached: slot %d of %lld, position %d of %lld", slot[r],
				(long long)c->cache->slots, pos[r], (long long)c->cache->capacity);
		at = cache_at(c, slot[r], pos[r]);
		memcpy(c->cache->k + at, (const float *)n->in[1]->data + (size_t)r * width,
			width * sizeof(float));
		memcpy(c->cache->v + at, (const float *)n->in[2]->data + (size_t)r * width,
			width * sizeof(float));
	}
}

struct task {
	const struct jrun *x;
	const struct jnode *n;
	size_t stride;
};

static size_t
stride_of(const struct jrun *x, const struct jattn *a)
{
	size_t rows = (size_t)(a->H / a->K);

	return (attn_gemm_work(x->k, a->d) + rows * (ATTN_TILE + 2) + 15) / 16 * 16;
}

/* The query heads of one row that share key-value head kh. */
static void
row_group(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct cached *c = t->n->attr;
	const struct jattn *a = &c->a;
	int64_t r = i / a->K, kh = i % a->K, ld = (int64_t)a->K * a->d, g = a->H / a->K;
	int64_t pos = ((const int32_t *)t->n->in[4]->data)[r];
	int64_t first = a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
	int64_t q = (r * a->H + kh * g) * a->d;
	int64_t kv = cache_at(c, ((const int32_t *)t->n->in[3]->data)[r], 0) + kh * a->d;
	float *work = t->x->work + (size_t)worker * t->stride;
	float *s = work + attn_gemm_work(t->x->k, a->d);
	struct attn_rows rows = {
		.k = t->x->k, .rows = g, .d = a->d, .ld = a->d, .s = s, .work = work,
		.m = s + g * ATTN_TILE, .l = s + g * (ATTN_TILE + 1), .o = (float *)t->n->data + q
	};
	struct jgemm m = {
		.form = JGEMM_NT, .M = g, .K = a->d, .A = (const float *)t->n->in[0]->data + q,
		.lda = a->d, .ldb = ld, .C = s, .ldc = ATTN_TILE, .alpha = a->scale
	};

	attn_begin(&rows);
	for (int64_t j = first / ATTN_TILE * ATTN_TILE; j <= pos; j += ATTN_TILE) {
		m.N = pos + 1 - j < ATTN_TILE ? pos + 1 - j : ATTN_TILE;
		m.B = c->cache->k + kv + j * ld;
		jkern_gemm(t->x->k, &m, work);
		for (int64_t e = 0; e < g * (first - j); e++)
			s[e % g * ATTN_TILE + e / g] = -INFINITY;
		attn_tile(&rows, c->cache->v + kv + j * ld, ld, m.N);
	}
	attn_end(&rows);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	const struct cached *c = n->attr;
	struct task t = { x, n, stride_of(x, &c->a) };

	append(n);
	jpar_for(x->pool, jnode_rows(n) * c->a.K, row_group, &t);
}

static size_t
work(const struct jrun *x, const struct jnode *n)
{
	const struct cached *c = n->attr;

	return stride_of(x, &c->a) * (size_t)x->workers;
}

/* A value of key or value (which: 1 or 2) at a position: of this run's rows, else of the cache. */
static double
past_ref(const struct jref *r, int which, int64_t row, int64_t pos, int64_t col)
{
	const struct cached *c = r->n->attr;
	int64_t ld = (int64_t)c->a.K * c->a.d;
	int32_t slot = r->ids[3][row];

	for (int64_t i = 0; i < jnode_rows(r->n); i++)
		if (r->ids[3][i] == slot && r->ids[4][i] == pos)
			return r->in[which][i * ld + col];
	return (which == 1 ? c->cache->k : c->cache->v)[cache_at(c, slot, pos) + col];
}

static void
head_ref(const struct jref *r, int64_t row, int64_t qh, double *p)
{
	const struct cached *c = r->n->attr;
	const struct jattn *a = &c->a;
	int64_t pos = r->ids[4][row], col = qh / (a->H / a->K) * a->d, q = (row * a->H + qh) * a->d;
	int64_t first = a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
	double top = -INFINITY, sum = 0;

	for (int64_t j = first; j <= pos; j++) {
		p[j] = 0;
		for (int64_t e = 0; e < a->d; e++)
			p[j] += r->in[0][q + e] * past_ref(r, 1, row, j, col + e);
		p[j] *= (double)a->scale;
		top = p[j] > top ? p[j] : top;
	}
	for (int64_t j = first; j <= pos; j++)
		sum += p[j] = exp(p[j] - top);
	for (int64_t e = 0; e < a->d; e++) {
		r->out[q + e] = 0;
		for (int64_t j = first; j <= pos; j++)
			r->out[q + e] += p[j] / sum * past_ref(r, 2, row, j, col + e);
	}
}

static void
forward_ref(const struct jref *r)
{
	const struct cached *c = r->n->attr;
	double *p = jmem_alloc((size_t)c->cache->capacity, sizeof(*p));

	for (int64_t i = 0; i < jnode_rows(r->n) * c->a.H; i++)
		head_ref(r, i / c->a.H, i % c->a.H, p);
	jmem_free(p);
}

const struct jop jop_attention_cached = {
	.name = "attention_cached", .flags = JOP_NO_BACK | JOP_ONCE, .forward = forward,
	.work = work, .forward_ref = forward_ref
};

struct jnode *
jg_attention_cached(struct jgraph *g, struct jnode *q, struct jnode *k, struct jnode *v,
	struct jnode *slot, struct jnode *pos, const struct jattn *a, struct jkv_cache *cache)
{
	struct jnode *n = jnode_new(g, &jop_attention_cached, q);
	struct cached *own = jnode_attr(n, sizeof(*own));
	int64_t R = jnode_rows(q);

	own->a = *a;
	own->cache = cache;
	if (a->K < 1 || a->H % a->K || jnode_rows(k) != R || jnode_rows(v) != R
	    || jnode_cols(q) != (int64_t)a->H * a->d || jnode_cols(k) != (int64_t)a->K * a->d
	    || jnode_cols(v) != (int64_t)a->K * a->d || jnode_count(slot) != R
	    || jnode_count(pos) != R || slot->dtype != JDT_I32 || pos->dtype != JDT_I32)
		jbug("attention_cached: shapes do not fit H %d K %d d %d", a->H, a->K, a->d);
	jnode_input(n, q);
	jnode_input(n, k);
	jnode_input(n, v);
	jnode_input(n, slot);
	jnode_input(n, pos);
	return n;
}
