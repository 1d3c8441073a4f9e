/*
 * gguf_write.c - writing a GGUF v3 file in one pass.
 *
 * Keys and the tensor directory are collected in memory; the first byte of data fixes them and
 * writes the header.  The calls that cannot fail keep their error until one that can.
 */
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "io/jgguf.h"
#include "io/jio.h"

#define ALIGNMENT 32
#define LONGEST_TENSOR 63

struct jgguf_writer {
	struct jout *out;
	struct jbuf keys, infos;
	struct jbuf names;		/* of tensors, each with its NUL */
	uint64_t n_keys, n_tensors;
	uint64_t array_left;		/* elements that the open array still lacks */
	uint64_t *sizes;		/* of the tensors */
	size_t cap_sizes;
	uint64_t offset;		/* of the next tensor in the data */
	bool begun;			/* the header is written */
	uint64_t at;			/* tensor whose data come next */
	uint64_t done;			/* bytes of it that are written */
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
	jbuf_release(&w->keys);
	jbuf_release(&w->infos);
	jbuf_release(&w->names);
	jmem_free(w->sizes);
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
	add_u64(&w->infos, w->offset);
	jbuf_add(&w->names, name, n + 1);
	JMEM_GROW(w->sizes, w->cap_sizes, (size_t)w->n_tensors + 1);
	w->sizes[w->n_tensors++] = bytes;
	w->offset += padded(bytes);
}

static int
pad(struct jgguf_writer *w, struct jerr *e)
{
	static const char zeros[ALIGNMENT];
	uint64_t at = jout_offset(w->out);

	return jout_write(w->out, zeros, (size_t)(padded(at) - at), e);
}

/* The header, once. */
static int
begin_data(struct jgguf_writer *w, struct jerr *e)
{
	struct jbuf head;
	int rc;

	if (w->err.code)
		return jerr_set(e, w->err.code, "%s", w->err.msg);
	if (w->begun)
		return 0;
	if (w->array_left)
		jbug("gguf: an array lacks %llu elements", (unsigned long long)w->array_left);
	w->begun = true;
	jbuf_init(&head);
	jbuf_add(&head, "GGUF", 4);
	add_u32(&head, 3);
	add_u64(&head, w->n_tensors);
	add_u64(&head, w->n_keys);
	rc = jout_write(w->out, head.p, head.n, e);
	jbuf_release(&head);
	if (rc == 0)
		rc = jout_write(w->out, w->keys.p, w->keys.n, e);
	if (rc == 0)
		rc = jout_write(w->out, w->infos.p, w->infos.n, e);
	return rc == 0 && w->n_tensors ? pad(w, e) : rc;
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
		left = w->sizes[w->at] - w->done;
		take = n < left ? n : (size_t)left;
		rc = jout_write(w->out, p, take, e);
		p += take;
		n -= take;
		w->done += take;
		if (rc == 0 && w->done == w->sizes[w->at]) {
			w->at++;
			w->done = 0;
			rc = pad(w, e);
		}
	}
	return rc;
}

int
jgguf_commit(struct jgguf_writer *w, struct jerr *e)
{
	struct jout *out = w->out;
	int rc = begin_data(w, e);

	if (rc == 0 && w->at != w->n_tensors)
		rc = jerr_set(e, JERR_ARG, "%s: data of %llu of %llu tensors were given", w->path,
			(unsigned long long)w->at, (unsigned long long)w->n_tensors);
	if (rc == 0) {
		w->out = NULL;
		rc = jout_commit(out, e);
	}
	jgguf_abort(w);
	return rc;
}
