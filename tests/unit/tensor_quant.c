/*
 * tensor_quant.c - block types: decoding of every type and encoding of the simple ones against
 * gguf-py (tests/ref/make_quant.py), the fitted types by the error they leave.
 */
#include "t.h"

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "base/jrand.h"
#include "io/jgguf.h"
#include "tensor/jquant.h"

#include "../ref/quant_fixture.h"

#define ok_msg(cond, ...) (snprintf(message, sizeof(message), __VA_ARGS__), \
	t_ok((cond), message, __FILE__, __LINE__))

static char message[160];

enum { BLOCKS = 512 };

static void
random_bytes(unsigned char *p, size_t n)
{
	uint32_t u = 1;

	for (size_t i = 0; i < n; i++) {
		u = u * 1664525 + 1013904223;
		p[i] = (unsigned char)(u >> 24);
	}
}

static void
check_decoded(void)
{
	for (size_t k = 0; k < sizeof(decoded) / sizeof(decoded[0]); k++) {
		enum jdtype t = decoded[k].type;
		int64_t n = (int64_t)BLOCKS * jdtype_values(t);
		size_t size = jdtype_bytes(t);
		unsigned char *b = jmem_alloc(BLOCKS * size + 1, 1);
		float *y = jmem_alloc((size_t)n, sizeof(*y));
		char hex[65];

		random_bytes(b + 1, BLOCKS * size);	/* at an odd address */
		for (size_t i = 0; i < BLOCKS; i++)
			for (int h = 0; h < 2; h++)
				if (decoded[k].halves[h] >= 0)
					b[1 + i * size + (size_t)decoded[k].halves[h] + 1] &= 0xbf;
		jten_to_f32(y, b + 1, t, n);
		jsha256_hex(y, (size_t)n * sizeof(*y), hex);
		ok_msg(strcmp(hex, decoded[k].sha256) == 0, "%s decoded", jdtype_name(t));
		jmem_free(b);
		jmem_free(y);
	}
}

/* The same values as make_quant.py. */
static void
make_values(float *x, int n)
{
	unsigned char *raw = jmem_alloc((size_t)n, 4);

	random_bytes(raw, (size_t)n * 4);
	for (int i = 0; i < n; i++) {
		int b = i / 32;
		float v = (float)(jle_u32(raw + 4 * i) >> 8) / (float)(1 << 24) - 0.5f;

		x[i] = b % 16 == 5 ? 0 : b % 16 == 6 ? 0.25f : v * ldexpf(1, b % 40 - 30);
	}
	jmem_free(raw);
}

static void
check_encoded(void)
{
	enum { N = 32 * BLOCKS };
	float *x = jmem_alloc(N, sizeof(*x));
	unsigned char *b = jmem_alloc(N, 4);

	make_values(x, N);
	for (size_t k = 0; k < sizeof(encoded) / sizeof(encoded[0]); k++) {
		char hex[65];

		jten_from_f32(b, encoded[k].type, x, N);
		jsha256_hex(b, (size_t)jten_bytes(encoded[k].type, N), hex);
		ok_msg(strcmp(hex, encoded[k].sha256) == 0, "%s encoded",
			jdtype_name(encoded[k].type));
	}
	jmem_free(x);
	jmem_free(b);
}

/* Error of encoding relative to the values, both root mean squares, each weighted by w. */
static double
error_of(enum jdtype t, const float *x, const float *w, const float *importance, int n)
{
	unsigned char *b = jmem_alloc((size_t)n, 4);
	float *y = jmem_alloc((size_t)n, sizeof(*y));
	double err = 0, all = 0;

	jquant_encode(b, t, x, n, importance);
	jquant_decode(y, t, b, n);
	for (int i = 0; i < n; i++) {
		double d = (double)y[i] - (double)x[i];

		err += (double)w[i] * d * d;
		all += (double)w[i] * (double)x[i] * (double)x[i];
	}
	jmem_free(b);
	jmem_free(y);
	return sqrt(err / all);
}

/* Upper bounds: a few per cent above what ggml's reference leaves on normal values. */
static void
check_fitted(void)
{
	static const struct {
		enum jdtype type;
		double most;
	} types[] = {
		{ JDT_Q4_0, 0.09 }, { JDT_Q4_1, 0.08 }, { JDT_Q5_0, 0.045 }, { JDT_Q5_1, 0.04 },
		{ JDT_Q8_0, 0.006 }, { JDT_Q4_K, 0.075 }, { JDT_Q5_K, 0.037 }, { JDT_Q6_K, 0.019 },
	};
	enum { N = 64 * 256 };
	float *x = jmem_alloc(N, sizeof(*x)), *w = jmem_alloc(N, sizeof(*w));
	float *one = jmem_alloc(N, sizeof(*one));
	struct jrand r;

	jrand_init(&r, 1, 1);
	for (int i = 0; i < N; i++) {
		x[i] = (float)(0.02 * jrand_normal(&r));
		w[i] = i % 8 == 0 ? 100.0f : 0.1f;	/* few columns carry the weight */
		one[i] = 1;
	}
	for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
		enum jdtype t = types[k].type;
		double plain = error_of(t, x, one, NULL, N), blind = error_of(t, x, w, NULL, N);
		double seeing = error_of(t, x, w, w, N);

		ok_msg(plain < types[k].most, "%s: error %.5f", jdtype_name(t), plain);
		ok_msg(t == JDT_Q8_0 || seeing < 0.97 * blind, "%s: importance: %.5f, without %.5f",
			jdtype_name(t), seeing, blind);
	}
	jmem_free(x);
	jmem_free(w);
	jmem_free(one);
}

/* Nothing that is not a number may hang or overflow, and constant blocks come back. */
static void
check_odd_values(void)
{
	float x[256], y[256];
	unsigned char b[512];

	for (int t = 0; t < JDT_COUNT; t++) {
		enum jdtype d = (enum jdtype)t;

		if (!jquant_encodes(d))
			continue;
		for (int i = 0; i < 256; i++)
			x[i] = i % 3 ? NAN : INFINITY;
		jquant_encode(b, d, x, 256, NULL);
		jquant_encode(b, d, x, 256, x);
		for (int i = 0; i < 256; i++)
			x[i] = -0.5f;
		jquant_encode(b, d, x, 256, NULL);
		jquant_decode(y, d, b, 256);
		near(y[17], -0.5, 0.01);
		memset(x, 0, sizeof(x));
		jquant_encode(b, d, x, 256, x);
		jquant_decode(y, d, b, 256);
		ok_msg(y[0] == 0 && y[255] == 0, "%s keeps zeros", jdtype_name(d));
	}
}

static void
check_names(void)
{
	eq_int(jdtype_find("q4_k"), JDT_Q4_K);
	eq_int(jdtype_find("BF16"), JDT_BF16);
	eq_int(jdtype_find("q4"), -1);
	eq_int(jdtype_from_ggml(14), JDT_Q6_K);
	eq_int(jdtype_from_ggml(4), -1);
	eq_int(jdtype_to_ggml(JDT_U8), -1);
	ok(!jdtype_is_block(JDT_F16) && jdtype_is_block(JDT_IQ1_M));
	for (int t = 0; t < 64; t++) {		/* the container's table says the same */
		unsigned values = 0, bytes = 0;
		int d = jdtype_from_ggml(t);

		if (!jgguf_type_size(t, &values, &bytes))
			continue;
		ok_msg(d >= 0 && jdtype_values((enum jdtype)d) == values &&
			jdtype_bytes((enum jdtype)d) == bytes &&
			strcmp(jdtype_name((enum jdtype)d), jgguf_type_name(t)) == 0,
			"ggml type %d", t);
	}
}

static void
check_eight_bits(void)
{
	static const unsigned char e4m3[] = { 0x00, 0x01, 0x08, 0x38, 0xb8, 0x7e };
	static const unsigned char e5m2[] = { 0x00, 0x01, 0x3c, 0xbc, 0x7b, 0xfc };
	float y[6];

	jten_to_f32(y, e4m3, JDT_F8_E4M3, 6);
	ok(y[0] == 0 && y[1] == 0x1p-9f && y[2] == 0x1p-6f && y[3] == 1 && y[4] == -1 && y[5] == 448);
	jten_to_f32(y, e5m2, JDT_F8_E5M2, 6);
	ok(y[1] == 0x1p-16f && y[2] == 1 && y[3] == -1 && y[4] == 57344 && y[5] == -INFINITY);
}

int
main(void)
{
	check_decoded();
	check_encoded();
	check_fitted();
	check_odd_values();
	check_names();
	check_eight_bits();
	return t_done();
}
