/*
 * in.c - struct jin: a buffer of plain bytes in front of a file, memory or a decoder.
 *
 *	buf:  | handed out | start ... end: waiting | free ... cap |   and one byte for a NUL
 *	       ^ stream offset `base`
 *
 * jin_line() hands out pointers into the buffer.  Only the unfinished line at the end of a full
 * buffer is ever moved, so a line costs one memchr().
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jmem.h"
#include "io/jio.h"
#include "io/raw.h"

#define BUF_BYTES (256 * 1024)
#define MAX_LINE ((size_t)16 * 1024 * 1024)

struct jin {
	struct raw raw;
	struct codec *codec;	/* NULL: the stored bytes are the plain ones */
	char *buf;
	size_t start, end, cap;
	uint64_t base;
	size_t max_line;
	uint64_t lineno;
	bool eof;
	int failed;
	char name[];
};

static struct jin *
new_in(const char *name)
{
	size_t n = strlen(name);
	struct jin *in = jmem_zalloc(1, sizeof(*in) + n + 1);

	memcpy(in->name, name, n + 1);
	in->raw.name = in->name;
	in->raw.fd = -1;
	in->max_line = MAX_LINE;
	return in;
}

static int
begin(struct jin **out, struct jin *in, struct jerr *e)
{
	int rc = codec_find(&in->codec, &in->raw, e);

	if (rc < 0) {
		jin_close(in);
		return rc;
	}
	in->cap = BUF_BYTES;
	in->buf = jmem_alloc(in->cap + 1, 1);
	*out = in;
	return 0;
}

int
jin_open(struct jin **out, const char *name, struct jerr *e)
{
	bool std = strcmp(name, "-") == 0;
	struct jin *in = new_in(std ? "standard input" : name);
	struct stat st;
	int fd = STDIN_FILENO;

	*out = NULL;
	if (!std) {
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0) {
			jmem_free(in);
			return jerr_sys(e, "cannot open %s", name);
		}
	}
	in->raw.fd = fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		in->raw.size = (uint64_t)st.st_size;
#ifdef POSIX_FADV_SEQUENTIAL
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
#endif
	}
	return begin(out, in, e);
}

int
jin_open_mem(struct jin **out, const void *p, size_t n, const char *name, struct jerr *e)
{
	struct jin *in = new_in(name);

	*out = NULL;
	in->raw.p = p;
	in->raw.n = n;
	in->raw.size = n;
	return begin(out, in, e);
}

void
jin_close(struct jin *in)
{
	if (!in)
		return;
	if (in->codec)
		in->codec->close(in->codec);
	raw_release(&in->raw);
	jmem_free(in->buf);
	jmem_free(in);
}

static int64_t
plain(struct jin *in, void *p, size_t n, struct jerr *e)
{
	int64_t got;

	if (in->failed)
		return jerr_set(e, in->failed, "%s: reading on after an error", in->name);
	if (in->eof)
		return 0;
	got = in->codec ? in->codec->read(in->codec, p, n, e) : raw_read(&in->raw, p, n, e);
	if (got < 0)
		in->failed = (int)got;
	in->eof = got == 0;
	return got;
}

/* Reads more behind `end`, making room first: > 0, 0 end, < 0 error. */
static int64_t
fill(struct jin *in, struct jerr *e)
{
	size_t cap;
	char *p;
	int64_t got;

	if (in->start) {
		memmove(in->buf, in->buf + in->start, in->end - in->start);
		in->base += in->start;
		in->end -= in->start;
		in->start = 0;
	}
	if (in->end == in->cap) {
		cap = in->cap * 2;
		p = jmem_try(cap + 1, 1);
		if (!p)
			return jerr_set(e, JERR_NOMEM, "%s:%llu: no memory for a line of %zu bytes", in->name,
				(unsigned long long)in->lineno + 1, cap);
		memcpy(p, in->buf, in->end);
		jmem_free(in->buf);
		in->buf = p;
		in->cap = cap;
	}
	got = plain(in, in->buf + in->end, in->cap - in->end, e);
	if (got > 0)
		in->end += (size_t)got;
	return got;
}

int64_t
jin_read(struct jin *in, void *p, size_t n, struct jerr *e)
{
	size_t have = in->end - in->start;
	int64_t got;

	if (!n)
		return 0;
	if (!have) {
		in->base += in->start;
		in->start = in->end = 0;
		if (n >= in->cap) {
			got = plain(in, p, n, e);
			if (got > 0)
				in->base += (uint64_t)got;
			return got;
		}
		got = fill(in, e);
		if (got <= 0)
			return got;
		have = (size_t)got;
	}
	if (n > have)
		n = have;
	memcpy(p, in->buf + in->start, n);
	in->start += n;
	return (int64_t)n;
}

int
jin_exact(struct jin *in, void *p, size_t n, struct jerr *e)
{
	uint64_t at = jin_offset(in);
	size_t have = 0;
	int64_t got;

	while (have < n) {
		got = jin_read(in, (char *)p + have, n - have, e);
		if (got < 0)
			return (int)got;
		if (!got)
			return jerr_set(e, JERR_FORMAT,
				"%s: ends %zu bytes short of the %zu expected at offset %llu", in->name,
				n - have, n, (unsigned long long)at);
		have += (size_t)got;
	}
	return 0;
}

/* The waiting bytes are more than the cap without a LF: drops up to the LF. */
static int
skip_line(struct jin *in, size_t *n, struct jerr *e)
{
	size_t total = 0;
	char *nl = NULL;
	int64_t got;

	for (;;) {
		nl = memchr(in->buf + in->start, '\n', in->end - in->start);
		if (nl)
			break;
		total += in->end - in->start;
		in->start = in->end;
		got = fill(in, e);
		if (got < 0)
			return (int)got;
		if (!got)
			break;
	}
	if (nl) {
		total += (size_t)(nl - in->buf) - in->start;
		in->start = (size_t)(nl - in->buf) + 1;
	}
	in->lineno++;
	*n = total;
	return 2;
}

int
jin_line(struct jin *in, char **line, size_t *n, struct jerr *e)
{
	size_t have, seen = 0;
	char *at, *nl;
	int64_t got;

	*line = NULL;
	for (;;) {
		at = in->buf + in->start;
		have = in->end - in->start;
		nl = memchr(at + seen, '\n', have - seen);
		if (nl)
			have = (size_t)(nl - at);
		if (have > in->max_line)
			return skip_line(in, n, e);
		if (nl)
			break;
		seen = have;
		got = fill(in, e);
		if (got < 0)
			return (int)got;
		if (!got && !have)
			return 0;
		if (!got)
			break;
	}
	at = in->buf + in->start;
	at[have] = '\0';
	in->start += have + (nl != NULL);
	in->lineno++;
	*line = at;
	*n = have;
	return 1;
}

void
jin_set_max_line(struct jin *in, size_t max)
{
	in->max_line = max;
}

uint64_t
jin_offset(const struct jin *in)
{
	return in->base + in->start;
}

uint64_t
jin_raw_offset(const struct jin *in)
{
	return in->raw.fd < 0 ? in->raw.at : in->raw.offset;
}

uint64_t
jin_raw_size(const struct jin *in)
{
	return in->raw.size;
}

uint64_t
jin_lineno(const struct jin *in)
{
	return in->lineno;
}

const char *
jin_name(const struct jin *in)
{
	return in->name;
}

int
jin_slurp(const char *name, struct jbuf *b, struct jerr *e)
{
	char chunk[64 * 1024];
	struct jin *in;
	int64_t got;
	int rc = jin_open(&in, name, e);

	if (rc < 0)
		return rc;
	while ((got = jin_read(in, chunk, sizeof(chunk), e)) > 0) {
		jbuf_add(b, chunk, (size_t)got);
		if (b->over) {
			got = jerr_set(e, JERR_LIMIT, "%s: larger than the limit of %zu bytes", name,
				b->max);
			break;
		}
	}
	jin_close(in);
	return (int)got;
}
