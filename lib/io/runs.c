/*
 * runs.c - spilled runs and the heap that merges them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "io/runs.h"

#define LEAST 512	/* bytes of a run's buffer */

int
run_compare(const unsigned char *a, size_t na, const unsigned char *b, size_t nb)
{
	size_t n = na < nb ? na : nb;
	int c = n ? memcmp(a, b, n) : 0;

	return c ? c : (na > nb) - (na < nb);
}

int
spill_open(struct spill *s, const char *dir, size_t cap, struct jerr *e)
{
	size_t n = strlen(dir) + 32;
	char *folder = jmem_alloc(n, 1), *file = jmem_alloc(n, 1);

	*s = (struct spill){ .fd = -1, .dir = dir };
	snprintf(folder, n, "%s/jsort.XXXXXX", dir);
	if (!mkdtemp(folder)) {
		jerr_sys(e, "cannot make a folder for sorting in %s", dir);
	} else {
		snprintf(file, n, "%s/runs", folder);
		s->fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (s->fd < 0)
			jerr_sys(e, "cannot create %s", file);
		else
			unlink(file);
		rmdir(folder);
	}
	jmem_free(folder);
	jmem_free(file);
	if (s->fd < 0)
		return JERR_IO;
	s->cap = cap;
	s->buf = jmem_alloc(cap, 1);
	return 0;
}

static int
write_all(struct spill *s, const unsigned char *p, size_t n, struct jerr *e)
{
	ssize_t put;

	while (n) {
		put = write(s->fd, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return jerr_sys(e, "cannot write sorted runs in %s", s->dir);
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

int
spill_flush(struct spill *s, struct jerr *e)
{
	size_t n = s->n;

	s->n = 0;
	return write_all(s, s->buf, n, e);
}

static int
append(struct spill *s, const void *p, size_t n, struct jerr *e)
{
	int rc;

	if (n > s->cap - s->n) {
		rc = spill_flush(s, e);
		if (rc < 0)
			return rc;
	}
	s->end += n;
	if (n > s->cap)
		return write_all(s, p, n, e);
	if (n)
		memcpy(s->buf + s->n, p, n);
	s->n += n;
	return 0;
}

int
spill_put(struct spill *s, const void *p, size_t n, struct jerr *e)
{
	unsigned char head[4];
	int rc;

	jle_put32(head, (uint32_t)n);
	rc = append(s, head, sizeof(head), e);
	return rc < 0 ? rc : append(s, p, n, e);
}

void
spill_close(struct spill *s)
{
	if (s->fd >= 0)
		close(s->fd);
	jmem_free(s->buf);
	*s = (struct spill){ .fd = -1 };
}

struct cursor {
	uint64_t at, end;	/* of the run, still in the file */
	unsigned char *buf;
	size_t start, n, cap;	/* waiting bytes are start..n */
	const unsigned char *rec;
	size_t len;
};

struct merge {
	struct spill *spill;
	struct cursor *c;
	size_t *heap;		/* indices into c; heap[0] has the least record */
	size_t k, live;
	int begun;
};

static int
read_at(struct spill *s, unsigned char *p, size_t n, uint64_t at, struct jerr *e)
{
	ssize_t got;

	while (n) {
		got = pread(s->fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return jerr_sys(e, "cannot read sorted runs in %s", s->dir);
		if (!got)
			return jerr_set(e, JERR_IO, "sorted runs in %s end early", s->dir);
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

/* Makes need bytes available from start on. */
static int
cursor_fill(struct merge *m, struct cursor *c, size_t need, struct jerr *e)
{
	size_t take;
	int rc;

	if (c->n - c->start >= need)
		return 0;
	memmove(c->buf, c->buf + c->start, c->n - c->start);
	c->n -= c->start;
	c->start = 0;
	if (need > c->cap) {
		unsigned char *p = jmem_try(need, 1);

		if (!p)
			return jerr_set(e, JERR_NOMEM, "no memory to sort a record of %zu bytes", need);
		memcpy(p, c->buf, c->n);
		jmem_free(c->buf);
		c->buf = p;
		c->cap = need;
	}
	take = c->cap - c->n;
	if (take > c->end - c->at)
		take = (size_t)(c->end - c->at);
	rc = read_at(m->spill, c->buf + c->n, take, c->at, e);
	if (rc < 0)
		return rc;
	c->at += take;
	c->n += take;
	return c->n >= need ? 0 : jerr_set(e, JERR_IO, "sorted runs in %s end early", m->spill->dir);
}

/* 1 the next record of the run is at rec, 0 end. */
static int
cursor_next(struct merge *m, struct cursor *c, struct jerr *e)
{
	int rc;

	if (c->start == c->n && c->at == c->end)
		return 0;
	rc = cursor_fill(m, c, 4, e);
	if (rc < 0)
		return rc;
	c->len = jle_u32(c->buf + c->start);
	c->start += 4;
	rc = cursor_fill(m, c, c->len, e);
	if (rc < 0)
		return rc;
	c->rec = c->buf + c->start;
	c->start += c->len;
	return 1;
}

static int
before(const struct merge *m, size_t a, size_t b)
{
	const struct cursor *x = &m->c[a], *y = &m->c[b];
	int c = run_compare(x->rec, x->len, y->rec, y->len);

	return c ? c < 0 : a < b;
}

static void
sift(struct merge *m, size_t i)
{
	size_t kid, t;

	while ((kid = 2 * i + 1) < m->live) {
		if (kid + 1 < m->live && before(m, m->heap[kid + 1], m->heap[kid]))
			kid++;
		if (!before(m, m->heap[kid], m->heap[i]))
			return;
		t = m->heap[i];
		m->heap[i] = m->heap[kid];
		m->heap[kid] = t;
		i = kid;
	}
}

int
merge_open(struct merge **out, struct spill *s, const struct run *runs, size_t k, size_t memory,
	struct jerr *e)
{
	struct merge *m = jmem_zalloc(1, sizeof(*m));
	size_t share = memory / (k ? k : 1), i;
	int rc = 0;

	if (share < LEAST)
		share = LEAST;
	m->spill = s;
	m->k = k;
	m->c = jmem_zalloc(k, sizeof(*m->c));
	m->heap = jmem_zalloc(k, sizeof(*m->heap));
	for (i = 0; rc >= 0 && i < k; i++) {
		m->c[i] = (struct cursor){ .at = runs[i].at, .end = runs[i].end, .cap = share };
		m->c[i].buf = jmem_alloc(share, 1);
		rc = cursor_next(m, &m->c[i], e);
		if (rc > 0)
			m->heap[m->live++] = i;
	}
	if (rc < 0) {
		merge_close(m);
		return rc;
	}
	for (i = m->live / 2; i-- > 0; )
		sift(m, i);
	*out = m;
	return 0;
}

int
merge_next(struct merge *m, const void **p, size_t *n, struct jerr *e)
{
	struct cursor *c;
	int rc;

	if (m->begun && m->live) {
		/* The record handed out last is given up only now. */
		rc = cursor_next(m, &m->c[m->heap[0]], e);
		if (rc < 0)
			return rc;
		if (rc == 0)
			m->heap[0] = m->heap[--m->live];
		sift(m, 0);
	}
	m->begun = 1;
	if (!m->live)
		return 0;
	c = &m->c[m->heap[0]];
	*p = c->rec;
	*n = c->len;
	return 1;
}

void
merge_close(struct merge *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->k; i++)
		jmem_free(m->c[i].buf);
	jmem_free(m->c);
	jmem_free(m->heap);
	jmem_free(m);
}
