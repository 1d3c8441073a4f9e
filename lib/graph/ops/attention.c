/*
 * attention.c - causal grouped-query attention for training: forward by tiles with the logarithm of
 * each row's sum kept; backward recomputes the weights panel by panel (Dao et al. 2022).
 *
 * A task is one key-value head of one sequence with the query heads of its group, in forward also one
 * of those: no two tasks write the same memory and each sums in a fixed order.
 *
 * What a row may see is an interval of keys, and what sees a key an interval of rows, as long as a
 * segment is one piece; where one is not, the kernels compare segments as well.
 */
#include <math.h>
#include <string.h>

#include "graph/attn.h"
#include "graph/ops.h"
#include "graph/ref.h"

static bool
sees(const struct jattn *a, const int32_t *seg, int64_t i, int64_t j)
{
	return (j <= i || a->both_ways) && (a->window == 0 || i - j < a->window) && (!seg || seg[i] == seg[j]);
}

/* Whether the segments of T rows are one piece each, as far as a look along them tells. */
static bool
in_pieces(const int32_t *seg, int64_t T)
{
	int64_t i = 1, rest;

	while (i < T && seg[i] >= seg[i - 1])
		i++;
	for (rest = i; i < T && seg[i] == seg[rest]; i++)
		;
	return i == T && (rest == T || seg[rest] < seg[0]);
}

static int64_t
round_up(int64_t x, int64_t to)
{
	return (x + to - 1) / to * to;
}

/* What all heads of a sequence share: four arrays of a value a row, padded to panels with 0. */
struct sights {
	const struct jattn *a;
	int64_t vw, padded;
	float *row_from, *row_to, *key_from, *key_to;
	const int32_t *seg;		/* NULL where the intervals say it all */
};

static void
fill_sights(const struct sights *s, const int32_t *seg)
{
	const struct jattn *a = s->a;
	int64_t T = a->T, run = 0, end = 0;

	memset(s->row_from, 0, (size_t)(4 * s->padded) * sizeof(float));
	for (int64_t i = 0; i < T; i++) {
		if (i == end) {
			run = i;
			for (end = i + 1; end < T && (!seg || s->seg || seg[end] == seg[run]); end++)
				;
		}
		s->row_from[i] = (float)(a->window > 0 && i - a->window + 1 > run ? i - a->window + 1 : run);
		s->row_to[i] = (float)(a->both_ways ? end : i + 1);
		s->key_from[i] = (float)(a->both_ways ? run : i);
		s->key_to[i] = (float)(a->window > 0 && i + a->window < end ? i + a->window : end);
	}
}

/* Lays the arrays of sequence b out at its place of the scratch. */
static struct sights
sights_of(const struct jrun *x, const struct jnode *n, int64_t b)
{
	const struct jattn *a = n->attr;
	const int32_t *seg = n->n_in > 3 ? (const int32_t *)n->in[3]->data + b * a->T : NULL;
	struct sights s = { .a = a, .vw = x->k->vw, .padded = round_up(a->T, x->k->vw) };

	s.row_from = x->work + b * round_up(4 * s.padded, 16);
	s.row_to = s.row_from + s.padded;
	s.key_from = s.row_to + s.padded;
	s.key_to = s.key_from + s.padded;
	s.seg = seg && !in_pieces(seg, a->T) ? seg : NULL;
	return s;
}

static struct jattn_sight
sight_of(const struct sights *s, int64_t at, const float *from, const float *to)
{
	struct jattn_sight x = { .at = at, .from = from + at, .to = to + at };
	float first = from[at], end = to[at];

	x.lanes = s->a->T - at < s->vw ? s->a->T - at : s->vw;
	x.last_from = first;
	x.first_to = end;
	for (int64_t i = 1; i < s->vw; i++) {
		if (i < x.lanes) {
			first = x.from[i] < first ? x.from[i] : first;
			end = x.to[i] > end ? x.to[i] : end;
		}
		x.last_from = x.from[i] > x.last_from ? x.from[i] : x.last_from;
		x.first_to = x.to[i] < x.first_to ? x.to[i] : x.first_to;
	}
	x.first = (int64_t)first;
	x.end = (int64_t)end;
	return x;
}

struct task {
	const struct jrun *x;
	const struct jnode *n;
	size_t shared, stride;		/* floats of scratch of all, and of each worker */
};

/* One query head of one sequence. */
struct head {
	const struct jkern *k;
	const struct jnode *n;
	const struct jattn *a;
	struct jattn_head h;
	struct sights sights;
	int64_t q, kv;			/* offsets of its first value in queries, in keys and values */
	int64_t ldq, ldk;
	int64_t size;			/* floats of the panels of T rows */
	float *work;			/* of this worker */
};

static struct head
head_of(const struct task *t, int64_t b, int64_t qh, int worker)
{
	const struct jattn *a = t->n->attr;
	struct head h = {
		.k = t->x->k, .n = t->n, .a = a, .sights = sights_of(t->x, t->n, b),
		.ldq = (int64_t)a->H * a->d, .ldk = (int64_t)a->K * a->d,
		.work = t->x->work + t->shared + (size_t)worker * t->stride
	};

	h.h = (struct jattn_head){ .d = a->d, .wide = round_up(a->d, JATTN_WIDE),
		.block = jgemm_block(a->d), .scale = a->scale, .cap = a->softcap, .seg = h.sights.seg };
	h.q = b * a->T * h.ldq + qh * a->d;
	h.kv = b * a->T * h.ldk + qh / (a->H / a->K) * a->d;
	h.size = h.sights.padded * h.h.wide;
	return h;
}

static int64_t
heads_together(const struct jrun *x, const struct jattn *a)
{
	return (int64_t)a->B * a->K >= 2 * x->workers ? a->H / a->K : 1;
}

static const float *
value_of(const struct jnode *n, int in)
{
	return n->in[in]->data;
}

/* Head i of all sequences; its keys and values lie in the scratch. */
static void
forward_head(const struct task *t, int64_t i, int worker)
{
	const struct jattn *a = t->n->attr;
	struct head h = head_of(t, i / a->H, i % a->H, worker);
	float *k = h.work, *v = k + h.size, *q = v + h.size, *o = q + h.h.wide * h.sights.vw;

	for (int64_t r = 0; r < a->T; r += h.sights.vw) {
		struct jattn_queries x = {
			.h = &h.h, .sight = sight_of(&h.sights, r, h.sights.row_from, h.sights.row_to),
			.q = q, .k = k, .v = v, .o = o, .lse = t->n->saved ? t->n->saved + i * a->T + r : NULL
		};

		h.k->panels(q, value_of(t->n, 0) + h.q + r * h.ldq, h.ldq, x.sight.lanes, &h.h);
		h.k->attend(&x);
		h.k->unpanels((float *)t->n->data + h.q + r * h.ldq, o, h.ldq, x.sight.lanes, &h.h,
			false);
	}
}

/* The heads that share keys and values, or one of them where threads are many. */
static void
forward_heads(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jattn *a = t->n->attr;
	int64_t n = heads_together(t->x, a), first = i * n;
	struct head h = head_of(t, first / a->H, first % a->H, worker);

	h.k->panels(h.work, value_of(t->n, 1) + h.kv, h.ldk, a->T, &h.h);
	h.k->panels(h.work + h.size, value_of(t->n, 2) + h.kv, h.ldk, a->T, &h.h);
	for (int64_t head = first; head < first + n; head++)
		forward_head(t, head, worker);
}

/* Floats of scratch for one worker: panels of a head, what a task has of each, and a few rows. */
static size_t
stride_of(const struct jrun *x, const struct jattn *a)
{
	int64_t wide = round_up(a->d, JATTN_WIDE), padded = round_up(a->T, x->k->vw);
	int64_t all = x->training ? 7 : 2, some = x->training ? 2 * padded : 2 * wide * x->k->vw;

	/* Forward needs two panels beside those of keys and values. */
	return (size_t)round_up(all * padded * wide + some, 16);
}

static struct task
task_of(const struct jrun *x, const struct jnode *n)
{
	const struct jattn *a = n->attr;
	int64_t each = round_up(4 * round_up(a->T, x->k->vw), 16);

	return (struct task){ x, n, (size_t)(a->B * each), stride_of(x, a) };
}

static void
run_tasks(const struct jrun *x, struct jnode *n, int64_t heads,
	void (*fn)(void *arg, int64_t i, int worker))
{
	const struct jattn *a = n->attr;
	struct task t = task_of(x, n);

	for (int64_t b = 0; b < a->B; b++) {
		struct sights s = sights_of(x, n, b);

		fill_sights(&s, n->n_in > 3 ? (const int32_t *)n->in[3]->data + b * a->T : NULL);
	}
	jpar_for(x->pool, a->B * heads, fn, &t);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	const struct jattn *a = n->attr;

	run_tasks(x, n, a->H / heads_together(x, a), forward_heads);
}

/* --- backward --- */
struct head_back {
	struct head h;
	float *q, *dout, *dq;		/* panels of all rows of a query head */
	float *k, *v, *dk, *dv;		/* of all keys */
	float *lse, *delta;		/* [padded] */
};

/* Where a gradient of an input goes that this task owns, NULL if not wanted. */
static float *
grad_of(const struct jnode *n, int in, int64_t at)
{
	return n->in[in]->grad ? n->in[in]->grad + at : NULL;
}

static void
give_back(const struct head_back *b, int in, int64_t at, const float *from)
{
	const struct head *h = &b->h;
	float *to = grad_of(h->n, in, at);

	if (to)
		h->k->unpanels(to, from, in == 0 ? h->ldq : h->ldk, h->a->T, &h->h, h->n->add[in]);
}

/* Keys of the panel from j on against rows from..end of the query head in b. */
static void
backward_panel(const struct head_back *b, int64_t j, const int64_t rows[2])
{
	const struct head *h = &b->h;
	int64_t at = j * h->h.wide;
	struct jattn_keys x = {
		.h = &h->h, .sight = sight_of(&h->sights, j, h->sights.key_from, h->sights.key_to),
		.q = b->q, .dout = b->dout, .lse = b->lse, .delta = b->delta,
		.k = b->k + at, .v = b->v + at, .dq = h->n->in[0]->grad ? b->dq : NULL,
		.dk = h->n->in[1]->grad ? b->dk + at : NULL,
		.dv = h->n->in[2]->grad ? b->dv + at : NULL
	};

	x.sight.first = x.sight.first > rows[0] ? x.sight.first : rows[0];
	x.sight.end = x.sight.end < rows[1] ? x.sight.end : rows[1];
	h->k->attend_back(&x);
}

enum { NEAR_VALUES = 16384 };	/* of each of q, dout and dq: they stay in the second-level cache */

static void
backward_query_head(const struct head_back *b, int64_t i)
{
	const struct head *h = &b->h;
	const struct jnode *n = h->n;
	int64_t T = h->a->T, vw = h->sights.vw, step = round_up(NEAR_VALUES / h->h.wide + 1, vw);

	h->k->panels(b->q, value_of(n, 0) + h->q, h->ldq, T, &h->h);
	h->k->panels(b->dout, n->grad + h->q, h->ldq, T, &h->h);
	h->k->panels(b->dq, (const float *)n->data + h->q, h->ldq, T, &h->h);
	h->k->panel_dots(b->delta, b->dout, b->dq, T, &h->h);
	memset(b->dq, 0, (size_t)h->size * sizeof(*b->dq));
	memset(b->lse + T, 0, (size_t)(h->sights.padded - T) * sizeof(*b->lse));
	memcpy(b->lse, n->saved + i * T, (size_t)T * sizeof(*b->lse));
	for (int64_t r = 0; r < T; r += step) {
		const int64_t rows[2] = { r, r + step };

		for (int64_t j = 0; j < T; j += vw)
			backward_panel(b, j, rows);
	}
	give_back(b, 0, h->q, b->dq);
}

static void
backward_group(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jattn *a = t->n->attr;
	int64_t seq = i / a->K, kh = i % a->K, group = a->H / a->K;
	struct head_back b = { .h = head_of(t, seq, kh * group, worker) };
	int64_t size = b.h.size;

	b.k = b.h.work;
	b.v = b.k + size;
	b.dk = b.v + size;
	b.dv = b.dk + size;
	b.q = b.dv + size;
	b.dout = b.q + size;
	b.dq = b.dout + size;
	b.lse = b.dq + size;
	b.delta = b.lse + b.h.sights.padded;
	b.h.k->panels(b.k, value_of(t->n, 1) + b.h.kv, b.h.ldk, a->T, &b.h.h);
	b.h.k->panels(b.v, value_of(t->n, 2) + b.h.kv, b.h.ldk, a->T, &b.h.h);
	memset(b.dk, 0, (size_t)(2 * size) * sizeof(*b.dk));
	for (int64_t qh = kh * group; qh < (kh + 1) * group; qh++) {
		b.h = head_of(t, seq, qh, worker);
		backward_query_head(&b, seq * a->H + qh);
	}
	give_back(&b, 1, b.h.kv, b.dk);
	give_back(&b, 2, b.h.kv, b.dv);
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	run_tasks(x, n, ((const struct jattn *)n->attr)->K, backward_group);
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
	struct task t = task_of(x, n);

	return t.shared + t.stride * (size_t)x->workers;
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
	.name = "attention", .flags = JOP_STORED, .forward = forward, .backward = backward, .keeps = keeps,
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
