/*
 * jclean.h - line rules: what takes lines, or pieces of them, out of a text before it is judged.
 *
 *	c4          Raffel et al. 2020 by their code: a line ends with . ? ! or ", not with an ellipsis,
 *	            has five words and none over 1000 characters; no "javascript", no policy phrase;
 *	            [12], [edit] and [citation needed] go
 *	c4-paper    the same by their paper: three words; ' ends a line too (as datatrove has it)
 *	fineweb     as c4-paper, but a line may end as it likes (Penedo et al. 2024)
 *	refinedweb  Penedo et al. 2023 as DCLM repeats it: addresses go (with http or www); lines mostly of
 *	            capitals, of digits alone, counters ("3 likes") and lines of one word go; "items in
 *	            cart", "Read more..." and "Sign-in" are cut from lines of at most ten words; one blank
 *	            line between lines is enough.  Addresses do not count as removed words, and rules on
 *	            signals are about the text as it was.
 *
 * Words here are what white space separates.  Rules about the page (a curly bracket, lorem ipsum, too
 * few sentences, too much removed) are left to rules on signals: a line that calls for one is kept.
 */
#ifndef JCLEAN_H
#define JCLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jstr.h"

struct jclean_counts {
	uint64_t words, kept_words, lines, kept_lines;	/* lines that are not blank */
};

struct jclean;

/* The rules of that name; NULL if there are none. */
const struct jclean *jclean_find(const char *name);
const char *jclean_name(const struct jclean *rules);
/* Are rules on signals about the text as it was, and what is left only what is kept? */
bool jclean_is_last(const struct jclean *rules);
/* Appends what is left of the text, lines ended by LF but the last; fills the counts. */
void jclean_text(const struct jclean *rules, const char *p, size_t n, struct jbuf *out,
	struct jclean_counts *counts);

/* Holds s, n the phrase of small ASCII letters and other marks, in any letter case? */
bool jclean_has(const char *s, size_t n, const char *phrase);
/* Does it begin with the phrase? */
bool jclean_begins(const char *s, size_t n, const char *phrase);

#endif
