/*
 * quant_small.c - block types with one scale a block: 32 values (NVFP4: 64 with four scales).
 *
 *	Q4_0  f16 d, 16 bytes           x = d (q - 8)     low nibbles are values 0-15, high ones 16-31
 *	Q4_1  f16 d, f16 m, 16 bytes    x = d q + m
 *	Q5_0  f16 d, u32 h, 16 bytes    x = d (q - 16)    bit i of h is the fifth bit of value i
 *	Q5_1  f16 d, f16 m, u32 h, 16 bytes
 *	Q8_0  f16 d, 32 i8              x = d q
 *	Q8_1  f16 d, f16 sum, 32 i8     x = d q           never in a file
 *	IQ4_NL  as Q4_0, x = d nl4[q]
 *	MXFP4   8-bit exponent, 16 bytes: E2M1 values (OCP Microscaling Formats 1.0)
 *	NVFP4   4 unsigned E4M3 scales, each for 16 values in 8 bytes
 */
#include <math.h>

#include "base/jle.h"
#include "tensor/jtensor.h"
#include "tensor/quant.h"

const signed char quant_nl4[16] = {
	-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
};

/* E2M1, doubled to be whole. */
static const signed char e2m1[16] = { 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 };

static float
half_at(const unsigned char *p)
{
	return jten_f16_to_f32(jle_u16(p));
}

void
q4_0_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int i = 0; i < 16; i++) {
		y[i] = d * (float)((b[2 + i] & 15) - 8);
		y[i + 16] = d * (float)((b[2 + i] >> 4) - 8);
	}
}

void
q4_1_decode(float *y, const unsigned char *b)
{
	float d = half_at(b), m = half_at(b + 2);

	for (int i = 0; i < 16; i++) {
		y[i] = d * (float)(b[4 + i] & 15) + m;
		y[i + 16] = d * (float)(b[4 + i] >> 4) + m;
	}
}

/* The five bits of value i: nibbles at q, fifth bits in h. */
static int
five(const unsigned char *q, uint32_t h, int i)
{
	int low = i < 16 ? q[i] & 15 : q[i - 16] >> 4;

	return low | (int)(h >> i & 1) << 4;
}

void
q5_0_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);
	uint32_t h = jle_u32(b + 2);

	for (int i = 0; i < 32; i++)
		y[i] = d * (float)(five(b + 6, h, i) - 16);
}

void
q5_1_decode(float *y, const unsigned char *b)
{
	float d = half_at(b), m = half_at(b + 2);
	uint32_t h = jle_u32(b + 4);

	for (int i = 0; i < 32; i++)
		y[i] = d * (float)five(b + 8, h, i) + m;
}

void
q8_0_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int i = 0; i < 32; i++)
		y[i] = d * (float)(signed char)b[2 + i];
}

void
q8_1_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int i = 0; i < 32; i++)
		y[i] = d * (float)(signed char)b[4 + i];
}

void
iq4_nl_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int i = 0; i < 16; i++) {
		y[i] = d * (float)quant_nl4[b[2 + i] & 15];
		y[i + 16] = d * (float)quant_nl4[b[2 + i] >> 4];
	}
}

/* Half of 2^(e - 127), because the values are doubled. */
static float
e8m0_half(unsigned e)
{
	uint32_t u = e < 2 ? (uint32_t)0x00200000 << e : (uint32_t)(e - 1) << 23;
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

void
mxfp4_decode(float *y, const unsigned char *b)
{
	float d = e8m0_half(b[0]);

	for (int i = 0; i < 16; i++) {
		y[i] = d * (float)e2m1[b[1 + i] & 15];
		y[i + 16] = d * (float)e2m1[b[1 + i] >> 4];
	}
}

static float
ue4m3_half(unsigned v)
{
	unsigned e = v >> 3 & 15;
	float m = (float)(v & 7);

	if (v == 0 || v == 0x7f)
		return 0;
	return e ? ldexpf(1 + m / 8, (int)e - 8) : m * 0x1p-10f;
}

void
nvfp4_decode(float *y, const unsigned char *b)
{
	for (int s = 0; s < 4; s++) {
		float d = ue4m3_half(b[s]);

		for (int i = 0; i < 8; i++) {
			unsigned q = b[4 + 8 * s + i];

			y[16 * s + i] = d * (float)e2m1[q & 15];
			y[16 * s + 8 + i] = d * (float)e2m1[q >> 4];
		}
	}
}
