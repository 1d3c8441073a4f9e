/*
 * Qwen3 dense (Yang et al. 2025): Llama's block with RMSNorm over each head of q and k before the
 * rotation, and a head_dim that is independent of hidden / heads.
 */
#include "model/arch.h"

static const struct arch_weight layer[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_Q, "self_attn.q_proj.weight", "attn_q.weight", E_Q, E_HIDDEN, 0 },
	{ W_Q_BIAS, "self_attn.q_proj.bias", "attn_q.bias", E_Q, E_NONE, AW_ATTN_BIAS },
	{ W_K, "self_attn.k_proj.weight", "attn_k.weight", E_KV, E_HIDDEN, 0 },
	{ W_K_BIAS, "self_attn.k_proj.bias", "attn_k.bias", E_KV, E_NONE, AW_ATTN_BIAS },
	{ W_V, "self_attn.v_proj.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_V_BIAS, "self_attn.v_proj.bias", "attn_v.bias", E_KV, E_NONE, AW_ATTN_BIAS },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_O_BIAS, "self_attn.o_proj.bias", "attn_output.bias", E_HIDDEN, E_NONE, AW_ATTN_BIAS },
	{ W_Q_NORM, "self_attn.q_norm.weight", "attn_q_norm.weight", E_HEAD, E_NONE, 0 },
	{ W_K_NORM, "self_attn.k_norm.weight", "attn_k_norm.weight", E_HEAD, E_NONE, 0 },
	{ W_FFN_NORM, "post_attention_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_GATE, "mlp.gate_proj.weight", "ffn_gate.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
};

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc = cfg_bool(s, "attention_bias", &c->attention_bias);

	return rc < 0 ? rc : cfg_late_window(c, s);
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_bool(b, "attention_bias", c->attention_bias);
	put_num(b, "attention_dropout", 0);
	put_late_window(b, c);
}

const struct jmodel_arch jmodel_qwen3 = {
	.name = "qwen3", .gguf = "qwen3", .hf_class = "Qwen3ForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.untied = true, .head_dim = 128,
	.config = config, .write = write_keys, .block = arch_decoder_block,
};
