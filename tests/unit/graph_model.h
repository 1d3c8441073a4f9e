/*
 * graph_model.h - a small decoder recorded with every operation of training, for the graph tests:
 * embedding, norms (QK-norm too), rotary positions, grouped attention, SwiGLU, biases, tied head.
 */
#ifndef GRAPH_MODEL_H
#define GRAPH_MODEL_H

#include <stdlib.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "graph/jgraph.h"

enum { GM_MAX = 64 };

struct gm_shape {
	int B, T, C, H, K, d, F, V, L, window;
	float z_loss;
	bool qk_norm, bias, seg;
};

struct gm {
	struct gm_shape s;
	struct jgraph *g;
	struct jparam p[GM_MAX];
	int n_params;
	struct jnode *ids, *pos, *seg, *targets, *nll;
	float inv_freq[64];
};

static inline int64_t
gm_count(const struct jparam *p)
{
	return p->shape[0] * (p->n_dims > 1 ? p->shape[1] : 1);
}

/* A weight of normal numbers keyed by its place; rows 0: a vector near 1. */
static inline struct jparam *
gm_param(struct gm *m, int64_t rows, int64_t cols)
{
	struct jparam *p = &m->p[m->n_params++];
	struct jrand r;

	snprintf(p->name, sizeof(p->name), "p%d", m->n_params);
	p->n_dims = rows ? 2 : 1;
	p->shape[0] = rows ? rows : cols;
	p->shape[1] = rows ? cols : 0;
	p->value = jmem_alloc((size_t)gm_count(p), sizeof(float));
	p->grad = jmem_zalloc((size_t)gm_count(p), sizeof(float));
	jrand_init(&r, 7, (uint64_t)m->n_params);
	for (int64_t i = 0; i < gm_count(p); i++)
		p->value[i] = (float)(jrand_normal(&r) * (rows ? 0.3 : 0.1) + (rows ? 0 : 1));
	return p;
}

static inline struct jnode *
gm_block(struct gm *m, struct jnode *x, const struct jrope *rope)
{
	const struct gm_shape *s = &m->s;
	struct jattn a = { s->B, s->T, s->H, s->K, s->d, 0.3f, s->window };
	struct jnode *h = jg_rmsnorm(m->g, x, gm_param(m, 0, s->C), s->C, 1e-5f), *q, *k, *v;
	int64_t qw = s->H * s->d, kw = s->K * s->d;

	q = jg_linear(m->g, h, gm_param(m, qw, s->C), s->bias ? gm_param(m, 0, qw) : NULL);
	k = jg_linear(m->g, h, gm_param(m, kw, s->C), s->bias ? gm_param(m, 0, kw) : NULL);
	v = jg_linear(m->g, h, gm_param(m, kw, s->C), NULL);
	if (s->qk_norm) {
		q = jg_rmsnorm(m->g, q, gm_param(m, 0, s->d), s->d, 1e-6f);
		k = jg_rmsnorm(m->g, k, gm_param(m, 0, s->d), s->d, 1e-6f);
	}
	q = jg_rope(m->g, q, m->pos, rope);
	k = jg_rope(m->g, k, m->pos, rope);
	h = jg_attention(m->g, q, k, v, s->seg ? m->seg : NULL, &a);
	x = jg_add(m->g, x, jg_linear(m->g, h, gm_param(m, s->C, qw), NULL));
	h = jg_rmsnorm(m->g, x, gm_param(m, 0, s->C), s->C, 1e-5f);
	h = jg_swiglu(m->g, jg_linear(m->g, h, gm_param(m, s->F, s->C), NULL),
		jg_linear(m->g, h, gm_param(m, s->F, s->C), NULL));
	return jg_add(m->g, x, jg_linear(m->g, h, gm_param(m, s->C, s->F), NULL));
}

static inline void
gm_init(struct gm *m, const struct gm_shape *s, struct jpar *pool)
{
	struct jrope rope = { s->d, m->inv_freq, 1 };
	struct jparam *table;
	struct jnode *x;
	int64_t R = (int64_t)s->B * s->T;

	memset(m, 0, sizeof(*m));
	m->s = *s;
	for (int i = 0; i < s->d / 2; i++)
		m->inv_freq[i] = (float)pow(1000, -2.0 * i / s->d);
	m->g = jgraph_new(pool);
	m->ids = jg_input_i32(m->g, "ids", R);
	m->pos = jg_input_i32(m->g, "pos", R);
	m->seg = jg_input_i32(m->g, "seg", R);
	m->targets = jg_input_i32(m->g, "targets", R);
	table = gm_param(m, s->V, s->C);
	x = jg_embed(m->g, m->ids, table);
	for (int l = 0; l < s->L; l++) {
		jgraph_segment_begin(m->g);
		x = gm_block(m, x, &rope);
		jgraph_segment_end(m->g);
	}
	x = jg_rmsnorm(m->g, x, gm_param(m, 0, s->C), s->C, 1e-5f);
	m->nll = jg_linear_ce(m->g, x, table, m->targets, s->z_loss);
}

/* Tokens from a key; segments of T/3 rows whose positions start at 0; every fifth target is -1. */
static inline void
gm_fill(struct gm *m, uint64_t key)
{
	int32_t *ids = jnode_data(m->ids), *pos = jnode_data(m->pos);
	int32_t *seg = jnode_data(m->seg), *targets = jnode_data(m->targets);
	int part = m->s.seg ? m->s.T / 3 + 1 : m->s.T;
	struct jrand r;

	jrand_init(&r, 1, key);
	for (int i = 0; i < m->s.B * m->s.T; i++) {
		ids[i] = (int32_t)jrand_below(&r, (uint64_t)m->s.V);
		targets[i] = i % 5 == 4 ? -1 : (int32_t)jrand_below(&r, (uint64_t)m->s.V);
		pos[i] = i % m->s.T % part;
		seg[i] = i % m->s.T / part;
	}
}

static inline void
gm_zero_grads(struct gm *m)
{
	for (int i = 0; i < m->n_params; i++)
		if (m->p[i].grad)
			memset(m->p[i].grad, 0, (size_t)gm_count(&m->p[i]) * sizeof(float));
}

/* Order-sensitive fingerprint of the bits of all gradients and losses. */
static inline uint64_t
gm_bits(const struct gm *m)
{
	const float *nll = jnode_data(m->nll);
	uint64_t h = 1469598103934665603u;

	for (int i = -1; i < m->n_params; i++) {
		const float *v = i < 0 ? nll : m->p[i].grad;
		int64_t n = i < 0 ? m->s.B * m->s.T : gm_count(&m->p[i]);

		for (int64_t j = 0; v && j < n; j++) {
			uint32_t u;

			memcpy(&u, &v[j], sizeof(u));
			h = (h ^ u) * 1099511628211u;
		}
	}
	return h;
}

static inline void
gm_release(struct gm *m)
{
	for (int i = 0; i < m->n_params; i++) {
		jmem_free(m->p[i].value);
		jmem_free(m->p[i].grad);
	}
	jgraph_free(m->g);
}

#endif
