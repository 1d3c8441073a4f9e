/*
 * vec_avx2.h - the vector vocabulary of body_*.h for AVX2 with FMA and F16C: 8 floats.
 *
 * Included once, by kern_avx2.c, after all system headers; it switches the compiler's target.
 */
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push( \
	__attribute__((target("avx2,fma,f16c"))), \
	apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

#define VW 8
#define MR 6		/* 6 x 2 accumulators, 2 of b, 1 of a: 15 of 16 registers */
#define FEW 4
#define INLINE static inline __attribute__((always_inline))

typedef __m256 vf;

INLINE vf vf_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void vf_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
INLINE vf vf_set1(float x) { return _mm256_set1_ps(x); }
INLINE vf vf_zero(void) { return _mm256_setzero_ps(); }
INLINE vf vf_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf vf_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf vf_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
INLINE vf vf_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf vf_div(vf a, vf b) { return _mm256_div_ps(a, b); }
/* NaN in b is kept by both. */
INLINE vf vf_max(vf a, vf b) { return _mm256_max_ps(a, b); }
INLINE vf vf_min(vf a, vf b) { return _mm256_min_ps(a, b); }
INLINE vf vf_recip(vf v) { return vf_div(vf_set1(1), v); }

INLINE float
vf_hsum(vf v)
{
	__m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	s = _mm_add_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

INLINE float
vf_hmax(vf v)
{
	__m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));

	s = _mm_max_ps(s, _mm_movehl_ps(s, s));
	return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

INLINE __m256i
first_lanes(int64_t n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n),
		_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

INLINE vf vf_load_n(const float *p, int64_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
INLINE void
vf_store_n(float *p, vf v, int64_t n)
{
	_mm256_maskstore_ps(p, first_lanes(n), v);
}

/* Lanes from n on become x. */
INLINE vf
vf_fill_n(vf v, int64_t n, float x)
{
	return _mm256_blendv_ps(_mm256_set1_ps(x), v, _mm256_castsi256_ps(first_lanes(n)));
}

INLINE __m256i
lanes(void)
{
	return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
}

/* For n a power of 2 below VW, lane i is lane i ^ n; lane from + i % n; b where i & n, else a. */
INLINE vf
vf_swap(vf v, int n)
{
	return _mm256_permutevar8x32_ps(v, _mm256_xor_si256(lanes(), _mm256_set1_epi32(n)));
}

INLINE vf
vf_repeat(vf v, int from, int n)
{
	__m256i i = _mm256_and_si256(lanes(), _mm256_set1_epi32(n - 1));

	return _mm256_permutevar8x32_ps(v, _mm256_add_epi32(i, _mm256_set1_epi32(from)));
}

INLINE vf
vf_every(vf a, vf b, int n)
{
	__m256i bit = _mm256_and_si256(lanes(), _mm256_set1_epi32(n));

	return _mm256_blendv_ps(a, b, _mm256_castsi256_ps(_mm256_cmpgt_epi32(bit, _mm256_setzero_si256())));
}

/* Lanes of v where from <= x < to, else those of none. */
INLINE vf
vf_between(vf v, vf x, vf from, vf to, vf none)
{
	__m256 in = _mm256_and_ps(_mm256_cmp_ps(from, x, _CMP_LE_OQ), _mm256_cmp_ps(x, to, _CMP_LT_OQ));

	return _mm256_blendv_ps(none, v, in);
}

/* p * 2^n for whole n in -126..127; 0 where x < lo. */
INLINE vf
vf_ldexp_above(vf p, vf n, vf x, vf lo)
{
	__m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
	__m256 y = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(e, 23)));

	return _mm256_andnot_ps(_mm256_cmp_ps(x, lo, _CMP_LT_OQ), y);
}

/* r[i] lane j <-> r[j] lane i. */
INLINE void
vf_transpose(vf r[VW])
{
	__m256 t[8];

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		t[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
		t[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
	}
#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		r[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
		r[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xee);
		r[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
		r[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xee);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		t[i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x20);
		t[4 + i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x31);
	}
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		r[i] = t[i];
}

#define HAVE_F16
INLINE vf
vf_from_f16(const void *p)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

INLINE void
vf_to_f16(uint16_t *p, vf v)
{
	_mm_storeu_si128((__m128i *)(void *)p,
		_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE vf
vf_from_i8(const int8_t *p)
{
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(
		(const __m128i *)(const void *)p)));
}

INLINE vf
vf_from_bf16(const uint16_t *p)
{
	__m256i u = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));

	return _mm256_castsi256_ps(_mm256_slli_epi32(u, 16));
}

/* The upper halves: of what vf_round_bf16() gives. */
INLINE void
vf_to_bf16(uint16_t *p, vf v)
{
	__m256i u = _mm256_srli_epi32(_mm256_castps_si256(v), 16);

	_mm_storeu_si128((__m128i *)(void *)p, _mm_packus_epi32(_mm256_castsi256_si128(u),
		_mm256_extracti128_si256(u, 1)));
}

/* To the nearest bf16, halves to even; NaN stays NaN. */
INLINE vf
vf_round_bf16(vf v)
{
	__m256i u = _mm256_castps_si256(v);
	__m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
	__m256i r = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));

	r = _mm256_and_si256(r, _mm256_set1_epi32((int)0xffff0000));
	return _mm256_blendv_ps(_mm256_castsi256_ps(r), v, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
}
