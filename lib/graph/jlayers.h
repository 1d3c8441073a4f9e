/*
 * jlayers.h - operations that only some architectures have, beside those of jgraph.h: LayerNorm,
 * activations, parts of a row, caps, pooling.  Rules of jgraph.h hold.
 */
#ifndef JLAYERS_H
#define JLAYERS_H

#include "graph/jgraph.h"

enum jact {
	JACT_SILU, JACT_GELU_TANH, JACT_GELU, JACT_RELU	/* GELU by tanh, or exact (Hendrycks 2016) */
};

/* (x - mean) * rsqrt(var + eps) * w + bias over the row (Ba et al. 2016). */
struct jnode *jg_layernorm(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias,
	float eps);
/* jg_rmsnorm() with the scale 1 + w. */
struct jnode *jg_rmsnorm_zero(struct jgraph *g, struct jnode *x, struct jparam *w, int64_t width,
	float eps);
struct jnode *jg_act(struct jgraph *g, struct jnode *x, enum jact act);
/* act(gate) * up; SiLU is jg_swiglu(). */
struct jnode *jg_gated(struct jgraph *g, struct jnode *gate, struct jnode *up, enum jact act);
struct jnode *jg_scale(struct jgraph *g, struct jnode *x, float factor);
/* cap * tanh(x / cap) */
struct jnode *jg_softcap(struct jgraph *g, struct jnode *x, float cap);
/* The same for the logits within a jg_linear_ce() node. */
void jg_cap_logits(struct jnode *nll, float cap);
/* Columns [first, first + count) of x. */
struct jnode *jg_columns(struct jgraph *g, struct jnode *x, int64_t first, int64_t count);
/*
 * x [B*T, C] -> [B, C]: the mean of each sequence's rows whose seg is not negative, or (first) row 0.
 */
struct jnode *jg_pool(struct jgraph *g, struct jnode *x, struct jnode *seg, int B, bool first);

#endif
