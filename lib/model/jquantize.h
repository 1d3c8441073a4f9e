/*
 * jquantize.h - what type each tensor of a GGUF file gets, and how much its columns matter.
 *
 * A mix is a plain type for all matrices ("f16", "q8_0") or one of llama.cpp's mixtures, in which
 * the tensors that suffer most get more bits ("q4_k_m": attn_v and half of ffn_down in Q6_K, and
 * the output head).  Vectors, norms, routers and position tables stay F32.  Rows that are no whole
 * blocks get the nearest type that fits: Q4_K becomes Q5_0, Q5_K Q5_1, Q6_K Q8_0, those of 32
 * values F16.
 *
 * An importance matrix has, for each tensor by its GGUF name, the mean square of the activations
 * that meet each column.  It is read from llama.cpp's two formats (GGUF and .dat) and written in
 * the first, or collected by running the model over ids (jmodel_calibrate).
 */
#ifndef JQUANTIZE_H
#define JQUANTIZE_H

#include "base/jerr.h"
#include "model/jmodel.h"
#include "par/jpar.h"

struct jgguf_writer;

struct jmix;
extern const char *const jmix_names;			/* "f32|f16|...|q6_k" */
const struct jmix *jmix_find(const char *name);		/* NULL if there is none */
const char *jmix_name(const struct jmix *x);
bool jmix_quantizes(const struct jmix *x);		/* does it use block types? */

struct jimatrix;
struct jimatrix *jimatrix_new(void);
void jimatrix_free(struct jimatrix *x);			/* NULL is fine */
int jimatrix_load(struct jimatrix **x, const char *path, struct jerr *e);
int jimatrix_load_mem(struct jimatrix **x, const void *p, size_t n, const char *name,
	struct jerr *e);
/* dataset and chunk (tokens a chunk) are remarks in the file. */
int jimatrix_save(const struct jimatrix *x, const char *path, const char *dataset, int chunk,
	struct jerr *e);
/* Adds rows of activations [rows, cols] that met the tensor; JERR_ARG if cols changes. */
int jimatrix_add(struct jimatrix *x, const char *tensor, const float *rows, int64_t n, int64_t cols,
	struct jerr *e);
/* Mean squares [cols], or NULL where the tensor is not known or has another width. */
const float *jimatrix_find(const struct jimatrix *x, const char *tensor, int64_t cols);
size_t jimatrix_count(const struct jimatrix *x);

/*
 * Adds what every matrix of the model meets while it reads n ids in pieces of `chunk` (each starts
 * anew; the last n % chunk ids are left out).  names are those of GGUF.
 */
struct jcalibration {
	const uint32_t *ids;
	size_t n;
	int chunk;
	double nll;			/* out: mean per predicted token */
	void (*on_chunk)(void *arg, uint64_t done, uint64_t total);	/* or NULL */
	void *arg;
};
int jmodel_calibrate(struct jmodel *m, struct jpar *pool, struct jcalibration *c,
	struct jimatrix *x, struct jerr *e);

/*
 * Writing a GGUF file into an open writer: the keys and tensor declarations; then the caller adds the
 * tokenizer's keys (jtok_save_gguf) and calls jmodel_gguf_data(), and commits.  A tensor that the
 * model holds in the wanted type already is copied bit for bit.
 */
struct jmodel_gguf {
	const char *name;		/* general.name */
	const struct jmix *mix;
	const struct jimatrix *imatrix;	/* or NULL */
	struct jpar *pool;		/* or NULL */
	uint64_t fallbacks;		/* out: tensors whose rows forced another type */
	uint64_t blind;			/* out: quantized matrices of layers that imatrix does not know */
};
int jmodel_gguf_header(const struct jmodel *m, struct jgguf_writer *w, struct jmodel_gguf *o,
	struct jerr *e);
int jmodel_gguf_data(const struct jmodel *m, struct jgguf_writer *w, struct jmodel_gguf *o,
	struct jerr *e);

#endif
