/*
 * body_attn.h - part of body_vec.h: attention of one head over panels, over the words of a vec_*.h.
 *
 * A panel holds VW rows turned around: [wide][VW].  Two panels meet as a product of all their rows:
 * those of one are lanes, those of the other are broadcast from constant offsets, so any d runs at
 * the speed of the multiply-adds and nothing is repacked.  Forward has queries in the lanes, because
 * the sums over keys then stay in their lane; backward has keys there, for the sums over queries, and
 * turns the VW x VW gradients of the scores around for dq.
 */
#define ATTN_COLS (VW == 16 ? 16 : 8)	/* columns of a product with values at once */

/* VW values of up to VW rows, turned: t[i] = i-th value of each row. */
INLINE void
turn_block(vf t[VW], const float *x, int64_t ld, int64_t rows, int64_t left)
{
	if (rows >= VW && left >= VW) {
#pragma GCC unroll 16
		for (int i = 0; i < VW; i++)
			t[i] = vf_load(x + i * ld);
	} else if (rows >= VW && left > 0) {
#pragma GCC unroll 16
		for (int i = 0; i < VW; i++)
			t[i] = vf_load_n(x + i * ld, left);
	} else {
		for (int i = 0; i < VW; i++)
			t[i] = i < rows && left > 0 ? load_some(x + i * ld, left) : vf_zero();
	}
	vf_transpose(t);
}

/* The first n values of a block, one below the other. */
INLINE void
store_block(float *to, const vf t[VW], int64_t n)
{
	if (n >= VW) {
#pragma GCC unroll 16
		for (int i = 0; i < VW; i++)
			vf_store(to + i * VW, t[i]);
		return;
	}
	for (int i = 0; i < n; i++)
		vf_store(to + i * VW, t[i]);
}

#ifdef HAVE_FOURS
INLINE void
turn_fours(float *to, const float *x, int64_t ld)
{
	vf r[4];

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		r[i] = vf_load_fours(x + i * ld, ld);
	vf_turn_fours(r);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		vf_store(to + i * VW, r[i]);
}

INLINE void
unturn_fours(float *y, const float *from, int64_t ld, bool more)
{
	vf r[4];

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		r[i] = vf_load(from + i * VW);
	vf_turn_fours(r);
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		vf_store_fours(y + i * ld, ld, more ? vf_add(vf_load_fours(y + i * ld, ld), r[i]) : r[i]);
}

/* A head of 8 values: half of a block would be empty. */
INLINE bool
in_fours(const struct jattn_head *h, int64_t rows)
{
	return h->d == 8 && rows >= VW;
}
#endif

static void
panels(float *to, const float *from, int64_t ld, int64_t rows, const struct jattn_head *h)
{
	for (; rows > 0; rows -= VW, from += VW * ld, to += h->wide * VW) {
#ifdef HAVE_FOURS
		if (in_fours(h, rows)) {
			turn_fours(to, from, ld);
			turn_fours(to + 4 * VW, from + 4, ld);
			continue;
		}
#endif
		for (int64_t c = 0; c < h->wide; c += VW) {
			vf t[VW];

			turn_block(t, from + c, ld, rows, h->d - c);
			store_block(to + c * VW, t, h->wide - c);
		}
	}
}

/* n <= VW values of up to VW rows from a panel. */
INLINE void
unturn_block(float *y, const float *from, int64_t ld, int64_t rows, int64_t n, bool more)
{
	vf t[VW];

	if (n >= VW) {
#pragma GCC unroll 16
		for (int i = 0; i < VW; i++)
			t[i] = vf_load(from + i * VW);
	} else {
		for (int i = 0; i < VW; i++)
			t[i] = i < n ? vf_load(from + i * VW) : vf_zero();
	}
	vf_transpose(t);
	if (rows >= VW && !more) {
#pragma GCC unroll 16
		for (int i = 0; i < VW; i++)
			store_some(y + i * ld, t[i], n);
		return;
	}
	for (int i = 0; i < VW && i < rows; i++, y += ld)
		store_some(y, more ? vf_add(load_some(y, n), t[i]) : t[i], n);
}

static void
unpanels(float *to, const float *from, int64_t ld, int64_t rows, const struct jattn_head *h, bool more)
{
	for (; rows > 0; rows -= VW, to += VW * ld, from += h->wide * VW) {
#ifdef HAVE_FOURS
		if (in_fours(h, rows)) {
			unturn_fours(to, from, ld, more);
			unturn_fours(to + 4, from + 4 * VW, ld, more);
			continue;
		}
#endif
		for (int64_t c = 0; c < h->d; c += VW)
			unturn_block(to + c, from + c * VW, ld, rows, h->d - c, more);
	}
}

/* acc[r] = sum over k of a[k][r] b[k], in the order of k. */
INLINE void
panel_product(vf acc[VW], const float *a, const float *b, int64_t n)
{
#pragma GCC unroll 16
	for (int r = 0; r < VW; r++)
		acc[r] = vf_zero();
	for (int64_t k = 0; k < n; k++, a += VW, b += VW) {
		vf y = vf_load(b);

#pragma GCC unroll 16
		for (int r = 0; r < VW; r++)
			acc[r] = vf_fma(vf_set1(a[r]), y, acc[r]);
	}
}

/* s [VW][VW] = the scores of panel a, broadcast, with panel b in the lanes. */
INLINE void
panel_scores(float *s, const float *a, const float *b, const struct jattn_head *h)
{
	vf by = vf_set1(h->scale), acc[VW];

	for (int64_t k = 0; k < h->d; k += h->block, a += h->block * VW, b += h->block * VW) {
		panel_product(acc, a, b, h->d - k < h->block ? h->d - k : h->block);
#pragma GCC unroll 16
		for (int r = 0; r < VW; r++)
			vf_store(s + r * VW, k == 0 ? vf_mul(by, acc[r])
				: vf_fma(by, acc[r], vf_load(s + r * VW)));
	}
	for (int i = 0; h->cap > 0 && i < VW * VW; i++)
		s[i] = h->cap * tanhf(s[i] / h->cap);
}

/* Rows from `row` on of s [VW][VW] as seen by the lanes, which begin at lane: the rest = -inf. */
INLINE void
panel_mask(float *s, const struct jattn_sight *x, const int32_t *seg, int64_t row)
{
	vf from = vf_load(x->from), to = vf_load(x->to), none = vf_set1(-INFINITY);

	for (int r = 0; r < VW; r++)
		vf_store(s + r * VW, vf_between(vf_load(s + r * VW), vf_set1((float)(row + r)),
			from, to, none));
	for (int r = 0; seg && r < VW; r++)
		for (int l = 0; l < VW; l++)
			if (s[r * VW + l] != -INFINITY && seg[row + r] != seg[x->at + l])
				s[r * VW + l] = -INFINITY;
}

/* Whether every lane sees all of rows row .. row + VW - 1. */
INLINE bool
panel_seen(const struct jattn_sight *x, const int32_t *seg, int64_t row)
{
	return !seg && (float)row >= x->last_from && (float)(row + VW) <= x->first_to;
}

/* c [cols][VW] += sum over r of a[i][r] p[r], in the order of r. */
INLINE void
panel_add(const int cols, float *c, const float *a, const float *p)
{
	vf acc[16];

#pragma GCC unroll 16
	for (int i = 0; i < cols; i++)
		acc[i] = vf_load(c + i * VW);
	for (int r = 0; r < VW; r++, a++, p += VW) {
		vf y = vf_load(p);

#pragma GCC unroll 16
		for (int i = 0; i < cols; i++)
			acc[i] = vf_fma(vf_set1(a[i * VW]), y, acc[i]);
	}
#pragma GCC unroll 16
	for (int i = 0; i < cols; i++)
		vf_store(c + i * VW, acc[i]);
}

static void
panel_add_all(float *c, const float *a, const float *p, int64_t wide)
{
	int64_t i = 0;

	for (; i + ATTN_COLS <= wide; i += ATTN_COLS)
		panel_add(ATTN_COLS, c + i * VW, a + i * VW, p);
	if (i < wide)
		panel_add(8, c + i * VW, a + i * VW, p);
}

/* o [cols][VW] += sum over n keys of v[i][key] p[key]; panels of v lie `step` apart. */
INLINE void
weigh_columns(const int cols, float *o, const float *v, int64_t step, const float *p, int64_t n)
{
	vf acc[16];

#pragma GCC unroll 16
	for (int i = 0; i < cols; i++)
		acc[i] = vf_zero();
	for (; n > 0; n -= VW, v += step) {
		for (int r = 0; r < VW; r++, p += VW) {
			vf y = vf_load(p);

#pragma GCC unroll 16
			for (int i = 0; i < cols; i++)
				acc[i] = vf_fma(vf_set1(v[i * VW + r]), y, acc[i]);
		}
	}
#pragma GCC unroll 16
	for (int i = 0; i < cols; i++)
		vf_store(o + i * VW, vf_add(acc[i], vf_load(o + i * VW)));
}

/*
 * p [n][VW] = exp(p - m); returns the sums over n: those of lanes of keys added as exp_sum() and
 * vf_hsum() add them.
 */
INLINE vf
exp_keys(float *p, vf m, int64_t n)
{
	vf sum[VW];

#pragma GCC unroll 16
	for (int r = 0; r < VW; r++)
		sum[r] = vf_zero();
	for (int64_t j = 0; j < n; j += VW) {
#pragma GCC unroll 16
		for (int r = 0; r < VW; r++, p += VW) {
			vf e = vexp(vf_sub(vf_load(p), m));

			sum[r] = vf_add(sum[r], e);
			vf_store(p, e);
		}
	}
	for (int half = VW / 2; half > 0; half /= 2)
		for (int r = 0; r < half; r++)
			sum[r] = vf_add(sum[r], sum[r + half]);
	return sum[0];
}

/* Scores of n keys from j on, n a multiple of VW; returns the largest of each lane. */
INLINE vf
score_keys(const struct jattn_queries *a, int64_t j, int64_t n, float *s)
{
	const struct jattn_head *h = a->h;
	vf top[4];

	for (int r = 0; r < 4; r++)
		top[r] = vf_set1(-INFINITY);
	for (int64_t i = 0; i < n; i += VW, s += VW * VW) {
		panel_scores(s, a->k + (j + i) * h->wide, a->q, h);
		if (!panel_seen(&a->sight, h->seg, j + i))
			panel_mask(s, &a->sight, h->seg, j + i);
#pragma GCC unroll 16
		for (int r = 0; r < VW; r++)
			top[r % 4] = vf_max(top[r % 4], vf_load(s + r * VW));
	}
	return vf_max(vf_max(top[0], top[1]), vf_max(top[2], top[3]));
}

INLINE void
scale_panel(float *o, vf by, int64_t wide)
{
	for (int64_t i = 0; i < wide; i++)
		vf_store(o + i * VW, vf_mul(vf_load(o + i * VW), by));
}

static void
attend(const struct jattn_queries *a)
{
	const struct jattn_head *h = a->h;
	_Alignas(64) float s[JATTN_TILE * VW], ms[VW], ls[VW];
	vf m = vf_set1(-INFINITY), l = vf_zero();

	memset(a->o, 0, (size_t)h->wide * VW * sizeof(*a->o));
	for (int64_t j = a->sight.first / JATTN_TILE * JATTN_TILE; j < a->sight.end; j += JATTN_TILE) {
		int64_t left = (a->sight.end - j + VW - 1) / VW * VW, i = 0;
		int64_t n = left < JATTN_TILE ? left : JATTN_TILE;
		const float *v = a->v + j * h->wide;
		vf old = m, by;

		m = vf_max(m, score_keys(a, j, n, s));
		/* A row that has seen nothing yet: exp(-inf - m) must not be NaN. */
		by = vf_max(vf_set1(-FLT_MAX), m);
		old = vexp(vf_sub(old, by));
		l = vf_add(vf_mul(l, old), exp_keys(s, by, n));
		scale_panel(a->o, old, h->wide);
		for (; i + ATTN_COLS <= h->wide; i += ATTN_COLS)
			weigh_columns(ATTN_COLS, a->o + i * VW, v + i * VW, h->wide * VW, s, n);
		if (i < h->wide)
			weigh_columns(8, a->o + i * VW, v + i * VW, h->wide * VW, s, n);
	}
	scale_panel(a->o, vf_div(vf_set1(1), l), h->wide);
	vf_store(ms, m);
	vf_store(ls, l);
	for (int r = 0; a->lse && r < a->sight.lanes; r++)
		a->lse[r] = ms[r] + logf(ls[r]);
}

/* From the scores of VW rows from i on with the lanes' keys to p and the gradients of the scores. */
INLINE void
softmax_panel(const struct jattn_keys *a, int64_t i, float *p, float *ds)
{
	const struct jattn_head *h = a->h;
	vf by = vf_set1(h->scale), acc[VW];

	panel_scores(p, a->q + i * h->wide, a->k, h);
	if (h->cap > 0)
		memcpy(ds, p, VW * VW * sizeof(*p));
	if (!panel_seen(&a->sight, h->seg, i))
		panel_mask(p, &a->sight, h->seg, i);
#pragma GCC unroll 4
	for (int r = 0; r < VW; r++)
		vf_store(p + r * VW, vexp(vf_sub(vf_load(p + r * VW), vf_set1(a->lse[i + r]))));
	panel_product(acc, a->dout + i * h->wide, a->v, h->d);
	if (h->cap > 0) {
		vf inv = vf_set1(1 / h->cap), one = vf_set1(1);

		for (int r = 0; r < VW; r++) {
			vf c = vf_mul(vf_load(ds + r * VW), inv);

			vf_store(ds + r * VW, vf_mul(by, vf_sub(one, vf_mul(c, c))));
		}
	}
#pragma GCC unroll 16
	for (int r = 0; r < VW; r++) {
		vf d = vf_mul(vf_load(p + r * VW), vf_sub(acc[r], vf_set1(a->delta[i + r])));

		vf_store(ds + r * VW, vf_mul(h->cap > 0 ? vf_load(ds + r * VW) : by, d));
	}
}

static void
attend_back(const struct jattn_keys *a)
{
	_Alignas(64) float p[VW * VW], ds[VW * VW];
	int64_t wide = a->h->wide;

	for (int64_t i = a->sight.first / VW * VW; i < a->sight.end; i += VW) {
		softmax_panel(a, i, p, ds);
		if (a->dv)
			panel_add_all(a->dv, a->dout + i * wide, p, wide);
		if (a->dk)
			panel_add_all(a->dk, a->q + i * wide, ds, wide);
		if (a->dq) {
			vf t[VW];

#pragma GCC unroll 16
			for (int r = 0; r < VW; r++)
				t[r] = vf_load(ds + r * VW);
			vf_transpose(t);
#pragma GCC unroll 16
			for (int r = 0; r < VW; r++)
				vf_store(ds + r * VW, t[r]);
			panel_add_all(a->dq + i * wide, a->k, ds, wide);
		}
	}
}

/* delta[r] = the product of columns r of two panels. */
static void
panel_dots(float *delta, const float *a, const float *b, int64_t rows, const struct jattn_head *h)
{
	for (; rows > 0; rows -= VW, delta += VW) {
		vf s = vf_zero();

		for (int64_t c = 0; c < h->wide; c++, a += VW, b += VW)
			s = vf_fma(vf_load(a), vf_load(b), s);
		vf_store(delta, s);
	}
}
