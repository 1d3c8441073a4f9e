/*
 * Mixtral (Jiang et al. 2024): Mistral whose feed-forward part is a choice of experts.  In GGUF it is
 * a "llama" with experts.
 */
#include "model/arch.h"

static const struct arch_weight layer[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_Q, "self_attn.q_proj.weight", "attn_q.weight", E_Q, E_HIDDEN, AW_ROTARY_Q },
	{ W_K, "self_attn.k_proj.weight", "attn_k.weight", E_KV, E_HIDDEN, AW_ROTARY_K },
	{ W_V, "self_attn.v_proj.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_FFN_NORM, "post_attention_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_ROUTER, "block_sparse_moe.gate.weight", "ffn_gate_inp.weight", E_EXPERTS, E_HIDDEN,
		0, "mlp.gate.weight" },
	{ W_EXP_GATE, "block_sparse_moe.experts.*.w1.weight", "ffn_gate_exps.weight", E_EXPERT_FFN,
		E_HIDDEN, AW_EXPERTS | AW_FUSED_LOW, "mlp.experts.gate_up_proj" },
	{ W_EXP_UP, "block_sparse_moe.experts.*.w3.weight", "ffn_up_exps.weight", E_EXPERT_FFN,
		E_HIDDEN, AW_EXPERTS | AW_FUSED_HIGH, "mlp.experts.gate_up_proj" },
	{ W_EXP_DOWN, "block_sparse_moe.experts.*.w2.weight", "ffn_down_exps.weight", E_HIDDEN,
		E_EXPERT_FFN, AW_EXPERTS | AW_RESIDUAL, "mlp.experts.down_proj" },
};

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	c->experts = 8;
	c->norm_topk = true;
	c->expert_ffn = c->ffn;
	rc = cfg_window(c, s);
	for (int64_t l = 0; rc == 0 && c->window > 0 && l < c->layers; l++)
		layers_add(&c->windowed, l);
	return rc < 0 ? rc : cfg_experts(c, s);
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_num(b, "attention_dropout", 0);
	put_experts(b, c);
	if (c->window > 0)
		put_int(b, "sliding_window", c->window);
	else
		jbuf_adds(b, "  \"sliding_window\": null,\n");
}

static int
gguf_read(struct jmodel_config *c, const struct gguf_src *s)
{
	(void)s;
	c->norm_topk = true;
	if (c->expert_ffn == 0)
		c->expert_ffn = c->ffn;
	for (int64_t l = 0; c->window > 0 && l < c->layers; l++)
		layers_add(&c->windowed, l);
	return 0;
}

const struct jmodel_arch jmodel_mixtral = {
	.name = "mixtral", .gguf = "llama", .hf_class = "MixtralForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.gguf_permuted = true, .untied = true, .experts = true, .norm_eps = 1e-5, .rope_theta = 1e6,
	.config = config, .write = write_keys, .gguf_read = gguf_read,
	.block = arch_decoder_block,
};
