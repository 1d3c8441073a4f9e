/*
 * jnll.h - what a model makes of texts: the negative log-likelihood of each token.
 */
#ifndef JNLL_H
#define JNLL_H

#include "infer/jinfer.h"

/*
 * Negative log-likelihood (nats) of ids->v[1..n-1] given what stands before, in windows of `context`
 * with half a window of overlap; nll has n entries, nll[0] = 0.
 */
int jinfer_nll(struct jmodel *m, struct jpar *pool, const struct jids *ids, int context,
	double *nll, struct jerr *e);
/* The same for many texts: keeps the graphs. */
struct jscorer;
int jscorer_new(struct jscorer **s, struct jmodel *m, struct jpar *pool, int context,
	struct jerr *e);
int jscorer_nll(struct jscorer *s, const uint32_t *ids, size_t n, double *nll, struct jerr *e);
void jscorer_free(struct jscorer *s);

#endif
