/*
 * nearest.h - inside the room swarm: routing by embeddings of examples.
 *
 * The vectors of an encoder are moved so that the classes' mean is 0, and turned so that within a
 * class every direction varies alike (Fisher 1936, with a shrunken covariance), then scaled to length
 * 1.  There
 * - k nearest: a class is as near as the mean cosine of its NEIGHBOURS nearest examples;
 * - ridge: least squares on the class, with a penalty (Hoerl and Kennard 1970).
 * A class is an expert, or the last one: texts that are nobody's.
 */
#ifndef NEAREST_H
#define NEAREST_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

#define NEIGHBOURS 5

struct nearest {
	size_t width;			/* C; 0: there is none of this */
	size_t n, classes;
	char *encoder;			/* path of the model */
	float *v;			/* [n, C] examples, turned */
	uint32_t *of;			/* [n] their classes */
	float *mean;			/* [C] */
	float *factor;			/* [C, C] Cholesky factor of the covariance, lower */
	float *ridge;			/* [C + 1, classes], the constant last */
	struct jbuf texts;		/* beginnings of the examples, a line each */
	size_t *text_at;		/* [n + 1] */
};
void nearest_release(struct nearest *e);
/*
 * Fits all of it to vectors x[n, C] of classes of[n], which become the examples; width, n, classes,
 * of, texts and text_at are set before.  False where the covariance is not positive.
 */
int nearest_fit(struct nearest *e, const float *x, struct jerr *err);
/* A vector of the encoder becomes one of the examples' space. */
void nearest_turn(const struct nearest *e, const float *x, float *out);
struct near {
	double *cosine;			/* [classes] mean of the nearest, -1 where there are none */
	size_t *example;		/* [classes] the nearest one */
};
void nearest_find(const struct nearest *e, const float *turned, struct near *out);
void nearest_ridge(const struct nearest *e, const float *turned, double *out);

/* The encoder of a router, open. */
struct encoder;
/* What it will take, in bytes. */
int encoder_bytes(const char *path, uint64_t *bytes, struct jerr *e);
int encoder_open(struct encoder **x, const char *path, int jobs, struct jerr *e);
void encoder_close(struct encoder *x);		/* NULL is fine */
size_t encoder_width(const struct encoder *x);
/* An empty text is the vector 0. */
int encoder_text(struct encoder *x, const char *p, size_t n, float *out, struct jerr *e);

#endif
