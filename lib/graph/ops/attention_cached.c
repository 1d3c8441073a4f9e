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
#include "graph/kv.h"
#include "graph/ops.h"
#include "graph/ref.h"

_Static_assert((int)ATTN_TILE == (int)JKV_PAGE, "a tile of attention is a page");

struct cached {
	struct jattn a;
	struct jkv_cache *cache;
};

/* Rows first..first + n of a sequence, which are of one page, in the page of keys or of values. */
static struct jkv_rows
rows_at(const struct cached *c, bool values, int64_t slot, int64_t first, int64_t n)
{
	const struct jkv_cache *kv = c->cache;
	enum jdtype type = values ? kv->v_type : kv->k_type;
	int64_t page = slot * jkv_pages(kv->capacity) + first / JKV_PAGE;

	if (kv->table)
		page = kv->table[page];
	return (struct jkv_rows){ .type = type, .values = values, .heads = c->a.K, .d = c->a.d,
		.page = (char *)(values ? kv->v : kv->k) + (uint64_t)page
			* jkv_page_bytes(type, c->a.K, c->a.d), .first = first % JKV_PAGE, .n = n };
}

static void
append(const struct jnode *n)
{
	const struct cached *c = n->attr;
	const int32_t *slot = n->in[3]->data, *pos = n->in[4]->data;
	int64_t width = (int64_t)c->a.K * c->a.d;

	for (int64_t r = 0; r < jnode_rows(n); r++) {
		struct jkv_rows k, v;

		if (slot[r] < 0 || slot[r] >= c->cache->slots || pos[r] < 0
		    || pos[r] >= c->cache->capacity)
			jbug("attention_cached: slot %d of %lld, position %d of %lld", slot[r],
				(long long)c->cache->slots, pos[r], (long long)c->cache->capacity);
		k = rows_at(c, false, slot[r], pos[r], 1);
		v = rows_at(c, true, slot[r], pos[r], 1);
		jkv_put_f32(&k, (const float *)n->in[1]->data + r * width);
		jkv_put_f32(&v, (const float *)n->in[2]->data + r * width);
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

	return ((size_t)KV_TILE_FLOATS(a->d) + rows * (ATTN_TILE + 2) + 15) / 16 * 16;
}

/* Rows that meet keys together: q rows ldq apart, at positions pos, pos + step, ... */
struct run {
	const struct task *t;
	const float *q;
	float *o;
	int64_t rows, ldq, pos, step;
	int64_t slot, head;	/* whose keys: sequence, head of the cache */
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
	int64_t last = u->pos + (u->rows - 1) * u->step;
	float *s = u->work + KV_TILE_FLOATS(c->a.d), *m = s + u->rows * ATTN_TILE;
	struct attn_rows rows = {
		.k = k, .rows = u->rows, .d = c->a.d, .ld = u->ldq, .s = s, .m = m,
		.l = m + u->rows, .o = u->o
	};
	struct jgemm g = {
		.form = JGEMM_NN, .M = u->rows, .K = c->a.d, .A = u->q, .lda = u->ldq,
		.ldb = JKV_PAGE, .C = s, .ldc = ATTN_TILE, .alpha = c->a.scale
	};

	attn_begin(&rows);
	for (int64_t j = first_key(&c->a, u->pos) / ATTN_TILE * ATTN_TILE; j <= last;
			j += ATTN_TILE) {
		struct jkv_rows keys, values;

		g.N = last + 1 - j < ATTN_TILE ? last + 1 - j : ATTN_TILE;
		keys = rows_at(c, false, u->slot, j, g.N);
		values = rows_at(c, true, u->slot, j, g.N);
		g.B = kv_tile(k, &keys, u->head, u->work);
		jkern_small(k, &g);
		attn_softcap(s, u->rows, g.N, c->a.softcap);
		if (j + g.N - 1 > u->pos || j < first_key(&c->a, last))
			mask(u, j, g.N, s);
		attn_tile(&rows, kv_tile(k, &values, u->head, u->work), c->a.d, g.N);
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
			.slot = ((const int32_t *)n->in[3]->data)[r], .head = kh,
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

/* A sequence as the reference sees it: what the cache holds, decoded, and the rows of this run. */
static float *
past_ref(const struct jref *r, bool values, int64_t row)
{
	const struct cached *c = r->n->attr;
	int64_t ld = (int64_t)c->a.K * c->a.d, pages = r->ids[4][row] / JKV_PAGE + 1;
	float *past = jmem_zalloc((size_t)(pages * JKV_PAGE * ld), sizeof(*past));
	float *work = jmem_alloc((size_t)KV_TILE_FLOATS(c->a.d), sizeof(*work));
	int32_t slot = r->ids[3][row];

	for (int64_t i = 0; i < pages * c->a.K; i++) {
		int64_t h = i % c->a.K, first = i / c->a.K * JKV_PAGE;
		struct jkv_rows page = rows_at(c, values, slot, first, JKV_PAGE);
		const float *tile = kv_tile(jkern_get(), &page, h, work);

		for (int64_t t = 0; t < JKV_PAGE; t++)
			for (int64_t e = 0; e < c->a.d; e++)
				past[(first + t) * ld + h * c->a.d + e] =
					tile[values ? t * c->a.d + e : e * JKV_PAGE + t];
	}
	for (int64_t i = 0; i < jnode_rows(r->n); i++)
		for (int64_t e = 0; r->ids[3][i] == slot && r->ids[4][i] < pages * JKV_PAGE && e < ld; e++)
			past[r->ids[4][i] * ld + e] = (float)r->in[values ? 2 : 1][i * ld + e];
	jmem_free(work);
	return past;
}

static void
head_ref(const struct jref *r, int64_t row, int64_t qh, double *p)
{
	const struct cached *c = r->n->attr;
	const struct jattn *a = &c->a;
	int64_t pos = r->ids[4][row], col = qh / (a->H / a->K) * a->d, q = (row * a->H + qh) * a->d;
	int64_t first = first_key(a, pos), ld = (int64_t)a->K * a->d;
	float *keys = past_ref(r, false, row), *values = past_ref(r, true, row);
	double top = -INFINITY, sum = 0;

	for (int64_t j = first; j <= pos; j++) {
		p[j] = 0;
		for (int64_t e = 0; e < a->d; e++)
			p[j] += r->in[0][q + e] * (double)keys[j * ld + col + e];
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
			r->out[q + e] += p[j] / sum * (double)values[j * ld + col + e];
	}
	jmem_free(keys);
	jmem_free(values);
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
