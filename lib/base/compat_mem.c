/*
 * compat_mem.c - anonymous mappings, which POSIX.1-2008 lacks.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "base/jmem.h"

#define HUGE_BYTES (4u << 20)

void *
jmem_map(size_t bytes)
{
	void *p;

	if (!bytes)
		return NULL;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
#ifdef MADV_HUGEPAGE
	if (bytes >= HUGE_BYTES)	/* fewer misses on slabs of weights; only a wish */
		(void)madvise(p, bytes, MADV_HUGEPAGE);
#endif
	return p;
}

void
jmem_unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}
