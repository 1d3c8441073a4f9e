/*
 * adamw.c - AdamW (Loshchilov and Hutter 2019), in the order of operations of torch.optim.AdamW, with
 * clipping and the clearing of the gradient fused in: one pass over memory.
 */
#include <math.h>

#include "optim/optim_internal.h"

#define LANES 8

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
	float *w = s->p->value + u->from, *g = s->p->grad + u->from;
	float *m = (float *)s->state[0] + u->from, *v = (float *)s->state[1] + u->from;
	int64_t i, j;

	(void)scratch;
	/* Runs of a fixed length are what compilers turn into vector code without being asked. */
	for (i = 0; i + LANES <= u->n; i += LANES)
		for (j = i; j < i + LANES; j++) {
			float gj = g[j] * clip;

			m[j] += c1 * (gj - m[j]);
			v[j] = beta2 * v[j] + c2 * gj * gj;
			w[j] = w[j] * keep - size * m[j] / (sqrtf(v[j]) * inv_root + eps);
			g[j] = 0;
		}
	for (; i < u->n; i++) {
		float gi = g[i] * clip;

		m[i] += c1 * (gi - m[i]);
		v[i] = beta2 * v[i] + c2 * gi * gi;
		w[i] = w[i] * keep - size * m[i] / (sqrtf(v[i]) * inv_root + eps);
		g[i] = 0;
	}
}

const struct optim_rule optim_adamw = {
	.name = "adamw", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8,
	.states = states, .pass = { { OPTIM_BY_CHUNK, run, NULL } },
};
