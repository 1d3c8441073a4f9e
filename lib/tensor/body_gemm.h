/*
 * body_gemm.h - packing and the register-tile product, over the words of a vec_*.h.
 *
 * The micro-kernel keeps an MR x NR tile of C in registers and runs down k once: per k two vector
 * loads of B, MR broadcasts of A.  Each element is one chain of multiply-adds in the order of k,
 * whatever the size of the tile, so that results do not depend on what is beside them.
 */
#define NV 2
#define NR (NV * VW)

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
			t[i] = vf_load(x + i * ld);
	} else {
		for (int i = 0; i < VW; i++)
			t[i] = i < rows ? load_some(x + i * ld, left) : vf_zero();
	}
	vf_transpose(t);
}

/* The same for the MR rows of a full panel of A: all in registers. */
INLINE void
load_panel(vf t[VW], const float *x, int64_t ld)
{
#pragma GCC unroll 16
	for (int i = 0; i < VW; i++)
		t[i] = i < MR ? vf_load(x + i * ld) : vf_zero();
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
		vf_store(panel + k * MR, load_some(a, n));
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
			vf_store(to, vf_load(b + j));
			vf_store(to + VW, vf_load(b + j + VW));
		}
		if (j < n) {
			vf_store(to, load_some(b + j, n - j));
			vf_store(to + VW, n - j > VW ? load_some(b + j + VW, n - j - VW)
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
