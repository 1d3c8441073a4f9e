/*
 * config.json: read in the spelling of transformers 4 (rope_theta, rope_scaling, torch_dtype) and of
 * transformers 5 (rope_parameters, dtype), written in the first, which both read.
 */
#include "model/arch.h"

#include <math.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"

/* Larger than any published model; keeps every product below 2^63. */
#define MAX_VOCAB (1 << 24)
#define MAX_WIDTH (1 << 18)
#define MAX_HEADS 4096
#define MAX_CONTEXT (1 << 28)
#define MAX_EXPERTS 4096
#define MAX_CONFIG_BYTES (4u << 20)

const char *
arch_key(const struct jmodel_arch *a, const char *common)
{
	for (size_t i = 0; a && a->keys && a->keys[i].common; i++)
		if (strcmp(a->keys[i].common, common) == 0)
			return a->keys[i].own;
	return common;
}

static const struct jval *
value_of(const struct cfg_src *s, const char *key)
{
	const struct jval *v = jval_get(s->v, arch_key(s->arch, key));

	return v && v->type == JVAL_NULL ? NULL : v;
}

static int
wrong(const struct cfg_src *s, const struct jval *v, const char *key, const char *expected)
{
	return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected %s", s->name, v->line,
		arch_key(s->arch, key), expected);
}

int
cfg_int(const struct cfg_src *s, const char *key, int64_t *out)
{
	const struct jval *v = value_of(s, key);

	if (!v)
		return 0;
	if (v->type != JVAL_INT)
		return wrong(s, v, key, "an integer");
	*out = v->u.i;
	return 1;
}

static int
need_int(const struct cfg_src *s, const char *key, int64_t *out)
{
	int rc = cfg_int(s, key, out);

	if (rc == 0)
		return jerr_set(s->e, JERR_FORMAT, "%s: %s is missing", s->name,
			arch_key(s->arch, key));
	return rc < 0 ? rc : 0;
}

int
cfg_num(const struct cfg_src *s, const char *key, double *out)
{
	const struct jval *v = value_of(s, key);

	if (!v)
		return 0;
	if (v->type != JVAL_INT && v->type != JVAL_DOUBLE)
		return wrong(s, v, key, "a number");
	*out = v->type == JVAL_INT ? (double)v->u.i : v->u.d;
	return 1;
}

int
cfg_bool(const struct cfg_src *s, const char *key, bool *out)
{
	const struct jval *v = value_of(s, key);

	if (!v)
		return 0;
	if (v->type != JVAL_BOOL)
		return wrong(s, v, key, "true or false");
	*out = v->u.b;
	return 1;
}

int
cfg_refuse(const struct cfg_src *s, const char *key)
{
	bool on = false;
	int rc = cfg_bool(s, key, &on);

	if (rc < 0 || !on)
		return rc < 0 ? rc : 0;
	return jerr_set(s->e, JERR_UNSUPPORTED, "%s: %s is not supported", s->name, key);
}

/* layer_types: which layers see only the window. */
static int
layer_types(struct jmodel_config *c, const struct cfg_src *s)
{
	const struct jval *types = value_of(s, "layer_types");

	if (!types)
		return 0;
	if (types->type != JVAL_ARR || types->u.a.n != (size_t)c->layers)
		return wrong(s, types, "layer_types", "one entry for each layer");
	memset(&c->windowed, 0, sizeof(c->windowed));
	for (size_t i = 0; i < types->u.a.n; i++) {
		const struct jval *t = types->u.a.v[i];

		if (t->type == JVAL_STR && strcmp(t->u.s.p, "sliding_attention") == 0)
			layers_add(&c->windowed, (int64_t)i);
		else if (t->type != JVAL_STR || strcmp(t->u.s.p, "full_attention") != 0)
			return jerr_set(s->e, JERR_UNSUPPORTED, "%s: layer_types[%zu]: supported are "
				"full_attention and sliding_attention", s->name, i);
	}
	return 1;
}

int
cfg_window(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc = cfg_int(s, "sliding_window", &c->window);

	return rc < 0 ? rc : layer_types(c, s);
}

int
cfg_late_window(struct jmodel_config *c, const struct cfg_src *s)
{
	bool use = false;
	int64_t from = 28;
	int rc;

	if ((rc = cfg_bool(s, "use_sliding_window", &use)) < 0 ||
	    (rc = cfg_int(s, "max_window_layers", &from)) < 0)
		return rc;
	c->window = jval_get(s->v, "sliding_window") ? 0 : 4096;
	rc = cfg_window(c, s);
	use = use && c->window > 0;
	if (!use) {
		memset(&c->windowed, 0, sizeof(c->windowed));
		c->window = 0;
	}
	for (int64_t l = from > 0 ? from : 0; rc == 0 && use && l < c->layers; l++)
		layers_add(&c->windowed, l);
	return rc < 0 ? rc : 0;
}

int
cfg_biases(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc = cfg_bool(s, "attention_bias", &c->attention_bias);

	if (rc >= 0)
		rc = cfg_bool(s, "mlp_bias", &c->mlp_bias);
	return rc < 0 ? rc : 0;
}

int
cfg_experts(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	c->experts_used = 2;
	c->router_aux = 0.001;
	if ((rc = cfg_int(s, "num_experts", &c->experts)) < 0 ||
	    (rc = cfg_int(s, "num_local_experts", &c->experts)) < 0 ||
	    (rc = cfg_int(s, "num_experts_per_tok", &c->experts_used)) < 0 ||
	    (rc = cfg_num(s, "router_aux_loss_coef", &c->router_aux)) < 0 ||
	    (rc = cfg_num(s, "router_z_loss_coef", &c->router_z)) < 0 ||
	    (rc = cfg_bool(s, "output_router_logits", &c->router_losses)) < 0)
		return rc;
	if (c->experts < 1)
		return jerr_set(s->e, JERR_FORMAT, "%s: num_experts is missing or not positive",
			s->name);
	return 0;
}

/* A token id or, for eos_token_id, a list of them. */
static int
get_eos(const struct cfg_src *s, struct jmodel_config *c)
{
	const struct jval *v = jval_get(s->v, "eos_token_id");

	if (!v || v->type != JVAL_ARR)
		return cfg_int(s, "eos_token_id", &c->eos);
	c->n_eos = 0;
	for (size_t i = 0; i < v->u.a.n && i < JMODEL_MAX_EOS; i++) {
		if (v->u.a.v[i]->type != JVAL_INT)
			return wrong(s, v, "eos_token_id", "integers");
		c->eos_list[c->n_eos++] = v->u.a.v[i]->u.i;
	}
	c->eos = c->n_eos ? c->eos_list[0] : -1;
	return 0;
}

static int
read_arch(struct jmodel_config *c, struct cfg_src *s)
{
	const char *type = jval_str(s->v, "model_type", NULL);
	struct jbuf names;
	int rc;

	if (!type)
		return jerr_set(s->e, JERR_FORMAT, "%s: model_type is missing", s->name);
	c->arch = s->arch = jmodel_arch_find(type);
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
read_act(struct jmodel_config *c, const struct cfg_src *s)
{
	static const struct { const char *name; enum jact act; } acts[] = {
		{ "silu", JACT_SILU }, { "swish", JACT_SILU }, { "gelu", JACT_GELU },
		{ "gelu_new", JACT_GELU_TANH }, { "gelu_pytorch_tanh", JACT_GELU_TANH },
		{ "gelu_fast", JACT_GELU_TANH }, { "relu", JACT_RELU }
	};
	const struct jval *v = value_of(s, "hidden_act");

	c->act = c->arch->act;
	if (!v)
		return 0;
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (v->type == JVAL_STR && strcmp(v->u.s.p, acts[i].name) == 0) {
			c->act = acts[i].act;
			return 0;
		}
	}
	return jerr_set(s->e, JERR_UNSUPPORTED, "%s: %s \"%.40s\" is not supported (supported: silu, "
		"gelu, gelu_new, gelu_pytorch_tanh, relu)", s->name, arch_key(s->arch, "hidden_act"),
		v->type == JVAL_STR ? v->u.s.p : "?");
}

static int
read_shape(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	if ((rc = need_int(s, "vocab_size", &c->vocab_size)) < 0 ||
	    (rc = need_int(s, "hidden_size", &c->hidden)) < 0 ||
	    (rc = need_int(s, "num_hidden_layers", &c->layers)) < 0 ||
	    (rc = need_int(s, "num_attention_heads", &c->heads)) < 0)
		return rc;
	if (c->layers < 1 || c->layers > JMODEL_MAX_LAYERS)
		return jerr_set(s->e, JERR_FORMAT, "%s: %s is %lld, expected 1..%d", s->name,
			arch_key(s->arch, "num_hidden_layers"), (long long)c->layers,
			JMODEL_MAX_LAYERS);
	c->kv_heads = c->heads;
	c->context = 2048;
	if ((rc = cfg_int(s, "intermediate_size", &c->ffn)) < 0 ||
	    (rc = cfg_int(s, "num_key_value_heads", &c->kv_heads)) < 0 ||
	    (rc = cfg_int(s, "head_dim", &c->head_dim)) < 0 ||
	    (rc = cfg_int(s, "max_position_embeddings", &c->context)) < 0)
		return rc;
	if (c->head_dim == 0)
		c->head_dim = c->arch->head_dim;
	if (c->head_dim == 0 && c->heads > 0)
		c->head_dim = c->hidden / c->heads;
	return 0;
}

static int
read_rest(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	if ((rc = cfg_num(s, "rms_norm_eps", &c->norm_eps)) < 0 ||
	    (rc = cfg_num(s, "initializer_range", &c->init_std)) < 0 ||
	    (rc = cfg_bool(s, "tie_word_embeddings", &c->tied)) < 0 ||
	    (rc = cfg_int(s, "bos_token_id", &c->bos)) < 0 ||
	    (rc = cfg_int(s, "pad_token_id", &c->pad)) < 0 || (rc = get_eos(s, c)) < 0)
		return rc;
	return c->ffn ? 0 : jerr_set(s->e, JERR_FORMAT, "%s: %s is missing", s->name,
		arch_key(s->arch, "intermediate_size"));
}

int
jmodel_config_parse(struct jmodel_config *c, const char *p, size_t n, const char *name,
	struct jerr *e)
{
	struct jarena a;
	struct jval *v = NULL;
	struct cfg_src s = { NULL, name, NULL, e };
	int rc;

	memset(c, 0, sizeof(*c));
	c->bos = c->eos = c->pad = -1;
	c->init_std = 0.02;
	if (n > MAX_CONFIG_BYTES)
		return jerr_set(e, JERR_LIMIT, "%s: %zu bytes are no model configuration", name, n);
	jarena_init(&a, 0);
	rc = jval_parse_json(&v, p, n, name, &a, e);
	s.v = v;
	if (rc == 0 && v->type != JVAL_OBJ)
		rc = jerr_set(e, JERR_FORMAT, "%s: expected an object", name);
	if (rc == 0 && (rc = read_arch(c, &s)) == 0) {
		c->norm_eps = c->arch->norm_eps > 0 ? c->arch->norm_eps : 1e-6;
		c->tied = !c->arch->untied;
		if ((rc = read_act(c, &s)) == 0 && (rc = read_shape(c, &s)) == 0 &&
		    (rc = cfg_rope(c, &s)) == 0 && (rc = c->arch->config(c, &s)) >= 0 &&
		    (rc = read_rest(c, &s)) == 0)
			rc = jmodel_config_check(c, name, e);
	}
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
	if (rc >= 0 && c->arch->folder)
		c->arch->folder(c, dir);
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

/* An id beyond the vocabulary is legal (test models keep their parent's): it is never produced. */
static int
check_id(const char *where, const char *key, int64_t id, struct jerr *e)
{
	if (id >= -1 && id <= INT32_MAX)
		return 0;
	return jerr_set(e, JERR_FORMAT, "%s: %s is %lld, expected a token id", where, key,
		(long long)id);
}

static int
check_ids(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	int rc;

	if ((rc = check_id(where, "bos_token_id", c->bos, e)) < 0 ||
	    (rc = check_id(where, "eos_token_id", c->eos, e)) < 0)
		return rc;
	return check_id(where, "pad_token_id", c->pad, e);
}

static int
check_numbers(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	if (!(c->norm_eps >= 0) || !(c->norm_eps < 1))
		return jerr_set(e, JERR_FORMAT, "%s: the norm's eps is %g", where, c->norm_eps);
	if (!(c->init_std >= 0) || !(c->init_std < 100))
		return jerr_set(e, JERR_FORMAT, "%s: initializer_range is %g", where, c->init_std);
	if (!(c->attn_softcap >= 0) || !(c->attn_softcap < 1e6) || !(c->final_softcap >= 0) ||
	    !(c->final_softcap < 1e6))
		return jerr_set(e, JERR_FORMAT, "%s: soft caps are %g and %g", where,
			c->attn_softcap, c->final_softcap);
	if (!(c->query_scale >= 0) || !(c->query_scale < 1e9))
		return jerr_set(e, JERR_FORMAT, "%s: query_pre_attn_scalar is %g", where,
			c->query_scale);
	if (c->window < 0 || c->window > MAX_CONTEXT)
		return jerr_set(e, JERR_FORMAT, "%s: sliding_window is %lld", where,
			(long long)c->window);
	if (c->types < 0 || c->types > MAX_VOCAB)
		return jerr_set(e, JERR_FORMAT, "%s: type_vocab_size is %lld", where,
			(long long)c->types);
	return c->arch->no_rotary ? 0 : rope_check(c, where, e);
}

static int
check_experts(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	int rc;

	if (c->experts == 0)
		return 0;
	if ((rc = in_range(where, "the number of experts", c->experts, MAX_EXPERTS, e)) < 0 ||
	    (rc = in_range(where, "num_experts_per_tok", c->experts_used, c->experts, e)) < 0 ||
	    (rc = in_range(where, "an expert's width", c->expert_ffn, MAX_WIDTH, e)) < 0)
		return rc;
	if (!(c->router_aux >= 0) || !(c->router_aux < 1e6) || !(c->router_z >= 0) ||
	    !(c->router_z < 1e6))
		return jerr_set(e, JERR_FORMAT, "%s: coefficients of the router's losses are %g and %g",
			where, c->router_aux, c->router_z);
	return 0;
}

int
jmodel_config_check(const struct jmodel_config *c, const char *where, struct jerr *e)
{
	int rc;

	if ((rc = in_range(where, "vocab_size", c->vocab_size, MAX_VOCAB, e)) < 0 ||
	    (rc = in_range(where, "hidden_size", c->hidden, MAX_WIDTH, e)) < 0 ||
	    (rc = in_range(where, "intermediate_size", c->ffn, MAX_WIDTH, e)) < 0 ||
	    (rc = in_range(where, "num_hidden_layers", c->layers, JMODEL_MAX_LAYERS, e)) < 0 ||
	    (rc = in_range(where, "num_attention_heads", c->heads, MAX_HEADS, e)) < 0 ||
	    (rc = in_range(where, "num_key_value_heads", c->kv_heads, MAX_HEADS, e)) < 0 ||
	    (rc = in_range(where, "head_dim", c->head_dim, 1024, e)) < 0 ||
	    (rc = in_range(where, "max_position_embeddings", c->context, MAX_CONTEXT, e)) < 0)
		return rc;
	if (c->heads % c->kv_heads != 0)
		return jerr_set(e, JERR_FORMAT, "%s: %lld attention heads are not a multiple of %lld "
			"key/value heads", where, (long long)c->heads, (long long)c->kv_heads);
	if (!c->arch->no_rotary && c->head_dim % 2 != 0)
		return jerr_set(e, JERR_FORMAT, "%s: head_dim %lld is odd", where,
			(long long)c->head_dim);
	if ((rc = check_numbers(c, where, e)) < 0 || (rc = check_experts(c, where, e)) < 0)
		return rc;
	return check_ids(c, where, e);
}
