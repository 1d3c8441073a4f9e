/*
 * jgraph.h - static computation graphs: recorded once per shape, planned before the first run, run
 * forward and backward without allocating.
 *
 * A graph is a list of nodes in the order in which the builder functions were called.  A node is an
 * operation (one row of the table in ops.c, one file in graph/ops/), its inputs, its parameters and
 * one output tensor.  Activations are fp32.  Rows are tokens: most tensors are [R, C] with R = B*T.
 *
 *	g = jgraph_new(pool)
 *	x = jg_embed(g, tok, wte); ... loss = jg_linear_ce(g, x, head, targets, ...);
 *	jgraph_plan(g, &plan_opts, &plan, e)     sizes, one slab, recomputation segments
 *	fill the inputs; jgraph_forward(g); jgraph_backward(g)
 *
 * Parameters are struct jparam owned by the caller: value and gradient slabs.  backward() ADDS into
 * gradients, in a fixed order: the same inputs give the same bits for any number of threads.
 *
 * Errors of shape are jbug(): the architecture that builds a graph has checked its configuration.
 */
#ifndef JGRAPH_H
#define JGRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "par/jpar.h"
#include "tensor/jtensor.h"

struct jgraph;
struct jnode;
struct jkv_cache;
struct jlora;
struct jloras;
struct jpacked;

/*
 * A trainable or frozen weight.  A frozen matrix may stay as a file holds it (F16, BF16 or a GGUF
 * block type): then value is NULL, and data points to rows of jten_bytes(dtype, shape[n_dims - 1]).
 */
struct jparam {
	char name[128];		/* Hugging Face name: "model.layers.0.mlp.up_proj.weight" */
	int n_dims;
	int64_t shape[JTEN_MAX_DIMS];
	float *value;		/* fp32; NULL where dtype is another */
	enum jdtype dtype;	/* JDT_F32 unless frozen in another form */
	const void *data;	/* the rows of a frozen weight in that form; NULL where value is used */
	float *grad;		/* same shape, NULL = frozen */
	bool decay;		/* weight decay applies (matrices yes, norms and biases no) */
	struct jpacked *packed;	/* see jparam_pack(); NULL = none */
	/* Adapters beside a frozen weight (jlora.h): in products, in look-ups of rows. */
	const struct jlora *lora, *lora_rows;
	const struct jloras *many, *many_rows;	/* the same by rows of a batch (jloras.h) */
};

/*
 * Lays a frozen matrix in another form out for generation (jpacked.h), unless that is done or there
 * is no such layout; data must stay.  jgraph_plan() does so for the weights of jg_linear in graphs
 * without a backward pass.  The caller frees it with jparam_unpack().
 */
int jparam_pack(struct jparam *p, struct jpar *pool, struct jerr *e);
void jparam_unpack(struct jparam *p);

/* Row `row` of a weight, in whatever form it is kept, as floats. */
void jparam_row(const struct jparam *p, int64_t row, float *to);

struct jgraph *jgraph_new(struct jpar *pool);	/* pool may be NULL: one thread */
void jgraph_free(struct jgraph *g);

/* Inputs: storage belongs to the graph after planning; get it with jnode_data(). */
struct jnode *jg_input_i32(struct jgraph *g, const char *name, int64_t n);
struct jnode *jg_input_f32(struct jgraph *g, const char *name, int n_dims, const int64_t *shape);

/* ids i32 [R] -> [R, C];  table [V, C].  Gradient rows are summed in the order of R. */
struct jnode *jg_embed(struct jgraph *g, struct jnode *ids, struct jparam *table);
/* x [R, I], w [O, I], bias [O] or NULL -> [R, O] */
struct jnode *jg_linear(struct jgraph *g, struct jnode *x, struct jparam *w, struct jparam *bias);
/* x * rsqrt(mean(x^2) + eps) * w over the last `width` values: width = C, or head_dim for QK-norm. */
struct jnode *jg_rmsnorm(struct jgraph *g, struct jnode *x, struct jparam *w, int64_t width,
	float eps);
/*
 * Rotary embedding (Su et al. 2021), rotate-half pairing (i, i + d/2); x [R, H*d], pos i32 [R].
 * inv_freq [d/2] is copied; scale multiplies cos and sin (1 but for yarn).
 */
struct jrope {
	int head_dim;
	const float *inv_freq;
	float scale;
	int dim;		/* rotated values of a head, the first ones; 0 = all: then d above */
};
struct jnode *jg_rope(struct jgraph *g, struct jnode *x, struct jnode *pos, const struct jrope *r);
/*
 * Causal grouped-query attention, fused, without the T x T matrix.  q [B*T, H*d], k and v
 * [B*T, K*d], seg i32 [B*T] (only equal segments see each other) or NULL; window 0 = all.
 */
struct jattn {
	int B, T, H, K, d;
	float scale;
	int window;
	float softcap;		/* scores become softcap * tanh(score / softcap); 0 = not */
	bool both_ways;		/* rows see what follows as well (encoders); no window then */
};
struct jnode *jg_attention(struct jgraph *g, struct jnode *q, struct jnode *k, struct jnode *v,
	struct jnode *seg, const struct jattn *a);
/*
 * The same for generation, no gradient: appends the R new rows of k and v to a cache (jkv.h) and lets
 * each row see its own sequence.  Row r belongs to sequence slot[r] at position pos[r]; the cache is
 * the caller's.  A row's bits do not depend on the other rows, and with a cache in f32 are those that
 * jg_attention gives an unpacked sequence: decoding, prefill and training compute the same numbers.
 */
struct jnode *jg_attention_cached(struct jgraph *g, struct jnode *q, struct jnode *k,
	struct jnode *v, struct jnode *slot, struct jnode *pos, const struct jattn *a,
	struct jkv_cache *cache);
/* silu(gate) * up, both [R, F] */
struct jnode *jg_swiglu(struct jgraph *g, struct jnode *gate, struct jnode *up);
struct jnode *jg_add(struct jgraph *g, struct jnode *a, struct jnode *b);
/* Rows of x [R, C] named by rows i32 [N] -> [N, C] (the positions whose logits are wanted). */
struct jnode *jg_rows(struct jgraph *g, struct jnode *x, struct jnode *rows);
/*
 * Output head and cross-entropy in chunks of the vocabulary or of rows, so that the R x V matrix is
 * never whole in memory.  targets i32 [R], -1 = no loss.  Output [R]: negative log-likelihood in
 * nats, 0 where there is no target.  backward() seeds every row with `scale` set by
 * jgraph_set_loss_scale() (1 / tokens of the whole batch gives the mean).  z_loss adds
 * z * log(Z)^2 per row to the gradient (and not to the output).
 */
struct jnode *jg_linear_ce(struct jgraph *g, struct jnode *x, struct jparam *w,
	struct jnode *targets, float z_loss);
/*
 * Label smoothing: of every target, `share` is divided among all words.  As with z_loss, the gradient
 * knows and the output does not: losses with and without can be compared.
 */
void jg_smooth_labels(struct jnode *nll, float share);
void jgraph_set_loss_scale(struct jgraph *g, float scale);
/* Row r's seed is scale * weights[r]; weights [R] stay the caller's, NULL (default) = all 1. */
void jgraph_set_loss_weights(struct jgraph *g, const float *weights);
/*
 * backward() adds the gradient of a weight this many floats behind param->grad: for graphs over the same
 * weights that run at the same time, each into its own copy of one slab.
 */
void jgraph_shift_grads(struct jgraph *g, int64_t floats);

/* A recomputation segment: nodes between begin and end keep only what crosses its border. */
void jgraph_segment_begin(struct jgraph *g);
void jgraph_segment_end(struct jgraph *g);

/* How products with weights are made. */
enum jgraph_products {
	JPRODUCTS_ROWS,		/* jkern_get(): a row in a batch has the bits of a row decoded alone */
	JPRODUCTS_F32,		/* jkern_f32(), for training: faster where the CPU has tiles */
	JPRODUCTS_BF16		/* jkern_bf16(): operands in bf16, summed in fp32 */
};
struct jgraph_plan_opts {
	bool training;		/* plan the backward pass too */
	bool recompute;		/* drop and recompute the inside of segments */
	/*
	 * Values of products with weights, rotary embeddings and attention are rounded to bf16; those that
	 * backward() reads wait for it in two bytes.
	 */
	bool bf16_values;
	enum jgraph_products products;
};
struct jgraph_plan {
	uint64_t activation_bytes;	/* the slab */
	uint64_t workspace_bytes;	/* per-thread scratch */
	double forward_flops, backward_flops;
};
/* Sizes only (jgraph_measure) or sizes and storage (jgraph_plan). */
int jgraph_measure(struct jgraph *g, const struct jgraph_plan_opts *o, struct jgraph_plan *plan,
	struct jerr *e);
int jgraph_plan(struct jgraph *g, const struct jgraph_plan_opts *o, struct jgraph_plan *plan,
	struct jerr *e);

/*
 * In a graph planned for training, forward() already adds the output head's gradient (so that
 * the logits need not be computed twice): set the loss scale before it, and call backward() after
 * it.  evaluate() is the forward pass alone and touches no gradient.
 */
void jgraph_forward(struct jgraph *g);
void jgraph_evaluate(struct jgraph *g);
void jgraph_backward(struct jgraph *g);		/* after forward(); from the last jg_linear_ce node */

/* After every product with a matrix w in a forward pass: calls fn with the rows that met w. */
typedef void jgraph_watch_fn(void *arg, const struct jparam *w, const float *x, int64_t rows,
	int64_t cols);
void jgraph_watch(struct jgraph *g, jgraph_watch_fn *fn, void *arg);

/*
 * Times every operation of a planned graph: forward passes, each followed by backward() in a graph
 * for training.  A row is an operation over one kind of weight (its name behind "layers.N.", NULL
 * without a weight); seconds, flops and bytes of one pass, the least of all passes for the seconds.
 * Bytes are those of the tensors read and written, whether memory or a cache holds them.
 */
struct jgraph_cost {
	const char *op, *weight;
	bool backward;
	int64_t calls;
	double seconds, flops, bytes;
};
/* Returns the rows, at most `most`, in the order of the pass. */
size_t jgraph_profile(struct jgraph *g, int passes, struct jgraph_cost *rows, size_t most);

/* Valid for inputs, outputs nobody consumes, and outputs kept by jnode_keep() before planning. */
void *jnode_data(struct jnode *n);
const int64_t *jnode_shape(const struct jnode *n, int *n_dims);
void jnode_keep(struct jnode *n);		/* its value stays readable after forward */

#endif
