/* compat_internal.h - private to compat*.c. */
#ifndef COMPAT_INTERNAL_H
#define COMPAT_INTERNAL_H

#include "text/intern.h"
#include "text/jcompat.h"

enum { COMPAT_LETTER = 1 << 0, COMPAT_PUNCT = 1 << 1 };

struct compat_word {
	uint64_t hash;
	uint32_t at, n, chars;
	unsigned flags;
};

struct compat_unit {			/* a line or a paragraph */
	uint64_t hash;
	uint32_t at, n, chars;
};

struct compat_copies {
	double units, later, all, later_chars, all_chars;
};

struct compat {
	const char *text, *p;		/* of the page; that which the words are of */
	size_t text_n, n;
	struct compat_word *word;
	struct compat_unit *unit;
	size_t words, word_cap, units, unit_cap;
	double word_chars;		/* of all words */
	struct jbuf plain;
	struct jintern seen;
	uint32_t *gram;			/* number of the n-gram that starts at each word */
	unsigned char *covered;
	size_t gram_cap, covered_cap;
	struct jcompat_values value[JCOMPATS];
};

/* Fills top[] and dup[] from the words. */
void compat_grams(struct compat *c, enum jcompat which, struct jcompat_values *v);

#endif
