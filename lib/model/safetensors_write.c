/*
 * The safetensors writer: the header is complete when the first value arrives, because shapes decide
 * every offset.
 */
#include "model/jsafetensors.h"

#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "conf/jval.h"
#include "io/jio.h"

#define CHUNK 8192		/* values converted at a time; a multiple of any block */

struct declared {
	enum jdtype dtype;
	int64_t count;
};

struct jst_writer {
	struct jout *out;
	char *path;
	struct jbuf meta, header;
	struct declared *t;
	size_t n, cap;
	uint64_t bytes;		/* declared */
	uint64_t written;
	size_t at;		/* tensor that jst_put_f32() is in */
	uint64_t from;		/* where it begins */
	int64_t done;		/* its values so far */
	bool begun;
};

int
jst_create(struct jst_writer **out, const char *path, struct jerr *e)
{
	struct jst_writer *w = jmem_zalloc(1, sizeof(*w));
	int rc = jout_open(&w->out, path, e);

	if (rc < 0) {
		jmem_free(w);
		return rc;
	}
	w->path = jmem_strdup(path);
	jbuf_init(&w->meta);
	jbuf_init(&w->header);
	jst_meta(w, "format", "pt");
	*out = w;
	return 0;
}

void
jst_meta(struct jst_writer *w, const char *key, const char *value)
{
	if (w->begun)
		jbug("jst_meta after data");
	if (w->meta.n)
		jbuf_addc(&w->meta, ',');
	jjson_str(&w->meta, key, strlen(key));
	jbuf_addc(&w->meta, ':');
	jjson_str(&w->meta, value, strlen(value));
}

void
jst_declare(struct jst_writer *w, const char *name, enum jdtype dtype, int n_dims,
	const int64_t *shape)
{
	struct declared d = { dtype, 1 };
	uint64_t bytes;

	if (w->begun)
		jbug("jst_declare after data");
	jbuf_addc(&w->header, ',');
	jjson_str(&w->header, name, strlen(name));
	jbuf_printf(&w->header, ":{\"dtype\":\"%s\",\"shape\":[", jdtype_name(dtype));
	for (int i = 0; i < n_dims; i++) {
		d.count *= shape[i];
		jbuf_printf(&w->header, "%s%lld", i ? "," : "", (long long)shape[i]);
	}
	bytes = jten_bytes(dtype, d.count);
	jbuf_printf(&w->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)w->bytes,
		(unsigned long long)(w->bytes + bytes));
	w->bytes += bytes;
	JMEM_GROW(w->t, w->cap, w->n + 1);
	w->t[w->n++] = d;
}

static int
begin(struct jst_writer *w, struct jerr *e)
{
	struct jbuf b;
	unsigned char len[8];
	int rc;

	w->begun = true;
	jbuf_init(&b);
	jbuf_adds(&b, "{\"__metadata__\":{");
	jbuf_add(&b, w->meta.p, w->meta.n);
	jbuf_addc(&b, '}');
	jbuf_add(&b, w->header.p, w->header.n);
	jbuf_addc(&b, '}');
	while (b.n % 8)
		jbuf_addc(&b, ' ');
	jle_put64(len, b.n);
	rc = jout_write(w->out, len, sizeof(len), e);
	if (rc >= 0)
		rc = jout_write(w->out, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

int
jst_put(struct jst_writer *w, const void *p, size_t n, struct jerr *e)
{
	int rc;

	if (!w->begun && (rc = begin(w, e)) < 0)
		return rc;
	w->written += n;
	if (w->written > w->bytes)
		jbug("%s: more data than declared", w->path);
	return jout_write(w->out, p, n, e);
}

/* Goes on to the first tensor that is not whole, whichever way those before it were put. */
static void
skip_full(struct jst_writer *w)
{
	while (w->at < w->n) {
		uint64_t end = w->from + jten_bytes(w->t[w->at].dtype, w->t[w->at].count);

		if (end > w->written)
			break;
		w->from = end;
		w->at++;
		w->done = 0;
	}
}

int
jst_put_f32(struct jst_writer *w, const float *v, uint64_t n, struct jerr *e)
{
	uint64_t raw[CHUNK];	/* room for the widest type */

	while (n > 0) {
		const struct declared *d;
		int64_t take;
		int rc;

		skip_full(w);
		if (w->at == w->n)
			jbug("%s: more values than declared", w->path);
		d = &w->t[w->at];
		take = d->count - w->done < CHUNK ? d->count - w->done : CHUNK;
		if ((uint64_t)take > n)
			take = (int64_t)n;
		jten_from_f32(raw, d->dtype, v, take);
		rc = jst_put(w, raw, (size_t)jten_bytes(d->dtype, take), e);
		if (rc < 0)
			return rc;
		w->done += take;
		v += take;
		n -= (uint64_t)take;
	}
	return 0;
}

static void
free_writer(struct jst_writer *w)
{
	jmem_free(w->path);
	jmem_free(w->t);
	jbuf_release(&w->meta);
	jbuf_release(&w->header);
	jmem_free(w);
}

int
jst_commit(struct jst_writer *w, struct jerr *e)
{
	int rc = w->begun ? 0 : begin(w, e);

	if (rc >= 0 && w->written != w->bytes)
		jbug("%s: %llu bytes declared, %llu written", w->path, (unsigned long long)w->bytes,
			(unsigned long long)w->written);
	if (rc >= 0)
		rc = jout_commit(w->out, e);
	else
		jout_abort(w->out);
	free_writer(w);
	return rc < 0 ? rc : 0;
}

void
jst_abort(struct jst_writer *w)
{
	if (!w)
		return;
	jout_abort(w->out);
	free_writer(w);
}
