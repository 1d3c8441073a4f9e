/*
 * moe.h - inside the room: how rows were given to experts.
 *
 * The plan of a layer is a node of integers that lives as long as the graph runs:
 *
 *	choice [R * used]	expert of slot r * used + j
 *	order [R * used]	slot at each place of the sorted rows
 *	place [R * used]	place of each slot
 *	start [E + 1]		first place of each expert
 */
#ifndef MOE_H
#define MOE_H

#include "graph/graph.h"
#include "graph/jmoe.h"

struct moe_layer {
	struct jmoe *moe;
	struct jnode *plan;
	struct moe_layer *next;
	float *mean;		/* [E] sums of probabilities of the last forward pass */
	double z;		/* sum of squares of log sum exp */
	int64_t rows;
};

struct jmoe {
	struct jmoe_opts o;
	struct jnode *targets;
	struct moe_layer *layers;
	int64_t n_layers;
};

struct moe_plan {
	const int32_t *choice, *order, *place, *start;
	int64_t slots;		/* R * used */
	int64_t E, used;
};

/* Of a plan or route node, while the graph runs. */
struct moe_plan moe_plan_of(const struct jnode *n);
const struct moe_layer *moe_layer_of(const struct jnode *n);

#endif
