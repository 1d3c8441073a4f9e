/*
 * rx.h - foreign patterns of tokenizer.json through PCRE2: Unicode classes, JIT where there is one,
 * bounded work; invalid UTF-8 in the text is never matched.
 */
#ifndef TOK_RX_H
#define TOK_RX_H

#include <stddef.h>

#include "base/jerr.h"

struct rx;

/* literal: the pattern is plain text. */
int rx_compile(struct rx **r, const char *pattern, size_t n, int literal, struct jerr *e);
void rx_free(struct rx *r);

/*
 * Calls fn(arg, from, to) for each match in order, empty matches left out, as find_iter of the
 * Rust crates does.  0, or JERR_LIMIT where the pattern needs too many steps.
 */
int rx_each(const struct rx *r, const char *p, size_t n, void (*fn)(void *arg, size_t from, size_t to),
	void *arg, struct jerr *e);

#endif
