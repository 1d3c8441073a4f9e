/*
 * decompress.c - decoders: gzip by zlib, zstd by libzstd, xz by liblzma, bzip2 by libarchive.
 *
 * All accept several members one after another.  The end of the file inside a member is
 * JERR_IO, so that a download cut short is never taken for a whole one.
 */
#include <archive.h>
#include <archive_entry.h>
#include <limits.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/jmem.h"
#include "io/raw.h"

#define XZ_MEMORY (UINT64_C(1) << 30)	/* xz -9 needs 65 MiB */
#define ZSTD_WINDOW_LOG 31		/* zstd --long=31 is common for large text archives */
#define MOST (1u << 30)			/* per call: zlib counts in unsigned int */

struct gzip {
	struct codec c;
	z_stream z;
	int between;		/* a member ended; another may follow */
};

static void
gzip_close(struct codec *c)
{
	struct gzip *g = (struct gzip *)c;

	inflateEnd(&g->z);
	jmem_free(g);
}

/* After a member: 1 another begins, 0 the end (zero padding, as tape blocks have, included). */
static int
gzip_next(struct gzip *g, struct jerr *e)
{
	struct raw *r = g->c.raw;
	int64_t have;
	int rc;

	rc = raw_peek(r, 2, e);
	if (rc < 0)
		return rc;
	if (r->n - r->at >= 2 && r->p[r->at] == 0x1f && r->p[r->at + 1] == 0x8b) {
		inflateReset(&g->z);
		g->between = 0;
		return 1;
	}
	while ((have = raw_fill(r, e)) > 0)
		for (; r->at < r->n; r->at++)
			if (r->p[r->at])
				return codec_corrupt(&g->c, "garbage after the last member", e);
	return (int)have;
}

static int64_t
gzip_read(struct codec *c, void *p, size_t n, struct jerr *e)
{
	struct gzip *g = (struct gzip *)c;
	struct raw *r = c->raw;
	int64_t have;
	int rc;

	g->z.next_out = p;
	g->z.avail_out = n > MOST ? MOST : (unsigned)n;
	n = g->z.avail_out;
	while (g->z.avail_out == n) {
		if (g->between && (rc = gzip_next(g, e)) <= 0)
			return rc;
		have = raw_fill(r, e);
		if (have < 0)
			return have;
		if (!have)
			return codec_truncated(c, e);
		g->z.next_in = (unsigned char *)(uintptr_t)(r->p + r->at);
		g->z.avail_in = have > MOST ? MOST : (unsigned)have;
		have = g->z.avail_in;
		rc = inflate(&g->z, Z_NO_FLUSH);
		r->at += (size_t)have - g->z.avail_in;
		if (rc == Z_STREAM_END)
			g->between = 1;
		else if (rc != Z_OK)
			return codec_corrupt(c, g->z.msg, e);
	}
	return (int64_t)(n - g->z.avail_out);
}

struct codec *
codec_gzip(struct raw *r, struct jerr *e)
{
	struct gzip *g = jmem_zalloc(1, sizeof(*g));

	g->c = (struct codec){ "gzip", gzip_read, gzip_close, r };
	if (inflateInit2(&g->z, 15 + 16) != Z_OK) {
		jmem_free(g);
		jerr_set(e, JERR_NOMEM, "%s: no memory for a gzip decoder", r->name);
		return NULL;
	}
	return &g->c;
}

struct zst {
	struct codec c;
	ZSTD_DCtx *z;
	int inside;		/* in the middle of a frame */
};

static void
zst_close(struct codec *c)
{
	struct zst *s = (struct zst *)c;

	ZSTD_freeDCtx(s->z);
	jmem_free(s);
}

static int64_t
zst_read(struct codec *c, void *p, size_t n, struct jerr *e)
{
	struct zst *s = (struct zst *)c;
	struct raw *r = c->raw;
	ZSTD_outBuffer out = { p, n, 0 };
	ZSTD_inBuffer in;
	int64_t have;
	size_t rc;

	while (!out.pos) {
		have = raw_fill(r, e);
		if (have < 0)
			return have;
		if (!have && !s->inside)
			return 0;
		in = (ZSTD_inBuffer){ r->p + r->at, (size_t)have, 0 };
		rc = ZSTD_decompressStream(s->z, &out, &in);
		r->at += in.pos;
		if (ZSTD_isError(rc))
			return codec_corrupt(c, ZSTD_getErrorName(rc), e);
		s->inside = rc != 0;
		/* Without input only bytes held back inside the decoder can come. */
		if (!have && !out.pos)
			return codec_truncated(c, e);
	}
	return (int64_t)out.pos;
}

struct codec *
codec_zstd(struct raw *r, struct jerr *e)
{
	struct zst *s = jmem_zalloc(1, sizeof(*s));

	s->c = (struct codec){ "zstd", zst_read, zst_close, r };
	s->z = ZSTD_createDCtx();
	if (!s->z || ZSTD_isError(ZSTD_DCtx_setParameter(s->z, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG))) {
		zst_close(&s->c);
		jerr_set(e, JERR_NOMEM, "%s: no memory for a zstd decoder", r->name);
		return NULL;
	}
	return &s->c;
}

struct xz {
	struct codec c;
	lzma_stream z;
	int done;
};

static void
xz_close(struct codec *c)
{
	struct xz *x = (struct xz *)c;

	lzma_end(&x->z);
	jmem_free(x);
}

static int64_t
xz_read(struct codec *c, void *p, size_t n, struct jerr *e)
{
	struct xz *x = (struct xz *)c;
	struct raw *r = c->raw;
	int64_t have;
	lzma_ret rc;

	x->z.next_out = p;
	x->z.avail_out = n;
	while (x->z.avail_out == n && !x->done) {
		have = raw_fill(r, e);
		if (have < 0)
			return have;
		x->z.next_in = r->p + r->at;
		x->z.avail_in = (size_t)have;
		rc = lzma_code(&x->z, have ? LZMA_RUN : LZMA_FINISH);
		r->at += (size_t)have - x->z.avail_in;
		if (rc == LZMA_STREAM_END)
			x->done = 1;
		else if (rc == LZMA_BUF_ERROR)
			return codec_truncated(c, e);
		else if (rc == LZMA_MEMLIMIT_ERROR || rc == LZMA_MEM_ERROR)
			return jerr_set(e, JERR_LIMIT, "%s: xz stream needs more than %llu bytes of memory",
				r->name, (unsigned long long)XZ_MEMORY);
		else if (rc != LZMA_OK)
			return codec_corrupt(c, NULL, e);
	}
	return (int64_t)(n - x->z.avail_out);
}

struct codec *
codec_xz(struct raw *r, struct jerr *e)
{
	struct xz *x = jmem_zalloc(1, sizeof(*x));

	x->c = (struct codec){ "xz", xz_read, xz_close, r };
	x->z = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&x->z, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK) {
		jmem_free(x);
		jerr_set(e, JERR_NOMEM, "%s: no memory for an xz decoder", r->name);
		return NULL;
	}
	return &x->c;
}

/* libbz2 has no pkg-config file everywhere; libarchive, which we use anyway, wraps it. */
struct bz2 {
	struct codec c;
	struct archive *a;
	int64_t fed;		/* bytes given to libarchive */
	struct jerr err;	/* of the raw reader, inside the callback */
};

static void
bz2_close(struct codec *c)
{
	struct bz2 *b = (struct bz2 *)c;

	archive_read_free(b->a);
	jmem_free(b);
}

static la_ssize_t
bz2_feed(struct archive *a, void *arg, const void **p)
{
	struct bz2 *b = arg;
	struct raw *r = b->c.raw;
	int64_t have = raw_fill(r, &b->err);

	(void)a;
	if (have < 0)
		return ARCHIVE_FATAL;
	*p = have ? r->p + r->at : NULL;
	r->at += (size_t)have;
	b->fed += have;
	return (la_ssize_t)have;
}

static int
bz2_error(struct bz2 *b, struct jerr *e)
{
	const char *why = archive_error_string(b->a);

	if (b->err.code)
		return jerr_set(e, b->err.code, "%s", b->err.msg);
	if (why && strstr(why, "runcated"))
		return codec_truncated(&b->c, e);
	return codec_corrupt(&b->c, why, e);
}

/* libarchive takes what is not a whole member for the end; bytes are then left over. */
static int64_t
bz2_end(struct codec *c, void *p, size_t n, struct jerr *e)
{
	struct bz2 *b = (struct bz2 *)c;

	(void)p, (void)n;
	return archive_filter_bytes(b->a, -1) < b->fed ? codec_truncated(c, e) : 0;
}

static int64_t
bz2_read(struct codec *c, void *p, size_t n, struct jerr *e)
{
	struct bz2 *b = (struct bz2 *)c;
	la_ssize_t got = archive_read_data(b->a, p, n);

	if (got == 0)
		return bz2_end(c, p, n, e);
	return got < 0 ? bz2_error(b, e) : got;
}

struct codec *
codec_bzip2(struct raw *r, struct jerr *e)
{
	struct bz2 *b = jmem_zalloc(1, sizeof(*b));
	struct archive_entry *entry;
	int rc;

	b->c = (struct codec){ "bzip2", bz2_read, bz2_close, r };
	b->a = archive_read_new();
	if (!b->a)
		jbug("out of memory: archive_read_new");
	archive_read_support_filter_bzip2(b->a);
	archive_read_support_format_raw(b->a);
	archive_read_support_format_empty(b->a);
	rc = archive_read_open2(b->a, b, NULL, bz2_feed, NULL, NULL);
	if (rc == ARCHIVE_OK)
		rc = archive_read_next_header(b->a, &entry);
	if (rc == ARCHIVE_EOF) {
		b->c.read = bz2_end;
		return &b->c;
	}
	if (rc == ARCHIVE_OK && archive_filter_code(b->a, 0) == ARCHIVE_FILTER_BZIP2)
		return &b->c;
	/* Taken for plain bytes: shorter than the shortest member. */
	if (rc == ARCHIVE_OK)
		codec_truncated(&b->c, e);
	else
		bz2_error(b, e);
	bz2_close(&b->c);
	return NULL;
}
