/*
 * The safetensors reader, and sets of parts.
 */
#include "model/tensorset.h"

#include <stdlib.h>
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "conf/jval.h"
#include "tensor/jquant.h"

#define MAX_PARTS 1024

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct jst_tensor *)a)->name, ((const struct jst_tensor *)b)->name);
}

static int
by_offset(const void *a, const void *b)
{
	const struct jst_tensor *x = *(const struct jst_tensor *const *)a;
	const struct jst_tensor *y = *(const struct jst_tensor *const *)b;

	if (x->data != y->data)
		return x->data < y->data ? -1 : 1;
	return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;	/* empty ones first */
}

static int
read_shape(struct jst_tensor *t, const struct jval *v, const char *name, struct jerr *e)
{
	if (!v || v->type != JVAL_ARR)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: no shape", name, t->name);
	if (v->u.a.n > JST_MAX_DIMS)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: tensor %s: %zu dimensions, at most %d",
			name, t->name, v->u.a.n, JST_MAX_DIMS);
	t->n_dims = (int)v->u.a.n;
	t->count = 1;
	for (int i = 0; i < t->n_dims; i++) {
		const struct jval *d = v->u.a.v[i];

		if (d->type != JVAL_INT || d->u.i < 0)
			return jerr_set(e, JERR_FORMAT, "%s: tensor %s: shape[%d] is not a size",
				name, t->name, i);
		t->shape[i] = d->u.i;
		if (d->u.i > 0 && t->count > (INT64_MAX >> 8) / d->u.i)
			return jerr_set(e, JERR_FORMAT, "%s: tensor %s: shape is too large", name,
				t->name);
		t->count *= d->u.i;
	}
	return 0;
}

static int
read_dtype(struct jst_tensor *t, const struct jval *info, const char *name, struct jerr *e)
{
	const char *s = jval_str(info, "dtype", NULL);
	int d = s ? jdtype_find(s) : -1;

	if (d < 0 || jdtype_is_block((enum jdtype)d) || strcmp(s, jdtype_name((enum jdtype)d)) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: unknown dtype %.20s", name, t->name,
			s ? s : "(none)");
	t->dtype = (enum jdtype)d;
	return 0;
}

/* data, n: the bytes after the header. */
static int
read_info(struct jst_tensor *t, const struct jval *info, const struct st_part *part,
	const unsigned char *data, size_t n, struct jerr *e)
{
	const struct jval *off = jval_get(info, "data_offsets");
	uint64_t begin, end, need;
	int rc;

	if (info->type != JVAL_OBJ)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: expected an object", part->name,
			t->name);
	if ((rc = read_dtype(t, info, part->name, e)) < 0 ||
	    (rc = read_shape(t, jval_get(info, "shape"), part->name, e)) < 0)
		return rc;
	if (!off || off->type != JVAL_ARR || off->u.a.n != 2 || off->u.a.v[0]->type != JVAL_INT ||
	    off->u.a.v[1]->type != JVAL_INT || off->u.a.v[0]->u.i < 0 || off->u.a.v[1]->u.i < 0)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: data_offsets must be two offsets",
			part->name, t->name);
	begin = (uint64_t)off->u.a.v[0]->u.i;
	end = (uint64_t)off->u.a.v[1]->u.i;
	if (begin > end || end > n)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: offsets %llu..%llu, but the file has "
			"%zu bytes of data (truncated?)", part->name, t->name,
			(unsigned long long)begin, (unsigned long long)end, n);
	need = jten_bytes(t->dtype, t->count);
	if (end - begin != need)
		return jerr_set(e, JERR_FORMAT, "%s: tensor %s: %llu bytes, its %s shape needs %llu",
			part->name, t->name, (unsigned long long)(end - begin),
			jdtype_name(t->dtype), (unsigned long long)need);
	t->data = data + begin;
	t->bytes = end - begin;
	t->file = part->name;
	return 0;
}

/* The tensors of one part must tile its data: no hole, no overlap, nothing left over. */
static int
check_tiling(const struct jst_tensor *t, size_t count, const struct st_part *part,
	const unsigned char *data, size_t n, struct jerr *e)
{
	const struct jst_tensor **order = jmem_try(count + 1, sizeof(*order));
	const unsigned char *at = data;
	int rc = 0;

	if (!order)
		return jerr_set(e, JERR_NOMEM, "%s: no memory for %zu tensors", part->name, count);
	for (size_t i = 0; i < count; i++)
		order[i] = &t[i];
	qsort(order, count, sizeof(*order), by_offset);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (order[i]->data != at)
			rc = jerr_set(e, JERR_FORMAT, "%s: tensor %s: %s at data offset %zu",
				part->name, order[i]->name,
				order[i]->data < at ? "overlaps another" : "a hole before it",
				(size_t)(order[i]->data - data));
		at = order[i]->data + order[i]->bytes;
	}
	if (rc == 0 && (size_t)(at - data) != n)
		rc = jerr_set(e, JERR_FORMAT, "%s: %zu bytes after the last tensor belong to none",
			part->name, n - (size_t)(at - data));
	jmem_free(order);
	return rc;
}

static int
read_tensors(struct jst *s, const struct jval *root, const struct st_part *part,
	const unsigned char *data, size_t n, struct jerr *e)
{
	size_t first = s->n;

	for (size_t i = 0; i < root->u.o.n; i++) {
		struct jst_tensor *t;
		int rc;

		if (strcmp(root->u.o.k[i], "__metadata__") == 0) {
			if (!s->meta)
				s->meta = root->u.o.v[i];
			continue;
		}
		JMEM_GROW(s->t, s->cap, s->n + 1);
		t = &s->t[s->n];
		memset(t, 0, sizeof(*t));
		t->name = root->u.o.k[i];
		rc = read_info(t, root->u.o.v[i], part, data, n, e);
		if (rc < 0)
			return rc;
		s->n++;
	}
	return check_tiling(s->t + first, s->n - first, part, data, n, e);
}

static int
read_part(struct jst *s, const struct st_part *part, struct jerr *e)
{
	const unsigned char *p = part->map.p;
	size_t n = part->map.n;
	struct jval *root = NULL;
	uint64_t header;
	int rc;

	if (pytorch_matches(part))
		return pytorch_read(s, part, e);
	if (n < 8)
		return jerr_set(e, JERR_FORMAT, "%s: %zu bytes are no safetensors file", part->name,
			n);
	header = jle_u64(p);
	if (jle_u32(p) == 0x0a8a0280)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: torch.save()'s format from before PyTorch "
			"1.6; load it there and save it again", part->name);
	if (header > JST_MAX_HEADER || header > n - 8)
		return jerr_set(e, JERR_FORMAT, "%s: header of %llu bytes in a file of %zu%s",
			part->name, (unsigned long long)header, n,
			header > JST_MAX_HEADER ? ": no safetensors file" : " (truncated?)");
	rc = jval_parse_json(&root, (const char *)p + 8, (size_t)header, part->name, &s->arena, e);
	if (rc < 0)
		return rc;
	if (root->type != JVAL_OBJ)
		return jerr_set(e, JERR_FORMAT, "%s: header is not an object", part->name);
	return read_tensors(s, root, part, p + 8 + header, n - 8 - (size_t)header, e);
}

static struct jst *
new_set(size_t n_parts)
{
	struct jst *s = jmem_zalloc(1, sizeof(*s));

	jarena_init(&s->arena, 0);
	s->parts = jmem_zalloc(n_parts, sizeof(*s->parts));
	return s;
}

/* Sorts, and refuses a name that two parts both have. */
static int
finish(struct jst *s, struct jerr *e)
{
	if (s->n)
		qsort(s->t, s->n, sizeof(*s->t), by_name);
	for (size_t i = 1; i < s->n; i++)
		if (strcmp(s->t[i - 1].name, s->t[i].name) == 0)
			return jerr_set(e, JERR_FORMAT, "%s: tensor %s is also in %s", s->t[i].file,
				s->t[i].name, s->t[i - 1].file);
	return 0;
}

static int
add_file(struct jst *s, const char *path, const char *name, struct jerr *e)
{
	struct st_part *part = &s->parts[s->n_parts];
	int rc = jfs_map(&part->map, path, e);

	if (rc < 0)
		return rc;
	s->n_parts++;
	part->name = jarena_strndup(&s->arena, name, strlen(name));
	return read_part(s, part, e);
}

int
jst_open(struct jst **out, const char *path, struct jerr *e)
{
	struct jst *s = new_set(1);
	int rc = add_file(s, path, path, e);

	if (rc == 0)
		rc = finish(s, e);
	if (rc < 0)
		jst_close(s);
	else
		*out = s;
	return rc;
}

int
jst_open_mem(struct jst **out, const void *p, size_t n, const char *name, struct jerr *e)
{
	struct jst *s = new_set(1);
	struct st_part part = { { p, n }, jarena_strndup(&s->arena, name, strlen(name)) };
	int rc = read_part(s, &part, e);

	if (rc == 0)
		rc = finish(s, e);
	if (rc < 0)
		jst_close(s);
	else
		*out = s;
	return rc;
}

/* File names in the index are foreign: a plain name in the same folder, nothing else. */
static bool
plain_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/');
}

static bool
have_part(const struct jst *s, const char *name)
{
	for (size_t i = 0; i < s->n_parts; i++)
		if (strcmp(s->parts[i].name, name) == 0)
			return true;
	return false;
}

static int
open_parts(struct jst *s, const char *dir, const struct jval *map, const char *index,
	struct jerr *e)
{
	struct jarena a;
	int rc = 0;

	jarena_init(&a, 0);
	for (size_t i = 0; rc == 0 && i < map->u.o.n; i++) {
		const struct jval *v = map->u.o.v[i];

		if (v->type != JVAL_STR || !plain_name(v->u.s.p))
			rc = jerr_set(e, JERR_FORMAT, "%s: weight_map: %.100s: not a file name", index,
				map->u.o.k[i]);
		else if (have_part(s, v->u.s.p))
			continue;
		else if (s->n_parts == MAX_PARTS)
			rc = jerr_set(e, JERR_LIMIT, "%s: more than %d parts", index, MAX_PARTS);
		else
			rc = add_file(s, jfs_join(&a, dir, v->u.s.p), v->u.s.p, e);
	}
	jarena_release(&a);
	if (rc == 0)
		rc = finish(s, e);
	for (size_t i = 0; rc == 0 && i < map->u.o.n; i++) {
		const struct jst_tensor *t = jst_find(s, map->u.o.k[i]);

		if (!t || strcmp(t->file, map->u.o.v[i]->u.s.p) != 0)
			rc = jerr_set(e, JERR_FORMAT, "%s: tensor %s is not in %s", index,
				map->u.o.k[i], map->u.o.v[i]->u.s.p);
	}
	if (rc == 0 && s->n != map->u.o.n)
		rc = jerr_set(e, JERR_FORMAT, "%s: names %zu tensors, the parts hold %zu", index,
			map->u.o.n, s->n);
	return rc;
}

static int
open_index(struct jst **out, const char *dir, const char *index, struct jerr *e)
{
	struct jst *s = new_set(MAX_PARTS);
	const struct jval *map;
	struct jval *v = NULL;
	int rc = jval_load_json(&v, index, &s->arena, e);

	if (rc == 0) {
		map = jval_get(v, "weight_map");
		if (!map || map->type != JVAL_OBJ)
			rc = jerr_set(e, JERR_FORMAT, "%s: no weight_map", index);
		else
			rc = open_parts(s, dir, map, index, e);
	}
	if (rc < 0)
		jst_close(s);
	else
		*out = s;
	return rc;
}

/* Where weights are looked for, in this order; every second is the index of parts. */
static const char *const weight_files[] = {
	"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
	"pytorch_model.bin.index.json"
};

int
jst_open_dir(struct jst **out, const char *dir, struct jerr *e)
{
	struct jarena a;
	int rc = 1;

	jarena_init(&a, 0);
	for (size_t i = 0; rc == 1 && i < sizeof(weight_files) / sizeof(weight_files[0]); i++) {
		const char *path = jfs_join(&a, dir, weight_files[i]);

		if (jfs_exists(path))
			rc = i % 2 ? open_index(out, dir, path, e) : jst_open(out, path, e);
	}
	jarena_release(&a);
	if (rc == 1)
		return jerr_set(e, JERR_IO, "%s: no model.safetensors, no pytorch_model.bin and no "
			"index of parts", dir);
	return rc;
}

bool
jst_in_dir(const char *dir)
{
	struct jarena a;
	bool found = false;

	jarena_init(&a, 0);
	for (size_t i = 0; !found && i < sizeof(weight_files) / sizeof(weight_files[0]); i++)
		found = jfs_exists(jfs_join(&a, dir, weight_files[i]));
	jarena_release(&a);
	return found;
}

void
jst_close(struct jst *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_parts; i++)
		jfs_unmap(&s->parts[i].map);
	for (size_t i = 0; i < s->n_copies; i++)
		jmem_free(s->copies[i]);
	jmem_free(s->copies);
	jmem_free(s->parts);
	jmem_free(s->t);
	jarena_release(&s->arena);
	jmem_free(s);
}

size_t
jst_count(const struct jst *s)
{
	return s->n;
}

const struct jst_tensor *
jst_at(const struct jst *s, size_t i)
{
	return &s->t[i];
}

const struct jst_tensor *
jst_find(const struct jst *s, const char *name)
{
	struct jst_tensor key = { .name = name };

	return s->n ? bsearch(&key, s->t, s->n, sizeof(*s->t), by_name) : NULL;
}

const char *
jst_metadata(const struct jst *s, const char *key)
{
	return s->meta ? jval_str(s->meta, key, NULL) : NULL;
}

int
jst_check_float(const struct jst_tensor *t, struct jerr *e)
{
	switch (t->dtype) {
	case JDT_F32: case JDT_F16: case JDT_BF16: case JDT_F64: case JDT_F8_E4M3: case JDT_F8_E5M2:
		return 0;
	default:
		return jerr_set(e, JERR_UNSUPPORTED, "%s: tensor %s: %s cannot be read as weights "
			"(supported: F32, F16, BF16, F64, F8_E4M3, F8_E5M2)", t->file, t->name,
			jdtype_name(t->dtype));
	}
}

int
jst_to_f32(const struct jst_tensor *t, float *dst, struct jerr *e)
{
	int rc = jst_check_float(t, e);

	if (rc == 0)
		jten_to_f32(dst, t->data, t->dtype, t->count);
	return rc;
}
