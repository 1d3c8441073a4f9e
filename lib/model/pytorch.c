/*
 * pytorch.c - torch.save()'s zip checkpoints: ARCHIVE/data.pkl, a pickled dictionary from names to
 * tensors, and ARCHIVE/data/KEY, the bytes of each storage.  Tensors that lie in order stay in the
 * mapping; views with other strides are copied into order.
 */
#include <string.h>

#include "base/jle.h"
#include "model/pickle.h"
#include "model/tensorset.h"
#include "model/zipmap.h"

#define MAX_PICKLE (16u << 20)

struct reader {
	struct jst *s;
	const struct st_part *part;
	struct zipmap zip;
	const char *root;		/* "ARCHIVE/" */
	struct jerr *e;
};

bool
pytorch_matches(const struct st_part *part)
{
	return part->map.n >= 4 && jle_u32(part->map.p) == 0x04034b50;
}

static int
refuse(const struct reader *r, const char *name, const char *what)
{
	return jerr_set(r->e, JERR_FORMAT, "%s: tensor %.200s: %s", r->part->name, name, what);
}

/* Values in row-major order, of which the last lies at *last; false for too many. */
static bool
measure(const struct pickle_tensor *t, int64_t *count, int64_t *last, bool *in_order)
{
	*count = 1;
	*last = 0;
	*in_order = true;
	for (int i = t->n_dims - 1; i >= 0; i--) {
		int64_t n = t->shape[i], room = INT64_MAX / 16;

		if (n > 1 && (t->stride[i] == 0 || t->stride[i] > (room - *last) / (n - 1)))
			return false;
		if (n > 1) {
			*in_order &= t->stride[i] == *count;
			*last += t->stride[i] * (n - 1);
		}
		if (n > 0 && *count > room / n)
			return false;
		*count *= n;
	}
	return true;
}

static void *
in_order_copy(const struct reader *r, const struct pickle_tensor *t, const unsigned char *data,
	int64_t count, size_t size)
{
	int64_t at[PICKLE_MAX_DIMS] = { 0 };
	unsigned char *to = jmem_try((size_t)count + !count, size);

	if (!to)
		return NULL;
	for (int64_t k = 0; k < count; k++) {
		int64_t from = 0;

		for (int i = 0; i < t->n_dims; i++)
			from += at[i] * t->stride[i];
		memcpy(to + (size_t)k * size, data + (size_t)from * size, size);
		for (int i = t->n_dims - 1; i >= 0 && ++at[i] == t->shape[i]; i--)
			at[i] = 0;
	}
	JMEM_GROW(r->s->copies, r->s->cap_copies, r->s->n_copies + 1);
	r->s->copies[r->s->n_copies++] = to;
	return to;
}

static int
place(const struct reader *r, struct jst_tensor *out, const struct pickle_tensor *t)
{
	const struct zip_entry *z = zipmap_find(&r->zip, jarena_printf(&r->s->arena, "%sdata/%s",
		r->root, t->storage.key));
	uint64_t size = jten_bytes(t->storage.dtype, 1);
	int64_t last;
	bool in_order;

	if (!z)
		return refuse(r, out->name, "its storage is not in the archive");
	if (z->bytes / size < (uint64_t)t->storage.values)
		return refuse(r, out->name, "its storage is cut short");
	if (!measure(t, &out->count, &last, &in_order))
		return refuse(r, out->name, "its shape and strides are too large");
	if (out->count && (t->offset > t->storage.values - 1 ||
	    last > t->storage.values - 1 - t->offset || out->count > t->storage.values))
		return refuse(r, out->name, "it reaches beyond its storage");
	out->data = z->data + (out->count ? (uint64_t)t->offset * size : 0);
	if (!in_order)
		out->data = in_order_copy(r, t, out->data, out->count, (size_t)size);
	if (!out->data)
		return jerr_set(r->e, JERR_NOMEM, "%s: tensor %.200s: no memory for a copy",
			r->part->name, out->name);
	out->bytes = (uint64_t)out->count * size;
	out->dtype = t->storage.dtype;
	out->n_dims = t->n_dims;
	memcpy(out->shape, t->shape, sizeof(out->shape));
	return 0;
}

static int
add_tensor(const struct reader *r, const struct pickle_value *key, const struct pickle_value *v)
{
	struct jst *s = r->s;
	struct jst_tensor *t;
	int rc;

	if (key->kind != PK_STR)
		return jerr_set(r->e, JERR_FORMAT, "%s: a key that is no name", r->part->name);
	if (v->kind != PK_TENSOR)
		return refuse(r, key->s, "is no tensor");
	JMEM_GROW(s->t, s->cap, s->n + 1);
	t = &s->t[s->n];
	memset(t, 0, sizeof(*t));
	t->name = key->s;
	t->file = r->part->name;
	rc = place(r, t, v->tensor);
	s->n += rc == 0;
	return rc;
}

/* Trainers put the weights one level down. */
static const struct pickle_value *
weights_of(const struct pickle_value *root)
{
	static const char *const names[] = { "state_dict", "model_state_dict", "model", "module" };

	for (size_t k = 0; root->kind == PK_DICT && k < sizeof(names) / sizeof(names[0]); k++)
		for (size_t i = 0; i + 1 < root->n; i += 2)
			if (root->v[i]->kind == PK_STR && strcmp(root->v[i]->s, names[k]) == 0 &&
			    root->v[i + 1]->kind == PK_DICT)
				return root->v[i + 1];
	return root;
}

/* The archive's folder has the name of the file that was saved first: any. */
static const struct zip_entry *
find_pickle(struct reader *r)
{
	for (size_t i = 0; i < r->zip.n; i++) {
		const char *name = r->zip.v[i].name, *slash = strchr(name, '/');

		if (slash && strcmp(slash + 1, "data.pkl") == 0) {
			r->root = jarena_strndup(&r->s->arena, name, (size_t)(slash + 1 - name));
			return &r->zip.v[i];
		}
	}
	return NULL;
}

static int
check_order(const struct reader *r)
{
	const struct zip_entry *z = zipmap_find(&r->zip, jarena_printf(&r->s->arena, "%sbyteorder",
		r->root));

	if (!z || (z->bytes == 6 && memcmp(z->data, "little", 6) == 0))
		return 0;
	return jerr_set(r->e, JERR_UNSUPPORTED, "%s: saved on a big-endian machine", r->part->name);
}

int
pytorch_read(struct jst *s, const struct st_part *part, struct jerr *e)
{
	struct reader r = { .s = s, .part = part, .e = e };
	const struct zip_entry *pkl;
	struct pickle_value *root;
	const struct pickle_value *w;
	int rc = zipmap_open(&r.zip, part->map.p, part->map.n, part->name, &s->arena, e);

	if (rc < 0)
		return rc;
	pkl = find_pickle(&r);
	if (!pkl || pkl->bytes > MAX_PICKLE)
		return jerr_set(e, JERR_FORMAT, "%s: %s", part->name, pkl ?
			"its dictionary is too large" : "a zip file, but no PyTorch checkpoint");
	if ((rc = check_order(&r)) < 0 ||
	    (rc = pickle_read(&root, pkl->data, (size_t)pkl->bytes, part->name, &s->arena, e)) < 0)
		return rc;
	w = weights_of(root);
	if (w->kind != PK_DICT)
		return jerr_set(e, JERR_FORMAT, "%s: holds no dictionary of tensors", part->name);
	for (size_t i = 0; rc == 0 && i + 1 < w->n; i += 2)
		rc = add_tensor(&r, w->v[i], w->v[i + 1]);
	return rc;
}
