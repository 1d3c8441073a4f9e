/*
 * kern_amx3.c - the matrix product in fp32 from tiles of bf16; an empty file on machines and
 * compilers without.
 *
 * A value x is the sum of three bf16, exactly: h = x cut to 8 bits, m = x - h rounded to 8, l = x - h
 * - m.  Of the nine products hh, hm, mh, mm, hl and lh are taken; ml, lm and ll are less than 2^-22
 * of |x y| together, and of either sign.  Products of bf16 are exact in fp32, so only sums round.  The
 * five small products of a whole block of k are summed first, where rounding costs 2^-7 of what it
 * costs later, then hh: the sum rounds once a pair of k, half as often as a chain of fp32
 * multiply-adds.  (G. Henry, P. T. P. Tang, A. Heinecke, "Leveraging the bfloat16 Artificial
 * Intelligence Datatype For Higher-Precision Computations", ARITH 2019.)
 *
 * What differs from a chain of multiply-adds: a product with an infinity is NaN, and parts below the
 * least normal number, 2^-126, are 0.
 */
#include "tensor/kern.h"

#if defined(__x86_64__)

#include "base/jsys.h"
#define VEC_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma,f16c,prfchw"
#include "tensor/vec_bf16.h"

enum { PARTS = 3, PRODUCTS = 6, PAIR = 16 };

/* The upper halves of 16 values as they are. */
INLINE vf
cut(vf v)
{
	return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(v),
		_mm512_set1_epi32((int)0xffff0000)));
}

/* To 8 bits, halves away from 0. */
INLINE vf
rounded(vf v)
{
	return cut(_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(v),
		_mm512_set1_epi32(0x8000))));
}

/* The upper halves of low and high side by side. */
INLINE __m512i
upper(vf low, vf high)
{
	return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(_mm512_castps_si512(low), 16),
		_mm512_castps_si512(high));
}

INLINE void
parts_of_pair(__m512i x[3], vf low, vf high)
{
	vf l1 = vf_sub(low, cut(low)), h1 = vf_sub(high, cut(high));
	vf l2 = rounded(l1), h2 = rounded(h1);

	x[0] = upper(low, high);
	x[1] = upper(l2, h2);
	x[2] = upper(vf_sub(l1, l2), vf_sub(h1, h2));
}

INLINE void
parts_of_row(__m512i x[3], vf low, vf high)
{
	parts_of_pair(x, low, high);
}

INLINE void sum_rest(const char *a, const char *b, int64_t kc, bool low, bool right);

#include "tensor/body_amx.h"

/* lh mh mm hm hl: between two products only one side changes. */
INLINE void
sum_rest(const char *a, const char *b, int64_t kc, bool low, bool right)
{
	enum { M = 2 * BYTES, L = 4 * BYTES };

	for (int64_t k = 0; k < kc; k += CHUNK, a += STEP, b += STEP) {
		load_b(b, right);
		load_a(a + L, low);
		multiply_tiles(low, right);
		load_a(a + M, low);
		multiply_tiles(low, right);
		load_b(b + M, right);
		multiply_tiles(low, right);
		load_a(a, low);
		multiply_tiles(low, right);
		load_b(b + L, right);
		multiply_tiles(low, right);
	}
}

const struct jkern jkern_amx3 = AMX_TABLE("amx3", 768);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
