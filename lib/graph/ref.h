/*
 * ref.h - the whole graph in double, one scalar reference per operation: the oracle of the tests.
 *
 *	r = jref_new(g)			after planning; copies parameters into doubles
 *	fill r->param values or inputs if they are to differ from the graph's
 *	jref_forward(r); jref_backward(r, scale)
 *	jref_value(r, node), jref_grad(r, node), jref_param(r, p), jref_param_grad(r, p)
 */
#ifndef REF_H
#define REF_H

#include "graph/graph.h"

/* What one operation's reference sees.  Gradients are added to. */
struct jref {
	const struct jnode *n;
	const double *in[JNODE_INS];		/* fp32 inputs */
	const int32_t *ids[JNODE_INS];		/* i32 inputs */
	double *din[JNODE_INS];			/* NULL for i32 inputs */
	double *out;
	const double *dout;			/* NULL for the loss */
	const double *param[JNODE_PARAMS];
	double *dparam[JNODE_PARAMS];
	double scale;				/* of the loss */
};

struct jref_graph {
	struct jgraph *g;
	double **value, **grad;			/* per node */
	struct jparam **params;
	double **pvalue, **pgrad;		/* per parameter */
	size_t n_params;
};

struct jref_graph *jref_new(struct jgraph *g);
void jref_free(struct jref_graph *r);
void jref_load_input(struct jref_graph *r, struct jnode *n);	/* from the graph's input */
void jref_forward(struct jref_graph *r);
void jref_backward(struct jref_graph *r, double scale);
double *jref_value(struct jref_graph *r, const struct jnode *n);
double *jref_grad(struct jref_graph *r, const struct jnode *n);
double *jref_param(struct jref_graph *r, const struct jparam *p);
double *jref_param_grad(struct jref_graph *r, const struct jparam *p);

#endif
