/*
 * blocks.h - inside the room model: a text going through a model one layer at a time, so that a layer
 * can be looked at, and changed, before the next one sees what it gives.
 *
 *	blocks_open -> for each layer blocks_pass (as often as wanted, the last one with `keep`)
 *	-> blocks_close
 *
 * The text is cut into chunks that each begin anew at position 0; what is left over is not read.  The
 * rows between two layers [chunks * T, C] are held in memory.
 */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "model/jmodel.h"
#include "model/jquantize.h"

/* One layer as a graph of its own, planned; layer -1: the embedding, whose `in` is ids i32 [T]. */
struct block_graph {
	struct jgraph *g;
	struct jnode *in, *out;		/* [T, C] */
	struct jnode *pos, *seg;	/* i32 [T] */
};
int block_graph_build(struct jmodel *m, struct jpar *pool, int64_t layer, int T,
	struct block_graph *out, struct jerr *e);

struct blocks {
	struct jmodel *m;
	struct jpar *pool;
	const struct jcalibration *text;
	uint64_t chunks;
	float *x;			/* what the next layer gets */
	uint64_t done, total;		/* chunks, for text->on_chunk */
};
/* passes: how many there will be, for progress.  The text must hold a chunk, its ids be the model's. */
int blocks_open(struct blocks *b, struct jmodel *m, struct jpar *pool, const struct jcalibration *text,
	int passes, struct jerr *e);
void blocks_close(struct blocks *b);

struct blocks_pass {
	int64_t layer;
	jgraph_watch_fn *see;		/* what the products meet; or NULL */
	void (*rows)(void *arg, const float *in, const float *out, int64_t n);	/* or NULL */
	void *arg;
	bool keep;			/* what the layer gives becomes what the next one gets */
};
int blocks_pass(struct blocks *b, const struct blocks_pass *p, struct jerr *e);

/* Do the ids belong to the model, and are there enough? */
int calibration_check(const struct jmodel *m, const struct jcalibration *c, struct jerr *e);

#endif
