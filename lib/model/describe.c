/*
 * describe.c - what a configuration says beyond its shape.
 */
#include "model/arch.h"

bool
jmodel_has_head(const struct jmodel_config *c)
{
	return !c->arch->encoder;
}

static int64_t
in_set(const struct jmodel_config *c, const struct jmodel_layers *s)
{
	int64_t n = 0;

	for (int64_t l = 0; l < c->layers; l++)
		n += jmodel_layer_in(s, l);
	return n;
}

static void
describe_positions(const struct jmodel_config *c, struct jbuf *b)
{
	if (c->arch->no_rotary) {
		jbuf_adds(b, "positions    learned\n");
		return;
	}
	jbuf_printf(b, "rotary       theta %g", c->rope_theta);
	if (c->rope_local_theta > 0)
		jbuf_printf(b, ", %g in layers with a window", c->rope_local_theta);
	if (c->rope_type == JMODEL_ROPE_LONG)
		jbuf_printf(b, ", longrope from %lld", (long long)c->rope_original);
	else if (c->rope_type != JMODEL_ROPE_DEFAULT)
		jbuf_printf(b, ", %s scaling by %g", jmodel_rope_name(c), c->rope_factor);
	if (c->rope_dim != c->head_dim)
		jbuf_printf(b, ", %lld of %lld values of a head", (long long)c->rope_dim,
			(long long)c->head_dim);
	if (in_set(c, &c->no_rope))
		jbuf_printf(b, ", none in %lld layers", (long long)in_set(c, &c->no_rope));
	jbuf_adds(b, "\n");
}

void
jmodel_describe(const struct jmodel_config *c, struct jbuf *b)
{
	static const char *const acts[] = { "SiLU", "GELU (tanh)", "GELU", "ReLU" };

	describe_positions(c, b);
	jbuf_printf(b, "norm         %s, eps %g\n", c->arch->layer_norm ? "LayerNorm" : "RMS",
		c->norm_eps);
	if (c->act != JACT_SILU)
		jbuf_printf(b, "activation   %s\n", acts[c->act]);
	if (c->window > 0 && in_set(c, &c->windowed))
		jbuf_printf(b, "window       %lld, in %lld of %lld layers\n", (long long)c->window,
			(long long)in_set(c, &c->windowed), (long long)c->layers);
	if (c->attn_softcap > 0)
		jbuf_printf(b, "score cap    %g\n", c->attn_softcap);
	if (c->final_softcap > 0)
		jbuf_printf(b, "logit cap    %g\n", c->final_softcap);
	if (c->experts > 0)
		jbuf_printf(b, "experts      %lld of %lld, width %lld, in %lld layers\n",
			(long long)c->experts_used, (long long)c->experts, (long long)c->expert_ffn,
			(long long)(c->layers - in_set(c, &c->dense)));
	if (c->arch->encoder)
		jbuf_printf(b, "embedding    %s\n", c->pooling == JMODEL_POOL_CLS ?
			"the first token's row" : "the mean of the rows");
}

static void
member_int(struct jbuf *b, const char *key, int64_t v)
{
	jbuf_printf(b, ",\"%s\":%lld", key, (long long)v);
}

static void
member_num(struct jbuf *b, const char *key, double v)
{
	jbuf_printf(b, ",\"%s\":", key);
	jjson_num(b, v);
}

void
jmodel_describe_json(const struct jmodel_config *c, struct jbuf *b)
{
	if (!c->arch->no_rotary) {
		member_num(b, "rope_theta", c->rope_theta);
		if (c->rope_type != JMODEL_ROPE_DEFAULT) {
			jbuf_printf(b, ",\"rope_type\":\"%s\"", jmodel_rope_name(c));
			member_num(b, "rope_factor", c->rope_factor);
		}
	}
	if (c->window > 0) {
		member_int(b, "window", c->window);
		member_int(b, "windowed_layers", in_set(c, &c->windowed));
	}
	if (c->experts > 0) {
		member_int(b, "experts", c->experts);
		member_int(b, "experts_used", c->experts_used);
		member_int(b, "expert_ffn", c->expert_ffn);
	}
}
