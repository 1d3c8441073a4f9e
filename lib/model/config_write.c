/*
 * Writing config.json and generation_config.json: keys of transformers 4, and dtype for 5.
 */
#include "model/arch.h"

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

static void
put_int(struct jbuf *b, const char *key, int64_t v)
{
	jbuf_printf(b, "  \"%s\": %lld,\n", key, (long long)v);
}

static void
put_num(struct jbuf *b, const char *key, double v, const char *indent)
{
	size_t at;

	jbuf_printf(b, "%s\"%s\": ", indent, key);
	at = b->n;
	jjson_num(b, v);
	if (strspn(b->p + at, "-0123456789") == b->n - at)
		jbuf_adds(b, ".0");	/* transformers insists on floats here */
}

static void
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

static void
put_rope(struct jbuf *b, const struct jmodel_config *c)
{
	put_num(b, "rope_theta", c->rope_theta, "  ");
	jbuf_adds(b, ",\n  \"rope_scaling\": ");
	if (c->rope_factor == 0) {
		jbuf_adds(b, "null,\n");
		return;
	}
	jbuf_adds(b, "{\n");
	put_num(b, "factor", c->rope_factor, "    ");
	if (!c->rope_linear) {
		jbuf_adds(b, ",\n");
		put_num(b, "high_freq_factor", c->rope_high, "    ");
		jbuf_adds(b, ",\n");
		put_num(b, "low_freq_factor", c->rope_low, "    ");
		jbuf_printf(b, ",\n    \"original_max_position_embeddings\": %lld",
			(long long)c->rope_original);
	}
	jbuf_printf(b, ",\n    \"rope_type\": \"%s\"\n  },\n", c->rope_linear ? "linear" : "llama3");
}

void
jmodel_config_json(const struct jmodel_config *c, enum jdtype dtype, struct jbuf *b)
{
	jbuf_printf(b, "{\n  \"architectures\": [\"%s\"],\n", c->arch->hf_class);
	put_bool(b, "attention_bias", c->attention_bias);
	jbuf_adds(b, "  \"attention_dropout\": 0.0,\n");
	put_id(b, "bos_token_id", c->bos);
	jbuf_printf(b, "  \"dtype\": \"%s\",\n", torch_name(dtype));
	put_eos(b, c);
	put_int(b, "head_dim", c->head_dim);
	jbuf_adds(b, "  \"hidden_act\": \"silu\",\n");
	put_int(b, "hidden_size", c->hidden);
	put_num(b, "initializer_range", c->init_std, "  ");
	jbuf_adds(b, ",\n");
	put_int(b, "intermediate_size", c->ffn);
	put_int(b, "max_position_embeddings", c->context);
	put_bool(b, "mlp_bias", c->mlp_bias);
	jbuf_printf(b, "  \"model_type\": \"%s\",\n", c->arch->name);
	put_int(b, "num_attention_heads", c->heads);
	put_int(b, "num_hidden_layers", c->layers);
	put_int(b, "num_key_value_heads", c->kv_heads);
	put_id(b, "pad_token_id", c->pad);
	put_num(b, "rms_norm_eps", c->norm_eps, "  ");
	jbuf_adds(b, ",\n");
	put_rope(b, c);
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
