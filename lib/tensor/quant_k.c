/*
 * quant_k.c - decoding of the K types: 256 values in sub-blocks of 16 or 32, whose scales are
 * quantised themselves, and of the ternary types.
 *
 *	Q2_K  16 bytes scale | min << 4, 64 bytes q (2 bits), f16 d, f16 dmin
 *	Q3_K  32 bytes high bits, 64 bytes q (2 bits), 12 bytes of 16 6-bit scales, f16 d
 *	Q4_K  f16 d, f16 dmin, 12 bytes of 8 6-bit scales and minima, 128 bytes q (4 bits)
 *	Q5_K  the same with 32 bytes of fifth bits before q
 *	Q6_K  128 bytes low nibbles, 64 bytes high bit pairs, 16 i8 scales, f16 d
 *	Q8_K  f32 d, 256 i8, 16 i16 sums (never in a file)
 *	TQ1_0 52 bytes of five (the last four: four) ternary digits, f16 d
 *	TQ2_0 64 bytes of four ternary digits in 2 bits each, f16 d
 */
#include "base/jle.h"
#include "tensor/jtensor.h"
#include "tensor/quant.h"

static float
half_at(const unsigned char *p)
{
	return jten_f16_to_f32(jle_u16(p));
}

void
q2_k_decode(float *y, const unsigned char *b)
{
	const unsigned char *scales = b, *q = b + 16;
	float d = half_at(b + 80), dmin = half_at(b + 82);

	for (int i = 0; i < 256; i++) {
		int sub = i / 16, shift = i % 128 / 32 * 2;
		float dl = d * (float)(scales[sub] & 15), ml = dmin * (float)(scales[sub] >> 4);

		y[i] = dl * (float)(q[i / 128 * 32 + i % 32] >> shift & 3) - ml;
	}
}

/* Scale j of Q3_K: low nibbles in 8 bytes, pairs of high bits in the 4 bytes after. */
static int
q3_scale(const unsigned char *s, int j)
{
	int low = j < 8 ? s[j] & 15 : s[j - 8] >> 4;

	return (low | (s[8 + j % 4] >> (j / 4 * 2) & 3) << 4) - 32;
}

void
q3_k_decode(float *y, const unsigned char *b)
{
	const unsigned char *high = b, *q = b + 32, *scales = b + 96;
	float d = half_at(b + 108), dl = 0;

	for (int i = 0; i < 256; i++) {
		int low = q[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
		int top = high[i % 32] >> (i / 32) & 1;

		if (i % 16 == 0)
			dl = d * (float)q3_scale(scales, i / 16);
		y[i] = dl * (float)(low - (top ? 0 : 4));
	}
}

void
quant_scale_min(const unsigned char *s, int j, int *scale, int *min)
{
	if (j < 4) {
		*scale = s[j] & 63;
		*min = s[j + 4] & 63;
	} else {
		*scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
		*min = s[j + 4] >> 4 | (s[j] >> 6) << 4;
	}
}

void
q4_k_decode(float *y, const unsigned char *b)
{
	float d = half_at(b), dmin = half_at(b + 2);

	for (int j = 0; j < 8; j++) {
		const unsigned char *q = b + 16 + j / 2 * 32;
		int scale, min;
		float dl, ml;

		quant_scale_min(b + 4, j, &scale, &min);
		dl = d * (float)scale;
		ml = dmin * (float)min;
		for (int i = 0; i < 32; i++)
			y[32 * j + i] = dl * (float)(q[i] >> j % 2 * 4 & 15) - ml;
	}
}

void
q5_k_decode(float *y, const unsigned char *b)
{
	const unsigned char *high = b + 16;
	float d = half_at(b), dmin = half_at(b + 2);

	for (int j = 0; j < 8; j++) {
		const unsigned char *q = b + 48 + j / 2 * 32;
		int scale, min;
		float dl, ml;

		quant_scale_min(b + 4, j, &scale, &min);
		dl = d * (float)scale;
		ml = dmin * (float)min;
		for (int i = 0; i < 32; i++) {
			int v = (q[i] >> j % 2 * 4 & 15) | (high[i] >> j & 1) << 4;

			y[32 * j + i] = dl * (float)v - ml;
		}
	}
}

void
q6_k_decode(float *y, const unsigned char *b)
{
	const unsigned char *low = b, *high = b + 128;
	const signed char *scales = (const signed char *)b + 192;
	float d = half_at(b + 208), dl = 0;

	for (int i = 0; i < 256; i++) {
		int half = i / 128, quarter = i % 128 / 32;
		int nibble = low[64 * half + quarter % 2 * 32 + i % 32] >> quarter / 2 * 4 & 15;
		int pair = high[32 * half + i % 32] >> 2 * quarter & 3;

		if (i % 16 == 0)
			dl = d * (float)scales[i / 16];
		y[i] = dl * (float)((nibble | pair << 4) - 32);
	}
}

void
q8_k_decode(float *y, const unsigned char *b)
{
	float d = jle_f32(b);

	for (int i = 0; i < 256; i++)
		y[i] = d * (float)(signed char)b[4 + i];
}

/*
 * Ternary digits are kept as a fraction of 256: times 3^k (mod 256) brings digit k to the front,
 * and times 3 / 256 reads it.
 */
static float
trit(unsigned byte, int k, float d)
{
	static const unsigned power[] = { 1, 3, 9, 27, 81 };

	return d * (float)((int)((byte * power[k] & 255) * 3 >> 8) - 1);
}

void
tq1_0_decode(float *y, const unsigned char *b)
{
	float d = half_at(b + 52);

	for (int k = 0; k < 5; k++) {
		for (int i = 0; i < 32; i++)
			y[32 * k + i] = trit(b[i], k, d);
		for (int i = 0; i < 16; i++)
			y[160 + 16 * k + i] = trit(b[32 + i], k, d);
	}
	for (int i = 0; i < 16; i++)
		y[240 + i] = trit(b[48 + i % 4], i / 4, d);
}

void
tq2_0_decode(float *y, const unsigned char *b)
{
	float d = half_at(b + 64);

	for (int i = 0; i < 256; i++)
		y[i] = d * (float)((b[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3) - 1);
}
