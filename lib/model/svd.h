/* svd.h - inside the room: the product of two thin matrices, by its singular values. */
#ifndef SVD_H
#define SVD_H

#include <stdint.h>

/* B [O, R] and A [R, I] with O, I >= R become B' [O, r] and A' [r, I], whose product is nearest to B A. */
struct svd {
	int64_t O, I, R, r;
	double *b, *a;		/* [R, O] (columns of B) and [R, I]; both are overwritten */
};
/* The first r rows of b become columns of B' with the singular values in them, those of a rows of A'. */
void svd_thin(struct svd *s);

#endif
