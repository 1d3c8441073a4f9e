/*
 * Models into GGUF as llama.cpp expects them: keys of the architecture, vectors in F32, rotary rows
 * interleaved where the architecture wants that, no output.weight when tied.
 */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

#include "io/jgguf.h"

struct writer {
	const struct jmodel *m;
	struct jgguf_writer *w;
	enum jdtype dtype;
	float *copy;		/* one reordered matrix */
	void *raw;		/* the same, converted */
};

static int
ggml_type(enum jdtype d)
{
	switch (d) {
	case JDT_F16:
		return 1;
	case JDT_Q8_0:
		return 8;
	case JDT_BF16:
		return 30;
	default:
		return 0;
	}
}

static uint32_t
file_type(enum jdtype d)
{
	switch (d) {
	case JDT_F16:
		return 1;
	case JDT_Q8_0:
		return 7;
	case JDT_BF16:
		return 32;
	default:
		return 0;
	}
}

static enum jdtype
slot_dtype(const struct arch_slot *s, enum jdtype dtype)
{
	if (s->n_dims == 1)
		return JDT_F32;
	if (dtype == JDT_Q8_0 && s->shape[1] % 32 != 0)
		return JDT_F16;
	return dtype;
}

static void
put_u32(struct writer *w, const char *key, int64_t v)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", w->m->cfg.arch->name, key);
	jgguf_put_u32(w->w, name, (uint32_t)v);
}

static void
put_f32(struct writer *w, const char *key, double v)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", w->m->cfg.arch->name, key);
	jgguf_put_f32(w->w, name, (float)v);
}

static void
put_size_label(struct jgguf_writer *w, uint64_t count)
{
	char label[32];
	double n = (double)count;

	if (n >= 1e9)
		snprintf(label, sizeof(label), "%.1fB", n / 1e9);
	else if (n >= 1e6)
		snprintf(label, sizeof(label), "%.0fM", n / 1e6);
	else
		snprintf(label, sizeof(label), "%.0fK", n / 1e3);
	jgguf_put_str(w, "general.size_label", label, strlen(label));
}

static void
put_keys(struct writer *w, const char *name)
{
	const struct jmodel_config *c = &w->m->cfg;
	char key[96];

	jgguf_put_str(w->w, "general.architecture", c->arch->name, strlen(c->arch->name));
	jgguf_put_str(w->w, "general.type", "model", 5);
	jgguf_put_str(w->w, "general.name", name, strlen(name));
	put_size_label(w->w, w->m->count);
	jgguf_put_u32(w->w, "general.file_type", file_type(w->dtype));
	jgguf_put_u32(w->w, "general.quantization_version", 2);
	put_u32(w, "vocab_size", c->vocab_size);
	put_u32(w, "context_length", c->context);
	put_u32(w, "embedding_length", c->hidden);
	put_u32(w, "block_count", c->layers);
	put_u32(w, "feed_forward_length", c->ffn);
	put_u32(w, "attention.head_count", c->heads);
	put_u32(w, "attention.head_count_kv", c->kv_heads);
	put_u32(w, "attention.key_length", c->head_dim);
	put_u32(w, "attention.value_length", c->head_dim);
	put_f32(w, "attention.layer_norm_rms_epsilon", c->norm_eps);
	put_u32(w, "rope.dimension_count", c->head_dim);
	put_f32(w, "rope.freq_base", c->rope_theta);
	if (c->rope_factor > 0 && c->rope_linear) {
		snprintf(key, sizeof(key), "%s.rope.scaling.type", c->arch->name);
		jgguf_put_str(w->w, key, "linear", 6);
		put_f32(w, "rope.scaling.factor", c->rope_factor);
	}
}

static bool
has_rope_freqs(const struct jmodel_config *c)
{
	return c->rope_factor > 0 && !c->rope_linear;
}

static int
declare(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct writer *w = arg;
	enum jdtype d = slot_dtype(s, w->dtype);
	int64_t dims[2] = { s->n_dims == 2 ? s->shape[1] : s->shape[0], s->shape[0] };

	(void)e;
	jgguf_add_tensor(w->w, s->gguf, s->n_dims, dims, ggml_type(d),
		jten_bytes(d, s->shape[0] * s->shape[1]));
	return 0;
}

int
jmodel_gguf_header(const struct jmodel *m, struct jgguf_writer *gw, enum jdtype dtype,
	const char *name, struct jerr *e)
{
	struct writer w = { .m = m, .w = gw, .dtype = dtype };
	int64_t half = m->cfg.head_dim / 2;

	if (dtype != JDT_F32 && dtype != JDT_F16 && dtype != JDT_BF16 && dtype != JDT_Q8_0)
		return jerr_set(e, JERR_ARG, "a GGUF file is written as F32, F16, BF16 or Q8_0, not %s",
			jdtype_name(dtype));
	put_keys(&w, name);
	if (has_rope_freqs(&m->cfg))
		jgguf_add_tensor(gw, "rope_freqs.weight", 1, &half, 0, (uint64_t)half * 4);
	return arch_each(&m->cfg, declare, &w, e);
}

static int
write_rope_freqs(struct writer *w, struct jerr *e)
{
	struct jmodel_config plain = w->m->cfg;
	float scaled[512], base[512];

	plain.rope_factor = 0;
	jmodel_inv_freq(&w->m->cfg, scaled);
	jmodel_inv_freq(&plain, base);
	for (int64_t i = 0; i < plain.head_dim / 2; i++)
		base[i] /= scaled[i];
	return jgguf_data(w->w, base, (size_t)plain.head_dim / 2 * sizeof(base[0]), e);
}

static int
write_tensor(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct writer *w = arg;
	enum jdtype d = slot_dtype(s, w->dtype);
	const float *v = w->m->params[s->i].value;
	int64_t n = s->shape[0] * s->shape[1];

	if (w->m->cfg.arch->gguf_permuted && s->w && (s->w->flags & (AW_ROTARY_Q | AW_ROTARY_K))) {
		arch_rotary_rows(w->copy, v, s->shape[0], s->shape[1], w->m->cfg.head_dim, true);
		v = w->copy;
	}
	jten_from_f32(w->raw, d, v, n);
	return jgguf_data(w->w, w->raw, (size_t)jten_bytes(d, n), e);
}

static int
largest(const struct arch_slot *s, void *arg, struct jerr *e)
{
	int64_t *n = arg;

	(void)e;
	if (s->shape[0] * s->shape[1] > *n)
		*n = s->shape[0] * s->shape[1];
	return 0;
}

int
jmodel_gguf_data(const struct jmodel *m, struct jgguf_writer *gw, enum jdtype dtype, struct jerr *e)
{
	struct writer w = { .m = m, .w = gw, .dtype = dtype };
	int64_t n = 0;
	int rc = 0;

	arch_each(&m->cfg, largest, &n, e);
	w.copy = jmem_try((size_t)n, sizeof(*w.copy));
	w.raw = jmem_try((size_t)n, sizeof(float));
	if (!w.copy || !w.raw)
		rc = jerr_set(e, JERR_NOMEM, "no memory to convert a matrix of %lld weights",
			(long long)n);
	if (rc == 0 && has_rope_freqs(&m->cfg))
		rc = write_rope_freqs(&w, e);
	if (rc == 0)
		rc = arch_each(&m->cfg, write_tensor, &w, e);
	jmem_free(w.copy);
	jmem_free(w.raw);
	return rc;
}
