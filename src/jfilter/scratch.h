/*
 * scratch.h - a private temporary file that is gone when the program is: appended through a buffer,
 * read and overwritten anywhere.
 *
 * The file has no name (unlinked at once) and lies under J_WORK, else TMPDIR, else /tmp.
 * scratch_read() and scratch_write() may be called by many threads after scratch_flush(); appending
 * belongs to one.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct scratch {
	int fd;
	uint64_t n;			/* bytes appended */
	unsigned char *buf;
	size_t held;
};

int scratch_open(struct scratch *s, struct jerr *e);
int scratch_add(struct scratch *s, const void *p, size_t n, struct jerr *e);
int scratch_flush(struct scratch *s, struct jerr *e);
int scratch_read(const struct scratch *s, uint64_t at, void *p, size_t n, struct jerr *e);
int scratch_write(struct scratch *s, uint64_t at, const void *p, size_t n, struct jerr *e);
void scratch_close(struct scratch *s);	/* also one that is all zero */

#endif
