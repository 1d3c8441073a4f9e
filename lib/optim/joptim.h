/*
 * joptim.h - optimizers over a list of parameters: gradient norm, clipping, update.
 *
 *	joptim_new(&o, params, n, &opts, pool, e)
 *	per step: gradients were added up by jgraph_backward();
 *		norm = joptim_grad_norm(o)	      not finite: joptim_bad_grad(o) says where; stop
 *		joptim_step(o, lr, norm)	      clip, update and clear the gradients in one pass
 *	joptim_free(o)
 *
 * Parameters without a gradient are frozen and have no state.  Work is cut into fixed chunks (and,
 * for Muon, into whole matrices), each computed by one thread in a fixed order, and sums over
 * chunks are taken in chunk order: the same bits for any number of threads.
 *
 * Two kinds, one row each in the table in optim.c:
 *
 * adamw	AdamW as torch.optim.AdamW: decoupled decay, both biases corrected, eps outside the
 *		root.  State: two tensors per parameter.
 * muon		matrices inside layers: Nesterov momentum made orthogonal by five Newton-Schulz
 *		steps, scaled by 0.2 sqrt(max(rows, columns)) so that an update has the size of an
 *		AdamW update and one rate serves both.  State: one tensor.  Embeddings, head, norms
 *		and biases: AdamW.
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

struct joptim_opts {
	const char *name;	/* "adamw" or "muon" */
	double beta1, beta2, eps;
	double weight_decay;	/* for parameters with .decay */
	double clip;		/* largest global gradient norm; 0 = none */
	double momentum;	/* Muon */
	int ns_steps;		/* Muon: Newton-Schulz iterations */
};
#define JOPTIM_OPTS_INIT { .name = "adamw", .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, \
	.weight_decay = 0.1, .clip = 1.0, .momentum = 0.95, .ns_steps = 5 }

extern const char joptim_names[];	/* "adamw|muon" */

struct joptim;

/* params must outlive o.  JERR_ARG for an unknown name, JERR_NOMEM for the state. */
int joptim_new(struct joptim **o, struct jparam *params, size_t n, const struct joptim_opts *opts,
	struct jpar *pool, struct jerr *e);
void joptim_free(struct joptim *o);
/* Bytes of state that joptim_new() would take, Muon's scratch for `workers` included. */
int joptim_bytes(uint64_t *bytes, const struct jparam *params, size_t n,
	const struct joptim_opts *opts, int workers, struct jerr *e);

/* Euclidean norm over all gradients. */
double joptim_grad_norm(struct joptim *o);
/* Name of the first parameter whose gradient holds a NaN or an infinity, or NULL. */
const char *joptim_bad_grad(const struct joptim *o);
/* One update with rate lr; norm is what joptim_grad_norm() gave.  Gradients are 0 afterwards. */
void joptim_step(struct joptim *o, double lr, double norm);

/* Steps taken; set when state is restored. */
int64_t joptim_steps(const struct joptim *o);
void joptim_set_steps(struct joptim *o, int64_t steps);

/* State tensors for checkpoints: i from 0, false when there are no more. */
struct joptim_state {
	char name[160];		/* parameter name + ".exp_avg", ".exp_avg_sq" or ".momentum" */
	int n_dims;
	int64_t shape[JTEN_MAX_DIMS];
	float *data;
};
bool joptim_state(const struct joptim *o, size_t i, struct joptim_state *s);

#endif
