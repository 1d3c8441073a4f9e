/*
 * novograd.c - NovoGrad (Ginsburg et al. 2019): gradients divided by a moving norm of their tensor,
 * so the second moment is one number a tensor.
 *
 *	v <- beta2 v + (1 - beta2) |g|^2,  at first |g|^2
 *	m <- beta1 m + g / (sqrt(v) + eps) + decay w,   w <- w - lr m
 */
#include <math.h>

#include "optim/optim_internal.h"

static int
states(const struct joptim_opts *o, const struct jparam *p, struct optim_tensor t[OPTIM_STATES])
{
	(void)o;
	optim_like(&t[0], "exp_avg", p);
	t[1] = (struct optim_tensor){ .name = "exp_avg_sq", .dtype = JDT_F32, .n_dims = 1,
		.shape = { 1 } };
	return 2;
}

static void
norm(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	(void)scratch;
	u->sum[0] = (double)st->clip * st->clip * optim_squares(u->slot->p->grad + u->from, u->n);
}

static void
second_moment(const struct optim_step *st, struct optim_slot *s, const double sum[2])
{
	float *v = s->state[1];

	*v = st->t == 1 ? (float)sum[0]
		: (float)(st->o->beta2 * *v + (1 - st->o->beta2) * sum[0]);
	s->coef[0] = 1 / (sqrt(*v) + st->o->eps);
}

static void
apply(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	const float lr = (float)optim_lr(st, s), decay = (float)optim_decay(st, s);
	const float beta1 = (float)st->o->beta1, scale = (float)(st->clip * s->coef[0]);
	float *restrict w = s->p->value + u->from, *restrict g = s->p->grad + u->from;
	float *restrict m = (float *)s->state[0] + u->from;
	int64_t i;

	(void)scratch;
	for (i = 0; i < u->n; i++) {
		float mi = beta1 * m[i] + (g[i] * scale + decay * w[i]);

		w[i] -= lr * mi;
		m[i] = mi;
		g[i] = 0;
	}
}

const struct optim_rule optim_novograd = {
	.name = "novograd", .beta1 = 0.95, .beta2 = 0.98, .eps = 1e-8, .states = states,
	.pass = { { OPTIM_BY_CHUNK, norm, second_moment }, { OPTIM_BY_CHUNK, apply, NULL } },
};
