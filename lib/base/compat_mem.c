/*
 * compat_mem.c - anonymous mappings, which POSIX.1-2008 lacks.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "base/jmem.h"

void *
jmem_map(size_t bytes)
{
	void *p;

	if (!bytes)
		return NULL;
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

void
jmem_unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}
