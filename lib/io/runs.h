/*
 * runs.h - private to io: sorted runs of records in one unlinked file, and their merge.
 *
 * A run is a range of the file: records as a 32-bit length and the bytes.  struct spill appends
 * records; struct merge reads any number of runs of one spill in order, ties going to the earlier
 * run.  Memory of a merge: about the bytes given to merge_open(), plus records longer than a
 * run's share.
 */
#ifndef IO_RUNS_H
#define IO_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct run {
	uint64_t at, end;	/* offsets in the spill file */
};

struct spill {
	int fd;
	const char *dir;	/* the caller's */
	uint64_t end;		/* bytes in the file, with those in buf */
	unsigned char *buf;
	size_t n, cap;
};

int spill_open(struct spill *s, const char *dir, size_t cap, struct jerr *e);
int spill_put(struct spill *s, const void *p, size_t n, struct jerr *e);
int spill_flush(struct spill *s, struct jerr *e);
void spill_close(struct spill *s);

struct merge;

int merge_open(struct merge **m, struct spill *s, const struct run *runs, size_t k, size_t memory,
	struct jerr *e);
/* 1 a record (valid until the next call), 0 end, < 0 error. */
int merge_next(struct merge *m, const void **p, size_t *n, struct jerr *e);
void merge_close(struct merge *m);

/* Order of records: by bytes, the shorter first where one begins the other. */
int run_compare(const unsigned char *a, size_t na, const unsigned char *b, size_t nb);

#endif
