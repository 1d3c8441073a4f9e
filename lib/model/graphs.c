/*
 * Recording the graphs of a model: what the architecture's embed(), block() and norm() say, head.
 */
#include "graph/jkv.h"
#include "graph/jloras.h"
#include "model/arch.h"
#include "model/blocks.h"

#include <math.h>
#include <string.h>

struct jnode *
arch_norm(struct arch_block *b, struct jnode *x, int role)
{
	const struct jmodel_arch *a = b->cfg->arch;
	float eps = (float)b->cfg->norm_eps;
	struct jparam *w = b->w[role];
	bool zero = false;

	for (size_t i = 0; i < a->n_layer; i++)
		zero |= a->layer[i].role == role && (a->layer[i].flags & AW_ZERO);
	for (size_t i = 0; i < a->n_outer; i++)
		zero |= a->outer[i].role == role && (a->outer[i].flags & AW_ZERO);
	return zero ? jg_rmsnorm_zero(b->g, x, w, w->shape[0], eps)
		: jg_rmsnorm(b->g, x, w, w->shape[0], eps);
}

struct jnode *
arch_attend(struct arch_block *b, struct jnode *q, struct jnode *k, struct jnode *v)
{
	const struct jmodel_config *c = b->cfg;
	double scale = c->query_scale > 0 ? c->query_scale : (double)c->head_dim;
	struct jattn a = {
		.B = b->B, .T = b->T, .H = (int)c->heads, .K = (int)c->kv_heads,
		.d = (int)c->head_dim, .scale = 1.0f / sqrtf((float)scale),
		.window = jmodel_layer_in(&c->windowed, b->layer) ? (int)c->window : 0,
		.softcap = (float)c->attn_softcap, .both_ways = c->arch->encoder
	};

	if (b->slot)
		return jg_attention_cached(b->g, q, k, v, b->slot, b->pos, &a, b->cache);
	return jg_attention(b->g, q, k, v, b->seg, &a);
}

struct jnode *
arch_attention(struct arch_block *b, struct jnode *x)
{
	const struct jmodel_config *c = b->cfg;
	int64_t qw = c->heads * c->head_dim, kw = c->kv_heads * c->head_dim;
	struct jgraph *g = b->g;
	struct jparam **w = b->w;
	struct jnode *q, *k, *v;

	if (w[W_QKV]) {
		struct jnode *qkv = jg_linear(g, x, w[W_QKV], w[W_QKV_BIAS]);

		q = jg_columns(g, qkv, 0, qw);
		k = jg_columns(g, qkv, qw, kw);
		v = jg_columns(g, qkv, qw + kw, kw);
	} else {
		q = jg_linear(g, x, w[W_Q], w[W_Q_BIAS]);
		k = jg_linear(g, x, w[W_K], w[W_K_BIAS]);
		v = jg_linear(g, x, w[W_V], w[W_V_BIAS]);
	}
	if (w[W_Q_NORM])
		q = arch_norm(b, q, W_Q_NORM);
	if (w[W_K_NORM])
		k = arch_norm(b, k, W_K_NORM);
	if (b->rope) {
		q = jg_rope(g, q, b->pos, b->rope);
		k = jg_rope(g, k, b->pos, b->rope);
	}
	return jg_linear(g, arch_attend(b, q, k, v), w[W_O], w[W_O_BIAS]);
}

static struct jnode *
experts(struct arch_block *b, struct jnode *x)
{
	struct jparam **w = b->w;
	struct jgraph *g = b->g;
	struct jnode *route = jg_moe_route(g, jg_linear(g, x, w[W_ROUTER], NULL), b->moe);
	struct jnode *in = jg_moe_spread(g, x, route), *gate, *up;

	gate = jg_moe_linear(g, in, w[W_EXP_GATE], route);
	up = jg_moe_linear(g, in, w[W_EXP_UP], route);
	in = jg_moe_linear(g, jg_gated(g, gate, up, b->cfg->act), w[W_EXP_DOWN], route);
	return jg_moe_combine(g, in, route);
}

struct jnode *
arch_ffn(struct arch_block *b, struct jnode *x)
{
	struct jparam **w = b->w;
	struct jgraph *g = b->g;
	struct jnode *gate, *up;

	if (w[W_ROUTER])
		return experts(b, x);
	if (!w[W_UP]) {			/* gate and up in one */
		struct jnode *both = jg_linear(g, x, w[W_GATE], w[W_GATE_BIAS]);

		gate = jg_columns(g, both, 0, b->cfg->ffn);
		up = jg_columns(g, both, b->cfg->ffn, b->cfg->ffn);
	} else {
		gate = jg_linear(g, x, w[W_GATE], w[W_GATE_BIAS]);
		up = jg_linear(g, x, w[W_UP], w[W_UP_BIAS]);
	}
	return jg_linear(g, jg_gated(g, gate, up, b->cfg->act), w[W_DOWN], w[W_DOWN_BIAS]);
}

struct jnode *
arch_decoder_block(struct arch_block *b, struct jnode *x)
{
	struct jnode *h = arch_attention(b, arch_norm(b, x, W_ATTN_NORM));

	if (b->w[W_ATTN_POST_NORM])
		h = arch_norm(b, h, W_ATTN_POST_NORM);
	x = jg_add(b->g, x, h);
	h = arch_ffn(b, arch_norm(b, x, W_FFN_NORM));
	if (b->w[W_FFN_POST_NORM])
		h = arch_norm(b, h, W_FFN_POST_NORM);
	return jg_add(b->g, x, h);
}

/* Both kinds of rotation that layers of a model may want. */
struct ropes {
	struct jrope global, local;
	float *freq;
};

static int
make_ropes(struct ropes *r, const struct jmodel_config *c, int64_t length, struct jerr *e)
{
	int64_t half = c->rope_dim / 2;

	memset(r, 0, sizeof(*r));
	if (c->arch->no_rotary)
		return 0;
	r->freq = jmem_try((size_t)half * 2, sizeof(*r->freq));
	if (!r->freq)
		return jerr_set(e, JERR_NOMEM, "no memory for rotary frequencies");
	r->global = (struct jrope){ .head_dim = (int)c->head_dim, .dim = (int)c->rope_dim,
		.inv_freq = r->freq, .scale = (float)jmodel_rope_attention(c) };
	jmodel_inv_freq(c, length, r->freq);
	if (c->rope_local_theta > 0) {
		r->local = r->global;
		r->local.inv_freq = r->freq + half;
		r->local.scale = 1;
		rope_local_freq(c, r->freq + half);
	}
	return 0;
}

static const struct jrope *
rope_of(const struct ropes *r, const struct jmodel_config *c, int64_t layer)
{
	if (c->arch->no_rotary || jmodel_layer_in(&c->no_rope, layer))
		return NULL;
	return c->rope_local_theta > 0 && jmodel_layer_in(&c->windowed, layer) ? &r->local
		: &r->global;
}

/* Which parameter is the first of the layers. */
static size_t
begin_body(struct jmodel *m, struct arch_block *b)
{
	const struct jmodel_arch *a = m->cfg.arch;
	size_t next = 0;

	b->cfg = &m->cfg;
	arch_outer_params(m, b->w);
	for (size_t i = 0; i < a->n_outer; i++)
		next += !(a->outer[i].flags & AW_AFTER) && arch_has(&m->cfg, &a->outer[i], -1);
	if (m->cfg.experts > 0)
		b->moe = jg_moe(b->g, b->targets, &(struct jmoe_opts){
			.experts = (int)m->cfg.experts, .used = (int)m->cfg.experts_used,
			.normalise = m->cfg.norm_topk,
			.aux = m->cfg.router_losses ? (float)m->cfg.router_aux : 0,
			.z = m->cfg.router_losses ? (float)m->cfg.router_z : 0 });
	return next;
}

static struct jnode *
record_embed(struct arch_block *b, struct jnode *ids)
{
	return b->cfg->arch->embed ? b->cfg->arch->embed(b, ids)
		: jg_embed(b->g, ids, b->w[W_EMBED]);
}

/* Embedding and all blocks; b carries what the kind of graph decides. */
static int
record_body(struct jmodel *m, struct arch_block *b, struct jnode *ids, struct jkv_cache *kv,
	struct jnode **x, struct jerr *e)
{
	struct ropes ropes;
	size_t next;

	if (make_ropes(&ropes, &m->cfg, kv ? kv->capacity : b->T, e) < 0)
		return e->code;
	next = begin_body(m, b);
	*x = record_embed(b, ids);
	if (m->embed_noise > 0 && !kv)
		*x = jg_noise(b->g, *x, m->embed_noise
			/ sqrtf((float)b->T * (float)m->cfg.hidden));
	for (int64_t l = 0; l < m->cfg.layers; l++) {
		next = arch_layer_params(m, l, next, b->w);
		b->layer = l;
		b->rope = rope_of(&ropes, &m->cfg, l);
		b->cache = kv ? &kv[l] : NULL;
		jgraph_segment_begin(b->g);
		*x = m->cfg.arch->block(b, *x);
		jgraph_segment_end(b->g);
	}
	jmem_free(ropes.freq);
	return 0;
}

/* The block of one layer, between rows that are given and rows that are kept. */
static int
record_layer(struct jmodel *m, struct arch_block *b, int64_t layer, struct block_graph *out,
	struct jerr *e)
{
	const int64_t shape[2] = { b->T, m->cfg.hidden };
	struct ropes ropes;
	size_t next;

	if (make_ropes(&ropes, &m->cfg, b->T, e) < 0)
		return e->code;
	next = begin_body(m, b);
	for (int64_t l = 0; l <= layer; l++)
		next = arch_layer_params(m, l, next, b->w);
	b->layer = layer;
	b->rope = rope_of(&ropes, &m->cfg, layer);
	out->in = jg_input_f32(b->g, "rows", 2, shape);
	out->out = m->cfg.arch->block(b, out->in);
	jmem_free(ropes.freq);
	return 0;
}

static struct jnode *
final_norm(struct arch_block *b, struct jnode *x)
{
	return b->cfg->arch->norm ? b->cfg->arch->norm(b, x) : arch_norm(b, x, W_NORM);
}

static int
refuse_encoder(const struct jmodel *m, bool encoder, const char *what, struct jerr *e)
{
	if (m->cfg.arch->encoder == encoder)
		return 0;
	return jerr_set(e, JERR_UNSUPPORTED, "%s: a %s model is %s", what, m->cfg.arch->name,
		encoder ? "a language model, not an encoder" : "an encoder: it makes embeddings, no "
		"text");
}

int
block_graph_build(struct jmodel *m, struct jpar *pool, int64_t layer, int T, struct block_graph *out,
	struct jerr *e)
{
	const struct jgraph_plan_opts opts = { .products = JPRODUCTS_F32 };
	struct arch_block b = { .B = 1, .T = T };
	struct jgraph_plan plan;
	int rc = refuse_encoder(m, false, "reading text layer by layer", e);

	if (rc < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	b.g = out->g = jgraph_new(pool);
	b.pos = out->pos = jg_input_i32(b.g, "pos", T);
	b.seg = out->seg = jg_input_i32(b.g, "seg", T);
	if (layer < 0) {
		begin_body(m, &b);
		out->in = jg_input_i32(b.g, "ids", T);
		out->out = record_embed(&b, out->in);
	} else {
		rc = record_layer(m, &b, layer, out, e);
	}
	if (rc == 0) {
		jnode_keep(out->out);
		rc = jgraph_plan(out->g, &opts, &plan, e);
	}
	if (rc < 0)
		jgraph_free(out->g);
	return rc;
}

int
jmodel_build_train(struct jmodel *m, struct jpar *pool, int B, int T, float z_loss,
	struct jmodel_train_graph *out, struct jerr *e)
{
	int64_t R = (int64_t)B * T;
	struct arch_block b = { .B = B, .T = T };
	struct jnode *x;
	int rc;

	if (B < 1 || T < 1)
		return jerr_set(e, JERR_ARG, "a training graph needs rows: got %d x %d", B, T);
	if (T > m->cfg.context && m->cfg.arch->no_rotary)
		return jerr_set(e, JERR_ARG, "sequences of %d: the model has %lld positions", T,
			(long long)m->cfg.context);
	if ((rc = refuse_encoder(m, false, "training", e)) < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	b.g = out->g = jgraph_new(pool);
	out->ids = jg_input_i32(b.g, "ids", R);
	b.pos = out->pos = jg_input_i32(b.g, "pos", R);
	b.seg = out->seg = jg_input_i32(b.g, "seg", R);
	b.targets = out->targets = jg_input_i32(b.g, "targets", R);
	rc = record_body(m, &b, out->ids, NULL, &x, e);
	if (rc < 0) {
		jgraph_free(out->g);
		return rc;
	}
	out->moe = b.moe;
	out->nll = jg_linear_ce(b.g, final_norm(&b, x), b.w[W_HEAD], out->targets, z_loss);
	if (m->cfg.final_softcap > 0)
		jg_cap_logits(out->nll, (float)m->cfg.final_softcap);
	jnode_keep(out->nll);
	return 0;
}

int
jmodel_build_infer(struct jmodel *m, struct jpar *pool, const struct jmodel_infer_shape *s,
	struct jmodel_infer_graph *out, struct jerr *e)
{
	struct arch_block b = { .B = 1, .T = s->R };
	struct jnode *x;
	int rc;

	if (s->R < 1 || s->N < 1)
		return jerr_set(e, JERR_ARG, "a generation graph needs rows: got %d and %d", s->R, s->N);
	if ((rc = refuse_encoder(m, false, "generation", e)) < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	b.g = out->g = jgraph_new(pool);
	out->ids = jg_input_i32(b.g, "ids", s->R);
	b.pos = out->pos = jg_input_i32(b.g, "pos", s->R);
	b.slot = out->slot = jg_input_i32(b.g, "slot", s->R);
	out->rows = jg_input_i32(b.g, "rows", s->N);
	if (s->adapters) {
		out->which = jg_input_i32(b.g, "which", s->R);
		out->which_rows = jg_input_i32(b.g, "which_rows", s->N);
		jgraph_set_adapters(b.g, out->which);
	}
	rc = record_body(m, &b, out->ids, s->kv, &x, e);
	if (rc < 0) {
		jgraph_free(out->g);
		return rc;
	}
	out->hidden = final_norm(&b, jg_rows(b.g, x, out->rows));
	jgraph_set_adapters(b.g, out->which_rows);
	out->logits = jg_linear(b.g, out->hidden, b.w[W_HEAD], NULL);
	jnode_keep(out->hidden);
	if (m->cfg.final_softcap > 0)
		out->logits = jg_softcap(b.g, out->logits, (float)m->cfg.final_softcap);
	jnode_keep(out->logits);
	return 0;
}

int
jmodel_build_encode(struct jmodel *m, struct jpar *pool, int B, int T,
	struct jmodel_encode_graph *out, struct jerr *e)
{
	int64_t R = (int64_t)B * T;
	struct arch_block b = { .B = B, .T = T };
	struct jnode *x;
	int rc;

	if (B < 1 || T < 1 || T > m->cfg.context)
		return jerr_set(e, JERR_ARG, "an encoder's graph of %d x %d rows: the model has %lld "
			"positions", B, T, (long long)m->cfg.context);
	if ((rc = refuse_encoder(m, true, "embedding", e)) < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	b.g = out->g = jgraph_new(pool);
	out->ids = jg_input_i32(b.g, "ids", R);
	b.pos = out->pos = jg_input_i32(b.g, "pos", R);
	b.seg = out->seg = jg_input_i32(b.g, "seg", R);
	b.types = out->types = jg_input_i32(b.g, "types", R);
	rc = record_body(m, &b, out->ids, NULL, &x, e);
	if (rc < 0) {
		jgraph_free(out->g);
		return rc;
	}
	out->hidden = x;
	out->pooled = jg_pool(b.g, x, out->seg, B, m->cfg.pooling == JMODEL_POOL_CLS);
	jnode_keep(out->hidden);
	jnode_keep(out->pooled);
	return 0;
}
