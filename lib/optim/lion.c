/*
 * lion.c - Lion (Chen et al. 2023): the sign of an interpolation between momentum and gradient.
 *
 *	w <- w (1 - lr decay) - lr sign(beta1 m + (1 - beta1) g)
 *	m <- beta2 m + (1 - beta2) g
 */
#include "optim/optim_internal.h"

static int
states(const struct joptim_opts *o, const struct jparam *p, struct optim_tensor t[OPTIM_STATES])
{
	(void)o;
	optim_like(&t[0], "exp_avg", p);
	return 1;
}

static void
run(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	double lr = optim_lr(st, s);
	const float keep = (float)(1 - lr * optim_decay(st, s)), size = (float)lr, clip = st->clip;
	const float c1 = (float)(1 - st->o->beta1), c2 = (float)(1 - st->o->beta2);
	float *restrict w = s->p->value + u->from, *restrict g = s->p->grad + u->from;
	float *restrict m = (float *)s->state[0] + u->from;
	int64_t i;

	(void)scratch;
	for (i = 0; i < u->n; i++) {
		float gi = g[i] * clip, c = m[i] + c1 * (gi - m[i]);

		w[i] = w[i] * keep - size * (float)((c > 0) - (c < 0));
		m[i] += c2 * (gi - m[i]);
		g[i] = 0;
	}
}

const struct optim_rule optim_lion = {
	.name = "lion", .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8,
	.states = states, .pass = { { OPTIM_BY_CHUNK, run, NULL } },
};
