/*
 * Writing config.json and generation_config.json: keys of transformers 4, and dtype for 5.
 */
#include "model/arch.h"

#include <math.h>
#include <string.h>

#include "conf/jval.h"

static const char *
torch_name(enum jdtype dtype)
{
	switch (dtype) {
	case JDT_F16:
		return "float16";
	case JDT_BF16:
		return "bfloat16";
	default:
		return "float32";
	}
}

void
put_int(struct jbuf *b, const char *key, int64_t v)
{
	jbuf_printf(b, "  \"%s\": %lld,\n", key, (long long)v);
}

/* A number that transformers insists on being a float. */
static void
put_float(struct jbuf *b, double v)
{
	size_t at = b->n;

	jjson_num(b, v);
	if (strspn(b->p + at, "-0123456789") == b->n - at)
		jbuf_adds(b, ".0");
}

static void
put_member(struct jbuf *b, const char *key, double v, const char *indent)
{
	jbuf_printf(b, "%s\"%s\": ", indent, key);
	put_float(b, v);
}

void
put_num(struct jbuf *b, const char *key, double v)
{
	put_member(b, key, v, "  ");
	jbuf_adds(b, ",\n");
}

void
put_bool(struct jbuf *b, const char *key, bool v)
{
	jbuf_printf(b, "  \"%s\": %s,\n", key, v ? "true" : "false");
}

static void
put_id(struct jbuf *b, const char *key, int64_t id)
{
	if (id >= 0)
		put_int(b, key, id);
	else
		jbuf_printf(b, "  \"%s\": null,\n", key);
}

/* A caller that set another eos after loading means that one alone. */
static void
put_eos(struct jbuf *b, const struct jmodel_config *c)
{
	if (c->n_eos < 2 || c->eos_list[0] != c->eos) {
		put_id(b, "eos_token_id", c->eos);
		return;
	}
	jbuf_adds(b, "  \"eos_token_id\": [");
	for (int i = 0; i < c->n_eos; i++)
		jbuf_printf(b, "%s%lld", i ? ", " : "", (long long)c->eos_list[i]);
	jbuf_adds(b, "],\n");
}

void
put_window(struct jbuf *b, const struct jmodel_config *c)
{
	jbuf_adds(b, "  \"layer_types\": [");
	for (int64_t l = 0; l < c->layers; l++)
		jbuf_printf(b, "%s\"%s\"", l ? ", " : "", jmodel_layer_in(&c->windowed, l) ?
			"sliding_attention" : "full_attention");
	jbuf_adds(b, "],\n");
	if (c->window > 0)
		put_int(b, "sliding_window", c->window);
	else
		jbuf_adds(b, "  \"sliding_window\": null,\n");
}

void
put_late_window(struct jbuf *b, const struct jmodel_config *c)
{
	int64_t first = 0;

	while (first < c->layers && !jmodel_layer_in(&c->windowed, first))
		first++;
	put_window(b, c);
	put_int(b, "max_window_layers", first);
	put_bool(b, "use_sliding_window", c->window > 0);
}

void
put_experts(struct jbuf *b, const struct jmodel_config *c)
{
	put_int(b, "num_experts_per_tok", c->experts_used);
	put_int(b, "num_local_experts", c->experts);
	put_bool(b, "output_router_logits", c->router_losses);
	put_num(b, "router_aux_loss_coef", c->router_aux);
	if (c->router_z > 0)
		put_num(b, "router_z_loss_coef", c->router_z);
}

static void
put_factors(struct jbuf *b, const char *key, const float *v, int n)
{
	jbuf_printf(b, "    \"%s\": [", key);
	for (int i = 0; i < n; i++) {
		if (i)
			jbuf_adds(b, ", ");
		put_float(b, (double)v[i]);
	}
	jbuf_adds(b, "],\n");
}

static void
put_optional(struct jbuf *b, const char *key, double v)
{
	if (v > 0) {
		put_member(b, key, v, "    ");
		jbuf_adds(b, ",\n");
	}
}

static void
put_scaling(struct jbuf *b, const struct jmodel_config *c)
{
	jbuf_adds(b, "{\n");
	put_optional(b, "factor", c->rope_factor);
	put_optional(b, "attention_factor", c->rope_attention);
	put_optional(b, "beta_fast", c->rope_beta_fast);
	put_optional(b, "beta_slow", c->rope_beta_slow);
	put_optional(b, "mscale", c->rope_mscale);
	put_optional(b, "mscale_all_dim", c->rope_mscale_all);
	if (c->rope_type == JMODEL_ROPE_LLAMA3) {
		put_optional(b, "high_freq_factor", c->rope_high);
		put_optional(b, "low_freq_factor", c->rope_low);
	}
	if (c->rope_exact)
		jbuf_adds(b, "    \"truncate\": false,\n");
	if (c->rope_type == JMODEL_ROPE_LONG) {
		put_factors(b, "long_factor", c->rope_long, c->n_factors);
		put_factors(b, "short_factor", c->rope_short, c->n_factors);
	}
	if (c->rope_original > 0)
		jbuf_printf(b, "    \"original_max_position_embeddings\": %lld,\n",
			(long long)c->rope_original);
	jbuf_printf(b, "    \"rope_type\": \"%s\",\n    \"type\": \"%s\"\n  },\n",
		jmodel_rope_name(c), jmodel_rope_name(c));
}

static void
put_rope(struct jbuf *b, const struct jmodel_config *c)
{
	if (c->rope_dim != c->head_dim)
		put_num(b, "partial_rotary_factor", (double)c->rope_dim / (double)c->head_dim);
	if (c->rope_local_theta > 0)
		put_num(b, "rope_local_base_freq", c->rope_local_theta);
	put_num(b, "rope_theta", c->rope_theta);
	jbuf_adds(b, "  \"rope_scaling\": ");
	if (c->rope_type == JMODEL_ROPE_DEFAULT)
		jbuf_adds(b, "null,\n");
	else
		put_scaling(b, c);
}

static void
put_common(struct jbuf *b, const char *key, const struct jmodel_config *c, int64_t v)
{
	put_int(b, arch_key(c->arch, key), v);
}

static void
put_shape(struct jbuf *b, const struct jmodel_config *c)
{
	static const char *const acts[] = { "silu", "gelu_pytorch_tanh", "gelu", "relu" };
	const struct jmodel_arch *a = c->arch;
	const char *act = c->act == JACT_GELU_TANH && a->layer_norm ? "gelu_new" : acts[c->act];

	if (!a->layer_norm) {
		put_int(b, "head_dim", c->head_dim);
		put_int(b, "num_key_value_heads", c->kv_heads);
	}
	jbuf_printf(b, "  \"%s\": \"%s\",\n", arch_key(a, "hidden_act"), act);
	put_common(b, "hidden_size", c, c->hidden);
	put_num(b, "initializer_range", c->init_std);
	put_common(b, "intermediate_size", c, c->ffn);
	put_common(b, "max_position_embeddings", c, c->context);
	jbuf_printf(b, "  \"model_type\": \"%s\",\n", a->name);
	put_common(b, "num_attention_heads", c, c->heads);
	put_common(b, "num_hidden_layers", c, c->layers);
	put_num(b, arch_key(a, "rms_norm_eps"), c->norm_eps);
}

void
jmodel_config_json(const struct jmodel_config *c, enum jdtype dtype, struct jbuf *b)
{
	jbuf_printf(b, "{\n  \"architectures\": [\"%s\"],\n", c->arch->hf_class);
	put_id(b, "bos_token_id", c->bos);
	jbuf_printf(b, "  \"dtype\": \"%s\",\n", torch_name(dtype));
	put_eos(b, c);
	put_shape(b, c);
	put_id(b, "pad_token_id", c->pad);
	if (!c->arch->no_rotary)
		put_rope(b, c);
	if (c->arch->write)
		c->arch->write(c, b);
	put_bool(b, "tie_word_embeddings", c->tied);
	jbuf_printf(b, "  \"torch_dtype\": \"%s\",\n", torch_name(dtype));
	jbuf_adds(b, "  \"use_cache\": true,\n");
	jbuf_printf(b, "  \"vocab_size\": %lld\n}\n", (long long)c->vocab_size);
}

void
generation_config_json(const struct jmodel_config *c, struct jbuf *b)
{
	jbuf_adds(b, "{\n  \"_from_model_config\": true,\n");
	if (c->bos >= 0)
		put_id(b, "bos_token_id", c->bos);
	if (c->eos >= 0)
		put_eos(b, c);
	if (c->pad >= 0)
		put_id(b, "pad_token_id", c->pad);
	b->n -= 2;	/* the comma and line end of the last member */
	jbuf_adds(b, "\n}\n");
}
