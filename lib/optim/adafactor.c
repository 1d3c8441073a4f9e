/*
 * adafactor.c - Adafactor (Shazeer and Stern 2018), as torch.optim.Adafactor: the second moment of a
 * matrix is kept as means of its rows and columns, there is no first moment, and the update has a
 * size relative to the weights.
 *
 *	R <- R + t^-0.8 (mean of rows of g^2 - R), C likewise;   V = R C / mean(R)
 *	u = g / sqrt(V);   w <- w (1 - lr decay) - max(1e-3, rms(w)) min(lr, 1/sqrt(t)) u / max(1, rms(u))
 */
#include <math.h>

#include "optim/optim_internal.h"

static const float eps1 = 0x1p-23f;	/* of fp32, as torch takes it */
static const double eps2 = 1e-3;

static int
states(const struct joptim_opts *o, const struct jparam *p, struct optim_tensor t[OPTIM_STATES])
{
	(void)o;
	if (p->n_dims < 2) {
		optim_like(&t[0], "variance", p);
		return 1;
	}
	optim_like(&t[0], "row_var", p);
	t[0].shape[p->n_dims - 1] = 1;
	t[1] = (struct optim_tensor){ .name = "col_var", .dtype = JDT_F32, .n_dims = 2,
		.shape = { 1, p->shape[p->n_dims - 1] } };
	return 2;
}

static int64_t
columns(const struct optim_slot *s)
{
	return s->p->shape[s->p->n_dims - 1];
}

static float
blend(const struct optim_step *st)
{
	return (float)pow((double)st->t, -0.8);
}

/* var += b (g^2 - var), of clipped gradients. */
static void
blend_squares(float *restrict var, const float *restrict g, float clip, float b, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		float gi = g[i] * clip;

		var[i] += b * (gi * gi - var[i]);
	}
}

/* Second moments along the rows, and rms(w). */
static void
rows(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	int64_t C = columns(s), r;
	const float b = blend(st);
	float *var = s->state[0];

	(void)scratch;
	for (r = u->from; r < u->from + u->n; r++) {
		const float *g = s->p->grad + r * C;

		u->sum[0] += optim_squares(s->p->value + r * C, C);
		if (s->n_states == 1) {
			blend_squares(var + r * C, g, st->clip, b, C);
			continue;
		}
		var[r] += b * ((float)((double)st->clip * st->clip * optim_squares(g, C) / (double)C)
			- var[r]);
		u->sum[1] += var[r];
	}
}

static void
after_rows(const struct optim_step *st, struct optim_slot *s, const double sum[2])
{
	double mean = sum[1] / (double)(s->n / columns(s)), lr = optim_lr(st, s);
	double rate = fmin(lr, 1 / sqrt((double)st->t));

	s->coef[0] = fmax(eps2, sqrt(sum[0] / (double)s->n)) * rate;
	s->coef[1] = fmax(mean, eps1);
}

static void
add_squares(double *restrict sum, const float *restrict g, float clip, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		float gi = g[i] * clip;

		sum[i] += (double)gi * gi;
	}
}

/* Second moments along the columns of a stripe. */
static void
stripe(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	int64_t C = columns(s), R = s->n / C, r, c;
	float *var = (float *)s->state[1] + u->from;
	double *sum = (double *)(void *)scratch;

	for (c = 0; c < u->n; c++)
		sum[c] = 0;
	for (r = 0; r < R; r++)
		add_squares(sum, s->p->grad + r * C + u->from, st->clip, u->n);
	for (c = 0; c < u->n; c++)
		var[c] += blend(st) * ((float)(sum[c] / (double)R) - var[c]);
}

/* Enough doubles for the widest stripe. */
static int64_t
scratch_floats(const struct jparam *p)
{
	(void)p;
	return 2 * OPTIM_STRIPE;
}

/* The updates of n weights before they are scaled take the place of the gradients. */
static void
updates(float *restrict g, const float *restrict var, float clip, int64_t n)
{
	const float least = eps1 * eps1;

	for (int64_t i = 0; i < n; i++)
		g[i] = g[i] * clip / sqrtf(var[i] < least ? least : var[i]);
}

/* The same where the variance is the product of a row's and a column's. */
static void
updates_of_row(float *restrict g, float row, const float *restrict col, const float by[2], int64_t n)
{
	const float least = eps1 * eps1, clip = by[0], mean = by[1];

	for (int64_t i = 0; i < n; i++) {
		float v = row * col[i] / mean;

		g[i] = g[i] * clip / sqrtf(v < least ? least : v);
	}
}

static void
measure(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	const float by[2] = { st->clip, (float)s->coef[1] }, *var = s->state[0];
	int64_t C = columns(s), r;

	(void)scratch;
	for (r = u->from; r < u->from + u->n; r++) {
		float *g = s->p->grad + r * C;

		if (s->n_states == 1)
			updates(g, var + r * C, st->clip, C);
		else
			updates_of_row(g, var[r], s->state[1], by, C);
		u->sum[0] += optim_squares(g, C);
	}
}

static void
after_measure(const struct optim_step *st, struct optim_slot *s, const double sum[2])
{
	(void)st;
	s->coef[0] /= fmax(1, sqrt(sum[0] / (double)s->n));
}

static void
apply(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	const float keep = (float)(1 - optim_lr(st, s) * optim_decay(st, s));
	const float size = (float)s->coef[0];
	int64_t C = columns(s), n = u->n * C;
	float *restrict w = s->p->value + u->from * C, *restrict g = s->p->grad + u->from * C;

	(void)scratch;
	for (int64_t i = 0; i < n; i++) {
		w[i] = w[i] * keep - size * g[i];
		g[i] = 0;
	}
}

const struct optim_rule optim_adafactor = {
	.name = "adafactor", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .states = states,
	.scratch = scratch_floats,
	.pass = {
		{ OPTIM_BY_ROWS, rows, after_rows },
		{ OPTIM_BY_COLUMNS, stripe, NULL },
		{ OPTIM_BY_ROWS, measure, after_measure },
		{ OPTIM_BY_ROWS, apply, NULL },
	},
};
