/*
 * jevals.h - finds the items of evaluation sets in text, whole, in part or slightly changed.
 *
 * An item is a question with answers, as words in lower case: line wraps, punctuation, quotes, comment
 * signs and layout do not count.  Its 4-word seeds are looked up at every word of a text; from a seed
 * item and text are aligned to both sides, over gaps of up to 3 words, which gives a hit: runs of
 * at least 5 equal words in all.  Whether a hit is contamination is judged on its own:
 *
 *	a run of at least `ngram` words (13, as Brown et al. 2020), or
 *	a share of the question's words, weighted by rarity among the items, of at least `share`;
 *	with an answer in the 50 words behind, share counts three quarters and the answer one;
 *	of 8 to 12 words, one may be missing, or two with an answer;
 *	of 5 to 7, all, and an answer.
 *
 * Shorter items are not looked for.  Words of an item that stand in many documents of one source
 * (licences, templates) are boilerplate and count for nothing.
 *
 *	jevals_new -> jevals_add ... -> jevals_finish -> jevals_scan, jevals_judge ... -> jevals_free
 *
 * After jevals_finish() it is read-only and may be used by many threads.
 */
#ifndef JEVALS_H
#define JEVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

enum { JEVALS_SEED = 4, JEVALS_LEAST = 5, JEVALS_SHORT = 8, JEVALS_LONG = 13 };

struct jevals;

struct jevals *jevals_new(void);
void jevals_free(struct jevals *v);
/*
 * Adds an item; name ("gsm8k_test:17") and words are copied.  1 added, 0 it has fewer than
 * JEVALS_LEAST words or is there already, JERR_LIMIT beyond 2^31 words in all.
 */
int jevals_add(struct jevals *v, const char *name, const char *question, size_t n, struct jerr *e);
/* Adds an answer to the item added last. */
void jevals_add_answer(struct jevals *v, const char *answer, size_t n);
int jevals_finish(struct jevals *v, struct jerr *e);
size_t jevals_size(const struct jevals *v);
const char *jevals_name(const struct jevals *v, size_t item);
size_t jevals_words(const struct jevals *v, size_t item);	/* of the question */
/* The question as it was added, and its first answer ("" if none); terminated. */
const char *jevals_question(const struct jevals *v, size_t item);
const char *jevals_answer(const struct jevals *v, size_t item);

struct jevals_run {
	uint32_t at, n;			/* words of the question */
};

struct jevals_hit {
	uint32_t item;
	size_t at, end;			/* bytes of the text, from the first run to the last */
	const struct jevals_run *run;	/* by rising at */
	size_t runs;
	bool answer;			/* an answer follows */
};

struct jevals_scan;			/* scratch of one thread */

struct jevals_scan *jevals_scan_new(void);
void jevals_scan_free(struct jevals_scan *s);
/* The hits of a text, by rising place; valid until the next call. */
size_t jevals_scan(const struct jevals *v, struct jevals_scan *s, const char *text, size_t n,
	const struct jevals_hit **hits);

struct jevals_limits {
	size_t ngram;
	double share;
};

/*
 * Is it contamination?  common[i] says that word i of the question is boilerplate; NULL: none is.
 * *score is the share, with the answer counted in.
 */
bool jevals_judge(const struct jevals *v, const struct jevals_hit *hit, const unsigned char *common,
	const struct jevals_limits *limits, double *score);

#endif
