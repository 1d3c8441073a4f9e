/*
 * Phi-3 and Phi-4-mini (Abdin et al. 2024): Llama with q, k, v in one matrix and gate, up in another;
 * longrope, a part of each head rotated.  The matrices stay as the files have them.
 */
#include "model/arch.h"

static const struct arch_weight layer[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_QKV, "self_attn.qkv_proj.weight", "attn_qkv.weight", E_QKV, E_HIDDEN, 0 },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_FFN_NORM, "post_attention_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_GATE, "mlp.gate_up_proj.weight", "ffn_up.weight", E_GATE_UP, E_HIDDEN, 0 },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
};

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc = cfg_window(c, s);

	if (c->rope_type != JMODEL_ROPE_DEFAULT && c->rope_type != JMODEL_ROPE_LONG)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: phi3 with rope type \"%s\" (supported: "
			"default, longrope)", s->name, jmodel_rope_name(c));
	for (int64_t l = 0; rc == 0 && c->window > 0 && l < c->layers; l++)
		layers_add(&c->windowed, l);
	return rc < 0 ? rc : 0;
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_num(b, "attention_dropout", 0);
	put_int(b, "original_max_position_embeddings", c->rope_original > 0 ? c->rope_original
		: c->context);
	if (c->window > 0)
		put_int(b, "sliding_window", c->window);
	else
		jbuf_adds(b, "  \"sliding_window\": null,\n");
}

static int
gguf_read(struct jmodel_config *c, const struct gguf_src *s)
{
	gguf_int(s, "rope.scaling.original_context_length", &c->rope_original);
	for (int64_t l = 0; c->window > 0 && l < c->layers; l++)
		layers_add(&c->windowed, l);
	return 0;
}

const struct jmodel_arch jmodel_phi3 = {
	.name = "phi3", .gguf = "phi3", .hf_class = "Phi3ForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.untied = true, .norm_eps = 1e-5, .window = true,
	.config = config, .write = write_keys, .gguf_read = gguf_read,
	.block = arch_decoder_block,
};
