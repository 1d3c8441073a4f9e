/*
 * dedupunits.h - lines and paragraphs of a text as units of comparison.
 *
 * A line is one as jtext_next_line() has it, with its end; a paragraph is the lines up to the next
 * blank one, with the blank lines behind it.  So cutting a unit leaves the text as if it had never
 * been written.  Two units are equal when their flattened texts are.
 */
#ifndef DEDUPUNITS_H
#define DEDUPUNITS_H

#include "dedupfiles.h"

/* The U record of a text: its units of at least --min-words words; none, no record. */
int dedup_put_units(const struct dedup *d, struct dedup_bench *w, const char *text, size_t n,
	struct jbuf *out, struct jerr *e);

#endif
