/*
 * Qwen3-MoE (Yang et al. 2025): Qwen3 whose feed-forward part is a choice of experts, except in the
 * layers that mlp_only_layers or decoder_sparse_step leave dense.
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
	{ W_ROUTER, "mlp.gate.weight", "ffn_gate_inp.weight", E_EXPERTS, E_HIDDEN, AW_MOE },
	{ W_EXP_GATE, "mlp.experts.*.gate_proj.weight", "ffn_gate_exps.weight", E_EXPERT_FFN,
		E_HIDDEN, AW_MOE | AW_EXPERTS | AW_FUSED_LOW, "mlp.experts.gate_up_proj" },
	{ W_EXP_UP, "mlp.experts.*.up_proj.weight", "ffn_up_exps.weight", E_EXPERT_FFN, E_HIDDEN,
		AW_MOE | AW_EXPERTS | AW_FUSED_HIGH, "mlp.experts.gate_up_proj" },
	{ W_EXP_DOWN, "mlp.experts.*.down_proj.weight", "ffn_down_exps.weight", E_HIDDEN,
		E_EXPERT_FFN, AW_MOE | AW_EXPERTS | AW_RESIDUAL, "mlp.experts.down_proj" },
	{ W_GATE, "mlp.gate_proj.weight", "ffn_gate.weight", E_FFN, E_HIDDEN, AW_DENSE },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, AW_DENSE },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_DENSE | AW_RESIDUAL },
};

static int
dense_layers(struct jmodel_config *c, const struct cfg_src *s)
{
	const struct jval *only = jval_get(s->v, "mlp_only_layers");
	int64_t step = 1;
	int rc = cfg_int(s, "decoder_sparse_step", &step);

	if (rc < 0)
		return rc;
	if (step < 1)
		return jerr_set(s->e, JERR_FORMAT, "%s: decoder_sparse_step is %lld", s->name,
			(long long)step);
	for (int64_t l = 0; l < c->layers; l++)
		if ((l + 1) % step != 0)
			layers_add(&c->dense, l);
	for (size_t i = 0; only && only->type == JVAL_ARR && i < only->u.a.n; i++) {
		if (only->u.a.v[i]->type != JVAL_INT)
			return jerr_set(s->e, JERR_FORMAT, "%s: mlp_only_layers: expected integers",
				s->name);
		layers_add(&c->dense, only->u.a.v[i]->u.i);
	}
	return 0;
}

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	c->experts = 128;
	c->expert_ffn = 768;
	c->experts_used = 8;
	if ((rc = cfg_bool(s, "attention_bias", &c->attention_bias)) < 0 ||
	    (rc = cfg_late_window(c, s)) < 0 || (rc = cfg_experts(c, s)) < 0 ||
	    (rc = cfg_int(s, "moe_intermediate_size", &c->expert_ffn)) < 0 ||
	    (rc = cfg_bool(s, "norm_topk_prob", &c->norm_topk)) < 0)
		return rc;
	return dense_layers(c, s);
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	const char *comma = "";

	put_bool(b, "attention_bias", c->attention_bias);
	put_num(b, "attention_dropout", 0);
	put_late_window(b, c);
	put_experts(b, c);
	put_int(b, "num_experts", c->experts);
	put_int(b, "moe_intermediate_size", c->expert_ffn);
	put_bool(b, "norm_topk_prob", c->norm_topk);
	put_int(b, "decoder_sparse_step", 1);
	jbuf_adds(b, "  \"mlp_only_layers\": [");
	for (int64_t l = 0; l < c->layers; l++) {
		if (jmodel_layer_in(&c->dense, l)) {
			jbuf_printf(b, "%s%lld", comma, (long long)l);
			comma = ", ";
		}
	}
	jbuf_adds(b, "],\n");
}

static int
gguf_read(struct jmodel_config *c, const struct gguf_src *s)
{
	(void)s;
	c->norm_topk = true;		/* as llama.cpp computes it */
	return 0;
}

static int
gguf_write(const struct jmodel_config *c, struct jgguf_writer *w, struct jerr *e)
{
	(void)w;
	for (int64_t l = 0; l < c->layers; l++)
		if (jmodel_layer_in(&c->dense, l))
			return jerr_set(e, JERR_UNSUPPORTED, "GGUF has no Qwen3-MoE with dense layers");
	if (!c->norm_topk)
		return jerr_set(e, JERR_UNSUPPORTED, "GGUF has no Qwen3-MoE with norm_topk_prob false");
	return 0;
}

const struct jmodel_arch jmodel_qwen3_moe = {
	.name = "qwen3_moe", .gguf = "qwen3moe", .hf_class = "Qwen3MoeForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.untied = true, .experts = true, .head_dim = 128,
	.config = config, .write = write_keys, .gguf_read = gguf_read, .gguf_write = gguf_write,
	.block = arch_decoder_block,
};
