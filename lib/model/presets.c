/*
 * Shapes by name.  The large ones are Llama with a tied head; the small ones, for laptops, have the
 * Qwen3 shape; nano-moe is nano with experts, gpt2 the smallest GPT-2.  vocab_size is only a default:
 * training replaces it by the tokenizer's.
 */
#include "model/arch.h"

#include <string.h>
#include <strings.h>

const char *const jmodel_presets[] = {
	"nano", "micro", "tiny", "small", "mini", "60m", "125m", "350m", "500m", "1b", "3b",
	"nano-moe", "gpt2", NULL
};

static const struct preset {
	const char *arch;
	int vocab, hidden, ffn, layers, heads, kv_heads, head_dim, context;
	int experts, used, expert_ffn;
} presets[] = {		/* in the order of jmodel_presets; true counts with the vocabulary named */
	{ "qwen3", 2048, 128, 384, 4, 4, 2, 32, 1024 },		/* 1.05 M */
	{ "qwen3", 4096, 256, 512, 4, 4, 2, 64, 1024 },		/* 3.4 M */
	{ "qwen3", 4096, 256, 768, 6, 4, 2, 64, 1024 },		/* 5.8 M */
	{ "qwen3", 4096, 512, 1024, 6, 8, 2, 64, 2048 },	/* 15.5 M */
	{ "qwen3", 8192, 512, 1536, 8, 8, 4, 64, 2048 },	/* 29.4 M */
	{ "qwen3", 16384, 768, 2048, 8, 12, 4, 64, 2048 },	/* 62.9 M */
	{ "llama", 32000, 768, 2048, 12, 12, 12, 64, 2048 },	/* 109.5 M */
	{ "llama", 32000, 1024, 2816, 16, 16, 16, 64, 2048 },	/* 238.3 M */
	{ "llama", 32000, 1280, 3584, 18, 16, 8, 80, 2048 },	/* 377.2 M */
	{ "llama", 32000, 2048, 5632, 22, 16, 16, 128, 2048 },	/* 1.196 B */
	{ "llama", 32000, 2560, 7168, 32, 20, 4, 128, 4096 },	/* 2.347 B */
	{ "qwen3_moe", 2048, 128, 384, 4, 4, 2, 32, 1024, 8, 2, 192 },	/* 2.8 M, of which 1.05 M work */
	{ "gpt2", 50257, 768, 3072, 12, 12, 12, 64, 1024 },	/* 124.4 M */
};

static void
from_preset(struct jmodel_config *c, const struct preset *p)
{
	memset(c, 0, sizeof(*c));
	c->arch = jmodel_arch_find(p->arch);
	c->vocab_size = p->vocab;
	c->hidden = p->hidden;
	c->ffn = p->ffn;
	c->layers = p->layers;
	c->heads = p->heads;
	c->kv_heads = p->kv_heads;
	c->head_dim = p->head_dim;
	c->context = p->context;
	c->norm_eps = c->arch == &jmodel_llama || c->arch->layer_norm ? 1e-5 : 1e-6;
	c->act = c->arch->act;
	c->rope_theta = 10000;
	c->rope_dim = c->head_dim;
	c->tied = true;
	c->init_std = 0.02;
	c->bos = c->eos = c->pad = -1;
	c->experts = p->experts;
	c->experts_used = p->used;
	c->expert_ffn = p->expert_ffn;
	c->norm_topk = c->router_losses = p->experts > 0;
	c->router_aux = p->experts > 0 ? 0.01 : 0;
}

int
jmodel_preset(struct jmodel_config *c, const char *name, struct jerr *e)
{
	struct jbuf b;
	int rc;

	for (size_t i = 0; jmodel_presets[i]; i++) {
		if (strcasecmp(name, jmodel_presets[i]) == 0) {
			from_preset(c, &presets[i]);
			return 0;
		}
	}
	jbuf_init(&b);
	for (size_t i = 0; jmodel_presets[i]; i++)
		jbuf_printf(&b, " %s", jmodel_presets[i]);
	rc = jerr_set(e, JERR_ARG, "no preset is called \"%.60s\" (presets:%s)", name, b.p);
	jbuf_release(&b);
	return rc;
}
