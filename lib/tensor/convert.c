/*
 * convert.c - values between fp32 and the storage types.  Stored values are little-endian.
 * Block types are in quant.c.
 */
#include "tensor/jtensor.h"

#include <math.h>
#include <string.h>

#include "base/jle.h"
#include "tensor/jkern.h"
#include "tensor/jquant.h"

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

/* E4M3 of "FP8 Formats for Deep Learning" (Micikevicius et al. 2022): no infinity, one NaN. */
static float
e4m3_to_f32(unsigned v)
{
	unsigned e = v >> 3 & 15;
	float m = (float)(v & 7), f;

	if ((v & 0x7f) == 0x7f)
		f = float_of(0x7fc00000);
	else
		f = e ? ldexpf(1 + m / 8, (int)e - 7) : m * 0x1p-9f;
	return v & 0x80 ? -f : f;
}

static void
floats_to_f32(float *dst, const unsigned char *p, enum jdtype dtype, int64_t n)
{
	if (dtype == JDT_BF16)
		for (int64_t i = 0; i < n; i++)
			dst[i] = float_of((uint32_t)jle_u16(p + 2 * i) << 16);
	else if (dtype == JDT_F64)
		for (int64_t i = 0; i < n; i++)
			dst[i] = (float)f64_at(p + 8 * i);
	else if (dtype == JDT_F8_E4M3)
		for (int64_t i = 0; i < n; i++)
			dst[i] = e4m3_to_f32(p[i]);
	else	/* F8_E5M2: the upper byte of an F16 */
		for (int64_t i = 0; i < n; i++)
			dst[i] = jten_f16_to_f32((uint16_t)(p[i] << 8));
}

static float
int_at(const unsigned char *p, enum jdtype dtype)
{
	switch (dtype) {
	case JDT_I8:
		return (float)(int8_t)*p;
	case JDT_I16:
		return (float)(int16_t)jle_u16(p);
	case JDT_I32:
		return (float)(int32_t)jle_u32(p);
	case JDT_I64:
		return (float)(int64_t)jle_u64(p);
	case JDT_U16:
		return (float)jle_u16(p);
	case JDT_U32:
		return (float)jle_u32(p);
	case JDT_U64:
		return (float)jle_u64(p);
	default:
		return (float)*p;
	}
}

void
jten_to_f32(float *dst, const void *src, enum jdtype dtype, int64_t n)
{
	const unsigned char *p = src;	/* may be unaligned: it may lie in a mapped file */

	if (jdtype_is_block(dtype)) {
		jquant_decode(dst, dtype, src, n);
		return;
	}
	switch (dtype) {
	case JDT_F32:
		memcpy(dst, src, (size_t)n * sizeof(float));
		break;
	case JDT_F16:
		jkern_get()->f16_to_f32(dst, src, n);
		break;
	case JDT_BF16: case JDT_F64: case JDT_F8_E4M3: case JDT_F8_E5M2:
		floats_to_f32(dst, p, dtype, n);
		break;
	default:
		for (int64_t i = 0; i < n; i++)
			dst[i] = int_at(p + i * jdtype_bytes(dtype), dtype);
		break;
	}
}

static void
put_int(unsigned char *p, enum jdtype dtype, float v)
{
	int64_t i = (int64_t)v;

	switch (jdtype_bytes(dtype)) {
	case 1:
		*p = dtype == JDT_BOOL ? i != 0 : (unsigned char)i;
		break;
	case 2:
		jle_put16(p, (uint16_t)i);
		break;
	case 4:
		jle_put32(p, (uint32_t)i);
		break;
	default:
		jle_put64(p, (uint64_t)i);
		break;
	}
}

void
jten_from_f32(void *dst, enum jdtype dtype, const float *src, int64_t n)
{
	unsigned char *p = dst;

	if (jdtype_is_block(dtype)) {
		jquant_encode(dst, dtype, src, n, NULL);
		return;
	}
	switch (dtype) {
	case JDT_F32:
		memcpy(dst, src, (size_t)n * sizeof(float));
		break;
	case JDT_F16:
		jkern_get()->f32_to_f16(dst, src, n);
		break;
	case JDT_BF16:
		for (int64_t i = 0; i < n; i++)
			jle_put16(p + 2 * i, jten_f32_to_bf16(src[i]));
		break;
	case JDT_F64:
		for (int64_t i = 0; i < n; i++) {
			double v = (double)src[i];

			memcpy(p + 8 * i, &v, sizeof(v));
		}
		break;
	case JDT_F8_E4M3: case JDT_F8_E5M2:
		jbug("nothing is written as %s", jdtype_name(dtype));
	default:
		for (int64_t i = 0; i < n; i++)
			put_int(p + i * jdtype_bytes(dtype), dtype, src[i]);
		break;
	}
}
