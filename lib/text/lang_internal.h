/* lang_internal.h - private to lang.c and its generated tables. */
#ifndef LANG_INTERNAL_H
#define LANG_INTERNAL_H

#include <stddef.h>

enum lang_script {
	LANG_OTHER, LANG_LATIN, LANG_CYRILLIC, LANG_ARABIC, LANG_HAN, LANG_KANA, LANG_HANGUL,
	LANG_GREEK, LANG_HEBREW, LANG_ARMENIAN, LANG_GEORGIAN, LANG_DEVANAGARI, LANG_BENGALI,
	LANG_GURMUKHI, LANG_GUJARATI, LANG_TAMIL, LANG_TELUGU, LANG_KANNADA, LANG_MALAYALAM,
	LANG_SINHALA, LANG_THAI, LANG_LAO, LANG_MYANMAR, LANG_KHMER, LANG_SCRIPTS
};

enum { LANG_MOST = 40 };		/* languages of a script */

struct lang_row {
	const char *feature;		/* of "_word_" */
	const char *level;		/* one character a language; see make_lang.py */
};

struct lang_group {
	enum lang_script script;
	const struct lang_row *row;	/* ends with .feature NULL */
	int n;
	const char *code[LANG_MOST];
};

extern const struct lang_group jlang_groups[];	/* ends with .row NULL */

#endif
