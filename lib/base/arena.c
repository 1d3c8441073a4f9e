/*
 * arena.c - bump allocation in chunks; the newest chunk is the head of a list.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define ALIGN 16u

struct jarena_chunk {
	struct jarena_chunk *prev;
	size_t used, size;	/* of the bytes behind the header */
};

#define HEADER ((sizeof(struct jarena_chunk) + ALIGN - 1) / ALIGN * ALIGN)

static char *
chunk_data(struct jarena_chunk *c)
{
	return (char *)c + HEADER;
}

static void
chunk_free(struct jarena_chunk *c)
{
	UNPOISON(chunk_data(c), c->size);
	free(c);
}

static void
chunk_push(struct jarena *a, size_t need)
{
	size_t size = a->chunk_bytes ? a->chunk_bytes : 64 * 1024;
	struct jarena_chunk *c;

	if (size < need)
		size = need;
	if (size > SIZE_MAX - HEADER)
		jbug("arena: %zu bytes asked", need);
	c = jmem_alloc(HEADER + size, 1);
	c->prev = a->head;
	c->used = 0;
	c->size = size;
	POISON(chunk_data(c), size);
	a->head = c;
}

void
jarena_init(struct jarena *a, size_t chunk_bytes)
{
	a->head = NULL;
	a->chunk_bytes = chunk_bytes;
}

void
jarena_release(struct jarena *a)
{
	struct jarena_chunk *c, *prev;

	for (c = a->head; c; c = prev) {
		prev = c->prev;
		chunk_free(c);
	}
	a->head = NULL;
}

/* Keeps the largest chunk, so that an arena used per record settles without further malloc. */
void
jarena_reset(struct jarena *a)
{
	struct jarena_chunk *c, *prev, *keep = NULL;

	for (c = a->head; c; c = prev) {
		prev = c->prev;
		if (!keep) {
			keep = c;
		} else if (c->size > keep->size) {
			chunk_free(keep);
			keep = c;
		} else {
			chunk_free(c);
		}
	}
	a->head = keep;
	if (keep) {
		keep->prev = NULL;
		keep->used = 0;
		POISON(chunk_data(keep), keep->size);
	}
}

void *
jarena_alloc(struct jarena *a, size_t n, size_t size)
{
	size_t bytes, room;
	char *p;

	if (size && n > (SIZE_MAX - 2 * ALIGN) / size)
		jbug("arena: %zu x %zu bytes asked", n, size);
	bytes = n * size;
	room = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!room)
		room = ALIGN;
	if (!a->head || a->head->size - a->head->used < room)
		chunk_push(a, room);
	p = chunk_data(a->head) + a->head->used;
	a->head->used += room;
	UNPOISON(p, bytes);
	memset(p, 0, bytes);
	return p;
}

void *
jarena_grow(struct jarena *a, void *p, size_t *cap, size_t need, size_t size)
{
	size_t wider = *cap ? *cap : 8;
	void *w;

	if (need <= *cap)
		return p;
	while (wider < need)
		wider *= 2;
	w = jarena_alloc(a, wider, size);
	if (*cap > 0)
		memcpy(w, p, *cap * size);
	*cap = wider;
	return w;
}

char *
jarena_strndup(struct jarena *a, const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		jbug("arena: %zu bytes asked", n);
	p = jarena_alloc(a, n + 1, 1);
	if (n)
		memcpy(p, s, n);
	return p;
}

char *
jarena_printf(struct jarena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		jbug("arena: bad format \"%s\"", fmt);
	p = jarena_alloc(a, (size_t)n + 1, 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

struct jarena_mark
jarena_mark(const struct jarena *a)
{
	struct jarena_mark m = { a->head, a->head ? a->head->used : 0 };

	return m;
}

/* A mark taken on an empty arena rewinds to empty, keeping nothing. */
void
jarena_rewind(struct jarena *a, struct jarena_mark m)
{
	struct jarena_chunk *prev;

	while (a->head && a->head != m.chunk) {
		prev = a->head->prev;
		chunk_free(a->head);
		a->head = prev;
	}
	if (!a->head)
		return;
	a->head->used = m.used;
	POISON(chunk_data(a->head) + m.used, a->head->size - m.used);
}
