/*
 * gguf_read.c - parsing and look-up of a mapped GGUF file.
 *
 * The parser is a cursor that can only move forward over bytes that exist.  A count is believed
 * only if that many of the smallest possible items fit into the bytes that are left, so no
 * allocation exceeds a small multiple of the file.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "io/gguf_parts.h"
#include "io/jfs.h"
#include "io/jgguf.h"

#define LEAST_KEY 13		/* bytes: an empty name, a type, one byte of value */
#define LEAST_TENSOR 24		/* an empty name, no dimensions, type, offset */
#define LONGEST_KEY 65535
#define LONGEST_TENSOR 63	/* GGML_MAX_NAME less the NUL */
#define MAX_ALIGNMENT (1u << 24)

struct key {
	char *name;
	int type, elem;			/* elem: of an array */
	uint64_t count;			/* elements of an array, else 1 */
	const unsigned char *value;	/* bytes of the value or of the first element */
	const unsigned char **strings;	/* of an array of strings: where each begins */
};

struct jgguf {
	char *name;			/* of the file, for messages */
	struct jmapped map;		/* when we mapped it */
	struct jarena arena;		/* names */
	struct key *keys;
	struct key **by_key;		/* sorted by name */
	size_t n_keys;
	struct jgguf_tensor *tensors;
	struct jgguf_tensor **by_name;
	size_t n_tensors;
	struct jgguf **parts;		/* of a split file: what the tensors of the others point into */
	size_t n_parts, cap_parts;
};

struct cursor {
	const unsigned char *p, *begin, *end;
	struct jgguf *g;
	struct jerr *e;
};

static int
bad(const struct cursor *c, const char *what)
{
	return jerr_set(c->e, JERR_FORMAT, "%s: byte %llu: %s", c->g->name,
		(unsigned long long)(c->p - c->begin), what);
}

static int
need(const struct cursor *c, uint64_t n)
{
	if (n <= (uint64_t)(c->end - c->p))
		return 0;
	return jerr_set(c->e, JERR_FORMAT, "%s: byte %llu: %llu more bytes expected, the file has %llu",
		c->g->name, (unsigned long long)(c->p - c->begin), (unsigned long long)n,
		(unsigned long long)(c->end - c->p));
}

static int
get_u32(struct cursor *c, uint32_t *v)
{
	int rc = need(c, 4);

	if (rc < 0)
		return rc;
	*v = jle_u32(c->p);
	c->p += 4;
	return 0;
}

static int
get_u64(struct cursor *c, uint64_t *v)
{
	int rc = need(c, 8);

	if (rc < 0)
		return rc;
	*v = jle_u64(c->p);
	c->p += 8;
	return 0;
}

/* A count of items that take at least `least` bytes each. */
static int
get_count(struct cursor *c, uint64_t least, const char *what, uint64_t *v)
{
	int rc = get_u64(c, v);

	if (rc < 0)
		return rc;
	if (*v <= (uint64_t)(c->end - c->p) / least)
		return 0;
	return jerr_set(c->e, JERR_FORMAT, "%s: byte %llu: %llu %s cannot be in %llu bytes", c->g->name,
		(unsigned long long)(c->p - c->begin) - 8, (unsigned long long)*v, what,
		(unsigned long long)(c->end - c->p));
}

static int
get_name(struct cursor *c, uint64_t longest, char **name)
{
	uint64_t n;
	int rc = get_u64(c, &n);

	if (rc < 0)
		return rc;
	if (n == 0 || n > longest)
		return bad(c, "a name is empty or too long");
	rc = need(c, n);
	if (rc < 0)
		return rc;
	if (memchr(c->p, 0, (size_t)n))
		return bad(c, "a name contains a NUL");
	*name = jarena_strndup(&c->g->arena, (const char *)c->p, (size_t)n);
	c->p += n;
	return 0;
}

static int
skip_string(struct cursor *c)
{
	uint64_t n;
	int rc = get_u64(c, &n);

	if (rc == 0)
		rc = need(c, n);
	if (rc == 0)
		c->p += n;
	return rc;
}

/* Bytes of a value of fixed size, 0 for the others and for unknown types. */
static unsigned
scalar_bytes(int type)
{
	static const unsigned char bytes[] = { [JGGUF_U8] = 1, [JGGUF_I8] = 1, [JGGUF_U16] = 2,
		[JGGUF_I16] = 2, [JGGUF_U32] = 4, [JGGUF_I32] = 4, [JGGUF_F32] = 4, [JGGUF_BOOL] = 1,
		[JGGUF_U64] = 8, [JGGUF_I64] = 8, [JGGUF_F64] = 8 };

	return type < 0 || type > JGGUF_F64 ? 0 : bytes[type];
}

static int
get_array(struct cursor *c, struct key *k)
{
	uint32_t elem;
	uint64_t i;
	int rc = get_u32(c, &elem);

	if (rc < 0)
		return rc;
	k->elem = (int)elem;
	if (elem == JGGUF_ARR)
		return jerr_set(c->e, JERR_UNSUPPORTED, "%s: key %s: an array of arrays", c->g->name,
			k->name);
	if (elem != JGGUF_STR && !scalar_bytes(k->elem))
		return bad(c, "unknown type of array elements");
	rc = get_count(c, elem == JGGUF_STR ? 8 : scalar_bytes(k->elem), "array elements", &k->count);
	k->value = c->p;
	if (rc < 0)
		return rc;
	if (elem != JGGUF_STR) {
		c->p += k->count * scalar_bytes(k->elem);
		return 0;
	}
	k->strings = jmem_try((size_t)k->count, sizeof(*k->strings));
	if (!k->strings)
		return jerr_set(c->e, JERR_NOMEM, "%s: key %s: no memory", c->g->name, k->name);
	for (i = 0; rc == 0 && i < k->count; i++) {
		k->strings[i] = c->p;
		rc = skip_string(c);
	}
	return rc;
}

static int
get_key(struct cursor *c, struct key *k)
{
	uint32_t type;
	int rc = get_name(c, LONGEST_KEY, &k->name);

	if (rc == 0)
		rc = get_u32(c, &type);
	if (rc < 0)
		return rc;
	if (type > JGGUF_F64)
		return bad(c, "unknown type of value");
	k->type = (int)type;
	k->count = 1;
	k->value = c->p;
	if (type == JGGUF_ARR)
		return get_array(c, k);
	if (type == JGGUF_STR)
		return skip_string(c);
	rc = need(c, scalar_bytes(k->type));
	if (rc == 0)
		c->p += scalar_bytes(k->type);
	return rc;
}

/* Bytes of the tensor into t->bytes, 0 if the type is unknown. */
static int
measure(struct cursor *c, struct jgguf_tensor *t)
{
	unsigned elements, bytes;
	uint64_t n = 1;
	int i;

	for (i = 0; i < 4; i++) {
		if (t->dims[i] < 1 || n > INT64_MAX / (uint64_t)t->dims[i])
			return jerr_set(c->e, JERR_FORMAT, "%s: tensor %s: impossible shape", c->g->name,
				t->name);
		n *= (uint64_t)t->dims[i];
	}
	if (!jgguf_type_size(t->type, &elements, &bytes))
		return 0;
	if (t->dims[0] % elements)
		return jerr_set(c->e, JERR_FORMAT,
			"%s: tensor %s: rows of %lld elements are not whole blocks of %u", c->g->name,
			t->name, (long long)t->dims[0], elements);
	if (n / elements > INT64_MAX / bytes)
		return jerr_set(c->e, JERR_FORMAT, "%s: tensor %s: impossible size", c->g->name, t->name);
	t->bytes = n / elements * bytes;
	return 0;
}

/* The offset is kept in *at until the start of the data is known. */
static int
get_tensor(struct cursor *c, struct jgguf_tensor *t, uint64_t *at)
{
	uint32_t n_dims, type;
	uint64_t v;
	char *name;
	uint32_t i;
	int rc = get_name(c, LONGEST_TENSOR, &name);

	if (rc == 0)
		rc = get_u32(c, &n_dims);
	if (rc < 0)
		return rc;
	t->name = name;
	if (n_dims > 4)
		return bad(c, "a tensor has more than 4 dimensions");
	t->n_dims = (int)n_dims;
	for (i = 0; i < 4; i++)
		t->dims[i] = 1;
	for (i = 0; rc == 0 && i < n_dims; i++) {
		rc = get_u64(c, &v);
		t->dims[i] = rc == 0 && v <= INT64_MAX ? (int64_t)v : -1;
	}
	if (rc == 0)
		rc = get_u32(c, &type);
	if (rc == 0)
		rc = get_u64(c, at);
	if (rc < 0)
		return rc;
	t->type = type > INT32_MAX ? -1 : (int)type;
	return measure(c, t);
}

static int
order_keys(const void *a, const void *b)
{
	return strcmp((*(struct key *const *)a)->name, (*(struct key *const *)b)->name);
}

static int
order_tensors(const void *a, const void *b)
{
	return strcmp((*(struct jgguf_tensor *const *)a)->name,
		(*(struct jgguf_tensor *const *)b)->name);
}

/* Where data begin; a tensor without elements is not possible, so equal starts overlap. */
static int
order_data(const void *a, const void *b)
{
	const unsigned char *x = (*(struct jgguf_tensor *const *)a)->data;
	const unsigned char *y = (*(struct jgguf_tensor *const *)b)->data;

	return (x > y) - (x < y);
}

static int
index_keys(struct cursor *c)
{
	struct jgguf *g = c->g;
	size_t i;

	for (i = 0; i < g->n_keys; i++)
		g->by_key[i] = &g->keys[i];
	qsort(g->by_key, g->n_keys, sizeof(*g->by_key), order_keys);
	for (i = 1; i < g->n_keys; i++)
		if (strcmp(g->by_key[i - 1]->name, g->by_key[i]->name) == 0)
			return jerr_set(c->e, JERR_FORMAT, "%s: key %s appears twice", g->name,
				g->by_key[i]->name);
	return 0;
}

static int
get_keys(struct cursor *c, uint64_t n)
{
	struct jgguf *g = c->g;
	int rc = 0;

	g->keys = jmem_try((size_t)n, sizeof(*g->keys));
	g->by_key = jmem_try((size_t)n, sizeof(*g->by_key));
	if (!g->keys || !g->by_key)
		return jerr_set(c->e, JERR_NOMEM, "%s: no memory for %llu keys", g->name,
			(unsigned long long)n);
	while (rc == 0 && g->n_keys < n) {
		g->keys[g->n_keys] = (struct key){ 0 };
		/* Counted first: what a failing one has allocated must be released. */
		rc = get_key(c, &g->keys[g->n_keys++]);
	}
	return rc < 0 ? rc : index_keys(c);
}

static int
get_alignment(struct cursor *c, uint64_t *align)
{
	uint64_t v = 32;
	int type, rc = 0;
	size_t i;

	for (i = 0; i < c->g->n_keys; i++)
		if (strcmp(jgguf_key(c->g, i, &type), "general.alignment") == 0 && type != JGGUF_U32)
			rc = bad(c, "general.alignment is not an unsigned 32-bit number");
	jgguf_get_u64(c->g, "general.alignment", &v);
	if (rc == 0 && (v < 8 || v > MAX_ALIGNMENT || (v & (v - 1))))
		rc = bad(c, "general.alignment is not a power of two from 8 up");
	*align = v;
	return rc;
}

/* Turns offsets into pointers, all inside the data and apart from each other. */
static int
place(struct cursor *c, const uint64_t *at)
{
	struct jgguf *g = c->g;
	uint64_t align, start, room;
	struct jgguf_tensor *t;
	size_t i;
	int rc = get_alignment(c, &align);

	if (rc < 0 || !g->n_tensors)
		return rc;
	start = ((uint64_t)(c->p - c->begin) + align - 1) / align * align;
	room = start <= (uint64_t)(c->end - c->begin) ? (uint64_t)(c->end - c->begin) - start : 0;
	for (i = 0; i < g->n_tensors; i++) {
		t = &g->tensors[i];
		if (at[i] % align)
			return jerr_set(c->e, JERR_FORMAT, "%s: tensor %s: offset %llu is not a multiple of %llu",
				g->name, t->name, (unsigned long long)at[i], (unsigned long long)align);
		if (at[i] > room || t->bytes > room - at[i])
			return jerr_set(c->e, JERR_FORMAT,
				"%s: tensor %s: %llu bytes at offset %llu, but the data have %llu", g->name,
				t->name, (unsigned long long)t->bytes, (unsigned long long)at[i],
				(unsigned long long)room);
		t->data = c->begin + start + at[i];
		g->by_name[i] = t;
	}
	qsort(g->by_name, g->n_tensors, sizeof(*g->by_name), order_data);
	for (i = 1; i < g->n_tensors; i++) {
		t = g->by_name[i - 1];
		if (t->bytes > (uint64_t)(g->by_name[i]->data - t->data))
			return jerr_set(c->e, JERR_FORMAT, "%s: tensors %s and %s overlap", g->name, t->name,
				g->by_name[i]->name);
	}
	qsort(g->by_name, g->n_tensors, sizeof(*g->by_name), order_tensors);
	for (i = 1; i < g->n_tensors; i++)
		if (strcmp(g->by_name[i - 1]->name, g->by_name[i]->name) == 0)
			return jerr_set(c->e, JERR_FORMAT, "%s: tensor %s appears twice", g->name,
				g->by_name[i]->name);
	return 0;
}

static int
get_tensors(struct cursor *c, uint64_t n)
{
	struct jgguf *g = c->g;
	uint64_t *at;
	int rc = 0;

	if (n > (uint64_t)(c->end - c->p) / LEAST_TENSOR)
		return bad(c, "more tensors announced than the file can hold");
	g->tensors = jmem_try((size_t)n, sizeof(*g->tensors));
	g->by_name = jmem_try((size_t)n, sizeof(*g->by_name));
	at = jmem_try((size_t)n, sizeof(*at));
	if (!g->tensors || !g->by_name || !at)
		rc = jerr_set(c->e, JERR_NOMEM, "%s: no memory for %llu tensors", g->name,
			(unsigned long long)n);
	for (; rc == 0 && g->n_tensors < n; g->n_tensors++) {
		g->tensors[g->n_tensors] = (struct jgguf_tensor){ 0 };
		rc = get_tensor(c, &g->tensors[g->n_tensors], &at[g->n_tensors]);
	}
	if (rc == 0)
		rc = place(c, at);
	jmem_free(at);
	return rc;
}

static int
parse(struct cursor *c)
{
	uint32_t version;
	uint64_t tensors, keys;
	int rc;

	if (c->end - c->p < 4 || memcmp(c->p, "GGUF", 4) != 0)
		return bad(c, "not a GGUF file: it does not begin with \"GGUF\"");
	c->p += 4;
	rc = get_u32(c, &version);
	if (rc < 0)
		return rc;
	if (version && (version & 0xffff) == 0)
		return jerr_set(c->e, JERR_UNSUPPORTED, "%s: a big-endian GGUF file", c->g->name);
	if (version != 2 && version != 3)
		return jerr_set(c->e, JERR_UNSUPPORTED, "%s: GGUF version %u, 2 or 3 expected", c->g->name,
			(unsigned)version);
	rc = get_count(c, LEAST_TENSOR, "tensors", &tensors);
	if (rc == 0)
		rc = get_count(c, LEAST_KEY, "keys", &keys);
	if (rc == 0)
		rc = get_keys(c, keys);
	return rc == 0 ? get_tensors(c, tensors) : rc;
}

static int
open_bytes(struct jgguf *g, const void *p, size_t n, struct jerr *e)
{
	struct cursor c = { p, p, n ? (const unsigned char *)p + n : p, g, e };

	if (n)
		return parse(&c);
	return jerr_set(e, JERR_FORMAT, "%s: empty, a GGUF file expected", g->name);
}

int
jgguf_open_mem(struct jgguf **out, const void *p, size_t n, const char *name, struct jerr *e)
{
	struct jgguf *g = jmem_zalloc(1, sizeof(*g));
	int rc;

	*out = NULL;
	g->name = jmem_strdup(name);
	rc = open_bytes(g, p, n, e);
	if (rc < 0) {
		jgguf_close(g);
		return rc;
	}
	*out = g;
	return 0;
}

int
gguf_open_one(struct jgguf **out, const char *path, struct jerr *e)
{
	struct jmapped map;
	int rc = jfs_map(&map, path, e);

	*out = NULL;
	if (rc == 0)
		rc = jgguf_open_mem(out, map.p, map.n, path, e);
	if (rc < 0)
		jfs_unmap(&map);
	else
		(*out)->map = map;
	return rc;
}

int
gguf_join(struct jgguf *g, struct jgguf *part, struct jerr *e)
{
	size_t n = g->n_tensors + part->n_tensors;

	JMEM_GROW(g->parts, g->cap_parts, g->n_parts + 1);
	g->parts[g->n_parts++] = part;
	g->tensors = jmem_realloc(g->tensors, n + 1, sizeof(*g->tensors));
	g->by_name = jmem_realloc(g->by_name, n + 1, sizeof(*g->by_name));
	if (part->n_tensors)
		memcpy(g->tensors + g->n_tensors, part->tensors, part->n_tensors * sizeof(*g->tensors));
	g->n_tensors = n;
	for (size_t i = 0; i < n; i++)
		g->by_name[i] = &g->tensors[i];
	qsort(g->by_name, n, sizeof(*g->by_name), order_tensors);
	for (size_t i = 1; i < n; i++)
		if (strcmp(g->by_name[i - 1]->name, g->by_name[i]->name) == 0)
			return jerr_set(e, JERR_FORMAT, "%s: tensor %s is in another part too", part->name,
				g->by_name[i]->name);
	return 0;
}

void
jgguf_close(struct jgguf *g)
{
	size_t i;

	if (!g)
		return;
	for (i = 0; i < g->n_parts; i++)
		jgguf_close(g->parts[i]);
	jmem_free(g->parts);
	for (i = 0; i < g->n_keys; i++)
		jmem_free(g->keys[i].strings);
	jmem_free(g->keys);
	jmem_free(g->by_key);
	jmem_free(g->tensors);
	jmem_free(g->by_name);
	jarena_release(&g->arena);
	jfs_unmap(&g->map);
	jmem_free(g->name);
	jmem_free(g);
}

size_t
jgguf_tensors(const struct jgguf *g)
{
	return g->n_tensors;
}

const struct jgguf_tensor *
jgguf_tensor(const struct jgguf *g, size_t i)
{
	return i < g->n_tensors ? &g->tensors[i] : NULL;
}

const struct jgguf_tensor *
jgguf_find(const struct jgguf *g, const char *name)
{
	struct jgguf_tensor want = { .name = name };
	const struct jgguf_tensor *key = &want;
	struct jgguf_tensor **hit = NULL;

	if (g->n_tensors)
		hit = bsearch(&key, g->by_name, g->n_tensors, sizeof(*g->by_name), order_tensors);
	return hit ? *hit : NULL;
}

size_t
jgguf_keys(const struct jgguf *g)
{
	return g->n_keys;
}

const char *
jgguf_key(const struct jgguf *g, size_t i, int *type)
{
	if (i >= g->n_keys)
		return NULL;
	if (type)
		*type = g->keys[i].type;
	return g->keys[i].name;
}

static const struct key *
find_key(const struct jgguf *g, const char *name)
{
	size_t lo = 0, hi = g->n_keys, mid;
	int c;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(name, g->by_key[mid]->name);
		if (c == 0)
			return g->by_key[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* An integer or bool as its 64 bits and whether it is below zero. */
static bool
integer(int type, const unsigned char *p, int64_t *v, bool *minus)
{
	switch (type) {
	case JGGUF_U8:
	case JGGUF_BOOL:
		*v = type == JGGUF_BOOL ? p[0] != 0 : p[0];
		break;
	case JGGUF_I8:
		*v = (int8_t)p[0];
		break;
	case JGGUF_U16:
		*v = jle_u16(p);
		break;
	case JGGUF_I16:
		*v = (int16_t)jle_u16(p);
		break;
	case JGGUF_U32:
		*v = jle_u32(p);
		break;
	case JGGUF_I32:
		*v = (int32_t)jle_u32(p);
		break;
	case JGGUF_U64:
	case JGGUF_I64:
		*v = (int64_t)jle_u64(p);
		break;
	default:
		return false;
	}
	*minus = *v < 0 && type != JGGUF_U64;
	return true;
}

static bool
number(int type, const unsigned char *p, double *v)
{
	uint64_t bits;
	int64_t i;
	bool minus;

	if (type == JGGUF_F32) {
		*v = jle_f32(p);
		return true;
	}
	if (type == JGGUF_F64) {
		bits = jle_u64(p);
		memcpy(v, &bits, sizeof(*v));
		return true;
	}
	if (!integer(type, p, &i, &minus))
		return false;
	*v = type == JGGUF_U64 ? (double)(uint64_t)i : (double)i;
	return true;
}

static void
string(const unsigned char *p, struct jgguf_str *s)
{
	s->n = (size_t)jle_u64(p);
	s->p = (const char *)p + 8;
}

bool
jgguf_get_u64(const struct jgguf *g, const char *key, uint64_t *v)
{
	const struct key *k = find_key(g, key);
	int64_t i;
	bool minus;

	if (!k || !integer(k->type, k->value, &i, &minus) || minus)
		return false;
	*v = (uint64_t)i;
	return true;
}

bool
jgguf_get_f64(const struct jgguf *g, const char *key, double *v)
{
	const struct key *k = find_key(g, key);

	return k && number(k->type, k->value, v);
}

bool
jgguf_get_str(const struct jgguf *g, const char *key, struct jgguf_str *s)
{
	const struct key *k = find_key(g, key);

	if (!k || k->type != JGGUF_STR)
		return false;
	string(k->value, s);
	return true;
}

size_t
jgguf_arr_len(const struct jgguf *g, const char *key, int *elem_type)
{
	const struct key *k = find_key(g, key);

	if (!k || k->type != JGGUF_ARR)
		return 0;
	if (elem_type)
		*elem_type = k->elem;
	return (size_t)k->count;
}

bool
jgguf_arr_str(const struct jgguf *g, const char *key, size_t i, struct jgguf_str *s)
{
	const struct key *k = find_key(g, key);

	if (!k || !k->strings || i >= k->count)
		return false;
	string(k->strings[i], s);
	return true;
}

bool
jgguf_arr_f64(const struct jgguf *g, const char *key, size_t i, double *v)
{
	const struct key *k = find_key(g, key);

	if (!k || k->type != JGGUF_ARR || i >= k->count)
		return false;
	return number(k->elem, k->value + i * scalar_bytes(k->elem), v);
}
