/*
 * gemm.c - the matrix product around the micro-kernel: blocks, packing, tiles for threads.
 *
 * Loops from the outside: columns of C in blocks (a packed block of B stays in the second-level
 * cache), k in blocks, rows in blocks (packed A likewise), then one panel of B against all panels
 * of A (the panel of B stays in the first-level cache).  With few rows of A the column block is one
 * panel, and with very few nothing is packed: B streams from memory once.
 */
#include "tensor/jkern.h"
#include "tensor/jquant.h"

enum {
	K_MAX = 320,		/* longest block of k: a 32-column panel is 40 KiB */
	K_UNIT = 16,
	N_BLOCK = 512,		/* columns of C per packed block of B, few rows excepted */
	M_BLOCK = 224,		/* rows of C per packed block of A */
	B_FLOATS = 300 << 10,	/* a packed block of B in pairs, at most: 2 MiB of cache hold it */
	A_FLOATS = 100 << 10,	/* and of A */
	PANEL_ROWS = 28,	/* up to here the column block is one panel */
	STREAM_PASSES = 3,	/* up to so many times k->few rows nothing is packed */
	SIDE_BY_SIDE = 4,	/* panels of B packed at once from columns */
	A_SLACK = 16,
	TILES_PER_WORKER = 8
};

static int64_t
round_up(int64_t x, int64_t to)
{
	return (x + to - 1) / to * to;
}

static int64_t
block_length(int64_t K, int64_t most, int64_t unit)
{
	int64_t blocks = (K + most - 1) / most;

	if (blocks <= 1)
		return K > 0 ? K : 1;
	return round_up((K + blocks - 1) / blocks, unit);
}

int64_t
jgemm_block(int64_t K)
{
	return block_length(K, K_MAX, K_UNIT);
}

int64_t
jkern_block(const struct jkern *k, int64_t K)
{
	return k->pairs ? block_length(K, k->k_max, k->k_unit) : jgemm_block(K);
}

/* Floats of panels of n rows or columns over kc values. */
static int64_t
panel(const struct jkern *k, int64_t kc, int64_t n)
{
	return k->pairs ? round_up(kc, k->k_unit) / 2 * n * k->pairs : kc * n;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Columns of C per packed block of B. */
static int64_t
columns(const struct jkern *k, int64_t kc)
{
	int64_t fit = B_FLOATS / panel(k, kc, k->nr);

	return k->pairs ? smaller(N_BLOCK, (fit > 0 ? fit : 1) * k->nr) : N_BLOCK;
}

/* Rows of C per packed block of A. */
static int64_t
rows(const struct jkern *k, int64_t kc)
{
	int64_t fit = A_FLOATS / panel(k, kc, k->mr);

	return k->pairs ? smaller(M_BLOCK / k->mr, fit > 0 ? fit : 1) * k->mr
		: M_BLOCK / k->mr * k->mr;
}

size_t
jkern_gemm_work(const struct jkern *k, enum jgemm_form form, int64_t N, int64_t K)
{
	int64_t kc = jkern_block(k, K);
	int64_t nb = round_up(smaller(N, columns(k, kc)), k->nr);

	(void)form;
	return (size_t)round_up(panel(k, kc, nb) + panel(k, kc, rows(k, kc)) + A_SLACK, 16);
}

/* Decoded values of a piece of `cols` stored columns: whole blocks on both sides. */
static int64_t
decoded_cols(const struct jgemm *g, int64_t cols)
{
	return round_up(cols + 2 * (int64_t)jdtype_values(g->b_type), 16);
}

size_t
jkern_gemm_work_of(const struct jkern *k, const struct jgemm *g)
{
	size_t plain = jkern_gemm_work(k, g->form, g->N, g->K);
	int64_t kc = jkern_block(k, g->K);

	if (g->b_type == JDT_F32)
		return plain;
	if (g->form == JGEMM_NT)
		return plain + (size_t)(k->nr * decoded_cols(g, kc));
	return plain + (size_t)(kc * decoded_cols(g, round_up(smaller(g->N, columns(k, kc)), k->nr)));
}

/* A piece of B as stored, in fp32. */
struct piece {
	int64_t row, rows, col, cols;
	const float *p;
	int64_t ld;
};

/* Finds the piece in B, decoding it into to where B is not fp32. */
static void
find_piece(const struct jgemm *g, struct piece *x, float *to)
{
	int64_t values = (int64_t)jdtype_values(g->b_type);
	int64_t first = (g->b_col + x->col) / values * values;
	int64_t count = round_up(g->b_col + x->col + x->cols, values) - first;
	const char *from = g->b_data;

	if (g->b_type == JDT_F32) {
		x->p = g->B + x->row * g->ldb + x->col;
		x->ld = g->ldb;
		return;
	}
	x->ld = round_up(count, 16);
	x->p = to + (g->b_col + x->col - first);
	from += (uint64_t)x->row * jten_bytes(g->b_type, g->ldb) + jten_bytes(g->b_type, first);
	for (int64_t r = 0; r < x->rows; r++, from += jten_bytes(g->b_type, g->ldb))
		jten_to_f32(to + r * x->ld, from, g->b_type, count);
}

/* One block of k: where it lies and how much of the output it touches. */
struct block {
	const struct jkern *k;
	const struct jgemm *g;
	int64_t k0, kc, n0, nb;
	float *a, *b;		/* packed */
	float *decoded;		/* scratch of find_piece() */
};

static void
pack_b_rows(const struct block *x)
{
	int64_t nr = x->k->nr;
	float *to = x->b;

	for (int64_t n = 0; n < x->nb; n += nr, to += panel(x->k, x->kc, nr)) {
		struct piece p = { x->n0 + n, smaller(nr, x->nb - n), x->k0, x->kc, NULL, 0 };

		find_piece(x->g, &p, x->decoded);
		x->k->pack_b_rows(to, p.p, p.ld, p.rows, p.cols);
	}
}

static void
pack_b_cols(const struct block *x)
{
	int64_t step = SIDE_BY_SIDE * x->k->nr;
	struct piece p = { x->k0, x->kc, x->n0, x->nb, NULL, 0 };
	float *to = x->b;

	find_piece(x->g, &p, x->decoded);
	for (int64_t n = 0; n < x->nb; n += step, to += panel(x->k, x->kc, step))
		x->k->pack_b_cols(to, p.p + n, p.ld, smaller(step, x->nb - n), x->kc);
}

static void
pack_a(const struct block *x, int64_t m0, int64_t mb)
{
	const struct jgemm *g = x->g;
	float *to = x->a;

	if (g->form == JGEMM_TN && x->k->wide_a) {
		x->k->pack_a_cols(to, g->A + x->k0 * g->lda + m0, g->lda, mb, x->kc);
		return;
	}
	for (int64_t m = 0; m < mb; m += x->k->mr, to += panel(x->k, x->kc, x->k->mr)) {
		int64_t w = smaller(x->k->mr, mb - m);

		if (g->form == JGEMM_TN)
			x->k->pack_a_cols(to, g->A + x->k0 * g->lda + m0 + m, g->lda, w, x->kc);
		else
			x->k->pack_a_rows(to, g->A + (m0 + m) * g->lda + x->k0, g->lda, w, x->kc);
	}
}

static void
multiply(const struct block *x, int64_t m0, int64_t mb)
{
	const struct jgemm *g = x->g;
	struct jmicro t = {
		.kc = x->kc, .ldc = g->ldc, .alpha = g->alpha,
		.beta = x->k0 == 0 ? g->beta : 1
	};

	for (int64_t n = 0; n < x->nb; n += x->k->nr) {
		t.b = x->b + panel(x->k, x->kc, n);
		t.cols = (int)smaller(x->k->nr, x->nb - n);
		for (int64_t m = 0; m < mb; m += x->k->mr) {
			t.a = x->a + panel(x->k, x->kc, m);
			t.rows = (int)smaller(x->k->mr, mb - m);
			if (g->lower && x->n0 + n > m0 + m + t.rows - 1)
				continue;
			t.c = g->C + (m0 + m) * g->ldc + x->n0 + n;
			x->k->micro(&t);
		}
	}
}

/* Few rows of A: B is read once, in the order in which it lies. */
static void
stream(const struct jkern *k, const struct jgemm *g, float *work)
{
	int64_t kc = jgemm_block(g->K);
	struct jmicro t = { .lda = g->lda, .ldc = g->ldc, .alpha = g->alpha,
		.b_rows = g->form == JGEMM_NT };

	for (int64_t n = 0; n < g->N; n += k->vw) {
		t.cols = (int)smaller(k->vw, g->N - n);
		for (int64_t k0 = 0; k0 < g->K; k0 += kc) {
			struct piece p = { .row = n, .rows = t.cols, .col = k0 };

			t.kc = p.cols = smaller(kc, g->K - k0);
			if (!t.b_rows)
				p = (struct piece){ k0, t.kc, n, t.cols, NULL, 0 };
			find_piece(g, &p, work);
			t.b = p.p;
			t.ldb = p.ld;
			t.beta = k0 == 0 ? g->beta : 1;
			for (int64_t m = 0; m < g->M; m += k->few) {
				t.rows = (int)smaller(k->few, g->M - m);
				t.a = g->A + m * g->lda + k0;
				t.c = g->C + m * g->ldc + n;
				k->few_rows(&t);
			}
		}
	}
}

/* Nothing to sum: C = beta * C. */
static void
scale_only(const struct jgemm *g)
{
	for (int64_t m = 0; m < g->M; m++) {
		float *c = g->C + m * g->ldc;

		for (int64_t n = 0; n < g->N && g->beta == 0; n++)
			c[n] = 0;
		if (g->beta != 0)
			jkern_get()->scale(c, g->beta, g->N);
	}
}

void
jkern_gemm(const struct jkern *k, const struct jgemm *g, float *work)
{
	struct block x = { .k = k, .g = g,
		.decoded = work + jkern_gemm_work(k, g->form, g->N, g->K) };
	int64_t kc = jkern_block(k, g->K), mb = rows(k, kc);
	int64_t step = g->M <= PANEL_ROWS ? k->nr : columns(k, kc);

	if (g->K == 0) {
		scale_only(g);
		return;
	}
	if (g->M <= STREAM_PASSES * k->few && g->form != JGEMM_TN
	    && (g->form == JGEMM_NT || g->b_type == JDT_F32)) {
		stream(k, g, work);
		return;
	}
	if (k->begin)
		k->begin();
	for (x.n0 = 0; x.n0 < g->N; x.n0 += step) {
		x.nb = smaller(step, g->N - x.n0);
		for (x.k0 = 0; x.k0 < g->K; x.k0 += kc) {
			x.kc = smaller(kc, g->K - x.k0);
			x.b = work;
			x.a = work + panel(k, x.kc, round_up(x.nb, k->nr));
			if (g->form == JGEMM_NT)
				pack_b_rows(&x);
			else
				pack_b_cols(&x);
			for (int64_t m = 0; m < g->M; m += mb) {
				pack_a(&x, m, smaller(mb, g->M - m));
				multiply(&x, m, smaller(mb, g->M - m));
			}
		}
	}
	if (k->end)
		k->end();
}

void
jkern_small(const struct jkern *k, const struct jgemm *g)
{
	int64_t kc = jgemm_block(g->K);
	struct jdirect t = {
		.M = g->M, .N = g->N, .c = g->C, .ldb = g->ldb, .ldc = g->ldc, .alpha = g->alpha,
		.a_row = g->form == JGEMM_TN ? 1 : g->lda, .a_k = g->form == JGEMM_TN ? g->lda : 1
	};

	if (g->K == 0)
		scale_only(g);
	for (int64_t k0 = 0; k0 < g->K; k0 += kc) {
		t.K = smaller(kc, g->K - k0);
		t.a = g->A + k0 * t.a_k;
		t.b = g->B + k0 * g->ldb;
		t.beta = k0 == 0 ? g->beta : 1;
		k->direct(&t);
	}
}

/* --- on threads: the output in a grid of tiles --- */
struct grid {
	const struct jkern *k;
	const struct jgemm *g;
	float *work;
	size_t stride;			/* floats of work per worker */
	int64_t tm, tn;			/* tile sizes */
	int64_t rows, cols;		/* tiles */
};

/* Cycles, roughly, until the slowest worker is done with a grid of tm x tn tiles. */
static double
grid_cost(const struct grid *x, int workers)
{
	const struct jgemm *g = x->g;
	double k = (double)g->K, tm = (double)round_up(x->tm, x->k->mr);
	double tn = (double)round_up(x->tn, x->k->nr);
	/* Tiles of bf16 are multiplied faster, packed no faster. */
	double rate = x->k->pairs ? 8.0 / x->k->pairs * x->k->nr : x->k->nr;
	double tile = tm * tn * k / rate + 0.5 * k * tn + 0.3 * k * tm + 3000;
	int64_t rounds = (x->rows * x->cols + workers - 1) / workers;

	/* Half a tile more: another program may take a core away in the middle. */
	return tile * ((double)rounds + 0.5);
}

static void
grid_shape(struct grid *x, int64_t rows, int64_t cols)
{
	x->tm = round_up((x->g->M + rows - 1) / rows, x->k->mr);
	x->tn = round_up((x->g->N + cols - 1) / cols, x->k->nr);
	x->rows = (x->g->M + x->tm - 1) / x->tm;
	x->cols = (x->g->N + x->tn - 1) / x->tn;
}

static void
grid_choose(struct grid *x, int workers)
{
	double best = -1;
	int64_t r = 1, c = 1;

	int64_t most = TILES_PER_WORKER * (int64_t)workers;

	for (int64_t rows = 1; rows <= most && rows * x->k->mr < x->g->M + x->k->mr; rows *= 2) {
		for (int64_t cols = 1; cols <= most / rows &&
				cols * x->k->nr < x->g->N + x->k->nr; cols++) {
			double cost;

			grid_shape(x, rows, cols);
			cost = grid_cost(x, workers);
			if (best < 0 || cost < best) {
				best = cost;
				r = rows;
				c = cols;
			}
		}
	}
	grid_shape(x, r, c);
}

static void
grid_tile(void *arg, int64_t i, int worker)
{
	const struct grid *x = arg;
	struct jgemm g = *x->g;
	int64_t m = i % x->rows * x->tm, n = i / x->rows * x->tn;

	g.M = smaller(x->tm, g.M - m);
	g.N = smaller(x->tn, g.N - n);
	if (g.lower && n > m + g.M - 1)
		return;
	/* The diagonal of a tile beside the diagonal is not that of C. */
	g.lower = g.lower && n == m;
	g.A += g.form == JGEMM_TN ? m : m * g.lda;
	if (g.b_type == JDT_F32)
		g.B += g.form == JGEMM_NT ? n * g.ldb : n;
	else if (g.form == JGEMM_NT)
		g.b_data = (const char *)g.b_data + (uint64_t)n * jten_bytes(g.b_type, g.ldb);
	else
		g.b_col += n;
	g.C += m * g.ldc + n;
	jkern_gemm(x->k, &g, x->work + (size_t)worker * x->stride);
}

void
jkern_gemm_par(const struct jkern *k, const struct jgemm *g, struct jpar *pool, float *work)
{
	struct grid x = { .k = k, .g = g, .work = work };
	int workers = jpar_size(pool);

	if (workers == 1) {
		jkern_gemm(k, g, work);
		return;
	}
	x.stride = jkern_gemm_work_of(k, g);
	grid_choose(&x, workers);
	jpar_for(pool, x.rows * x.cols, grid_tile, &x);
}
