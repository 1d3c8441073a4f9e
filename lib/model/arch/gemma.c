/*
 * Gemma 2 and 3, text (Gemma Team 2024, 2025): norms before and after each part with scales stored as
 * w - 1, embeddings times sqrt(hidden), GELU-gated feed-forward, layers with a window between
 * layers that see all.  Gemma 2 caps scores and logits; Gemma 3 norms q and k and gives layers with a
 * window a rotary base of their own.
 */
#include "model/arch.h"

#include <math.h>

static const struct arch_weight outer[] = {
	{ W_EMBED, "model.embed_tokens.weight", "token_embd.weight", E_VOCAB, E_HIDDEN, 0 },
	{ W_NORM, "model.norm.weight", "output_norm.weight", E_HIDDEN, E_NONE, AW_AFTER | AW_ZERO },
	{ W_HEAD, "lm_head.weight", "output.weight", E_VOCAB, E_HIDDEN, AW_AFTER | AW_UNTIED },
};

static const struct arch_weight layer2[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, AW_ZERO },
	{ W_Q, "self_attn.q_proj.weight", "attn_q.weight", E_Q, E_HIDDEN, 0 },
	{ W_K, "self_attn.k_proj.weight", "attn_k.weight", E_KV, E_HIDDEN, 0 },
	{ W_V, "self_attn.v_proj.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_ATTN_POST_NORM, "post_attention_layernorm.weight", "post_attention_norm.weight", E_HIDDEN,
		E_NONE, AW_ZERO },
	{ W_FFN_NORM, "pre_feedforward_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, AW_ZERO },
	{ W_GATE, "mlp.gate_proj.weight", "ffn_gate.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
	{ W_FFN_POST_NORM, "post_feedforward_layernorm.weight", "post_ffw_norm.weight", E_HIDDEN, E_NONE,
		AW_ZERO },
};

static const struct arch_weight layer3[] = {
	{ W_ATTN_NORM, "input_layernorm.weight", "attn_norm.weight", E_HIDDEN, E_NONE, AW_ZERO },
	{ W_Q, "self_attn.q_proj.weight", "attn_q.weight", E_Q, E_HIDDEN, 0 },
	{ W_K, "self_attn.k_proj.weight", "attn_k.weight", E_KV, E_HIDDEN, 0 },
	{ W_V, "self_attn.v_proj.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_O, "self_attn.o_proj.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_Q_NORM, "self_attn.q_norm.weight", "attn_q_norm.weight", E_HEAD, E_NONE, AW_ZERO },
	{ W_K_NORM, "self_attn.k_norm.weight", "attn_k_norm.weight", E_HEAD, E_NONE, AW_ZERO },
	{ W_ATTN_POST_NORM, "post_attention_layernorm.weight", "post_attention_norm.weight", E_HIDDEN,
		E_NONE, AW_ZERO },
	{ W_FFN_NORM, "pre_feedforward_layernorm.weight", "ffn_norm.weight", E_HIDDEN, E_NONE, AW_ZERO },
	{ W_GATE, "mlp.gate_proj.weight", "ffn_gate.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP, "mlp.up_proj.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_DOWN, "mlp.down_proj.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
	{ W_FFN_POST_NORM, "post_feedforward_layernorm.weight", "post_ffw_norm.weight", E_HIDDEN, E_NONE,
		AW_ZERO },
};

static struct jnode *
embed(struct arch_block *b, struct jnode *ids)
{
	return jg_scale(b->g, jg_embed(b->g, ids, b->w[W_EMBED]), sqrtf((float)b->cfg->hidden));
}

/* Every step-th layer, beginning with `full`, sees all. */
static void
pattern(struct jmodel_config *c, int64_t step, int64_t full)
{
	for (int64_t l = 0; l < c->layers; l++)
		if (l % step != full % step)
			layers_add(&c->windowed, l);
}

/* A member that is absent has its default; null means none. */
static int
cap(const struct cfg_src *s, const char *key, double *v, double absent)
{
	if (!jval_get(s->v, key))
		*v = absent;
	return cfg_num(s, key, v);
}

static int
common(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc;

	c->query_scale = 256;
	c->window = jval_get(s->v, "sliding_window") ? 0 : 4096;	/* null means none */
	if ((rc = cfg_refuse(s, "attention_bias")) < 0 ||
	    (rc = cfg_refuse(s, "use_bidirectional_attention")) < 0 ||
	    (rc = cfg_num(s, "query_pre_attn_scalar", &c->query_scale)) < 0)
		return rc;
	return cfg_window(c, s);
}

static int
config2(struct jmodel_config *c, const struct cfg_src *s)
{
	int rc = common(c, s);

	if (rc == 0)
		pattern(c, 2, 1);
	if (rc >= 0)
		rc = cap(s, "attn_logit_softcapping", &c->attn_softcap, 50);
	if (rc >= 0)
		rc = cap(s, "final_logit_softcapping", &c->final_softcap, 30);
	return rc < 0 ? rc : 0;
}

static int
config3(struct jmodel_config *c, const struct cfg_src *s)
{
	int64_t step = 6;
	int rc = cfg_int(s, "sliding_window_pattern", &step);

	if (rc >= 0)
		rc = common(c, s);
	if (rc == 0 && (step < 1 || step > JMODEL_MAX_LAYERS))
		return jerr_set(s->e, JERR_FORMAT, "%s: sliding_window_pattern is %lld", s->name,
			(long long)step);
	if (rc == 0)
		pattern(c, step, step - 1);
	if (rc >= 0)
		rc = cap(s, "attn_logit_softcapping", &c->attn_softcap, 0);
	if (rc >= 0)
		rc = cap(s, "final_logit_softcapping", &c->final_softcap, 0);
	if (c->rope_local_theta == 0)
		c->rope_local_theta = 10000;
	return rc < 0 ? rc : 0;
}

static void
put_cap(struct jbuf *b, const char *key, double v)
{
	if (v > 0)
		put_num(b, key, v);
	else
		jbuf_printf(b, "  \"%s\": null,\n", key);
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_bool(b, "attention_bias", false);
	put_num(b, "attention_dropout", 0);
	put_cap(b, "attn_logit_softcapping", c->attn_softcap);
	put_cap(b, "final_logit_softcapping", c->final_softcap);
	if (c->query_scale == floor(c->query_scale))	/* transformers 5 wants an integer there */
		put_int(b, "query_pre_attn_scalar", (int64_t)c->query_scale);
	else
		put_num(b, "query_pre_attn_scalar", c->query_scale);
	put_window(b, c);
}

/* llama.cpp knows two scales of scores: by head_dim, and in the 27B models by hidden / heads. */
static bool
is_27b(const struct jmodel_config *c)
{
	return c->layers == (c->arch == &jmodel_gemma2 ? 46 : 62);
}

static double
gguf_query_scale(const struct jmodel_config *c)
{
	return is_27b(c) ? (double)c->hidden / (double)c->heads : (double)c->head_dim;
}

static int
gguf_read(struct jmodel_config *c, const struct gguf_src *s)
{
	bool second = c->arch == &jmodel_gemma2;

	if (c->window == 0)
		c->window = 4096;
	pattern(c, second ? 2 : 6, second ? 1 : 5);
	c->query_scale = gguf_query_scale(c);
	c->rope_local_theta = second ? 0 : 10000;
	gguf_num(s, "rope.freq_base_swa", &c->rope_local_theta);
	if (second) {
		c->attn_softcap = 50;
		c->final_softcap = 30;
		gguf_num(s, "attn_logit_softcapping", &c->attn_softcap);
		gguf_num(s, "final_logit_softcapping", &c->final_softcap);
	}
	return 0;
}

static int
gguf_write(const struct jmodel_config *c, struct jgguf_writer *w, struct jerr *e)
{
	int64_t step = c->arch == &jmodel_gemma2 ? 2 : 6;

	for (int64_t l = 0; l < c->layers; l++)
		if (jmodel_layer_in(&c->windowed, l) != ((l + 1) % step != 0))
			return jerr_set(e, JERR_UNSUPPORTED, "GGUF has only %s models in which every "
				"layer but each %lldth has a window", c->arch->name, (long long)step);
	if (c->query_scale != gguf_query_scale(c))
		return jerr_set(e, JERR_UNSUPPORTED, "GGUF cannot say query_pre_attn_scalar %g for "
			"this shape: llama.cpp takes %g", c->query_scale, gguf_query_scale(c));
	if (step == 2 && (c->attn_softcap == 0 || c->final_softcap == 0))
		return jerr_set(e, JERR_UNSUPPORTED, "GGUF has no gemma2 without soft caps");
	if (step == 6 && (c->attn_softcap > 0 || c->final_softcap > 0))
		return jerr_set(e, JERR_UNSUPPORTED, "GGUF has no gemma3 with soft caps");
	if (step == 2) {
		gguf_put_num(c, w, "attn_logit_softcapping", c->attn_softcap);
		gguf_put_num(c, w, "final_logit_softcapping", c->final_softcap);
	} else {
		gguf_put_num(c, w, "rope.freq_base_swa", c->rope_local_theta);
	}
	return 0;
}

static const struct arch_key keys[] = { { "hidden_act", "hidden_activation" }, { NULL, NULL } };

const struct jmodel_arch jmodel_gemma2 = {
	.name = "gemma2", .gguf = "gemma2", .hf_class = "Gemma2ForCausalLM",
	.hf_layers = "model.layers.", .outer = outer, .n_outer = 3, .keys = keys,
	.layer = layer2, .n_layer = sizeof(layer2) / sizeof(layer2[0]),
	.act = JACT_GELU_TANH, .head_dim = 256, .window = true,
	.config = config2, .write = write_keys, .gguf_read = gguf_read, .gguf_write = gguf_write,
	.embed = embed, .block = arch_decoder_block,
};

const struct jmodel_arch jmodel_gemma3 = {
	.name = "gemma3_text", .gguf = "gemma3", .hf_class = "Gemma3ForCausalLM",
	.hf_layers = "model.layers.", .outer = outer, .n_outer = 3, .keys = keys,
	.layer = layer3, .n_layer = sizeof(layer3) / sizeof(layer3[0]),
	.act = JACT_GELU_TANH, .head_dim = 256, .rope_theta = 1e6, .window = true,
	.config = config3, .write = write_keys, .gguf_read = gguf_read, .gguf_write = gguf_write,
	.embed = embed, .block = arch_decoder_block,
};
