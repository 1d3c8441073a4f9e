/*
 * around.c - what is done with all weights around an update: the moving average, and the excursion of
 * SAM (Foret et al. 2021) uphill along the gradient.
 */
#include <math.h>
#include <string.h>

#include "optim/optim_internal.h"

static void
average_chunk(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;
	const struct optim_unit *u = &o->chunks[i];
	const float *w = u->slot->p->value + u->from;
	float *a = u->slot->average + u->from;
	int64_t j;

	(void)worker;
	for (j = 0; j < u->n; j++)
		a[j] += o->weight * (w[j] - a[j]);
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
	float *w = u->slot->p->value + u->from, *a = u->slot->average + u->from, x;
	int64_t j;

	(void)worker;
	for (j = 0; j < u->n; j++) {
		x = w[j];
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
	float *w = u->slot->p->value + u->from, *g = u->slot->p->grad + u->from;
	float *kept = u->slot->kept + u->from;
	int64_t j;

	(void)worker;
	for (j = 0; j < u->n; j++) {
		kept[j] = w[j];
		w[j] += o->away * g[j];
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
	return true;
}

void
joptim_return(struct joptim *o)
{
	size_t i;

	for (i = 0; i < o->n_slots; i++)
		memcpy(o->slots[i].p->value, o->slots[i].kept,
			(size_t)o->slots[i].n * sizeof(float));
}
