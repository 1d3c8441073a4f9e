/*
 * jprune.h - what matters least taken out of a model: single weights, which become zero, or layers.
 *
 * Weights are those of the matrices of the layers; embeddings, the head, norms, biases and the router of
 * experts stay.  Their scores:
 *
 *	magnitude	|w|: the smallest of each matrix (of each expert's) go (Han et al. 2015)
 *	wanda		|w| * |x|, x being all activations that meet the weight's column: the smallest of
 *			each row go.  Layer after layer: a layer is pruned before its text goes on to the
 *			next (Sun et al. 2023).  Not for experts
 *
 * A share is rounded to whole weights, half to even; among equal scores the first go.  With a pattern
 * N:M, by either score, N of every M neighbours in a row stay.
 *
 * The influence of a layer is 1 - cos(x, y), x being what it gets and y what it gives, averaged over the
 * tokens of a text (Men et al. 2024): the layers of least influence are missed least.
 */
#ifndef JPRUNE_H
#define JPRUNE_H

#include "model/jquantize.h"

enum jprune_method { JPRUNE_MAGNITUDE, JPRUNE_WANDA };

struct jprune_tensor {
	const char *name;		/* of a stack of experts: the stack's */
	uint64_t n, zeros;		/* weights; those that are zero now */
	double drift;			/* |pruned - original| / |original| (Frobenius) */
};

struct jprune {
	enum jprune_method method;
	double sparsity;		/* share that becomes zero, 0 < x < 1; not used with a pattern */
	int keep, of;			/* N:M, 0 < N < M <= JPRUNE_MAX_OF; of 0 = none */
	struct jcalibration *text;	/* wanda */
	void (*on_tensor)(void *arg, const struct jprune_tensor *t);	/* in the order of the model; or NULL */
	void *arg;
};
#define JPRUNE_MAX_OF 64

/* A model with weights of its own (jmodel_load, jmodel_keep_layers). */
int jmodel_prune(struct jmodel *m, struct jpar *pool, const struct jprune *o, struct jerr *e);

/* influence [cfg.layers], of a model that was loaded or opened. */
int jmodel_influence(struct jmodel *m, struct jpar *pool, struct jcalibration *text, double *influence,
	struct jerr *e);
/* The `keep` layers of largest influence; of equal ones the earlier. */
void jmodel_most_influential(const double *influence, int64_t layers, int64_t keep,
	struct jmodel_layers *kept);
/* A model of these layers alone, with fp32 weights of its own; all of them: a copy. */
int jmodel_keep_layers(struct jmodel **out, const struct jmodel *m, const struct jmodel_layers *kept,
	struct jerr *e);

#endif
