/*
 * adamw.c - AdamW (Loshchilov and Hutter 2019) on a run of weights, in the order of operations of
 * torch.optim.AdamW, with clipping and the clearing of the gradient fused in: one pass over memory.
 */
#include <math.h>

#include "optim/optim_internal.h"

#define LANES 8

void
optim_adamw(const struct adamw_step *s, float *w, float *g, float *m, float *v, int64_t n)
{
	const float c1 = 1 - s->beta1, c2 = 1 - s->beta2;
	int64_t i, j;

	/* Runs of a fixed length are what compilers turn into vector code without being asked. */
	for (i = 0; i + LANES <= n; i += LANES)
		for (j = i; j < i + LANES; j++) {
			float gj = g[j] * s->clip;

			m[j] += c1 * (gj - m[j]);
			v[j] = s->beta2 * v[j] + c2 * gj * gj;
			w[j] = w[j] * s->keep
				- s->step_size * m[j] / (sqrtf(v[j]) * s->inv_root + s->eps);
			g[j] = 0;
		}
	for (; i < n; i++) {
		float gi = g[i] * s->clip;

		m[i] += c1 * (gi - m[i]);
		v[i] = s->beta2 * v[i] + c2 * gi * gi;
		w[i] = w[i] * s->keep - s->step_size * m[i] / (sqrtf(v[i]) * s->inv_root + s->eps);
		g[i] = 0;
	}
}
