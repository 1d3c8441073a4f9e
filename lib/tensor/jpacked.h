/*
 * jpacked.h - frozen weights [N, K] laid out for generation, and y = x W^T over them.
 *
 * Rows are interleaved in groups of 16, so that one vector register holds the same place of 16 rows:
 * a product reads the weights once, in the order in which they lie, and with few rows of x runs at
 * the speed of memory.
 *
 * Q8_0, Q4_0, Q4_K, Q5_K, Q6_K: x is rounded to 8 bits in blocks of 32 values with one fp32 scale each
 * (as ggml does), products are summed as integers within a block (Q6_K: 16 values), and the sums of
 * blocks are added in fp32 in ascending order.  Any number of rows of x takes this path: a row
 * decoded alone has the bits that it has in a prompt.
 *
 * F16, BF16: fp32 products, the chain of jkern_gemm(): the same bits as with the decoded weights.
 * With many rows this is jkern_gemm() over the rows as stored, which must therefore stay.
 */
#ifndef JPACKED_H
#define JPACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "par/jpar.h"
#include "tensor/jtensor.h"

struct jpacked;

/* Is there such a layout for rows of K values? */
bool jpacked_offers(enum jdtype type, int64_t K);
/* Copies N rows as stored (jten_bytes(type, K) each); NULL without memory.  rows must outlive it. */
struct jpacked *jpacked_new(enum jdtype type, const void *rows, int64_t N, int64_t K,
	struct jpar *pool);
void jpacked_free(struct jpacked *p);			/* NULL allowed */
uint64_t jpacked_bytes(enum jdtype type, int64_t N, int64_t K);

struct jpacked_call {
	int64_t M;
	const float *x;		/* [M, K], rows ldx apart */
	int64_t ldx;
	float *y;		/* [M, N], rows ldy apart */
	int64_t ldy;
	bool add;		/* y += instead of y = */
};
/* Scratch floats of a product with M rows on `workers` threads. */
size_t jpacked_work(const struct jpacked *p, int64_t M, int workers);
void jpacked_product(const struct jpacked *p, const struct jpacked_call *c, struct jpar *pool,
	float *work);

/*
 * The plain formula over the rows as stored, in double: x rounded to 8 bits where the type asks for
 * it, each output rounded once.
 */
void jpacked_ref(enum jdtype type, const void *rows, int64_t N, int64_t K,
	const struct jpacked_call *c);

/* The names of the kernel sets that this machine can run, best first, ending with NULL; for tests. */
const char *jpacked_kernels(int i);

#endif
