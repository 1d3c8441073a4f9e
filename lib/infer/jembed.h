/*
 * jembed.h - a text as a vector: of an encoder (BERT) its pooled rows, of a decoder the mean of its
 * last hidden states.  Scaled to length 1, so that the dot product is the cosine.
 *
 * One embedder serves one thread; a text's vector does not depend on what was embedded before.
 */
#ifndef JEMBED_H
#define JEMBED_H

#include "infer/jinfer.h"

struct jembedder;
/* m and t stay the caller's.  truncate: longer texts lose their end; else they are JERR_LIMIT. */
int jembed_new(struct jembedder **x, struct jmodel *m, const struct jtok *t, struct jpar *pool,
	bool truncate, struct jerr *e);
void jembed_free(struct jembedder *x);
size_t jembed_width(const struct jembedder *x);		/* C */
int jembed_text(struct jembedder *x, const char *text, size_t n, float *out, struct jerr *e);

#endif
