/*
 * jbench.h - where the time of a training step goes, and the rate of single matrix products, both
 * beside what the machine was measured to do at most (jroof.h).
 */
#ifndef JBENCH_H
#define JBENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "par/jpar.h"
#include "tensor/jroof.h"

struct jbench_row {
	char name[80];		/* "linear mlp.up_proj.weight", "NT 1024x768x768" */
	bool backward;
	int64_t calls;		/* in a step */
	double seconds, flops, bytes;
	double share;		/* of the roof: the time that flops or bytes need at least, over seconds */
};

enum { JBENCH_ROWS = 96 };

struct jbench {
	struct jroof roof;
	bool bf16;		/* the step's products with weights */
	struct jbench_row row[JBENCH_ROWS];
	size_t n;
	double step_s;		/* of a whole step; 0: no step was measured */
	int64_t tokens;		/* in it */
	double share;		/* of its flops at the measured peak */
};

struct jbench_opts {
	const char *model;	/* preset, folder or file, of which the shape is read */
	int64_t batch, seq;	/* sequences in a step, tokens in a sequence */
	int64_t passes;		/* the least time of so many */
	const char *optimizer;
	bool bf16;
};
/* Forward, backward and update of one unit of random tokens, operation by operation. */
int jbench_step(struct jbench *b, const struct jbench_opts *o, struct jpar *pool, struct jerr *e);

/*
 * "MxNxK": y = x W^T with W [N, K] and M rows, and the two products of its backward pass; "MxNxK:TYPE"
 * (q8_0, f16, ...): y alone, over weights laid out for generation.
 */
int jbench_product(struct jbench *b, const char *spec, struct jpar *pool, struct jerr *e);

void jbench_text(const struct jbench *b, struct jbuf *out);
void jbench_json(const struct jbench *b, struct jbuf *out);	/* one object and a line end */

#endif
