/*
 * jwords.h - words, lines and sentences of UTF-8 text, as spans of the text.
 *
 * Words follow the word boundaries of UAX #29 for text whose words are spaced ("don't", "3.14",
 * "os.path" and "x_1" are one word); where words are not spaced (Han, kana, Thai ...) each
 * character with its marks is a word.  A span between two boundaries is a word when it starts with
 * a letter, a number or an underscore.
 *
 * Lines end at LF, CR, CRLF, VT, FF, U+0085, U+2028 or U+2029, so that one page has one
 * measurement however it was saved.
 *
 * Iterators take the position and move it:
 *
 *	size_t at = 0;
 *	struct jtext_word w;
 *	while (jtext_next_word(p, n, &at, &w)) ...
 */
#ifndef JWORDS_H
#define JWORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JTEXT_W_LETTER = 1 << 0,	/* has a letter */
	JTEXT_W_DIGIT = 1 << 1,		/* has a digit */
	JTEXT_W_UPPER = 1 << 2,		/* starts with a capital */
	JTEXT_W_UNDERSCORE = 1 << 3,	/* starts with an underscore */
	JTEXT_W_ASCII = 1 << 4		/* every byte is ASCII */
};

struct jtext_word {
	size_t at, n;			/* bytes */
	uint32_t chars;			/* code points */
	unsigned flags;
};

bool jtext_next_word(const char *p, size_t n, size_t *at, struct jtext_word *w);

struct jtext_span {
	size_t at, n;			/* bytes */
};

/* The next line, without its end; blank lines included.  False after the last. */
bool jtext_next_line(const char *p, size_t n, size_t *at, struct jtext_span *line);
/* The next sentence, trimmed and not empty; a blank line ends a sentence too. */
bool jtext_next_sentence(const char *p, size_t n, size_t *at, struct jtext_span *s);
/* Trims white space at both ends. */
struct jtext_span jtext_trim(const char *p, struct jtext_span s);

/* Hash of a word in lower case: the letter case of a word does not change it. */
uint64_t jtext_word_hash(const char *p, const struct jtext_word *w);

#endif
