/*
 * jpar.h - threads: a pool for loops over an index range, and an ordered pipeline over a stream.
 *
 * Pool.  jpar_new(n) makes n - 1 threads; the caller is the n-th.  jpar_for() runs fn(arg, i, w)
 * for every i in 0..count-1, w in 0..n-1 being the worker, and returns when all are done.  Which
 * worker gets which i is not defined, so results must depend on i alone.  Workers spin for a short
 * while before they sleep, because a training step is thousands of short loops.  One loop at a
 * time per pool; jpar_for() from inside a loop runs inline under the same worker number.
 *
 * Pipeline (read | work | write, after minimap2's kt_pipeline and htslib's process queues).
 * read() makes the next block, work() transforms blocks in any order on n workers, write() sees
 * them in the order in which they were read.  At most 2n + 2 blocks exist, so memory = blocks x
 * block size and output does not depend on n.  The first error in reading order stops all: the
 * blocks before it are written, those after it dropped, so an error too is the same for any n.
 */
#ifndef JPAR_H
#define JPAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct jpar;

struct jpar *jpar_new(int n);		/* n >= 1 */
void jpar_free(struct jpar *p);
int jpar_size(const struct jpar *p);	/* NULL counts as one worker */
void jpar_for(struct jpar *p, int64_t count, void (*fn)(void *arg, int64_t i, int worker),
	void *arg);

struct jpar_pipe {
	/* 1: *block is the next one; 0: end; < 0: error.  Called by one thread at a time. */
	int (*read)(void *arg, void **block, struct jerr *e);
	/* Any worker; worker is 0..n-1.  0 or negative. */
	int (*work)(void *arg, void *block, int worker, struct jerr *e);
	/* In reading order, one at a time; must free or recycle the block, also when it fails. */
	int (*write)(void *arg, void *block, struct jerr *e);
	/* Frees a block that is never written because of an error; may be NULL. */
	void (*drop)(void *arg, void *block);
	void *arg;
};
int jpar_pipe_run(const struct jpar_pipe *p, int n, struct jerr *e);

#endif
