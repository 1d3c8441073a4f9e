#include "model/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct jmodel_arch *const jmodel_archs[] = { &jmodel_llama, &jmodel_qwen3, NULL };

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
arch_has(const struct jmodel_config *c, const struct arch_weight *w)
{
	if ((w->flags & AW_ATTN_BIAS) && !c->attention_bias)
		return false;
	return !(w->flags & AW_MLP_BIAS) || c->mlp_bias;
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
	case E_NONE:
		break;
	}
	return 1;
}

size_t
arch_layer_weights(const struct jmodel_config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->arch->n_layer; i++)
		n += arch_has(c, &c->arch->layer[i]);
	return n;
}

static void
outer_slot(struct arch_slot *s, const char *hf, const char *gguf, int64_t rows, int64_t cols)
{
	s->layer = -1;
	s->w = NULL;
	snprintf(s->hf, sizeof(s->hf), "%s", hf);
	snprintf(s->gguf, sizeof(s->gguf), "%s", gguf);
	s->n_dims = cols ? 2 : 1;
	s->shape[0] = rows;
	s->shape[1] = cols ? cols : 1;
}

static void
layer_slot(struct arch_slot *s, const struct jmodel_config *c, int64_t layer,
	const struct arch_weight *w)
{
	s->layer = layer;
	s->w = w;
	snprintf(s->hf, sizeof(s->hf), "model.layers.%lld.%s", (long long)layer, w->hf);
	snprintf(s->gguf, sizeof(s->gguf), "blk.%lld.%s", (long long)layer, w->gguf);
	s->n_dims = w->cols == E_NONE ? 1 : 2;
	s->shape[0] = arch_extent(c, w->rows);
	s->shape[1] = arch_extent(c, w->cols);
}

int
arch_each(const struct jmodel_config *c,
	int (*fn)(const struct arch_slot *s, void *arg, struct jerr *e), void *arg, struct jerr *e)
{
	struct arch_slot s = { 0 };
	int rc;

	outer_slot(&s, HF_EMBED, "token_embd.weight", c->vocab_size, c->hidden);
	rc = fn(&s, arg, e);
	for (int64_t l = 0; rc == 0 && l < c->layers; l++) {
		for (size_t j = 0; rc == 0 && j < c->arch->n_layer; j++) {
			if (!arch_has(c, &c->arch->layer[j]))
				continue;
			s.i++;
			layer_slot(&s, c, l, &c->arch->layer[j]);
			rc = fn(&s, arg, e);
		}
	}
	if (rc == 0) {
		s.i++;
		outer_slot(&s, HF_NORM, "output_norm.weight", c->hidden, 0);
		rc = fn(&s, arg, e);
	}
	if (rc == 0 && !c->tied) {
		s.i++;
		outer_slot(&s, HF_HEAD, "output.weight", c->vocab_size, c->hidden);
		rc = fn(&s, arg, e);
	}
	return rc;
}

void
arch_rotary_rows(float *dst, const float *src, int64_t rows, int64_t cols, int64_t head_dim,
	bool interleave)
{
	int64_t half = head_dim / 2;

	for (int64_t r = 0; r < rows; r++) {
		int64_t in = r % head_dim, split, pair;

		pair = r - in + 2 * (in % half) + in / half;	/* where rotate-half row r sits */
		split = r;
		memcpy(dst + (interleave ? pair : split) * cols,
			src + (interleave ? split : pair) * cols, (size_t)cols * sizeof(*dst));
	}
}

/* The rule of Llama 3.1: long waves are slowed by the factor, short ones kept, a ramp between. */
static double
llama3_frequency(const struct jmodel_config *c, double f)
{
	const double two_pi = 6.283185307179586;
	double wave = two_pi / f, L = (double)c->rope_original, s;

	if (wave < L / c->rope_high)
		return f;
	if (wave > L / c->rope_low)
		return f / c->rope_factor;
	s = (L / wave - c->rope_low) / (c->rope_high - c->rope_low);
	return (1 - s) * f / c->rope_factor + s * f;
}

void
jmodel_inv_freq(const struct jmodel_config *c, float *inv_freq)
{
	for (int64_t i = 0; i < c->head_dim / 2; i++) {
		double f = pow(c->rope_theta, -2.0 * (double)i / (double)c->head_dim);

		if (c->rope_factor > 0)
			f = c->rope_linear ? f / c->rope_factor : llama3_frequency(c, f);
		inv_freq[i] = (float)f;
	}
}
