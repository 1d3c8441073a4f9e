/*
 * lines.h - blocks of lines read from the operands, with what became of each: what every verb of
 * jfilter sends through its pipeline.
 *
 * Lines are copied into the block, so a block is worked on while the next one is read.  A block
 * ends at 256 KiB of text or 1024 lines.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "cli/jcli.h"
#include "io/jio.h"
#include "record/jreader.h"
#include "resume.h"

struct line {
	size_t at, n;			/* in block.bytes */
	uint64_t number;		/* in its file, from 1 */
	bool too_long;			/* n is its length, there are no bytes */
	bool bad;			/* found to be no record */
	int part;			/* for split */
};

struct block {
	struct jbuf bytes;
	struct line *v;
	size_t n, cap;
	char *file;			/* all lines of a block are of one file */
	uint64_t first;			/* ordinal of the first line among all */
	struct jbuf out, rejects;	/* records to write */
	uint64_t kept;
	const char **reason;		/* one for each rejected record; static or set-owned strings */
	size_t reasons, reason_cap;
	struct resume_point after;	/* where the input stands behind the last line */
};

struct lines {				/* the reading and writing ends, shared by the stages */
	struct jcli *cli;
	struct jreader reader;
	bool pending, ended;		/* a line of the next file was read but does not fit */
	char *line;
	size_t line_n;
	int line_rc;
	uint64_t read, limit;
	struct jout *out, *rejects;
	struct resume *resume;		/* instead of out and rejects; or NULL */
	struct resume_point done;	/* what is written */
	const char *shown;		/* name for messages instead of the reader's; or NULL */
};

int lines_open(struct lines *l, struct jcli *cli, int argc, char **argv, struct jerr *e);
/* As lines_open() for one file that stands for another, whose name is shown. */
int lines_open_copy(struct lines *l, struct jcli *cli, char **file, const char *shown,
	struct jerr *e);
/* Opens -o and --rejects. */
int lines_open_output(struct lines *l, struct jerr *e);
/*
 * Opens them so that a later run can go on, and goes on where one with the same options and input
 * was stopped.  JERR_ARG where standard input is read or an output is no file.  *o outlives l.
 */
int lines_resume_output(struct lines *l, const struct jopt *options, const struct resume_opts *o,
	struct jerr *e);
/* Reads over what is done already. */
int lines_skip(struct lines *l, const struct resume_point *p, struct jerr *e);
/* As jpar_pipe.read: 1 block, 0 end, < 0 error. */
int lines_read(struct lines *l, struct block **b, struct jerr *e);
/* Writes out and rejects of the block, counts, and frees it. */
int lines_write(struct lines *l, struct block *b, struct jerr *e);
/* Commits the outputs if rc is 0, else removes them; closes the input.  Returns rc or the error. */
int lines_close(struct lines *l, int rc, struct jerr *e);

void block_free(struct block *b);
/* Rejects line i, which is no record: the line itself goes to rejects as a string. */
void block_malformed(struct block *b, size_t i, const char *rule, const char *why);
void block_reject(struct block *b, const char *reason);

#endif
