/*
 * config.json: read in the spelling of transformers 4 (rope_theta, rope_scaling, torch_dtype) and of
 * transformers 5 (rope_parameters, dtype), written in the first, which both read.
 */
#include "model/arch.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"

/* Larger than any published dense decoder; keeps every product below 2^63. */
#define MAX_VOCAB (1 << 24)
#define MAX_WIDTH (1 << 18)
#define MAX_LAYERS 4096
#define MAX_HEADS 4096
#define MAX_CONTEXT (1 << 28)
#define MAX_CONFIG_BYTES (4u << 20)

struct source {
	const struct jval *v;
	const char *name;	/* for messages */
	struct jerr *e;
};

/* An integer key, strictly: another type is an error, null is absent.  1 found, 0 absent, < 0. */
static int
get_int(const struct source *s, const char *key, int64_t *out)
{
	const struct jval *v = jval_get(s->v, key);

	if (!v || v->type == JVAL_NULL)
		return 0;
	if (v->type != JVAL_INT)
		return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected an integer", s->name,
			v->line, key);
	*out = v->u.i;
	return 1;
}

static int
need_int(const struct source *s, const char *key, int64_t *out)
{
	int rc = get_int(s, key, out);

	if (rc == 0)
		return jerr_set(s->e, JERR_FORMAT, "%s: %s is missing", s->name, key);
	return rc < 0 ? rc : 0;
}

static int
get_num(const struct source *s, const char *key, double *out)
{
	const struct jval *v = jval_get(s->v, key);

	if (!v || v->type == JVAL_NULL)
		return 0;
	if (v->type != JVAL_INT && v->type != JVAL_DOUBLE)
		return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected a number", s->name, v->line,
			key);
	*out = v->type == JVAL_INT ? (double)v->u.i : v->u.d;
	return 1;
}

static int
get_bool(const struct source *s, const char *key, bool *out)
{
	const struct jval *v = jval_get(s->v, key);

	if (!v || v->type == JVAL_NULL)
		return 0;
	if (v->type != JVAL_BOOL)
		return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected true or false", s->name,
			v->line, key);
	*out = v->u.b;
	return 1;
}

/* A token id or, for eos_token_id, a list of them. */
static int
get_eos(const struct source *s, struct jmodel_config *c)
{
	const struct jval *v = jval_get(s->v, "eos_token_id");

	if (!v || v->type != JVAL_ARR)
		return get_int(s, "eos_token_id", &c->eos);
	c->n_eos = 0;
	for (size_t i = 0; i < v->u.a.n && i < JMODEL_MAX_EOS; i++) {
		if (v->u.a.v[i]->type != JVAL_INT)
			return jerr_set(s->e, JERR_FORMAT, "%s:%d: eos_token_id: expected integers",
				s->name, v->line);
		c->eos_list[c->n_eos++] = v->u.a.v[i]->u.i;
	}
	c->eos = c->n_eos ? c->eos_list[0] : -1;
	return 0;
}

static int
read_llama3_rope(struct jmodel_config *c, const struct source *s)
{
	int rc;

	c->rope_low = 1;
	c->rope_high = 4;
	c->rope_original = c->context;
	rc = get_num(s, "low_freq_factor", &c->rope_low);
	if (rc >= 0)
		rc = get_num(s, "high_freq_factor", &c->rope_high);
	if (rc >= 0)
		rc = get_int(s, "original_max_position_embeddings", &c->rope_original);
	return rc < 0 ? rc : 0;
}

/* rope_scaling of transformers 4 or rope_parameters of 5. */
static int
read_rope_object(struct jmodel_config *c, const struct source *s)
{
	const char *type = jval_str(s->v, "rope_type", jval_str(s->v, "type", "default"));
	double partial = 1;

	if (get_num(s, "rope_theta", &c->rope_theta) < 0)
		return s->e->code;
	if (get_num(s, "partial_rotary_factor", &partial) < 0)
		return s->e->code;
	if (partial != 1)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: partial_rotary_factor %g is not "
			"supported", s->name, partial);
	if (strcmp(type, "default") == 0)
		return 0;
	if (strcmp(type, "linear") != 0 && strcmp(type, "llama3") != 0)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: rope type \"%s\" is not supported "
			"(supported: default, linear, llama3)", s->name, type);
	c->rope_linear = strcmp(type, "linear") == 0;
	if (get_num(s, "factor", &c->rope_factor) != 1)
		return jerr_set(s->e, JERR_FORMAT, "%s: rope type \"%s\" without factor", s->name,
			type);
	return c->rope_linear ? 0 : read_llama3_rope(c, s);
}

static int
read_rope(struct jmodel_config *c, const struct source *s)
{
	static const char *const keys[] = { "rope_scaling", "rope_parameters" };
	double partial = 1;
	int rc = get_num(s, "rope_theta", &c->rope_theta);

	if (rc < 0 || (rc = get_num(s, "partial_rotary_factor", &partial)) < 0)
		return rc;
	if (partial != 1)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: partial_rotary_factor %g is not "
			"supported", s->name, partial);
	for (int i = 0; i < 2; i++) {
		struct source sub = { jval_get(s->v, keys[i]), s->name, s->e };

		if (!sub.v || sub.v->type == JVAL_NULL)
			continue;
		if (sub.v->type != JVAL_OBJ)
			return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected an object or null",
				s->name, sub.v->line, keys[i]);
		rc = read_rope_object(c, &sub);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
read_arch(struct jmodel_config *c, const struct source *s)
{
	const char *type = jval_str(s->v, "model_type", NULL);
	const char *act = jval_str(s->v, "hidden_act", "silu");
	struct jbuf names;
	int rc;

	if (!type)
		return jerr_set(s->e, JERR_FORMAT, "%s: model_type is missing", s->name);
	c->arch = jmodel_arch_find(type);
	if (c->arch && strcmp(act, "silu") != 0)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: hidden_act \"%s\" is not supported "
			"(supported: silu)", s->name, act);
	if (c->arch)
		return 0;
	jbuf_init(&names);
	for (size_t i = 0; jmodel_archs[i]; i++)
		jbuf_printf(&names, "%s%s", i ? ", " : "", jmodel_archs[i]->name);
	rc = jerr_set(s->e, JERR_UNSUPPORTED, "%s: model_type \"%.60s\" is not supported "
		"(supported: %s)", s->name, type, names.p);
	jbuf_release(&names);
	return rc;
}

static int
read_shape(struct jmodel_config *c, const struct source *s)
{
	int rc;

	if ((rc = need_int(s, "vocab_size", &c->vocab_size)) < 0 ||
	    (rc = need_int(s, "hidden_size", &c->hidden)) < 0 ||
	    (rc = need_int(s, "intermediate_size", &c->ffn)) < 0 ||
	    (rc = need_int(s, "num_hidden_layers", &c->layers)) < 0 ||
	    (rc = need_int(s, "num_attention_heads", &c->heads)) < 0)
		return rc;
	c->kv_heads = c->heads;
	c->context = 2048;
	c->head_dim = 0;
	if ((rc = get_int(s, "num_key_value_heads", &c->kv_heads)) < 0 ||
	    (rc = get_int(s, "head_dim", &c->head_dim)) < 0 ||
	    (rc = get_int(s, "max_position_embeddings", &c->context)) < 0)
		return rc;
	if (c->head_dim == 0 && c->arch->writes_head_dim)
		c->head_dim = 128;	/* what transformers assumes for Qwen3 */
	else if (c->head_dim == 0 && c->heads > 0)
		c->head_dim = c->hidden / c->heads;
	return 0;
}

int
jmodel_config_parse(struct jmodel_config *c, const char *p, size_t n, const char *name,
	struct jerr *e)
{
	struct jarena a;
	struct jval *v = NULL;
	struct source s = { NULL, name, e };
	int rc;

	memset(c, 0, sizeof(*c));
	c->bos = c->eos = c->pad = -1;
	c->norm_eps = 1e-6;
	c->rope_theta = 10000;
	c->init_std = 0.02;
	if (n > MAX_CONFIG_BYTES)
		return jerr_set(e, JERR_LIMIT, "%s: %zu bytes are no model configuration", name, n);
	jarena_init(&a, 0);
	rc = jval_parse_json(&v, p, n, name, &a, e);
	s.v = v;
	if (rc == 0 && v->type != JVAL_OBJ)
		rc = jerr_set(e, JERR_FORMAT, "%s: expected an object", name);
	if (rc == 0 && (rc = read_arch(c, &s)) == 0 && (rc = read_shape(c, &s)) == 0 &&
	    (rc = read_rope(c, &s)) == 0 && (rc = c->arch->config(c, v, name, e)) == 0 &&
	    (rc = get_num(&s, "rms_norm_eps", &c->norm_eps)) >= 0 &&
	    (rc = get_num(&s, "initializer_range", &c->init_std)) >= 0 &&
	    (rc = get_bool(&s, "tie_word_embeddings", &c->tied)) >= 0 &&
	    (rc = get_bool(&s, "attention_bias", &c->attention_bias)) >= 0 &&
	    (rc = get_int(&s, "bos_token_id", &c->bos)) >= 0 &&
	    (rc = get_int(&s, "pad_token_id", &c->pad)) >= 0 && (rc = get_eos(&s, c)) >= 0)
		rc = jmodel_config_check(c, name, e);
	jarena_release(&a);
	return rc < 0 ? rc : 0;
}

int
hf_config(struct jmodel_config *c, const char *dir, struct jerr *e)
{
	struct jarena a;
	struct jbuf b;
	char *path;
	int rc;

	jarena_init(&a, 0);
	jbuf_init_max(&b, MAX_CONFIG_BYTES);
	path = jfs_join(&a, dir, "config.json");
	rc = jin_slurp(path, &b, e);
	if (rc >= 0)
		rc = jmodel_config_parse(c, b.p, b.n, path, e);
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

static int
in_range(const char *where, const char *key, int64_t v, int64_t max, struct jerr *e)
{
	if (v >= 1 && v <= max)
		return 0;
	return jerr_set(e, JERR_FORMAT, "%s: %s is %lld, expected 1..%lld", where, key, (long long)v,
		(long long)max);
}

static int
check_rope(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	if (!(c->rope_theta > 0) || !isfinite(c->rope_theta))
		return jerr_set(e, JERR_FORMAT, "%s: rope_theta is %g, expected a positive number",
			where, c->rope_theta);
	if (c->rope_factor == 0)
		return 0;
	if (!(c->rope_factor >= 1) || !isfinite(c->rope_factor))
		return jerr_set(e, JERR_FORMAT, "%s: rope factor is %g, expected at least 1", where,
			c->rope_factor);
	if (c->rope_linear)
		return 0;
	if (!(c->rope_low > 0) || !(c->rope_high > c->rope_low) || c->rope_original < 1)
		return jerr_set(e, JERR_FORMAT, "%s: rope scaling needs 0 < low_freq_factor < "
			"high_freq_factor and an original length", where);
	return 0;
}

/* An id beyond the vocabulary is legal (test models keep their parent's): it is never produced. */
static int
check_id(const char *where, const char *key, int64_t id, struct jerr *e)
{
	if (id >= -1 && id <= INT32_MAX)
		return 0;
	return jerr_set(e, JERR_FORMAT, "%s: %s is %lld, expected a token id", where, key,
		(long long)id);
}

int
jmodel_config_check(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	int rc;

	if ((rc = in_range(where, "vocab_size", c->vocab_size, MAX_VOCAB, e)) < 0 ||
	    (rc = in_range(where, "hidden_size", c->hidden, MAX_WIDTH, e)) < 0 ||
	    (rc = in_range(where, "intermediate_size", c->ffn, MAX_WIDTH, e)) < 0 ||
	    (rc = in_range(where, "num_hidden_layers", c->layers, MAX_LAYERS, e)) < 0 ||
	    (rc = in_range(where, "num_attention_heads", c->heads, MAX_HEADS, e)) < 0 ||
	    (rc = in_range(where, "num_key_value_heads", c->kv_heads, MAX_HEADS, e)) < 0 ||
	    (rc = in_range(where, "head_dim", c->head_dim, 1024, e)) < 0 ||
	    (rc = in_range(where, "max_position_embeddings", c->context, MAX_CONTEXT, e)) < 0)
		return rc;
	if (c->heads % c->kv_heads != 0)
		return jerr_set(e, JERR_FORMAT, "%s: %lld attention heads are not a multiple of %lld "
			"key/value heads", where, (long long)c->heads, (long long)c->kv_heads);
	if (c->head_dim % 2 != 0)
		return jerr_set(e, JERR_FORMAT, "%s: head_dim %lld is odd", where,
			(long long)c->head_dim);
	if (!(c->norm_eps >= 0) || !(c->norm_eps < 1))
		return jerr_set(e, JERR_FORMAT, "%s: rms_norm_eps is %g", where, c->norm_eps);
	if (!(c->init_std >= 0) || !(c->init_std < 100))
		return jerr_set(e, JERR_FORMAT, "%s: initializer_range is %g", where, c->init_std);
	if ((rc = check_rope(c, where, e)) < 0 ||
	    (rc = check_id(where, "bos_token_id", c->bos, e)) < 0 ||
	    (rc = check_id(where, "eos_token_id", c->eos, e)) < 0 ||
	    (rc = check_id(where, "pad_token_id", c->pad, e)) < 0)
		return rc;
	return 0;
}
