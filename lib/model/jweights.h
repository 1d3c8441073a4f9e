/*
 * jweights.h - the weights of a model as numbers, whatever form they are in.
 */
#ifndef JWEIGHTS_H
#define JWEIGHTS_H

#include "model/jmodel.h"

/* n rows (of the last extent) from `first` in fp32. */
void jmodel_rows(const struct jparam *p, int64_t first, int64_t n, float *to);
/* The weights, or their gradients, into an open writer: names and layout of Hugging Face files. */
int jmodel_write(const struct jmodel *m, bool grads, enum jdtype dtype, struct jst_writer *w,
	struct jerr *e);

#endif
