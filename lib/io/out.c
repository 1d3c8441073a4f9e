/*
 * out.c - struct jout: buffered output to a file that appears whole.
 *
 * Temporaries are listed in a table of atomic pointers.  Whoever swaps a pointer out of the table
 * owns the path: the stream when it ends, or the signal handler, which only unlinks.
 */
#define _XOPEN_SOURCE 700	/* realpath() */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jmem.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "io/sync.h"

#define BUF_BYTES ((size_t)256 * 1024)
#define TEMPS 1024

struct jout {
	int fd;
	int failed;		/* errno of the first write that failed */
	bool keep_fd;		/* standard output: not ours to close */
	bool regular;
	uint64_t base;		/* where in the file our offset 0 is */
	uint64_t flushed;	/* bytes handed to the system */
	char *buf;
	size_t n;
	char *target, *tmp;	/* tmp NULL: written in place */
	char name[];
};

static _Atomic(char *) temps[TEMPS];

/* More files than slots: the file is still written safely, only not removed by a signal. */
static void
temps_add(char *path)
{
	char *none;
	size_t i;

	for (i = 0; i < TEMPS; i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&temps[i], &none, path))
			return;
	}
}

static void
temps_remove(char *path)
{
	char *mine;
	size_t i;

	for (i = 0; i < TEMPS; i++) {
		mine = path;
		if (atomic_compare_exchange_strong(&temps[i], &mine, NULL))
			return;
	}
}

void
jio_cleanup(void)
{
	char *path;
	size_t i;

	for (i = 0; i < TEMPS; i++) {
		path = atomic_exchange(&temps[i], NULL);
		if (path)
			unlink(path);
	}
}

/* The descriptor that a name like /dev/stdout or /dev/fd/3 stands for, or -1. */
static int
named_fd(const char *name)
{
	int64_t v;

	if (strcmp(name, "-") == 0 || strcmp(name, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(name, "/dev/stderr") == 0)
		return STDERR_FILENO;
	if (jstr_starts(name, "/dev/fd/") && jstr_to_i64(name + 8, &v) == 0 && v >= 0 && v < INT_MAX)
		return (int)v;
	return -1;
}

static int
open_in_place(struct jout *o, int fd, struct jerr *e)
{
	struct stat st;
	off_t at;

	if (fd >= 0) {
		o->fd = fd;
		o->keep_fd = true;
	} else {
		o->fd = open(o->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
		if (o->fd < 0)
			return jerr_sys(e, "cannot open %s for writing", o->name);
	}
	if (fstat(o->fd, &st) != 0)
		return jerr_sys(e, "cannot write %s", o->name);
	at = lseek(o->fd, 0, SEEK_CUR);
	o->regular = S_ISREG(st.st_mode) && at >= 0 && !(fcntl(o->fd, F_GETFL) & O_APPEND);
	o->base = at > 0 ? (uint64_t)at : 0;
	return 0;
}

/* Opens ".NAME.tmp.PID" in the folder of the target, with the mode that the target has or gets. */
static int
open_temporary(struct jout *o, const char *target, const struct stat *old, struct jerr *e)
{
	const char *base = jfs_base(target);
	size_t n = strlen(target) + 32;

	if (!*base)
		return jerr_set(e, JERR_ARG, "cannot write %s: not the name of a file", o->name);
	o->target = jmem_strdup(target);
	o->tmp = jmem_alloc(n, 1);
	snprintf(o->tmp, n, "%.*s.%s.tmp.%ld", (int)(base - target), target, base, (long)getpid());
	/* One left by a killed process that had our number is stale. */
	unlink(o->tmp);
	temps_add(o->tmp);
	o->fd = open(o->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (o->fd < 0) {
		jerr_sys(e, "cannot create %s", o->name);
		temps_remove(o->tmp);
		jmem_free(o->tmp);
		o->tmp = NULL;
		return JERR_IO;
	}
	o->regular = true;
	jfs_lock(o->fd);
	if (old && fchmod(o->fd, old->st_mode & 0777) != 0)
		return jerr_sys(e, "cannot set the mode of %s", o->tmp);
	return 0;
}

static int
open_file(struct jout *o, struct jerr *e)
{
	char real[PATH_MAX];
	struct stat st, link;
	const char *target = o->name;

	if (stat(o->name, &st) != 0)
		return open_temporary(o, target, NULL, e);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return jerr_sys(e, "cannot write %s", o->name);
	}
	if (!S_ISREG(st.st_mode))
		return open_in_place(o, -1, e);
	if (access(o->name, W_OK) != 0)
		return jerr_sys(e, "cannot write %s", o->name);
	/* Through a link the file is replaced, not the link. */
	if (lstat(o->name, &link) == 0 && S_ISLNK(link.st_mode) && realpath(o->name, real))
		target = real;
	return open_temporary(o, target, &st, e);
}

int
jout_open(struct jout **out, const char *name, struct jerr *e)
{
	int fd = named_fd(name), rc;
	const char *shown = strcmp(name, "-") == 0 ? "standard output" : name;
	size_t n = strlen(shown);
	struct jout *o = jmem_zalloc(1, sizeof(*o) + n + 1);

	*out = NULL;
	memcpy(o->name, shown, n + 1);
	o->fd = -1;
	rc = fd >= 0 ? open_in_place(o, fd, e) : open_file(o, e);
	if (rc < 0) {
		jout_abort(o);
		return rc;
	}
	o->buf = jmem_alloc(BUF_BYTES, 1);
	*out = o;
	return 0;
}

static int
write_all(struct jout *o, const char *p, size_t n, struct jerr *e)
{
	ssize_t put;

	while (n) {
		put = write(o->fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			o->failed = put < 0 ? errno : EIO;
			errno = o->failed;
			return jerr_sys(e, "cannot write %s", o->name);
		}
		p += put;
		n -= (size_t)put;
		o->flushed += (uint64_t)put;
	}
	return 0;
}

/* The first failure stays the answer: nothing after it would join up. */
static int
usable(struct jout *o, struct jerr *e)
{
	if (!o->failed)
		return 0;
	errno = o->failed;
	return jerr_sys(e, "cannot write %s", o->name);
}

int
jout_flush(struct jout *o, struct jerr *e)
{
	size_t n = o->n;
	int rc = usable(o, e);

	if (rc < 0)
		return rc;
	o->n = 0;
	return write_all(o, o->buf, n, e);
}

int
jout_write(struct jout *o, const void *p, size_t n, struct jerr *e)
{
	int rc = 0;

	if (n > BUF_BYTES - o->n) {
		rc = jout_flush(o, e);
		if (rc == 0 && n >= BUF_BYTES)
			return write_all(o, p, n, e);
	}
	if (rc == 0 && o->failed)
		rc = usable(o, e);
	if (rc < 0)
		return rc;
	if (n)
		memcpy(o->buf + o->n, p, n);
	o->n += n;
	return 0;
}

int
jout_printf(struct jout *o, struct jerr *e, const char *fmt, ...)
{
	struct jbuf b;
	va_list ap;
	int rc;

	jbuf_init(&b);
	va_start(ap, fmt);
	jbuf_vprintf(&b, fmt, ap);
	va_end(ap);
	rc = jout_write(o, b.p, b.n, e);
	jbuf_release(&b);
	return rc;
}

uint64_t
jout_offset(const struct jout *o)
{
	return o->flushed + o->n;
}

int
jout_patch(struct jout *o, uint64_t offset, const void *p, size_t n, struct jerr *e)
{
	const char *s = p;
	ssize_t put;
	int rc;

	if (!o->regular)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: not a file that can be changed at offset %llu",
			o->name, (unsigned long long)offset);
	if (n > jout_offset(o) || offset > jout_offset(o) - n)
		jbug("jout_patch: %zu bytes at %llu past the end", n, (unsigned long long)offset);
	if (offset >= o->flushed) {
		memcpy(o->buf + (offset - o->flushed), p, n);
		return 0;
	}
	rc = jout_flush(o, e);
	while (rc == 0 && n) {
		put = pwrite(o->fd, s, n, (off_t)(o->base + offset));
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			o->failed = put < 0 ? errno : EIO;
			rc = usable(o, e);
			break;
		}
		s += put;
		offset += (uint64_t)put;
		n -= (size_t)put;
	}
	return rc;
}

void
jout_abort(struct jout *o)
{
	if (!o)
		return;
	if (o->fd >= 0 && !o->keep_fd)
		close(o->fd);
	if (o->tmp) {
		unlink(o->tmp);
		temps_remove(o->tmp);
	}
	jmem_free(o->tmp);
	jmem_free(o->target);
	jmem_free(o->buf);
	jmem_free(o);
}

/* Flushed bytes of a temporary to the disk, then under the final name. */
static int
publish(struct jout *o, struct jerr *e)
{
	int fd = o->fd;

	if (io_sync_fd(fd) != 0)
		return jerr_sys(e, "cannot write %s", o->name);
	o->fd = -1;
	if (close(fd) != 0)
		return jerr_sys(e, "cannot write %s", o->name);
	if (rename(o->tmp, o->target) != 0)
		return jerr_sys(e, "cannot rename %s to %s", o->tmp, o->name);
	temps_remove(o->tmp);
	jmem_free(o->tmp);
	o->tmp = NULL;
	return io_sync_parent(o->target, e);
}

int
jout_commit(struct jout *o, struct jerr *e)
{
	int rc = jout_flush(o, e), fd = o->fd;

	if (rc == 0 && o->tmp)
		rc = publish(o, e);
	if (rc == 0 && !o->keep_fd && o->fd >= 0) {
		o->fd = -1;
		if (close(fd) != 0)
			rc = jerr_sys(e, "cannot write %s", o->name);
	}
	jout_abort(o);
	return rc;
}

int
jout_put(const char *name, const void *p, size_t n, struct jerr *e)
{
	struct jout *o;
	int rc = jout_open(&o, name, e);

	if (rc < 0)
		return rc;
	rc = jout_write(o, p, n, e);
	if (rc < 0) {
		jout_abort(o);
		return rc;
	}
	return jout_commit(o, e);
}
