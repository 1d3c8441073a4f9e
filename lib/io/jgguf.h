/*
 * jgguf.h - the GGUF v3 container (ggml docs/gguf.md): typed keys and a tensor directory, read by
 * mapping, written in one pass.  What the keys mean belongs to the rooms model and tok, which both
 * read it; hence it lives here.
 *
 * Layout, little-endian: "GGUF", u32 version, i64 tensors, i64 keys; keys: string name, i32 type,
 * value; tensor infos: string name, u32 dimensions, i64 extents with the fastest first, i32 type,
 * u64 offset; data at the next multiple of general.alignment (32).
 *
 * Reading checks every count, length, offset and overlap against the file size before use.
 */
#ifndef JGGUF_H
#define JGGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"

enum jgguf_type {
	JGGUF_U8, JGGUF_I8, JGGUF_U16, JGGUF_I16, JGGUF_U32, JGGUF_I32, JGGUF_F32, JGGUF_BOOL,
	JGGUF_STR, JGGUF_ARR, JGGUF_U64, JGGUF_I64, JGGUF_F64
};

struct jgguf_str {
	const char *p;		/* not terminated; points into the mapping */
	size_t n;
};

struct jgguf_tensor {
	const char *name;	/* terminated copy, owned by the file */
	int n_dims;
	int64_t dims[4];	/* fastest first, unused = 1 */
	int type;		/* ggml type id: F32 0, F16 1, Q8_0 8, BF16 30, ... */
	const unsigned char *data;
	uint64_t bytes;		/* size by type and dims; 0 if the type is unknown to us */
};

struct jgguf;			/* an open file */

/* Elements and bytes of a block of a ggml type, its name; false for a type unknown to us. */
bool jgguf_type_size(int type, unsigned *elements, unsigned *bytes);
const char *jgguf_type_name(int type);		/* "F32", "Q4_K", ... or "unknown" */

/* Of a GGUF in several files (NAME-00001-of-00003.gguf) the first is named: all are opened as one. */
int jgguf_open(struct jgguf **g, const char *path, struct jerr *e);
/* Is `first` the first file of a division, and `other` one of it?  By their names alone. */
bool jgguf_same_division(const char *first, const char *other);
/* The files of a GGUF, the one that is named first: those of a division, where it is their first. */
int jgguf_files(const char *path, struct jarena *a, char ***files, size_t *n, struct jerr *e);
/* The same of n bytes in memory, which must outlive g; name is for messages. */
int jgguf_open_mem(struct jgguf **g, const void *p, size_t n, const char *name, struct jerr *e);
void jgguf_close(struct jgguf *g);
size_t jgguf_tensors(const struct jgguf *g);
const struct jgguf_tensor *jgguf_tensor(const struct jgguf *g, size_t i);
const struct jgguf_tensor *jgguf_find(const struct jgguf *g, const char *name);
size_t jgguf_keys(const struct jgguf *g);
const char *jgguf_key(const struct jgguf *g, size_t i, int *type);

/* Scalars by key: true if present (any integer or bool type converts). */
bool jgguf_get_u64(const struct jgguf *g, const char *key, uint64_t *v);
bool jgguf_get_f64(const struct jgguf *g, const char *key, double *v);
bool jgguf_get_str(const struct jgguf *g, const char *key, struct jgguf_str *s);
/* Arrays: elements (0 if absent) and element access; strings are found by a prebuilt index. */
size_t jgguf_arr_len(const struct jgguf *g, const char *key, int *elem_type);
bool jgguf_arr_str(const struct jgguf *g, const char *key, size_t i, struct jgguf_str *s);
bool jgguf_arr_f64(const struct jgguf *g, const char *key, size_t i, double *v);

/*
 * Writer: keys and tensor declarations in any order, then data in the declared order, in pieces of
 * any size; padding is the writer's.  A bad declaration is reported by the first jgguf_data() or
 * by jgguf_commit().
 */
struct jgguf_writer;
struct jbuf;
int jgguf_create(struct jgguf_writer **w, const char *path, struct jerr *e);
/*
 * Before any data: the file is divided, where it would pass a limit, into NAME-00001-of-00003.gguf and so
 * on, as llama.cpp's gguf-split makes them; what needs one file alone keeps its name.  split stays with
 * the writer, which fills in the last two when it commits.
 */
struct jgguf_split {
	uint64_t max_bytes, max_tensors;	/* of a file; 0 = no limit.  A larger tensor is alone */
	uint64_t files, bytes;			/* out: how many, and all of them */
};
void jgguf_split(struct jgguf_writer *w, struct jgguf_split *split);
/* Appends the name of a file of path's division; of one file, path itself. */
void jgguf_part_name(struct jbuf *out, const char *path, uint64_t no, uint64_t count);
void jgguf_put_u32(struct jgguf_writer *w, const char *key, uint32_t v);
void jgguf_put_f32(struct jgguf_writer *w, const char *key, float v);
void jgguf_put_bool(struct jgguf_writer *w, const char *key, bool v);
void jgguf_put_str(struct jgguf_writer *w, const char *key, const char *s, size_t n);
/* Begins an array of count elements; then exactly count jgguf_arr_add_* calls. */
void jgguf_put_arr(struct jgguf_writer *w, const char *key, enum jgguf_type elem, uint64_t count);
void jgguf_arr_add_str(struct jgguf_writer *w, const char *s, size_t n);
void jgguf_arr_add_i32(struct jgguf_writer *w, int32_t v);
void jgguf_arr_add_f32(struct jgguf_writer *w, float v);
void jgguf_add_tensor(struct jgguf_writer *w, const char *name, int n_dims, const int64_t *dims,
	int type, uint64_t bytes);
int jgguf_data(struct jgguf_writer *w, const void *p, size_t n, struct jerr *e);
int jgguf_commit(struct jgguf_writer *w, struct jerr *e);	/* frees w */
void jgguf_abort(struct jgguf_writer *w);	/* NULL is fine */

#endif
