/*
 * raw.c - stored bytes, and the choice of a decoder by magic.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/jmem.h"
#include "io/raw.h"

#define RAW_BYTES (128 * 1024)
#define MAGIC_BYTES 10

static int64_t
read_fd(struct raw *r, void *p, size_t n, struct jerr *e)
{
	ssize_t got;

	do
		got = read(r->fd, p, n);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return jerr_sys(e, "cannot read %s", r->name);
	r->offset += (uint64_t)got;
	return got;
}

int64_t
raw_fill(struct raw *r, struct jerr *e)
{
	int64_t got;

	if (r->at < r->n)
		return (int64_t)(r->n - r->at);
	if (r->fd < 0)
		return 0;
	if (!r->own)
		r->own = jmem_alloc(RAW_BYTES, 1);
	r->p = r->own;
	r->at = r->n = 0;
	got = read_fd(r, r->own, RAW_BYTES, e);
	if (got > 0)
		r->n = (size_t)got;
	return got;
}

int
raw_peek(struct raw *r, size_t want, struct jerr *e)
{
	int64_t got;

	while (r->n - r->at < want && r->fd >= 0) {
		if (!r->own)
			r->own = jmem_alloc(RAW_BYTES, 1);
		if (r->at) {
			memmove(r->own, r->own + r->at, r->n - r->at);
			r->n -= r->at;
			r->at = 0;
		}
		r->p = r->own;
		got = read_fd(r, r->own + r->n, RAW_BYTES - r->n, e);
		if (got < 0)
			return (int)got;
		if (!got)
			break;
		r->n += (size_t)got;
	}
	return 0;
}

int64_t
raw_read(struct raw *r, void *p, size_t n, struct jerr *e)
{
	size_t have = r->n - r->at;

	if (!have)
		return r->fd < 0 ? 0 : read_fd(r, p, n, e);
	if (n > have)
		n = have;
	memcpy(p, r->p + r->at, n);
	r->at += n;
	return (int64_t)n;
}

void
raw_release(struct raw *r)
{
	if (r->fd > STDIN_FILENO)
		close(r->fd);
	jmem_free(r->own);
}

int
codec_truncated(const struct codec *c, struct jerr *e)
{
	return jerr_set(e, JERR_IO, "%s: %s stream is truncated after %llu bytes", c->raw->name, c->what,
		(unsigned long long)c->raw->offset);
}

int
codec_corrupt(const struct codec *c, const char *why, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "%s: %s stream is corrupt before byte %llu: %s", c->raw->name,
		c->what, (unsigned long long)c->raw->offset, why ? why : "bad data");
}

/* "BZh" also begins plain text: a digit and a block (or the end) must follow, as far as they go. */
static bool
is_bzip2(const unsigned char *p, size_t n)
{
	size_t m = n < MAGIC_BYTES ? n : MAGIC_BYTES;

	return m >= 6 && p[3] >= '1' && p[3] <= '9' && (memcmp(p + 4, "1AY&SY", m - 4) == 0 ||
		memcmp(p + 4, "\x17\x72\x45\x38\x50\x90", m - 4) == 0);
}

int
codec_find(struct codec **c, struct raw *r, struct jerr *e)
{
	static const struct {
		const char *magic;
		size_t n;
		struct codec *(*open)(struct raw *r, struct jerr *e);
	} known[] = {
		{ "\x1f\x8b\x08", 3, codec_gzip },
		{ "\x28\xb5\x2f\xfd", 4, codec_zstd },
		{ "\xfd" "7zXZ\0", 6, codec_xz },
		{ "BZh", 3, codec_bzip2 }
	};
	size_t i, have;
	int rc;

	*c = NULL;
	rc = raw_peek(r, MAGIC_BYTES, e);
	if (rc < 0)
		return rc;
	have = r->n - r->at;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (have < known[i].n || memcmp(r->p + r->at, known[i].magic, known[i].n) != 0)
			continue;
		if (known[i].open == codec_bzip2 && !is_bzip2(r->p + r->at, have))
			continue;
		*c = known[i].open(r, e);
		return *c ? 0 : e && e->code ? e->code : JERR_NOMEM;
	}
	return 0;
}
