/* attn.c - the online softmax over tiles of keys. */
#include "graph/attn.h"

#include <math.h>
#include <string.h>

void
attn_softcap(float *s, int64_t rows, int64_t n, float cap)
{
	for (int64_t r = 0; cap > 0 && r < rows; r++)
		for (int64_t i = 0; i < n; i++)
			s[r * ATTN_TILE + i] = cap * tanhf(s[r * ATTN_TILE + i] / cap);
}

void
attn_begin(const struct attn_rows *a)
{
	for (int64_t r = 0; r < a->rows; r++) {
		a->m[r] = -INFINITY;
		a->l[r] = 0;
		memset(a->o + r * a->ld, 0, (size_t)a->d * sizeof(*a->o));
	}
}

/* Scores of a row become weights; false if the row sees nothing of this tile. */
static void
weigh(const struct attn_rows *a, int64_t r, int64_t n)
{
	float *s = a->s + r * ATTN_TILE;
	float top = a->k->max(s, n), m = a->m[r] > top ? a->m[r] : top, c;

	if (m == -INFINITY) {
		memset(s, 0, (size_t)n * sizeof(*s));
		return;
	}
	a->k->exp_scale(&c, &a->m[r], m, 1, 1);
	a->m[r] = m;
	a->l[r] = a->l[r] * c + a->k->exp_sum(s, s, m, n);
	if (c != 1)
		a->k->scale(a->o + r * a->ld, c, a->d);
}

void
attn_tile(const struct attn_rows *a, const float *v, int64_t ldv, int64_t n)
{
	struct jgemm g = {
		.form = JGEMM_NN, .M = a->rows, .N = a->d, .K = n,
		.A = a->s, .lda = ATTN_TILE, .B = v, .ldb = ldv,
		.C = a->o, .ldc = a->ld, .alpha = 1, .beta = 1
	};

	for (int64_t r = 0; r < a->rows; r++)
		weigh(a, r, n);
	jkern_small(a->k, &g);
}

void
attn_end(const struct attn_rows *a)
{
	for (int64_t r = 0; r < a->rows; r++)
		a->k->scale(a->o + r * a->ld, 1 / a->l[r], a->d);
}
