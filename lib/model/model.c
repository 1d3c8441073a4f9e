/*
 * Models in memory: one slab of weights, described by the architecture's list.
 */
#include "model/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/jle.h"
#include "base/jrand.h"
#include "io/jfs.h"
#include "model/adapter.h"
#include "model/weights.h"

static int
count_slot(const struct arch_slot *s, void *arg, struct jerr *e)
{
	uint64_t *count = arg;

	(void)e;
	*count += (uint64_t)s->shape[0] * (uint64_t)s->shape[1];
	return 0;
}

uint64_t
jmodel_count(const struct jmodel_config *c)
{
	uint64_t count = 0;

	arch_each(c, count_slot, &count, NULL);
	return count;
}

struct flops {
	const struct jmodel_config *c;
	double matmul;
};

static int
count_flops(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct flops *f = arg;
	double n = (double)s->shape[0] * (double)s->shape[1];

	(void)e;
	if (s->w->flags & AW_EXPERTS)	/* a token meets some of them */
		n *= (double)f->c->experts_used / (double)s->parts;
	if (s->layer < 0 && s->n_dims > 1 && s->w->role != W_HEAD)
		n = s->w->role == W_EMBED && f->c->tied && !f->c->arch->encoder ? n : 0;
	f->matmul += n;			/* tables are looked up, not multiplied */
	return 0;
}

double
jmodel_flops_per_token(const struct jmodel_config *c, int64_t T)
{
	struct flops f = { .c = c };
	double attention = 0;

	arch_each(c, count_flops, &f, NULL);
	for (int64_t l = 0; l < c->layers; l++) {
		double keys = (double)T;	/* half of it both ways: causal */

		if (c->window > 0 && c->window < T && jmodel_layer_in(&c->windowed, l))
			keys = 2 * (double)c->window - (double)c->window * (double)c->window / keys;
		attention += 2 * keys * (double)(c->heads * c->head_dim) * (c->arch->encoder ? 2 : 1);
	}
	return 3 * (2 * f.matmul + attention);
}

struct place {
	struct jmodel *m;
	uint64_t at;
};

static int
place_param(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct place *pl = arg;
	struct jparam *p = &pl->m->params[s->i];

	(void)e;
	memcpy(p->name, s->hf, sizeof(p->name));
	p->n_dims = s->n_dims;
	p->shape[0] = s->shape[0];
	p->shape[1] = s->shape[1];
	p->decay = s->n_dims > 1;
	if (pl->m->values)
		p->value = pl->m->values + pl->at;
	pl->at += (uint64_t)(s->shape[0] * s->shape[1]);
	return 0;
}

/* With a slab of values, or without for weights that stay in their file. */
static int
new_model(struct jmodel **out, const struct jmodel_config *c, bool slab, struct jerr *e)
{
	struct jmodel *m;
	struct place place = { 0 };
	int rc = jmodel_config_check(c, "model", e);

	if (rc < 0)
		return rc;
	m = jmem_zalloc(1, sizeof(*m));
	m->cfg = *c;
	m->count = jmodel_count(c);
	m->n_params = arch_count(c);
	m->params = jmem_try(m->n_params, sizeof(*m->params));
	if (m->params)
		memset(m->params, 0, m->n_params * sizeof(*m->params));
	if (slab && m->count < SIZE_MAX / 16)
		m->values = jmem_map((size_t)m->count * sizeof(float));
	if (!slab)
		m->source = jmem_zalloc(1, sizeof(*m->source));
	if (!m->params || (slab && !m->values)) {
		rc = jerr_set(e, JERR_NOMEM, "no memory for %llu weights (%.1f GB)",
			(unsigned long long)m->count, (double)m->count * 4e-9);
		jmodel_free(m);
		return rc;
	}
	place.m = m;
	arch_each(c, place_param, &place, e);
	*out = m;
	return 0;
}

int
jmodel_new(struct jmodel **out, const struct jmodel_config *c, struct jerr *e)
{
	return new_model(out, c, true, e);
}

void
jmodel_free(struct jmodel *m)
{
	if (!m)
		return;
	for (size_t i = 0; m->params && i < m->n_params; i++)
		jparam_unpack(&m->params[i]);
	if (m->values)
		jmem_unmap(m->values, (size_t)m->count * sizeof(float));
	if (m->grads)
		jmem_unmap(m->grads, (size_t)m->grad_copies * m->count * sizeof(float));
	if (m->source)
		weights_free_source(m->source);
	jadapter_free(m->adapter);
	jmem_free(m->source);
	jmem_free(m->params);
	jmem_free(m);
}

int
jmodel_alloc_grads(struct jmodel *m, int copies, struct jerr *e)
{
	if (m->grads)
		return 0;
	if (!m->values)
		return jerr_set(e, JERR_ARG, "the weights of this model are frozen");
	m->grad_copies = copies;
	m->grads = jmem_map((size_t)copies * m->count * sizeof(float));
	if (!m->grads)
		return jerr_set(e, JERR_NOMEM, "no memory for the gradients of %llu weights",
			(unsigned long long)m->count);
	for (size_t i = 0; i < m->n_params; i++)
		m->params[i].grad = m->grads + (m->params[i].value - m->values);
	return 0;
}

struct jparam *
jmodel_param(struct jmodel *m, const char *name)
{
	for (size_t i = 0; i < m->n_params; i++)
		if (strcmp(m->params[i].name, name) == 0)
			return &m->params[i];
	return NULL;
}

struct init {
	struct jmodel *m;
	uint64_t seed;
};

static int
init_param(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct init *in = arg;
	const struct jmodel_config *c = &in->m->cfg;
	struct jparam *p = &in->m->params[s->i];
	int64_t n = s->shape[0] * s->shape[1];
	double std = c->init_std;
	struct jrand r;

	(void)e;
	if (s->n_dims == 1) {	/* a norm's scale or a bias */
		size_t len = strlen(s->hf);
		bool bias = len > 5 && strcmp(s->hf + len - 5, ".bias") == 0;

		for (int64_t i = 0; i < n; i++)
			p->value[i] = bias || (s->w->flags & AW_ZERO) ? 0.0f : 1.0f;
		return 0;
	}
	if (s->w->flags & AW_RESIDUAL)
		std /= sqrt(2.0 * (double)c->layers);
	jrand_init_str(&r, in->seed, s->hf, strlen(s->hf));
	for (int64_t i = 0; i < n; i++)
		p->value[i] = (float)(std * jrand_normal(&r));
	return 0;
}

void
jmodel_init_weights(struct jmodel *m, uint64_t seed)
{
	struct init in = { m, seed };

	arch_each(&m->cfg, init_param, &in, NULL);
}

enum model_format { FMT_NONE, FMT_DIR, FMT_ADAPTER, FMT_GGUF, FMT_LLAMA2C };

static enum model_format
find_format(const char *path)
{
	unsigned char magic[4] = { 0 };
	FILE *f;

	if (jfs_is_dir(path))
		return jadapter_is(path) ? FMT_ADAPTER : FMT_DIR;
	f = fopen(path, "rb");
	if (!f)
		return FMT_NONE;
	if (fread(magic, 1, sizeof(magic), f) != sizeof(magic))
		memset(magic, 0, sizeof(magic));
	fclose(f);
	if (memcmp(magic, "GGUF", 4) == 0)
		return FMT_GGUF;
	return llama2c_matches(path) ? FMT_LLAMA2C : FMT_NONE;
}

static int
no_format(const char *path, struct jerr *e)
{
	if (!jfs_exists(path))
		return jerr_set(e, JERR_IO, "%s: no such file or folder", path);
	return jerr_set(e, JERR_FORMAT, "%s: not a model: expected a folder with config.json, a GGUF "
		"file or a llama2.c .bin", path);
}

int
jmodel_config_load(struct jmodel_config *c, const char *path, struct jerr *e)
{
	switch (find_format(path)) {
	case FMT_DIR:
		return hf_config(c, path, e);
	case FMT_ADAPTER:
		return adapter_config_of_base(c, path, e);
	case FMT_GGUF:
		return gguf_config(c, path, e);
	case FMT_LLAMA2C:
		return llama2c_config(c, path, e);
	case FMT_NONE:
		break;
	}
	return no_format(path, e);
}

static int
read_model(struct jmodel **out, const char *path, bool slab, struct jerr *e)
{
	enum model_format format = find_format(path);
	struct jmodel_config c;
	struct jmodel *m = NULL;
	int rc;

	if (format == FMT_ADAPTER)
		return adapter_open(out, path, slab ? jmodel_load : jmodel_open, e);
	rc = jmodel_config_load(&c, path, e);
	if (rc == 0)
		rc = new_model(&m, &c, slab, e);
	if (rc < 0)
		return rc;
	if (format == FMT_DIR)
		rc = hf_weights(m, path, e);
	else if (format == FMT_GGUF)
		rc = gguf_weights(m, path, e);
	else
		rc = llama2c_weights(m, path, e);
	if (rc < 0)
		jmodel_free(m);
	else
		*out = m;
	return rc;
}

int
jmodel_load(struct jmodel **out, const char *path, struct jerr *e)
{
	return read_model(out, path, true, e);
}

int
jmodel_open(struct jmodel **out, const char *path, struct jerr *e)
{
	return read_model(out, path, false, e);
}
