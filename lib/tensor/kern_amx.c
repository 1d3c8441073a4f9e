/*
 * kern_amx.c - the matrix product in bf16 tiles; an empty file on machines and compilers without.
 *
 * A tile of A is 16 rows of 32 values of k; a tile of B is 16 pairs of k of 16 columns, the two
 * values of a pair side by side.  A panel holds, for every 32 values of k, two tiles: [32 rows][32]
 * of A, [2][16 pairs][16 columns][2] of B, what is missing being 0.  Four tiles of C (32 x 32) are
 * summed at once; within a tile the processor adds pair after pair in the order of k.
 */
#include "tensor/kern.h"

#if defined(__x86_64__)

#include <string.h>

#include "base/jsys.h"
#define VEC_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma,f16c"
#include "tensor/vec_bf16.h"

enum { TILE = 16, CHUNK = 32, SIDE = 32, K_LONGEST = 1024, BYTES = 1024 };

/*
 * TILECFG: palette 1, eight tiles of 16 rows of 64 bytes.  Constant, because compilers may think that
 * the instruction reads no more than its first bytes.
 */
static const struct {
	uint8_t palette, start, zero[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
} shape = {
	.palette = 1, .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
	.rows = { TILE, TILE, TILE, TILE, TILE, TILE, TILE, TILE }
};

static void
begin(void)
{
	_tile_loadconfig(&shape);
}

static void
end(void)
{
	_tile_release();
}

/* 16 x 16 pairs turned around, to 16 rows of 64 bytes. */
INLINE void
store_turned(char *to, __m512i t[TILE])
{
	vf v[TILE];

#pragma GCC unroll 16
	for (int i = 0; i < TILE; i++)
		v[i] = _mm512_castsi512_ps(t[i]);
	vf_transpose(v);
#pragma GCC unroll 16
	for (int i = 0; i < TILE; i++)
		_mm512_storeu_ps(to + 64 * i, v[i]);
}

static void
pack_a_rows(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK)
		for (int64_t r = 0; r < SIDE; r++, to += 64)
			_mm512_storeu_si512(to, r < n ? row_pairs(a + r * lda + k, kc - k)
				: _mm512_setzero_si512());
}

static void
pack_a_cols(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK) {
		for (int64_t m = 0; m < SIDE; m += TILE, to += BYTES) {
			__m512i t[TILE];

			for (int i = 0; i < TILE; i++)
				t[i] = column_pairs(a + (k + 2 * i) * lda + m, lda, kc - k - 2 * i,
					n - m);
			store_turned(to, t);
		}
	}
}

static void
pack_b_rows(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK) {
		for (int64_t c = 0; c < SIDE; c += TILE, to += BYTES) {
			__m512i t[TILE];

			for (int64_t i = 0; i < TILE; i++)
				t[i] = c + i < n ? row_pairs(b + (c + i) * ldb + k, kc - k)
					: _mm512_setzero_si512();
			store_turned(to, t);
		}
	}
}

/* Several panels side by side, as in body_gemm.h. */
static void
pack_b_cols(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	int64_t bytes = (kc + CHUNK - 1) / CHUNK * 2 * BYTES;

	for (int64_t k = 0; k < kc; k += 2, b += 2 * ldb) {
		char *to = (char *)panel + k / CHUNK * 2 * BYTES + k % CHUNK / 2 * 64;

		for (int64_t c = 0; c < n; c += SIDE, to += bytes) {
			_mm512_storeu_si512(to, column_pairs(b + c, ldb, kc - k, n - c));
			_mm512_storeu_si512(to + BYTES, column_pairs(b + c + TILE, ldb,
				n - c > TILE ? kc - k : 0, n - c - TILE));
		}
	}
	/* Pairs of the last tile that are not there. */
	for (int64_t k = (kc + 1) / 2 * 2; k % CHUNK; k += 2) {
		char *to = (char *)panel + k / CHUNK * 2 * BYTES + k % CHUNK / 2 * 64;

		for (int64_t c = 0; c < n; c += SIDE, to += bytes) {
			memset(to, 0, 64);
			memset(to + BYTES, 0, 64);
		}
	}
}

static void
update(const struct jmicro *t, const float acc[SIDE * SIDE])
{
	for (int i = 0; i < t->rows; i++)
		for (int j = 0; j < t->cols; j += VW)
			update_row(t, t->c + i * t->ldc + j, vf_load(acc + i * SIDE + j),
				t->cols - j);
}

static void
store_tiles(float *c, size_t row_bytes, bool low, bool right)
{
	_tile_stored(0, c, row_bytes);
	if (right)
		_tile_stored(1, c + TILE, row_bytes);
	if (low)
		_tile_stored(2, c + TILE * row_bytes / sizeof(*c), row_bytes);
	if (low && right)
		_tile_stored(3, c + TILE * row_bytes / sizeof(*c) + TILE, row_bytes);
}

static void
micro(const struct jmicro *t)
{
	const char *a = (const char *)t->a, *b = (const char *)t->b;
	bool low = t->rows > TILE, right = t->cols > TILE;
	float acc[SIDE * SIDE];

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (int64_t k = 0; k < t->kc; k += CHUNK, a += 2 * BYTES, b += 2 * BYTES) {
		_tile_loadd(6, b, 64);
		_tile_loadd(4, a, 64);
		_tile_dpbf16ps(0, 4, 6);
		if (right) {
			_tile_loadd(7, b + BYTES, 64);
			_tile_dpbf16ps(1, 4, 7);
		}
		if (!low)
			continue;
		_tile_loadd(5, a + BYTES, 64);
		_tile_dpbf16ps(2, 5, 6);
		if (right)
			_tile_dpbf16ps(3, 5, 7);
	}
	if (t->rows == SIDE && t->cols == SIDE && t->alpha == 1 && t->beta == 0) {
		store_tiles(t->c, (size_t)t->ldc * sizeof(float), true, true);
		return;
	}
	store_tiles(acc, SIDE * sizeof(float), low, right);
	update(t, acc);
}

static double
spin(int64_t n)
{
	begin();
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	_tile_zero(4);
	_tile_zero(6);
	for (int64_t k = 0; k < n; k++) {
		_tile_dpbf16ps(0, 4, 6);
		_tile_dpbf16ps(1, 4, 6);
		_tile_dpbf16ps(2, 4, 6);
		_tile_dpbf16ps(3, 4, 6);
	}
	end();
	return (double)n * 4 * 2 * TILE * TILE * CHUNK;
}

const struct jkern jkern_amx = {
	.name = "amx", .features = JCPU_AVX512 | JCPU_AVX512_BF16 | JCPU_AMX_BF16,
	.mr = SIDE, .nr = SIDE, .k_max = K_LONGEST, .k_unit = CHUNK, .pairs = true,
	.begin = begin, .end = end, .pack_a_rows = pack_a_rows, .pack_a_cols = pack_a_cols,
	.pack_b_rows = pack_b_rows, .pack_b_cols = pack_b_cols, .micro = micro,
	.spin = spin
};

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
