/*
 * Mistral (Jiang et al. 2023): Llama whose layers may all see only a window of the last positions.
 * In GGUF it is a "llama"; llama.cpp does not apply the window there.
 */
#include "model/arch.h"

static const struct arch_weight layer[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_Q, "self_attn.q_proj.weight", "attn_q.weight", E_Q, E_HIDDEN, AW_ROTARY_Q },
	{ W_K, "self_attn.k_proj.weight", "attn_k.weight", E_KV, E_HIDDEN, AW_ROTARY_K },
	{ W_V, "self_attn.v_proj.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_FFN_NORM, "post_attention_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_GATE, "mlp.gate_proj.weight", "ffn_gate.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
};

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	if (!jval_get(s->v, "sliding_window"))
		c->window = 4096;
	rc = cfg_window(c, s);
	for (int64_t l = 0; rc == 0 && c->window > 0 && l < c->layers; l++)
		layers_add(&c->windowed, l);
	return rc < 0 ? rc : 0;
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_num(b, "attention_dropout", 0);
	if (c->window > 0)
		put_int(b, "sliding_window", c->window);
	else
		jbuf_adds(b, "  \"sliding_window\": null,\n");
}

static int
gguf_read(struct jmodel_config *c, const struct gguf_src *s)
{
	(void)s;
	for (int64_t l = 0; c->window > 0 && l < c->layers; l++)
		layers_add(&c->windowed, l);
	return 0;
}

const struct jmodel_arch jmodel_mistral = {
	.name = "mistral", .gguf = "llama", .hf_class = "MistralForCausalLM",
	.hf_layers = "model.layers.", .outer = arch_outer, .n_outer = 3,
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]),
	.gguf_permuted = true, .untied = true, .window = true,
	.config = config, .write = write_keys, .gguf_read = gguf_read,
	.block = arch_decoder_block,
};
