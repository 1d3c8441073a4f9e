/* readers.h - the readers that jdoc_extract() chooses from; private to this room. */
#ifndef READERS_H
#define READERS_H

#include "doc/jdoc.h"

/* Each takes UTF-8 and appends to d->text; d's other members are filled where the format has them. */
int man_read(struct jdoc *d, const char *p, size_t n, struct jerr *e);
int markdown_read(struct jdoc *d, const char *p, size_t n);
int text_read(struct jdoc *d, const char *p, size_t n);
int code_read(struct jdoc *d, const char *p, size_t n);
/* Removes "x\bx" of formatted manual pages; returns the new length (p is changed in place). */
size_t text_overstrike(char *p, size_t n);

#endif
