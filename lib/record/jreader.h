/*
 * jreader.h - the input side of a record filter: operands ("-", files, folders of *.jsonl[.gz|.zst]
 * in name order, none = standard input) as one stream of lines.
 */
#ifndef JREADER_H
#define JREADER_H

#include "base/jerr.h"
#include "io/jio.h"

struct jreader {
	char **files;
	size_t n, at;
	struct jin *in;
	size_t max_line;	/* set between open and the first line; 0 = jio's default */
	uint64_t bytes_total;	/* sum of the file sizes; 0 if unknown (a pipe) */
	uint64_t bytes_before;	/* raw bytes of the files already finished */
};

/* Expands operands; a missing file or a folder without records is an error before anything is read. */
int jreader_open(struct jreader *r, int argc, char **argv, struct jerr *e);
/* As jin_line(): 1 line, 2 line too long, 0 end of all, < 0 error. */
int jreader_line(struct jreader *r, char **line, size_t *n, struct jerr *e);
const char *jreader_name(const struct jreader *r);	/* file of the line last returned */
uint64_t jreader_lineno(const struct jreader *r);
uint64_t jreader_done(const struct jreader *r);		/* raw bytes consumed, for progress */
void jreader_close(struct jreader *r);

#endif
