/*
 * SmolLM3 (Bakouch et al. 2025): Llama in which every fourth layer has no positions (NoPE).
 */
#include "model/arch.h"

static const struct arch_weight layer[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_Q, "self_attn.q_proj.weight", "attn_q.weight", E_Q, E_HIDDEN, AW_ROTARY_Q },
	{ W_Q_BIAS, "self_attn.q_proj.bias", "attn_q.bias", E_Q, E_NONE, AW_ATTN_BIAS | AW_ROTARY_Q },
	{ W_K, "self_attn.k_proj.weight", "attn_k.weight", E_KV, E_HIDDEN, AW_ROTARY_K },
	{ W_K_BIAS, "self_attn.k_proj.bias", "attn_k.bias", E_KV, E_NONE, AW_ATTN_BIAS | AW_ROTARY_K },
	{ W_V, "self_attn.v_proj.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_V_BIAS, "self_attn.v_proj.bias", "attn_v.bias", E_KV, E_NONE, AW_ATTN_BIAS },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_O_BIAS, "self_attn.o_proj.bias", "attn_output.bias", E_HIDDEN, E_NONE, AW_ATTN_BIAS },
	{ W_FFN_NORM, "post_attention_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_GATE, "mlp.gate_proj.weight", "ffn_gate.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
};

enum { STEP = 4 };		/* what llama.cpp assumes */

static int
rotating_layers(struct jmodel_config *c, const struct cfg_src *s)
{
	const struct jval *list = jval_get(s->v, "no_rope_layers");
	int64_t step = STEP;
	int rc = cfg_int(s, "no_rope_layer_interval", &step);

	if (rc < 0)
		return rc;
	if (step < 1)
		return jerr_set(s->e, JERR_FORMAT, "%s: no_rope_layer_interval is %lld", s->name,
			(long long)step);
	if (list && list->type == JVAL_ARR && list->u.a.n < (size_t)c->layers)
		return jerr_set(s->e, JERR_FORMAT, "%s: no_rope_layers has %zu entries for %lld layers",
			s->name, list->u.a.n, (long long)c->layers);
	for (int64_t l = 0; l < c->layers; l++) {
		bool rotates = (l + 1) % step != 0;

		if (list && list->type == JVAL_ARR)	/* 1 means that the layer rotates */
			rotates = list->u.a.v[l]->type != JVAL_INT || list->u.a.v[l]->u.i != 0;
		if (!rotates)
			layers_add(&c->no_rope, l);
	}
	return 0;
}

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	bool use = false;
	int rc;

	if ((rc = cfg_biases(c, s)) < 0 || (rc = rotating_layers(c, s)) < 0 ||
	    (rc = cfg_bool(s, "use_sliding_window", &use)) < 0)
		return rc;
	if (use)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: use_sliding_window is not supported",
			s->name);
	return c->mlp_bias ? cfg_refuse(s, "mlp_bias") : 0;
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_bool(b, "attention_bias", c->attention_bias);
	put_num(b, "attention_dropout", 0);
	put_bool(b, "mlp_bias", false);
	jbuf_adds(b, "  \"no_rope_layers\": [");
	for (int64_t l = 0; l < c->layers; l++)
		jbuf_printf(b, "%s%d", l ? ", " : "", !jmodel_layer_in(&c->no_rope, l));
	jbuf_adds(b, "],\n");
	put_bool(b, "use_sliding_window", false);
}

static int
gguf_read(struct jmodel_config *c, const struct gguf_src *s)
{
	(void)s;
	for (int64_t l = STEP - 1; l < c->layers; l += STEP)
		layers_add(&c->no_rope, l);
	return 0;
}

static int
gguf_write(const struct jmodel_config *c, struct jgguf_writer *w, struct jerr *e)
{
	(void)w;
	for (int64_t l = 0; l < c->layers; l++)
		if (jmodel_layer_in(&c->no_rope, l) != ((l + 1) % STEP == 0))
			return jerr_set(e, JERR_UNSUPPORTED, "GGUF has only SmolLM3 models in which "
				"every %dth layer has no positions", STEP);
	return 0;
}

const struct jmodel_arch jmodel_smollm3 = {
	.name = "smollm3", .gguf = "smollm3", .hf_class = "SmolLM3ForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.gguf_permuted = true, .rope_theta = 2e6,
	.config = config, .write = write_keys, .gguf_read = gguf_read, .gguf_write = gguf_write,
	.block = arch_decoder_block,
};
