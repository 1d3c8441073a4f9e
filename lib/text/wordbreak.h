/* wordbreak.h - private: Word_Break classes of UAX #29, as far as they matter for where a word ends. */
#ifndef WORDBREAK_H
#define WORDBREAK_H

#include "text/junicode.h"

enum wb {
	WB_OTHER,
	WB_LETTER,
	WB_NUMERIC,
	WB_JOIN,	/* ExtendNumLet: connector punctuation */
	WB_EXTEND,	/* Extend, Format, ZWJ: part of what comes before */
	WB_MIDLETTER,
	WB_MIDNUM,
	WB_MIDBOTH,	/* MidNumLet and the single quote */
	WB_ALONE	/* a letter of an unspaced script */
};

/* Of a character that is not ASCII, given its jtext_class(). */
enum wb jtext_wide_break(uint32_t cp, enum jtext_class class);

#endif
