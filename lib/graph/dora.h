/*
 * dora.h - inside the room: the factors of DoRA, m / |W + scale B A|, one for each row of W, or of a
 * table that is looked up for each column.
 */
#ifndef DORA_H
#define DORA_H

#include "graph/graph.h"
#include "graph/jlora.h"

struct dora {
	const struct jlora *l;
	const struct jparam *w;
	bool fixed;			/* l->norm stands: nothing is trained */
	bool table;			/* columns of a table */
};

struct dora dora_of(const struct jparam *w, const struct jlora *l, bool table);
int64_t dora_count(const struct dora *d);
/* Scratch floats that dora_factors() wants. */
size_t dora_work(const struct dora *d, int workers);
void dora_factors(const struct jrun *x, const struct dora *d, float *factor, float *work);
/* The same in double, for references; the magnitudes and the other tensors as they are. */
void dora_factors_ref(const struct dora *d, const double *m, double *factor);

/* y = factor * v (+ bias); lora.c says of what v is made. */
struct jnode *dora_node(struct jgraph *g, struct jnode *v, const struct dora *d, struct jparam *bias);

#endif
