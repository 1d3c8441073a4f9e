/*
 * attention.c - causal grouped-query attention for training: forward by tiles with the logarithm of
 * each row's sum kept; backward recomputes the weights tile by tile (Dao et al. 2022).
 *
 * One task is one key-value head of one sequence, with the query heads of its group: no two tasks
 * write the same memory and each sums in a fixed order.
 */
#include <math.h>
#include <string.h>

#include "graph/attn.h"
#include "graph/ops.h"
#include "graph/ref.h"

/* Pointers of one head of one sequence. */
struct head {
	const struct jrun *x;
	const struct jnode *n;
	const struct jattn *a;
	const float *q, *k, *v;
	const int32_t *seg;		/* [T] or NULL */
	float *o, *lse;
	int64_t ldq, ldk;
	float *kt, *vt;			/* of this worker: keys and values turned, [d, turned_ld()] */
	float *work;			/* what follows them */
};

/* Row distance of turned keys: no power of two, so that columns meet different cache lines. */
static int64_t
turned_ld(const struct jattn *a)
{
	return (a->T + 15) / 16 * 16 + 16;
}

/* to [d, T] = from [T, d]: tiles of scores are then products of rows as they lie. */
static void
turn(const struct head *h, float *to, const float *from)
{
	h->x->k->transpose(to, from, h->a->T, h->a->d, turned_ld(h->a), h->ldk);
}

static bool
sees(const struct jattn *a, const int32_t *seg, int64_t i, int64_t j)
{
	return (j <= i || a->both_ways) && (a->window == 0 || i - j < a->window) && (!seg || seg[i] == seg[j]);
}

static void
seg_range(const int32_t *seg, int64_t first, int64_t n, int32_t range[2])
{
	range[0] = range[1] = seg[first];
	for (int64_t i = first + 1; i < first + n; i++) {
		range[0] = seg[i] < range[0] ? seg[i] : range[0];
		range[1] = seg[i] > range[1] ? seg[i] : range[1];
	}
}

/* Whether rows i..i+ni see any of keys j..j+nj; *all: each sees each. */
static bool
tile_seen(const struct head *h, const int64_t i[2], const int64_t j[2], bool *all)
{
	int64_t last = i[0] + i[1] - 1, w = h->a->window;
	int32_t si[2], sj[2];

	*all = h->a->both_ways || (j[0] + j[1] - 1 <= i[0] && (w == 0 || last - j[0] < w));
	if ((j[0] > last && !h->a->both_ways) || (w > 0 && i[0] - (j[0] + j[1] - 1) >= w))
		return false;
	if (!h->seg)
		return true;
	seg_range(h->seg, i[0], i[1], si);
	seg_range(h->seg, j[0], j[1], sj);
	*all = *all && si[0] == si[1] && sj[0] == sj[1] && si[0] == sj[0];
	return si[0] <= sj[1] && sj[0] <= si[1];
}

static void
scores(const struct head *h, const int64_t i[2], const int64_t j[2], float *s)
{
	struct jgemm g = {
		.form = JGEMM_NN, .M = i[1], .N = j[1], .K = h->a->d,
		.A = h->q + i[0] * h->ldq, .lda = h->ldq, .B = h->kt + j[0], .ldb = turned_ld(h->a),
		.C = s, .ldc = ATTN_TILE, .alpha = h->a->scale, .beta = 0
	};

	jkern_small(h->x->k, &g);
	attn_softcap(s, i[1], j[1], h->a->softcap);
}

static bool
same_segment(const struct head *h, const int64_t i[2], const int64_t j[2])
{
	int32_t si[2], sj[2];

	if (!h->seg)
		return true;
	seg_range(h->seg, i[0], i[1], si);
	seg_range(h->seg, j[0], j[1], sj);
	return si[0] == si[1] && sj[0] == sj[1] && si[0] == sj[0];
}

static void
mask(const struct head *h, const int64_t i[2], const int64_t j[2], float *s)
{
	bool same = same_segment(h, i, j);

	for (int64_t r = 0; r < i[1]; r++, s += ATTN_TILE) {
		int64_t row = i[0] + r, c = 0;
		int64_t from = h->a->window > 0 ? row - h->a->window + 1 - j[0] : 0;
		int64_t end = row + 1 - j[0] < j[1] && !h->a->both_ways ? row + 1 - j[0] : j[1];

		for (; c < from && c < j[1]; c++)
			s[c] = -INFINITY;
		for (; !same && c < end; c++)
			if (h->seg[j[0] + c] != h->seg[row])
				s[c] = -INFINITY;
		for (c = end > 0 ? end : 0; c < j[1]; c++)
			s[c] = -INFINITY;
	}
}

static int64_t
tile_len(const struct jattn *a, int64_t first)
{
	return a->T - first < ATTN_TILE ? a->T - first : ATTN_TILE;
}

/* Rows i of one head against all keys they see. */
static void
forward_tile(const struct head *h, const int64_t i[2])
{
	float *s = h->work, *m = s + ATTN_TILE * ATTN_TILE;
	struct attn_rows rows = {
		.k = h->x->k, .rows = i[1], .d = h->a->d, .ld = h->ldq, .m = m,
		.l = m + ATTN_TILE, .o = h->o + i[0] * h->ldq, .s = s
	};
	bool all;

	attn_begin(&rows);
	for (int64_t j = 0; j < (h->a->both_ways ? h->a->T : i[0] + i[1]); j += ATTN_TILE) {
		const int64_t span[2] = { j, tile_len(h->a, j) };

		if (!tile_seen(h, i, span, &all))
			continue;
		scores(h, i, span, s);
		if (!all)
			mask(h, i, span, s);
		attn_tile(&rows, h->v + j * h->ldk, h->ldk, span[1]);
	}
	attn_end(&rows);
	for (int64_t r = 0; h->lse && r < i[1]; r++)
		h->lse[i[0] + r] = rows.m[r] + logf(rows.l[r]);
}

struct task {
	const struct jrun *x;
	const struct jnode *n;
	size_t stride;
};

/* Query head qh of sequence b. */
static struct head
head_of(const struct task *t, int64_t b, int64_t qh, int worker)
{
	const struct jnode *n = t->n;
	const struct jattn *a = n->attr;
	int64_t row = b * a->T, kh = qh / (a->H / a->K);
	struct head h = {
		.x = t->x, .n = n, .a = a, .ldq = (int64_t)a->H * a->d, .ldk = (int64_t)a->K * a->d,
		.kt = t->x->work + (size_t)worker * t->stride
	};

	h.vt = h.kt + turned_ld(a) * a->d;
	h.work = t->x->training ? h.vt + turned_ld(a) * a->d : h.vt;
	h.q = (const float *)n->in[0]->data + row * h.ldq + qh * a->d;
	h.k = (const float *)n->in[1]->data + row * h.ldk + kh * a->d;
	h.v = (const float *)n->in[2]->data + row * h.ldk + kh * a->d;
	h.seg = n->n_in > 3 ? (const int32_t *)n->in[3]->data + row : NULL;
	h.o = (float *)n->data + row * h.ldq + qh * a->d;
	h.lse = n->saved ? n->saved + (b * a->H + qh) * a->T : NULL;
	return h;
}

static void
forward_head(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jattn *a = t->n->attr;
	struct head h = head_of(t, i / a->H, i % a->H, worker);

	turn(&h, h.kt, h.k);
	for (int64_t r = 0; r < a->T; r += ATTN_TILE) {
		const int64_t span[2] = { r, tile_len(a, r) };

		forward_tile(&h, span);
	}
}

/* Floats of scratch for one worker. */
static size_t
stride_of(const struct jrun *x, const struct jattn *a)
{
	size_t tiles = 2 * ATTN_TILE * ATTN_TILE + 2 * ATTN_TILE;
	size_t turned = (size_t)(turned_ld(a) * a->d) * (x->training ? 2 : 1);

	return turned + (tiles + (size_t)a->T + 15) / 16 * 16;
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	const struct jattn *a = n->attr;
	struct task t = { x, n, stride_of(x, a) };

	jpar_for(x->pool, (int64_t)a->B * a->H, forward_head, &t);
}

/* --- backward --- */
struct head_back {
	struct head h;
	const float *dout, *delta;	/* delta [T]: dot(dout, out) of each row */
	float *dq, *dk, *dv;
	float *p, *ds;			/* [ATTN_TILE, ATTN_TILE] each */
};

/* C (ATTN_TILE's rows or a head's) += alpha * op(A) B */
static void
accumulate(const struct head_back *b, struct jgemm g)
{
	g.beta = 1;
	g.N = b->h.a->d;
	jkern_small(b->h.x->k, &g);
}

static void
softmax_tile(const struct head_back *b, const int64_t i[2], const int64_t j[2])
{
	const struct head *h = &b->h;
	const struct jkern *k = h->x->k;
	struct jgemm g = {
		.form = JGEMM_NN, .M = i[1], .N = j[1], .K = h->a->d,
		.A = b->dout + i[0] * h->ldq, .lda = h->ldq, .B = h->vt + j[0],
		.ldb = turned_ld(h->a), .C = b->ds, .ldc = ATTN_TILE, .alpha = 1, .beta = 0
	};

	jkern_small(k, &g);
	for (int64_t r = 0; r < i[1]; r++) {
		float *p = b->p + r * ATTN_TILE, *ds = b->ds + r * ATTN_TILE, capped[ATTN_TILE];

		if (h->a->softcap > 0)
			memcpy(capped, p, (size_t)j[1] * sizeof(*p));
		k->exp_scale(p, p, h->lse[i[0] + r], 1, j[1]);
		k->softmax_back(ds, p, ds, b->delta[i[0] + r], h->a->scale, j[1]);
		for (int64_t c = 0; h->a->softcap > 0 && c < j[1]; c++)
			if (p[c] != 0)
				ds[c] *= 1 - capped[c] / h->a->softcap
					* (capped[c] / h->a->softcap);
	}
}

static void
backward_tile(const struct head_back *b, const int64_t i[2], const int64_t j[2])
{
	const struct head *h = &b->h;
	int64_t ldq = h->ldq, ldk = h->ldk, T = ATTN_TILE;
	bool all;

	if (!tile_seen(h, i, j, &all))
		return;
	scores(h, i, j, b->p);
	if (!all)
		mask(h, i, j, b->p);
	softmax_tile(b, i, j);
	if (b->dv)
		accumulate(b, (struct jgemm){ .form = JGEMM_TN, .M = j[1], .K = i[1], .A = b->p,
			.lda = T, .B = b->dout + i[0] * ldq, .ldb = ldq, .C = b->dv + j[0] * ldk,
			.ldc = ldk, .alpha = 1 });
	if (b->dk)
		accumulate(b, (struct jgemm){ .form = JGEMM_TN, .M = j[1], .K = i[1], .A = b->ds,
			.lda = T, .B = h->q + i[0] * ldq, .ldb = ldq, .C = b->dk + j[0] * ldk,
			.ldc = ldk, .alpha = 1 });
	if (b->dq)
		accumulate(b, (struct jgemm){ .form = JGEMM_NN, .M = i[1], .K = j[1], .A = b->ds,
			.lda = T, .B = h->k + j[0] * ldk, .ldb = ldk, .C = b->dq + i[0] * ldq,
			.ldc = ldq, .alpha = 1 });
}

/* The part of a gradient that this task owns, emptied unless it is added to. */
static float *
grad_part(const struct jnode *n, int k, int64_t row, int64_t col)
{
	const struct jattn *a = n->attr;
	int64_t ld = jnode_cols(n->in[k]);
	float *g = n->in[k]->grad;

	if (!g)
		return NULL;
	g += row * ld + col;
	for (int64_t r = 0; !n->add[k] && r < a->T; r++)
		memset(g + r * ld, 0, (size_t)a->d * sizeof(*g));
	return g;
}

static void
backward_query_head(struct head_back *b, int64_t seq, int64_t qh)
{
	const struct head *h = &b->h;
	int64_t T = h->a->T;
	float *delta = b->ds + ATTN_TILE * ATTN_TILE;

	b->dout = h->n->grad + seq * T * h->ldq + qh * h->a->d;
	b->dq = grad_part(h->n, 0, seq * T, qh * h->a->d);
	b->delta = delta;
	for (int64_t r = 0; r < T; r++)
		delta[r] = h->x->k->dot(b->dout + r * h->ldq, h->o + r * h->ldq, h->a->d);
	for (int64_t j = 0; j < T; j += ATTN_TILE) {
		const int64_t keys[2] = { j, tile_len(h->a, j) };

		for (int64_t i = h->a->both_ways ? 0 : j; i < T; i += ATTN_TILE) {
			const int64_t rows[2] = { i, tile_len(h->a, i) };

			backward_tile(b, rows, keys);
		}
	}
}

static void
backward_group(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jattn *a = t->n->attr;
	int64_t seq = i / a->K, kh = i % a->K, group = a->H / a->K;
	struct head_back b = {
		.dk = grad_part(t->n, 1, seq * a->T, kh * a->d),
		.dv = grad_part(t->n, 2, seq * a->T, kh * a->d)
	};

	for (int64_t qh = kh * group; qh < (kh + 1) * group; qh++) {
		b.h = head_of(t, seq, qh, worker);
		b.p = b.h.work;
		if (qh % group == 0) {	/* the same for all heads of the group */
			turn(&b.h, b.h.kt, b.h.k);
			turn(&b.h, b.h.vt, b.h.v);
		}
		b.ds = b.p + ATTN_TILE * ATTN_TILE;
		backward_query_head(&b, seq, qh);
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	const struct jattn *a = n->attr;
	struct task t = { x, n, stride_of(x, a) };

	jpar_for(x->pool, (int64_t)a->B * a->K, backward_group, &t);
}

static unsigned
keeps(const struct jnode *n)
{
	(void)n;
	return JOP_OUT | (n->n_in > 3 ? 15 : 7);
}

static uint64_t
saved(const struct jnode *n)
{
	const struct jattn *a = n->attr;

	return (uint64_t)a->B * (uint64_t)a->H * (uint64_t)a->T * sizeof(float);
}

static size_t
work(const struct jrun *x, const struct jnode *n)
{
	return stride_of(x, n->attr) * (size_t)x->workers;
}

/* Counted without segments and window: half of the T x T square, or all of it. */
static double
flops(const struct jnode *n, bool backward_pass)
{
	const struct jattn *a = n->attr;
	double pairs = (double)a->B * a->H * ((double)a->T * (a->both_ways ? a->T
		: (a->T + 1) / 2.0));

	return pairs * a->d * (backward_pass ? 10 : 4);
}

/* --- reference --- */
static double
score_ref(const struct jref *r, int64_t q, int64_t k)
{
	const struct jattn *a = r->n->attr;
	double s = 0;

	for (int64_t c = 0; c < a->d; c++)
		s += r->in[0][q + c] * r->in[1][k + c];
	s *= (double)a->scale;
	return a->softcap > 0 ? (double)a->softcap * tanh(s / (double)a->softcap) : s;
}

/* How many keys row i may meet. */
static int64_t
keys_ref(const struct jattn *a, int64_t i)
{
	return a->both_ways ? a->T : i + 1;
}

/* Weights of row i of a query head: p[j] for the keys it may meet. */
static void
weights_ref(const struct jref *r, int64_t b, int64_t qh, int64_t i, double *p)
{
	const struct jattn *a = r->n->attr;
	const int32_t *seg = r->n->n_in > 3 ? r->ids[3] + b * a->T : NULL;
	int64_t kh = qh / (a->H / a->K), q = ((b * a->T + i) * a->H + qh) * a->d;
	double top = -INFINITY, sum = 0;

	for (int64_t j = 0; j < keys_ref(a, i); j++) {
		p[j] = sees(a, seg, i, j) ? score_ref(r, q, ((b * a->T + j) * a->K + kh) * a->d)
			: -INFINITY;
		top = p[j] > top ? p[j] : top;
	}
	for (int64_t j = 0; j < keys_ref(a, i); j++)
		sum += p[j] = exp(p[j] - top);
	for (int64_t j = 0; j < keys_ref(a, i); j++)
		p[j] /= sum;
}

static void
forward_ref(const struct jref *r)
{
	const struct jattn *a = r->n->attr;
	double *p = jmem_alloc((size_t)a->T, sizeof(*p));

	for (int64_t row = 0; row < (int64_t)a->B * a->T * a->H; row++) {
		int64_t qh = row % a->H, i = row / a->H % a->T, b = row / a->H / a->T;
		int64_t kh = qh / (a->H / a->K);

		weights_ref(r, b, qh, i, p);
		for (int64_t c = 0; c < a->d; c++) {
			double s = 0;

			for (int64_t j = 0; j < keys_ref(a, i); j++)
				s += p[j] * r->in[2][((b * a->T + j) * a->K + kh) * a->d + c];
			r->out[row * a->d + c] = s;
		}
	}
	jmem_free(p);
}

static void
backward_row_ref(const struct jref *r, int64_t row, double *p)
{
	const struct jattn *a = r->n->attr;
	int64_t qh = row % a->H, i = row / a->H % a->T, b = row / a->H / a->T;
	int64_t kh = qh / (a->H / a->K), d = a->d;
	const double *dout = r->dout + row * d;
	double mean = 0;

	weights_ref(r, b, qh, i, p);
	for (int64_t c = 0; c < d; c++)
		mean += dout[c] * r->out[row * d + c];
	for (int64_t j = 0; j < keys_ref(a, i); j++) {
		int64_t at = ((b * a->T + j) * a->K + kh) * d;
		double dp = 0, ds;

		for (int64_t c = 0; c < d; c++) {
			dp += dout[c] * r->in[2][at + c];
			r->din[2][at + c] += p[j] * dout[c];
		}
		ds = p[j] * (dp - mean) * (double)a->scale;
		if (a->softcap > 0 && p[j] > 0) {
			double c = score_ref(r, row * d, at) / (double)a->softcap;

			ds *= 1 - c * c;
		}
		for (int64_t c = 0; c < d; c++) {
			r->din[0][row * d + c] += ds * r->in[1][at + c];
			r->din[1][at + c] += ds * r->in[0][row * d + c];
		}
	}
}

static void
backward_ref(const struct jref *r)
{
	const struct jattn *a = r->n->attr;
	double *p = jmem_alloc((size_t)a->T, sizeof(*p));

	for (int64_t row = 0; row < (int64_t)a->B * a->T * a->H; row++)
		backward_row_ref(r, row, p);
	jmem_free(p);
}

const struct jop jop_attention = {
	.name = "attention", .forward = forward, .backward = backward, .keeps = keeps,
	.saved = saved, .work = work, .flops = flops,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_attention(struct jgraph *g, struct jnode *q, struct jnode *k, struct jnode *v,
	struct jnode *seg, const struct jattn *a)
{
	struct jnode *n = jnode_new(g, &jop_attention, q);
	struct jattn *own = jnode_attr(n, sizeof(*own));
	int64_t R = (int64_t)a->B * a->T;

	*own = *a;
	if (a->K < 1 || (a->both_ways && a->window) || a->H % a->K || jnode_rows(q) != R || jnode_rows(k) != R
	    || jnode_rows(v) != R || jnode_cols(q) != (int64_t)a->H * a->d
	    || jnode_cols(k) != (int64_t)a->K * a->d || jnode_cols(v) != (int64_t)a->K * a->d
	    || (seg && (seg->dtype != JDT_I32 || jnode_count(seg) != R)))
		jbug("attention: shapes do not fit B %d T %d H %d K %d d %d", a->B, a->T, a->H,
			a->K, a->d);
	jnode_input(n, q);
	jnode_input(n, k);
	jnode_input(n, v);
	if (seg)
		jnode_input(n, seg);
	return n;
}
