/*
 * dedupplan.h - what becomes of the lines of a shard; a line that the plan does not name is kept as
 * it is.  Records of the file (jdedup(5)), by rising line:
 *
 *	u64 line (big-endian), then
 *	B				no record
 *	R  u8 exact, f64 similarity, id	removed for the document of that id
 *	C  u32 n, n of (u32 offset, u32 length, u32 length of the id, id)	cut
 *	E  u64 digest			the end; line is the number of lines
 */
#ifndef DEDUPPLAN_H
#define DEDUPPLAN_H

#include "dedup.h"

struct dedup_cut {
	uint32_t at, n;			/* bytes of the text */
	const char *twin;		/* id of the document that keeps them */
	uint32_t twin_n;
};

struct dedup_step {			/* a record of the plan */
	uint64_t line;
	int what;			/* 'B', 'R', 'C', 'E' */
	bool exact;
	double similarity;
	const char *twin;
	size_t twin_n;
	const unsigned char *cuts;	/* read with dedup_next_cut() */
	size_t cuts_n;
	uint64_t digest;
};

int dedup_read_step(struct dedup_step *s, const unsigned char *p, size_t n, struct jerr *e);
/* 1 a cut, 0 no more, < 0 error; at starts as 0. */
int dedup_next_cut(const struct dedup_step *s, size_t *at, struct dedup_cut *c, struct jerr *e);
/* Adds a cut of a document for one of rank twin to d->cuts. */
int dedup_add_cut(struct dedup *d, uint64_t ordinal, const struct dedup_cut *c, uint64_t twin,
	struct jerr *e);

#endif
