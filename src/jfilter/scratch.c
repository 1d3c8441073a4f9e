#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jmem.h"

enum { BUFFER = 256 << 10 };

int
scratch_open(struct scratch *s, struct jerr *e)
{
	const char *dir = getenv("J_WORK");
	char *path;
	size_t n;

	memset(s, 0, sizeof(*s));
	if (!dir || !*dir)
		dir = getenv("TMPDIR");
	if (!dir || !*dir)
		dir = "/tmp";
	n = strlen(dir) + 32;
	path = jmem_alloc(n, 1);
	snprintf(path, n, "%s/jfilter.XXXXXX", dir);
	s->fd = mkstemp(path);
	if (s->fd >= 0) {
		unlink(path);
		s->buf = jmem_alloc(BUFFER, 1);
	} else {
		jerr_sys(e, "cannot create a temporary file in %s", dir);
	}
	jmem_free(path);
	return s->fd >= 0 ? 0 : JERR_IO;
}

int
scratch_write(struct scratch *s, uint64_t at, const void *p, size_t n, struct jerr *e)
{
	const char *from = p;

	while (n > 0) {
		ssize_t put = pwrite(s->fd, from, n, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return jerr_sys(e, "cannot write a temporary file");
		from += put;
		at += (uint64_t)put;
		n -= (size_t)put;
	}
	return 0;
}

int
scratch_flush(struct scratch *s, struct jerr *e)
{
	size_t held = s->held;

	s->held = 0;
	return scratch_write(s, s->n - held, s->buf, held, e);
}

int
scratch_add(struct scratch *s, const void *p, size_t n, struct jerr *e)
{
	int rc;

	if (s->held + n > BUFFER) {
		rc = scratch_flush(s, e);
		if (rc < 0)
			return rc;
	}
	if (n > BUFFER) {
		rc = scratch_write(s, s->n, p, n, e);
		s->n += n;
		return rc;
	}
	if (n > 0)
		memcpy(s->buf + s->held, p, n);
	s->held += n;
	s->n += n;
	return 0;
}

int
scratch_read(const struct scratch *s, uint64_t at, void *p, size_t n, struct jerr *e)
{
	char *to = p;

	while (n > 0) {
		ssize_t got = pread(s->fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return jerr_sys(e, "cannot read a temporary file back");
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

void
scratch_close(struct scratch *s)
{
	if (s->buf)
		close(s->fd);
	jmem_free(s->buf);
	memset(s, 0, sizeof(*s));
}
