/*
 * Recording the graphs of a model: token embedding, the architecture's blocks, final norm, head.
 */
#include "model/arch.h"

#include <math.h>
#include <string.h>

struct jnode *
arch_decoder_block(struct arch_block *b, struct jnode *x)
{
	const struct jmodel_config *c = b->cfg;
	struct jgraph *g = b->g;
	struct jparam **w = b->w;
	float eps = (float)c->norm_eps;
	struct jattn a = {
		.B = b->B, .T = b->T, .H = (int)c->heads, .K = (int)c->kv_heads,
		.d = (int)c->head_dim, .scale = 1.0f / sqrtf((float)c->head_dim),
	};
	struct jnode *h, *q, *k, *v;

	h = jg_rmsnorm(g, x, w[W_ATTN_NORM], c->hidden, eps);
	q = jg_linear(g, h, w[W_Q], w[W_Q_BIAS]);
	k = jg_linear(g, h, w[W_K], w[W_K_BIAS]);
	v = jg_linear(g, h, w[W_V], w[W_V_BIAS]);
	if (w[W_Q_NORM])
		q = jg_rmsnorm(g, q, w[W_Q_NORM], c->head_dim, eps);
	if (w[W_K_NORM])
		k = jg_rmsnorm(g, k, w[W_K_NORM], c->head_dim, eps);
	q = jg_rope(g, q, b->pos, b->rope);
	k = jg_rope(g, k, b->pos, b->rope);
	if (b->slot)
		h = jg_attention_cached(g, q, k, v, b->slot, b->pos, &a, b->cache);
	else
		h = jg_attention(g, q, k, v, b->seg, &a);
	x = jg_add(g, x, jg_linear(g, h, w[W_O], w[W_O_BIAS]));

	h = jg_rmsnorm(g, x, w[W_FFN_NORM], c->hidden, eps);
	h = jg_swiglu(g, jg_linear(g, h, w[W_GATE], w[W_GATE_BIAS]),
		jg_linear(g, h, w[W_UP], w[W_UP_BIAS]));
	return jg_add(g, x, jg_linear(g, h, w[W_DOWN], w[W_DOWN_BIAS]));
}

static void
layer_params(struct jmodel *m, int64_t layer, struct jparam *w[W_ROLES])
{
	const struct jmodel_config *c = &m->cfg;
	size_t i = 1 + (size_t)layer * arch_layer_weights(c);

	memset(w, 0, W_ROLES * sizeof(w[0]));
	for (size_t j = 0; j < c->arch->n_layer; j++)
		if (arch_has(c, &c->arch->layer[j]))
			w[c->arch->layer[j].role] = &m->params[i++];
}

static struct jparam *
head_param(struct jmodel *m)
{
	return &m->params[m->cfg.tied ? 0 : m->n_params - 1];
}

static struct jparam *
norm_param(struct jmodel *m)
{
	return &m->params[m->n_params - (m->cfg.tied ? 1 : 2)];
}

/* Embedding and all blocks; b carries what the kind of graph decides. */
static int
record_body(struct jmodel *m, struct arch_block *b, struct jnode *ids, struct jkv_cache *kv,
	struct jnode **x, struct jerr *e)
{
	float *inv_freq = jmem_try((size_t)m->cfg.head_dim / 2, sizeof(*inv_freq));
	struct jrope rope = { .head_dim = (int)m->cfg.head_dim, .inv_freq = inv_freq, .scale = 1 };

	if (!inv_freq)
		return jerr_set(e, JERR_NOMEM, "no memory for rotary frequencies");
	jmodel_inv_freq(&m->cfg, inv_freq);
	b->cfg = &m->cfg;
	b->rope = &rope;
	*x = jg_embed(b->g, ids, &m->params[0]);
	for (int64_t l = 0; l < m->cfg.layers; l++) {
		layer_params(m, l, b->w);
		b->cache = kv ? &kv[l] : NULL;
		jgraph_segment_begin(b->g);
		*x = m->cfg.arch->block(b, *x);
		jgraph_segment_end(b->g);
	}
	jmem_free(inv_freq);
	return 0;
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
	memset(out, 0, sizeof(*out));
	b.g = out->g = jgraph_new(pool);
	out->ids = jg_input_i32(b.g, "ids", R);
	b.pos = out->pos = jg_input_i32(b.g, "pos", R);
	b.seg = out->seg = jg_input_i32(b.g, "seg", R);
	out->targets = jg_input_i32(b.g, "targets", R);
	rc = record_body(m, &b, out->ids, NULL, &x, e);
	if (rc < 0) {
		jgraph_free(out->g);
		return rc;
	}
	x = jg_rmsnorm(b.g, x, norm_param(m), m->cfg.hidden, (float)m->cfg.norm_eps);
	out->nll = jg_linear_ce(b.g, x, head_param(m), out->targets, z_loss);
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
	memset(out, 0, sizeof(*out));
	b.g = out->g = jgraph_new(pool);
	out->ids = jg_input_i32(b.g, "ids", s->R);
	b.pos = out->pos = jg_input_i32(b.g, "pos", s->R);
	b.slot = out->slot = jg_input_i32(b.g, "slot", s->R);
	out->rows = jg_input_i32(b.g, "rows", s->N);
	rc = record_body(m, &b, out->ids, s->kv, &x, e);
	if (rc < 0) {
		jgraph_free(out->g);
		return rc;
	}
	x = jg_rows(b.g, x, out->rows);
	out->hidden = jg_rmsnorm(b.g, x, norm_param(m), m->cfg.hidden, (float)m->cfg.norm_eps);
	out->logits = jg_linear(b.g, out->hidden, head_param(m), NULL);
	jnode_keep(out->hidden);
	jnode_keep(out->logits);
	return 0;
}
