/*
 * vec_bf16.h - what the products in bf16 share: fp32 values to pairs of bf16, and the last step.
 * Includes vec_avx512.h; VEC_TARGET must have avx512bf16.
 */
#include "tensor/vec_avx512.h"

INLINE vf
load_left(const float *p, int64_t left)
{
	return left >= VW ? vf_load(p) : left > 0 ? vf_load_n(p, left) : vf_zero();
}

INLINE __m512i
to_bf16(vf low, vf high)
{
	return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

/* 32 values of a row. */
INLINE __m512i
row_pairs(const float *p, int64_t left)
{
	return to_bf16(load_left(p, left), load_left(p + VW, left - VW));
}

/* The first 16 values beside the last 16, value by value. */
INLINE __m512i
pairs_of(__m512i v)
{
	static const uint16_t order[32] = {
		0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
		8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
	};

	return _mm512_permutexvar_epi16(_mm512_loadu_si512(order), v);
}

/* 16 columns of two rows ld apart, value by value; rows: how many there are. */
INLINE __m512i
column_pairs(const float *p, int64_t ld, int64_t rows, int64_t cols)
{
	vf low = rows > 0 ? load_left(p, cols) : vf_zero();
	vf high = rows > 1 ? load_left(p + ld, cols) : vf_zero();

	return pairs_of(to_bf16(low, high));
}

/* c = alpha * acc + beta * c of VW columns, or of the `left` that are there. */
INLINE void
update_row(const struct jmicro *t, float *c, vf acc, int64_t left)
{
	vf alpha = vf_set1(t->alpha);

	if (t->beta == 0)
		acc = vf_mul(alpha, acc);
	else if (t->beta == 1)
		acc = vf_fma(alpha, acc, load_left(c, left));
	else
		acc = vf_fma(alpha, acc, vf_mul(vf_set1(t->beta), load_left(c, left)));
	if (left >= VW)
		vf_store(c, acc);
	else
		vf_store_n(c, acc, left);
}
