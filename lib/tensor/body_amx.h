/*
 * body_amx.h - the matrix product in tiles of bf16, each fp32 value taken as PARTS of them.
 *
 * A tile of A is 16 rows of 32 values of k; a tile of B is 16 pairs of k of 16 columns, the two
 * values of a pair side by side.  A panel holds, for every 32 values of k and for each part, two
 * tiles: [32 rows][32] of A, [2][16 pairs][16 columns][2] of B, what is missing being 0.  Four tiles
 * of C (32 x 32) are summed at once; within a tile the processor adds pair after pair in the order of
 * k.
 */
#include <string.h>

enum { TILE = 16, CHUNK = 32, SIDE = 32, BYTES = 1024, STEP = 2 * BYTES * PARTS };

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

/* The parts of 32 values of a row. */
INLINE void
row_parts(__m512i x[PARTS], const float *p, int64_t left)
{
	parts_in_order(x, load_left(p, left), load_left(p + VW, left - VW));
}

/* The parts of 16 columns of two rows ld apart, value by value; rows: how many there are. */
INLINE void
column_parts(__m512i x[PARTS], const float *p, int64_t ld, int64_t rows, int64_t cols)
{
	vf low = rows > 0 ? load_left(p, cols) : vf_zero();
	vf high = rows > 1 ? load_left(p + ld, cols) : vf_zero();

	parts_in_pairs(x, low, high);
}

INLINE void
no_parts(__m512i x[PARTS])
{
	for (int i = 0; i < PARTS; i++)
		x[i] = _mm512_setzero_si512();
}

/* 16 rows of parts to one tile of each part, turned around. */
INLINE void
store_parts_turned(char *to, __m512i t[TILE][PARTS])
{
#pragma GCC unroll 3
	for (int p = 0; p < PARTS; p++, to += 2 * BYTES) {
		__m512i one[TILE];

#pragma GCC unroll 16
		for (int i = 0; i < TILE; i++)
			one[i] = t[i][p];
		store_turned(to, one);
	}
}

static void
pack_a_rows(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK, to += STEP) {
		for (int64_t r = 0; r < SIDE; r++) {
			__m512i x[PARTS];

			if (r < n) {
				__builtin_prefetch(a + r * lda + k + 2 * CHUNK);
				__builtin_prefetch(a + r * lda + k + 2 * CHUNK + VW);
				row_parts(x, a + r * lda + k, kc - k);
			} else
				no_parts(x);
			for (int p = 0; p < PARTS; p++)
				_mm512_storeu_si512(to + p * 2 * BYTES + r * 64, x[p]);
		}
	}
}

/* Several panels side by side, as in pack_b_cols(). */
static void
pack_a_cols(float *panel, const float *a, int64_t lda, int64_t n, int64_t kc)
{
	int64_t bytes = (kc + CHUNK - 1) / CHUNK * STEP, whole = (n + SIDE - 1) / SIDE * SIDE;
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK, to += STEP) {
		for (int64_t m = 0; m < whole; m += TILE) {
			__m512i t[TILE][PARTS];

			for (int i = 0; i < TILE; i++) {
				const float *from = a + (k + 2 * i) * lda + m;

				__builtin_prefetch(from + CHUNK * lda);
				__builtin_prefetch(from + (CHUNK + 1) * lda);
				column_parts(t[i], from, lda, kc - k - 2 * i, n - m);
			}
			store_parts_turned(to + m / SIDE * bytes + m % SIDE / TILE * BYTES, t);
		}
	}
}

static void
pack_b_rows(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK, to += STEP) {
		for (int64_t c = 0; c < SIDE; c += TILE) {
			__m512i t[TILE][PARTS];

			for (int64_t i = 0; i < TILE; i++) {
				if (c + i >= n) {
					no_parts(t[i]);
					continue;
				}
				__builtin_prefetch(b + (c + i) * ldb + k + 2 * CHUNK);
				__builtin_prefetch(b + (c + i) * ldb + k + 2 * CHUNK + VW);
				row_parts(t[i], b + (c + i) * ldb + k, kc - k);
			}
			store_parts_turned(to + c / TILE * BYTES, t);
		}
	}
}

/* Where the pair of k lies in the first tile of a panel of B. */
INLINE char *
pair_of(float *panel, int64_t k)
{
	return (char *)panel + k / CHUNK * STEP + k % CHUNK / 2 * 64;
}

/* Several panels side by side, as in body_gemm.h; prefetches the rows that come after a tile. */
static void
pack_b_cols(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	int64_t bytes = (kc + CHUNK - 1) / CHUNK * STEP;

	for (int64_t k = 0; k < kc; k += 2, b += 2 * ldb) {
		char *to = pair_of(panel, k);

		for (int64_t c = 0; c < n; c += SIDE, to += bytes) {
			__m512i x[PARTS], y[PARTS];

			__builtin_prefetch(b + c + 16 * ldb);
			__builtin_prefetch(b + c + 16 * ldb + TILE);
			__builtin_prefetch(b + c + 17 * ldb);
			__builtin_prefetch(b + c + 17 * ldb + TILE);
			column_parts(x, b + c, ldb, kc - k, n - c);
			column_parts(y, b + c + TILE, ldb, n - c > TILE ? kc - k : 0, n - c - TILE);
			for (int p = 0; p < PARTS; p++) {
				_mm512_storeu_si512(to + p * 2 * BYTES, x[p]);
				_mm512_storeu_si512(to + p * 2 * BYTES + BYTES, y[p]);
			}
		}
	}
	/* Pairs of the last tile that are not there. */
	for (int64_t k = (kc + 1) / 2 * 2; k % CHUNK; k += 2) {
		char *to = pair_of(panel, k);

		for (int64_t c = 0; c < n; c += SIDE, to += bytes)
			for (int p = 0; p < 2 * PARTS; p++)
				memset(to + p * BYTES, 0, 64);
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

/* Tiles 4 and 5 are of A, 6 and 7 of B; tiles that are not there are not touched. */
INLINE void
load_a(const char *a, bool low)
{
	_tile_loadd(4, a, 64);
	if (low)
		_tile_loadd(5, a + BYTES, 64);
}

INLINE void
load_b(const char *b, bool right)
{
	_tile_loadd(6, b, 64);
	if (right)
		_tile_loadd(7, b + BYTES, 64);
}

INLINE void
multiply_tiles(bool low, bool right)
{
	_tile_dpbf16ps(0, 4, 6);
	if (right)
		_tile_dpbf16ps(1, 4, 7);
	if (low)
		_tile_dpbf16ps(2, 5, 6);
	if (low && right)
		_tile_dpbf16ps(3, 5, 7);
}

/* The products of the first parts: of all there is where there is one part. */
INLINE void
sum_first(const char *a, const char *b, int64_t kc, bool low, bool right)
{
	for (int64_t k = 0; k < kc; k += CHUNK, a += STEP, b += STEP) {
		load_b(b, right);
		load_a(a, low);
		multiply_tiles(low, right);
	}
}

INLINE void
micro_of(const struct jmicro *t, bool low, bool right)
{
	const char *a = (const char *)t->a, *b = (const char *)t->b;
	float acc[SIDE * SIDE];

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	sum_rest(a, b, t->kc, low, right);
	sum_first(a, b, t->kc, low, right);
	if (low && right && t->rows == SIDE && t->cols == SIDE && t->alpha == 1 && t->beta == 0) {
		store_tiles(t->c, (size_t)t->ldc * sizeof(float), true, true);
		return;
	}
	store_tiles(acc, SIDE * sizeof(float), low, right);
	update(t, acc);
}

static void
micro(const struct jmicro *t)
{
	bool low = t->rows > TILE, right = t->cols > TILE;

	if (low && right)
		micro_of(t, true, true);
	else if (low)
		micro_of(t, true, false);
	else if (right)
		micro_of(t, false, true);
	else
		micro_of(t, false, false);
}

/* Over values of all kinds: on zeros the processor would run faster than it ever does on data. */
static double
spin(int64_t n)
{
	uint16_t tile[BYTES / 2];

	for (uint32_t i = 0; i < BYTES / 2; i++)
		tile[i] = (uint16_t)((i & 1) << 15 | (0x3e80 + (i * 2654435761u >> 25)));
	begin();
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	_tile_loadd(4, tile, 64);
	_tile_loadd(5, tile, 64);
	_tile_loadd(6, tile, 64);
	_tile_loadd(7, tile, 64);
	for (int64_t k = 0; k < n; k++)
		multiply_tiles(true, true);
	end();
	return (double)n * 4 * 2 * TILE * TILE * CHUNK / PRODUCTS;
}

/* The table; longest: the longest block of k. */
#define AMX_TABLE(text, longest) { \
	.name = text, .features = JCPU_AVX512 | JCPU_AVX512_BF16 | JCPU_AMX_BF16, \
	.mr = SIDE, .nr = SIDE, .k_max = longest, .k_unit = CHUNK, .pairs = PARTS, .wide_a = true, \
	.begin = begin, .end = end, .pack_a_rows = pack_a_rows, .pack_a_cols = pack_a_cols, \
	.pack_b_rows = pack_b_rows, .pack_b_cols = pack_b_cols, .micro = micro, \
	.spin = spin }
