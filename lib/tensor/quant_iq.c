/*
 * quant_iq.c - decoding of the IQ types: 256 values, eight (IQ3: four) at a time taken from a code
 * book of magnitudes, with their signs beside.  Where 7 bits give the signs of eight values, the
 * eighth makes the number of minus signs even.
 *
 *	IQ2_XXS  f16 d, 8 x (4 book bytes, u32: 4 x 7 sign bits, 4 bits scale)
 *	IQ2_XS   f16 d, 32 u16 (9 bits book, 7 sign bits), 8 bytes of 4-bit scales
 *	IQ2_S    f16 d, 32 bytes book, 32 bytes signs, 8 bytes high book bits, 8 bytes of 4-bit scales
 *	IQ3_XXS  f16 d, 64 bytes book, 8 u32 as in IQ2_XXS
 *	IQ3_S    f16 d, 64 bytes book, 8 bytes high book bits, 32 bytes signs, 4 bytes of 4-bit scales
 *	IQ1_S    f16 d, 32 bytes book, 8 u16: 4 x 3 high book bits, 3 bits scale, sign of the shift
 *	IQ1_M    32 bytes book, 16 bytes (3 high book bits, sign of the shift) x 2, 4 u16 whose top
 *	         nibbles are d (f16) and whose other bits are 16 3-bit scales
 *	IQ4_XS   f16 d, u16 high scale bits, 4 bytes low ones, 128 bytes of indices into nl4
 */
#include "base/jle.h"
#include "tensor/jtensor.h"
#include "tensor/quant.h"

static const float iq2_values[4] = { 8, 25, 43, 0 };
static const float iq3_xxs_values[8] = { 4, 12, 20, 28, 36, 44, 52, 62 };
static const float iq3_s_values[8] = { 1, 3, 5, 7, 9, 11, 13, 15 };

static float
half_at(const unsigned char *p)
{
	return jten_f16_to_f32(jle_u16(p));
}

static unsigned
even_signs(unsigned seven)
{
	unsigned odd = seven ^ seven >> 4;

	odd ^= odd >> 2;
	odd ^= odd >> 1;
	return seven | (odd & 1) << 7;
}

/* Eight values of a point with 2 bits each. */
static void
put8(float *y, unsigned point, unsigned signs, float d)
{
	for (int i = 0; i < 8; i++) {
		float v = d * iq2_values[point >> 2 * i & 3];

		y[i] = signs >> i & 1 ? -v : v;
	}
}

/* Four values of a point with 3 bits each. */
static void
put4(float *y, unsigned point, unsigned signs, const float *values, float d)
{
	for (int i = 0; i < 4; i++) {
		float v = d * values[point >> 3 * i & 7];

		y[i] = signs >> i & 1 ? -v : v;
	}
}

void
iq2_xxs_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int j = 0; j < 8; j++) {
		const unsigned char *q = b + 2 + 8 * j;
		uint32_t aux = jle_u32(q + 4);
		float dl = d * (0.5f + (float)(aux >> 28)) * 0.25f;

		for (int k = 0; k < 4; k++)
			put8(y + 32 * j + 8 * k, quant_grid_iq2_xxs[q[k]],
				even_signs(aux >> 7 * k & 127), dl);
	}
}

static float
nibble_scale(const unsigned char *s, int j, float d)
{
	return d * (0.5f + (float)(s[j / 2] >> j % 2 * 4 & 15)) * 0.25f;
}

void
iq2_xs_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int k = 0; k < 32; k++) {
		unsigned q = jle_u16(b + 2 + 2 * k);

		put8(y + 8 * k, quant_grid_iq2_xs[q & 511], even_signs(q >> 9),
			nibble_scale(b + 66, k / 2, d));
	}
}

void
iq2_s_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int k = 0; k < 32; k++) {
		unsigned q = b[2 + k] | (unsigned)(b[66 + k / 4] >> k % 4 * 2 & 3) << 8;

		put8(y + 8 * k, quant_grid_iq2_s[q], b[34 + k], nibble_scale(b + 74, k / 2, d));
	}
}

void
iq3_xxs_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int k = 0; k < 64; k++) {
		uint32_t aux = jle_u32(b + 66 + k / 8 * 4);
		unsigned signs = even_signs(aux >> k / 2 % 4 * 7 & 127) >> k % 2 * 4;
		float dl = d * (0.5f + (float)(aux >> 28)) * 0.5f;

		put4(y + 4 * k, quant_grid_iq3_xxs[b[2 + k]], signs, iq3_xxs_values, dl);
	}
}

void
iq3_s_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int k = 0; k < 64; k++) {
		unsigned q = b[2 + k] | (unsigned)(b[66 + k / 8] >> k % 8 & 1) << 8;
		unsigned signs = b[74 + k / 2] >> k % 2 * 4;
		int j = k / 8;
		float dl = d * (float)(1 + 2 * (b[106 + j / 2] >> j % 2 * 4 & 15));

		put4(y + 4 * k, quant_grid_iq3_s[q], signs, iq3_s_values, dl);
	}
}

/* Points of -1, 0, 1, shifted by an eighth up or down. */
static void
put_ternary(float *y, unsigned point, float shift, float d)
{
	for (int i = 0; i < 8; i++)
		y[i] = d * ((float)(point >> 2 * i & 3) - 1 + shift);
}

void
iq1_s_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);

	for (int k = 0; k < 32; k++) {
		unsigned h = jle_u16(b + 34 + k / 4 * 2);
		unsigned q = b[2 + k] | (h >> k % 4 * 3 & 7) << 8;
		float dl = d * (float)(2 * (h >> 12 & 7) + 1);

		put_ternary(y + 8 * k, quant_grid_iq1[q], h & 0x8000 ? -0.125f : 0.125f, dl);
	}
}

void
iq1_m_decode(float *y, const unsigned char *b)
{
	const unsigned char *scales = b + 48;
	unsigned bits = 0;
	float d;

	for (int i = 0; i < 4; i++)
		bits |= (unsigned)(scales[2 * i + 1] >> 4) << 4 * i;
	d = jten_f16_to_f32((uint16_t)bits);
	for (int k = 0; k < 32; k++) {
		unsigned h = b[32 + k / 2] >> k % 2 * 4;
		unsigned q = b[k] | (h & 7) << 8;
		unsigned scale = jle_u16(scales + k / 8 * 2) >> k / 2 % 4 * 3 & 7;

		put_ternary(y + 8 * k, quant_grid_iq1[q], h & 8 ? -0.125f : 0.125f,
			d * (float)(2 * scale + 1));
	}
}

void
iq4_xs_decode(float *y, const unsigned char *b)
{
	float d = half_at(b);
	unsigned high = jle_u16(b + 2);

	for (int j = 0; j < 8; j++) {
		const unsigned char *q = b + 8 + 16 * j;
		unsigned scale = (b[4 + j / 2] >> j % 2 * 4 & 15) | (high >> 2 * j & 3) << 4;
		float dl = d * (float)((int)scale - 32);

		for (int i = 0; i < 16; i++) {
			y[32 * j + i] = dl * (float)quant_nl4[q[i] & 15];
			y[32 * j + 16 + i] = dl * (float)quant_nl4[q[i] >> 4];
		}
	}
}
