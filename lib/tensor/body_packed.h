/*
 * body_packed.h - products with packed weights, over the words of a vec_*.h and these of the file
 * that includes it: vb (bytes of 4 VW values), vi (VW int32), PACK_ROWS, PACK_ZERO_Q8 and the
 * functions vb_* and vi_*.
 *
 * A group's 16 columns are taken VW at a time; h numbers these parts.
 */
#define PARTS (PACK_GROUP / VW)

static void
quantize(const struct packed_rows *to, const float *x, int64_t n, int zero, bool halves)
{
	for (int64_t b = 0; b < n / PACK_BLOCK; b++, x += PACK_BLOCK) {
		int8_t *q = to->q + b * PACK_BLOCK;
		vf top = vf_zero(), inv;
		vi sum[2];
		int32_t half[2];
		float d;

		for (int i = 0; i < PACK_BLOCK; i += VW) {
			vf v = vf_load(x + i);

			top = vf_max(top, vf_max(v, vf_sub(vf_zero(), v)));
		}
		d = vf_hmax(top) / 127.0f;
		inv = vf_set1(d > 0 ? 1.0f / d : 0.0f);
		for (int i = 0; i < PACK_BLOCK; i += VW) {
			vi v = vi_round(vf_mul(vf_load(x + i), inv));

			vi_store_bytes(q + i, v);
			if (i % 16 == 0)
				sum[i / 16] = v;
			else
				sum[i / 16] = vi_add(sum[i / 16], v);
		}
		half[0] = vi_hsum(sum[0]);
		half[1] = vi_hsum(sum[1]);
		to->d[b] = d;
		to->s[b] = -d * (float)(half[0] + half[1]);
		to->z[2 * b] = -zero * (halves ? half[0] : half[0] + half[1]);
		to->z[2 * b + 1] = -zero * half[1];
	}
}

/* The four bytes of x at k that meet four values of each column. */
INLINE vi
four(const struct packed_tile *t, int m, int64_t k)
{
	int32_t v;

	memcpy(&v, t->a.q + m * t->K + k, sizeof(v));
	return vi_set1(v);
}

/* Have blocks a minimum beside the scale? */
INLINE bool
has_min(const enum pack_kind kind)
{
	return kind == PACK_Q4_K || kind == PACK_Q5_K;
}

/* Integer sums of one block: i[0] of all 32 values, or of the first 16 and i[1] of the others. */
INLINE void
sum_block(const int rows, const enum pack_kind kind, const struct packed_tile *t,
	const unsigned char *w, int64_t b, vi sum[2][PACK_ROWS])
{
	vi *i0 = sum[0], *i1 = sum[1];
	const bool halves = kind == PACK_Q6_K;
	vb high[2];

#pragma GCC unroll 8
	for (int m = 0; m < rows; m++) {
		i0[m] = vi_set1(has_min(kind) ? 0 : t->a.z[m * (t->K / 16) + 2 * b]);
		i1[m] = vi_set1(halves ? t->a.z[m * (t->K / 16) + 2 * b + 1] : 0);
	}
	if (kind == PACK_Q8_0) {
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++) {
			vb v = vb_load(w + 64 * j);

#pragma GCC unroll 8
			for (int m = 0; m < rows; m++)
				i0[m] = vi_dot_q8(i0[m], v, four(t, m, b * 32 + 4 * j));
		}
		return;
	}
	if (halves || kind == PACK_Q5_K)
		high[0] = vb_load(w + 256);
	if (halves)
		high[1] = vb_load(w + 320);
#pragma GCC unroll 4
	for (int j = 0; j < 4; j++) {
		vb v = vb_load(w + 64 * j), lo = vb_low(v), hi = vb_high(v);

		if (halves) {
			lo = vb_or_bits(lo, high[0], j);
			hi = vb_or_bits(hi, high[1], j);
		} else if (kind == PACK_Q5_K) {
			lo = vb_or_bit(lo, high[0], j);
			hi = vb_or_bit(hi, high[0], 4 + j);
		}
#pragma GCC unroll 8
		for (int m = 0; m < rows; m++) {
			vi *to = halves ? &i1[m] : &i0[m];

			i0[m] = vi_dot(i0[m], lo, four(t, m, b * 32 + 4 * j));
			*to = vi_dot(*to, hi, four(t, m, b * 32 + 16 + 4 * j));
		}
	}
}

INLINE void
store_rows(const int rows, const struct packed_tile *t, int at, const vf acc[PACK_ROWS])
{
	int64_t left = t->cols - at;

#pragma GCC unroll 8
	for (int m = 0; m < rows && left > 0; m++) {
		float *y = t->y + m * t->ldy + at;
		vf v = acc[m];

		if (t->add)
			v = vf_add(v, left >= VW ? vf_load(y) : vf_load_n(y, left));
		if (left >= VW)
			vf_store(y, v);
		else
			vf_store_n(y, v, left);
	}
}

/* Bytes of a block without what every eighth begins with. */
INLINE int64_t
block_bytes(const enum pack_kind kind)
{
	return kind == PACK_Q8_0 ? 544 : kind == PACK_Q6_K ? 416 : kind == PACK_Q5_K ? 352 : 288;
}

INLINE void
block_rows(const int rows, const enum pack_kind kind, const struct packed_tile *t, int h)
{
	const unsigned char *w = t->w;
	vf acc[PACK_ROWS], d = vf_zero(), dmin = vf_zero(), s0, s1 = vf_zero(), low = vf_zero();

#pragma GCC unroll 8
	for (int m = 0; m < rows; m++)
		acc[m] = vf_zero();
	for (int64_t b = 0; b < t->K / PACK_BLOCK; b++, w += block_bytes(kind)) {
		vi i[2][PACK_ROWS];

		if ((has_min(kind) || kind == PACK_Q6_K) && b % PACK_SUPER == 0) {
			d = vf_halves(w + 2 * VW * h);
			if (has_min(kind))
				dmin = vf_halves(w + 32 + 2 * VW * h);
			w += has_min(kind) ? 64 : 32;
		}
		if (has_min(kind)) {
			s0 = vf_mul(d, vi_float(vi_from_u8(w + VW * h)));
			low = vf_mul(dmin, vi_float(vi_from_u8(w + 16 + VW * h)));
		} else if (kind == PACK_Q6_K) {
			s0 = vf_mul(d, vi_float(vi_from_i8(w + VW * h)));
			s1 = vf_mul(d, vi_float(vi_from_i8(w + 16 + VW * h)));
		} else {
			s0 = vf_halves(w + 2 * VW * h);
		}
		sum_block(rows, kind, t, w + 32 + 4 * VW * h, b, i);
#pragma GCC unroll 8
		for (int m = 0; m < rows; m++) {
			int64_t at = m * (t->K / PACK_BLOCK) + b;
			vf da = vf_set1(t->a.d[at]);

			acc[m] = vf_fma(vi_float(i[0][m]), vf_mul(s0, da), acc[m]);
			if (kind == PACK_Q6_K)
				acc[m] = vf_fma(vi_float(i[1][m]), vf_mul(s1, da), acc[m]);
			if (has_min(kind))
				acc[m] = vf_fma(low, vf_set1(t->a.s[at]), acc[m]);
		}
	}
	store_rows(rows, t, VW * h, acc);
}

INLINE void
block_tile(const enum pack_kind kind, const struct packed_tile *t)
{
	for (int h = 0; h < PARTS; h++) {
		switch (t->rows) {
		case 1:
			block_rows(1, kind, t, h);
			break;
		case 2:
			block_rows(2, kind, t, h);
			break;
		case 3:
			block_rows(3, kind, t, h);
			break;
		case 4:
			block_rows(4, kind, t, h);
			break;
#if PACK_ROWS > 4
		case 5:
			block_rows(5, kind, t, h);
			break;
		case 6:
			block_rows(6, kind, t, h);
			break;
		case 7:
			block_rows(7, kind, t, h);
			break;
		case 8:
			block_rows(8, kind, t, h);
			break;
#endif
		}
	}
}

/* --- plain types: several groups at once, so that chains of multiply-adds overlap --- */
INLINE vf
plain_load(const enum pack_kind kind, const unsigned char *w)
{
	return kind == PACK_F16 ? vf_halves(w) : vf_brains(w);
}

INLINE void
plain_rows(const int rows, const int groups, const enum pack_kind kind,
	const struct packed_tile *t, int h)
{
	for (int64_t k0 = 0; k0 < t->K; k0 += t->kc) {
		int64_t end = k0 + t->kc < t->K ? k0 + t->kc : t->K;
		const unsigned char *w = t->w + (k0 * PACK_GROUP + VW * h) * 2;
		struct packed_tile part = *t;
		vf acc[4][PACK_ROWS];

#pragma GCC unroll 32
		for (int i = 0; i < rows * groups; i++)
			acc[i / rows][i % rows] = vf_zero();
		for (int64_t k = k0; k < end; k++, w += 2 * PACK_GROUP) {
#pragma GCC unroll 4
			for (int g = 0; g < groups; g++) {
				vf v = plain_load(kind, w + (uint64_t)g * t->group_bytes);

#pragma GCC unroll 8
				for (int m = 0; m < rows; m++)
					acc[g][m] = vf_fma(vf_set1(t->x[m * t->ldx + k]), v,
						acc[g][m]);
			}
		}
		part.add = t->add || k0 > 0;
		for (int g = 0; g < groups; g++)
			store_rows(rows, &part, g * PACK_GROUP + VW * h, acc[g]);
	}
}

static int
plain_groups(int rows)
{
	return rows <= 2 ? 4 : rows <= 4 ? 2 : 1;
}

#define PLAIN_CASE(r, g) \
	case r: \
		if (wide == g) \
			plain_rows(r, g, kind, &part, h); \
		else \
			plain_rows(r, 1, kind, &part, h); \
		break;

INLINE void
plain_tile(const enum pack_kind kind, const struct packed_tile *t)
{
	struct packed_tile part = *t;
	int wide;

	for (int g = 0; g < t->groups; g += wide) {
		wide = plain_groups(t->rows);
		wide = g + wide <= t->groups ? wide : 1;
		part.w = t->w + (uint64_t)g * t->group_bytes;
		part.y = t->y + g * PACK_GROUP;
		part.cols = t->cols - g * PACK_GROUP;
		for (int h = 0; h < PARTS; h++) {
			switch (t->rows) {
			PLAIN_CASE(1, 4)
			PLAIN_CASE(2, 4)
			PLAIN_CASE(3, 2)
			PLAIN_CASE(4, 2)
#if PACK_ROWS > 4
			PLAIN_CASE(5, 1)
			PLAIN_CASE(6, 1)
			PLAIN_CASE(7, 1)
			PLAIN_CASE(8, 1)
#endif
			}
		}
	}
}

static void tile_q8_0(const struct packed_tile *t) { block_tile(PACK_Q8_0, t); }
static void tile_q4_0(const struct packed_tile *t) { block_tile(PACK_Q4_0, t); }
static void tile_q4_k(const struct packed_tile *t) { block_tile(PACK_Q4_K, t); }
static void tile_q5_k(const struct packed_tile *t) { block_tile(PACK_Q5_K, t); }
static void tile_q6_k(const struct packed_tile *t) { block_tile(PACK_Q6_K, t); }
static void tile_f16(const struct packed_tile *t) { plain_tile(PACK_F16, t); }
static void tile_bf16(const struct packed_tile *t) { plain_tile(PACK_BF16, t); }

#define PACKED_OPS(text, bits) { \
	.name = text, .features = (bits), .rows = PACK_ROWS, \
	.zero = { [PACK_Q8_0] = PACK_ZERO_Q8, [PACK_Q4_0] = 8, [PACK_Q6_K] = 32 }, \
	.quantize = quantize, \
	.tile = { tile_q8_0, tile_q4_0, tile_q4_k, tile_q5_k, tile_q6_k, tile_f16, tile_bf16 } }
