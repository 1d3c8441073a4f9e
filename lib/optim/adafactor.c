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

/* Second moments along the rows, and rms(w). */
static void
rows(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	struct optim_slot *s = u->slot;
	int64_t C = columns(s), r, c;
	const float b = blend(st);
	float *var = s->state[0];

	(void)scratch;
	for (r = u->from; r < u->from + u->n; r++) {
		const float *g = s->p->grad + r * C, *w = s->p->value + r * C;
		double sum = 0;

		for (c = 0; c < C; c++) {
			float gc = g[c] * st->clip;

			u->sum[0] += (double)w[c] * w[c];
			sum += (double)gc * gc;
			if (s->n_states == 1)
				var[r * C + c] += b * (gc * gc - var[r * C + c]);
		}
		if (s->n_states == 1)
			continue;
		var[r] += b * ((float)(sum / (double)C) - var[r]);
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
	for (r = 0; r < R; r++) {
		const float *g = s->p->grad + r * C + u->from;

		for (c = 0; c < u->n; c++) {
			float gc = g[c] * st->clip;

			sum[c] += (double)gc * gc;
		}
	}
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

/* The update of weight c of row r before it is scaled. */
static float
update(const struct optim_step *st, const struct optim_slot *s, int64_t r, int64_t c)
{
	const float *var = s->state[0], *col = s->state[1];
	int64_t at = r * columns(s) + c;
	float v = s->n_states == 1 ? var[at] : var[r] * col[c] / (float)s->coef[1];

	if (v < eps1 * eps1)
		v = eps1 * eps1;
	return s->p->grad[at] * st->clip / sqrtf(v);
}

static void
measure(const struct optim_step *st, struct optim_unit *u, float *scratch)
{
	int64_t C = columns(u->slot), r, c;

	(void)scratch;
	for (r = u->from; r < u->from + u->n; r++)
		for (c = 0; c < C; c++) {
			double d = update(st, u->slot, r, c);

			u->sum[0] += d * d;
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
	int64_t C = columns(s), r, c;

	(void)scratch;
	for (r = u->from; r < u->from + u->n; r++)
		for (c = 0; c < C; c++) {
			float *w = &s->p->value[r * C + c];

			*w = *w * keep - size * update(st, s, r, c);
			s->p->grad[r * C + c] = 0;
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
