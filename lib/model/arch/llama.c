/*
 * Llama 2 and 3 (Touvron et al. 2023): RMSNorm, rotary positions, grouped-query attention, SwiGLU.
 * SmolLM2 and others with this shape call themselves Llama.
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
	{ W_GATE_BIAS, "mlp.gate_proj.bias", "ffn_gate.bias", E_FFN, E_NONE, AW_MLP_BIAS },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP_BIAS, "mlp.up_proj.bias", "ffn_up.bias", E_FFN, E_NONE, AW_MLP_BIAS },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
	{ W_DOWN_BIAS, "mlp.down_proj.bias", "ffn_down.bias", E_HIDDEN, E_NONE, AW_MLP_BIAS },
};

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_bool(b, "attention_bias", c->attention_bias);
	put_num(b, "attention_dropout", 0);
	put_bool(b, "mlp_bias", c->mlp_bias);
}

const struct jmodel_arch jmodel_llama = {
	.name = "llama", .gguf = "llama", .hf_class = "LlamaForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.gguf_permuted = true, .untied = true,
	.config = cfg_biases, .write = write_keys, .block = arch_decoder_block,
};
