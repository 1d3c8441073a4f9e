/*
 * setup.c - from options to a run that is ready for its first step.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/jsys.h"
#include "io/jfs.h"
#include "train/train_internal.h"

#define UNIT_TOKENS 2048	/* a graph much larger than this gains no speed and costs memory */

void
train_note(const struct jtrain_hooks *h, const char *fmt, ...)
{
	char line[400];
	va_list ap;

	if (!h->note)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	h->note(h->arg, line);
}

void
train_warn(const struct jtrain_hooks *h, const char *fmt, ...)
{
	char line[400];
	va_list ap;

	if (!h->warn)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	h->warn(h->arg, line);
}

int64_t
jtrain_unit_rows(int64_t batch, int64_t seq)
{
	int64_t n = UNIT_TOKENS / seq;

	if (n > batch)
		n = batch;
	for (; n > 1; n--)
		if (batch % n == 0)
			return n;
	return 1;
}

static int
open_tokenizer(struct train *t, struct jerr *e)
{
	const char *path = t->o->tokenizer;

	if (!path && !jfs_exists(t->o->model))
		return jerr_set(e, JERR_ARG, "--tokenizer is missing: the preset '%s' has none",
			t->o->model);
	return jtok_load(&t->tok, path ? path : t->o->model, e);
}

static int
open_data(struct train *t, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	const struct jobjective *obj = jobjective_find(o->objective, e);
	struct jtrain_source src = { .paths = o->data, .n = o->n_data, .tok = t->tok, .o = o,
		.h = t->h };
	uint64_t seed = (uint64_t)o->seed;

	if (!obj || obj->open(&t->data, &src, e) < 0)
		return e->code;
	if (jpack_open(&t->pack, t->data.set, t->data.mode, (int)o->seq, seed, e) < 0)
		return e->code;
	if (jpack_rows(t->pack) == 0)
		return jerr_set(e, JERR_FORMAT, "%s: less than one sequence of --seq %lld tokens",
			o->data[0], (long long)o->seq);
	if (t->data.target_tokens)
		train_note(t->h, "answer tokens: %llu, eos targets: %llu, records cut at %lld tokens: "
			"%llu", (unsigned long long)t->data.target_tokens,
			(unsigned long long)t->data.eos_targets, (long long)o->seq + 1,
			(unsigned long long)t->data.truncated);
	if (t->data.target_tokens && t->data.eos_targets == 0)
		train_warn(t->h, "no answer ends with an end-of-turn token: the model will not learn "
			"to stop");
	if (o->n_valid == 0)
		return 0;
	src.paths = o->valid;
	src.n = o->n_valid;
	if (obj->open(&t->valid, &src, e) < 0)
		return jerr_wrap(e, "--valid");
	/* The held-out rows are the same for every seed, so that runs can be compared. */
	return jpack_open(&t->valid_pack, t->valid.set, t->valid.mode, (int)o->seq, 0, e);
}

static void
take_tokens(struct jmodel_config *c, const struct jtok *tok)
{
	size_t n, i;
	const uint32_t *stops = jtok_stops(tok, &n);

	c->bos = jtok_bos(tok);
	c->eos = jtok_eos(tok);
	c->pad = jtok_pad(tok);
	c->n_eos = 0;
	if (c->eos >= 0)
		c->eos_list[c->n_eos++] = c->eos;
	for (i = 0; i < n && c->n_eos < JMODEL_MAX_EOS; i++)
		if (stops[i] != c->eos)
			c->eos_list[c->n_eos++] = stops[i];
	if (c->eos < 0 && c->n_eos > 0)
		c->eos = c->eos_list[0];
}

static bool
has_weights(const char *path, struct jarena *a)
{
	return !jfs_is_dir(path) || jfs_exists(jfs_join(a, path, "model.safetensors"))
		|| jfs_exists(jfs_join(a, path, "model.safetensors.index.json"));
}

/* Configuration only: a preset takes vocabulary and context from the run. */
static int
configure(struct train *t, struct jmodel_config *c, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	int64_t vocab = jtok_vocab_size(t->tok);

	if (!jfs_exists(o->model)) {
		if (jmodel_preset(c, o->model, e) < 0)
			return e->code;
		c->vocab_size = vocab;
		c->context = o->seq;
		t->preset = true;
	} else {
		if (jmodel_config_load(c, o->model, e) < 0)
			return e->code;
		t->preset = !has_weights(o->model, &t->arena);
	}
	if (vocab > c->vocab_size)
		return jerr_set(e, JERR_ARG, "%s: a vocabulary of %lld, but the tokenizer has %lld "
			"tokens: they do not belong together", o->model, (long long)c->vocab_size,
			(long long)vocab);
	if (o->seq > c->context)
		return jerr_set(e, JERR_ARG, "--seq %lld: the context of %s is %lld",
			(long long)o->seq, o->model, (long long)c->context);
	take_tokens(c, t->tok);
	return jmodel_config_check(c, o->model, e);
}

static int
open_model(struct train *t, const char *checkpoint, struct jerr *e)
{
	struct jmodel_config c;

	if (configure(t, &c, e) < 0)
		return e->code;
	if (jmodel_count(&c) > t->o->memory / sizeof(float))
		train_warn(t->h, "the weights alone are larger than the memory that may be used");
	if (t->preset && !checkpoint)
		return jmodel_new(&t->model, &c, e);
	if (jmodel_load(&t->model, checkpoint ? checkpoint : t->o->model, e) < 0)
		return e->code;
	take_tokens(&t->model->cfg, t->tok);
	return 0;
}

/* One phase of s->steps steps: what the options leave open follows from its length. */
static int
set_phase(struct jsched *s, const struct jtrain_opts *o, const char *name, struct jerr *e)
{
	int64_t rest = s->steps - s->warmup;

	s->min_lr = o->min_lr;
	s->decay = o->decay_steps < 0 ? s->steps / 5 : o->decay_steps;
	s->cycle = o->cycle;
	if (s->cycle <= 0)	/* down from the warm-up and twice up and down, or three times */
		s->cycle = s->warmup > 0 ? rest * 2 / 5 : rest / 3;
	if (s->cycle < 2)
		s->cycle = 2;
	if (s->min_lr > s->lr)
		return jerr_set(e, JERR_ARG, "--min-lr %g is larger than the rate %g", s->min_lr,
			s->lr);
	return jsched_parse(&s->kind, name, e);
}

static int
set_schedule(struct train *t, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	double rows = (double)jpack_rows(t->pack);

	t->steps = o->steps;
	if (t->steps < 0)
		t->steps = (int64_t)ceil(rows * o->epochs / (double)o->batch);
	t->planned = t->steps;
	t->sched.lr = o->lr;
	t->sched.steps = t->steps;
	t->sched.warmup = o->warmup;
	if (o->warmup < 0)
		t->sched.warmup = t->steps / 20 < 100 ? t->steps / 20 : 100;
	if (!o->phase2)
		return set_phase(&t->sched, o, o->schedule, e);
	t->sched2.lr = o->phase2_lr < 0 ? o->lr : o->phase2_lr;
	t->sched2.steps = o->phase2_steps < 0 ? t->steps / 2 : o->phase2_steps;
	if (t->sched2.steps > t->steps)
		return jerr_set(e, JERR_ARG, "--phase2-steps %lld: the run has %lld",
			(long long)t->sched2.steps, (long long)t->steps);
	t->sched.next = &t->sched2;
	t->sched.next_from = t->sched.steps = t->steps - t->sched2.steps;
	return set_phase(&t->sched2, o, o->phase2, e) < 0 ? e->code
		: set_phase(&t->sched, o, o->schedule, e);
}

/* "PATTERN=X" into numbers; also all of them joined, for the list of options. */
static int
set_scales(struct train *t, struct joptim_opts *oo, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	struct joptim_scale *s = jarena_alloc(&t->arena, o->n_lr_scale + 1, sizeof(*s));
	size_t i;

	t->lr_scale = "";
	for (i = 0; i < o->n_lr_scale; i++) {
		const char *text = o->lr_scale[i], *is = strrchr(text, '=');

		if (!is || is == text || jstr_to_double(is + 1, &s[i].lr) < 0
			|| !(s[i].lr >= 0 && s[i].lr <= 1e3))
			return jerr_set(e, JERR_ARG, "--lr-scale: expected PATTERN=X with X from 0 to "
				"1000, found '%s'", text);
		s[i].pattern = jarena_printf(&t->arena, "%.*s", (int)(is - text), text);
		t->lr_scale = jarena_printf(&t->arena, "%s%s%s", t->lr_scale, i ? " " : "", text);
	}
	oo->scales = s;
	oo->n_scales = o->n_lr_scale;
	return 0;
}

static int
set_optimizer(struct train *t, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	struct joptim_opts oo = JOPTIM_OPTS_INIT;

	oo.name = o->optimizer;
	oo.beta1 = o->beta1;
	oo.beta2 = o->beta2;
	oo.eps = o->eps;
	oo.momentum = o->momentum;
	oo.nesterov = o->nesterov;
	oo.weight_decay = o->weight_decay;
	oo.clip = o->clip;
	oo.average = o->ema;
	oo.sam = o->sam;
	if (joptim_settle(&oo, e) < 0 || set_scales(t, &oo, e) < 0)
		return e->code;
	t->opt_opts = oo;
	return 0;
}

int
train_open(struct train *t, const struct jtrain_opts *o, const struct jtrain_hooks *h,
	const char *checkpoint, struct jerr *e)
{
	memset(t, 0, sizeof(*t));
	t->o = o;
	t->h = h;
	t->loss = t->valid_loss = t->best_loss = NAN;
	t->program = jsys_rss();
	jarena_init(&t->arena, 0);
	if (set_optimizer(t, e) < 0)
		return e->code;
	t->pool = jpar_new((int)o->jobs);
	t->unit_rows = jtrain_unit_rows(o->batch, o->seq);
	t->units = o->batch / t->unit_rows;
	if (open_tokenizer(t, e) < 0 || open_data(t, e) < 0 || open_model(t, checkpoint, e) < 0)
		return e->code;
	t->flops_per_step = jmodel_flops_per_token(&t->model->cfg, o->seq)
		* (double)(o->batch * o->seq) * (o->sam > 0 ? 2 : 1);
	return set_schedule(t, e);
}

static int
alloc_rows(struct rows *r, int64_t n, int64_t seq, struct jerr *e)
{
	size_t each = (size_t)(n * seq);

	r->n = n;
	r->seq = seq;
	r->ids = jmem_try(each, 4 * sizeof(int32_t));
	if (!r->ids)
		return jerr_set(e, JERR_NOMEM, "no memory for a batch of %lld x %lld tokens",
			(long long)n, (long long)seq);
	r->targets = r->ids + each;
	r->seg = r->targets + each;
	r->pos = r->seg + each;
	return 0;
}

int
train_prepare(struct train *t, struct jtrain_plan *plan, struct jerr *e)
{
	struct jgraph_plan_opts po = { .training = true };
	struct jgraph_plan gp;

	if (jmodel_alloc_grads(t->model, e) < 0)
		return e->code;
	if (jmodel_build_train(t->model, t->pool, (int)t->unit_rows, (int)t->o->seq,
		(float)t->o->z_loss, &t->tg, e) < 0)
		return e->code;
	jg_smooth_labels(t->tg.nll, (float)t->o->label_smoothing);
	if (train_make_plan(t, plan, e) < 0)
		return e->code;
	po.recompute = plan->recompute;
	if (jgraph_plan(t->tg.g, &po, &gp, e) < 0 || joptim_new(&t->opt, t->model->params,
		t->model->n_params, &t->opt_opts, t->pool, e) < 0)
		return e->code;
	return alloc_rows(&t->batch, t->o->batch, t->o->seq, e);
}

void
train_close(struct train *t)
{
	struct jerr ignored = { 0 };

	metrics_close(t->log, &ignored);
	events_close(t->events, &ignored);
	jmem_free(t->batch.ids);
	joptim_free(t->opt);
	jgraph_free(t->tg.g);
	jmodel_free(t->model);
	jpack_close(t->pack);
	jpack_close(t->valid_pack);
	jtrain_data_release(&t->data);
	jtrain_data_release(&t->valid);
	jtok_free(t->tok);
	jpar_free(t->pool);
	jarena_release(&t->arena);
	memset(t, 0, sizeof(*t));
}
