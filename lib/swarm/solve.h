/* solve.h - inside the room swarm: small dense systems, and the weights that explain choices best. */
#ifndef SOLVE_H
#define SOLVE_H

#include <stdbool.h>
#include <stddef.h>

/* a[n, n] symmetric and positive: its lower triangle becomes L with L L' = a; false where it is not. */
bool solve_cholesky(double *a, size_t n);
/* b[n] becomes the solution of L x = b, and of L' x = b. */
void solve_forward(const double *l, size_t n, double *b);
void solve_back(const double *l, size_t n, double *b);

/*
 * Conditional logit (McFadden 1974): of the alternatives a of a case, described by x[a, k], the
 * probability of each is softmax(x w).  The first n_signs weights are kept from falling below zero.
 */
struct choices_made {
	size_t n, alternatives, k, n_signs;
	const double *x;		/* [n, alternatives, k] */
	const size_t *made;		/* [n] the alternative that was right */
	const double *weight;		/* [n], or NULL: all count the same */
};
/* The most likely w[k], by Newton's method; deterministic. */
void solve_choices(const struct choices_made *c, double *w);
/* Mean -ln p of what was right. */
double solve_choices_loss(const struct choices_made *c, const double *w);

#endif
