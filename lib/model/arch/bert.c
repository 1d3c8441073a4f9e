/*
 * BERT encoders (Devlin et al. 2018), as sentence embedding models use them: learned positions and
 * token types, LayerNorm after each part, GELU, every token sees every other.  The pooler and the
 * heads of pretraining are no part of it.
 */
#include "model/arch.h"

#include <string.h>

#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"

enum {
	W_POSITION = W_OWN, W_TYPE, W_EMBED_NORM, W_EMBED_NORM_BIAS, W_ATTN_NORM_BIAS, W_FFN_NORM_BIAS
};

static const struct arch_weight outer[] = {
	{ W_EMBED, "embeddings.word_embeddings.weight", "token_embd.weight", E_VOCAB, E_HIDDEN, 0 },
	{ W_POSITION, "embeddings.position_embeddings.weight", "position_embd.weight", E_CONTEXT,
		E_HIDDEN, 0 },
	{ W_TYPE, "embeddings.token_type_embeddings.weight", "token_types.weight", E_TYPES, E_HIDDEN,
		0 },
	{ W_EMBED_NORM, "embeddings.LayerNorm.weight", "token_embd_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_EMBED_NORM_BIAS, "embeddings.LayerNorm.bias", "token_embd_norm.bias", E_HIDDEN, E_NONE, 0 },
};

static const struct arch_weight layer[] = {
	{ W_Q, "attention.self.query.weight", "attn_q.weight", E_Q, E_HIDDEN, 0 },
	{ W_Q_BIAS, "attention.self.query.bias", "attn_q.bias", E_Q, E_NONE, 0 },
	{ W_K, "attention.self.key.weight", "attn_k.weight", E_KV, E_HIDDEN, 0 },
	{ W_K_BIAS, "attention.self.key.bias", "attn_k.bias", E_KV, E_NONE, 0 },
	{ W_V, "attention.self.value.weight", "attn_v.weight", E_KV, E_HIDDEN, 0 },
	{ W_V_BIAS, "attention.self.value.bias", "attn_v.bias", E_KV, E_NONE, 0 },
	{ W_O, "attention.output.dense.weight", "attn_output.weight", E_HIDDEN, E_Q, AW_RESIDUAL },
	{ W_O_BIAS, "attention.output.dense.bias", "attn_output.bias", E_HIDDEN, E_NONE, 0 },
	{ W_ATTN_NORM, "attention.output.LayerNorm.weight", "attn_output_norm.weight", E_HIDDEN, E_NONE,
		0 },
	{ W_ATTN_NORM_BIAS, "attention.output.LayerNorm.bias", "attn_output_norm.bias", E_HIDDEN,
		E_NONE, 0 },
	{ W_UP, "intermediate.dense.weight", "ffn_up.weight", E_FFN, E_HIDDEN, 0 },
	{ W_UP_BIAS, "intermediate.dense.bias", "ffn_up.bias", E_FFN, E_NONE, 0 },
	{ W_DOWN, "output.dense.weight", "ffn_down.weight", E_HIDDEN, E_FFN, AW_RESIDUAL },
	{ W_DOWN_BIAS, "output.dense.bias", "ffn_down.bias", E_HIDDEN, E_NONE, 0 },
	{ W_FFN_NORM, "output.LayerNorm.weight", "layer_output_norm.weight", E_HIDDEN, E_NONE, 0 },
	{ W_FFN_NORM_BIAS, "output.LayerNorm.bias", "layer_output_norm.bias", E_HIDDEN, E_NONE, 0 },
};

static const struct arch_key keys[] = { { "rms_norm_eps", "layer_norm_eps" }, { NULL, NULL } };

static const char *const ignore[] = {
	"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias",
	"cls.predictions.bias", "cls.predictions.transform.dense.weight",
	"cls.predictions.transform.dense.bias", "cls.predictions.transform.LayerNorm.weight",
	"cls.predictions.transform.LayerNorm.bias", "cls.predictions.decoder.weight",
	"cls.predictions.decoder.bias", "cls.seq_relationship.weight", "cls.seq_relationship.bias", NULL
};

static struct jnode *
norm_of(struct arch_block *b, struct jnode *x, int weight, int bias)
{
	return jg_layernorm(b->g, x, b->w[weight], b->w[bias], (float)b->cfg->norm_eps);
}

static struct jnode *
embed(struct arch_block *b, struct jnode *ids)
{
	struct jnode *x = jg_add(b->g, jg_embed(b->g, ids, b->w[W_EMBED]),
		jg_embed(b->g, b->types, b->w[W_TYPE]));

	x = jg_add(b->g, x, jg_embed(b->g, b->pos, b->w[W_POSITION]));
	return norm_of(b, x, W_EMBED_NORM, W_EMBED_NORM_BIAS);
}

static struct jnode *
block(struct arch_block *b, struct jnode *x)
{
	struct jparam **w = b->w;
	struct jgraph *g = b->g;
	struct jnode *h;

	x = norm_of(b, jg_add(g, x, arch_attention(b, x)), W_ATTN_NORM, W_ATTN_NORM_BIAS);
	h = jg_act(g, jg_linear(g, x, w[W_UP], w[W_UP_BIAS]), b->cfg->act);
	h = jg_linear(g, h, w[W_DOWN], w[W_DOWN_BIAS]);
	return norm_of(b, jg_add(g, x, h), W_FFN_NORM, W_FFN_NORM_BIAS);
}

static int
config(struct jmodel_config *c, const struct cfg_src *s)
{
	const char *position = jval_str(s->v, "position_embedding_type", "absolute");
	int rc;

	c->types = 2;
	c->pooling = JMODEL_POOL_MEAN;
	if (strcmp(position, "absolute") != 0)
		return jerr_set(s->e, JERR_UNSUPPORTED, "%s: position_embedding_type \"%.40s\" is not "
			"supported (supported: absolute)", s->name, position);
	if ((rc = cfg_refuse(s, "is_decoder")) < 0 || (rc = cfg_int(s, "type_vocab_size", &c->types)) < 0)
		return rc;
	if (c->types < 1 || c->heads < 1 || c->hidden % c->heads ||
	    c->head_dim != c->hidden / c->heads)
		return jerr_set(s->e, JERR_FORMAT, "%s: hidden_size is no multiple of "
			"num_attention_heads, or type_vocab_size is not positive", s->name);
	c->tied = true;			/* there is no head */
	return 0;
}

static void
write_keys(const struct jmodel_config *c, struct jbuf *b)
{
	put_num(b, "attention_probs_dropout_prob", 0);
	put_num(b, "hidden_dropout_prob", 0);
	jbuf_adds(b, "  \"position_embedding_type\": \"absolute\",\n");
	put_int(b, "type_vocab_size", c->types);
}

/* What sentence-transformers says about the pooling, where the folder has it. */
static void
read_pooling(struct jmodel_config *c, const char *dir)
{
	struct jarena a;
	struct jerr e = { 0 };
	struct jval *v = NULL;
	struct jbuf b;
	char *path;

	jarena_init(&a, 0);
	jbuf_init_max(&b, 65536);
	path = jfs_join(&a, dir, "1_Pooling/config.json");
	if (jfs_exists(path) && jin_slurp(path, &b, &e) >= 0 &&
	    jval_parse_json(&v, b.p, b.n, path, &a, &e) == 0 && v->type == JVAL_OBJ &&
	    jval_bool(v, "pooling_mode_cls_token", false))
		c->pooling = JMODEL_POOL_CLS;
	jbuf_release(&b);
	jarena_release(&a);
}

/* The same for sentence-transformers. */
static int
save_pooling(const struct jmodel_config *c, const char *dir, struct jerr *e)
{
	static const char modules[] = "[\n"
		"  {\"idx\": 0, \"name\": \"0\", \"path\": \"\", \"type\": "
		"\"sentence_transformers.models.Transformer\"},\n"
		"  {\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\": "
		"\"sentence_transformers.models.Pooling\"}\n]\n";
	bool cls = c->pooling == JMODEL_POOL_CLS;
	struct jarena a;
	struct jbuf b;
	char *sub;
	int rc;

	jarena_init(&a, 0);
	jbuf_init(&b);
	sub = jfs_join(&a, dir, "1_Pooling");
	jbuf_printf(&b, "{\n  \"word_embedding_dimension\": %lld,\n  \"pooling_mode_cls_token\": %s,\n"
		"  \"pooling_mode_mean_tokens\": %s\n}\n", (long long)c->hidden, cls ? "true" : "false",
		cls ? "false" : "true");
	rc = jfs_mkdirs(sub, e);
	if (rc == 0)
		rc = jout_put(jfs_join(&a, sub, "config.json"), b.p, b.n, e);
	if (rc == 0)
		rc = jout_put(jfs_join(&a, dir, "modules.json"), modules, sizeof(modules) - 1, e);
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

static int
gguf_read(struct jmodel_config *c, const struct gguf_src *s)
{
	int64_t pooling = 1;

	gguf_int(s, "pooling_type", &pooling);
	c->pooling = pooling == 2 ? JMODEL_POOL_CLS : JMODEL_POOL_MEAN;
	c->tied = true;
	return 0;
}

static int
gguf_write(const struct jmodel_config *c, struct jgguf_writer *w, struct jerr *e)
{
	(void)e;
	gguf_put_int(c, w, "pooling_type", c->pooling == JMODEL_POOL_CLS ? 2 : 1);
	gguf_put_bool(c, w, "attention.causal", false);
	jgguf_put_u32(w, "tokenizer.ggml.token_type_count", (uint32_t)c->types);
	return 0;
}

const struct jmodel_arch jmodel_bert = {
	.name = "bert", .gguf = "bert", .hf_class = "BertModel", .hf_prefix = "bert.",
	.hf_layers = "encoder.layer.", .outer = outer, .n_outer = sizeof(outer) / sizeof(outer[0]),
	.layer = layer, .n_layer = sizeof(layer) / sizeof(layer[0]), .keys = keys, .ignore = ignore,
	.no_rotary = true, .encoder = true, .layer_norm = true, .act = JACT_GELU, .norm_eps = 1e-12,
	.config = config, .folder = read_pooling, .save = save_pooling, .write = write_keys, .gguf_read = gguf_read, .gguf_write = gguf_write,
	.embed = embed, .block = block,
};
