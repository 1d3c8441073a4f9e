/* packed_vnni.c - products with packed weights for AVX-512 with VNNI; empty on other machines. */
#include "tensor/packed.h"

#if defined(__x86_64__)

#include <string.h>

#include "base/jsys.h"
#define VEC_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c"
#include "tensor/vec_avx512.h"

#define PACK_ROWS 8
#define PACK_ZERO_Q8 128

typedef __m512i vb;
typedef __m512i vi;

INLINE vb vb_load(const unsigned char *p) { return _mm512_loadu_si512(p); }
INLINE vb vb_low(vb v) { return _mm512_and_si512(v, _mm512_set1_epi8(15)); }
INLINE vb vb_high(vb v) { return vb_low(_mm512_srli_epi16(v, 4)); }
INLINE vi vi_set1(int32_t x) { return _mm512_set1_epi32(x); }
INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
INLINE int32_t vi_hsum(vi v) { return _mm512_reduce_add_epi32(v); }
INLINE vi vi_round(vf v) { return _mm512_cvtps_epi32(v); }
INLINE vf vi_float(vi v) { return _mm512_cvtepi32_ps(v); }
INLINE vi vi_dot(vi s, vb w, vi x) { return _mm512_dpbusd_epi32(s, w, x); }
INLINE vi vi_dot_q8(vi s, vb w, vi x) { return _mm512_dpbusd_epi32(s, w, x); }
INLINE vf vf_halves(const unsigned char *p) { return vf_from_f16(p); }

/* Bits 2 j and 2 j + 1 of v, moved to 4 and 5. */
INLINE vb
vb_or_bits(vb w, vb v, const int j)
{
	v = j == 0 ? _mm512_slli_epi16(v, 4) : j == 1 ? _mm512_slli_epi16(v, 2)
		: j == 2 ? v : _mm512_srli_epi16(v, 2);
	return _mm512_or_si512(w, _mm512_and_si512(v, _mm512_set1_epi8(48)));
}

/* Bit i of v, moved to 4. */
INLINE vb
vb_or_bit(vb w, vb v, const int i)
{
	v = i < 4 ? _mm512_slli_epi16(v, (unsigned)(4 - i) & 7)
		: _mm512_srli_epi16(v, (unsigned)(i - 4) & 7);
	return _mm512_or_si512(w, _mm512_and_si512(v, _mm512_set1_epi8(16)));
}

INLINE void
vi_store_bytes(int8_t *p, vi v)
{
	_mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtsepi32_epi8(v));
}

INLINE vi
vi_from_u8(const unsigned char *p)
{
	return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}

INLINE vi
vi_from_i8(const unsigned char *p)
{
	return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}

INLINE vf
vf_brains(const unsigned char *p)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);

	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

#include "tensor/body_packed.h"

const struct packed_ops packed_vnni = PACKED_OPS("vnni", JCPU_AVX512 | JCPU_AVX512_VNNI);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
