/*
 * jlora.h - low-rank adapters in a graph, and the random numbers that training them wants.
 *
 * A struct jlora hangs on the frozen weight that it adapts: jparam.lora where the weight is
 * multiplied with (jg_linear, jg_linear_ce), jparam.lora_rows where its rows are looked up
 * (jg_embed).  A table that is tied to the head may have both, and they are two adapters.  The
 * builders record base and adapter; nothing else in a graph changes.
 *
 *	LoRA	y = x W^T + scale * (drop(x) A^T) B^T
 *	DoRA	y = m / |W + scale B A| * (the same), the norm taken by rows, of a look-up by the
 *		table's columns, and, while the adapter is trained, a constant in the backward pass;
 *		not for experts.  In jg_linear_ce dropout is for h alone.
 *
 * Adapter and tensors belong to the caller and must outlive the graph.
 */
#ifndef JLORA_H
#define JLORA_H

#include "graph/jgraph.h"
#include "tensor/jkern.h"

struct jlora {
	struct jparam *a;	/* [r, I]; of a look-up [V, r]; of E stacked experts [E * r, I] */
	struct jparam *b;	/* [O, r]; of a look-up [C, r]; of experts [E * O, r], O for each */
	struct jparam *m;	/* [O], of a look-up [C]; NULL = no DoRA */
	float scale;
	float dropout;		/* share of the input's values that a training pass drops */
	const float *norm;	/* |W + scale B A| as above, or NULL; used while nothing is trained */
};

/* |W_o + scale B_o A|; tmp holds a row of W. */
float jlora_row_norm(const struct jkern *k, const struct jparam *w, const struct jlora *l, int64_t o,
	float *tmp);
/* Those of the columns of a table [V, C] with an adapter of look-ups; norm is [C]. */
void jlora_column_norms(const struct jkern *k, const struct jparam *w, const struct jlora *l, float *norm);

/* Share p of the values becomes 0 and the others grow by 1 / (1 - p), in training passes only. */
struct jnode *jg_dropout(struct jgraph *g, struct jnode *x, float p);
/* Adds uniform noise from [-amplitude, amplitude) in training passes (NEFTune). */
struct jnode *jg_noise(struct jgraph *g, struct jnode *x, float amplitude);
/* What the random numbers of the next passes are a function of. */
void jgraph_set_random(struct jgraph *g, uint64_t seed, uint64_t key);

/* For the builders: what they record for a weight with an adapter. */
struct jnode *jg_lora_linear(struct jgraph *g, struct jnode *x, struct jparam *w,
	struct jparam *bias);
struct jnode *jg_lora_embed(struct jgraph *g, struct jnode *ids, struct jparam *table);

#endif
