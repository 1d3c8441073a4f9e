/*
 * attn.h - inside the room: what attention for training and for generation have in common.
 *
 * Keys come in tiles of ATTN_TILE whose borders are multiples of ATTN_TILE from the start of the
 * sequence.  A query row meets the tiles in order; each tile does, for this row alone:
 *
 *	s = scale * q K^T, capped, keys it may not see = -inf
 *	m' = max(m, max s);  p = exp(s - m');  c = exp(m - m')
 *	l = l c + sum p;  o = o c + p V
 *
 * (online softmax, Milakov and Gimelshein 2018; tiles, Dao et al. 2022).  Both operations run the
 * same kernels in the same order, so a row has the same bits in both.
 */
#ifndef ATTN_H
#define ATTN_H

#include "graph/graph.h"

enum { ATTN_TILE = 64 };

/* Running state of some rows: m [rows], l [rows], o [rows, d] with row distance ld. */
struct attn_rows {
	const struct jkern *k;
	int64_t rows, d, ld;
	float *m, *l, *o;
	float *s;		/* [rows, ATTN_TILE] scores of one tile */
};

/* s = cap * tanh(s / cap) for rows of n scores; cap 0 = nothing. */
void attn_softcap(float *s, int64_t rows, int64_t n, float cap);
void attn_begin(const struct attn_rows *a);
/* One tile: the scores of n keys are in s, those not to be seen are -INFINITY. */
void attn_tile(const struct attn_rows *a, const float *v, int64_t ldv, int64_t n);
void attn_end(const struct attn_rows *a);		/* o /= l */

#endif
