/*
 * Models from GGUF: the keys of the architecture, tensors by their GGUF names, rotary rows put back
 * into rotate-half order for architectures that store them interleaved.
 */
#include "model/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/jgguf.h"

struct keys {
	const struct jgguf *g;
	const char *arch, *path;
	struct jerr *e;
};

static bool
get(const struct keys *k, const char *key, int64_t *v)
{
	char name[96];
	uint64_t u;

	snprintf(name, sizeof(name), "%s.%s", k->arch, key);
	if (!jgguf_get_u64(k->g, name, &u) || u > INT64_MAX)
		return false;
	*v = (int64_t)u;
	return true;
}

static int
need(const struct keys *k, const char *key, int64_t *v)
{
	if (get(k, key, v))
		return 0;
	return jerr_set(k->e, JERR_FORMAT, "%s: key %s.%s is missing or no integer", k->path, k->arch,
		key);
}

static bool
get_num(const struct keys *k, const char *key, double *v)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", k->arch, key);
	return jgguf_get_f64(k->g, name, v);
}

static int
read_arch(struct jmodel_config *c, const struct jgguf *g, const char *path, struct jerr *e)
{
	struct jgguf_str s;
	char name[32];
	int64_t split = 0;
	struct keys k = { g, "split", path, e };

	if (!jgguf_get_str(g, "general.architecture", &s))
		return jerr_set(e, JERR_FORMAT, "%s: key general.architecture is missing", path);
	snprintf(name, sizeof(name), "%.*s", (int)(s.n < 31 ? s.n : 31), s.p);
	c->arch = jmodel_arch_find(name);
	if (!c->arch)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: architecture \"%s\" is not supported "
			"(supported: llama, qwen3)", path, name);
	if (get(&k, "count", &split) && split > 1)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: one of %lld parts; join them first "
			"(llama-gguf-split --merge)", path, (long long)split);
	return 0;
}

/* head_count_kv may be an array of equal entries. */
static int
read_kv_heads(struct jmodel_config *c, const struct keys *k)
{
	char name[96];
	double first, v;
	size_t n;

	c->kv_heads = c->heads;
	if (get(k, "attention.head_count_kv", &c->kv_heads))
		return 0;
	snprintf(name, sizeof(name), "%s.attention.head_count_kv", k->arch);
	n = jgguf_arr_len(k->g, name, NULL);
	for (size_t i = 0; i < n; i++) {
		if (!jgguf_arr_f64(k->g, name, i, &v) || (i && v != first))
			return jerr_set(k->e, JERR_UNSUPPORTED, "%s: %s differs between layers", k->path,
				name);
		first = v;
		c->kv_heads = v >= 1 && v < 1e6 ? (int64_t)v : 0;
	}
	return 0;
}

static int
read_shape(struct jmodel_config *c, const struct keys *k)
{
	const struct jgguf_tensor *embed = jgguf_find(k->g, "token_embd.weight");
	int64_t rotary, value, experts = 0;
	int rc;

	if (!embed || embed->n_dims != 2)
		return jerr_set(k->e, JERR_FORMAT, "%s: tensor token_embd.weight is missing or no "
			"matrix", k->path);
	c->vocab_size = embed->dims[1];
	if ((rc = need(k, "context_length", &c->context)) < 0 ||
	    (rc = need(k, "embedding_length", &c->hidden)) < 0 ||
	    (rc = need(k, "block_count", &c->layers)) < 0 ||
	    (rc = need(k, "feed_forward_length", &c->ffn)) < 0 ||
	    (rc = need(k, "attention.head_count", &c->heads)) < 0 ||
	    (rc = read_kv_heads(c, k)) < 0)
		return rc;
	c->head_dim = c->heads > 0 ? c->hidden / c->heads : 0;
	get(k, "attention.key_length", &c->head_dim);
	rotary = value = c->head_dim;
	get(k, "rope.dimension_count", &rotary);
	get(k, "attention.value_length", &value);
	get(k, "expert_count", &experts);
	if (rotary != c->head_dim || value != c->head_dim || experts)
		return jerr_set(k->e, JERR_UNSUPPORTED, "%s: partial rotation, unequal head sizes and "
			"experts are not supported", k->path);
	if (!get_num(k, "attention.layer_norm_rms_epsilon", &c->norm_eps))
		return jerr_set(k->e, JERR_FORMAT, "%s: key %s.attention.layer_norm_rms_epsilon is "
			"missing", k->path, k->arch);
	return 0;
}

/* Floats were written as f32: 1e-6 should not come back as 9.99999997e-07. */
static double
tidy(double v)
{
	char s[32];
	double d = v;

	snprintf(s, sizeof(s), "%.7g", v);
	sscanf(s, "%lf", &d);
	return (float)d == (float)v ? d : v;
}

static bool
freqs_match(const struct jmodel_config *c, const float *divisor)
{
	struct jmodel_config plain = *c;
	float scaled[512], base[512];

	plain.rope_factor = 0;
	jmodel_inv_freq(c, scaled);
	jmodel_inv_freq(&plain, base);
	for (int64_t i = 0; i < c->head_dim / 2; i++)
		if (fabsf(base[i] / scaled[i] - divisor[i]) > 1e-4f * divisor[i])
			return false;
	return true;
}

/*
 * GGUF keeps only the divisors of the Llama 3 rule, not its parameters.  Those come from a small
 * set, so they are found by trying: an answer is taken only if it gives the same divisors.
 */
static int
solve_rope_freqs(struct jmodel_config *c, const float *divisor, const struct keys *k)
{
	static const double lows[] = { 1, 0.5, 2 }, highs[] = { 4, 2, 8, 16, 32 };
	float top = 1;

	for (int64_t i = 0; i < c->head_dim / 2; i++)
		if (divisor[i] > top)
			top = divisor[i];
	if (top == 1)
		return 0;
	c->rope_factor = tidy(top);
	for (size_t l = 0; l < sizeof(lows) / sizeof(lows[0]); l++) {
		for (size_t h = 0; h < sizeof(highs) / sizeof(highs[0]); h++) {
			c->rope_low = lows[l];
			c->rope_high = highs[h];
			for (c->rope_original = 16; c->rope_original <= 1 << 24; c->rope_original *= 2)
				if (freqs_match(c, divisor))
					return 0;
		}
	}
	return jerr_set(k->e, JERR_UNSUPPORTED, "%s: rope_freqs.weight is not a Llama 3 rotary "
		"scaling that we can name", k->path);
}

static int
read_rope(struct jmodel_config *c, const struct keys *k)
{
	const struct jgguf_tensor *t = jgguf_find(k->g, "rope_freqs.weight");
	struct jgguf_str s;
	char name[96];
	float divisor[512];

	get_num(k, "rope.freq_base", &c->rope_theta);
	snprintf(name, sizeof(name), "%s.rope.scaling.type", k->arch);
	if (jgguf_get_str(k->g, name, &s) && !(s.n == 4 && memcmp(s.p, "none", 4) == 0)) {
		if (s.n != 6 || memcmp(s.p, "linear", 6) != 0)
			return jerr_set(k->e, JERR_UNSUPPORTED, "%s: rope scaling \"%.*s\" is not "
				"supported (supported: none, linear)", k->path, (int)(s.n < 40 ? s.n : 40),
				s.p);
		c->rope_linear = true;
		if (!get_num(k, "rope.scaling.factor", &c->rope_factor))
			return jerr_set(k->e, JERR_FORMAT, "%s: linear rope scaling without factor",
				k->path);
	}
	if (!t)
		return 0;
	if (t->type != 0 || t->n_dims != 1 || t->dims[0] != c->head_dim / 2 || c->rope_linear)
		return jerr_set(k->e, JERR_FORMAT, "%s: tensor rope_freqs.weight: expected %lld F32 "
			"values and no other scaling", k->path, (long long)c->head_dim / 2);
	memcpy(divisor, t->data, (size_t)t->bytes);
	return solve_rope_freqs(c, divisor, k);
}

/* Some writers store the tied head as well; then it has the bytes of the embedding. */
static bool
is_tied(const struct jgguf *g)
{
	const struct jgguf_tensor *head = jgguf_find(g, "output.weight");
	const struct jgguf_tensor *embed = jgguf_find(g, "token_embd.weight");

	return !head || (embed && head->type == embed->type && head->bytes == embed->bytes &&
		head->bytes && memcmp(head->data, embed->data, (size_t)head->bytes) == 0);
}

static int64_t
token_key(const struct jgguf *g, const char *key)
{
	uint64_t v;

	return jgguf_get_u64(g, key, &v) && v < INT32_MAX ? (int64_t)v : -1;
}

static int
read_config(struct jmodel_config *c, const struct jgguf *g, const char *path, struct jerr *e)
{
	struct keys k = { g, NULL, path, e };
	int rc;

	memset(c, 0, sizeof(*c));
	c->rope_theta = 10000;
	c->init_std = 0.02;
	rc = read_arch(c, g, path, e);
	if (rc < 0)
		return rc;
	k.arch = c->arch->name;
	if ((rc = read_shape(c, &k)) < 0)
		return rc;
	c->tied = is_tied(g);
	c->attention_bias = jgguf_find(g, "blk.0.attn_q.bias") != NULL;
	c->mlp_bias = jgguf_find(g, "blk.0.ffn_gate.bias") != NULL;
	c->bos = token_key(g, "tokenizer.ggml.bos_token_id");
	c->eos = token_key(g, "tokenizer.ggml.eos_token_id");
	c->pad = token_key(g, "tokenizer.ggml.padding_token_id");
	c->norm_eps = tidy(c->norm_eps);
	rc = jmodel_config_check(c, path, e);	/* bounds head_dim before divisors are read */
	if (rc == 0)
		rc = read_rope(c, &k);
	c->rope_theta = tidy(c->rope_theta);
	return rc == 0 ? jmodel_config_check(c, path, e) : rc;
}

int
gguf_config(struct jmodel_config *c, const char *path, struct jerr *e)
{
	struct jgguf *g;
	int rc = jgguf_open(&g, path, e);

	if (rc < 0)
		return rc;
	rc = read_config(c, g, path, e);
	jgguf_close(g);
	return rc;
}

struct reader {
	struct jmodel *m;
	const struct jgguf *g;
	const char *path;
	float *copy;		/* one matrix, for reordering */
};

static int
ggml_dtype(int type)
{
	switch (type) {
	case 0:
		return JDT_F32;
	case 1:
		return JDT_F16;
	case 8:
		return JDT_Q8_0;
	case 30:
		return JDT_BF16;
	}
	return -1;
}

static int
read_tensor(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct reader *r = arg;
	const struct jgguf_tensor *t = jgguf_find(r->g, s->gguf);
	struct jparam *p = &r->m->params[s->i];
	int64_t n = s->shape[0] * s->shape[1];
	int dtype;
	bool same;

	if (!t)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing", r->path, s->gguf);
	same = t->n_dims == s->n_dims && t->dims[0] == (s->n_dims == 2 ? s->shape[1] : s->shape[0]) &&
		(s->n_dims == 1 || t->dims[1] == s->shape[0]);
	if (!same)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: extents [%lld, %lld], the keys say "
			"[%lld, %lld]", r->path, s->gguf, (long long)t->dims[0], (long long)t->dims[1],
			(long long)(s->n_dims == 2 ? s->shape[1] : s->shape[0]),
			(long long)(s->n_dims == 2 ? s->shape[0] : 1));
	dtype = ggml_dtype(t->type);
	if (dtype < 0 || t->bytes != jten_bytes((enum jdtype)dtype, n))
		return jerr_set(e, JERR_UNSUPPORTED, "%s: tensor %s: ggml type %d is not supported "
			"(supported: F32, F16, BF16, Q8_0)", r->path, s->gguf, t->type);
	if (!r->m->cfg.arch->gguf_permuted || !s->w ||
	    !(s->w->flags & (AW_ROTARY_Q | AW_ROTARY_K))) {
		jten_to_f32(p->value, t->data, (enum jdtype)dtype, n);
		return 0;
	}
	jten_to_f32(r->copy, t->data, (enum jdtype)dtype, n);
	arch_rotary_rows(p->value, r->copy, s->shape[0], s->shape[1], r->m->cfg.head_dim, false);
	return 0;
}

struct known {
	const char *name;
	bool found;
};

static int
is_known(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct known *k = arg;

	(void)e;
	k->found |= strcmp(s->gguf, k->name) == 0;
	return 0;
}

int
gguf_weights(struct jmodel *m, const char *path, struct jerr *e)
{
	struct reader r = { .m = m, .path = path };
	struct jgguf *g;
	int rc = jgguf_open(&g, path, e);

	if (rc < 0)
		return rc;
	r.g = g;
	r.copy = jmem_try((size_t)(m->cfg.heads * m->cfg.head_dim), (size_t)m->cfg.hidden * 4);
	if (!r.copy)
		rc = jerr_set(e, JERR_NOMEM, "%s: no memory to reorder rotary weights", path);
	if (rc == 0)
		rc = arch_each(&m->cfg, read_tensor, &r, e);
	for (size_t i = 0; rc == 0 && i < jgguf_tensors(g); i++) {
		struct known k = { jgguf_tensor(g, i)->name, false };

		arch_each(&m->cfg, is_known, &k, e);
		k.found |= strcmp(k.name, "rope_freqs.weight") == 0;
		k.found |= m->cfg.tied && strcmp(k.name, "output.weight") == 0;
		if (!k.found)
			rc = jerr_set(e, JERR_FORMAT, "%s: tensor %s is not part of a %s model", path,
				k.name, m->cfg.arch->name);
	}
	jmem_free(r.copy);
	jgguf_close(g);
	return rc;
}
