/*
 * quant.c - the table of block types, and rows of blocks.
 */
#include "tensor/jquant.h"

#include <stddef.h>

#include "base/jerr.h"
#include "tensor/quant.h"

static const struct {
	quant_decode_fn *decode;
	quant_encode_fn *encode;	/* NULL: read only */
} codecs[JDT_COUNT] = {
	[JDT_Q4_0] = { q4_0_decode, q4_0_encode },
	[JDT_Q4_1] = { q4_1_decode, q4_1_encode },
	[JDT_Q5_0] = { q5_0_decode, q5_0_encode },
	[JDT_Q5_1] = { q5_1_decode, q5_1_encode },
	[JDT_Q8_0] = { q8_0_decode, q8_0_encode },
	[JDT_Q8_1] = { q8_1_decode, NULL },
	[JDT_Q2_K] = { q2_k_decode, NULL },
	[JDT_Q3_K] = { q3_k_decode, NULL },
	[JDT_Q4_K] = { q4_k_decode, q4_k_encode },
	[JDT_Q5_K] = { q5_k_decode, q5_k_encode },
	[JDT_Q6_K] = { q6_k_decode, q6_k_encode },
	[JDT_Q8_K] = { q8_k_decode, NULL },
	[JDT_IQ1_S] = { iq1_s_decode, NULL },
	[JDT_IQ1_M] = { iq1_m_decode, NULL },
	[JDT_IQ2_XXS] = { iq2_xxs_decode, NULL },
	[JDT_IQ2_XS] = { iq2_xs_decode, NULL },
	[JDT_IQ2_S] = { iq2_s_decode, NULL },
	[JDT_IQ3_XXS] = { iq3_xxs_decode, NULL },
	[JDT_IQ3_S] = { iq3_s_decode, NULL },
	[JDT_IQ4_NL] = { iq4_nl_decode, NULL },
	[JDT_IQ4_XS] = { iq4_xs_decode, NULL },
	[JDT_TQ1_0] = { tq1_0_decode, NULL },
	[JDT_TQ2_0] = { tq2_0_decode, NULL },
	[JDT_MXFP4] = { mxfp4_decode, NULL },
	[JDT_NVFP4] = { nvfp4_decode, NULL },
};

bool
jdtype_is_block(enum jdtype d)
{
	return codecs[d].decode != NULL;
}

bool
jquant_encodes(enum jdtype d)
{
	return codecs[d].encode != NULL;
}

void
jquant_decode(float *dst, enum jdtype d, const void *src, int64_t n)
{
	quant_decode_fn *decode = codecs[d].decode;
	int64_t values = jdtype_values(d);
	const unsigned char *p = src;

	for (int64_t i = 0; i < n; i += values, p += jdtype_bytes(d))
		decode(dst + i, p);
}

static float
mean_square(const float *x, int64_t n)
{
	double sum = 0;

	for (int64_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)x[i];
	return n ? (float)(sum / (double)n) : 0;
}

void
jquant_encode(void *dst, enum jdtype d, const float *src, int64_t n, const float *importance)
{
	quant_encode_fn *encode = codecs[d].encode;
	float sigma2 = importance ? mean_square(src, n) : 0;
	int64_t values = jdtype_values(d);
	unsigned char *p = dst;

	if (!encode)
		jbug("no encoder for %s", jdtype_name(d));
	for (int64_t i = 0; i < n; i += values, p += jdtype_bytes(d))
		encode(p, src + i, importance ? importance + i : NULL, sigma2);
}
