/*
 * convert.c - values between fp32 and the storage types.  Stored values are little-endian.
 *
 * Q8_0 (ggml): blocks of 32 values, a little-endian f16 scale d and 32 signed bytes; x = d * q.
 * Quantising: d = max|x| / 127 in fp32, q = round(x * (1 / d)) with halves away from zero, then d is
 * rounded to f16.
 */
#include "tensor/jtensor.h"

#include <math.h>
#include <string.h>

#include "base/jle.h"
#include "tensor/jkern.h"

enum { Q8_VALUES = 32, Q8_BYTES = 34 };

static uint32_t
bits_of(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static float
float_of(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static double
f64_at(const unsigned char *p)
{
	uint64_t u = jle_u64(p);
	double d;

	memcpy(&d, &u, sizeof(d));
	return d;
}

float
jten_f16_to_f32(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, frac = h & 0x3ff;

	if (exp == 31)		/* infinity; NaN becomes quiet, as the processor does */
		return float_of(sign | 0x7f800000 | frac << 13 | (frac ? 0x400000 : 0));
	if (exp == 0) {
		float f = (float)frac * 0x1p-24f;

		return float_of(sign | bits_of(f));
	}
	return float_of(sign | (exp + 112) << 23 | frac << 13);
}

uint16_t
jten_f32_to_f16(float f)
{
	uint32_t u = bits_of(f), sign = u >> 16 & 0x8000, mag = u & 0x7fffffff;

	if (mag > 0x7f800000)
		return (uint16_t)(sign | 0x7e00 | (mag >> 13 & 0x3ff));
	if (mag >= 0x477ff000)	/* 65520 and more round to infinity */
		return (uint16_t)(sign | 0x7c00);
	if (mag < 0x38800000) {	/* below 2^-14: adding 0.5 leaves the rounded value in the low bits */
		uint32_t r = bits_of(float_of(mag) + 0.5f);

		return (uint16_t)(sign | (r - 0x3f000000));
	}
	mag += 0xfff + (mag >> 13 & 1);
	return (uint16_t)(sign | (mag - 0x38000000) >> 13);
}

uint16_t
jten_f32_to_bf16(float f)
{
	uint32_t u = bits_of(f);

	if ((u & 0x7fffffff) > 0x7f800000)
		return (uint16_t)(u >> 16 | 0x40);
	return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static void
q8_to_f32(float *dst, const unsigned char *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += Q8_VALUES, src += Q8_BYTES) {
		float d = jten_f16_to_f32(jle_u16(src));

		for (int j = 0; j < Q8_VALUES; j++)
			dst[i + j] = d * (float)(int8_t)src[2 + j];
	}
}

/* A NaN has no place in eight bits and becomes 0. */
static unsigned char
q8_round(float x)
{
	return x == x ? (unsigned char)(int8_t)roundf(x) : 0;
}

static void
f32_to_q8(unsigned char *dst, const float *src, int64_t n)
{
	for (int64_t i = 0; i < n; i += Q8_VALUES, dst += Q8_BYTES) {
		float top = 0, d, inv;

		for (int j = 0; j < Q8_VALUES; j++)
			top = fmaxf(top, fabsf(src[i + j]));
		d = top / 127.0f;
		inv = d != 0 ? 1.0f / d : 0.0f;
		jle_put16(dst, jten_f32_to_f16(d));
		for (int j = 0; j < Q8_VALUES; j++)
			dst[2 + j] = q8_round(src[i + j] * inv);
	}
}

void
jten_to_f32(float *dst, const void *src, enum jdtype dtype, int64_t n)
{
	const unsigned char *p = src;	/* may be unaligned: it may lie in a mapped file */

	switch (dtype) {
	case JDT_F32:
		memcpy(dst, src, (size_t)n * sizeof(float));
		break;
	case JDT_F16:
		jkern_get()->f16_to_f32(dst, src, n);
		break;
	case JDT_BF16:
		for (int64_t i = 0; i < n; i++)
			dst[i] = float_of((uint32_t)jle_u16(p + 2 * i) << 16);
		break;
	case JDT_Q8_0:
		q8_to_f32(dst, src, n);
		break;
	case JDT_I32:
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)(int32_t)jle_u32(p + 4 * i);
		break;
	case JDT_F64:
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)f64_at(p + 8 * i);
		break;
	case JDT_I64:
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)(int64_t)jle_u64(p + 8 * i);
		break;
	case JDT_U8:
		for (int64_t i = 0; i < n; i++)
			dst[i] = p[i];
		break;
	}
}

void
jten_from_f32(void *dst, enum jdtype dtype, const float *src, int64_t n)
{
	switch (dtype) {
	case JDT_F32:
		memcpy(dst, src, (size_t)n * sizeof(float));
		break;
	case JDT_F16:
		jkern_get()->f32_to_f16(dst, src, n);
		break;
	case JDT_BF16:
		for (int64_t i = 0; i < n; i++)
			((uint16_t *)dst)[i] = jten_f32_to_bf16(src[i]);
		break;
	case JDT_Q8_0:
		f32_to_q8(dst, src, n);
		break;
	case JDT_I32:
		for (int64_t i = 0; i < n; i++)
			((int32_t *)dst)[i] = (int32_t)src[i];
		break;
	case JDT_F64:
		for (int64_t i = 0; i < n; i++)
			((double *)dst)[i] = src[i];
		break;
	case JDT_I64:
		for (int64_t i = 0; i < n; i++)
			((int64_t *)dst)[i] = (int64_t)src[i];
		break;
	case JDT_U8:
		for (int64_t i = 0; i < n; i++)
			((uint8_t *)dst)[i] = (uint8_t)src[i];
		break;
	}
}
