/*
 * Models from GGUF: the keys of the architecture, tensors by their GGUF names, rotary rows put back
 * into rotate-half order for architectures that store them interleaved.
 */
#include "model/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/jgguf.h"
#include "model/weights.h"
#include "tensor/jquant.h"

bool
gguf_int(const struct gguf_src *k, const char *key, int64_t *v)
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
need(const struct gguf_src *k, const char *key, int64_t *v)
{
	if (gguf_int(k, key, v))
		return 0;
	return jerr_set(k->e, JERR_FORMAT, "%s: key %s.%s is missing or no integer", k->path, k->arch,
		key);
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

bool
gguf_num(const struct gguf_src *k, const char *key, double *v)
{
	char name[96];

	snprintf(name, sizeof(name), "%s.%s", k->arch, key);
	if (!jgguf_get_f64(k->g, name, v))
		return false;
	*v = tidy(*v);
	return true;
}

/* Several of ours may share a GGUF architecture: with or without experts, with or without a window. */
static const struct jmodel_arch *
find_arch(const char *name, bool experts, bool window)
{
	const struct jmodel_arch *best = NULL;

	for (size_t i = 0; jmodel_archs[i]; i++) {
		const struct jmodel_arch *a = jmodel_archs[i];

		if (strcmp(a->gguf, name) != 0 || a->experts != experts)
			continue;
		if (!best || a->window == window)
			best = best && best->window == window ? best : a;
	}
	return best;
}

static int
read_arch(struct jmodel_config *c, const struct jgguf *g, const char *path, struct jerr *e)
{
	struct jgguf_str s;
	char name[32];
	int64_t experts = 0, window = 0;
	struct gguf_src k = { g, name, path, e };
	struct jbuf names;
	int rc;

	if (!jgguf_get_str(g, "general.architecture", &s))
		return jerr_set(e, JERR_FORMAT, "%s: key general.architecture is missing", path);
	snprintf(name, sizeof(name), "%.*s", (int)(s.n < 31 ? s.n : 31), s.p);
	gguf_int(&k, "expert_count", &experts);
	gguf_int(&k, "attention.sliding_window", &window);
	c->arch = find_arch(name, experts > 0, window > 0);
	if (c->arch)
		return 0;
	jbuf_init(&names);
	for (size_t i = 0; jmodel_archs[i]; i++)
		if (!strstr(names.n ? names.p : "", jmodel_archs[i]->gguf))
			jbuf_printf(&names, "%s%s", i ? ", " : "", jmodel_archs[i]->gguf);
	rc = jerr_set(e, JERR_UNSUPPORTED, "%s: architecture \"%s\"%s is not supported (supported: "
		"%s)", path, name, experts > 0 ? " with experts" : "", names.p);
	jbuf_release(&names);
	return rc;
}

/* head_count_kv may be an array of equal entries. */
static int
read_kv_heads(struct jmodel_config *c, const struct gguf_src *k)
{
	char name[96];
	double first, v;
	size_t n;

	c->kv_heads = c->heads;
	if (gguf_int(k, "attention.head_count_kv", &c->kv_heads))
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
read_eps(struct jmodel_config *c, const struct gguf_src *k)
{
	const char *key = c->arch->layer_norm ? "attention.layer_norm_epsilon"
		: "attention.layer_norm_rms_epsilon";

	if (gguf_num(k, key, &c->norm_eps))
		return 0;
	return jerr_set(k->e, JERR_FORMAT, "%s: key %s.%s is missing", k->path, k->arch, key);
}

static int
read_shape(struct jmodel_config *c, const struct gguf_src *k)
{
	const struct jgguf_tensor *embed = jgguf_find(k->g, "token_embd.weight");
	const struct jgguf_tensor *types = jgguf_find(k->g, "token_types.weight");
	int64_t value;
	int rc;

	if (!embed || embed->n_dims != 2)
		return jerr_set(k->e, JERR_FORMAT, "%s: tensor token_embd.weight is missing or no "
			"matrix", k->path);
	c->vocab_size = embed->dims[1];
	if ((rc = need(k, "context_length", &c->context)) < 0 ||
	    (rc = need(k, "embedding_length", &c->hidden)) < 0 ||
	    (rc = need(k, "block_count", &c->layers)) < 0 ||
	    (rc = need(k, "attention.head_count", &c->heads)) < 0 ||
	    (rc = read_kv_heads(c, k)) < 0)
		return rc;
	if (!gguf_int(k, "feed_forward_length", &c->ffn) &&
	    !(c->arch->experts && gguf_int(k, "expert_feed_forward_length", &c->ffn)))
		return need(k, "feed_forward_length", &c->ffn);
	c->head_dim = c->heads > 0 ? c->hidden / c->heads : 0;
	gguf_int(k, "attention.key_length", &c->head_dim);
	value = c->rope_dim = c->head_dim;
	gguf_int(k, "rope.dimension_count", &c->rope_dim);
	gguf_int(k, "attention.value_length", &value);
	gguf_int(k, "attention.sliding_window", &c->window);
	gguf_int(k, "expert_count", &c->experts);
	gguf_int(k, "expert_used_count", &c->experts_used);
	gguf_int(k, "expert_feed_forward_length", &c->expert_ffn);
	c->types = types && types->n_dims == 2 ? types->dims[1] : types ? 1 : 0;
	if (value != c->head_dim)
		return jerr_set(k->e, JERR_UNSUPPORTED, "%s: heads of unequal size are not supported",
			k->path);
	return read_eps(c, k);
}

/*
 * GGUF keeps only the divisors of the Llama 3 rule, not its parameters.  Those come from a small
 * set, so they are found by trying: an answer is taken only if it gives the same divisors.
 */
static bool
divisors_match(const struct jmodel_config *c, const float *want)
{
	float got[512];

	rope_divisors(c, false, got);
	for (int64_t i = 0; i < c->rope_dim / 2; i++)
		if (!(fabsf(got[i] - want[i]) <= 1e-4f * want[i]))
			return false;
	return true;
}

static int
solve_llama3(struct jmodel_config *c, const float *divisor, const struct gguf_src *k)
{
	static const double lows[] = { 1, 0.5, 2 }, highs[] = { 4, 2, 8, 16, 32 };
	float top = 1;

	for (int64_t i = 0; i < c->rope_dim / 2; i++)
		if (divisor[i] > top)
			top = divisor[i];
	if (top == 1)
		return 0;
	c->rope_type = JMODEL_ROPE_LLAMA3;
	c->rope_factor = tidy(top);
	for (size_t l = 0; l < sizeof(lows) / sizeof(lows[0]); l++) {
		for (size_t h = 0; h < sizeof(highs) / sizeof(highs[0]); h++) {
			c->rope_low = lows[l];
			c->rope_high = highs[h];
			for (c->rope_original = 16; c->rope_original <= 1 << 24; c->rope_original *= 2)
				if (divisors_match(c, divisor))
					return 0;
		}
	}
	return jerr_set(k->e, JERR_UNSUPPORTED, "%s: rope_freqs.weight is not a Llama 3 rotary "
		"scaling that we can name", k->path);
}

/* The values of a list of divisors; 0 if the file has none. */
static int
read_divisors(const struct jmodel_config *c, const struct gguf_src *k, const char *name, float *to)
{
	const struct jgguf_tensor *t = jgguf_find(k->g, name);

	if (!t)
		return 0;
	if (t->type != 0 || t->n_dims != 1 || t->dims[0] != c->rope_dim / 2 ||
	    c->rope_dim / 2 > JMODEL_MAX_FACTORS)
		return jerr_set(k->e, JERR_FORMAT, "%s: tensor %s: expected %lld F32 values", k->path,
			name, (long long)c->rope_dim / 2);
	memcpy(to, t->data, (size_t)t->bytes);
	return 1;
}

static int
read_scaling(struct jmodel_config *c, const struct gguf_src *k)
{
	struct jgguf_str s;
	char name[96];

	snprintf(name, sizeof(name), "%s.rope.scaling.type", k->arch);
	if (!jgguf_get_str(k->g, name, &s) || (s.n == 4 && memcmp(s.p, "none", 4) == 0) ||
	    (s.n == 8 && memcmp(s.p, "longrope", 8) == 0))
		return 0;
	if (s.n == 6 && memcmp(s.p, "linear", 6) == 0)
		c->rope_type = JMODEL_ROPE_LINEAR;
	else if (s.n == 4 && memcmp(s.p, "yarn", 4) == 0)
		c->rope_type = JMODEL_ROPE_YARN;
	else
		return jerr_set(k->e, JERR_UNSUPPORTED, "%s: rope scaling \"%.*s\" is not supported "
			"(supported: none, linear, yarn, longrope)", k->path,
			(int)(s.n < 40 ? s.n : 40), s.p);
	if (!gguf_num(k, "rope.scaling.factor", &c->rope_factor))
		return jerr_set(k->e, JERR_FORMAT, "%s: rope scaling without factor", k->path);
	if (c->rope_type == JMODEL_ROPE_YARN) {
		c->rope_original = c->context;
		gguf_int(k, "rope.scaling.original_context_length", &c->rope_original);
		gguf_num(k, "rope.scaling.yarn_beta_fast", &c->rope_beta_fast);
		gguf_num(k, "rope.scaling.yarn_beta_slow", &c->rope_beta_slow);
	}
	return 0;
}

static int
read_rope(struct jmodel_config *c, const struct gguf_src *k)
{
	float divisor[JMODEL_MAX_FACTORS];
	int rc;

	gguf_num(k, "rope.freq_base", &c->rope_theta);
	if ((rc = read_scaling(c, k)) < 0)
		return rc;
	rc = read_divisors(c, k, "rope_factors_long.weight", c->rope_long);
	if (rc == 1) {
		if (read_divisors(c, k, "rope_factors_short.weight", c->rope_short) != 1)
			return k->e->code ? k->e->code : jerr_set(k->e, JERR_FORMAT,
				"%s: rope_factors_long.weight without rope_factors_short.weight", k->path);
		c->rope_type = JMODEL_ROPE_LONG;
		c->n_factors = (int)(c->rope_dim / 2);
		gguf_int(k, "rope.scaling.original_context_length", &c->rope_original);
		gguf_num(k, "rope.scaling.attn_factor", &c->rope_attention);
		return 0;
	}
	if (rc == 0 && (rc = read_divisors(c, k, "rope_freqs.weight", divisor)) == 1) {
		if (c->rope_type != JMODEL_ROPE_DEFAULT)
			return jerr_set(k->e, JERR_FORMAT, "%s: rope_freqs.weight and another scaling",
				k->path);
		rc = solve_llama3(c, divisor, k);
	}
	return rc < 0 ? rc : 0;
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

int
gguf_config_of(struct jmodel_config *c, const struct jgguf *g, const char *path, struct jerr *e)
{
	struct gguf_src k = { g, NULL, path, e };
	int rc;

	memset(c, 0, sizeof(*c));
	c->init_std = 0.02;
	rc = read_arch(c, g, path, e);
	if (rc < 0)
		return rc;
	k.arch = c->arch->gguf;
	c->act = c->arch->act;
	c->rope_theta = c->arch->rope_theta > 0 ? c->arch->rope_theta : 10000;
	if ((rc = read_shape(c, &k)) < 0)
		return rc;
	c->tied = is_tied(g);
	c->attention_bias = jgguf_find(g, "blk.0.attn_q.bias") != NULL;
	c->mlp_bias = jgguf_find(g, "blk.0.ffn_gate.bias") != NULL;
	c->bos = token_key(g, "tokenizer.ggml.bos_token_id");
	c->eos = token_key(g, "tokenizer.ggml.eos_token_id");
	c->pad = token_key(g, "tokenizer.ggml.padding_token_id");
	if (c->layers > JMODEL_MAX_LAYERS)
		return jmodel_config_check(c, path, e);
	if (c->arch->gguf_read && (rc = c->arch->gguf_read(c, &k)) < 0)
		return rc;
	rc = jmodel_config_check(c, path, e);	/* bounds head_dim before divisors are read */
	if (rc == 0 && !c->arch->no_rotary && (rc = read_rope(c, &k)) == 0)
		rc = jmodel_config_check(c, path, e);
	return rc;
}

int
gguf_config(struct jmodel_config *c, const char *path, struct jerr *e)
{
	struct jgguf *g;
	int rc = jgguf_open(&g, path, e);

	if (rc < 0)
		return rc;
	rc = gguf_config_of(c, g, path, e);
	jgguf_close(g);
	return rc;
}

struct reader {
	struct jmodel *m;
	const struct jgguf *g;
	const char *path;
};

static int
read_tensor(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct reader *r = arg;
	const struct jgguf_tensor *t = jgguf_find(r->g, s->gguf);
	int64_t n = s->shape[0] * s->shape[1];
	struct weight_bytes b = { .file = r->path, .name = s->gguf };
	unsigned form = 0;
	int dtype;
	bool same;

	if (!t)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing", r->path, s->gguf);
	same = t->n_dims == s->n_dims && t->dims[0] == (s->n_dims == 2 ? s->shape[1] : s->shape[0]) &&
		(s->n_dims == 1 || t->dims[1] == s->shape[0]);
	if (s->w->flags & AW_EXPERTS)
		same = t->n_dims == 3 && t->dims[0] == s->shape[1] &&
			t->dims[1] == s->shape[0] / s->parts && t->dims[2] == s->parts;
	else if (s->n_dims == 2 && s->shape[0] == 1)	/* one row: writers drop the extent */
		same |= t->n_dims == 1 && t->dims[0] == s->shape[1];
	if (!same)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: extents [%lld, %lld], the keys say "
			"[%lld, %lld]", r->path, s->gguf, (long long)t->dims[0], (long long)t->dims[1],
			(long long)(s->n_dims == 2 ? s->shape[1] : s->shape[0]),
			(long long)(s->n_dims == 2 ? s->shape[0] : 1));
	dtype = jdtype_from_ggml(t->type);
	if (dtype < 0 || t->bytes != jten_bytes((enum jdtype)dtype, n))
		return jerr_set(e, JERR_UNSUPPORTED, "%s: tensor %s: ggml type %d is not supported",
			r->path, s->gguf, t->type);
	if (r->m->cfg.arch->gguf_permuted && (s->w->flags & (AW_ROTARY_Q | AW_ROTARY_K)))
		form |= WF_PAIRED;
	if (s->w->flags & AW_ZERO)
		form |= WF_ABOVE_ONE;
	b.dtype = (enum jdtype)dtype;
	b.data = t->data;
	return weights_put(r->m, &r->m->params[s->i], &b, form, e);
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
	rc = arch_each(&m->cfg, read_tensor, &r, e);
	for (size_t i = 0; rc == 0 && i < jgguf_tensors(g); i++) {
		struct known k = { jgguf_tensor(g, i)->name, false };

		arch_each(&m->cfg, is_known, &k, e);
		k.found |= strncmp(k.name, "rope_freqs.", 11) == 0 ||
			strncmp(k.name, "rope_factors_", 13) == 0;
		k.found |= m->cfg.tied && strcmp(k.name, "output.weight") == 0;
		if (!k.found)
			rc = jerr_set(e, JERR_FORMAT, "%s: tensor %s is not part of a %s model", path,
				k.name, m->cfg.arch->name);
	}
	weights_keep(m, NULL, g, NULL);
	return rc;
}
