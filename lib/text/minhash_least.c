/* minhash_least.c - least of a * h + b mod 2^32: plain, AVX2, AVX-512. */
#include "text/minhash_internal.h"

#include "base/jsys.h"

void
minhash_least_ref(const struct jminhash *m, const uint32_t *h, size_t n, uint32_t *sig)
{
	int k = m->bands * m->rows, i;
	size_t j;

	for (j = 0; j < n; j++)
		for (i = 0; i < k; i++) {
			uint32_t v = m->a[i] * h[j] + m->b[i];

			sig[i] = v < sig[i] ? v : sig[i];
		}
}

#if defined(__x86_64__)

#include <immintrin.h>

/* 32 signatures stay in four registers over all hashes; a and b are as long as the largest k. */
__attribute__((target("avx2"))) static void
least_avx2(const struct jminhash *m, const uint32_t *h, size_t n, uint32_t *sig)
{
	int k = m->bands * m->rows, i, r;
	uint32_t out[32];
	size_t j;

	for (i = 0; i < k; i += 32) {
		__m256i a[4], b[4], least[4];

		for (r = 0; r < 4; r++) {
			a[r] = _mm256_loadu_si256((const __m256i *)(const void *)(m->a + i + 8 * r));
			b[r] = _mm256_loadu_si256((const __m256i *)(const void *)(m->b + i + 8 * r));
			least[r] = _mm256_set1_epi32(-1);
		}
		for (j = 0; j < n; j++) {
			__m256i x = _mm256_set1_epi32((int)h[j]);

			for (r = 0; r < 4; r++)
				least[r] = _mm256_min_epu32(least[r],
					_mm256_add_epi32(_mm256_mullo_epi32(a[r], x), b[r]));
		}
		for (r = 0; r < 4; r++)
			_mm256_storeu_si256((__m256i *)(void *)(out + 8 * r), least[r]);
		for (r = 0; r < 32 && i + r < k; r++)
			sig[i + r] = out[r] < sig[i + r] ? out[r] : sig[i + r];
	}
}

__attribute__((target("avx512f"))) static void
least_avx512(const struct jminhash *m, const uint32_t *h, size_t n, uint32_t *sig)
{
	int k = m->bands * m->rows, i, r;
	uint32_t out[128];
	size_t j;

	for (i = 0; i < k; i += 128) {
		__m512i a[8], b[8], least[8];

		for (r = 0; r < 8; r++) {
			a[r] = _mm512_loadu_si512(m->a + i + 16 * r);
			b[r] = _mm512_loadu_si512(m->b + i + 16 * r);
			least[r] = _mm512_set1_epi32(-1);
		}
		for (j = 0; j < n; j++) {
			__m512i x = _mm512_set1_epi32((int)h[j]);

			for (r = 0; r < 8; r++)
				least[r] = _mm512_min_epu32(least[r],
					_mm512_add_epi32(_mm512_mullo_epi32(a[r], x), b[r]));
		}
		for (r = 0; r < 8; r++)
			_mm512_storeu_si512(out + 16 * r, least[r]);
		for (r = 0; r < 128 && i + r < k; r++)
			sig[i + r] = out[r] < sig[i + r] ? out[r] : sig[i + r];
	}
}

void
minhash_least(const struct jminhash *m, const uint32_t *h, size_t n, uint32_t *sig)
{
	unsigned f = jsys_features();

	if (f & JCPU_AVX512)
		least_avx512(m, h, n, sig);
	else if (f & JCPU_AVX2)
		least_avx2(m, h, n, sig);
	else
		minhash_least_ref(m, h, n, sig);
}

#else

void
minhash_least(const struct jminhash *m, const uint32_t *h, size_t n, uint32_t *sig)
{
	minhash_least_ref(m, h, n, sig);
}

#endif
