/*
 * jsafetensors.h - the safetensors container: named tensors in one file, read by mapping, written in
 * one pass; generic, for weights, adapters and optimizer state alike.
 *
 * Layout, little-endian: u64 header length N, N bytes of JSON {"name": {"dtype", "shape",
 * "data_offsets": [begin, end]}, ..., "__metadata__": {string: string}}, then the data.  Offsets
 * count from the byte after the header and must tile the data exactly.
 *
 * Reading checks everything before any tensor can be seen: header length (at most JST_MAX_HEADER),
 * duplicate names, dtype, shape, sizes, holes, overlaps, bytes beyond the end.  Tensors point into
 * the mapping and live as long as the struct jst.  Errors name the file and the tensor.
 *
 * The zip checkpoints of torch.save() (pytorch_model.bin) are read as well, wherever a path is
 * opened: as a set of tensors without metadata.  Their pickle is never interpreted (pickle.h), and
 * there two names may share the same bytes.
 *
 *	read:   jst_open | jst_open_dir -> jst_find, jst_to_f32 ... -> jst_close
 *	write:  jst_create -> jst_meta, jst_declare ... -> jst_put_f32 | jst_put in the declared
 *	        order -> jst_commit | jst_abort
 */
#ifndef JSAFETENSORS_H
#define JSAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "tensor/jtensor.h"

#define JST_MAX_HEADER (100u << 20)
#define JST_MAX_DIMS 8

struct jst_tensor {
	const char *name;
	enum jdtype dtype;		/* a plain one */
	int n_dims;
	int64_t shape[JST_MAX_DIMS];
	int64_t count;
	const unsigned char *data;	/* any alignment */
	uint64_t bytes;
	const char *file;		/* base name of the part it is in */
};

struct jst;

int jst_open(struct jst **s, const char *path, struct jerr *e);
/* model.safetensors or the parts that its index names; else pytorch_model.bin or its parts. */
int jst_open_dir(struct jst **s, const char *dir, struct jerr *e);
bool jst_in_dir(const char *dir);			/* is one of these there? */
/* Bytes in memory, which must outlive s; name is for messages. */
int jst_open_mem(struct jst **s, const void *p, size_t n, const char *name, struct jerr *e);
void jst_close(struct jst *s);				/* NULL is fine */
size_t jst_count(const struct jst *s);
const struct jst_tensor *jst_at(const struct jst *s, size_t i);	/* in name order */
const struct jst_tensor *jst_find(const struct jst *s, const char *name);
const char *jst_metadata(const struct jst *s, const char *key);	/* NULL if absent */
/* 0 if the tensor is of a floating-point type, else JERR_UNSUPPORTED. */
int jst_check_float(const struct jst_tensor *t, struct jerr *e);
/* Converts the tensor to count floats; JERR_UNSUPPORTED for integers. */
int jst_to_f32(const struct jst_tensor *t, float *dst, struct jerr *e);

struct jst_writer;

/* "__metadata__": {"format": "pt"} is there from the start: older transformers insist on it. */
int jst_create(struct jst_writer **w, const char *path, struct jerr *e);
void jst_meta(struct jst_writer *w, const char *key, const char *value);
void jst_declare(struct jst_writer *w, const char *name, enum jdtype dtype, int n_dims,
	const int64_t *shape);
/* The next n values of the declared sequence, converted to the dtype of the tensor they fall in. */
int jst_put_f32(struct jst_writer *w, const float *v, uint64_t n, struct jerr *e);
/* The next n bytes as they are. */
int jst_put(struct jst_writer *w, const void *p, size_t n, struct jerr *e);
int jst_commit(struct jst_writer *w, struct jerr *e);	/* frees w, also on failure */
void jst_abort(struct jst_writer *w);			/* NULL is fine */

#endif
