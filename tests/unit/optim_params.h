/*
 * optim_params.h - the parameters, gradients and rates of tests/ref/make_optim.py.
 */
#ifndef OPTIM_PARAMS_H
#define OPTIM_PARAMS_H

#include <string.h>

#include "optim/joptim.h"

#define FIX_STEPS 20
#define FIX_PARAMS 3
#define FIX_ALL (60 + 36 + 11)

struct fixture {
	float w[FIX_ALL], g[FIX_ALL];
	struct jparam p[FIX_PARAMS];
};

static inline double
fix_rate(int s)
{
	return 0.01 * (1 + s % 4) / 4;
}

static inline float
fix_start(int64_t i, int k)
{
	return (float)((i * 613 + 17 * k) % 509) / 512 - 0.5f;
}

static inline float
fix_gradient(int64_t i, int k, int s)
{
	float g = (float)((i * 7919 + (int64_t)s * 104729 + k * 31) % 2039) / 1024 - 1;

	return g / (float)(1 << (i % 5 + s % 4));
}

static inline void
fix_init(struct fixture *f)
{
	const struct jparam p[FIX_PARAMS] = {
		{ .name = "model.layers.0.mlp.up_proj.weight", .n_dims = 2, .shape = { 6, 10 },
			.value = f->w, .grad = f->g, .decay = true },
		{ .name = "model.layers.0.mlp.down_proj.weight", .n_dims = 2, .shape = { 9, 4 },
			.value = f->w + 60, .grad = f->g + 60, .decay = true },
		{ .name = "model.norm.weight", .n_dims = 1, .shape = { 11 },
			.value = f->w + 96, .grad = f->g + 96 },
	};
	static const int from[FIX_PARAMS + 1] = { 0, 60, 96, FIX_ALL };
	int k, i;

	memcpy(f->p, p, sizeof(p));
	for (k = 0; k < FIX_PARAMS; k++)
		for (i = from[k]; i < from[k + 1]; i++)
			f->w[i] = fix_start(i - from[k], k);
}

static inline void
fix_gradients(struct fixture *f, int s)
{
	static const int from[FIX_PARAMS + 1] = { 0, 60, 96, FIX_ALL };
	int k, i;

	for (k = 0; k < FIX_PARAMS; k++)
		for (i = from[k]; i < from[k + 1]; i++)
			f->g[i] = fix_gradient(i - from[k], k, s);
}

static inline void
fix_steps(struct joptim *o, struct fixture *f, int from, int to)
{
	int s;

	for (s = from; s < to; s++) {
		fix_gradients(f, s);
		joptim_step(o, fix_rate(s), joptim_grad_norm(o));
	}
}

#endif
