/*
 * lamb.c - LAMB (You et al. 2020): the update of AdamW, of each tensor scaled to the norm of its
 * weights, for large batches.
 *
 *	u = m^ / (sqrt(v^) + eps) + decay w,   w <- w - lr |w| / |u| u
 *
 * Norms and biases (no decay) are not scaled, as in the authors' code; nor is a tensor that is 0.
 */
#include <math.h>

#include "optim/optim_internal.h"

static int
states(const struct joptim_opts *o, const struct jparam *p, struct optim_tensor t[OPTIM_STATES])
{
	(void)o;
	optim_like(&t[0], "exp_avg", p);
	optim_like(&t[1], "exp_avg_sq", p);
	return 2;
}

/* New moments; the updates take the place of the gradients until apply(). */
static void
moments(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	const float beta2 = (float)st->o->beta2, c1 = 1 - (float)st->o->beta1, c2 = 1 - beta2;
	const float inv1 = (float)(1 / st->bias1), inv_root = (float)(1 / sqrt(st->bias2));
	const float eps = (float)st->o->eps, decay = (float)optim_decay(st, s), clip = st->clip;
	const float *restrict w = s->p->value + u->from;
	float *restrict g = s->p->grad + u->from, *restrict m = (float *)s->state[0] + u->from;
	float *restrict v = (float *)s->state[1] + u->from;

	(void)scratch;
	for (int64_t i = 0; i < u->n; i++) {
		float gi = g[i] * clip, mi = m[i] + c1 * (gi - m[i]), vi = beta2 * v[i] + c2 * gi * gi;

		g[i] = mi * inv1 / (sqrtf(vi) * inv_root + eps) + decay * w[i];
		m[i] = mi;
		v[i] = vi;
	}
	u->sum[0] = optim_squares(w, u->n);
	u->sum[1] = optim_squares(g, u->n);
}

static void
ratio(const struct optim_step *st, struct optim_slot *s, const double sum[2])
{
	bool scaled = s->p->decay && sum[0] > 0 && sum[1] > 0;

	(void)st;
	s->coef[0] = scaled ? sqrt(sum[0]) / sqrt(sum[1]) : 1;
}

static void
apply(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	const float size = (float)(optim_lr(st, u->slot) * u->slot->coef[0]);
	float *restrict w = u->slot->p->value + u->from, *restrict g = u->slot->p->grad + u->from;

	(void)scratch;
	for (int64_t i = 0; i < u->n; i++) {
		w[i] -= size * g[i];
		g[i] = 0;
	}
}

const struct optim_rule optim_lamb = {
	.name = "lamb", .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-6, .states = states,
	.pass = { { OPTIM_BY_CHUNK, moments, ratio }, { OPTIM_BY_CHUNK, apply, NULL } },
};
