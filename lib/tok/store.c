#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/jmem.h"
#include "base/jstr.h"

#define CHUNK ((size_t)1 << STORE_CHUNK)

void
pager_init(struct pager *g, const char *dir, uint64_t budget)
{
	static const char *const names[] = { "J_WORK", "TMPDIR" };
	size_t i;

	memset(g, 0, sizeof(*g));
	for (i = 0; i < PAGER_STORES; i++)
		g->store[i].fd = -1;
	for (i = 0; !dir && i < 2; i++) {
		dir = getenv(names[i]);
		if (dir && !*dir)
			dir = NULL;
	}
	g->dir = jmem_strdup(dir ? dir : "/tmp");
	g->budget = budget >> STORE_CHUNK > 16 ? budget >> STORE_CHUNK : 16;
}

static void
store_release(struct store *s)
{
	if (s->fd < 0) {
		jmem_free(s->p);
	} else {
		if (s->p)
			munmap(s->p, s->bytes);
		close(s->fd);
	}
	jmem_free(s->seen);
	*s = (struct store){ .fd = -1 };
}

void
pager_release(struct pager *g)
{
	size_t i;

	for (i = 0; i < PAGER_STORES; i++)
		store_release(&g->store[i]);
	jmem_free(g->dir);
	g->dir = NULL;
}

/* The file, made larger: space is taken now, since a write to a mapping cannot fail gently. */
static int
map_file(struct pager *g, struct store *s, size_t bytes, struct jerr *e)
{
	size_t want = (bytes + CHUNK - 1) / CHUNK * CHUNK;
	int rc = posix_fallocate(s->fd, (off_t)s->bytes, (off_t)(want - s->bytes));

	if (rc)
		return jerr_set(e, JERR_IO, "%s: no room for %zu bytes of words: %s", g->dir, want, strerror(rc));
	if (s->p)
		munmap(s->p, s->bytes);
	s->p = mmap(NULL, want, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->p == MAP_FAILED) {
		s->p = NULL;
		return jerr_set(e, JERR_NOMEM, "cannot map %zu bytes: %s", want, strerror(errno));
	}
	s->seen = jmem_realloc(s->seen, want >> STORE_CHUNK, 1);
	memset(s->seen + (s->bytes >> STORE_CHUNK), 0, (want - s->bytes) >> STORE_CHUNK);
	s->bytes = want;
	return 0;
}

static int
to_file(struct pager *g, struct store *s, struct jerr *e)
{
	struct store old = *s;
	struct jbuf name;
	int rc;

	jbuf_init(&name);
	jbuf_printf(&name, "%s/jtok.XXXXXX", g->dir);
	*s = (struct store){ .fd = mkstemp(name.p) };
	if (s->fd >= 0) {
		unlink(name.p);
		rc = map_file(g, s, old.bytes > CHUNK ? old.bytes : CHUNK, e);
	} else {
		rc = jerr_set(e, JERR_IO, "cannot make %s: %s", name.p, strerror(errno));
	}
	if (!rc && old.bytes)
		memcpy(s->p, old.p, old.bytes);
	jmem_free(old.p);
	jbuf_release(&name);
	return rc;
}

/* All pages go; their contents stay in the files. */
static void
renew(struct pager *g)
{
	size_t i;

	for (i = 0; i < PAGER_STORES; i++) {
		struct store *s = &g->store[i];

		if (mmap(s->p, s->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, s->fd, 0) != s->p)
			jbug("a file cannot be mapped where it was");
		memset(s->seen, 0, s->bytes >> STORE_CHUNK);
	}
	g->in = 0;
}

int
pager_to_files(struct pager *g, struct jerr *e)
{
	int i, rc = 0;

	for (i = 0; !rc && i < PAGER_STORES; i++)
		rc = to_file(g, &g->store[i], e);
	if (rc)
		return rc;
	g->files = true;
	renew(g);
	return 0;
}

int
store_grow(struct pager *g, int i, size_t bytes, struct jerr *e)
{
	struct store *s = &g->store[i];

	if (bytes <= s->bytes)
		return 0;
	if (bytes < s->bytes + s->bytes / 2)
		bytes = s->bytes + s->bytes / 2;
	if (g->files)
		return map_file(g, s, bytes, e);
	s->p = jmem_realloc(s->p, bytes, 1);
	s->bytes = bytes;
	return 0;
}

void
store_see_file(struct pager *g, int i, size_t at, size_t n)
{
	struct store *s = &g->store[i];
	size_t k;

	for (k = at >> STORE_CHUNK; k <= (at + n - 1) >> STORE_CHUNK; k++) {
		if (s->seen[k])
			continue;
		if (g->in >= g->budget)
			renew(g);
		s->seen[k] = 1;
		g->in++;
	}
}
