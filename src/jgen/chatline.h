/*
 * chatline.h - the turns of a person: lines edited on a terminal where libedit was there when the
 * program was built, with a history; plain lines else.
 */
#ifndef CHATLINE_H
#define CHATLINE_H

#include <stddef.h>

#include "base/jerr.h"
#include "io/jio.h"

struct chatline;

/* history: file that keeps the lines between conversations, or NULL.  out: where a prompt goes. */
int chatline_open(struct chatline **c, const char *history, struct jout *out, struct jerr *e);
/* 1 and a line that lives until the next call, 0 at the end, < 0 error. */
int chatline_read(struct chatline *c, const char *prompt, char **line, size_t *n, struct jerr *e);
int chatline_close(struct chatline *c, struct jerr *e);	/* saves the history; NULL is fine */

#endif
