/*
 * jloras.h - several adapters beside one weight: every row of a batch has its own, or none.
 *
 * A struct jloras hangs on the weight (jparam.many, of look-ups jparam.many_rows) and counts where the
 * graph knows which row has which adapter.  The product with the weight is one for all rows; the small
 * products are made for the rows of each adapter.  A row has the bits that it has with its adapter
 * alone (jlora.h), or with none.
 *
 * No backward pass: adapters that are not trained.  Of DoRA the norms are there (jlora.norm).  The
 * caller owns all of it; a graph that was recorded before an adapter came or went is not run again.
 */
#ifndef JLORAS_H
#define JLORAS_H

#include "graph/jlora.h"

struct jloras {
	int n;
	const struct jlora **v;		/* [n]; NULL: this adapter leaves the weight alone */
};

/* From here on row r has adapter which[r], an i32 node [R], < 0 for none; NULL: no row has one. */
void jgraph_set_adapters(struct jgraph *g, struct jnode *which);

/* For the builders: what they record for a weight with several adapters. */
struct jnode *jg_loras_linear(struct jgraph *g, struct jnode *x, struct jparam *w,
	struct jparam *bias);
struct jnode *jg_loras_embed(struct jgraph *g, struct jnode *ids, struct jparam *table);

#endif
