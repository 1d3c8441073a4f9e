/*
 * jsort.h - external sort: any number of byte records in a fixed amount of memory.
 *
 * Records are added in any order, then read back sorted by memcmp (shorter first on ties); equal
 * records keep the order in which they were added.  What does not fit is spilled as sorted runs to
 * files in a private folder under tmpdir (NULL: J_WORK, else TMPDIR, else /tmp) that are unlinked
 * at once.
 *
 *	jsort_open -> jsort_add ... -> jsort_finish -> jsort_next ... -> jsort_close
 */
#ifndef JSORT_H
#define JSORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct jsort;

int jsort_open(struct jsort **s, size_t memory, const char *tmpdir, struct jerr *e);
int jsort_add(struct jsort *s, const void *p, size_t n, struct jerr *e);	/* n < 4 GiB */
int jsort_finish(struct jsort *s, struct jerr *e);
/* 1 record (valid until the next call), 0 end, < 0 error. */
int jsort_next(struct jsort *s, const void **p, size_t *n, struct jerr *e);
void jsort_close(struct jsort *s);

#endif
