/*
 * optim.c - slots, chunks, the gradient norm and the step.
 */
#include "optim/joptim.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "optim/optim_internal.h"

/* Elementwise work and partial norms are cut into runs of this many weights: part of the result's
 * definition (the order of summation), so never a function of the number of threads. */
#define CHUNK 32768

struct joptim {
	struct joptim_opts opts;
	struct jpar *pool;
	struct optim_slot *slots;
	size_t n_slots;
	struct optim_chunk *chunks;	/* all slots, for the norm */
	int64_t n_chunks;
	struct optim_chunk *adam;	/* chunks of AdamW slots */
	int64_t n_adam;
	struct optim_slot **mats;	/* Muon slots */
	int64_t n_mats;
	double *partial;		/* [n_chunks] sums of squares */
	float *state;			/* slab behind all m and v */
	uint64_t state_bytes;
	float *scratch;			/* Muon: workers times scratch_each floats */
	uint64_t scratch_bytes;
	int64_t scratch_each;
	int64_t t;
	struct adamw_step step_decay, step_plain;
	struct muon_step step_muon;
};

const char joptim_names[] = "adamw|muon";

static int64_t
count(const struct jparam *p)
{
	int64_t n = 1;
	int i;

	for (i = 0; i < p->n_dims; i++)
		n *= p->shape[i];
	return n;
}

static enum optim_rule
rule_adamw(const struct jparam *p)
{
	(void)p;
	return OPTIM_ADAMW;
}

/* Matrices inside layers; embedding and head have one axis of words and stay with AdamW. */
static enum optim_rule
rule_muon(const struct jparam *p)
{
	return p->n_dims == 2 && p->decay && strstr(p->name, ".layers.") ? OPTIM_MUON : OPTIM_ADAMW;
}

static const struct optimizer {
	const char *name;
	enum optim_rule (*rule)(const struct jparam *p);
} table[] = {
	{ "adamw", rule_adamw },
	{ "muon", rule_muon },
};

static const struct optimizer *
find(const char *name, struct jerr *e)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	jerr_set(e, JERR_ARG, "--optimizer: unknown optimizer '%s', expected one of %s", name,
		joptim_names);
	return NULL;
}

/* What joptim_new() will need; also the sizes that joptim_bytes() reports. */
struct sizes {
	int64_t state;		/* floats of moments */
	int64_t scratch;	/* floats for one worker */
	size_t slots;
	int64_t chunks, adam, mats;
};

static void
measure(struct sizes *z, const struct optimizer *o, const struct jparam *params, size_t n)
{
	size_t i;

	memset(z, 0, sizeof(*z));
	for (i = 0; i < n; i++) {
		const struct jparam *p = &params[i];
		int64_t c = count(p), chunks = (c + CHUNK - 1) / CHUNK, need;

		if (!p->grad)
			continue;
		z->slots++;
		z->chunks += chunks;
		if (o->rule(p) == OPTIM_MUON) {
			need = optim_muon_scratch(p->shape[0], p->shape[1]);
			z->scratch = need > z->scratch ? need : z->scratch;
			z->state += c;
			z->mats++;
		} else {
			z->state += 2 * c;
			z->adam += chunks;
		}
	}
}

int
joptim_bytes(uint64_t *bytes, const struct jparam *params, size_t n, const struct joptim_opts *opts,
	int workers, struct jerr *e)
{
	const struct optimizer *o = find(opts->name, e);
	struct sizes z;

	if (!o)
		return JERR_ARG;
	measure(&z, o, params, n);
	*bytes = (uint64_t)(z.state + z.scratch * workers) * sizeof(float);
	return 0;
}

static int64_t
add_chunks(struct optim_chunk *to, struct optim_slot *s)
{
	int64_t at, n = 0;

	for (at = 0; at < s->n; at += CHUNK) {
		to[n].slot = s;
		to[n].from = at;
		to[n].n = s->n - at < CHUNK ? s->n - at : CHUNK;
		n++;
	}
	return n;
}

static void
fill(struct joptim *o, const struct optimizer *kind, struct jparam *params, size_t n)
{
	float *at = o->state;
	size_t i;

	for (i = 0; i < n; i++) {
		struct optim_slot *s;

		if (!params[i].grad)
			continue;
		s = &o->slots[o->n_slots++];
		s->p = &params[i];
		s->n = count(s->p);
		s->rule = kind->rule(s->p);
		s->m = at;
		at += s->n;
		o->n_chunks += add_chunks(o->chunks + o->n_chunks, s);
		if (s->rule == OPTIM_MUON) {
			o->mats[o->n_mats++] = s;
			continue;
		}
		s->v = at;
		at += s->n;
		o->n_adam += add_chunks(o->adam + o->n_adam, s);
	}
}

int
joptim_new(struct joptim **out, struct jparam *params, size_t n, const struct joptim_opts *opts,
	struct jpar *pool, struct jerr *e)
{
	const struct optimizer *kind = find(opts->name, e);
	struct joptim *o;
	struct sizes z;

	*out = NULL;
	if (!kind)
		return JERR_ARG;
	measure(&z, kind, params, n);
	o = jmem_zalloc(1, sizeof(*o));
	o->opts = *opts;
	o->pool = pool;
	o->slots = jmem_zalloc(z.slots + 1, sizeof(*o->slots));
	o->chunks = jmem_zalloc((size_t)z.chunks + 1, sizeof(*o->chunks));
	o->adam = jmem_zalloc((size_t)z.adam + 1, sizeof(*o->adam));
	o->mats = jmem_zalloc((size_t)z.mats + 1, sizeof(struct optim_slot *));
	o->partial = jmem_zalloc((size_t)z.chunks + 1, sizeof(*o->partial));
	o->state_bytes = (uint64_t)z.state * sizeof(float) + 64;
	o->scratch_each = z.scratch;
	o->scratch_bytes = (uint64_t)(z.scratch * jpar_size(pool)) * sizeof(float) + 64;
	o->state = jmem_map((size_t)o->state_bytes);
	o->scratch = jmem_map((size_t)o->scratch_bytes);
	if (!o->state || !o->scratch) {
		jerr_set(e, JERR_NOMEM, "optimizer state: %llu bytes refused by the system",
			(unsigned long long)(o->state_bytes + o->scratch_bytes));
		joptim_free(o);
		return JERR_NOMEM;
	}
	fill(o, kind, params, n);
	*out = o;
	return 0;
}

void
joptim_free(struct joptim *o)
{
	if (!o)
		return;
	if (o->state)
		jmem_unmap(o->state, (size_t)o->state_bytes);
	if (o->scratch)
		jmem_unmap(o->scratch, (size_t)o->scratch_bytes);
	jmem_free(o->slots);
	jmem_free(o->chunks);
	jmem_free(o->adam);
	jmem_free(o->mats);
	jmem_free(o->partial);
	jmem_free(o);
}

/* Sum of squares in eight lanes: each lane's order and the order of the lanes are fixed. */
static void
norm_chunk(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;
	const struct optim_chunk *c = &o->chunks[i];
	const float *g = c->slot->p->grad + c->from;
	double lane[8] = { 0 };
	int64_t at, j;

	(void)worker;
	for (at = 0; at + 8 <= c->n; at += 8)
		for (j = 0; j < 8; j++)
			lane[j] += (double)g[at + j] * g[at + j];
	for (; at < c->n; at++)
		lane[at % 8] += (double)g[at] * g[at];
	o->partial[i] = ((lane[0] + lane[4]) + (lane[2] + lane[6]))
		+ ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

double
joptim_grad_norm(struct joptim *o)
{
	double sum = 0;
	int64_t i;

	jpar_for(o->pool, o->n_chunks, norm_chunk, o);
	for (i = 0; i < o->n_chunks; i++)
		sum += o->partial[i];
	return sqrt(sum);
}

const char *
joptim_bad_grad(const struct joptim *o)
{
	size_t i;
	int64_t j;

	for (i = 0; i < o->n_slots; i++)
		for (j = 0; j < o->slots[i].n; j++)
			if (!isfinite(o->slots[i].p->grad[j]))
				return o->slots[i].p->name;
	return NULL;
}

static void
adam_chunk(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;
	const struct optim_chunk *c = &o->adam[i];
	const struct optim_slot *s = c->slot;

	(void)worker;
	optim_adamw(s->p->decay ? &o->step_decay : &o->step_plain, s->p->value + c->from,
		s->p->grad + c->from, s->m + c->from, s->v + c->from, c->n);
}

static void
muon_matrix(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;

	optim_muon(&o->step_muon, o->mats[i], o->scratch + worker * o->scratch_each);
}

void
joptim_step(struct joptim *o, double lr, double norm)
{
	const struct joptim_opts *p = &o->opts;
	struct adamw_step *s = &o->step_decay;
	double clip = p->clip > 0 ? p->clip / (norm + 1e-6) : 1;

	o->t++;
	if (clip > 1)
		clip = 1;
	s->keep = (float)(1 - lr * p->weight_decay);
	s->beta1 = (float)p->beta1;
	s->beta2 = (float)p->beta2;
	s->step_size = (float)(lr / (1 - pow(p->beta1, (double)o->t)));
	s->inv_root = (float)(1 / sqrt(1 - pow(p->beta2, (double)o->t)));
	s->eps = (float)p->eps;
	s->clip = (float)clip;
	o->step_plain = *s;
	o->step_plain.keep = 1;
	o->step_muon.momentum = (float)p->momentum;
	o->step_muon.lr = (float)lr;
	o->step_muon.weight_decay = (float)p->weight_decay;
	o->step_muon.clip = (float)clip;
	o->step_muon.ns_steps = p->ns_steps;
	jpar_for(o->pool, o->n_adam, adam_chunk, o);
	jpar_for(o->pool, o->n_mats, muon_matrix, o);
}

int64_t
joptim_steps(const struct joptim *o)
{
	return o->t;
}

void
joptim_set_steps(struct joptim *o, int64_t steps)
{
	o->t = steps;
}

bool
joptim_state(const struct joptim *o, size_t i, struct joptim_state *s)
{
	const struct optim_slot *slot;
	size_t k = 0;

	/* Each slot has one tensor or two. */
	for (slot = o->slots; slot < o->slots + o->n_slots; slot++) {
		size_t has = slot->v ? 2 : 1;

		if (i < k + has) {
			const char *kind = !slot->v ? "momentum"
				: i == k ? "exp_avg" : "exp_avg_sq";

			snprintf(s->name, sizeof(s->name), "%s.%s", slot->p->name, kind);
			s->n_dims = slot->p->n_dims;
			memcpy(s->shape, slot->p->shape, sizeof(s->shape));
			s->data = i == k ? slot->m : slot->v;
			return true;
		}
		k += has;
	}
	return false;
}
