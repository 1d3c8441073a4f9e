/*
 * md.h - writes Markdown: blocks, nested containers and inline text whose white space collapses as
 * in a browser.  Shared by the HTML and roff readers; private to this room.
 *
 * Text is fed in pieces.  A run of white space is remembered and written as one blank before the
 * next visible character of the same block.  md_block() ends a block and says how many line ends
 * at least stand before the next one; the largest demand wins.  Emphasis is opened and closed
 * around text; marks that enclose nothing are never written, blanks move outside, and a block end
 * closes and reopens them.
 */
#ifndef MD_H
#define MD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jstr.h"

enum {
	MD_BOXES = 40,
	MD_MARKS = 16
};

struct md {
	struct jbuf *out;
	int want;		/* line ends before the next visible character */
	bool space;		/* a collapsed blank is pending */
	bool hold;		/* md_block() asks for no more line ends until text comes */
	bool open;		/* the current line has visible text */
	int flat;		/* > 0: everything on one line, blocks become blanks */
	int plain;		/* > 0: no emphasis marks */
	int bare;		/* > 0: no back-ticks either */
	struct {
		char first[12], rest[12];
		bool used;
	} box[MD_BOXES];
	int n_box, extra_box;	/* boxes beyond MD_BOXES are counted only */
	struct {
		const char *s;	/* "" where the mark is not to be seen */
		bool written;
	} mark[MD_MARKS];
	int n_mark, extra_mark;
	size_t closed_at;	/* out->n after the last closing mark, */
	const char *closed;	/* which was this one */
};

void md_init(struct md *m, struct jbuf *out);
/* Ends the block; at least gap line ends (1 next line, 2 blank line) before what follows. */
void md_block(struct md *m, int gap);
/* Ends the block; exactly gap line ends follow, whatever the next block asks for. */
void md_gap(struct md *m, int gap);
/* Like <br>: next line, same block. */
void md_break(struct md *m);
/* Text whose white space collapses. */
void md_text(struct md *m, const char *s, size_t n);
/* Visible text as it is; no line ends in it. */
void md_word(struct md *m, const char *s, size_t n);
/* Inline code: collapses, trims, picks a back-tick run that does not occur inside. */
void md_code(struct md *m, const char *s, size_t n);
void md_open(struct md *m, const char *mark);
void md_close(struct md *m);
/* A container: first stands before its first line, rest before the others. */
void md_push(struct md *m, const char *first, const char *rest);
void md_pop(struct md *m);
/* A heading of level 1..6 from one line of finished text; nothing if it is blank. */
void md_heading(struct md *m, int level, const char *s, size_t n);
/* A fenced block; lang may be NULL or "".  The lines are kept as they are. */
void md_fence(struct md *m, const char *lang, const char *s, size_t n);
/* Ends the text: closes the last line. */
void md_finish(struct md *m);

#endif
