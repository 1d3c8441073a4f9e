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
#define VEC_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma,f16c"
#include "tensor/vec_bf16.h"

enum { PARTS = 3, PRODUCTS = 6 };

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

/* The upper halves of low and high, as `order` says. */
INLINE __m512i
upper(vf low, __m512i order, vf high)
{
	return _mm512_permutex2var_epi16(_mm512_castps_si512(low), order,
		_mm512_castps_si512(high));
}

INLINE void
three_parts(__m512i x[3], vf low, vf high, __m512i order)
{
	vf l1 = vf_sub(low, cut(low)), h1 = vf_sub(high, cut(high));
	vf l2 = rounded(l1), h2 = rounded(h1);

	x[0] = upper(low, order, high);
	x[1] = upper(l2, order, h2);
	x[2] = upper(vf_sub(l1, l2), order, vf_sub(h1, h2));
}

INLINE void
parts_in_order(__m512i x[3], vf low, vf high)
{
	static const uint16_t order[32] = {
		1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
		33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63
	};

	three_parts(x, low, high, _mm512_loadu_si512(order));
}

INLINE void
parts_in_pairs(__m512i x[3], vf low, vf high)
{
	static const uint16_t order[32] = {
		1, 33, 3, 35, 5, 37, 7, 39, 9, 41, 11, 43, 13, 45, 15, 47,
		17, 49, 19, 51, 21, 53, 23, 55, 25, 57, 27, 59, 29, 61, 31, 63
	};

	three_parts(x, low, high, _mm512_loadu_si512(order));
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
