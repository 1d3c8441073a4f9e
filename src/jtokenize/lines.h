/*
 * lines.h - a line in, a line out, on all threads, in order: the frame of ids and decode.
 */
#ifndef LINES_H
#define LINES_H

#include "base/jmem.h"
#include "tok/jtok.h"
#include "tokenize.h"

struct line_ctx {		/* of one worker */
	const struct tokenize_opts *o;
	const struct jtok *tok;
	struct jtok_state *state;
	struct jarena arena;	/* reset before each line */
	struct jids ids, ends;
	struct jbuf text;
};

/* Appends what becomes of the n bytes at p, line end included. */
typedef int line_fn(struct line_ctx *c, const char *p, size_t n, struct jbuf *out, struct jerr *e);

int lines_run(struct jcli *cli, const struct tokenize_opts *o, int argc, char **argv, line_fn *fn,
	struct jerr *e);

#endif
