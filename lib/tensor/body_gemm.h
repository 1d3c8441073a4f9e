/*
 * body_gemm.h - packing and the register-tile product, over the words of a vec_*.h.
 *
 * The micro-kernel keeps an MR x NR tile of C in registers and runs down k once: per k two vector
 * loads of B, MR broadcasts of A.  Each element is one chain of multiply-adds in the order of k,
 * whatever the size of the tile, so that results do not depend on what is beside them.
 */
#define NV 2
#define NR (NV * VW)

/* What becomes of a value on its way into a panel. */
#ifndef GEMM_IN
#define GEMM_IN(v) (v)
#define GEMM_FEW
#endif

INLINE vf
load_some(const float *p, int64_t left)
{
	return left >= VW ? vf_load(p) : vf_load_n(p, left);
}

INLINE void
store_some(float *p, vf v, int64_t left)
{
	if (left >= VW)
		vf_store(p, v);
	else
		vf_store_n(p, v, left);
}

/* VW values of k of up to VW rows, transposed: t[i] = k-th value of each row. */
INLINE void
load_block(vf t[VW], const float *x, int64_t ld, int64_t rows, int64_t left)
{
	if (rows >= VW && left >= VW) {
#pragma GCC unroll 16
		for (int i = 0; i < VW; i++)
			t[i] = GEMM_IN(vf_load(x + i * ld));
	} else {
		for (int i = 0; i < VW; i++)
			t[i] = i < rows ? GEMM_IN(load_some(x + i * ld, left)) : vf_zero();
	}
	vf_transpose(t);
}

/* The same for the MR rows of a full panel of A: all in registers. */
INLINE void
load_panel(vf t[VW], const float *x, int64_t ld)
{
#pragma GCC unroll 16
	for (int i = 0; i < VW; i++)
		t[i] = i < MR ? GEMM_IN(vf_load(x + i * ld)) : vf_zero();
	vf_transpose(t);
}

static void
pack_a_rows(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	for (int64_t k = 0; k < kc; k += VW) {
		vf t[VW];
		int64_t w = kc - k < VW ? kc - k : VW;

		if (n == MR && w == VW) {
			load_panel(t, a + k, lda);
#pragma GCC unroll 16
			for (int i = 0; i < VW; i++)
				vf_store(panel + (k + i) * MR, t[i]);
			continue;
		}
		load_block(t, a + k, lda, n, kc - k);
		for (int64_t i = 0; i < w; i++)
			vf_store(panel + (k + i) * MR, t[i]);
	}
}

static void
pack_a_cols(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	/* The next panel is in the next cache line or in this one. */
	for (int64_t k = 0; k < kc; k++, a += lda) {
		__builtin_prefetch(a + 2 * MR - 1);
		vf_store(panel + k * MR, GEMM_IN(load_some(a, n)));
	}
}

static void
pack_b_rows(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	for (int v = 0; v < NV; v++, panel += VW, b += VW * ldb, n -= VW) {
		for (int64_t k = 0; k < kc; k += VW) {
			vf t[VW];
			int64_t w = kc - k < VW ? kc - k : VW;

			load_block(t, b + k, ldb, n, kc - k);
			for (int64_t i = 0; i < w; i++)
				vf_store(panel + (k + i) * NR, t[i]);
		}
	}
}

/* Several panels side by side (n > NR), so that stored rows are read in longer pieces. */
static void
pack_b_cols(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	for (int64_t k = 0; k < kc; k++, b += ldb, panel += NR) {
		float *to = panel;
		int64_t j = 0;

		for (; j + NR <= n; j += NR, to += kc * NR) {
			vf_store(to, GEMM_IN(vf_load(b + j)));
			vf_store(to + VW, GEMM_IN(vf_load(b + j + VW)));
		}
		if (j < n) {
			vf_store(to, GEMM_IN(load_some(b + j, n - j)));
			vf_store(to + VW, n - j > VW ? GEMM_IN(load_some(b + j + VW, n - j - VW))
				: vf_zero());
		}
	}
}

/* alpha * acc + beta * c over one vector of C. */
INLINE void
update(float *c, vf acc, float alpha, float beta, int64_t left)
{
	vf a = vf_set1(alpha);

	if (beta == 0)
		acc = vf_mul(a, acc);
	else if (beta == 1)
		acc = vf_fma(a, acc, load_some(c, left));
	else
		acc = vf_fma(a, acc, vf_mul(vf_set1(beta), load_some(c, left)));
	store_some(c, acc, left);
}

INLINE void
micro_rows(const int rows, const struct jmicro *t)
{
	const float *a = t->a, *b = t->b;
	vf acc[MR][NV];

	/* C may be far away: ask for it before the long loop. */
#pragma GCC unroll 16
	for (int i = 0; i < rows; i++) {
		acc[i][0] = acc[i][1] = vf_zero();
		__builtin_prefetch(t->c + i * t->ldc, 1);
		__builtin_prefetch(t->c + i * t->ldc + NR / 2, 1);
	}
	for (int64_t k = 0; k < t->kc; k++, a += MR, b += NR) {
		vf b0 = vf_load(b), b1 = vf_load(b + VW);

#pragma GCC unroll 16
		for (int i = 0; i < rows; i++) {
			vf x = vf_set1(a[i]);

			acc[i][0] = vf_fma(x, b0, acc[i][0]);
			acc[i][1] = vf_fma(x, b1, acc[i][1]);
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < rows; i++) {
		float *c = t->c + i * t->ldc;

		update(c, acc[i][0], t->alpha, t->beta, t->cols);
		if (t->cols > VW)
			update(c + VW, acc[i][1], t->alpha, t->beta, t->cols - VW);
	}
}

#define MICRO(n) \
	static void micro_##n(const struct jmicro *t) { micro_rows(n, t); }

MICRO(1)
MICRO(2)
MICRO(3)
MICRO(4)
#if MR > 4
MICRO(5)
MICRO(6)
#endif
#if MR > 6
MICRO(7)
MICRO(8)
MICRO(9)
MICRO(10)
MICRO(11)
MICRO(12)
MICRO(13)
MICRO(14)
#endif

static void
micro(const struct jmicro *t)
{
	static void (*const by_rows[MR])(const struct jmicro *) = {
		micro_1, micro_2, micro_3, micro_4,
#if MR > 4
		micro_5, micro_6,
#endif
#if MR > 6
		micro_7, micro_8, micro_9, micro_10, micro_11, micro_12, micro_13, micro_14,
#endif
	};

	by_rows[t->rows - 1](t);
}

enum { SPINNERS = VW == 16 ? 24 : VW == 8 ? 12 : 8 };

static double
spin(int64_t n)
{
	vf x = vf_set1(0.5f), y = vf_set1(0.25f), acc[SPINNERS];
	volatile float sink;
	float lanes[VW];

#pragma GCC unroll 24
	for (int i = 0; i < SPINNERS; i++)
		acc[i] = vf_set1((float)i);
	for (int64_t k = 0; k < n; k++) {
#pragma GCC unroll 24
		for (int i = 0; i < SPINNERS; i++)
			acc[i] = vf_fma(acc[i], x, y);
	}
#pragma GCC unroll 24
	for (int i = 1; i < SPINNERS; i++)
		acc[0] = vf_add(acc[0], acc[i]);
	vf_store(lanes, acc[0]);
	sink = lanes[0];
	(void)sink;
	return (double)n * 2 * SPINNERS * VW;
}

#ifdef GEMM_FEW
/*
 * Few rows: nothing is packed.  VW rows of b are turned around in registers block by block (or
 * loaded as they lie), while the next VW rows are on their way from memory.
 */
INLINE void
few_of(const int rows, const struct jmicro *t)
{
	const float *a = t->a;
	vf acc[FEW];

#pragma GCC unroll 8
	for (int m = 0; m < rows; m++)
		acc[m] = vf_zero();
	for (int64_t k = 0; k < t->kc && t->b_rows; k += VW) {
		int64_t left = t->kc - k;
		vf b[VW];

#pragma GCC unroll 16
		for (int i = 0; i < VW; i++)
			__builtin_prefetch(t->b + (VW + i) * t->ldb + k, 0, 2);
		load_block(b, t->b + k, t->ldb, t->cols, left);
#pragma GCC unroll 16
		for (int i = 0; i < VW; i++) {
			if (i >= left)
				break;
#pragma GCC unroll 8
			for (int m = 0; m < rows; m++)
				acc[m] = vf_fma(vf_set1(a[m * t->lda + k + i]), b[i], acc[m]);
		}
	}
	for (int64_t k = 0; k < t->kc && !t->b_rows; k++) {
		vf b = load_some(t->b + k * t->ldb, t->cols);

#pragma GCC unroll 8
		for (int m = 0; m < rows; m++)
			acc[m] = vf_fma(vf_set1(a[m * t->lda + k]), b, acc[m]);
	}
#pragma GCC unroll 8
	for (int m = 0; m < rows; m++)
		update(t->c + m * t->ldc, acc[m], t->alpha, t->beta, t->cols);
}

#define FEW_ROWS(n) \
	static void few_##n(const struct jmicro *t) { few_of(n, t); }

FEW_ROWS(1)
FEW_ROWS(2)
FEW_ROWS(3)
FEW_ROWS(4)
#if FEW > 4
FEW_ROWS(5)
FEW_ROWS(6)
FEW_ROWS(7)
FEW_ROWS(8)
#endif

static void
few_rows(const struct jmicro *t)
{
	static void (*const by_rows[FEW])(const struct jmicro *) = {
		few_1, few_2, few_3, few_4,
#if FEW > 4
		few_5, few_6, few_7, few_8,
#endif
	};

	by_rows[t->rows - 1](t);
}

/*
 * Small products as they lie: vectors of b straight from its rows, values of a broadcast.  A tile is
 * as many rows and vectors as there are registers.
 */
#define DIRECT_VECS (VW == 16 ? 4 : 2)
#define DIRECT_ROWS (VW == 16 ? 12 : 4)

INLINE void
direct_tile(const int rows, const int vecs, const bool full, const struct jdirect *t, int64_t m,
	int64_t n)
{
	const float *a = t->a + m * t->a_row, *b = t->b + n;
	int64_t left = t->N - n - (vecs - 1) * VW;
	vf acc[DIRECT_ROWS][DIRECT_VECS];

#pragma GCC unroll 12
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int v = 0; v < vecs; v++)
			acc[i][v] = vf_zero();
	for (int64_t k = 0; k < t->K; k++, a += t->a_k, b += t->ldb) {
		vf x[DIRECT_VECS];

#pragma GCC unroll 4
		for (int v = 0; v + 1 < vecs; v++)
			x[v] = vf_load(b + v * VW);
		x[vecs - 1] = full ? vf_load(b + (vecs - 1) * VW)
			: vf_load_n(b + (vecs - 1) * VW, left);
#pragma GCC unroll 12
		for (int i = 0; i < rows; i++) {
			vf y = vf_set1(a[i * t->a_row]);

#pragma GCC unroll 4
			for (int v = 0; v < vecs; v++)
				acc[i][v] = vf_fma(y, x[v], acc[i][v]);
		}
	}
#pragma GCC unroll 12
	for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
		for (int v = 0; v < vecs; v++)
			update(t->c + (m + i) * t->ldc + n + v * VW, acc[i][v], t->alpha, t->beta,
				full || v + 1 < vecs ? VW : left);
}

INLINE void
direct_rows(const int rows, const int vecs, const bool full, const struct jdirect *t, int64_t n)
{
	int64_t m = 0;

	for (; m + rows <= t->M; m += rows)
		direct_tile(rows, vecs, full, t, m, n);
	for (; m + 4 <= t->M; m += 4)
		direct_tile(4, vecs, full, t, m, n);
	for (; m < t->M; m++)
		direct_tile(1, vecs, full, t, m, n);
}

INLINE void
direct_columns(const int rows, const int vecs, const struct jdirect *t, int64_t n)
{
	if (t->N - n >= vecs * VW)
		direct_rows(rows, vecs, true, t, n);
	else
		direct_rows(rows, vecs, false, t, n);
}

static void
direct(const struct jdirect *t)
{
	for (int64_t n = 0; n < t->N; n += DIRECT_VECS * VW) {
		int64_t vecs = (t->N - n + VW - 1) / VW;

		if (vecs == 1)
			direct_columns(DIRECT_ROWS, 1, t, n);
#if VW == 16
		else if (vecs == 2)
			direct_columns(12, 2, t, n);
		else if (vecs == 3)
			direct_columns(8, 3, t, n);
#endif
		else
			direct_columns(VW == 16 ? 6 : 4, DIRECT_VECS, t, n);
	}
}
#endif
