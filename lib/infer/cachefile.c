/*
 * A sequence's cache as a file: safetensors with the tokens and, for every layer, keys and values by
 * rows, as they are kept: F32, F16, or I8 with the scales of their blocks beside.
 */
#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "infer/engine.h"
#include "model/jadapter.h"
#include "model/jsafetensors.h"

#define VERSION "2"

/* What is cheap to read of a weight and changes with the model. */
static void
add_sample(struct jbuf *b, const struct jparam *p)
{
	int64_t n = 1;

	for (int d = 0; d < p->n_dims; d++)
		n *= p->shape[d];
	jbuf_add(b, p->value ? (const void *)p->value : p->data, (size_t)jten_bytes(p->value ? JDT_F32
		: p->dtype, n < 256 || p->n_dims < 2 ? n : p->shape[p->n_dims - 1]));
}

/* Configuration and a sample of every weight, those of the adapter too. */
static void
identity(const struct jmodel *m, char hex[33])
{
	struct jhash128 h;
	struct jbuf b;
	unsigned char bytes[16];

	jbuf_init(&b);
	jmodel_config_json(&m->cfg, JDT_F32, &b);
	for (size_t i = 0; i < m->n_params; i++)
		add_sample(&b, &m->params[i]);
	for (size_t i = 0; m->adapter && i < m->adapter->n_params; i++)
		add_sample(&b, &m->adapter->params[i]);
	h = jhash128(b.p, b.n);
	jle_put64(bytes, h.lo);
	jle_put64(bytes + 8, h.hi);
	jhash_hex(bytes, sizeof(bytes), hex);
	jbuf_release(&b);
}

/* One of the 2 * layers matrices of a file. */
struct part {
	char name[32], scales[40];
	enum jdtype type;		/* of its tensor */
	int64_t width, blocks;		/* of a row; blocks 0: no scales */
	size_t value_bytes;
};

static struct part
part_of(const struct jinfer *inf, int64_t layer, bool values)
{
	struct jkv_rows r = engine_rows(inf, layer, values, 0);
	struct part p = { .type = r.type == JDT_Q8_0 ? JDT_I8 : r.type, .width = r.heads * r.d };

	snprintf(p.name, sizeof(p.name), "layers.%lld.%c", (long long)layer, values ? 'v' : 'k');
	snprintf(p.scales, sizeof(p.scales), "%s.scale", p.name);
	p.blocks = r.type == JDT_Q8_0 ? jkv_blocks(r.heads, r.d) : 0;
	p.value_bytes = (size_t)jten_bytes(p.type, 1);
	return p;
}

static void
declare(struct jst_writer *w, const struct jinfer *inf, int64_t n)
{
	jst_declare(w, "ids", JDT_I32, 1, &n);
	for (int64_t i = 0; i < 2 * inf->m->cfg.layers; i++) {
		struct part p = part_of(inf, i / 2, i % 2);

		jst_declare(w, p.name, p.type, 2, (int64_t[]){ n, p.width });
		if (p.blocks > 0)
			jst_declare(w, p.scales, JDT_F16, 2, (int64_t[]){ n, p.blocks });
	}
}

/* Of part i the rows of a sequence's page `at` that are within its length. */
static struct jkv_rows
rows_of(const struct jinfer *inf, int slot, int64_t i, size_t at)
{
	struct jkv_rows r = engine_rows(inf, i / 2, i % 2, engine_pages(inf, slot)[at]);
	size_t left = inf->seq[slot].length - at * JKV_PAGE;

	r.n = left < JKV_PAGE ? (int64_t)left : JKV_PAGE;
	return r;
}

/* n values of a type as they lie in memory into the file, whose bytes are little-endian. */
static int
put_values(struct jst_writer *w, enum jdtype type, const void *p, size_t n, struct jerr *e)
{
	float *f;
	int rc;

	if (type == JDT_I8)
		return jst_put(w, p, n, e);
	if (type == JDT_F32)
		return jst_put_f32(w, p, n, e);
	f = jmem_alloc(n, sizeof(*f));
	for (size_t i = 0; i < n; i++)
		f[i] = jten_f16_to_f32(((const uint16_t *)p)[i]);
	rc = jst_put_f32(w, f, n, e);
	jmem_free(f);
	return rc;
}

/* And back: what find() has approved of. */
static int
get_values(const struct jst_tensor *t, void *p, struct jerr *e)
{
	size_t n = (size_t)t->count;
	float *f;
	int rc;

	if (t->dtype == JDT_I8) {
		memcpy(p, t->data, n);
		return 0;
	}
	if (t->dtype == JDT_F32)
		return jst_to_f32(t, p, e);
	f = jmem_alloc(n, sizeof(*f));
	rc = jst_to_f32(t, f, e);
	for (size_t i = 0; rc == 0 && i < n; i++)
		((uint16_t *)p)[i] = jten_f32_to_f16(f[i]);
	jmem_free(f);
	return rc;
}

/* Room for all rows of a part. */
struct plain {
	char *values;
	uint16_t *scales;		/* NULL without */
	size_t n, row, blocks;		/* rows, bytes of one, scales of one */
};

static struct plain
plain_new(const struct jinfer *inf, int slot, const struct part *p)
{
	struct plain x = { .n = inf->seq[slot].length, .row = (size_t)p->width * p->value_bytes,
		.blocks = (size_t)p->blocks };

	x.values = jmem_alloc(x.n, x.row);
	if (x.blocks > 0)
		x.scales = jmem_alloc(x.n * x.blocks, sizeof(*x.scales));
	return x;
}

static void
plain_release(struct plain *x)
{
	jmem_free(x->values);
	jmem_free(x->scales);
}

static int
put_part(struct jst_writer *w, const struct jinfer *inf, int slot, int64_t i, struct jerr *e)
{
	struct part p = part_of(inf, i / 2, i % 2);
	struct plain x = plain_new(inf, slot, &p);
	int rc;

	for (size_t at = 0; at * JKV_PAGE < x.n; at++) {
		struct jkv_rows r = rows_of(inf, slot, i, at);

		jkv_get(&r, x.values + at * JKV_PAGE * x.row,
			x.scales ? x.scales + at * JKV_PAGE * x.blocks : NULL);
	}
	rc = put_values(w, p.type, x.values, x.n * (size_t)p.width, e);
	if (rc == 0 && x.scales)
		rc = put_values(w, JDT_F16, x.scales, x.n * x.blocks, e);
	plain_release(&x);
	return rc;
}

static int
put_all(struct jst_writer *w, const struct jinfer *inf, int slot, struct jerr *e)
{
	unsigned char b[4];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < inf->seq[slot].length; i++) {
		jle_put32(b, inf->pages.v[engine_pages(inf, slot)[i / JKV_PAGE]].ids[i % JKV_PAGE]);
		rc = jst_put(w, b, sizeof(b), e);
	}
	for (int64_t i = 0; rc == 0 && i < 2 * inf->m->cfg.layers; i++)
		rc = put_part(w, inf, slot, i, e);
	return rc;
}

int
jinfer_save(const struct jinfer *inf, int slot, const char *path, struct jerr *e)
{
	struct jst_writer *w;
	char hex[33];
	int rc;

	if (inf->seq[slot].length == 0)
		return jerr_set(e, JERR_ARG, "%s: an empty cache is not saved", path);
	if (inf->seq[slot].adapter > 0)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: the cache of a named adapter is not saved", path);
	rc = jst_create(&w, path, e);
	if (rc < 0)
		return rc;
	identity(inf->m, hex);
	jst_meta(w, "kv_cache", VERSION);
	jst_meta(w, "model", hex);
	declare(w, inf, (int64_t)inf->seq[slot].length);
	rc = put_all(w, inf, slot, e);
	if (rc < 0) {
		jst_abort(w);
		return rc;
	}
	return jst_commit(w, e);
}

static const struct jst_tensor *
find(const struct jst *s, const char *name, enum jdtype type, int64_t count, const char *path,
	struct jerr *e)
{
	const struct jst_tensor *t = jst_find(s, name);

	if (t && t->dtype == type && t->count == count)
		return t;
	if (t && t->dtype != type)
		jerr_set(e, JERR_ARG, "%s: %s is kept as %s, the cache asked for has %s (--cache-type)",
			path, name, jdtype_name(t->dtype), jdtype_name(type));
	else
		jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing or of another size", path, name);
	return NULL;
}

static int
get_part(struct jinfer *inf, int slot, const struct jst *s, int64_t i, const char *path,
	struct jerr *e)
{
	struct part p = part_of(inf, i / 2, i % 2);
	int64_t n = (int64_t)inf->seq[slot].length;
	const struct jst_tensor *t = find(s, p.name, p.type, n * p.width, path, e), *scale = NULL;
	struct plain x;
	int rc;

	if (t && p.blocks > 0)
		scale = find(s, p.scales, JDT_F16, n * p.blocks, path, e);
	if (!t || (p.blocks > 0 && !scale))
		return e->code;
	x = plain_new(inf, slot, &p);
	rc = get_values(t, x.values, e);
	if (rc == 0 && scale)
		rc = get_values(scale, x.scales, e);
	for (size_t at = 0; rc == 0 && at * JKV_PAGE < x.n; at++) {
		struct jkv_rows r = rows_of(inf, slot, i, at);

		jkv_put(&r, x.values + at * JKV_PAGE * x.row,
			x.scales ? x.scales + at * JKV_PAGE * x.blocks : NULL);
	}
	plain_release(&x);
	return rc;
}

static int
check(const struct jinfer *inf, int slot, const struct jst *s, const char *path, struct jerr *e)
{
	const char *version = jst_metadata(s, "kv_cache"), *model = jst_metadata(s, "model");
	const struct jst_tensor *t = jst_find(s, "ids");
	char hex[33];

	if (!version || !t || t->dtype != JDT_I32 || t->count < 1)
		return jerr_set(e, JERR_FORMAT, "%s: no saved cache", path);
	if (strcmp(version, VERSION) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: a saved cache of version %.20s, expected " VERSION
			": remove it, it is made again", path, version);
	identity(inf->m, hex);
	if (!model || strcmp(model, hex) != 0)
		return jerr_set(e, JERR_ARG, "%s: the cache of another model or adapter", path);
	if (t->count > inf->capacity)
		return jerr_set(e, JERR_LIMIT, "%s: %lld tokens, the context has %d", path,
			(long long)t->count, inf->capacity);
	for (int64_t i = 0; i < t->count; i++)
		if (jle_u32(t->data + 4 * i) >= (uint64_t)inf->m->cfg.vocab_size)
			return jerr_set(e, JERR_FORMAT, "%s: token %lld is beyond the vocabulary", path,
				(long long)i);
	if (jinfer_need(inf, slot, (size_t)t->count) > jinfer_available(inf))
		return jerr_set(e, JERR_LIMIT, "%s: %lld tokens need %zu pages, %zu are left", path,
			(long long)t->count, jinfer_need(inf, slot, (size_t)t->count),
			jinfer_available(inf));
	return 0;
}

static int
restore(struct jinfer *inf, int slot, const struct jst *s, const char *path, struct jerr *e)
{
	const struct jst_tensor *t = jst_find(s, "ids");
	int rc = check(inf, slot, s, path, e);
	size_t n;
	uint32_t *ids;

	if (rc < 0)
		return rc;
	n = (size_t)t->count;
	ids = jmem_alloc(n, sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		ids[i] = jle_u32(t->data + 4 * i);
	engine_grow(inf, slot, n);
	inf->seq[slot].length = n;
	for (int64_t i = 0; rc == 0 && i < 2 * inf->m->cfg.layers; i++)
		rc = get_part(inf, slot, s, i, path, e);
	inf->seq[slot].length = 0;
	if (rc == 0)
		engine_know(inf, slot, ids, n);
	else
		jinfer_reset(inf, slot);
	jmem_free(ids);
	return rc;
}

static int
restore_open(struct jinfer *inf, int slot, struct jst *s, int opened, const char *path,
	struct jerr *e)
{
	int rc = opened;

	jinfer_reset(inf, slot);
	if (rc < 0)
		return rc;
	rc = restore(inf, slot, s, path, e);
	jst_close(s);
	return rc;
}

int
jinfer_restore(struct jinfer *inf, int slot, const char *path, struct jerr *e)
{
	struct jst *s = NULL;
	int rc = jst_open(&s, path, e);

	return restore_open(inf, slot, s, rc, path, e);
}

int
jinfer_restore_mem(struct jinfer *inf, int slot, const void *p, size_t n, const char *name,
	struct jerr *e)
{
	struct jst *s = NULL;
	int rc = jst_open_mem(&s, p, n, name, e);

	return restore_open(inf, slot, s, rc, name, e);
}
