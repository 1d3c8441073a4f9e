/*
 * jmem.h - heap allocation and arenas.
 *
 * jmem_alloc() and friends are for sizes the program chose: they never return NULL; out of
 * memory is a jbug().  Sizes that come from data or options go through jmem_try*(), which return
 * NULL.  All take a count and a size and refuse a product that overflows.
 *
 * An arena hands out memory by bumping a pointer and frees all of it at once: one per record,
 * request or worker.  Memory from an arena is valid until reset/release of the arena, or until
 * jarena_rewind() to an earlier mark.  Under AddressSanitizer freed arena memory is poisoned.
 * An arena is used by one thread at a time.
 */
#ifndef JMEM_H
#define JMEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

void *jmem_alloc(size_t n, size_t size);		/* uninitialised */
void *jmem_zalloc(size_t n, size_t size);		/* zeroed */
void *jmem_realloc(void *p, size_t n, size_t size);
char *jmem_strdup(const char *s);
char *jmem_strndup(const char *s, size_t n);
void jmem_free(void *p);

void *jmem_try(size_t n, size_t size);			/* NULL when too large */
void *jmem_try_aligned(size_t n, size_t size);		/* 64-byte aligned; free with jmem_free() */
/* Zeroed pages straight from the system, page aligned, for slabs; NULL when refused. */
void *jmem_map(size_t bytes);
void jmem_unmap(void *p, size_t bytes);

/* Allocations by the functions above and below so far, in all threads: for proofs that a loop makes none. */
uint64_t jmem_count(void);

/* Grows the array *p (elements of size bytes) so that need elements fit; doubles. */
#define JMEM_GROW(p, cap, need) \
	((p) = jmem_grow((p), &(cap), (need), sizeof(*(p))))
void *jmem_grow(void *p, size_t *cap, size_t need, size_t size);

struct jarena_chunk;
struct jarena {
	struct jarena_chunk *head;	/* chunk in use; older ones behind it */
	size_t chunk_bytes;		/* size of a fresh chunk; 0 = 64 KiB */
};
struct jarena_mark {
	struct jarena_chunk *chunk;
	size_t used;
};

void jarena_init(struct jarena *a, size_t chunk_bytes);
void jarena_release(struct jarena *a);
void jarena_reset(struct jarena *a);			/* keeps one chunk for reuse */
void *jarena_alloc(struct jarena *a, size_t n, size_t size);	/* 16-byte aligned, zeroed */
/* As JMEM_GROW() for an array that lives in an arena: the old place stays behind until reset. */
#define JARENA_GROW(a, p, cap, need) \
	((p) = jarena_grow((a), (p), &(cap), (need), sizeof(*(p))))
void *jarena_grow(struct jarena *a, void *p, size_t *cap, size_t need, size_t size);
char *jarena_strndup(struct jarena *a, const char *s, size_t n);
char *jarena_printf(struct jarena *a, const char *fmt, ...) JPRINTF(2, 3);
struct jarena_mark jarena_mark(const struct jarena *a);
void jarena_rewind(struct jarena *a, struct jarena_mark m);

#endif
