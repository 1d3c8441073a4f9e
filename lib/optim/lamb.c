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

/* What both passes need of a unit. */
struct view {
	float *w, *g, *m, *v;
	float inv1, inv_root, eps, decay;
};

static struct view
look(const struct optim_step *st, const struct optim_unit *u)
{
	const struct optim_slot *s = u->slot;

	return (struct view){ .w = s->p->value + u->from, .g = s->p->grad + u->from,
		.m = (float *)s->state[0] + u->from, .v = (float *)s->state[1] + u->from,
		.inv1 = (float)(1 / st->bias1), .inv_root = (float)(1 / sqrt(st->bias2)),
		.eps = (float)st->o->eps, .decay = (float)optim_decay(st, s) };
}

static float
update(const struct view *x, int64_t i)
{
	return x->m[i] * x->inv1 / (sqrtf(x->v[i]) * x->inv_root + x->eps) + x->decay * x->w[i];
}

static void
moments(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	const float beta2 = (float)st->o->beta2, c1 = 1 - (float)st->o->beta1, c2 = 1 - beta2;
	struct view x = look(st, u);
	int64_t i;

	(void)scratch;
	for (i = 0; i < u->n; i++) {
		float g = x.g[i] * st->clip, d;

		x.m[i] += c1 * (g - x.m[i]);
		x.v[i] = beta2 * x.v[i] + c2 * g * g;
		d = update(&x, i);
		u->sum[0] += (double)x.w[i] * x.w[i];
		u->sum[1] += (double)d * d;
	}
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
	struct view x = look(st, u);
	int64_t i;

	(void)scratch;
	for (i = 0; i < u->n; i++) {
		x.w[i] -= size * update(&x, i);
		x.g[i] = 0;
	}
}

const struct optim_rule optim_lamb = {
	.name = "lamb", .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-6, .states = states,
	.pass = { { OPTIM_BY_CHUNK, moments, ratio }, { OPTIM_BY_CHUNK, apply, NULL } },
};
