/* textids.h - the token ids of a text, or of the "text" of JSONL records, one stream. */
#ifndef TEXTIDS_H
#define TEXTIDS_H

#include "tok/jtok.h"

/* Appends the ids of a file; each record begins as a prompt does (BOS where the tokenizer says so). */
int textids_add(struct jids *ids, const struct jtok *tok, const char *path, struct jerr *e);

#endif
