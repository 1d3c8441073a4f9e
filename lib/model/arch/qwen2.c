/*
 * Qwen2 and 2.5 (Yang et al. 2024): Llama with biases on q, k and v; late layers may have a window.
 */
#include "model/arch.h"

static const struct arch_weight layer[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_Q, "self_attn.q_proj.weight", "attn_q.weight", E_Q, E_HIDDEN, 0 },
	{ W_Q_BIAS, "self_attn.q_proj.bias", "attn_q.bias", E_Q, E_NONE, 0 },
	{ W_K, "self_attn.k_proj.weight", "attn_k.weight", E_KV, E_HIDDEN, 0 },
	{ W_K_BIAS, "self_attn.k_proj.bias", "attn_k.bias", E_KV, E_NONE, 0 },
	{ W_V, "self_attn.v_proj.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_V_BIAS, "self_attn.v_proj.bias", "attn_v.bias", E_KV, E_NONE, 0 },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_FFN_NORM, "post_attention_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_GATE, "mlp.gate_proj.weight", "ffn_gate.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
};

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_num(b, "attention_dropout", 0);
	put_late_window(b, c);
}

const struct jmodel_arch jmodel_qwen2 = {
	.name = "qwen2", .gguf = "qwen2", .hf_class = "Qwen2ForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.untied = true, .config = cfg_late_window, .write = write_keys,
	.block = arch_decoder_block,
};
