/*
 * optim.c - slots, units, the gradient norm and the step.
 */
#include "optim/joptim.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jmem.h"
#include "optim/optim_internal.h"

#define ALIGN 64

const char joptim_names[] = "adamw|adamw8bit|muon|sgd|lion|adafactor|lamb|novograd";

static const struct optim_rule *const table[] = {
	&optim_adamw, &optim_adamw8bit, &optim_muon, &optim_sgd,
	&optim_lion, &optim_adafactor, &optim_lamb, &optim_novograd,
};

int64_t
optim_count(const struct jparam *p)
{
	int64_t n = 1;
	int i;

	for (i = 0; i < p->n_dims; i++)
		n *= p->shape[i];
	return n;
}

void
optim_like(struct optim_tensor *t, const char *name, const struct jparam *p)
{
	t->name = name;
	t->dtype = JDT_F32;
	t->n_dims = p->n_dims;
	memcpy(t->shape, p->shape, sizeof(t->shape));
}

double
optim_lr(const struct optim_step *st, const struct optim_slot *s)
{
	return st->lr * s->lr_scale;
}

double
optim_decay(const struct optim_step *st, const struct optim_slot *s)
{
	return s->p->decay ? st->o->weight_decay * s->decay_scale : 0;
}

static const struct optim_rule *
find(const char *name, struct jerr *e)
{
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	jerr_set(e, JERR_ARG, "--optimizer: unknown optimizer '%s', expected one of %s", name,
		joptim_names);
	return NULL;
}

static const struct optim_rule *
rule_for(const struct optim_rule *kind, const struct jparam *p)
{
	return kind->takes && !kind->takes(p) ? &optim_adamw : kind;
}

int
joptim_settle(struct joptim_opts *o, struct jerr *e)
{
	const struct optim_rule *r = find(o->name, e);

	if (!r)
		return JERR_ARG;
	o->beta1 = o->beta1 < 0 ? r->beta1 : o->beta1;
	o->beta2 = o->beta2 < 0 ? r->beta2 : o->beta2;
	o->eps = o->eps < 0 ? r->eps : o->eps;
	o->momentum = o->momentum < 0 ? r->momentum : o->momentum;
	return 0;
}

static int64_t
tensor_count(const struct optim_tensor *t)
{
	int64_t n = 1;
	int i;

	for (i = 0; i < t->n_dims; i++)
		n *= t->shape[i];
	return n;
}

/* Room in the slab, kept aligned. */
static int64_t
tensor_bytes(const struct optim_tensor *t)
{
	int64_t bytes = tensor_count(t) * (t->dtype == JDT_U8 ? 1 : (int64_t)sizeof(float));

	return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* How much of what a pass counts goes into one unit, and how much there is. */
static void
cut(const struct jparam *p, enum optim_cut how, int64_t *each, int64_t *total)
{
	int64_t n = optim_count(p), cols = p->shape[p->n_dims - 1];

	*total = n;
	*each = OPTIM_CHUNK;
	switch (how) {
	case OPTIM_BY_CHUNK:
		break;
	case OPTIM_BY_ROWS:
		*total = n / cols;
		*each = cols < OPTIM_CHUNK ? OPTIM_CHUNK / cols : 1;
		break;
	case OPTIM_BY_COLUMNS:
		*total = p->n_dims > 1 ? cols : 0;
		*each = OPTIM_STRIPE;
		break;
	case OPTIM_WHOLE:
		*each = n;
		break;
	}
}

static int64_t
unit_count(const struct jparam *p, enum optim_cut how)
{
	int64_t each, total;

	cut(p, how, &each, &total);
	return (total + each - 1) / each;
}

/* What joptim_new() will need; also the sizes that joptim_bytes() reports. */
struct sizes {
	int64_t state;			/* bytes */
	int64_t scratch;		/* floats for one worker */
	size_t slots;
	int64_t chunks, units[OPTIM_PASSES], all_units;
	bool codes;
};

static void
measure_one(struct sizes *z, const struct optim_rule *r, const struct joptim_opts *o,
	const struct jparam *p)
{
	struct optim_tensor t[OPTIM_STATES], like;
	int n = r->states(o, p, t), i;
	int64_t need = r->scratch ? r->scratch(p) : 0;

	z->slots++;
	z->scratch = need > z->scratch ? need : z->scratch;
	z->chunks += unit_count(p, OPTIM_BY_CHUNK);
	for (i = 0; i < n; i++) {
		z->state += tensor_bytes(&t[i]);
		z->codes |= t[i].dtype == JDT_U8;
	}
	optim_like(&like, "", p);
	z->state += tensor_bytes(&like) * ((o->average > 0) + (o->sam > 0));
	for (i = 0; i < OPTIM_PASSES && r->pass[i].run; i++) {
		z->units[i] += unit_count(p, r->pass[i].cut);
		z->all_units += unit_count(p, r->pass[i].cut);
	}
}

static void
measure(struct sizes *z, const struct optim_rule *kind, const struct joptim_opts *o,
	const struct jparam *params, size_t n)
{
	size_t i;

	memset(z, 0, sizeof(*z));
	for (i = 0; i < n; i++)
		if (params[i].grad)
			measure_one(z, rule_for(kind, &params[i]), o, &params[i]);
}

int
joptim_bytes(uint64_t *bytes, const struct jparam *params, size_t n, const struct joptim_opts *opts,
	int workers, struct jerr *e)
{
	struct joptim_opts o = *opts;
	struct sizes z;

	if (joptim_settle(&o, e) < 0)
		return e->code;
	measure(&z, find(o.name, e), &o, params, n);
	*bytes = (uint64_t)z.state + (uint64_t)(z.scratch * workers) * sizeof(float);
	return 0;
}

static int64_t
add_units(struct optim_unit *to, struct optim_slot *s, enum optim_cut how)
{
	int64_t at, n = 0, each, total;

	cut(s->p, how, &each, &total);
	for (at = 0; at < total; at += each) {
		to[n].slot = s;
		to[n].from = at;
		to[n].n = total - at < each ? total - at : each;
		n++;
	}
	return n;
}

/* Units that are whole tensors come first: better for the threads. */
static void
fill_pass(struct joptim *o, int pass)
{
	struct optim_unit *to = o->units + o->pass_from[pass];
	bool whole;
	int round;
	size_t i;

	for (round = 0; round < 2; round++)
		for (i = 0; i < o->n_slots; i++) {
			struct optim_slot *s = &o->slots[i];
			const struct optim_pass *p = &s->rule->pass[pass];

			whole = p->run && p->cut == OPTIM_WHOLE;
			if (!p->run || whole != (round == 0))
				continue;
			s->first[pass] = to - o->units;
			s->count[pass] = add_units(to, s, p->cut);
			to += s->count[pass];
		}
	o->pass_from[pass + 1] = to - o->units;
}

static void *
take(unsigned char **at, const struct optim_tensor *t)
{
	void *p = *at;

	*at += tensor_bytes(t);
	return p;
}

static void
fill_slot(struct joptim *o, const struct optim_rule *kind, struct jparam *p, unsigned char **at)
{
	struct optim_slot *s = &o->slots[o->n_slots++];
	struct optim_tensor like;
	int i;

	s->p = p;
	s->n = optim_count(p);
	s->rule = rule_for(kind, p);
	s->n_states = s->rule->states(&o->opts, p, s->what);
	for (i = 0; i < s->n_states; i++)
		s->state[i] = take(at, &s->what[i]);
	optim_like(&like, "", p);
	if (o->opts.average > 0)
		s->average = take(at, &like);
	if (o->opts.sam > 0)
		s->kept = take(at, &like);
	o->n_chunks += add_units(o->chunks + o->n_chunks, s, OPTIM_BY_CHUNK);
}

/* Has the weight the number that is scaled? */
static bool
is_scaled(const struct optim_slot *s, bool decay)
{
	return !decay || s->p->decay;
}

static int
set_scale(struct joptim *o, const struct joptim_scale *scale, bool decay, struct jerr *e)
{
	bool any = false;

	for (size_t k = 0; k < o->n_slots; k++) {
		struct optim_slot *s = &o->slots[k];

		if (!is_scaled(s, decay) || fnmatch(scale->pattern, s->p->name, 0) != 0)
			continue;
		*(decay ? &s->decay_scale : &s->lr_scale) = scale->by;
		any = true;
	}
	if (any)
		return 0;
	return jerr_set(e, JERR_ARG, "--%s-scale: no trained weight%s matches '%s'; names are like '%s'",
		decay ? "decay" : "lr", decay ? " that decays" : "", scale->pattern,
		o->n_slots ? o->slots[0].p->name : "");
}

static int
set_scales(struct joptim *o, struct jerr *e)
{
	struct joptim_opts *opts = &o->opts;
	size_t i;

	for (i = 0; i < o->n_slots; i++)
		o->slots[i].lr_scale = o->slots[i].decay_scale = 1;
	for (i = 0; i < opts->n_lr_scales; i++)
		if (set_scale(o, &opts->lr_scales[i], false, e) < 0)
			return e->code;
	for (i = 0; i < opts->n_decay_scales; i++)
		if (set_scale(o, &opts->decay_scales[i], true, e) < 0)
			return e->code;
	opts->lr_scales = opts->decay_scales = NULL;
	return 0;
}

static int
allocate(struct joptim *o, const struct sizes *z, struct jerr *e)
{
	o->slots = jmem_zalloc(z->slots + 1, sizeof(*o->slots));
	o->chunks = jmem_zalloc((size_t)z->chunks + 1, sizeof(*o->chunks));
	o->units = jmem_zalloc((size_t)z->all_units + 1, sizeof(*o->units));
	if (z->codes)
		o->codes = optim_codes_new();
	o->state_bytes = (uint64_t)z->state + ALIGN;
	o->scratch_each = z->scratch;
	o->scratch_bytes = (uint64_t)(z->scratch * jpar_size(o->pool)) * sizeof(float) + ALIGN;
	o->state = jmem_map((size_t)o->state_bytes);
	o->scratch = jmem_map((size_t)o->scratch_bytes);
	if (!o->state || !o->scratch)
		return jerr_set(e, JERR_NOMEM, "optimizer state: %llu bytes refused by the system",
			(unsigned long long)(o->state_bytes + o->scratch_bytes));
	return 0;
}

int
joptim_new(struct joptim **out, struct jparam *params, size_t n, const struct joptim_opts *opts,
	struct jpar *pool, struct jerr *e)
{
	struct joptim_opts settled = *opts;
	const struct optim_rule *kind;
	unsigned char *at;
	struct joptim *o;
	struct sizes z;
	size_t i;
	int pass;

	*out = NULL;
	if (joptim_settle(&settled, e) < 0)
		return e->code;
	kind = find(settled.name, e);
	measure(&z, kind, &settled, params, n);
	o = jmem_zalloc(1, sizeof(*o));
	o->opts = settled;
	o->pool = pool;
	if (allocate(o, &z, e) < 0) {
		joptim_free(o);
		return e->code;
	}
	at = o->state;
	for (i = 0; i < n; i++)
		if (params[i].grad)
			fill_slot(o, kind, &params[i], &at);
	for (pass = 0; pass < OPTIM_PASSES; pass++)
		fill_pass(o, pass);
	if (set_scales(o, e) < 0) {
		joptim_free(o);
		return e->code;
	}
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
	optim_codes_free(o->codes);
	jmem_free(o->slots);
	jmem_free(o->chunks);
	jmem_free(o->units);
	jmem_free(o);
}

double
optim_squares(const float *v, int64_t n)
{
	double lane[8] = { 0 };
	int64_t i, j;

	for (i = 0; i + 8 <= n; i += 8)
		for (j = 0; j < 8; j++)
			lane[j] += (double)v[i + j] * v[i + j];
	for (; i < n; i++)
		lane[i % 8] += (double)v[i] * v[i];
	return ((lane[0] + lane[4]) + (lane[2] + lane[6]))
		+ ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static void
norm_chunk(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;
	struct optim_unit *c = &o->chunks[i];

	(void)worker;
	c->sum[0] = optim_squares(c->slot->p->grad + c->from, c->n);
}

double
joptim_grad_norm(struct joptim *o)
{
	double sum = 0;
	int64_t i;

	jpar_for(o->pool, o->n_chunks, norm_chunk, o);
	for (i = 0; i < o->n_chunks; i++)
		sum += o->chunks[i].sum[0];
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
run_unit(void *arg, int64_t i, int worker)
{
	struct joptim *o = arg;
	struct optim_unit *u = &o->units[o->pass_from[o->pass] + i];

	u->sum[0] = u->sum[1] = 0;
	u->slot->rule->pass[o->pass].run(&o->step, u, o->scratch + worker * o->scratch_each);
}

static void
gather(struct joptim *o)
{
	size_t k;
	int64_t i;

	for (k = 0; k < o->n_slots; k++) {
		struct optim_slot *s = &o->slots[k];
		const struct optim_pass *p = &s->rule->pass[o->pass];
		const struct optim_unit *u = o->units + s->first[o->pass];
		double sum[2] = { 0 };

		if (!p->gather)
			continue;
		for (i = 0; i < s->count[o->pass]; i++) {
			sum[0] += u[i].sum[0];
			sum[1] += u[i].sum[1];
		}
		p->gather(&o->step, s, sum);
	}
}

void
joptim_step(struct joptim *o, double lr, double norm)
{
	const struct joptim_opts *p = &o->opts;
	double clip = p->clip > 0 ? p->clip / (norm + 1e-6) : 1;

	o->t++;
	o->step.o = p;
	o->step.lr = lr;
	o->step.bias1 = 1 - pow(p->beta1, (double)o->t);
	o->step.bias2 = 1 - pow(p->beta2, (double)o->t);
	o->step.clip = clip > 1 ? 1 : (float)clip;
	o->step.t = o->t;
	o->step.codes = o->codes;
	for (o->pass = 0; o->pass < OPTIM_PASSES; o->pass++) {
		int64_t n = o->pass_from[o->pass + 1] - o->pass_from[o->pass];

		if (n == 0)
			continue;
		jpar_for(o->pool, n, run_unit, o);
		gather(o);
	}
	optim_average(o);
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
	struct optim_tensor other;

	for (slot = o->slots; slot < o->slots + o->n_slots; slot++) {
		size_t own = (size_t)slot->n_states, has = own + (slot->average != NULL);
		const struct optim_tensor *t = &other;

		if (i >= has) {
			i -= has;
			continue;
		}
		optim_like(&other, "other", slot->p);
		if (i < own)
			t = &slot->what[i];
		snprintf(s->name, sizeof(s->name), "%s.%s", slot->p->name, t->name);
		s->dtype = t->dtype;
		s->n_dims = t->n_dims;
		memcpy(s->shape, t->shape, sizeof(s->shape));
		s->count = tensor_count(t);
		s->data = i < own ? slot->state[i] : slot->average;
		return true;
	}
	return false;
}
