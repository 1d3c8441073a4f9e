/*
 * sgd.c - gradient descent with momentum, plain or Nesterov's, as torch.optim.SGD: the decay is added
 * to the gradient.
 */
#include "optim/optim_internal.h"

static int
states(const struct joptim_opts *o, const struct jparam *p, struct optim_tensor t[OPTIM_STATES])
{
	if (o->momentum == 0)
		return 0;
	optim_like(&t[0], "momentum", p);
	return 1;
}

static void
run(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	const float lr = (float)optim_lr(st, s), decay = (float)optim_decay(st, s);
	const float mu = (float)st->o->momentum, clip = st->clip, look = st->o->nesterov ? mu : 0;
	float *w = s->p->value + u->from, *g = s->p->grad + u->from;
	float *m = s->n_states > 0 ? (float *)s->state[0] + u->from : NULL;
	int64_t i;

	(void)scratch;
	for (i = 0; i < u->n; i++) {
		float d = g[i] * clip + decay * w[i];

		if (m) {
			m[i] = mu * m[i] + d;
			d = look > 0 ? d + look * m[i] : m[i];
		}
		w[i] -= lr * d;
		g[i] = 0;
	}
}

const struct optim_rule optim_sgd = {
	.name = "sgd", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .momentum = 0.9,
	.states = states, .pass = { { OPTIM_BY_CHUNK, run, NULL } },
};
