/*
 * body_amx.h - the matrix product in tiles of bf16, each fp32 value taken as PARTS of them.
 *
 * A tile of A is 16 rows of 32 values of k, a tile of B 16 pairs of k of 16 columns, the two values of
 * a pair side by side.  The values of a pair are PAIR apart in the chunk of 32: 1, or 16, which makes
 * pairs of whole registers.  A panel holds, for every 32 values of k and for each part, two
 * tiles: [32 rows][32] of A, [2][16 pairs][16 columns][2] of B, what is missing being 0.  Four tiles
 * of C (32 x 32) are summed at once; within a tile the processor adds pair after pair.
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

/* The parts of 32 values of a row. */
INLINE void
row_parts(__m512i x[PARTS], const float *p, int64_t left)
{
	parts_of_row(x, load_left(p, left), load_left(p + VW, left - VW));
}

/*
 * The parts of 16 columns of pair i of a chunk of k, whose first row is p; rows and cols: how many
 * there are.
 */
INLINE void
pair_parts(__m512i x[PARTS], const float *p, int64_t ld, int64_t i, int64_t rows, int64_t cols)
{
	int64_t k = PAIR == 1 ? 2 * i : i;
	vf low = k < rows ? load_left(p + k * ld, cols) : vf_zero();
	vf high = k + PAIR < rows ? load_left(p + (k + PAIR) * ld, cols) : vf_zero();

	parts_of_pair(x, low, high);
}

/* 16 x 16 values turned around: to[i] = value i of each row. */
INLINE void
turned(float to[TILE * TILE], const float *p, int64_t ld, int64_t rows, int64_t cols)
{
	vf v[TILE];

	if (rows >= TILE && cols >= TILE) {
#pragma GCC unroll 16
		for (int i = 0; i < TILE; i++)
			v[i] = vf_load(p + i * ld);
	} else {
		for (int i = 0; i < TILE; i++)
			v[i] = i < rows ? load_left(p + i * ld, cols) : vf_zero();
	}
	vf_transpose(v);
#pragma GCC unroll 16
	for (int i = 0; i < TILE; i++)
		vf_store(to + i * TILE, v[i]);
}

INLINE void
store_parts(char *to, const __m512i x[PARTS])
{
#pragma GCC unroll 3
	for (int p = 0; p < PARTS; p++)
		_mm512_storeu_si512(to + p * 2 * BYTES, x[p]);
}

/* One part alone: its pairs turned around, which is half the work of turning the values. */
INLINE void
store_pairs_turned(char *to, __m512i t[TILE])
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
	static const __m512i none[PARTS];
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK, to += STEP) {
		for (int64_t r = 0; r < SIDE; r++) {
			__m512i x[PARTS];

			if (r >= n) {
				store_parts(to + r * 64, none);
				continue;
			}
			__builtin_prefetch(a + r * lda + k + 2 * CHUNK);
			__builtin_prefetch(a + r * lda + k + 2 * CHUNK + VW);
			row_parts(x, a + r * lda + k, kc - k);
			store_parts(to + r * 64, x);
		}
	}
}

/* A tile of A from 32 rows of 16 columns. */
INLINE void
tile_of_columns(char *to, const float *a, int64_t lda, int64_t rows, int64_t cols)
{
	float low[TILE * TILE], high[TILE * TILE];
	__m512i t[TILE * PARTS];

	if (PARTS == 1) {
		for (int i = 0; i < TILE; i++)
			pair_parts(t + i * PARTS, a, lda, i, rows, cols);
		store_pairs_turned(to, t);
		return;
	}
	turned(low, a, lda, rows, cols);
	turned(high, a + TILE * lda, lda, rows - TILE, cols);
	for (int i = 0; i < TILE; i++) {
		parts_of_row(t, vf_load(low + i * TILE), vf_load(high + i * TILE));
		store_parts(to + 64 * i, t);
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
			const float *from = a + k * lda + m;

			for (int i = 0; i < CHUNK; i++)
				__builtin_prefetch(from + (CHUNK + i) * lda);
			tile_of_columns(to + m / SIDE * bytes + m % SIDE / TILE * BYTES, from, lda, kc - k,
				n - m);
		}
	}
}

/* A tile of B from 16 rows of 32 values. */
INLINE void
tile_of_rows(char *to, const float *b, int64_t ldb, int64_t rows, int64_t left)
{
	float low[TILE * TILE], high[TILE * TILE];
	__m512i t[TILE * PARTS];

	if (PARTS == 1) {
		for (int i = 0; i < TILE; i++) {
			if (i < rows)
				row_parts(t + i * PARTS, b + i * ldb, left);
			else
				t[i * PARTS] = _mm512_setzero_si512();
		}
		store_pairs_turned(to, t);
		return;
	}
	turned(low, b, ldb, rows, left);
	turned(high, b + TILE, ldb, rows, left - TILE);
	for (int i = 0; i < TILE; i++) {
		parts_of_pair(t, vf_load(low + i * TILE), vf_load(high + i * TILE));
		store_parts(to + 64 * i, t);
	}
}

static void
pack_b_rows(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	char *to = (char *)panel;

	for (int64_t k = 0; k < kc; k += CHUNK, to += STEP) {
		for (int64_t c = 0; c < SIDE; c += TILE) {
			const float *from = b + c * ldb + k;

			for (int i = 0; i < TILE; i++) {
				__builtin_prefetch(from + i * ldb + 2 * CHUNK);
				__builtin_prefetch(from + i * ldb + 2 * CHUNK + VW);
			}
			tile_of_rows(to + c / TILE * BYTES, from, ldb, n - c, kc - k);
		}
	}
}

/* Several panels side by side, as in body_gemm.h; prefetches the rows that come after a tile. */
static void
pack_b_cols(float *panel, const float *b, int64_t ldb, int64_t n, int64_t kc)
{
	int64_t bytes = (kc + CHUNK - 1) / CHUNK * STEP;

	for (int64_t k = 0; k < kc; k += CHUNK, b += CHUNK * ldb, panel += STEP / sizeof(*panel)) {
		for (int i = 0; i < TILE; i++) {
			char *to = (char *)panel + 64 * i;

			for (int64_t c = 0; c < n; c += SIDE, to += bytes) {
				int64_t right = n - c > TILE ? kc - k : 0;
				__m512i x[PARTS];

				__builtin_prefetch(b + (CHUNK + 2 * i) * ldb + c);
				__builtin_prefetch(b + (CHUNK + 2 * i) * ldb + c + TILE);
				__builtin_prefetch(b + (CHUNK + 2 * i + 1) * ldb + c);
				__builtin_prefetch(b + (CHUNK + 2 * i + 1) * ldb + c + TILE);
				pair_parts(x, b + c, ldb, i, kc - k, n - c);
				store_parts(to, x);
				pair_parts(x, b + c + TILE, ldb, i, right, n - c - TILE);
				store_parts(to + BYTES, x);
			}
		}
	}
}

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

static void
update(const struct jmicro *t, const float acc[SIDE * SIDE])
{
	float *c = t->c;

	if (t->cols == SIDE && t->alpha == 1 && t->beta == 1) {
#pragma GCC unroll 4
		for (int i = 0; i < t->rows; i++, c += t->ldc, acc += SIDE) {
			vf_store(c, vf_add(vf_load(acc), vf_load(c)));
			vf_store(c + VW, vf_add(vf_load(acc + VW), vf_load(c + VW)));
		}
		return;
	}
	for (int i = 0; i < t->rows; i++, c += t->ldc, acc += SIDE)
		for (int j = 0; j < t->cols; j += VW)
			update_row(t, c + j, vf_load(acc + j), t->cols - j);
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

/* While tiles are multiplied, the lines of C come to the cache. */
INLINE void
fetch_output(const struct jmicro *t)
{
	for (int i = 0; i < t->rows; i++) {
		__builtin_prefetch(t->c + i * t->ldc, 1);
		__builtin_prefetch(t->c + i * t->ldc + (t->cols > TILE ? TILE : 0), 1);
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
	fetch_output(t);
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
