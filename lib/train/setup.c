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

#define HEAP ((uint64_t)1 << 20)	/* graphs, logs and the stacks of threads, when the run goes */

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

static int
open_tokenizer(struct train *t, struct jerr *e)
{
	const char *path = t->o->tokenizer;

	if (!path && !jfs_exists(t->o->model))
		return jerr_set(e, JERR_ARG, "--tokenizer is missing: the preset '%s' has none",
			t->o->model);
	return jtok_load(&t->tok, path ? path : t->o->model, e);
}

/* Where the data have a loss mask: what is trained. */
static void
tell_targets(const struct train *t)
{
	uint64_t targets = 0, ends = 0, cut = 0;
	size_t i;

	for (i = 0; i < t->feed.n; i++) {
		targets += t->feed.v[i].data.target_tokens;
		ends += t->feed.v[i].data.eos_targets;
		cut += t->feed.v[i].data.truncated;
	}
	if (targets == 0)
		return;
	train_note(t->h, "answer tokens: %llu, eos targets: %llu, records cut at %lld tokens: %llu",
		(unsigned long long)targets, (unsigned long long)ends, (long long)t->o->seq + 1,
		(unsigned long long)cut);
	if (ends == 0)
		train_warn(t->h, "no answer ends with an end-of-turn token: the model will not learn "
			"to stop");
}

static int
open_data(struct train *t, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	const struct jobjective *obj = jobjective_find(o->objective, e);
	struct jtrain_source src = { .paths = o->valid, .n = o->n_valid, .tok = t->tok, .o = o,
		.h = t->h };
	size_t i;

	if (!obj || feed_open(t, obj, e) < 0)
		return e->code;
	t->shares = "";
	for (i = 0; i < o->n_mix; i++)
		t->shares = jarena_printf(&t->arena, "%s%s%s", t->shares, i ? " " : "",
			strrchr(o->mix[i], '=') + 1);
	tell_targets(t);
	if (o->n_valid == 0)
		return 0;
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
	if (t->o->lora || t->o->adapter)
		return train_open_adapter(t, e);
	if (t->preset && !checkpoint) {
		if (jmodel_new(&t->model, &c, e) < 0)
			return e->code;
	} else if (jmodel_load(&t->model, checkpoint ? checkpoint : t->o->model, e) < 0) {
		return e->code;
	}
	if (t->model->adapter)
		return jerr_set(e, JERR_ARG, "%s is an adapter: --adapter goes on with it, jmodel merge "
			"makes a model of it", t->o->model);
	take_tokens(&t->model->cfg, t->tok);
	t->trained = t->model->params;
	t->n_trained = t->model->n_params;
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

	t->steps = o->steps;
	if (t->steps < 0)
		t->steps = train_steps_for(t, (double)t->feed.rows * o->epochs);
	if (t->feed.mix && (double)train_first_part(t, t->steps) * (double)train_stage(t, t->steps)->seq
		> (double)t->feed.rows * (double)o->seq && jmix_rows(t->feed.mix) != UINT64_MAX)
		return jerr_set(e, JERR_ARG, "--mix: the limits allow %llu sequences, too few for %lld "
			"steps", (unsigned long long)t->feed.rows, (long long)t->steps);
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

/* The "PATTERN=X" of an option as numbers; *joined is all of them, for the list of options. */
static const struct joptim_scale *
read_scales(struct train *t, const char *option, const char *const *texts, size_t n, const char **joined,
	struct jerr *e)
{
	struct joptim_scale *s = jarena_alloc(&t->arena, n + 1, sizeof(*s));
	size_t i;

	*joined = "";
	for (i = 0; i < n; i++) {
		const char *text = texts[i], *is = strrchr(text, '=');

		if (!is || is == text || jstr_to_double(is + 1, &s[i].by) < 0
			|| !(s[i].by >= 0 && s[i].by <= 1e3))
			jerr_set(e, JERR_ARG, "--%s: expected PATTERN=X with X from 0 to 1000, found '%s'",
				option, text);
		s[i].pattern = is ? jarena_printf(&t->arena, "%.*s", (int)(is - text), text) : text;
		*joined = jarena_printf(&t->arena, "%s%s%s", *joined, i ? " " : "", text);
	}
	return s;
}

static int
set_scales(struct train *t, struct joptim_opts *oo, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;

	oo->lr_scales = read_scales(t, "lr-scale", o->lr_scale, o->n_lr_scale, &t->lr_scale, e);
	oo->n_lr_scales = o->n_lr_scale;
	oo->decay_scales = read_scales(t, "decay-scale", o->decay_scale, o->n_decay_scale,
		&t->decay_scale, e);
	oo->n_decay_scales = o->n_decay_scale;
	return e->code;
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
train_open_data(struct train *t, const struct jtrain_opts *o, const struct jtrain_hooks *h,
	struct jerr *e)
{
	memset(t, 0, sizeof(*t));
	t->o = o;
	t->h = h;
	t->loss = t->valid_loss = t->best_loss = NAN;
	t->lock = -1;
	jarena_init(&t->arena, 0);
	jbuf_init(&t->sources);
	if (open_tokenizer(t, e) < 0 || train_make_stages(t, e) < 0 || open_data(t, e) < 0)
		return e->code;
	return set_schedule(t, e);
}

int
train_open(struct train *t, const struct jtrain_opts *o, const struct jtrain_hooks *h,
	const char *checkpoint, struct jerr *e)
{
	if (train_open_data(t, o, h, e) < 0 || set_optimizer(t, e) < 0)
		return e->code;
	t->pool = jpar_new((int)o->jobs);
	t->program = jsys_rss() + HEAP;
	t->origin = checkpoint;
	return open_model(t, checkpoint, e);
}

static int
alloc_rows(struct train *t, struct jerr *e)
{
	struct rows *r = &t->batch;
	int64_t n = 0, seq = t->o->seq;
	size_t each, i;

	for (i = 0; i < t->n_stages; i++)
		n = t->stages[i].batch > n ? t->stages[i].batch : n;
	each = (size_t)(n * seq);
	r->ids = jmem_try(each, 4 * sizeof(int32_t));
	r->source = jmem_zalloc((size_t)n, sizeof(int32_t));
	r->loss = jmem_zalloc((size_t)n, sizeof(*r->loss));
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
	const struct stage *s = train_stage(t, 0);

	if ((t->model->adapter ? jadapter_alloc_grads(t->model->adapter, e)
		: jmodel_alloc_grads(t->model, train_most_streams(t), e)) < 0 || train_make_plan(t, plan, e) < 0)
		return e->code;
	t->recompute = plan->recompute;
	train_open_lanes(t, plan->lanes);
	if (joptim_new(&t->opt, t->trained, t->n_trained, &t->opt_opts, t->pool, e) < 0
		|| alloc_rows(t, e) < 0)
		return e->code;
	return train_use_shape(t, train_unit_rows(t, s->batch, s->seq), s->seq, e);
}

void
train_close(struct train *t)
{
	struct jerr ignored = { 0 };

	metrics_close(t->log, &ignored);
	metrics_close(t->incidents, &ignored);
	events_close(t->events, &ignored);
	wandb_close(t->wandb, false, &ignored);
	jmem_free(t->batch.ids);
	jmem_free(t->batch.source);
	jmem_free(t->batch.loss);
	jmem_free(t->ruined);
	jbuf_release(&t->sources);
	joptim_free(t->opt);
	train_close_lanes(t);
	jmodel_free(t->model);
	feed_close(&t->feed);
	jpack_close(t->valid_pack);
	jtrain_data_release(&t->valid);
	jtok_free(t->tok);
	jpar_free(t->pool);
	jarena_release(&t->arena);
	memset(t, 0, sizeof(*t));
}
