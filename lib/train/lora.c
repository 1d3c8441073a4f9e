/*
 * lora.c - runs that train an adapter beside a frozen base (--lora, --adapter): the base stays in its
 * mapped files, what is trained and saved is the adapter.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/jfs.h"
#include "tensor/jquant.h"
#include "train/train_internal.h"

/* The adapter's configuration names the base for good: by its absolute path. */
static const char *
base_path(struct train *t)
{
	char here[4096];

	if (t->o->model[0] == '/' || !getcwd(here, sizeof(here)))
		return t->o->model;
	return jfs_join(&t->arena, here, t->o->model);
}

static int
open_base(struct train *t, struct jadapter_mark *mark, struct jerr *e)
{
	const struct jtrain_opts *o = t->o;
	int type = o->quantize_base ? jdtype_find(o->quantize_base) : 0;

	if (t->preset)
		return jerr_set(e, JERR_ARG, "--%s: %s has no weights to train beside: name a model that was "
			"trained", o->lora ? "lora" : "adapter", o->model);
	if (jadapter_is(o->model))
		return jerr_set(e, JERR_ARG, "%s is an adapter: name its base as --model, and the folder "
			"as --adapter to go on with it", o->model);
	if (jmodel_open(&t->model, o->model, e) < 0 || jadapter_mark_base(mark, t->model, e) < 0
	    || !o->quantize_base)
		return e->code;
	if (type < 0)
		return jerr_set(e, JERR_ARG, "--quantize-base: '%s' is no type", o->quantize_base);
	snprintf(mark->quantized, sizeof(mark->quantized), "%s", jdtype_name((enum jdtype)type));
	return jmodel_requantize(t->model, (enum jdtype)type, t->pool, e);
}

static int
begin_adapter(struct train *t, struct jerr *e)
{
	struct jadapter_spec spec;
	struct jadapter *a;

	if (t->o->adapter)
		return jmodel_adapt(t->model, t->o->adapter, e);
	if (jadapter_spec_parse(&spec, t->o->lora, e) < 0
	    || jadapter_new(&a, t->model, &spec, e) < 0)
		return e->code;
	a->base = base_path(t);
	if (jadapter_init(a, t->model, (uint64_t)t->o->seed, e) < 0
	    || jadapter_attach(a, t->model, e) < 0) {
		jadapter_free(a);
		return e->code;
	}
	t->model->adapter = a;
	return 0;
}

int
train_open_adapter(struct train *t, struct jerr *e)
{
	struct jadapter_mark mark;

	if (open_base(t, &mark, e) < 0 || begin_adapter(t, e) < 0)
		return e->code;
	t->model->adapter->mark = mark;
	t->trained = t->model->adapter->params;
	t->n_trained = t->model->adapter->n_params;
	return 0;
}

/* The values of an adapter of the same shape; dir names it. */
static int
take_values(struct jadapter *to, const struct jadapter *from, const char *dir, struct jerr *e)
{
	size_t i, k;

	if (from->n_params != to->n_params || from->count != to->count)
		return jerr_set(e, JERR_FORMAT, "%s: %zu tensors of %llu values, expected %zu of %llu", dir,
			from->n_params, (unsigned long long)from->count, to->n_params,
			(unsigned long long)to->count);
	for (i = 0; i < to->n_params; i++) {
		const struct jparam *p = NULL;

		for (k = 0; k < from->n_params && !p; k++)
			if (strcmp(from->params[k].name, to->params[i].name) == 0)
				p = &from->params[k];
		if (!p || memcmp(p->shape, to->params[i].shape, sizeof(p->shape)) != 0)
			return jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing or has another shape", dir,
				to->params[i].name);
		memcpy(to->params[i].value, p->value, (size_t)(p->shape[0]
			* (p->n_dims > 1 ? p->shape[1] : 1)) * sizeof(float));
	}
	return 0;
}

int
train_first_adapter(struct train *t, struct jerr *e)
{
	struct jadapter *from;

	if (!t->o->adapter)
		return jadapter_init(t->model->adapter, t->model, (uint64_t)t->o->seed, e);
	if (jadapter_load(&from, t->o->adapter, e) < 0)
		return e->code;
	take_values(t->model->adapter, from, t->o->adapter, e);
	jadapter_free(from);
	return e->code;
}

int
train_take_adapter(struct train *t, const char *dir, struct jerr *e)
{
	struct jadapter *to = t->model->adapter, *from;

	if (jadapter_load(&from, dir, e) < 0)
		return e->code;
	if (strcmp(from->mark.print, to->mark.print) != 0)
		jerr_set(e, JERR_ARG, "%s: the weights of --model %s are not those that the run began with: "
			"bring them back, or start anew with another -o", dir, t->o->model);
	else
		take_values(to, from, dir, e);
	jadapter_free(from);
	return e->code;
}

uint64_t
train_base_bytes(const struct train *t)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < t->model->n_params; i++) {
		const struct jparam *p = &t->model->params[i];
		int64_t n = p->shape[0] * (p->n_dims > 1 ? p->shape[1] : 1);

		bytes += p->value ? (uint64_t)n * sizeof(float) : jten_bytes(p->dtype, n);
	}
	return bytes;
}
