/*
 * kern_bf16.c - the matrix product in pairs of bf16 for AVX-512 with BF16; an empty file elsewhere.
 *
 * As body_gemm.h, with a pair of k where that has one value: panels are [pairs][MR] of A and
 * [pairs][32] of B, four bytes a pair.
 */
#include "tensor/kern.h"

#if defined(__x86_64__)

#include <string.h>

#include "base/jsys.h"
#define VEC_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c"
#include "tensor/vec_bf16.h"

enum { NR = 2 * VW, K_LONGEST = 512, UNIT = 2 * VW };

/* 16 rows of 16 pairs turned around: t[i] = pair i of each row. */
INLINE void
turned_rows(vf t[VW], const float *x, int64_t ld, int64_t rows, int64_t left)
{
#pragma GCC unroll 16
	for (int i = 0; i < VW; i++)
		t[i] = i < rows ? _mm512_castsi512_ps(row_pairs(x + i * ld, left)) : vf_zero();
	vf_transpose(t);
}

static void
pack_a_rows(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	for (int64_t k = 0; k < kc; k += UNIT) {
		vf t[VW];

		turned_rows(t, a + k, lda, n, kc - k);
		for (int64_t i = 0; i < VW; i++)
			vf_store(panel + (k / 2 + i) * MR, t[i]);
	}
}

/* Pairs up to a whole unit: those that are not there are 0. */
static int64_t
units(int64_t kc)
{
	return (kc + UNIT - 1) / UNIT * UNIT;
}

static void
pack_a_cols(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	for (int64_t k = 0; k < units(kc); k += 2)
		_mm512_storeu_si512(panel + k / 2 * MR, column_pairs(a + k * lda, lda, kc - k,
			n < MR ? n : MR));
}

static void
pack_b_rows(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	for (int64_t c = 0; c < NR; c += VW) {
		for (int64_t k = 0; k < kc; k += UNIT) {
			vf t[VW];

			turned_rows(t, b + c * ldb + k, ldb, n - c, kc - k);
			for (int64_t i = 0; i < VW; i++)
				vf_store(panel + (k / 2 + i) * NR + c, t[i]);
		}
	}
}

static void
pack_b_cols(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	for (int64_t k = 0; k < units(kc); k += 2, panel += NR) {
		float *to = panel;

		for (int64_t c = 0; c < n; c += NR, to += units(kc) / 2 * NR) {
			_mm512_storeu_si512(to, column_pairs(b + k * ldb + c, ldb, kc - k, n - c));
			_mm512_storeu_si512(to + VW, column_pairs(b + k * ldb + c + VW, ldb,
				n - c > VW ? kc - k : 0, n - c - VW));
		}
	}
}

INLINE vf
pair_fma(vf acc, __m512i a, __m512i b)
{
	return _mm512_dpbf16_ps(acc, (__m512bh)a, (__m512bh)b);
}

INLINE void
micro_rows(const int rows, const struct jmicro *t)
{
	const float *a = t->a, *b = t->b;
	vf acc[MR][2];

#pragma GCC unroll 16
	for (int i = 0; i < rows; i++)
		acc[i][0] = acc[i][1] = vf_zero();
	for (int64_t k = 0; k < t->kc; k += 2, a += MR, b += NR) {
		__m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + VW);

#pragma GCC unroll 16
		for (int i = 0; i < rows; i++) {
			__m512i x = _mm512_castps_si512(vf_set1(a[i]));

			acc[i][0] = pair_fma(acc[i][0], x, b0);
			acc[i][1] = pair_fma(acc[i][1], x, b1);
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < rows; i++) {
		update_row(t, t->c + i * t->ldc, acc[i][0], t->cols);
		if (t->cols > VW)
			update_row(t, t->c + i * t->ldc + VW, acc[i][1], t->cols - VW);
	}
}

/* A tile with fewer rows takes them one by one: it is the last of a panel. */
static void
micro(const struct jmicro *t)
{
	struct jmicro one = *t;

	if (t->rows == MR) {
		micro_rows(MR, t);
		return;
	}
	for (int i = 0; i < t->rows; i++) {
		one.a = t->a + i;
		one.c = t->c + i * t->ldc;
		micro_rows(1, &one);
	}
}

enum { SPINNERS = 24 };

static double
spin(int64_t n)
{
	__m512i one = to_bf16(vf_set1(0.5f), vf_set1(0.25f));
	vf acc[SPINNERS];
	volatile float sink;

#pragma GCC unroll 24
	for (int i = 0; i < SPINNERS; i++)
		acc[i] = vf_set1((float)i);
	for (int64_t k = 0; k < n; k++) {
#pragma GCC unroll 24
		for (int i = 0; i < SPINNERS; i++)
			acc[i] = pair_fma(acc[i], one, one);
	}
#pragma GCC unroll 24
	for (int i = 1; i < SPINNERS; i++)
		acc[0] = vf_add(acc[0], acc[i]);
	sink = vf_hsum(acc[0]);
	(void)sink;
	return (double)n * 4 * SPINNERS * VW;
}

const struct jkern jkern_avx512bf16 = {
	.name = "avx512bf16", .features = JCPU_AVX512 | JCPU_AVX512_BF16,
	.mr = MR, .nr = NR, .k_max = K_LONGEST, .k_unit = UNIT, .pairs = true,
	.pack_a_rows = pack_a_rows, .pack_a_cols = pack_a_cols,
	.pack_b_rows = pack_b_rows, .pack_b_cols = pack_b_cols, .micro = micro,
	.spin = spin
};

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
