/*
 * relevance.h - how much a text is about a domain: 0 to 1 from its keywords and negative keywords.
 *
 * Keywords are whole words (jmatch.h).  One that stands once counts 1/3, twice 2/3, four times 1,
 * so that one mention is not a subject; in a text of more than 1000 words, hits per 1000 words take
 * the place of hits, so that length is not relevance.  The sum over the keywords is divided by what
 * is asked: a third of the number of keywords, at least 1 and at most 3, so that a long list does
 * not water down what each hit weighs.  A negative keyword takes 0.4 times its count away.
 *
 *	s(h) = h / 3 below 1, else min((1 + log2 h) / 3, 1)
 *	score = min(sum s(keywords) / need, 1) - 0.4 sum s(negatives), floored at 0
 */
#ifndef RELEVANCE_H
#define RELEVANCE_H

#include "base/jerr.h"
#include "base/jstr.h"
#include "cli/jcli.h"
#include "text/jmatch.h"
#include "text/jpage.h"

struct relevance {
	struct jmatch *match;		/* keywords first, negatives behind; NULL = no domain */
	size_t keywords;
};

/*
 * domain: a domain file (conf/jdomain.h), or NULL.  The lists hold words or comma-separated words.
 */
int relevance_open(struct relevance *r, const char *domain, const struct jopt_list *keywords,
	const struct jopt_list *negative, struct jerr *e);
void relevance_close(struct relevance *r);
/* count: scratch for jmatch_size() numbers. */
double relevance_score(const struct relevance *r, struct jpage *page, uint32_t *count);

#endif
