/*
 * jlang.h - which language a text is in.
 *
 * With a fastText model (lid.176.ftz) the answer is fastText's.  Without one, the built-in tables
 * answer for 60 languages: the script alone decides where it belongs to one language, else a naive
 * Bayes over pieces of words (lang_profiles.c, made from word frequencies of real text).  A code
 * is ISO 639-1 where there is one, as fastText's labels are.
 *
 * Of a long text only a sample is looked at, a third each from its beginning, middle and end, cut at
 * white space where there is some; upper-case text is lowered first, because models have seen
 * little of it.  The sample is a function of the text alone.
 *
 * A detector is read-only and may be used by many threads, each with its own bench.
 */
#ifndef JLANG_H
#define JLANG_H

#include <stddef.h>

#include "base/jerr.h"

enum { JLANG_SAMPLE = 6144, JLANG_SAMPLE_BUILT_IN = 420, JLANG_CODE = 16, JLANG_GUESSES = 5 };

struct jlang;
struct jlang_bench;

struct jlang_guess {
	char code[JLANG_CODE];		/* "und" where nothing can be said */
	double p;
};

/* file: a fastText model, or NULL for the built-in tables.  *l is freed by jlang_close(). */
int jlang_open(struct jlang **l, const char *file, struct jerr *e);
void jlang_close(struct jlang *l);			/* NULL is fine */
struct jlang_bench *jlang_bench_new(void);
void jlang_bench_free(struct jlang_bench *b);
/* Fills guess with the most probable languages, best first; returns how many, at least 1. */
size_t jlang_detect(const struct jlang *l, struct jlang_bench *b, const char *text, size_t n,
	struct jlang_guess guess[JLANG_GUESSES]);
/* Codes of the built-in tables, one after the other; NULL after the last. */
const char *jlang_built_in(size_t i);

#endif
