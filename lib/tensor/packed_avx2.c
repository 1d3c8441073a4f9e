/* packed_avx2.c - products with packed weights for AVX2; empty on other machines. */
#include "tensor/packed.h"

#if defined(__x86_64__)

#include <string.h>

#include "base/jsys.h"
#include "tensor/vec_avx2.h"

#define PACK_ROWS 4
#define PACK_ZERO_Q8 0

typedef __m256i vb;
typedef __m256i vi;

INLINE vb vb_load(const unsigned char *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
INLINE vb vb_low(vb v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }
INLINE vb vb_high(vb v) { return vb_low(_mm256_srli_epi16(v, 4)); }
INLINE vi vi_set1(int32_t x) { return _mm256_set1_epi32(x); }
INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
INLINE vi vi_round(vf v) { return _mm256_cvtps_epi32(v); }
INLINE vf vi_float(vi v) { return _mm256_cvtepi32_ps(v); }
INLINE vf vf_halves(const unsigned char *p) { return vf_from_f16(p); }

/* Bytes of w up to 63: two products of a pair fit 16 bits. */
INLINE vi
vi_dot(vi s, vb w, vi x)
{
	vi pairs = _mm256_maddubs_epi16(w, x);

	return _mm256_add_epi32(s, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* w holds q + 128.  The sign of q goes to x, whose bytes are at least -127. */
INLINE vi
vi_dot_q8(vi s, vb w, vi x)
{
	vb q = _mm256_xor_si256(w, _mm256_set1_epi8((char)-128));

	return vi_dot(s, _mm256_abs_epi8(q), _mm256_sign_epi8(x, q));
}

/* Bits 2 j and 2 j + 1 of v, moved to 4 and 5. */
INLINE vb
vb_or_bits(vb w, vb v, const int j)
{
	v = j == 0 ? _mm256_slli_epi16(v, 4) : j == 1 ? _mm256_slli_epi16(v, 2)
		: j == 2 ? v : _mm256_srli_epi16(v, 2);
	return _mm256_or_si256(w, _mm256_and_si256(v, _mm256_set1_epi8(48)));
}

/* Bit i of v, moved to 4. */
INLINE vb
vb_or_bit(vb w, vb v, const int i)
{
	v = i < 4 ? _mm256_slli_epi16(v, (unsigned)(4 - i) & 7)
		: _mm256_srli_epi16(v, (unsigned)(i - 4) & 7);
	return _mm256_or_si256(w, _mm256_and_si256(v, _mm256_set1_epi8(16)));
}

INLINE int32_t
vi_hsum(vi v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

INLINE void
vi_store_bytes(int8_t *p, vi v)
{
	__m128i s = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	_mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(s, s));
}

INLINE vi
vi_from_u8(const unsigned char *p)
{
	return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

INLINE vi
vi_from_i8(const unsigned char *p)
{
	return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

INLINE vf
vf_brains(const unsigned char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);

	return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
}

#include "tensor/body_packed.h"

const struct packed_ops packed_avx2 = PACKED_OPS("avx2", JCPU_AVX2);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
