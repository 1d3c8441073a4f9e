/*
 * gguf_parts.h - inside the room: the files of a split GGUF.
 */
#ifndef GGUF_PARTS_H
#define GGUF_PARTS_H

#include "io/jgguf.h"

#define GGUF_MOST_PARTS 65535		/* split.count is a U16 */

/* This file alone. */
int gguf_open_one(struct jgguf **g, const char *path, struct jerr *e);
/* Takes the part over, also on failure; its tensors stand behind those of g. */
int gguf_join(struct jgguf *g, struct jgguf *part, struct jerr *e);

#endif
