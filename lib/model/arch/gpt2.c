/*
 * GPT-2 (Radford et al. 2019): learned positions, LayerNorm, biases everywhere, GELU.  Hugging Face
 * stores its matrices as [inputs, outputs].
 */
#include "model/arch.h"

enum {
	W_POSITION = W_OWN, W_ATTN_NORM_BIAS, W_FFN_NORM_BIAS, W_NORM_BIAS
};

static const struct arch_weight outer[] = {
	{ W_EMBED, "transformer.wte.weight", "token_embd.weight", E_VOCAB, E_HIDDEN, 0 },
	{ W_POSITION, "transformer.wpe.weight", "position_embd.weight", E_CONTEXT, E_HIDDEN, 0 },
	{ W_NORM, "transformer.ln_f.weight", "output_norm.weight", E_HIDDEN, E_NONE, AW_AFTER },
	{ W_NORM_BIAS, "transformer.ln_f.bias", "output_norm.bias", E_HIDDEN, E_NONE, AW_AFTER },
	{ W_HEAD, "lm_head.weight", "output.weight", E_VOCAB, E_HIDDEN, AW_AFTER | AW_UNTIED },
};

static const struct arch_weight layer[] = {
	{ W_ATTN_NORM, "ln_1.weight", "attn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_ATTN_NORM_BIAS, "ln_1.bias", "attn_norm.bias", E_HIDDEN, E_NONE, 0 },
	{ W_QKV, "attn.c_attn.weight", "attn_qkv.weight", E_QKV, E_HIDDEN, AW_TURNED },
	{ W_QKV_BIAS, "attn.c_attn.bias", "attn_qkv.bias", E_QKV, E_NONE, 0 },
	{ W_O, "attn.c_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_TURNED | AW_RESIDUAL },
	{ W_O_BIAS, "attn.c_proj.bias", "attn_output.bias", E_HIDDEN, E_NONE, 0 },
	{ W_FFN_NORM, "ln_2.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_FFN_NORM_BIAS, "ln_2.bias", "ffn_norm.bias", E_HIDDEN, E_NONE, 0 },
	{ W_UP, "mlp.c_fc.weight", "ffn_up.weight", E_FFN, E_HIDDEN, AW_TURNED },
	{ W_UP_BIAS, "mlp.c_fc.bias", "ffn_up.bias", E_FFN, E_NONE, 0 },
	{ W_DOWN, "mlp.c_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_TURNED | AW_RESIDUAL },
	{ W_DOWN_BIAS, "mlp.c_proj.bias", "ffn_down.bias", E_HIDDEN, E_NONE, 0 },
};

static const struct arch_key keys[] = {
	{ "hidden_size", "n_embd" }, { "num_hidden_layers", "n_layer" },
	{ "num_attention_heads", "n_head" }, { "max_position_embeddings", "n_positions" },
	{ "intermediate_size", "n_inner" }, { "rms_norm_eps", "layer_norm_epsilon" },
	{ "hidden_act", "activation_function" }, { NULL, NULL }
};

/* Masks that old files carry. */
static const char *const ignore[] = { ".attn.bias", ".attn.masked_bias", NULL };

static struct jnode *
norm_of(struct arch_block *b, struct jnode *x, int weight, int bias)
{
	return jg_layernorm(b->g, x, b->w[weight], b->w[bias], (float)b->cfg->norm_eps);
}

static struct jnode *
embed(struct arch_block *b, struct jnode *ids)
{
	return jg_add(b->g, jg_embed(b->g, ids, b->w[W_EMBED]),
		jg_embed(b->g, b->pos, b->w[W_POSITION]));
}

static struct jnode *
block(struct arch_block *b, struct jnode *x)
{
	struct jparam **w = b->w;
	struct jgraph *g = b->g;
	struct jnode *h = arch_attention(b, norm_of(b, x, W_ATTN_NORM, W_ATTN_NORM_BIAS));

	x = jg_add(g, x, h);
	h = jg_linear(g, norm_of(b, x, W_FFN_NORM, W_FFN_NORM_BIAS), w[W_UP], w[W_UP_BIAS]);
	return jg_add(g, x, jg_linear(g, jg_act(g, h, b->cfg->act), w[W_DOWN], w[W_DOWN_BIAS]));
}

static struct jnode *
norm(struct arch_block *b, struct jnode *x)
{
	return norm_of(b, x, W_NORM, W_NORM_BIAS);
}

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	bool scale = true;
	int rc;

	if (c->ffn == 0 && c->hidden > 0 && c->hidden < INT32_MAX)
		c->ffn = 4 * c->hidden;
	if ((rc = cfg_refuse(s, "scale_attn_by_inverse_layer_idx")) < 0 ||
	    (rc = cfg_refuse(s, "add_cross_attention")) < 0 ||
	    (rc = cfg_bool(s, "scale_attn_weights", &scale)) < 0)
		return rc;
	if (!scale)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: scale_attn_weights false is not supported",
			s->name);
	if (c->heads < 1 || c->hidden % c->heads || c->head_dim != c->hidden / c->heads)
		return jerr_set(s->e, JERR_FORMAT, "%s: n_embd is no multiple of n_head", s->name);
	return 0;
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_num(b, "attn_pdrop", 0);
	put_num(b, "embd_pdrop", 0);
	put_int(b, "n_ctx", c->context);
	put_num(b, "resid_pdrop", 0);
	put_bool(b, "scale_attn_weights", true);
}

const struct jmodel_arch jmodel_gpt2 = {
	.name = "gpt2", .gguf = "gpt2", .hf_class = "GPT2LMHeadModel", .hf_prefix = "transformer.",
	.hf_layers = "transformer.h.", .outer = outer, .n_outer = sizeof(outer) / sizeof(outer[0]),
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]), .keys = keys, .ignore = ignore,
	.no_rotary = true, .layer_norm = true, .act = JACT_GELU_TANH, .norm_eps = 1e-5,
	.config = config, .write = write_keys, .embed = embed, .block = block, .norm = norm,
};
