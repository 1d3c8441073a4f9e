/*
 * graph.h - inside the room: nodes, operations, the schedule and its memory.
 *
 * Recording makes nodes.  Planning makes a schedule of steps (forward, recompute, backward of one
 * node each) and gives each value a life: the steps from its first write to its last read.  Values
 * whose lives do not meet may lie at the same offset of the one slab.  A value inside a
 * recomputation segment has two lives, one on the way forward and one on the way back.
 */
#ifndef GRAPH_H
#define GRAPH_H

#include "base/jmem.h"
#include "graph/jgraph.h"
#include "tensor/jkern.h"

enum { JNODE_INS = 6, JNODE_PARAMS = 3 };

/* What an operation runs with. */
struct jrun {
	const struct jkern *k;
	const struct jkern *mm;		/* products with weights, by jgraph_products */
	struct jpar *pool;
	int workers;
	float *work;			/* scratch of jop.work() floats, 64-byte aligned */
	bool training;			/* planned with a backward pass */
	bool grads;			/* this forward pass is followed by backward() */
	float loss_scale;
	const float *loss_weights;	/* [rows of the loss] or NULL */
	uint64_t random;		/* what dropout and noise are a function of */
};

struct jref;

enum jop_flags {
	JOP_ONCE = 1,		/* forward has effects on gradients: never run again */
	JOP_LOSS = 2,		/* seeds its own gradient */
	JOP_NO_BACK = 4,	/* no gradient passes (inputs, tables, generation) */
	JOP_CHEAP = 8,		/* its value is made again for backward rather than kept */
	JOP_STORED = 16		/* its value may lie in bf16 (jgraph_plan_opts.bf16_values) */
};
#define JOP_OUT (1u << 31)	/* in jop.keeps(): backward reads the output */

/* An operation: one row of jops[], one file of ops/.  NULL functions mean none / 0. */
struct jop {
	const char *name;
	unsigned flags;
	unsigned in_place;	/* inputs whose buffer the output may take over */
	unsigned back_in_place;	/* inputs whose gradient may take over the output's gradient */
	void (*forward)(const struct jrun *x, struct jnode *n);
	/* Reads n->grad; writes in[i]->grad where not NULL (adds where n->add[i]) and params. */
	void (*backward)(const struct jrun *x, struct jnode *n);
	unsigned (*keeps)(const struct jnode *n);	/* bit i: backward reads the value of in[i] */
	uint64_t (*saved)(const struct jnode *n);	/* bytes handed from forward to backward */
	size_t (*work)(const struct jrun *x, const struct jnode *n);
	double (*flops)(const struct jnode *n, bool backward);
	void (*forward_ref)(const struct jref *r);
	void (*backward_ref)(const struct jref *r);
};
extern const struct jop *const jops[];		/* all operations, NULL at the end */

enum jbuf_kind {
	JBUF_OUT, JBUF_OUT_AGAIN, JBUF_SAVED, JBUF_SAVED_AGAIN, JBUF_GRAD, JBUF_STORED, JBUF_KINDS
};

struct jnode {
	const struct jop *op;
	struct jgraph *g;
	int index;
	const char *name;		/* of inputs, else NULL */
	enum jdtype dtype;		/* F32 or I32 */
	int n_dims;
	int64_t shape[JTEN_MAX_DIMS];
	int n_in;
	struct jnode *in[JNODE_INS];
	struct jparam *param[JNODE_PARAMS];
	const void *attr;		/* the operation's own constants, in the graph's arena */
	int segment;			/* -1 = none */
	bool keep;

	/* Set by planning. */
	bool needs_grad;		/* a weight at or above it is trained */
	bool again;			/* recomputed on the way back ... */
	bool lazy;			/* ... just before the step that needs it */
	bool packed;			/* ... from its value in bf16 */
	bool add[JNODE_INS];		/* backward adds to the gradient of in[i] */
	int buf[JBUF_KINDS];		/* index into the lives, -1 = none */
	void *data;
	float *saved, *grad;
	uint16_t *stored;		/* the value in bf16, where packed */
};

/* The life of one buffer. */
struct jlife {
	uint64_t bytes, offset;
	int first, last;		/* steps; last < first = never used */
	int owner;			/* index of the life whose place it shares, or its own */
};

/* JSTEP_PACK: after the last step forward that reads a value that is packed. */
enum jstep_kind { JSTEP_FORWARD, JSTEP_PACK, JSTEP_AGAIN, JSTEP_BACKWARD };
struct jstep {
	enum jstep_kind kind;
	struct jnode *n;
};

struct jgraph {
	struct jarena arena;
	struct jpar *pool;
	struct jnode **nodes;
	size_t n_nodes, cap_nodes;
	int *segments;			/* first node of each; ends[] one past the last */
	int *ends;
	size_t n_segments, cap_segments, cap_ends;
	bool in_segment;
	struct jnode *which;		/* adapters of the rows (jloras.h), or NULL */

	struct jstep *steps;
	size_t n_steps, cap_steps, n_forward;
	struct jlife *lives;
	size_t n_lives, cap_lives;
	struct jgraph_plan_opts opts;
	struct jrun run;
	size_t work_bytes;
	char *slab;
	uint64_t slab_bytes;
	bool planned;
	int64_t grad_shift;		/* floats from a weight's grad to where this graph adds it */
	jgraph_watch_fn *watch;		/* or NULL */
	void *watch_arg;
};

/* For builders: a node of an operation with the shape of `like` (or none). */
struct jnode *jnode_new(struct jgraph *g, const struct jop *op, const struct jnode *like);
void jnode_input(struct jnode *n, struct jnode *in);
void *jnode_attr(struct jnode *n, size_t size);		/* zeroed, becomes n->attr */
int64_t jnode_rows(const struct jnode *n);		/* product of all but the last dimension */
int64_t jnode_cols(const struct jnode *n);
int64_t jnode_count(const struct jnode *n);
/* Where the gradient of weight k is added up; NULL if it is not wanted. */
float *jnode_param_grad(const struct jnode *n, int k);

/* plan.c: one step of the schedule. */
void jgraph_run_step(struct jgraph *g, const struct jstep *s);

/* stored.c: may the value lie in bf16?  Its rounding, to two bytes and back. */
bool jstored_may(const struct jnode *n);
void jstored_round(const struct jrun *x, struct jnode *n);
void jstored_pack(const struct jrun *x, struct jnode *n);
void jstored_unpack(const struct jrun *x, struct jnode *n);

/* schedule.c and place.c, called by plan.c */
void jschedule_make(struct jgraph *g);
bool jstep_stores(const struct jstep *s);	/* a value into bf16 or back: nothing is computed */
uint64_t jplace(struct jlife *lives, size_t n);		/* returns bytes of the slab */

/* fn(x, n, first, count) over all rows of a width, in parallel tasks of some 16k values. */
void jrun_for_rows(const struct jrun *x, struct jnode *n, int64_t rows, int64_t cols,
	void (*fn)(const struct jrun *x, struct jnode *n, int64_t first, int64_t count));

/* Makes rows of a weight from `row` on the operand B of g, in whatever form they are; ldb is set. */
void jparam_operand(const struct jparam *p, int64_t row, struct jgemm *g);

#endif
