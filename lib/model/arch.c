/*
 * arch.c - the table of architectures, and the walk over a model's weights.
 */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

const struct jmodel_arch *const jmodel_archs[] = {
	&jmodel_llama, &jmodel_qwen3, &jmodel_gpt2, &jmodel_mistral, &jmodel_qwen2, &jmodel_phi3,
	&jmodel_gemma2, &jmodel_gemma3, &jmodel_smollm3, &jmodel_mixtral, &jmodel_qwen3_moe,
	&jmodel_bert, NULL
};

const struct arch_weight arch_outer[3] = {
	{ W_EMBED, "model.embed_tokens.weight", "token_embd.weight", E_VOCAB, E_HIDDEN, 0 },
	{ W_NORM, "model.norm.weight", "output_norm.weight", E_HIDDEN, E_NONE, AW_AFTER },
	{ W_HEAD, "lm_head.weight", "output.weight", E_VOCAB, E_HIDDEN, AW_AFTER | AW_UNTIED },
};

const struct jmodel_arch *
jmodel_arch_find(const char *model_type)
{
	for (size_t i = 0; jmodel_archs[i]; i++)
		if (strcmp(jmodel_archs[i]->name, model_type) == 0)
			return jmodel_archs[i];
	return NULL;
}

const char *
jmodel_arch_name(const struct jmodel_config *c)
{
	return c->arch->name;
}

bool
jmodel_layer_in(const struct jmodel_layers *s, int64_t layer)
{
	return layer >= 0 && layer < JMODEL_MAX_LAYERS && (s->bits[layer / 64] >> layer % 64 & 1);
}

void
layers_add(struct jmodel_layers *s, int64_t layer)
{
	if (layer >= 0 && layer < JMODEL_MAX_LAYERS)
		s->bits[layer / 64] |= UINT64_C(1) << layer % 64;
}

bool
arch_has(const struct jmodel_config *c, const struct arch_weight *w, int64_t layer)
{
	bool moe = c->experts > 0 && layer >= 0 && !jmodel_layer_in(&c->dense, layer);

	if ((w->flags & AW_ATTN_BIAS) && !c->attention_bias)
		return false;
	if ((w->flags & AW_MLP_BIAS) && !c->mlp_bias)
		return false;
	if ((w->flags & AW_UNTIED) && c->tied)
		return false;
	return !((w->flags & AW_MOE) && !moe) && !((w->flags & AW_DENSE) && moe);
}

int64_t
arch_extent(const struct jmodel_config *c, enum weight_extent x)
{
	switch (x) {
	case E_HIDDEN:
		return c->hidden;
	case E_FFN:
		return c->ffn;
	case E_Q:
		return c->heads * c->head_dim;
	case E_KV:
		return c->kv_heads * c->head_dim;
	case E_HEAD:
		return c->head_dim;
	case E_QKV:
		return (c->heads + 2 * c->kv_heads) * c->head_dim;
	case E_GATE_UP:
		return 2 * c->ffn;
	case E_VOCAB:
		return c->vocab_size;
	case E_CONTEXT:
		return c->context;
	case E_TYPES:
		return c->types;
	case E_EXPERTS:
		return c->experts;
	case E_EXPERT_FFN:
		return c->expert_ffn;
	case E_NONE:
		break;
	}
	return 1;
}

static void
fill_slot(struct arch_slot *s, const struct jmodel_config *c, int64_t layer,
	const struct arch_weight *w)
{
	const char *star = strstr(w->hf, ".*");
	int head = star ? (int)(star - w->hf) : (int)strlen(w->hf);

	s->layer = layer;
	s->w = w;
	s->parts = w->flags & AW_EXPERTS ? c->experts : 1;
	if (layer < 0) {
		snprintf(s->hf, sizeof(s->hf), "%s", w->hf);
		snprintf(s->gguf, sizeof(s->gguf), "%s", w->gguf);
	} else {
		snprintf(s->hf, sizeof(s->hf), "%s%lld.%.*s%s", c->arch->hf_layers,
			(long long)layer, head, w->hf, star ? star + 2 : "");
		snprintf(s->gguf, sizeof(s->gguf), "blk.%lld.%s", (long long)layer, w->gguf);
	}
	s->n_dims = w->cols == E_NONE ? 1 : 2;
	s->shape[0] = s->parts * arch_extent(c, w->rows);
	s->shape[1] = arch_extent(c, w->cols);
}

void
arch_part_name(const struct jmodel_config *c, const struct arch_slot *s, int64_t part,
	char name[128])
{
	const char *star = strchr(s->w->hf, '*');

	snprintf(name, 128, "%s%lld.%.*s%lld%s", c->arch->hf_layers, (long long)s->layer,
		(int)(star - s->w->hf), s->w->hf, (long long)part, star + 1);
}

struct walk {
	const struct jmodel_config *c;
	int (*fn)(const struct arch_slot *s, void *arg, struct jerr *e);
	void *arg;
	struct jerr *e;
	struct arch_slot s;
};

static int
visit(struct walk *k, const struct arch_weight *w, int64_t layer)
{
	int rc;

	if (!arch_has(k->c, w, layer))
		return 0;
	fill_slot(&k->s, k->c, layer, w);
	rc = k->fn(&k->s, k->arg, k->e);
	k->s.i++;
	return rc;
}

static int
visit_outer(struct walk *k, bool after)
{
	const struct jmodel_arch *a = k->c->arch;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < a->n_outer; i++)
		if (!(a->outer[i].flags & AW_AFTER) == !after)
			rc = visit(k, &a->outer[i], -1);
	return rc;
}

int
arch_each(const struct jmodel_config *c,
	int (*fn)(const struct arch_slot *s, void *arg, struct jerr *e), void *arg, struct jerr *e)
{
	struct walk k = { .c = c, .fn = fn, .arg = arg, .e = e };
	int rc = visit_outer(&k, false);

	for (int64_t l = 0; rc == 0 && l < c->layers; l++)
		for (size_t j = 0; rc == 0 && j < c->arch->n_layer; j++)
			rc = visit(&k, &c->arch->layer[j], l);
	return rc == 0 ? visit_outer(&k, true) : rc;
}

static int
count_one(const struct arch_slot *s, void *arg, struct jerr *e)
{
	(void)e;
	*(size_t *)arg = s->i + 1;
	return 0;
}

size_t
arch_count(const struct jmodel_config *c)
{
	size_t n = 0;

	arch_each(c, count_one, &n, NULL);
	return n;
}

void
arch_outer_params(struct jmodel *m, struct jparam *w[W_ROLES])
{
	const struct jmodel_arch *a = m->cfg.arch;
	size_t first = 0, last = m->n_params;

	for (size_t i = 0; i < a->n_outer; i++)
		if (!(a->outer[i].flags & AW_AFTER) && arch_has(&m->cfg, &a->outer[i], -1))
			w[a->outer[i].role] = &m->params[first++];
	for (size_t i = a->n_outer; i-- > 0;)
		if ((a->outer[i].flags & AW_AFTER) && arch_has(&m->cfg, &a->outer[i], -1))
			w[a->outer[i].role] = &m->params[--last];
	if (m->cfg.tied && !a->encoder)
		w[W_HEAD] = w[W_EMBED];
}

size_t
arch_layer_params(struct jmodel *m, int64_t layer, size_t first, struct jparam *w[W_ROLES])
{
	const struct jmodel_arch *a = m->cfg.arch;

	for (size_t j = 0; j < a->n_layer; j++)
		w[a->layer[j].role] = NULL;
	for (size_t j = 0; j < a->n_layer; j++)
		if (arch_has(&m->cfg, &a->layer[j], layer))
			w[a->layer[j].role] = &m->params[first++];
	return first;
}
