/*
 * tensor_convert.c - F16 over all its values and every rounding border, BF16, Q8_0 against bytes
 * made by gguf-py (tests/ref/quant_q8_0.py), names and storage.
 */
#include "t.h"

#include "base/jmem.h"
#include "base/jsys.h"
#include "tensor/jkern.h"
#include "tensor/jtensor.h"

static const unsigned char q8_blocks[5][34] = {
	{ 8, 28, 129, 30, 189, 90, 249, 152, 53, 212, 113, 16, 175, 76, 235, 138, 39, 198, 99,
		2, 161, 62, 221, 122, 25, 184, 85, 244, 146, 47, 206, 107, 10, 169 },
	{ 62, 0, 183, 94, 247, 144, 54, 208, 118, 15, 168, 79, 232, 129, 39, 193, 103, 0, 153,
		64, 217, 127, 24, 178, 88, 241, 139, 49, 202, 112, 9, 163, 73, 226 },
	{ 183, 60, 246, 149, 50, 209, 110, 13, 172, 73, 232, 134, 36, 194, 96, 255, 157, 59,
		217, 119, 22, 180, 82, 240, 143, 44, 203, 105, 7, 166, 67, 226, 129, 30 },
	{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0 },
	{ 0, 60, 127, 248, 249, 249, 250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255,
		255, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8 },
};

static float
from_bits(uint32_t u)
{
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static uint32_t
to_bits(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

/* The definition of the format. */
static double
f16_value(unsigned h)
{
	double frac = h & 0x3ff, sign = h & 0x8000 ? -1 : 1;
	int exp = h >> 10 & 31;

	return sign * (exp ? ldexp(1024 + frac, exp - 25) : ldexp(frac, -24));
}

static void
check_f16_values(void)
{
	int bad = 0;

	for (unsigned h = 0; h < 0x10000; h++) {
		float f = jten_f16_to_f32((uint16_t)h);
		bool nan = (h & 0x7c00) == 0x7c00 && (h & 0x3ff);

		if (nan) {
			bad += f == f || (jten_f32_to_f16(f) & 0x7c00) != 0x7c00
				|| !(jten_f32_to_f16(f) & 0x3ff);
			continue;
		}
		bad += jten_f32_to_f16(f) != h;
		bad += (h & 0x7c00) == 0x7c00 ? !isinf(f) : (double)f != f16_value(h);
		bad += (signbit(f) != 0) != (h >> 15 != 0);
	}
	eq_int(bad, 0);
}

/* Between neighbours a < b: the midpoint goes to the even one, its neighbours to the nearer. */
static void
check_f16_rounding(void)
{
	int bad = 0;

	for (unsigned h = 0; h < 0x7bff; h++) {
		float mid = (float)((f16_value(h) + f16_value(h + 1)) / 2);
		unsigned even = h & 1 ? h + 1 : h;

		bad += jten_f32_to_f16(mid) != even;
		bad += jten_f32_to_f16(from_bits(to_bits(mid) - 1)) != h;
		bad += jten_f32_to_f16(from_bits(to_bits(mid) + 1)) != h + 1;
		bad += jten_f32_to_f16(-mid) != (even | 0x8000);
	}
	eq_int(bad, 0);
	eq_int(jten_f32_to_f16(65519.0f), 0x7bff);
	eq_int(jten_f32_to_f16(65520.0f), 0x7c00);
	eq_int(jten_f32_to_f16(1e30f), 0x7c00);
	eq_int(jten_f32_to_f16(-1e-30f), 0x8000);
}

/* The bulk conversion of every feature set, at an odd address and an odd length. */
static void
check_f16_bulk(void)
{
	enum { N = 65536 + 5 };
	unsigned char *half = jmem_alloc(2 * N + 1, 1);
	uint16_t *back = jmem_alloc(N, sizeof(*back));
	float *f = jmem_alloc(N, sizeof(*f));

	for (unsigned i = 0; i < N; i++) {
		half[1 + 2 * i] = (unsigned char)i;
		half[2 + 2 * i] = (unsigned char)(i >> 8);
	}
	for (const struct jkern *const *k = jkern_all(); *k; k++) {
		int bad = 0;

		jsys_mask_features((*k)->features);
		jten_to_f32(f, half + 1, JDT_F16, N);
		jten_from_f32(back, JDT_F16, f, N);
		for (unsigned i = 0; i < N; i++) {
			bad += to_bits(f[i]) != to_bits(jten_f16_to_f32((uint16_t)i));
			bad += back[i] != jten_f32_to_f16(f[i]);
		}
		eq_int(bad, 0);
	}
	jsys_mask_features(~0u);
	jmem_free(half);
	jmem_free(back);
	jmem_free(f);
}

static void
check_bf16(void)
{
	int bad = 0;

	for (uint32_t h = 0; h < 0x10000; h++) {
		float f = from_bits(h << 16);

		if (f != f) {
			bad += (jten_f32_to_bf16(f) | 0x40) != (h | 0x40);
			continue;
		}
		bad += jten_f32_to_bf16(f) != h;
		if ((h & 0x7fff) >= 0x7f7f)
			continue;
		bad += jten_f32_to_bf16(from_bits(h << 16 | 0x8000)) != (h & 1 ? h + 1 : h);
		bad += jten_f32_to_bf16(from_bits(h << 16 | 0x7fff)) != h;
		bad += jten_f32_to_bf16(from_bits(h << 16 | 0x8001)) != h + 1;
	}
	eq_int(bad, 0);
	eq_int(jten_f32_to_bf16(3.4e38f), 0x7f80);
	ok((jten_f32_to_bf16(from_bits(0x7f800001)) & 0x7f) != 0);
}

/* As tests/ref/quant_q8_0.py makes them. */
static void
q8_values(float v[32], int block)
{
	static const float size[4] = { 1.0f, 1e-3f, 300.0f, 0.0f };

	for (int i = 0; i < 32; i++) {
		uint32_t u = (uint32_t)i * 2654435761u + (uint32_t)block * 987654321u + 12345u;

		if (block == 4)
			v[i] = i == 0 ? 127 : (float)(i - 16) * 0.5f;
		else
			v[i] = ((float)(u >> 8) / 16777216.0f - 0.5f) * size[block];
	}
}

static void
check_q8(void)
{
	float v[32], back[32];
	unsigned char bytes[34];

	for (int b = 0; b < 5; b++) {
		float d = jten_f16_to_f32((uint16_t)(q8_blocks[b][0] | q8_blocks[b][1] << 8));
		int bad = 0;

		q8_values(v, b);
		jten_from_f32(bytes, JDT_Q8_0, v, 32);
		ok(memcmp(bytes, q8_blocks[b], sizeof(bytes)) == 0);
		jten_to_f32(back, bytes, JDT_Q8_0, 32);
		for (int i = 0; i < 32; i++)
			bad += back[i] != d * (float)(int8_t)q8_blocks[b][2 + i];
		eq_int(bad, 0);
	}
}

static void
check_storage(void)
{
	struct jerr e = { 0 };
	struct jten t;

	ok(jten_alloc(&t, JDT_Q8_0, 2, (int64_t[]){ 3, 64 }, &e) == 0);
	eq_int(jten_count(&t), 192);
	eq_int(jten_bytes(JDT_Q8_0, 192), 6 * 34);
	ok(t.data != NULL && (uintptr_t)t.data % 64 == 0);
	jten_release(&t);
	ok(t.data == NULL);
	eq_int(jten_alloc(&t, JDT_Q8_0, 1, (int64_t[]){ 33 }, &e), JERR_ARG);
	jerr_clear(&e);
	eq_int(jten_alloc(&t, JDT_F32, 2, (int64_t[]){ 1LL << 40, 1LL << 40 }, &e), JERR_LIMIT);
	jerr_clear(&e);
	eq_int(jten_alloc(&t, JDT_F32, 1, (int64_t[]){ -1 }, &e), JERR_LIMIT);
	jerr_clear(&e);
	eq_int(jten_alloc(&t, JDT_F32, 9, (int64_t[]){ 1 }, &e), JERR_LIMIT);
	eq_str(jdtype_name(JDT_BF16), "BF16");
	eq_str(jdtype_name(JDT_F32), "F32");
}

int
main(void)
{
	check_f16_values();
	check_f16_rounding();
	check_f16_bulk();
	check_bf16();
	check_q8();
	check_storage();
	return t_done();
}
