/*
 * adamw8bit.c - AdamW with both moments in 8 bits (Dettmers et al. 2022): blocks of 256 weights with
 * a scale each, decoded, updated and encoded again.  The state of small tensors stays as it is, so
 * AdamW takes them.
 */
#include <math.h>

#include "optim/optim_internal.h"

#define SMALL 4096

static bool
takes(const struct jparam *p)
{
	return optim_count(p) >= SMALL;
}

static int
states(const struct joptim_opts *o, const struct jparam *p, struct optim_tensor t[OPTIM_STATES])
{
	int64_t blocks = (optim_count(p) + OPTIM_BLOCK - 1) / OPTIM_BLOCK;

	(void)o;
	optim_like(&t[0], "exp_avg", p);
	optim_like(&t[1], "exp_avg_sq", p);
	t[0].dtype = t[1].dtype = JDT_U8;
	t[2] = (struct optim_tensor){ .name = "exp_avg_scale", .dtype = JDT_F32, .n_dims = 1,
		.shape = { blocks } };
	t[3] = t[2];
	t[3].name = "exp_avg_sq_scale";
	return 4;
}

/* The numbers of a step for one slot. */
struct numbers {
	float keep, size, inv_root, eps, beta2, c1, c2, clip;
};

static void
update(const struct numbers *x, float *restrict w, float *restrict g, float *restrict m,
	float *restrict v, int64_t n)
{
	const struct numbers y = *x;

	for (int64_t i = 0; i < n; i++) {
		float gi = g[i] * y.clip, mi = m[i] + y.c1 * (gi - m[i]);
		float vi = y.beta2 * v[i] + y.c2 * gi * gi;

		w[i] = w[i] * y.keep - y.size * mi / (sqrtf(vi) * y.inv_root + y.eps);
		m[i] = mi;
		v[i] = vi;
		g[i] = 0;
	}
}

static void
block(const struct optim_step *st, struct optim_slot *s, const struct numbers *x, int64_t at)
{
	int64_t n = s->n - at < OPTIM_BLOCK ? s->n - at : OPTIM_BLOCK, b = at / OPTIM_BLOCK;
	unsigned char *qm = (unsigned char *)s->state[0] + at;
	unsigned char *qv = (unsigned char *)s->state[1] + at;
	float *scale_m = (float *)s->state[2] + b, *scale_v = (float *)s->state[3] + b;
	float m[OPTIM_BLOCK], v[OPTIM_BLOCK];

	optim_decode(st->codes, OPTIM_SIGNED, qm, *scale_m, m, n);
	optim_decode(st->codes, OPTIM_UNSIGNED, qv, *scale_v, v, n);
	update(x, s->p->value + at, s->p->grad + at, m, v, n);
	*scale_m = optim_encode(st->codes, OPTIM_SIGNED, m, qm, n);
	*scale_v = optim_encode(st->codes, OPTIM_UNSIGNED, v, qv, n);
}

static void
run(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	double lr = optim_lr(st, s);
	struct numbers x = { .keep = (float)(1 - lr * optim_decay(st, s)),
		.size = (float)(lr / st->bias1), .inv_root = (float)(1 / sqrt(st->bias2)),
		.eps = (float)st->o->eps, .beta2 = (float)st->o->beta2,
		.c1 = (float)(1 - st->o->beta1), .c2 = (float)(1 - st->o->beta2),
		.clip = st->clip };
	int64_t at;

	(void)scratch;
	for (at = u->from; at < u->from + u->n; at += OPTIM_BLOCK)
		block(st, s, &x, at);
}

const struct optim_rule optim_adamw8bit = {
	.name = "adamw8bit", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8,
	.takes = takes, .states = states, .pass = { { OPTIM_BY_CHUNK, run, NULL } },
};
