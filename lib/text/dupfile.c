/* dupfile.c - writing and reading the files of a deduplication. */
#include "text/jdupfile.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"

enum { FRAME = 256 << 10, MAX_PARAMS = 4096, STEP = 1 << 20, MAX_FRAME = 1 << 30 };

static const char magic[8] = { 'j', 'd', 'e', 'd', 'u', 'p', '\r', '\n' };

int
jdupfile_begin(struct jdupfile_out *o, const char *params, struct jerr *e)
{
	size_t n = strlen(params);
	unsigned char u[4];
	int rc;

	if (n > MAX_PARAMS)
		return jerr_set(e, JERR_ARG, "parameters of %zu bytes: expected at most %d", n, MAX_PARAMS);
	o->records = 0;
	jbuf_init(&o->frame);
	jbuf_add(&o->frame, magic, sizeof(magic));
	jle_put32(u, JDUPFILE_VERSION);
	jbuf_add(&o->frame, u, 4);
	jle_put32(u, (uint32_t)n);
	jbuf_add(&o->frame, u, 4);
	jbuf_add(&o->frame, params, n);
	jle_put32(u, jcrc32c(0, o->frame.p, o->frame.n));
	jbuf_add(&o->frame, u, 4);
	rc = o->put(o->arg, o->frame.p, o->frame.n, e);
	jbuf_reset(&o->frame);
	return rc;
}

static int
put_frame(struct jdupfile_out *o, struct jerr *e)
{
	unsigned char head[8];
	int rc;

	if (o->frame.n == 0)
		return 0;
	jle_put32(head, (uint32_t)o->frame.n);
	jle_put32(head + 4, jcrc32c(0, o->frame.p, o->frame.n));
	rc = o->put(o->arg, head, sizeof(head), e);
	if (rc == 0)
		rc = o->put(o->arg, o->frame.p, o->frame.n, e);
	jbuf_reset(&o->frame);
	return rc;
}

int
jdupfile_add(struct jdupfile_out *o, const void *p, size_t n, struct jerr *e)
{
	unsigned char len[4];
	int rc;

	if (n > MAX_FRAME - 4)
		return jerr_set(e, JERR_LIMIT, "a record of %zu bytes: expected at most 1 GiB", n);
	if (o->frame.n > 0 && o->frame.n + n + 4 > FRAME) {
		rc = put_frame(o, e);
		if (rc < 0)
			return rc;
	}
	jle_put32(len, (uint32_t)n);
	jbuf_add(&o->frame, len, 4);
	jbuf_add(&o->frame, p, n);
	o->records++;
	return 0;
}

int
jdupfile_end(struct jdupfile_out *o, struct jerr *e)
{
	unsigned char end[16];
	int rc = put_frame(o, e);

	if (rc < 0)
		return rc;
	jle_put32(end, 0);
	jle_put64(end + 4, o->records);
	jle_put32(end + 12, jcrc32c(0, end + 4, 8));
	return o->put(o->arg, end, sizeof(end), e);
}

void
jdupfile_release(struct jdupfile_out *o)
{
	if (o->frame.p)
		jbuf_release(&o->frame);
	memset(o, 0, sizeof(*o));
}

static int
bad(const struct jdupfile_in *f, const char *what, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "%s: %s before byte %llu", jin_name(f->in), what,
		(unsigned long long)jin_offset(f->in));
}

/* Reads n bytes into the frame, growing as they come, so that a false length costs nothing. */
static int
read_bytes(struct jdupfile_in *f, size_t n, struct jerr *e)
{
	size_t step;
	int rc;

	for (; n > 0; n -= step) {
		step = n < STEP ? n : STEP;
		jbuf_reserve(&f->frame, step);
		rc = jin_exact(f->in, f->frame.p + f->frame.n, step, e);
		if (rc < 0)
			return rc;
		f->frame.n += step;
		f->frame.p[f->frame.n] = 0;
	}
	return 0;
}

static int
read_head(struct jdupfile_in *f, struct jerr *e)
{
	const char *p;
	uint32_t version, n;
	int rc = read_bytes(f, 16, e);

	if (rc < 0)
		return rc;
	if (memcmp(f->frame.p, magic, sizeof(magic)) != 0)
		return jerr_set(e, JERR_FORMAT, "%s: not a file of jfilter dedup", jin_name(f->in));
	version = jle_u32(f->frame.p + 8);
	if (version != JDUPFILE_VERSION)
		return jerr_set(e, JERR_FORMAT, "%s: version %u, this program reads version %d",
			jin_name(f->in), version, JDUPFILE_VERSION);
	n = jle_u32(f->frame.p + 12);
	if (n > MAX_PARAMS)
		return bad(f, "parameters that are too long", e);
	rc = read_bytes(f, n + 4, e);
	if (rc < 0)
		return rc;
	p = f->frame.p;
	if (jle_u32(p + 16 + n) != jcrc32c(0, p, 16 + n))
		return bad(f, "wrong checksum", e);
	if (memchr(p + 16, 0, n))
		return bad(f, "parameters with a zero byte", e);
	f->params = jmem_strndup(p + 16, n);
	jbuf_reset(&f->frame);
	return 0;
}

int
jdupfile_open_stream(struct jdupfile_in *f, struct jin *in, struct jerr *e)
{
	int rc;

	memset(f, 0, sizeof(*f));
	f->in = in;
	jbuf_init(&f->frame);
	rc = read_head(f, e);
	if (rc < 0)
		jdupfile_close(f);
	return rc;
}

int
jdupfile_open(struct jdupfile_in *f, const char *name, struct jerr *e)
{
	struct jin *in;
	int rc;

	memset(f, 0, sizeof(*f));
	rc = jin_open(&in, name, e);
	return rc < 0 ? rc : jdupfile_open_stream(f, in, e);
}

static int
read_end(struct jdupfile_in *f, struct jerr *e)
{
	unsigned char end[12], more;
	int rc = jin_exact(f->in, end, sizeof(end), e);

	if (rc < 0)
		return rc;
	if (jle_u32(end + 8) != jcrc32c(0, end, 8))
		return bad(f, "wrong checksum of the end", e);
	if (jle_u64(end) != f->records)
		return bad(f, "another number of records than the end tells", e);
	if (jin_read(f->in, &more, 1, e) != 0)
		return bad(f, "bytes after the end", e);
	f->ended = 1;
	return 0;
}

/* 1 a frame, 0 the end. */
static int
read_frame(struct jdupfile_in *f, struct jerr *e)
{
	unsigned char head[4], sum[4];
	uint32_t n;
	int rc = jin_exact(f->in, head, sizeof(head), e);

	if (rc < 0)
		return rc;
	n = jle_u32(head);
	if (n == 0)
		return read_end(f, e);
	if (n > MAX_FRAME)
		return bad(f, "a frame of more than 1 GiB", e);
	rc = jin_exact(f->in, sum, sizeof(sum), e);
	if (rc < 0)
		return rc;
	jbuf_reset(&f->frame);
	f->at = 0;
	rc = read_bytes(f, n, e);
	if (rc < 0)
		return rc;
	if (jle_u32(sum) != jcrc32c(0, f->frame.p, n))
		return bad(f, "wrong checksum", e);
	return 1;
}

int
jdupfile_next(struct jdupfile_in *f, const void **p, size_t *n, struct jerr *e)
{
	size_t left;
	int rc;

	if (f->ended)
		return 0;
	if (f->at == f->frame.n) {
		rc = read_frame(f, e);
		if (rc <= 0)
			return rc;
	}
	left = f->frame.n - f->at;
	if (left < 4 || jle_u32(f->frame.p + f->at) > left - 4)
		return bad(f, "a record that is cut", e);
	*n = jle_u32(f->frame.p + f->at);
	*p = f->frame.p + f->at + 4;
	f->at += 4 + *n;
	f->records++;
	return 1;
}

void
jdupfile_close(struct jdupfile_in *f)
{
	if (!f->in)
		return;
	jin_close(f->in);
	jmem_free(f->params);
	jbuf_release(&f->frame);
	memset(f, 0, sizeof(*f));
}
