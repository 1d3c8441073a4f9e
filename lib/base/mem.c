/*
 * mem.c - checked allocation on the heap.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"

static _Atomic uint64_t allocations;

static void
count(void)
{
	atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
}

uint64_t
jmem_count(void)
{
	return atomic_load_explicit(&allocations, memory_order_relaxed);
}

/* n * size into *bytes; 0 when no object can be that large. */
static int
product(size_t n, size_t size, size_t *bytes)
{
	if (size && n > PTRDIFF_MAX / size)
		return 0;
	*bytes = n * size;
	return 1;
}

void *
jmem_try(size_t n, size_t size)
{
	size_t bytes;

	if (!product(n, size, &bytes))
		return NULL;
	count();
	return malloc(bytes ? bytes : 1);
}

void *
jmem_try_aligned(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (!product(n, size, &bytes))
		return NULL;
	count();
	if (posix_memalign(&p, 64, bytes ? bytes : 1) != 0)
		return NULL;
	return p;
}

void *
jmem_alloc(size_t n, size_t size)
{
	void *p = jmem_try(n, size);

	if (!p)
		jbug("out of memory: %zu x %zu bytes", n, size);
	return p;
}

void *
jmem_zalloc(size_t n, size_t size)
{
	void *p;

	if (!n || !size)
		n = size = 1;
	count();
	p = calloc(n, size);
	if (!p)
		jbug("out of memory: %zu x %zu bytes", n, size);
	return p;
}

void *
jmem_realloc(void *p, size_t n, size_t size)
{
	size_t bytes;
	void *q;

	if (!product(n, size, &bytes))
		jbug("out of memory: %zu x %zu bytes", n, size);
	count();
	q = realloc(p, bytes ? bytes : 1);
	if (!q)
		jbug("out of memory: %zu x %zu bytes", n, size);
	return q;
}

char *
jmem_strndup(const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		jbug("out of memory: %zu bytes", n);
	p = jmem_alloc(n + 1, 1);
	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *
jmem_strdup(const char *s)
{
	return jmem_strndup(s, strlen(s));
}

void
jmem_free(void *p)
{
	free(p);
}

void *
jmem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	size_t want;

	if (need <= *cap)
		return p;
	want = *cap > SIZE_MAX / 2 ? need : *cap * 2;
	if (want < need)
		want = need;
	if (want < 8)
		want = 8;
	p = jmem_realloc(p, want, size);
	*cap = want;
	return p;
}
