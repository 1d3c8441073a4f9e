/*
 * jpage.h - one text taken apart once: words, lines, paragraphs and counts, from which every
 * signal (jsignal.h) is computed.
 *
 * A struct jpage is made once per worker and filled again for each text; its arrays are reused.
 * jpage_read() composes the text first where it holds combining marks, so that NFC and NFD forms
 * of a page measure the same, and lines are those of jwords.h, so that CRLF and LF do.  Spans
 * point into page->p, which is the caller's text or the composed copy: the caller's text must stay
 * as it is until the next jpage_read().
 *
 * Repetition (jpage_repeat()), embedded data (jpage_data()), what lines and words are
 * (jpage_classify()) and the flattened text (jpage_flat()) cost more than the rest and are computed when first asked for.
 */
#ifndef JPAGE_H
#define JPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

enum {					/* what a line is; a bullet may be prose as well */
	JPAGE_L_CODE = 1 << 0,		/* fenced, indented or prompt */
	JPAGE_L_TABLE = 1 << 1,		/* | cells | */
	JPAGE_L_HEADING = 1 << 2,
	JPAGE_L_BULLET = 1 << 3,
	JPAGE_L_PROSE = 1 << 4,		/* running text, as a whole or in part */
	JPAGE_L_LINK = 1 << 5,		/* little but links */
	JPAGE_L_STOP = 1 << 6		/* ends in sentence punctuation */
};

struct jpage_word {
	uint32_t at, n;
	uint32_t chars;
	uint32_t id;			/* same bytes, same id */
	unsigned flags;			/* JTEXT_W_* */
};

struct jpage_line {			/* trimmed and not blank */
	uint32_t at, n, chars;
	uint32_t raw, raw_chars;	/* where it starts untrimmed, and its characters then */
	uint32_t word, words;		/* first word and number of words */
	unsigned flags;			/* JPAGE_L_*, filled by jpage_classify() */
};

struct jpage_para {			/* lines between blank lines */
	uint32_t line, lines;
};

struct jpage_repeat {			/* the Gopher measures as DCLM computes them */
	double dup_lines, dup_line_chars;		/* all copies of repeated lines / all */
	double dup_paras, dup_para_chars;
	double later_line_chars;			/* second and further copies only */
	double top[5];					/* [2..4]: chars in the top n-gram / chars */
	double dup[11];					/* [5..10]: chars in repeated n-grams / chars */
};

struct jpage_counts {
	uint64_t chars, spaces, letters, digits, upper;
	uint64_t newlines;		/* line ends */
	uint64_t max_line, lines_all;	/* longest line in chars; lines with blank ones */
	uint64_t tokens, token_chars;	/* white-space separated */
	uint64_t tokens_alpha;		/* with a letter */
	uint64_t stop_tokens;		/* one of Gopher's eight stop words */
	uint64_t hashes, ellipses, braces;
	uint64_t bad_chars;		/* U+FFFD, controls, mis-decoded UTF-8 */
};

struct jabout;
struct jpage_tables;			/* hash tables and matchers, private */

struct jpage {
	const char *p;
	size_t n;
	struct jpage_word *word;
	struct jpage_line *line;
	struct jpage_para *para;
	size_t words, lines, paras;
	uint32_t ids;			/* distinct words */
	struct jpage_counts count;
	struct jbuf flat;		/* jtext_flatten() of the text, filled by jpage_flat() */
	struct jpage_tables *t;
	struct jpage_repeat repeat;
	double data_share;
	uint64_t data_run;		/* characters of its longest run; both filled by jpage_data() */
	const struct jabout *about;	/* of the record, or NULL; the caller's (jabout.h) */
	unsigned done;
	size_t word_cap, line_cap, para_cap;
	struct jbuf nfc;
};

struct jpage *jpage_new(void);
void jpage_free(struct jpage *pg);
/* At most 1 GiB of text; JERR_LIMIT beyond. */
int jpage_read(struct jpage *pg, const char *text, size_t n, struct jerr *e);
const struct jpage_repeat *jpage_repeat(struct jpage *pg);
/* Fills the flags of the lines and what jpage_word_traits() tells. */
void jpage_classify(struct jpage *pg);
/* The flattened text, for matchers; page->flat.n bytes once this has been called. */
const char *jpage_flat(struct jpage *pg);
/* Share of the characters that are base64, hex or escaped binary data. */
double jpage_data(struct jpage *pg);
enum {
	JPAGE_W_LANGUAGES = 0x7f,	/* bit i: a function word of language i (jpage_language()) */
	JPAGE_W_PLAIN = 1 << 7,		/* four or more letters, all of them small ASCII letters */
	JPAGE_W_ODD = 1 << 8		/* plain, and cannot be spoken */
};
unsigned jpage_word_traits(const struct jpage *pg, uint32_t id);
const char *jpage_language(int i);	/* "en", ...; NULL after the last */
/* Hits of the phrase lists in the text. */
enum jpage_phrases { JPAGE_BOILERPLATE, JPAGE_REDIRECT, JPAGE_GENERATED, JPAGE_REFUSAL, JPAGE_PHRASE_LISTS };
uint32_t jpage_phrases(struct jpage *pg, enum jpage_phrases which);

#endif
