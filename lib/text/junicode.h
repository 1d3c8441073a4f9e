/*
 * junicode.h - properties of code points and normal forms of text (data from libutf8proc).
 *
 * Classes are coarse on purpose: they follow the general category, and no rule above this file
 * needs more.  All functions are pure; buffers are the caller's.
 */
#ifndef JUNICODE_H
#define JUNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

enum jtext_class {
	JTEXT_OTHER,		/* unassigned, private use, surrogate */
	JTEXT_LETTER,		/* L* */
	JTEXT_MARK,		/* M* */
	JTEXT_DIGIT,		/* Nd */
	JTEXT_NUMBER,		/* Nl, No */
	JTEXT_PUNCT,		/* P* */
	JTEXT_SYMBOL,		/* S* */
	JTEXT_SPACE,		/* Z*, and the white-space controls */
	JTEXT_FORMAT,		/* Cf: joiners, soft hyphen, byte order mark */
	JTEXT_CONTROL		/* Cc that is not white space */
};

enum jtext_class jtext_class(uint32_t cp);
bool jtext_is_alnum(uint32_t cp);	/* letter, digit or other number */
bool jtext_is_upper(uint32_t cp);	/* Lu or Lt */
uint32_t jtext_lower(uint32_t cp);	/* simple lower-case mapping */
/* Written without spaces between words: Han, kana, Thai, Lao, Myanmar, Khmer. */
bool jtext_is_unspaced(uint32_t cp);

enum jtext_form {
	JTEXT_NFC = 1 << 0,
	JTEXT_NFD = 1 << 1,
	JTEXT_NFKC = 1 << 2,
	JTEXT_NFKD = 1 << 3,
	JTEXT_FOLD = 1 << 4,	/* full case folding */
	JTEXT_STRIP_MARKS = 1 << 5
};

/*
 * Appends s in the wanted form.  Invalid bytes become U+FFFD.  0, or JERR_NOMEM / JERR_LIMIT.
 */
int jtext_normalise(const char *s, size_t n, unsigned form, struct jbuf *out, struct jerr *e);
/* False only when s is certainly in NFC already (no marks, nothing that may compose). */
bool jtext_maybe_not_nfc(const char *s, size_t n);
/* Why it may not be, but for marks: a conjoining jamo, or a character that stands for another. */
bool jtext_may_compose(uint32_t cp);
/*
 * Lower-cases code point by code point, turns every run of white space into one space, trims both
 * ends; composes first where needed.  The key of exact duplicates: case and layout do not count.
 */
int jtext_flatten(const char *s, size_t n, struct jbuf *out, struct jerr *e);
void jtext_flatten_nfc(const char *s, size_t n, struct jbuf *out);	/* of text in NFC */

#endif
