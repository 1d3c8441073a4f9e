/*
 * store.h - arrays that grow, in memory or, when that is not enough, in unlinked files that are mapped
 * (private to the room).
 *
 * The arrays of one struct pager share a budget: of the files at most about that many bytes are mapped
 * in at a time.  Who reads or writes an array that may be in a file says so with store_see() first; when
 * the budget is used up, the mappings are renewed, which leaves the pages to the system.  Addresses
 * change only in store_grow() and pager_to_files().
 */
#ifndef TOK_STORE_H
#define TOK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

#define STORE_CHUNK 16		/* log2 of the bytes that a fault brings in */

struct store {
	void *p;
	size_t bytes;			/* allocated; in files whole chunks */
	int fd;				/* of the file */
	unsigned char *seen;		/* a byte for each chunk of the file */
};

#define PAGER_STORES 3
struct pager {
	struct store store[PAGER_STORES];
	bool files;
	uint64_t budget, in;		/* chunks allowed, and mapped in */
	char *dir;
};

/* dir: NULL for J_WORK, else TMPDIR, else /tmp; budget in bytes. */
void pager_init(struct pager *g, const char *dir, uint64_t budget);
void pager_release(struct pager *g);
/* Moves all arrays to files; JERR_IO where there is no room for them. */
int pager_to_files(struct pager *g, struct jerr *e);
/* Makes store i at least so many bytes large, by doubling; new bytes are not set. */
int store_grow(struct pager *g, int i, size_t bytes, struct jerr *e);
/* n > 0 bytes from `at` of a store that is in a file. */
void store_see_file(struct pager *g, int i, size_t at, size_t n);

static inline void
store_see(struct pager *g, int i, size_t at, size_t n)
{
	if (g->files && n)
		store_see_file(g, i, at, n);
}

#endif
