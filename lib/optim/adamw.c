/*
 * adamw.c - AdamW (Loshchilov and Hutter 2019), in the order of operations of torch.optim.AdamW, with
 * clipping and the clearing of the gradient fused in: one pass over memory.
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

static void
run(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	double lr = optim_lr(st, s);
	const float keep = (float)(1 - lr * optim_decay(st, s)), size = (float)(lr / st->bias1);
	const float inv_root = (float)(1 / sqrt(st->bias2)), eps = (float)st->o->eps;
	const float beta2 = (float)st->o->beta2, c1 = 1 - (float)st->o->beta1, c2 = 1 - beta2;
	const float clip = st->clip;
	/*
	 * Slabs begin on pages, so weight, gradient and state lie at the same place of their pages.
	 * Without restrict each load waits for the store before it, which could be to the same
	 * address, and the loop takes five times as long.
	 */
	float *restrict w = s->p->value + u->from, *restrict g = s->p->grad + u->from;
	float *restrict m = (float *)s->state[0] + u->from;
	float *restrict v = (float *)s->state[1] + u->from;

	(void)scratch;
	for (int64_t i = 0; i < u->n; i++) {
		float gi = g[i] * clip, mi = m[i] + c1 * (gi - m[i]), vi = beta2 * v[i] + c2 * gi * gi;

		w[i] = w[i] * keep - size * mi / (sqrtf(vi) * inv_root + eps);
		m[i] = mi;
		v[i] = vi;
		g[i] = 0;
	}
}

const struct optim_rule optim_adamw = {
	.name = "adamw", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8,
	.states = states, .pass = { { OPTIM_BY_CHUNK, run, NULL } },
};
