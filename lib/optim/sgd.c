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

/* The numbers of a step for one slot; the weight goes along `direct` d + `along` m. */
struct numbers {
	float lr, decay, clip, mu, direct, along;
};

static void
plain(const struct numbers *x, float *restrict w, float *restrict g, int64_t n)
{
	const float lr = x->lr, decay = x->decay, clip = x->clip;

	for (int64_t i = 0; i < n; i++) {
		w[i] -= lr * (g[i] * clip + decay * w[i]);
		g[i] = 0;
	}
}

static void
with_momentum(const struct numbers *x, float *restrict w, float *restrict g, float *restrict m,
	int64_t n)
{
	const float lr = x->lr, decay = x->decay, clip = x->clip, mu = x->mu;
	const float direct = x->direct, along = x->along;

	for (int64_t i = 0; i < n; i++) {
		float d = g[i] * clip + decay * w[i], mi = mu * m[i] + d;

		w[i] -= lr * (direct * d + along * mi);
		m[i] = mi;
		g[i] = 0;
	}
}

static void
run(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	const struct numbers x = { .lr = (float)optim_lr(st, s), .decay = (float)optim_decay(st, s),
		.clip = st->clip, .mu = (float)st->o->momentum,
		.direct = st->o->nesterov, .along = st->o->nesterov ? (float)st->o->momentum : 1 };
	float *w = s->p->value + u->from, *g = s->p->grad + u->from;

	(void)scratch;
	if (s->n_states > 0)
		with_momentum(&x, w, g, (float *)s->state[0] + u->from, u->n);
	else
		plain(&x, w, g, u->n);
}

const struct optim_rule optim_sgd = {
	.name = "sgd", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .momentum = 0.9,
	.states = states, .pass = { { OPTIM_BY_CHUNK, run, NULL } },
};
