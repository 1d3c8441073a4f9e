/*
 * jcompatscore.h - the quality score of the first Jupiter (raym33/jupiter): five parts from 0 to 1 and
 * their weighted sum.
 *
 *	length     .15   0 under 100 characters, 1 from 500 to 5000, 0.5 over 50000
 *	structure  .20   0.5 and 0.1 for each of: a blank line, a # heading, a list, a code fence, 10 to 30
 *	                 words between full stops
 *	language   .20   1 less 0.2 for each phrase of advertisement or keyboard run, 0.15 for each sign of
 *	                 broken formatting ("null" among them), 0.2 for many symbols, 0.2 for many capitals
 *	domain     .25   share of the keywords that occur as parts of words; 0.7 without keywords
 *	coherence  .20   variety of the words, and lines that begin and end as sentences or headings do
 *
 * It is here for comparison: keyboard gibberish passes, and a page about NULL and NaN loses.
 */
#ifndef JCOMPATSCORE_H
#define JCOMPATSCORE_H

#include "text/jpage.h"

struct jcompat_score {
	double length, structure, language, domain, coherence, all;
};

/* keywords: NULL after the last; or NULL. */
struct jcompat_score jcompat_score(struct jpage *pg, const char *const *keywords);

#endif
