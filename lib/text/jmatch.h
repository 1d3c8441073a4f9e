/*
 * jmatch.h - finds keywords in text, whole words only.
 *
 * An Aho-Corasick automaton over the flattened forms (jtext_flatten) of the keywords: letter case
 * and line breaks do not count, a keyword may have several words.  Where a keyword starts or ends
 * with a letter, digit or underscore its neighbour in the text must not be one, so "set" is not
 * found in "reset" nor "actor" in "factor", while "c++" and ".net" are found as they stand.  After
 * a keyword of four or more letters a plural "s" is allowed.
 *
 * A matcher is read-only after jmatch_new() and may be used by many threads.
 */
#ifndef JMATCH_H
#define JMATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct jmatch;

/* JERR_ARG for an empty keyword or more than 64 KiB of them.  *m is freed by jmatch_free(). */
int jmatch_new(struct jmatch **m, const char *const *keys, size_t n, struct jerr *e);
void jmatch_free(struct jmatch *m);
size_t jmatch_size(const struct jmatch *m);		/* number of keywords, as given */
const char *jmatch_key(const struct jmatch *m, size_t i);	/* as given */
/* Adds to count[i] how often keyword i stands in the flattened text. */
void jmatch_count(const struct jmatch *m, const char *flat, size_t n, uint32_t *count);

#endif
