/*
 * vec_avx512.h - the vector vocabulary of body_*.h for AVX-512 (F, BW, VL, DQ): 16 floats.
 *
 * Included after all system headers; it switches the compiler's target, to VEC_TARGET where the file
 * has defined one with more in it.
 */
#include <immintrin.h>

#ifndef VEC_TARGET
#define VEC_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"
#endif
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target(VEC_TARGET))), apply_to = function)
#else
#pragma GCC push_options
#define VEC_PRAGMA(x) _Pragma(#x)
#define VEC_SWITCH(features) VEC_PRAGMA(GCC target(features))
VEC_SWITCH(VEC_TARGET)
#endif

#define VW 16
#define MR 14		/* 14 x 2 accumulators, 2 of b, 1 of a: 31 of 32 registers */
#define FEW 8
#define INLINE static inline __attribute__((always_inline))

typedef __m512 vf;

INLINE vf vf_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void vf_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
INLINE vf vf_set1(float x) { return _mm512_set1_ps(x); }
INLINE vf vf_zero(void) { return _mm512_setzero_ps(); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf vf_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm512_div_ps(a, b); }
/* NaN in b is kept by both. */
INLINE vf vf_max(vf a, vf b) { return _mm512_max_ps(a, b); }
INLINE vf vf_min(vf a, vf b) { return _mm512_min_ps(a, b); }
/* 1 / v within an ulp or two, for v from 1 on that is finite; NaN stays NaN. */
INLINE vf
vf_recip(vf v)
{
	vf r = _mm512_rcp14_ps(v);

	return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(v, r, _mm512_set1_ps(1)), r);
}

INLINE float vf_hsum(vf v) { return _mm512_reduce_add_ps(v); }
INLINE float vf_hmax(vf v) { return _mm512_reduce_max_ps(v); }

INLINE vf
vf_load_n(const float *p, int64_t n)
{
	return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

INLINE void
vf_store_n(float *p, vf v, int64_t n)
{
	_mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), v);
}

/* Lanes from n on become x. */
INLINE vf
vf_fill_n(vf v, int64_t n, float x)
{
	return _mm512_mask_blend_ps((__mmask16)((1u << n) - 1), _mm512_set1_ps(x), v);
}

INLINE __m512i
lanes(void)
{
	return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/* For n a power of 2 below VW, lane i is lane i ^ n; lane from + i % n; b where i & n, else a. */
INLINE vf
vf_swap(vf v, int n)
{
	return _mm512_permutexvar_ps(_mm512_xor_si512(lanes(), _mm512_set1_epi32(n)), v);
}

INLINE vf
vf_repeat(vf v, int from, int n)
{
	__m512i i = _mm512_and_si512(lanes(), _mm512_set1_epi32(n - 1));

	return _mm512_permutexvar_ps(_mm512_add_epi32(i, _mm512_set1_epi32(from)), v);
}

INLINE vf
vf_every(vf a, vf b, int n)
{
	return _mm512_mask_blend_ps(_mm512_test_epi32_mask(lanes(), _mm512_set1_epi32(n)), a, b);
}

/* Lanes of v where from <= x < to, else those of none. */
INLINE vf
vf_between(vf v, vf x, vf from, vf to, vf none)
{
	__mmask16 in = _mm512_cmp_ps_mask(from, x, _CMP_LE_OQ);

	return _mm512_mask_blend_ps(_mm512_mask_cmp_ps_mask(in, x, to, _CMP_LT_OQ), none, v);
}

/* p * 2^n for whole n; 0 where x < lo. */
INLINE vf
vf_ldexp_above(vf p, vf n, vf x, vf lo)
{
	return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, lo, _CMP_NLT_UQ), p, n);
}

/* r[i] lane j <-> r[j] lane i. */
INLINE void
vf_transpose(vf r[VW])
{
	__m512 t[16];

#pragma GCC unroll 8
	for (int i = 0; i < 8; i++) {
		t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
		t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		__m512d a = _mm512_castps_pd(t[4 * i]), b = _mm512_castps_pd(t[4 * i + 1]);
		__m512d c = _mm512_castps_pd(t[4 * i + 2]), d = _mm512_castps_pd(t[4 * i + 3]);

		r[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
		r[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
		r[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
		r[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		t[i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0x88);
		t[4 + i] = _mm512_shuffle_f32x4(r[i], r[4 + i], 0xdd);
		t[8 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0x88);
		t[12 + i] = _mm512_shuffle_f32x4(r[8 + i], r[12 + i], 0xdd);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88);
		r[8 + i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0xdd);
		r[4 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88);
		r[12 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xdd);
	}
}

/* Rows shorter than a register, four values of VW rows at a time. */
#define HAVE_FOURS

/* Values 0..3 of rows 0, 4, 8 and 12, and back. */
INLINE vf
vf_load_fours(const float *p, int64_t ld)
{
	__m512 v = _mm512_castps128_ps512(_mm_loadu_ps(p));

	v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 4 * ld), 1);
	v = _mm512_insertf32x4(v, _mm_loadu_ps(p + 8 * ld), 2);
	return _mm512_insertf32x4(v, _mm_loadu_ps(p + 12 * ld), 3);
}

INLINE void
vf_store_fours(float *p, int64_t ld, vf v)
{
	_mm_storeu_ps(p, _mm512_castps512_ps128(v));
	_mm_storeu_ps(p + 4 * ld, _mm512_extractf32x4_ps(v, 1));
	_mm_storeu_ps(p + 8 * ld, _mm512_extractf32x4_ps(v, 2));
	_mm_storeu_ps(p + 12 * ld, _mm512_extractf32x4_ps(v, 3));
}

/* Four values of r[i], rows i, i + 4, ..., turned: r[i] = value i of all rows in order; and back. */
INLINE void
vf_turn_fours(vf r[4])
{
	__m512d a = _mm512_castps_pd(_mm512_unpacklo_ps(r[0], r[1]));
	__m512d b = _mm512_castps_pd(_mm512_unpackhi_ps(r[0], r[1]));
	__m512d c = _mm512_castps_pd(_mm512_unpacklo_ps(r[2], r[3]));
	__m512d d = _mm512_castps_pd(_mm512_unpackhi_ps(r[2], r[3]));

	r[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
	r[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
	r[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
	r[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
}

#define HAVE_F16
INLINE vf
vf_from_f16(const void *p)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

INLINE void
vf_to_f16(uint16_t *p, vf v)
{
	_mm256_storeu_si256((__m256i *)(void *)p,
		_mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE vf
vf_from_i8(const int8_t *p)
{
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(
		(const __m128i *)(const void *)p)));
}

INLINE vf
vf_from_bf16(const uint16_t *p)
{
	__m512i u = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));

	return _mm512_castsi512_ps(_mm512_slli_epi32(u, 16));
}

/* The upper halves: of what vf_round_bf16() gives. */
INLINE void
vf_to_bf16(uint16_t *p, vf v)
{
	_mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(
		_mm512_castps_si512(v), 16)));
}

/* To the nearest bf16, halves to even; NaN stays NaN. */
INLINE vf
vf_round_bf16(vf v)
{
	__m512i u = _mm512_castps_si512(v);
	__m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
	__m512i r = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));

	r = _mm512_and_si512(r, _mm512_set1_epi32((int)0xffff0000));
	return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), _mm512_castsi512_ps(r), v);
}
