/*
 * weights.h - inside the room model: tensors of a file becoming parameters of a model.
 *
 * A model made by jmodel_new() has a slab of fp32 values, and a tensor is converted into its place
 * there.  A model made by jmodel_open() has none: a parameter points into the mapped file where it
 * can (a matrix in F32, F16, BF16 or a block type, in our order of rows), else to a copy that the
 * model owns, of the same type if it is a matrix, fp32 if it is a vector.  The readers of the
 * formats do not know the difference: they call weights_put() for each parameter and hand their
 * mapping to weights_keep().
 */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "io/jfs.h"
#include "model/jmodel.h"
#include "model/jsafetensors.h"
#include "model/jweights.h"

struct jgguf;

/* A tensor as a file holds it: p->shape values of dtype, slowest extent first. */
struct weight_bytes {
	const char *file, *name;	/* for messages */
	enum jdtype dtype;
	const void *data;
};

/* How a file's order differs from ours. */
enum weight_form {
	WF_PAIRED = 1,			/* rows: rotary pairs are neighbours */
	WF_TURNED = 2,			/* a matrix [cols, rows] */
	WF_ABOVE_ONE = 4		/* a vector: one more than ours */
};

/* What an opened model keeps alive. */
struct weight_source {
	struct jst *st;
	struct jgguf *gguf;
	struct jmapped map;
	void **copies;
	size_t n, cap;
};

int weights_put(struct jmodel *m, struct jparam *p, const struct weight_bytes *t, unsigned form,
	struct jerr *e);
/* Some rows of p (first, count) from a tensor, or a part of one, that holds them in our order. */
int weights_put_rows(struct jmodel *m, struct jparam *p, const struct weight_bytes *t,
	const int64_t rows[2], struct jerr *e);
/* Closes what was read, or keeps it with an opened model; each may be NULL. */
void weights_keep(struct jmodel *m, struct jst *st, struct jgguf *gguf, struct jmapped *map);
void weights_close_files(struct weight_source *s);	/* nothing refers to them any more */
void weights_free_source(struct weight_source *s);

int64_t weights_count(const struct jparam *p);

#endif
