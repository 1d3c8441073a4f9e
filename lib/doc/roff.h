/*
 * roff.h - the roff reader: the language of man(7) and mdoc(7) pages; private to this room.
 *
 * roff.c reads lines, runs requests (conditions, strings, registers, macro definitions) and hands
 * every macro of a page to man.c or mdoc.c; roff_text.c turns text with escapes into Markdown;
 * roff_char.c knows the special characters; roff_expr.c conditions; tbl.c tables.
 *
 * All work is bounded: macros nest at most ROFF_INPUTS deep, and lines and the text that macros and
 * strings put in are paid from a budget that grows with the page.
 */
#ifndef ROFF_H
#define ROFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "doc/jdoc.h"
#include "doc/md.h"

enum {
	ROFF_INPUTS = 12,
	ROFF_BUDGET = 50000,	/* and 4 for every byte of the page */
	ROFF_ARGS = 64,
	ROFF_LEVELS = 16
};

struct roff_arg {
	char *s;
	bool quoted;
};

struct roff_def {
	const char *name;
	const char *text;	/* string value, or macro body */
	int number;		/* register */
	int kind;		/* 's' string, 'm' macro, 'n' register */
};

struct roff_level {		/* of .RS or a mdoc list */
	bool item;		/* a container of a list item is open */
	bool term;		/* a term was seen: what is nested is indented */
	bool boxed;		/* the level itself is a container */
	char list;		/* mdoc: kind of list */
	int number;
};

struct roff {
	struct jdoc *d;
	struct md *m;		/* the page, or a line that is being captured */
	struct md page;
	struct jarena mem;
	struct {
		const char *p, *end;
	} in[ROFF_INPUTS];
	int n_in;
	long budget;		/* steps that are left */
	struct jbuf line;	/* the line being read, continuations joined */
	struct roff_def *def;
	size_t n_def, cap_def;
	bool else_runs[ROFF_LEVELS];	/* per nested .ie */
	int n_else;
	int skip;		/* open braces of a block that is passed over */

	bool mdoc;
	char font, last_font;	/* R B I C */
	char marked;		/* font whose mark is open in m */
	bool font_line;		/* the font is for the next line of text alone */
	bool no_space;		/* \c: the next line joins without a blank */
	int nofill;
	bool fenced;		/* text goes to fence */
	bool synopsis;
	struct jbuf fence;
	struct jbuf code;	/* constant-width text waiting to be written as one piece */
	struct jbuf terms;	/* terms waiting for their description */
	int want;		/* 't' the next line is a term, 'h' / 's' a heading */
	bool seen_name;		/* mdoc: the first .Nm was read */
	struct jbuf name;	/* mdoc: the page's name */
	struct jbuf section;	/* of the manual */
	struct roff_level lev[ROFF_LEVELS];
	int n_lev;
};

/* Macro of a page; argc counts the arguments without the name.  False if it is none of theirs. */
bool man_macro(struct roff *r, const char *name, int argc, struct roff_arg *argv);
bool mdoc_macro(struct roff *r, const char *name, int argc, struct roff_arg *argv);
/* At the end of the page: closes what is open. */
void man_end(struct roff *r);

/* One more line as if it stood in the page. */
void roff_line(struct roff *r, const char *s, size_t n);
/* The next line of input, false at the end. */
bool roff_next(struct roff *r, const char **s, size_t *n);
const struct roff_def *roff_find(const struct roff *r, const char *name, size_t n, int kind);
/* Value of a condition at s; *used = its length. */
bool roff_condition(struct roff *r, const char *s, size_t n, size_t *used);
long roff_number(struct roff *r, const char *s, size_t n, size_t *used);
/* Name behind an escape like \* or \n: x, (xx or [xxx]; returns its end. */
const char *roff_name(const char *s, const char *end, const char **name, size_t *n);

/* UTF-8 of a special character by its name, NULL if unknown; out is for computed ones. */
const char *roff_char(const char *name, size_t n, char out[8]);

void roff_font(struct roff *r, const char *name, size_t n);
/* Text with escapes. */
void roff_text(struct roff *r, const char *s, size_t n);
/* Visible UTF-8 without escapes. */
void roff_put(struct roff *r, const char *s, size_t n);
/* End of an input line: a blank, or a line end where lines count. */
void roff_eol(struct roff *r);
void roff_break(struct roff *r);		/* .br */
void roff_para(struct roff *r);			/* ends the paragraph */
/* Closes font marks and the code piece. */
void roff_flush(struct roff *r);
void roff_fence_open(struct roff *r);
void roff_fence_close(struct roff *r, const char *lang);
/* Runs text with escapes as one bare or marked-up line into out. */
void roff_capture(struct roff *r, const char *s, bool bare, struct jbuf *out);
/* Begin and end of capturing what follows as one line. */
struct roff_capture {
	struct md m, *outer;
	struct jbuf b;
	bool fenced;
	char font;
};
void roff_capture_begin(struct roff *r, struct roff_capture *c, bool bare);
void roff_capture_end(struct roff *r, struct roff_capture *c, struct jbuf *out);

void roff_heading(struct roff *r, int level, const char *s, size_t n);
/* Begins an item: a term, or with sign a bullet or a number if it is one. */
void roff_item(struct roff *r, const char *s, size_t n, bool sign);
void roff_item_end(struct roff *r);
void roff_indent(struct roff *r);		/* .RS */
void roff_outdent(struct roff *r);		/* .RE */

/* .TS to .TE. */
void tbl_read(struct roff *r);

#endif
