/*
 * jmerge.h - several models of one shape into one, weight by weight.
 *
 *	linear	sum w_i W_i / sum w_i
 *	slerp	two models: the point at share t of the arc between them, tensor by tensor (Shoemake
 *		1985); tensors that are nearly parallel are mixed linearly
 *	ties	base + differences: of each difference the `density` largest values are kept, each
 *		value's sign is elected by the weighted sum, and those that agree are averaged
 *		(Yadav et al. 2023)
 *	dare	base + sum w_i difference_i, of each a random share `density` kept and divided by it
 *		(Yu et al. 2024)
 *	dare-ties	DARE's differences, of which only those with the elected sign are summed
 *
 * What is drawn at random is a function of (seed, model number, tensor name).
 */
#ifndef JMERGE_H
#define JMERGE_H

#include "model/jmodel.h"

enum jmerge_method { JMERGE_LINEAR, JMERGE_SLERP, JMERGE_TIES, JMERGE_DARE, JMERGE_DARE_TIES };

struct jmerge {
	enum jmerge_method method;
	const struct jmodel *const *models;	/* loaded or opened */
	const double *weights;			/* [n] */
	size_t n;
	const struct jmodel *base;		/* ties and dare; NULL for the others */
	double density;				/* 0 < density <= 1 */
	double t;				/* slerp: 0 is the first model, 1 the second */
	uint64_t seed;
	/* Called for each tensor with |merged - base| / |base| (Frobenius; base: or the first model). */
	void (*on_tensor)(void *arg, const char *name, double drift);
	void *arg;
};

/* The number of a method by its name, or -1. */
int jmerge_find(const char *name);
extern const char *const jmerge_names;		/* "linear|slerp|..." */
/* The result has fp32 weights of its own.  A tensor that comes out as no number is an error. */
int jmodel_merge(struct jmodel **out, const struct jmerge *o, struct jerr *e);

#endif
