/*
 * jroof.h - what this machine can do at most, measured: multiply-adds from registers, and reading
 * memory.  The roof against which times of operations are stated.
 */
#ifndef JROOF_H
#define JROOF_H

#include "par/jpar.h"
#include "tensor/jkern.h"

struct jroof {
	double flops;		/* FLOP/s in fp32 on all threads of the pool */
	double f32_flops;	/* of products in jkern_f32() */
	double bf16_flops;	/* in jkern_bf16() */
	double bandwidth;	/* bytes/s read from memory, from more than caches hold */
};
/* The best of what is seen in about four times `seconds`.  Without memory to read, bandwidth is 0. */
void jroof_measure(struct jroof *r, struct jpar *pool, double seconds);

#endif
