/*
 * linear_ce.c - output head and cross-entropy, some rows of logits at a time.
 *
 * For each chunk of rows, over tiles of TILE words of the vocabulary:
 *
 *	1. per tile: logits, their maximum m and e = exp(logit - m), sum of e;
 *	2. per row: log Z, the loss, and for each tile the factor that turns e into the gradient;
 *	3. per group of tiles: e becomes the gradient p, dW += p^T x, part of dx = p W;
 *	4. dx = the parts of all groups, added in order, kept for backward().
 *
 * With an adapter on the head the logits are x W^T + scale * h B^T; h = x A^T is an input of its own,
 * whose gradient goes the way of dx.  With DoRA they are then multiplied word by word with factors g;
 * the gradient of a magnitude wants them again, and makes them of p^T x and p^T h.
 *
 * Steps 3 and 4 need the loss scale before forward(); they are left out when no gradient is wanted.
 * Chunks, tiles and groups depend on the shape alone, so the bits do not depend on the number of
 * threads.  A tile of logits is stored by itself: it fits the second-level cache in step 3.
 */
#include <math.h>
#include <string.h>

#include "graph/dora.h"
#include "graph/jlayers.h"
#include "graph/jlora.h"
#include "graph/ops.h"
#include "graph/ref.h"

enum {
	TILE = 512,			/* words per task */
	TILE_LD = TILE + 16,		/* row distance in a tile; not a power of two */
	GROUPS = 16,			/* parts of dx, at most */
	CHUNK_VALUES = 8 << 20,		/* logits in memory at once */
	CHUNK_MIN = 64, CHUNK_MAX = 1024
};

struct ce {
	float z_loss;
	float smooth;			/* share of the target that all words divide */
	float scale;			/* of the adapter */
	float cap;			/* of the logits; 0 = none */
	struct dora dora;		/* l NULL = none */
};

struct chunk {
	const struct jrun *x;
	const struct jnode *n;
	int64_t first, rows;		/* rows of x in this chunk */
	int64_t most;			/* rows of a full chunk */
	int64_t C, V, tiles, groups;
	const float *in;		/* [rows, C] */
	const float *h;			/* [rows, r] of the adapter, or NULL */
	int64_t r;
	const int32_t *targets;		/* [rows] */
	float *e;			/* [tiles][most, TILE_LD]: logits, then e, then p */
	float *part;			/* [groups][most, C] of dx */
	float *hpart;			/* [groups][most, r] of dh */
	float *factor, *dora;		/* [V] of DoRA, or NULL; scratch for them */
	float *top, *sum;		/* [rows, tiles]; top becomes the factor */
	float *hit, *lse, *seed;	/* [rows]: target's logit, log Z, gradient of the loss */
	float *base, *work;		/* all scratch; that of the products */
	size_t stride;			/* per worker */
};

static int64_t
tile_count(const struct jnode *n)
{
	return (n->param[0]->shape[0] + TILE - 1) / TILE;
}

/* Tiles of one group of step 3. */
static int64_t
group_tiles(int64_t tiles)
{
	return (tiles + GROUPS - 1) / GROUPS;
}

/* All chunks but the last have this many rows. */
static int64_t
chunk_rows(const struct jnode *n)
{
	int64_t R = jnode_rows(n->in[0]), most = CHUNK_VALUES / n->param[0]->shape[0], chunks;

	most = most < CHUNK_MIN ? CHUNK_MIN : most > CHUNK_MAX ? CHUNK_MAX : most;
	chunks = (R + most - 1) / most;
	return chunks > 0 ? (R + chunks - 1) / chunks : 1;
}

static bool
has_target(const struct chunk *c, int64_t r)
{
	return c->targets[r] >= 0;
}

static int64_t
tile_words(const struct chunk *c, int64_t t)
{
	return c->V - t * TILE < TILE ? c->V - t * TILE : TILE;
}

/* Adds the adapter's share to the logits of words [v, v + w). */
static void
add_adapter(const struct chunk *c, int64_t v, int64_t w, float *tile, float *work)
{
	if (c->h)
		jkern_gemm(c->x->k, &(struct jgemm){ .form = JGEMM_NT, .M = c->rows, .N = w,
			.K = c->r, .A = c->h, .lda = c->r, .B = c->n->param[1]->value + v * c->r,
			.ldb = c->r, .C = tile, .ldc = TILE_LD, .beta = 1,
			.alpha = ((const struct ce *)c->n->attr)->scale }, work);
}

static void
apply_factors(const struct chunk *c, int64_t v, int64_t w, float *tile)
{
	for (int64_t i = 0; c->factor && i < c->rows * w; i++)
		tile[i / w * TILE_LD + i % w] *= c->factor[v + i % w];
}

static void
cap_logits(const struct chunk *c, float *tile, int64_t w)
{
	float cap = ((const struct ce *)c->n->attr)->cap;

	for (int64_t i = 0; cap > 0 && i < c->rows * w; i++) {
		float *l = tile + i / w * TILE_LD + i % w;

		*l = cap * tanhf(*l / cap);
	}
}

static void
logits_tile(void *arg, int64_t t, int worker)
{
	const struct chunk *c = arg;
	int64_t v = t * TILE, w = tile_words(c, t);
	float *tile = c->e + t * c->most * TILE_LD;
	struct jgemm g = {
		.form = JGEMM_NT, .M = c->rows, .N = w, .K = c->C, .A = c->in, .lda = c->C,
		.C = tile, .ldc = TILE_LD, .alpha = 1, .beta = 0
	};

	jparam_operand(c->n->param[0], v, &g);
	jkern_gemm(c->x->mm, &g, c->work + (size_t)worker * c->stride);
	add_adapter(c, v, w, tile, c->work + (size_t)worker * c->stride);
	apply_factors(c, v, w, tile);
	cap_logits(c, tile, w);
	for (int64_t r = 0; r < c->rows; r++) {
		float *e = tile + r * TILE_LD, m = c->x->k->max(e, w);

		if (c->targets[r] >= v && c->targets[r] < v + w)
			c->hit[r] = e[c->targets[r] - v];
		c->top[r * c->tiles + t] = m;
		c->sum[r * c->tiles + t] = c->x->k->exp_sum(e, e, m, w);
	}
}

static void
finish_row(const struct chunk *c, int64_t r)
{
	const struct ce *a = c->n->attr;
	float *top = c->top + r * c->tiles, *sum = c->sum + r * c->tiles, *out = c->n->data;
	float m = c->x->k->max(top, c->tiles), z = 0, weight;

	for (int64_t t = 0; t < c->tiles; t++)
		z += sum[t] * expf(top[t] - m);
	c->lse[r] = m + logf(z);
	out[c->first + r] = has_target(c, r) ? c->lse[r] - c->hit[r] : 0;
	if (!c->x->grads)
		return;
	weight = c->x->loss_weights ? c->x->loss_weights[c->first + r] : 1;
	c->seed[r] = has_target(c, r) ? c->x->loss_scale * weight : 0;
	for (int64_t t = 0; t < c->tiles; t++)
		top[t] = expf(top[t] - c->lse[r]) * c->seed[r]
			* (1 + 2 * a->z_loss * c->lse[r]);
}

enum { ROWS_PER_TASK = 16 };

static void
finish_rows(void *arg, int64_t i, int worker)
{
	const struct chunk *c = arg;

	(void)worker;
	for (int64_t r = i * ROWS_PER_TASK; r < (i + 1) * ROWS_PER_TASK && r < c->rows; r++)
		finish_row(c, r);
}

/*
 * Derivatives of the cap for w words of a row, from their probabilities times `by`.  A word whose
 * probability has vanished has the logit -cap, where the derivative has vanished too.
 */
static void
cap_slopes(const struct chunk *c, int64_t r, const float *p, int64_t w, float *slope)
{
	const struct ce *a = c->n->attr;
	float by = c->seed[r] * (1 + 2 * a->z_loss * c->lse[r]);

	for (int64_t i = 0; i < w; i++) {
		float u = p[i] / by > 0 ? (c->lse[r] + logf(p[i] / by)) / a->cap : -1;

		slope[i] = u * u < 1 ? 1 - u * u : 0;
	}
}

/* e of one tile becomes the gradient of its logits. */
static void
to_gradient(const struct chunk *c, int64_t t)
{
	int64_t v = t * TILE, w = tile_words(c, t);
	float smooth = ((const struct ce *)c->n->attr)->smooth, share = smooth / (float)c->V;
	float cap = ((const struct ce *)c->n->attr)->cap, slope[TILE];

	for (int64_t r = 0; r < c->rows; r++) {
		float *p = c->e + (t * c->most + r) * TILE_LD;

		if (c->seed[r] != 0)
			c->x->k->scale(p, c->top[r * c->tiles + t], w);
		else
			memset(p, 0, (size_t)w * sizeof(*p));
		if (cap > 0 && c->seed[r] != 0)
			cap_slopes(c, r, p, w, slope);
		for (int64_t i = 0; smooth > 0 && i < w; i++)
			p[i] -= share * c->seed[r];
		if (c->targets[r] >= v && c->targets[r] < v + w)
			p[c->targets[r] - v] -= (1 - smooth) * c->seed[r];
		for (int64_t i = 0; cap > 0 && c->seed[r] != 0 && i < w; i++)
			p[i] *= slope[i];
	}
}

/* Floats that magnitude_gradient() wants: [TILE, C] and [TILE, r] of products, a row of W. */
static int64_t
magnitude_floats(const struct chunk *c)
{
	return TILE * (c->C + c->r) + c->C;
}

/*
 * dm = sum over rows of p u / |W + scale B A|, with u = x W_v + scale h B_v and so the sum
 * (p^T x)_v W_v + scale (p^T h)_v B_v.
 */
static void
magnitude_gradient(const struct chunk *c, int64_t v, int64_t w, const float *p, float *at[2])
{
	const struct jkern *k = c->x->k;
	const struct jparam *m = c->n->param[2], *b = c->n->param[1];
	float *px = at[0], *ph = px + TILE * c->C, *row = ph + TILE * c->r;
	float scale = ((const struct ce *)c->n->attr)->scale, *dm = jnode_param_grad(c->n, 2);

	jkern_gemm(k, &(struct jgemm){ .form = JGEMM_TN, .M = w, .N = c->C, .K = c->rows, .A = p,
		.lda = TILE_LD, .B = c->in, .ldb = c->C, .C = px, .ldc = c->C, .alpha = 1 }, at[1]);
	jkern_gemm(k, &(struct jgemm){ .form = JGEMM_TN, .M = w, .N = c->r, .K = c->rows, .A = p,
		.lda = TILE_LD, .B = c->h, .ldb = c->r, .C = ph, .ldc = c->r, .alpha = scale }, at[1]);
	for (int64_t i = 0; i < w; i++) {
		float sum;

		jparam_row(c->n->param[0], v + i, row);
		sum = k->dot(px + i * c->C, row, c->C) + k->dot(ph + i * c->r, b->value + (v + i) * c->r, c->r);
		dm[v + i] += m->value[v + i] != 0 ? sum * c->factor[v + i] / m->value[v + i] : 0;
	}
}

/* The adapter's gradients from those of the logits of words [v, v + w), in group i. */
static void
adapter_gradient(const struct chunk *c, int64_t i, int64_t v, const float *p, float *work)
{
	float scale = ((const struct ce *)c->n->attr)->scale, *db = jnode_param_grad(c->n, 1);
	int64_t w = tile_words(c, v / TILE);

	if (db)
		jkern_gemm(c->x->k, &(struct jgemm){ .form = JGEMM_TN, .M = w, .N = c->r,
			.K = c->rows, .A = p, .lda = TILE_LD, .B = c->h, .ldb = c->r,
			.C = db + v * c->r, .ldc = c->r, .alpha = scale, .beta = 1 }, work);
	if (c->n->in[2]->needs_grad)
		jkern_gemm(c->x->k, &(struct jgemm){ .form = JGEMM_NN, .M = c->rows, .N = c->r,
			.K = w, .A = p, .lda = TILE_LD, .B = c->n->param[1]->value + v * c->r,
			.ldb = c->r, .C = c->hpart + i * c->most * c->r, .ldc = c->r,
			.alpha = scale, .beta = v / TILE == i * group_tiles(c->tiles) ? 0 : 1 },
			work);
}

/* Part i of dx, from the gradients p of the w words from v on. */
static void
add_part(const struct chunk *c, int64_t i, bool first, const float *p, const int64_t words[2],
	float *work)
{
	struct jgemm g = {
		.form = JGEMM_NN, .M = c->rows, .N = c->C, .K = words[1], .A = p, .lda = TILE_LD,
		.C = c->part + i * c->most * c->C, .ldc = c->C, .alpha = 1, .beta = first ? 0 : 1
	};

	jparam_operand(c->n->param[0], words[0], &g);
	jkern_gemm(c->x->mm, &g, work);
}

static void
gradient_group(void *arg, int64_t i, int worker)
{
	const struct chunk *c = arg;
	float *work = c->work + (size_t)worker * c->stride, *dw = jnode_param_grad(c->n, 0);
	int64_t first = i * group_tiles(c->tiles), end = first + group_tiles(c->tiles);

	for (int64_t t = first; t < end && t < c->tiles; t++) {
		float *p = c->e + t * c->most * TILE_LD;
		int64_t v = t * TILE, w = tile_words(c, t);

		to_gradient(c, t);
		if (c->factor && c->n->param[2]->grad)
			magnitude_gradient(c, v, w, p, (float *[2]){ c->dora + worker
				* magnitude_floats(c), work });
		apply_factors(c, v, w, p);
		if (c->h)
			adapter_gradient(c, i, v, p, work);
		if (dw)
			jkern_gemm(c->x->mm, &(struct jgemm){ .form = JGEMM_TN, .M = w, .N = c->C,
				.K = c->rows, .A = p, .lda = TILE_LD, .B = c->in, .ldb = c->C,
				.C = dw + v * c->C, .ldc = c->C, .alpha = 1, .beta = 1 }, work);
		if (c->n->in[0]->needs_grad)
			add_part(c, i, t == first, p, (int64_t[2]){ v, w }, work);
	}
}

/* Floats of saved before the gradient of h: those of dx. */
static int64_t
dx_floats(const struct jnode *n)
{
	return n->in[0]->needs_grad ? jnode_count(n->in[0]) : 0;
}

/* to [rows, cols] = the sum of the groups' parts, of which row `first` of the chunk is the first. */
static void
sum_groups(const struct chunk *c, float *to, const float *part, int64_t first, int64_t rows,
	int64_t cols)
{
	memcpy(to, part + first * cols, (size_t)(rows * cols) * sizeof(*to));
	for (int64_t g = 1; g < c->groups; g++)
		c->x->k->add(to, to, part + (g * c->most + first) * cols, rows * cols);
}

static void
sum_parts(void *arg, int64_t i, int worker)
{
	const struct chunk *c = arg;
	int64_t first = i * ROWS_PER_TASK, at = c->first + first;
	int64_t rows = c->rows - first < ROWS_PER_TASK ? c->rows - first : ROWS_PER_TASK;

	(void)worker;
	if (c->n->in[0]->needs_grad)
		sum_groups(c, c->n->saved + at * c->C, c->part, first, rows, c->C);
	if (c->h && c->n->in[2]->needs_grad)
		sum_groups(c, c->n->saved + dx_floats(c->n) + at * c->r, c->hpart, first, rows,
			c->r);
}

static size_t
gemm_work(const struct jrun *x, const struct jnode *n)
{
	int64_t C = jnode_cols(n->in[0]), rows = chunk_rows(n);
	struct jgemm g = { .form = JGEMM_NT, .N = TILE, .K = C };
	size_t w, dx, dw = jkern_gemm_work(x->mm, JGEMM_TN, C, rows);

	jparam_operand(n->param[0], 0, &g);
	w = jkern_gemm_work_of(x->mm, &g);
	g.form = JGEMM_NN;
	g.N = C;
	g.K = TILE;
	dx = jkern_gemm_work_of(x->mm, &g);
	w = dw > w ? dw : w;
	w = dx > w ? dx : w;
	if (n->param[1]) {	/* the adapter's products, in the same room */
		int64_t r = n->param[1]->shape[1];

		dw = jkern_gemm_work(x->k, JGEMM_TN, r, rows);
		dx = jkern_gemm_work(x->k, JGEMM_NN, r, TILE);
		w = dw > w ? dw : w;
		w = dx > w ? dx : w;
		dx = jkern_gemm_work(x->k, JGEMM_NT, TILE, r);
		w = dx > w ? dx : w;
	}
	return w;
}

/* The next n floats of scratch; NULL while only counting. */
static float *
take(const struct chunk *c, size_t *at, int64_t n)
{
	float *p = c->base ? c->base + *at : NULL;

	*at += (size_t)(n + 15) / 16 * 16;
	return p;
}

/* Sets the sizes of c and lays its arrays out; returns the floats they take. */
static size_t
lay_out(struct chunk *c)
{
	const struct ce *a = c->n->attr;
	size_t at = 0;

	c->C = jnode_cols(c->n->in[0]);
	c->V = c->n->param[0]->shape[0];
	c->most = chunk_rows(c->n);
	c->tiles = tile_count(c->n);
	c->groups = (c->tiles + group_tiles(c->tiles) - 1) / group_tiles(c->tiles);
	c->stride = gemm_work(c->x, c->n);
	c->e = take(c, &at, c->tiles * c->most * TILE_LD);
	c->r = c->n->param[1] ? c->n->param[1]->shape[1] : 0;
	c->part = take(c, &at, c->x->training ? c->groups * c->most * c->C : 0);
	c->hpart = take(c, &at, c->x->training ? c->groups * c->most * c->r : 0);
	c->top = take(c, &at, c->most * c->tiles);
	c->sum = take(c, &at, c->most * c->tiles);
	c->hit = take(c, &at, c->most);
	c->lse = take(c, &at, c->most);
	c->seed = take(c, &at, c->most);
	c->work = take(c, &at, (int64_t)c->stride * c->x->workers);
	if (a->dora.l) {
		int64_t factors = (int64_t)dora_work(&a->dora, c->x->workers);
		int64_t slopes = c->x->training ? magnitude_floats(c) * c->x->workers : 0;

		c->factor = take(c, &at, c->V);
		c->dora = take(c, &at, factors > slopes ? factors : slopes);
	}
	return at;
}

static void
run_chunk(struct chunk *c)
{
	int64_t row_tasks = (c->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;

	jpar_for(c->x->pool, c->tiles, logits_tile, c);
	jpar_for(c->x->pool, row_tasks, finish_rows, c);
	if (!c->x->grads || !c->n->needs_grad)
		return;
	jpar_for(c->x->pool, c->groups, gradient_group, c);
	if (c->n->saved)
		jpar_for(c->x->pool, row_tasks, sum_parts, c);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	struct chunk c = { .x = x, .n = n, .base = x->work };
	const int32_t *targets = n->in[1]->data;
	int64_t R = jnode_rows(n->in[0]);

	lay_out(&c);
	for (int64_t r = 0; r < R; r++)
		if (targets[r] >= c.V)
			jbug("linear_ce: target %d of %lld", targets[r], (long long)c.V);
	if (c.factor)
		dora_factors(x, &((const struct ce *)n->attr)->dora, c.factor, c.dora);
	for (c.first = 0; c.first < R; c.first += c.most) {
		c.rows = R - c.first < c.most ? R - c.first : c.most;
		c.in = (const float *)n->in[0]->data + c.first * c.C;
		c.targets = targets + c.first;
		if (c.r)
			c.h = (const float *)n->in[2]->data + c.first * c.r;
		run_chunk(&c);
	}
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n->in[0]), at = first * C;
	float *to = n->in[0]->grad + at;

	if (n->add[0])
		x->k->add(to, to, n->saved + at, count * C);
	else
		memcpy(to, n->saved + at, (size_t)(count * C) * sizeof(*to));
}

/* The gradient of h, made by forward(), to the adapter's A. */
static void
backward_adapter(const struct jrun *x, struct jnode *n)
{
	int64_t count = jnode_count(n->in[2]);
	const float *from = n->saved + dx_floats(n);
	float *to = n->in[2]->grad;

	if (n->add[2])
		x->k->add(to, to, from, count);
	else
		memcpy(to, from, (size_t)count * sizeof(*to));
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n->in[0]), jnode_cols(n->in[0]), backward_rows);
	if (n->n_in > 2 && n->in[2]->grad)
		backward_adapter(x, n);
}

static uint64_t
saved(const struct jnode *n)
{
	int64_t h = n->n_in > 2 && n->in[2]->needs_grad ? jnode_count(n->in[2]) : 0;

	return (uint64_t)(dx_floats(n) + h) * sizeof(float);
}

static size_t
work(const struct jrun *x, const struct jnode *n)
{
	struct chunk c = { .x = x, .n = n };

	return lay_out(&c);
}

static double
flops(const struct jnode *n, bool backward_pass)
{
	double one = 2 * (double)jnode_count(n->in[0]) * (double)n->param[0]->shape[0];

	if (!backward_pass)
		return one;
	return one * ((n->in[0]->needs_grad ? 1 : 0) + (n->param[0]->grad ? 1 : 0));
}

/* What each word's logit is multiplied with. */
static double *
factors_ref(const struct jref *r)
{
	int64_t V = r->n->param[0]->shape[0];
	double *f = jmem_alloc((size_t)V, sizeof(*f));

	for (int64_t v = 0; v < V; v++)
		f[v] = 1;
	if (r->n->param[2])
		dora_factors_ref(&((const struct ce *)r->n->attr)->dora, r->param[2], f);
	return f;
}

/* Row's logits, their log Z. */
static double
logits_ref(const struct jref *r, int64_t row, const double *factor, double *logits)
{
	int64_t C = jnode_cols(r->n->in[0]), V = r->n->param[0]->shape[0];
	int64_t K = r->n->param[1] ? r->n->param[1]->shape[1] : 0;
	double top = -INFINITY, z = 0, scale = ((const struct ce *)r->n->attr)->scale;
	double cap = ((const struct ce *)r->n->attr)->cap;

	for (int64_t v = 0; v < V; v++) {
		logits[v] = 0;
		for (int64_t c = 0; c < C; c++)
			logits[v] += r->in[0][row * C + c] * r->param[0][v * C + c];
		for (int64_t k = 0; k < K; k++)
			logits[v] += scale * r->in[2][row * K + k] * r->param[1][v * K + k];
		logits[v] *= factor[v];
		if (cap > 0)
			logits[v] = cap * tanh(logits[v] / cap);
		top = logits[v] > top ? logits[v] : top;
	}
	for (int64_t v = 0; v < V; v++)
		z += exp(logits[v] - top);
	return top + log(z);
}

static void
forward_ref(const struct jref *r)
{
	int64_t R = jnode_rows(r->n->in[0]);
	double *logits = jmem_alloc((size_t)r->n->param[0]->shape[0], sizeof(*logits));
	double *factor = factors_ref(r);

	for (int64_t i = 0; i < R; i++) {
		double lse = logits_ref(r, i, factor, logits);

		r->out[i] = r->ids[1][i] >= 0 ? lse - logits[r->ids[1][i]] : 0;
	}
	jmem_free(factor);
	jmem_free(logits);
}

static void
backward_ref(const struct jref *r)
{
	const struct ce *a = r->n->attr;
	int64_t R = jnode_rows(r->n->in[0]), C = jnode_cols(r->n->in[0]);
	int64_t V = r->n->param[0]->shape[0], K = r->n->param[1] ? r->n->param[1]->shape[1] : 0;
	double *logits = jmem_alloc((size_t)V, sizeof(*logits)), *factor = factors_ref(r);

	for (int64_t i = 0; i < R; i++) {
		double lse = logits_ref(r, i, factor, logits);

		for (int64_t v = 0; r->ids[1][i] >= 0 && v < V; v++) {
			double p = exp(logits[v] - lse) * (1 + 2 * (double)a->z_loss * lse);
			double q = a->smooth / (double)V + (v == r->ids[1][i]) * (1.0 - a->smooth);
			double u = a->cap > 0 ? logits[v] / (double)a->cap : 0;
			double d = (p - q) * r->scale * (1 - u * u);

			if (r->n->param[2])	/* logits without a cap */
				r->dparam[2][v] += d * logits[v] / r->param[2][v];
			d *= factor[v];
			for (int64_t c = 0; c < C; c++) {
				r->din[0][i * C + c] += d * r->param[0][v * C + c];
				r->dparam[0][v * C + c] += d * r->in[0][i * C + c];
			}
			d *= a->scale;
			for (int64_t k = 0; k < K; k++) {
				r->din[2][i * K + k] += d * r->param[1][v * K + k];
				r->dparam[1][v * K + k] += d * r->in[2][i * K + k];
			}
		}
	}
	jmem_free(factor);
	jmem_free(logits);
}

const struct jop jop_linear_ce = {
	.name = "linear_ce", .flags = JOP_LOSS | JOP_ONCE,
	.forward = forward, .backward = backward, .saved = saved, .work = work, .flops = flops,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_linear_ce(struct jgraph *g, struct jnode *x, struct jparam *w, struct jnode *targets,
	float z_loss)
{
	const struct jlora *l = w->lora;
	struct jnode *h = l ? jg_linear(g, jg_dropout(g, x, l->dropout), l->a, NULL) : NULL;
	struct jnode *n = jnode_new(g, &jop_linear_ce, NULL);
	struct ce *a = jnode_attr(n, sizeof(*a));

	if (x->dtype != JDT_F32 || w->n_dims != 2 || jnode_cols(x) != w->shape[1]
	    || targets->dtype != JDT_I32 || jnode_count(targets) != jnode_rows(x))
		jbug("linear_ce %s: x is [%lld, %lld], w [%lld, %lld], %lld targets", w->name,
			(long long)jnode_rows(x), (long long)jnode_cols(x), (long long)w->shape[0],
			(long long)w->shape[1], (long long)jnode_count(targets));
	jnode_input(n, x);
	jnode_input(n, targets);
	a->z_loss = z_loss;
	n->param[0] = w;
	if (l) {
		jnode_input(n, h);
		n->param[1] = l->b;
		n->param[2] = l->m;
		a->scale = l->scale;
		if (l->m)
			a->dora = dora_of(w, l, false);
	}
	n->n_dims = 1;
	n->shape[0] = jnode_rows(x);
	return n;
}

void
jg_smooth_labels(struct jnode *nll, float share)
{
	if (nll->op != &jop_linear_ce)
		jbug("jg_smooth_labels: not a loss");
	((struct ce *)nll->attr)->smooth = share;
}

void
jg_cap_logits(struct jnode *nll, float cap)
{
	if (nll->op != &jop_linear_ce || !(cap > 0))
		jbug("jg_cap_logits: not a loss, or cap %g", (double)cap);
	((struct ce *)(uintptr_t)nll->attr)->cap = cap;
}
