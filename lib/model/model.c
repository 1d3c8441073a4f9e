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

double
jmodel_flops_per_token(const struct jmodel_config *c, int64_t T)
{
	double matmul = (double)jmodel_count(c);
	double attention = 2.0 * (double)T * (double)(c->heads * c->head_dim * c->layers);

	if (!c->tied)		/* the embedding is looked up, not multiplied */
		matmul -= (double)c->vocab_size * (double)c->hidden;
	return 3 * (2 * matmul + attention);
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
	p->value = pl->m->values + pl->at;
	pl->at += (uint64_t)(s->shape[0] * s->shape[1]);
	return 0;
}

int
jmodel_new(struct jmodel **out, const struct jmodel_config *c, struct jerr *e)
{
	struct jmodel *m;
	struct place place = { 0 };
	int rc = jmodel_config_check(c, "model", e);

	if (rc < 0)
		return rc;
	m = jmem_zalloc(1, sizeof(*m));
	m->cfg = *c;
	m->count = jmodel_count(c);
	m->n_params = 2 + (size_t)c->layers * arch_layer_weights(c) + !c->tied;
	m->params = jmem_try(m->n_params, sizeof(*m->params));
	m->values = m->count < SIZE_MAX / 16 ? jmem_map((size_t)m->count * sizeof(float)) : NULL;
	if (!m->params || !m->values) {
		rc = jerr_set(e, JERR_NOMEM, "no memory for %llu weights (%.1f GB)",
			(unsigned long long)m->count, (double)m->count * 4e-9);
		jmodel_free(m);
		return rc;
	}
	memset(m->params, 0, m->n_params * sizeof(*m->params));
	place.m = m;
	arch_each(c, place_param, &place, e);
	*out = m;
	return 0;
}

void
jmodel_free(struct jmodel *m)
{
	if (!m)
		return;
	if (m->values)
		jmem_unmap(m->values, (size_t)m->count * sizeof(float));
	if (m->grads)
		jmem_unmap(m->grads, (size_t)m->count * sizeof(float));
	jmem_free(m->params);
	jmem_free(m);
}

int
jmodel_alloc_grads(struct jmodel *m, struct jerr *e)
{
	if (m->grads)
		return 0;
	m->grads = jmem_map((size_t)m->count * sizeof(float));
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
			p->value[i] = bias ? 0.0f : 1.0f;
		return 0;
	}
	if (s->w && (s->w->flags & AW_RESIDUAL))
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

enum model_format { FMT_NONE, FMT_DIR, FMT_GGUF, FMT_LLAMA2C };

static enum model_format
find_format(const char *path)
{
	unsigned char magic[4] = { 0 };
	FILE *f;

	if (jfs_is_dir(path))
		return FMT_DIR;
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
	case FMT_GGUF:
		return gguf_config(c, path, e);
	case FMT_LLAMA2C:
		return llama2c_config(c, path, e);
	case FMT_NONE:
		break;
	}
	return no_format(path, e);
}

int
jmodel_load(struct jmodel **out, const char *path, struct jerr *e)
{
	enum model_format format = find_format(path);
	struct jmodel_config c;
	struct jmodel *m = NULL;
	int rc = jmodel_config_load(&c, path, e);

	if (rc == 0)
		rc = jmodel_new(&m, &c, e);
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
