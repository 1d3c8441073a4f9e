/*
 * gguf_write.c - writing a GGUF v3 file, or one in several files, in one pass.
 *
 * Keys and the tensor directory are collected in memory; the first byte of data fixes them, divides
 * the tensors among files, and writes the first header.  The calls that cannot fail keep their error
 * until one that can.
 */
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "io/gguf_parts.h"
#include "io/jio.h"

#define ALIGNMENT 32
#define LONGEST_TENSOR 63

struct tensor {
	uint64_t bytes;
	size_t info_end;		/* in `infos`, of name, extents and type */
};

struct jgguf_writer {
	struct jout *out;		/* what is written now */
	struct jbuf keys, infos;
	struct jbuf names;		/* of tensors, each with its NUL */
	uint64_t n_keys, n_tensors;
	uint64_t array_left;		/* elements that the open array still lacks */
	struct tensor *tensors;
	size_t cap_tensors;
	bool begun;			/* the header is written */
	uint64_t at;			/* tensor whose data come next */
	uint64_t done;			/* bytes of it that are written */
	struct jgguf_split *split;	/* the caller's, or NULL */
	uint64_t *first;		/* tensor of each file, and behind the last; NULL: one file */
	size_t cap_first, n_parts, part;
	struct jout **whole;		/* files before `out`, written but not there yet */
	size_t cap_whole, n_whole;
	struct jerr err;
	char *path;
};

static void
add_u32(struct jbuf *b, uint32_t v)
{
	unsigned char p[4];

	jle_put32(p, v);
	jbuf_add(b, p, sizeof(p));
}

static void
add_u64(struct jbuf *b, uint64_t v)
{
	unsigned char p[8];

	jle_put64(p, v);
	jbuf_add(b, p, sizeof(p));
}

static void
add_str(struct jbuf *b, const char *s, size_t n)
{
	add_u64(b, n);
	jbuf_add(b, s, n);
}

static uint64_t
padded(uint64_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

int
jgguf_create(struct jgguf_writer **out, const char *path, struct jerr *e)
{
	struct jgguf_writer *w;
	struct jout *o;
	int rc = jout_open(&o, path, e);

	*out = NULL;
	if (rc < 0)
		return rc;
	w = jmem_zalloc(1, sizeof(*w));
	w->out = o;
	w->path = jmem_strdup(path);
	jbuf_init(&w->keys);
	jbuf_init(&w->infos);
	jbuf_init(&w->names);
	*out = w;
	return 0;
}

void
jgguf_abort(struct jgguf_writer *w)
{
	if (!w)
		return;
	jout_abort(w->out);
	for (size_t i = 0; i < w->n_whole; i++)
		jout_abort(w->whole[i]);
	jbuf_release(&w->keys);
	jbuf_release(&w->infos);
	jbuf_release(&w->names);
	jmem_free(w->tensors);
	jmem_free(w->first);
	jmem_free(w->whole);
	jmem_free(w->path);
	jmem_free(w);
}

static void
begin_key(struct jgguf_writer *w, const char *key, int type)
{
	if (w->begun)
		jbug("gguf: key %s after the data", key);
	if (w->array_left)
		jbug("gguf: key %s while an array lacks %llu elements", key,
			(unsigned long long)w->array_left);
	add_str(&w->keys, key, strlen(key));
	add_u32(&w->keys, (uint32_t)type);
	w->n_keys++;
}

void
jgguf_put_u32(struct jgguf_writer *w, const char *key, uint32_t v)
{
	begin_key(w, key, JGGUF_U32);
	add_u32(&w->keys, v);
}

static void
add_f32(struct jbuf *b, float v)
{
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	add_u32(b, bits);
}

void
jgguf_put_f32(struct jgguf_writer *w, const char *key, float v)
{
	begin_key(w, key, JGGUF_F32);
	add_f32(&w->keys, v);
}

void
jgguf_put_bool(struct jgguf_writer *w, const char *key, bool v)
{
	begin_key(w, key, JGGUF_BOOL);
	jbuf_addc(&w->keys, v);
}

void
jgguf_put_str(struct jgguf_writer *w, const char *key, const char *s, size_t n)
{
	begin_key(w, key, JGGUF_STR);
	add_str(&w->keys, s, n);
}

void
jgguf_put_arr(struct jgguf_writer *w, const char *key, enum jgguf_type elem, uint64_t count)
{
	begin_key(w, key, JGGUF_ARR);
	add_u32(&w->keys, (uint32_t)elem);
	add_u64(&w->keys, count);
	w->array_left = count;
}

static void
element(struct jgguf_writer *w)
{
	if (!w->array_left)
		jbug("gguf: more elements than the array has");
	w->array_left--;
}

void
jgguf_arr_add_str(struct jgguf_writer *w, const char *s, size_t n)
{
	element(w);
	add_str(&w->keys, s, n);
}

void
jgguf_arr_add_i32(struct jgguf_writer *w, int32_t v)
{
	element(w);
	add_u32(&w->keys, (uint32_t)v);
}

void
jgguf_arr_add_f32(struct jgguf_writer *w, float v)
{
	element(w);
	add_f32(&w->keys, v);
}

static bool
is_taken(const struct jgguf_writer *w, const char *name)
{
	const char *p = w->names.p, *end = p + w->names.n;

	for (; p < end; p += strlen(p) + 1)
		if (strcmp(p, name) == 0)
			return true;
	return false;
}

void
jgguf_add_tensor(struct jgguf_writer *w, const char *name, int n_dims, const int64_t *dims, int type,
	uint64_t bytes)
{
	size_t n = strlen(name);
	int i;

	if (w->begun)
		jbug("gguf: tensor %s after the data", name);
	if (n == 0 || n > LONGEST_TENSOR || n_dims < 1 || n_dims > 4 || bytes == 0)
		jerr_set(&w->err, JERR_ARG,
			"%s: tensor %.80s: a name of 1 to %d bytes, 1 to 4 dimensions and data expected", w->path,
			name, LONGEST_TENSOR);
	else if (is_taken(w, name))
		jerr_set(&w->err, JERR_ARG, "%s: tensor %s is declared twice", w->path, name);
	if (w->err.code)
		return;
	add_str(&w->infos, name, n);
	add_u32(&w->infos, (uint32_t)n_dims);
	for (i = 0; i < n_dims; i++)
		add_u64(&w->infos, (uint64_t)dims[i]);
	add_u32(&w->infos, (uint32_t)type);
	jbuf_add(&w->names, name, n + 1);
	JMEM_GROW(w->tensors, w->cap_tensors, (size_t)w->n_tensors + 1);
	w->tensors[w->n_tensors++] = (struct tensor){ bytes, w->infos.n };
}

void
jgguf_split(struct jgguf_writer *w, struct jgguf_split *split)
{
	if (w->begun)
		jbug("gguf: divided after the data");
	w->split = split;
}

static int
pad(struct jgguf_writer *w, struct jerr *e)
{
	static const char zeros[ALIGNMENT];
	uint64_t at = jout_offset(w->out);

	return jout_write(w->out, zeros, (size_t)(padded(at) - at), e);
}

/* Where the files of a split begin: a file is full before it would grow past a limit. */
static int
divide(struct jgguf_writer *w, struct jerr *e)
{
	const struct jgguf_split *s = w->split;
	uint64_t bytes = 0, tensors = 0;

	for (uint64_t i = 0; s && i < w->n_tensors; i++) {
		uint64_t next = padded(w->tensors[i].bytes);

		if (i == 0 || (s->max_bytes && bytes + next > s->max_bytes) ||
		    (s->max_tensors && tensors == s->max_tensors)) {
			JMEM_GROW(w->first, w->cap_first, w->n_parts + 2);
			w->first[w->n_parts++] = i;
			bytes = tensors = 0;
		}
		bytes += next;
		tensors++;
	}
	if (w->n_parts > GGUF_MOST_PARTS)
		return jerr_set(e, JERR_ARG, "%s: %zu files: at most %d are written, allow larger ones",
			w->path, w->n_parts, GGUF_MOST_PARTS);
	if (w->n_parts > 1)
		w->first[w->n_parts] = w->n_tensors;
	else
		w->n_parts = 1;
	return 0;
}

static bool
is_split(const struct jgguf_writer *w)
{
	return w->n_parts > 1;
}

/* The next file of a split takes the place of what is open. */
static int
open_part(struct jgguf_writer *w, struct jerr *e)
{
	struct jbuf name;
	int rc;

	if (w->part == 0) {
		jout_abort(w->out);
	} else {
		JMEM_GROW(w->whole, w->cap_whole, w->n_whole + 1);
		w->whole[w->n_whole++] = w->out;
	}
	w->out = NULL;
	jbuf_init(&name);
	jgguf_part_name(&name, w->path, w->part, w->n_parts);
	rc = jout_open(&w->out, name.p, e);
	jbuf_release(&name);
	return rc;
}

/* Types as llama.cpp's loader insists on them. */
static void
add_split_keys(const struct jgguf_writer *w, struct jbuf *b)
{
	const struct {
		const char *key;
		int type;
		uint64_t v;
	} keys[] = {
		{ "split.no", JGGUF_U16, w->part }, { "split.count", JGGUF_U16, w->n_parts },
		{ "split.tensors.count", JGGUF_I32, w->n_tensors }
	};

	for (size_t i = 0; i < 3; i++) {
		unsigned char v[4];

		add_str(b, keys[i].key, strlen(keys[i].key));
		add_u32(b, (uint32_t)keys[i].type);
		jle_put32(v, (uint32_t)keys[i].v);
		jbuf_add(b, v, keys[i].type == JGGUF_U16 ? 2 : 4);
	}
}

/* The directory of the tensors first..last - 1; offsets count from the file's first. */
static void
add_infos(const struct jgguf_writer *w, uint64_t first, uint64_t last, struct jbuf *b)
{
	uint64_t offset = 0;

	for (uint64_t i = first; i < last; i++) {
		size_t from = i ? w->tensors[i - 1].info_end : 0;

		jbuf_add(b, w->infos.p + from, w->tensors[i].info_end - from);
		add_u64(b, offset);
		offset += padded(w->tensors[i].bytes);
	}
}

/* Header of the file that begins with tensor `at`; the keys are in the first alone. */
static int
begin_file(struct jgguf_writer *w, struct jerr *e)
{
	uint64_t last = is_split(w) ? w->first[w->part + 1] : w->n_tensors;
	struct jbuf head;
	int rc = is_split(w) ? open_part(w, e) : 0;

	if (rc < 0)
		return rc;
	jbuf_init(&head);
	jbuf_add(&head, "GGUF", 4);
	add_u32(&head, 3);
	add_u64(&head, last - w->at);
	add_u64(&head, (w->part ? 0 : w->n_keys) + (is_split(w) ? 3 : 0));
	if (w->part == 0)
		jbuf_add(&head, w->keys.p, w->keys.n);
	if (is_split(w))
		add_split_keys(w, &head);
	add_infos(w, w->at, last, &head);
	rc = jout_write(w->out, head.p, head.n, e);
	jbuf_release(&head);
	return rc == 0 && w->n_tensors ? pad(w, e) : rc;
}

/* Everything before the data, once. */
static int
begin_data(struct jgguf_writer *w, struct jerr *e)
{
	if (w->err.code)
		return jerr_set(e, w->err.code, "%s", w->err.msg);
	if (w->begun)
		return 0;
	if (w->array_left)
		jbug("gguf: an array lacks %llu elements", (unsigned long long)w->array_left);
	w->begun = true;
	return divide(w, e) < 0 ? e->code : begin_file(w, e);
}

/* All of tensor `at` is written. */
static int
end_tensor(struct jgguf_writer *w, struct jerr *e)
{
	int rc = pad(w, e);

	w->at++;
	w->done = 0;
	if (rc < 0 || !is_split(w) || w->at != w->first[w->part + 1] || w->at == w->n_tensors)
		return rc;
	w->part++;
	return begin_file(w, e);
}

int
jgguf_data(struct jgguf_writer *w, const void *data, size_t n, struct jerr *e)
{
	const char *p = data;
	uint64_t left;
	size_t take;
	int rc = begin_data(w, e);

	while (rc == 0 && n) {
		if (w->at == w->n_tensors)
			jbug("gguf: more data than the tensors have");
		left = w->tensors[w->at].bytes - w->done;
		take = n < left ? n : (size_t)left;
		rc = jout_write(w->out, p, take, e);
		p += take;
		n -= take;
		w->done += take;
		if (rc == 0 && w->done == w->tensors[w->at].bytes)
			rc = end_tensor(w, e);
	}
	return rc;
}

/* The files appear, that of the keys, by which all are opened, last. */
static int
commit_all(struct jgguf_writer *w, struct jerr *e)
{
	struct jout *out = w->out;
	uint64_t bytes = jout_offset(out);
	int rc;

	for (size_t i = 0; i < w->n_whole; i++)
		bytes += jout_offset(w->whole[i]);
	w->out = NULL;
	rc = jout_commit(out, e);
	while (rc == 0 && w->n_whole > 0)
		rc = jout_commit(w->whole[--w->n_whole], e);
	if (rc == 0 && w->split) {
		w->split->files = w->n_parts;
		w->split->bytes = bytes;
	}
	return rc;
}

int
jgguf_commit(struct jgguf_writer *w, struct jerr *e)
{
	int rc = begin_data(w, e);

	if (rc == 0 && w->at != w->n_tensors)
		rc = jerr_set(e, JERR_ARG, "%s: data of %llu of %llu tensors were given", w->path,
			(unsigned long long)w->at, (unsigned long long)w->n_tensors);
	if (rc == 0)
		rc = commit_all(w, e);
	jgguf_abort(w);
	return rc;
}
