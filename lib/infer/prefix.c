/*
 * Sequences that begin alike: the rows of the cache are a function of the tokens up to them alone, so
 * another sequence's rows are what this one would compute, bit for bit.  And a cache kept in a file.
 */
#include "infer/engine.h"

#include <stdio.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "model/jsafetensors.h"

static size_t
in_common(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
	size_t k = 0;

	while (k < n && k < m && a[k] == b[k])
		k++;
	return k;
}

/* Floats of one token in one layer. */
static size_t
width(const struct jinfer *inf)
{
	return (size_t)(inf->m->cfg.kv_heads * inf->m->cfg.head_dim);
}

static float *
rows_of(const struct jinfer *inf, float *base, int slot)
{
	return base + (size_t)slot * (size_t)inf->capacity * width(inf);
}

static void
copy_rows(struct jinfer *inf, int from, int to, size_t n)
{
	size_t bytes = n * width(inf) * sizeof(float);

	for (int64_t l = 0; l < inf->m->cfg.layers; l++) {
		memcpy(rows_of(inf, inf->kv[l].k, to), rows_of(inf, inf->kv[l].k, from), bytes);
		memcpy(rows_of(inf, inf->kv[l].v, to), rows_of(inf, inf->kv[l].v, from), bytes);
	}
	if (!inf->ids[to])
		inf->ids[to] = jmem_alloc((size_t)inf->capacity, sizeof(**inf->ids));
	memcpy(inf->ids[to], inf->ids[from], n * sizeof(**inf->ids));
	inf->kept[to] = n;
}

void
jinfer_fork(struct jinfer *inf, int from, int to)
{
	if (from == to)
		return;
	if (inf->length[from] > 0)
		copy_rows(inf, from, to, inf->length[from]);
	inf->length[to] = inf->length[from];
}

size_t
jinfer_begin(struct jinfer *inf, int slot, const uint32_t *ids, size_t n)
{
	size_t best = 0;
	int donor = slot;

	for (int s = 0; s < inf->slots && n > 0; s++) {
		/* The last token of a prompt is always fed: its logits are wanted. */
		size_t k = inf->ids[s] ? in_common(inf->ids[s], inf->kept[s], ids, n - 1) : 0;

		if (k > best || (k == best && k > 0 && s == slot)) {
			best = k;
			donor = s;
		}
	}
	if (donor != slot && best > 0)
		copy_rows(inf, donor, slot, best);
	inf->length[slot] = best;
	return best;
}

/* --- a cache in a file --- */
#define VERSION "1"

/* Configuration and a sample of every weight: what is cheap to read and changes with the model. */
static void
identity(const struct jmodel *m, char hex[33])
{
	struct jhash128 h;
	struct jbuf b;
	unsigned char bytes[16];

	jbuf_init(&b);
	jmodel_config_json(&m->cfg, JDT_F32, &b);
	for (size_t i = 0; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];
		const void *data = p->value ? (const void *)p->value : p->data;
		int64_t n = 1;

		for (int d = 0; d < p->n_dims; d++)
			n *= p->shape[d];
		jbuf_add(&b, data, (size_t)jten_bytes(p->value ? JDT_F32 : p->dtype,
			n < 256 || p->n_dims < 2 ? n : p->shape[p->n_dims - 1]));
	}
	h = jhash128(b.p, b.n);
	jle_put64(bytes, h.lo);
	jle_put64(bytes + 8, h.hi);
	jhash_hex(bytes, sizeof(bytes), hex);
	jbuf_release(&b);
}

static void
layer_name(char out[32], int64_t layer, const char *which)
{
	snprintf(out, 32, "layers.%lld.%s", (long long)layer, which);
}

static int
put_rows(struct jst_writer *w, const struct jinfer *inf, int slot, struct jerr *e)
{
	size_t n = inf->length[slot];
	unsigned char b[4];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		jle_put32(b, inf->ids[slot][i]);
		rc = jst_put(w, b, sizeof(b), e);
	}
	for (int64_t l = 0; rc == 0 && l < inf->m->cfg.layers; l++) {
		rc = jst_put_f32(w, rows_of(inf, inf->kv[l].k, slot), n * width(inf), e);
		if (rc == 0)
			rc = jst_put_f32(w, rows_of(inf, inf->kv[l].v, slot), n * width(inf), e);
	}
	return rc;
}

int
jinfer_save(const struct jinfer *inf, int slot, const char *path, struct jerr *e)
{
	const int64_t n = (int64_t)inf->length[slot], shape[2] = { n, (int64_t)width(inf) };
	struct jst_writer *w;
	char hex[33], name[32];
	int rc;

	if (n == 0)
		return jerr_set(e, JERR_ARG, "%s: an empty cache is not saved", path);
	rc = jst_create(&w, path, e);
	if (rc < 0)
		return rc;
	identity(inf->m, hex);
	jst_meta(w, "kv_cache", VERSION);
	jst_meta(w, "model", hex);
	jst_declare(w, "ids", JDT_I32, 1, &n);
	for (int64_t l = 0; l < inf->m->cfg.layers; l++) {
		layer_name(name, l, "k");
		jst_declare(w, name, JDT_F32, 2, shape);
		layer_name(name, l, "v");
		jst_declare(w, name, JDT_F32, 2, shape);
	}
	rc = put_rows(w, inf, slot, e);
	if (rc < 0) {
		jst_abort(w);
		return rc;
	}
	return jst_commit(w, e);
}

static int
get_rows(struct jinfer *inf, int slot, const struct jst *s, size_t n, const char *path,
	struct jerr *e)
{
	for (int64_t l = 0; l < inf->m->cfg.layers; l++) {
		for (int v = 0; v < 2; v++) {
			const struct jst_tensor *t;
			char name[32];

			layer_name(name, l, v ? "v" : "k");
			t = jst_find(s, name);
			if (!t || t->dtype != JDT_F32 || t->count != (int64_t)(n * width(inf)))
				return jerr_set(e, JERR_FORMAT, "%s: tensor %s is missing or of another size",
					path, name);
			if (jst_to_f32(t, rows_of(inf, v ? inf->kv[l].v : inf->kv[l].k, slot), e) < 0)
				return e->code;
		}
	}
	return 0;
}

static int
restore(struct jinfer *inf, int slot, const struct jst *s, const char *path, struct jerr *e)
{
	const char *version = jst_metadata(s, "kv_cache"), *model = jst_metadata(s, "model");
	const struct jst_tensor *t = jst_find(s, "ids");
	char hex[33];
	int rc;

	identity(inf->m, hex);
	if (!version || strcmp(version, VERSION) != 0 || !t || t->dtype != JDT_I32 || t->count < 1)
		return jerr_set(e, JERR_FORMAT, "%s: no saved cache of version " VERSION, path);
	if (!model || strcmp(model, hex) != 0)
		return jerr_set(e, JERR_ARG, "%s: the cache of another model", path);
	if (t->count > inf->capacity)
		return jerr_set(e, JERR_LIMIT, "%s: %lld tokens, the context has %d", path,
			(long long)t->count, inf->capacity);
	rc = get_rows(inf, slot, s, (size_t)t->count, path, e);
	if (rc < 0)
		return rc;
	if (!inf->ids[slot])
		inf->ids[slot] = jmem_alloc((size_t)inf->capacity, sizeof(**inf->ids));
	for (int64_t i = 0; i < t->count; i++)
		inf->ids[slot][i] = jle_u32(t->data + 4 * i);
	inf->length[slot] = inf->kept[slot] = (size_t)t->count;
	return 0;
}

int
jinfer_restore(struct jinfer *inf, int slot, const char *path, struct jerr *e)
{
	struct jst *s;
	int rc = jst_open(&s, path, e);

	if (rc < 0)
		return rc;
	rc = restore(inf, slot, s, path, e);
	jst_close(s);
	if (rc < 0)
		inf->length[slot] = inf->kept[slot] = 0;
	return rc;
}
