/*
 * joptim.h - optimizers over a list of parameters: gradient norm, clipping, update; moving average of
 * the weights; sharpness-aware steps.
 *
 *	joptim_new(&o, params, n, &opts, pool, e)
 *	joptim_begin_average(o)			      once the weights are there
 *	per step: gradients were added up by jgraph_backward();
 *		norm = joptim_grad_norm(o)	      not finite: joptim_bad_grad(o) says where; joptim_drop(o)
 *		if (joptim_climb(o, norm)) {	      SAM: gradients again, at the place climbed to
 *			...; norm = joptim_grad_norm(o); joptim_return(o);
 *		}
 *		joptim_step(o, lr, norm)	      clip, update and clear the gradients in one pass
 *	joptim_free(o)
 *
 * Parameters without a gradient are frozen and have no state.  Work is cut into fixed units, each
 * computed by one thread in a fixed order, and sums over units are taken in their order: the same
 * bits for any number of threads.
 *
 * The kinds, one file and one row in the table in optim.c each; what a kind does not take, AdamW does:
 *
 * adamw	as torch.optim.AdamW: decoupled decay, both biases corrected, eps outside the root.
 * adamw8bit	the same with moments of 8 bits and a scale for 256 weights; tensors below 4096
 *		weights: AdamW.
 * muon		matrices inside layers: Nesterov momentum made orthogonal by five Newton-Schulz
 *		steps, scaled by 0.2 sqrt(max(rows, columns)) so that an update has the size of an
 *		AdamW update and one rate serves both.  Embeddings, head, norms and biases: AdamW.
 * sgd		as torch.optim.SGD: momentum, plain or Nesterov's; the decay is added to the gradient.
 * lion		the sign of the momentum; wants a third to a tenth of AdamW's rate.
 * adafactor	as torch.optim.Adafactor: second moments of rows and columns only.
 * lamb		AdamW's update, of each tensor scaled to the norm of its weights.
 * novograd	gradients divided by a moving norm of their tensor.
 *
 * The moving average is a <- a + (1 - d) (w - a) after each step, d = min(average, (1 + t) / (10 + t)).
 *
 * The optimizer owns its state; parameters belong to the caller.  After joptim_new() nothing is
 * allocated.
 */
#ifndef JOPTIM_H
#define JOPTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "graph/jgraph.h"
#include "par/jpar.h"

/* A factor for the parameters whose name matches a shell pattern; of several the last counts. */
struct joptim_scale {
	const char *pattern;
	double by;
};

/* Negative: what the optimizer is usually run with. */
struct joptim_opts {
	const char *name;	/* one of joptim_names */
	double beta1, beta2, eps;
	double weight_decay;	/* for parameters with .decay */
	double clip;		/* largest global gradient norm; 0 = none */
	double momentum;	/* Muon and SGD */
	bool nesterov;		/* SGD */
	int ns_steps;		/* Muon: Newton-Schulz iterations */
	double average;		/* largest decay of the moving average; 0 = no average */
	double sam;		/* radius of SAM; 0 = off */
	const struct joptim_scale *lr_scales, *decay_scales;	/* of the rate; of weight_decay */
	size_t n_lr_scales, n_decay_scales;
};
#define JOPTIM_OPTS_INIT { .name = "adamw", .beta1 = -1, .beta2 = -1, .eps = -1, \
	.weight_decay = 0.1, .clip = 1.0, .momentum = -1, .ns_steps = 5 }

extern const char joptim_names[];	/* "adamw|muon|..." */

struct joptim;

/* Puts the usual numbers where opts are negative. */
int joptim_settle(struct joptim_opts *opts, struct jerr *e);

/*
 * params must outlive o; the patterns of opts need not.  JERR_ARG for an unknown name or a
 * pattern that no parameter matches, JERR_NOMEM for the state.
 */
int joptim_new(struct joptim **o, struct jparam *params, size_t n, const struct joptim_opts *opts,
	struct jpar *pool, struct jerr *e);
void joptim_free(struct joptim *o);
/* Bytes of state that joptim_new() would take, scratch for `workers` included. */
int joptim_bytes(uint64_t *bytes, const struct jparam *params, size_t n,
	const struct joptim_opts *opts, int workers, struct jerr *e);

/* Euclidean norm over all gradients. */
double joptim_grad_norm(struct joptim *o);
/* Name of the first parameter whose gradient holds a NaN or an infinity, or NULL. */
const char *joptim_bad_grad(const struct joptim *o);
/* One update with rate lr; norm is what joptim_grad_norm() gave.  Gradients are 0 afterwards. */
void joptim_step(struct joptim *o, double lr, double norm);

/* Instead of joptim_step(): forgets the gradients.  After joptim_climb() the weights are back first. */
void joptim_drop(struct joptim *o);
/* Name of the first trained weight that holds a NaN or an infinity, or NULL. */
const char *joptim_bad_weight(struct joptim *o);
/* No steps taken: state and averages are 0; the caller puts back the weights. */
void joptim_reset(struct joptim *o);

/* Steps taken; set when state is restored. */
int64_t joptim_steps(const struct joptim *o);
void joptim_set_steps(struct joptim *o, int64_t steps);

/* The average starts as the weights of now. */
void joptim_begin_average(struct joptim *o);
bool joptim_averages(const struct joptim *o);
/* Exchanges weights and averages, if there are any; the second call undoes the first. */
void joptim_swap_average(struct joptim *o);

/* With SAM: moves the weights along the gradient, clears it, and says true. */
bool joptim_climb(struct joptim *o, double norm);
/* The weights from before joptim_climb(). */
void joptim_return(struct joptim *o);

/* State tensors for checkpoints: i from 0, false when there are no more. */
struct joptim_state {
	char name[160];		/* parameter name + "." + tensor, as "exp_avg"; "other": the average */
	enum jdtype dtype;	/* JDT_F32 or JDT_U8 */
	int n_dims;
	int64_t shape[JTEN_MAX_DIMS];
	int64_t count;
	void *data;
};
bool joptim_state(const struct joptim *o, size_t i, struct joptim_state *s);

#endif
