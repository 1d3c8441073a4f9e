/*
 * around.c - what is done with all weights around an update: the moving average, the excursion of SAM
 * (Foret et al. 2021) uphill along the gradient, and the step that is not taken.
 */
#include <math.h>
#include <string.h>

#include "optim/optim_internal.h"

static void
average_chunk(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;
	const struct optim_unit *u = &o->chunks[i];
	const float *restrict w = u->slot->p->value + u->from;
	float *restrict a = u->slot->average + u->from, weight = o->weight;
	int64_t j;

	(void)worker;
	for (j = 0; j < u->n; j++)
		a[j] += weight * (w[j] - a[j]);
}

void
optim_average(struct joptim *o)
{
	double t = (double)o->t;

	if (o->opts.average == 0)
		return;
	/* Early on the average forgets faster, else it would be of weights before any training. */
	o->weight = (float)(1 - fmin(o->opts.average, (1 + t) / (10 + t)));
	jpar_for(o->pool, o->n_chunks, average_chunk, o);
}

bool
joptim_averages(const struct joptim *o)
{
	return o->opts.average > 0;
}

void
joptim_begin_average(struct joptim *o)
{
	size_t i;

	for (i = 0; i < o->n_slots; i++)
		if (o->slots[i].average)
			memcpy(o->slots[i].average, o->slots[i].p->value,
				(size_t)o->slots[i].n * sizeof(float));
}

static void
swap_chunk(void *arg, int64_t i, int worker)
{
	const struct joptim *o = arg;
	const struct optim_unit *u = &o->chunks[i];
	float *restrict w = u->slot->p->value + u->from, *restrict a = u->slot->average + u->from;
	int64_t j;

	(void)worker;
	for (j = 0; j < u->n; j++) {
		float x = w[j];

		w[j] = a[j];
		a[j] = x;
	}
}

void
joptim_swap_average(struct joptim *o)
{
	if (o->opts.average > 0)
		jpar_for(o->pool, o->n_chunks, swap_chunk, o);
}

static void
climb_chunk(void *arg, int64_t i, int worker)
{
	const struct joptim *o = arg;
	const struct optim_unit *u = &o->chunks[i];
	float *restrict w = u->slot->p->value + u->from, *restrict g = u->slot->p->grad + u->from;
	float *restrict kept = u->slot->kept + u->from, away = o->away;
	int64_t j;

	(void)worker;
	for (j = 0; j < u->n; j++) {
		kept[j] = w[j];
		w[j] += away * g[j];
		g[j] = 0;
	}
}

bool
joptim_climb(struct joptim *o, double norm)
{
	if (o->opts.sam == 0)
		return false;
	o->away = (float)(o->opts.sam / (norm + 1e-12));
	jpar_for(o->pool, o->n_chunks, climb_chunk, o);
	o->climbed = true;
	return true;
}

void
joptim_return(struct joptim *o)
{
	size_t i;

	for (i = 0; i < o->n_slots; i++)
		memcpy(o->slots[i].p->value, o->slots[i].kept,
			(size_t)o->slots[i].n * sizeof(float));
	o->climbed = false;
}

static void
drop_chunk(void *arg, int64_t i, int worker)
{
	const struct joptim *o = arg;
	const struct optim_unit *u = &o->chunks[i];

	(void)worker;
	memset(u->slot->p->grad + u->from, 0, (size_t)u->n * sizeof(float));
}

void
joptim_drop(struct joptim *o)
{
	if (o->climbed)
		joptim_return(o);
	jpar_for(o->pool, o->n_chunks, drop_chunk, o);
}

/* The sum of 0 * w is 0 unless a weight is no number; lanes let the compiler use vectors. */
static void
look_chunk(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;
	struct optim_unit *u = &o->chunks[i];
	const float *w = u->slot->p->value + u->from;
	float lane[16] = { 0 };
	int64_t at, j;

	(void)worker;
	u->sum[1] = 0;
	for (at = 0; at + 16 <= u->n; at += 16)
		for (j = 0; j < 16; j++)
			lane[j] += 0.0f * w[at + j];
	for (; at < u->n; at++)
		lane[0] += 0.0f * w[at];
	for (j = 0; j < 16; j++)
		u->sum[1] += lane[j];
}

const char *
joptim_bad_weight(struct joptim *o)
{
	int64_t i;

	jpar_for(o->pool, o->n_chunks, look_chunk, o);
	for (i = 0; i < o->n_chunks; i++)
		if (isnan(o->chunks[i].sum[1]))
			return o->chunks[i].slot->p->name;
	return NULL;
}

void
joptim_reset(struct joptim *o)
{
	memset(o->state, 0, (size_t)o->state_bytes);
	joptim_drop(o);
	o->t = 0;
}
