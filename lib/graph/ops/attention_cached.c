/*
 * attention_cached.c - attention for generation: new rows of k and v go into the cache, then each
 * row meets the keys of its own sequence, in the tiles of attn.h as in training.
 *
 * A task is a block of rows and one key-value head.  Rows of a block that follow each other in one
 * sequence (a prompt) meet the keys together; a row by itself (a token) meets them with all query
 * heads of its group.  Neither changes a row's bits.
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

enum {
	BLOCK = 32,		/* rows of a block */
	FEW_ROWS = 64		/* up to here a block is one row, so that threads have work */
};

struct task {
	const struct jrun *x;
	const struct jnode *n;
	size_t stride;
	int64_t block;
};

static size_t
stride_of(const struct jrun *x, const struct jattn *a)
{
	size_t group = (size_t)(a->H / a->K), rows = group > BLOCK ? group : BLOCK;

	return (attn_gemm_work(x->k, a->d) + rows * (ATTN_TILE + 2) + 15) / 16 * 16;
}

/* Rows that meet keys together: q rows ldq apart, at positions pos, pos + step, ... */
struct run {
	const struct task *t;
	const float *q;
	float *o;
	int64_t rows, ldq, pos, step;
	int64_t kv;		/* offset of the sequence's first key in the cache */
	float *work;
};

static int64_t
first_key(const struct jattn *a, int64_t pos)
{
	return a->window > 0 && pos >= a->window ? pos - a->window + 1 : 0;
}

/* Keys j..j+n that a row may not see. */
static void
mask(const struct run *u, int64_t j, int64_t n, float *s)
{
	const struct cached *c = u->t->n->attr;

	for (int64_t r = 0; r < u->rows; r++) {
		int64_t pos = u->pos + r * u->step, first = first_key(&c->a, pos);

		for (int64_t i = 0; i < n; i++)
			if (j + i < first || j + i > pos)
				s[r * ATTN_TILE + i] = -INFINITY;
	}
}

static void
attend(const struct run *u)
{
	const struct cached *c = u->t->n->attr;
	const struct jkern *k = u->t->x->k;
	int64_t ld = (int64_t)c->a.K * c->a.d, last = u->pos + (u->rows - 1) * u->step;
	float *s = u->work + attn_gemm_work(k, c->a.d), *m = s + u->rows * ATTN_TILE;
	struct attn_rows rows = {
		.k = k, .rows = u->rows, .d = c->a.d, .ld = u->ldq, .s = s, .m = m,
		.l = m + u->rows, .o = u->o
	};
	struct jgemm g = {
		.form = JGEMM_NT, .M = u->rows, .K = c->a.d, .A = u->q, .lda = u->ldq, .ldb = ld,
		.C = s, .ldc = ATTN_TILE, .alpha = c->a.scale
	};

	attn_begin(&rows);
	for (int64_t j = first_key(&c->a, u->pos) / ATTN_TILE * ATTN_TILE; j <= last;
			j += ATTN_TILE) {
		g.N = last + 1 - j < ATTN_TILE ? last + 1 - j : ATTN_TILE;
		g.B = c->cache->k + u->kv + j * ld;
		jkern_gemm(k, &g, u->work);
		attn_softcap(s, u->rows, g.N, c->a.softcap);
		if (j + g.N - 1 > u->pos || j < first_key(&c->a, last))
			mask(u, j, g.N, s);
		attn_tile(&rows, c->cache->v + u->kv + j * ld, ld, g.N);
	}
	attn_end(&rows);
}

/* How many rows from r on, up to end, follow each other in one sequence. */
static int64_t
run_length(const struct jnode *n, int64_t r, int64_t end)
{
	const int32_t *slot = n->in[3]->data, *pos = n->in[4]->data;
	int64_t i = r + 1;

	while (i < end && slot[i] == slot[r] && pos[i] == pos[i - 1] + 1)
		i++;
	return i - r;
}

static void
block_head(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jnode *n = t->n;
	const struct cached *c = n->attr;
	int64_t kh = i % c->a.K, r = i / c->a.K * t->block, group = c->a.H / c->a.K, count;
	int64_t end = r + t->block < jnode_rows(n) ? r + t->block : jnode_rows(n);

	for (; r < end; r += count) {
		int64_t q = (r * c->a.H + kh * group) * c->a.d, heads;
		struct run u = {
			.t = t, .pos = ((const int32_t *)n->in[4]->data)[r],
			.kv = cache_at(c, ((const int32_t *)n->in[3]->data)[r], 0) + kh * c->a.d,
			.work = t->x->work + (size_t)worker * t->stride
		};

		count = run_length(n, r, end);
		heads = count > 1 ? group : 1;
		u.rows = count > 1 ? count : group;
		u.step = count > 1;
		u.ldq = count > 1 ? (int64_t)c->a.H * c->a.d : c->a.d;
		for (int64_t h = 0; h < heads; h++, q += c->a.d) {
			u.q = (const float *)n->in[0]->data + q;
			u.o = (float *)n->data + q;
			attend(&u);
		}
	}
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	const struct cached *c = n->attr;
	int64_t R = jnode_rows(n), block = R <= FEW_ROWS ? 1 : BLOCK;
	struct task t = { x, n, stride_of(x, &c->a), block };

	append(n);
	jpar_for(x->pool, (R + block - 1) / block * c->a.K, block_head, &t);
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
	int64_t first = first_key(a, pos);
	double top = -INFINITY, sum = 0;

	for (int64_t j = first; j <= pos; j++) {
		p[j] = 0;
		for (int64_t e = 0; e < a->d; e++)
			p[j] += r->in[0][q + e] * past_ref(r, 1, row, j, col + e);
		p[j] *= (double)a->scale;
		if (a->softcap > 0)
			p[j] = (double)a->softcap * tanh(p[j] / (double)a->softcap);
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
	if (a->both_ways || a->K < 1 || a->H % a->K || jnode_rows(k) != R || jnode_rows(v) != R
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
