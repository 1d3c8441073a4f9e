/*
 * units.h - the input of jtokenize as a stream of units in blocks: a JSON line of a file whose first
 * byte is '{', else a whole text file, or a line of it with its line end.
 */
#ifndef UNITS_H
#define UNITS_H

#include "base/jstr.h"
#include "cli/jcli.h"
#include "io/jio.h"
#include "record/jreader.h"

enum unit_mode {
	UNITS_WHOLE,		/* text: one unit a file */
	UNITS_TEXT_LINES,	/* text: one unit a line, with its line end */
	UNITS_LINES		/* all files: one unit a line, without its line end */
};

struct unit {
	size_t at, n;		/* in the block's bytes */
	uint64_t line;
	size_t file;
	bool json, too_long;
};

struct unit_block {
	struct jbuf bytes;
	struct unit *v;
	size_t n, cap;
	uint64_t done;		/* raw bytes of input read so far */
};

struct units {
	enum unit_mode mode;
	struct jreader files;	/* only its expanded operands are used */
	size_t at;
	struct jin *in;
	bool text;		/* the open file is text */
	uint64_t taken, limit, done_before;
	size_t max_line;
	struct jcli *cli;
};

int units_open(struct units *u, enum unit_mode mode, struct jcli *cli, int argc, char **argv,
	struct jerr *e);
void units_close(struct units *u);
/* Fills b with the next units, about a MiB: 1, 0 at the end, < 0 error. */
int units_read(struct units *u, struct unit_block *b, struct jerr *e);
const char *units_name(const struct units *u, const struct unit *x);

void unit_block_init(struct unit_block *b);
void unit_block_release(struct unit_block *b);

#endif
