/*
 * jmoe.h - mixture of experts (Shazeer et al. 2017; Fedus et al. 2021): a router chooses `used` of the
 * experts for each row, the rows are sorted by expert, each expert multiplies its rows, the results
 * are added with the router's weights.
 *
 *	route = jg_moe_route(g, logits, moe)		logits [R, E]
 *	in = jg_moe_spread(g, x, route)			[R * used, C], sorted by expert, then row
 *	y = jg_moe_linear(g, in, w, route)		w [E * O, C]: expert e has rows e O .. e O + O
 *	out = jg_moe_combine(g, y, route)		[R, O]
 *
 * An adapter on w (jlora.h) is a stack likewise: A [E * r, C], B [E * O, r].
 *
 * The weights are the softmax over all experts at the chosen ones, divided by their sum if
 * `normalise`.  The lowest number wins among equal logits.  A row's result does not depend on the rows
 * beside it.
 *
 * Two losses keep the router balanced; they are added to the gradient, not to the output:
 * aux * E * sum over experts e of (choices of e / rows) * (mean probability of e), over all layers of
 * the graph as one, and z * the mean of (log sum exp logits)^2.  Their scale is the loss scale times
 * the graph's targets, so that accumulating over graphs gives the mean.
 */
#ifndef JMOE_H
#define JMOE_H

#include "graph/jgraph.h"

struct jmoe_opts {
	int experts, used;
	bool normalise;
	float aux, z;
};

/* What the layers of one graph share; it belongs to the graph. */
struct jmoe;
struct jmoe *jg_moe(struct jgraph *g, struct jnode *targets, const struct jmoe_opts *o);

struct jnode *jg_moe_route(struct jgraph *g, struct jnode *logits, struct jmoe *m);
struct jnode *jg_moe_spread(struct jgraph *g, struct jnode *x, struct jnode *route);
struct jnode *jg_moe_linear(struct jgraph *g, struct jnode *x, struct jparam *w, struct jnode *route);
struct jnode *jg_moe_combine(struct jgraph *g, struct jnode *y, struct jnode *route);

/* After forward(): how the last batch was spread. */
struct jmoe_load {
	double aux;			/* the balance loss without its coefficient: 1 per choice = even */
	double z;			/* mean of (log sum exp)^2 */
	double busiest;			/* rows of the busiest expert over the mean, worst layer */
	double idle;			/* share of experts, over all layers, that got no row */
};
void jmoe_load(const struct jmoe *m, struct jmoe_load *load);

#endif
