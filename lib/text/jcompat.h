/*
 * jcompat.h - the Gopher measures (Rae et al. 2021) as other programs define them.
 *
 * The paper leaves open what a word, a line and a repetition are; programs differ so much that one
 * page passes one of them and fails the others.  Here each measure is taken by each definition:
 *
 *	            words                    lines        dup lines       characters of
 *	datatrove   words and punctuation    \n+          later copies    the text
 *	dolma       white space              \n           all copies      the words
 *	rpv2        white space, lower case, \n           all copies      the words
 *	            no punctuation
 *	curator     white space              \n, filled   later copies    the text
 *
 *	top n-gram  datatrove, dolma, curator: the first most frequent one, even if it stands once;
 *	            rpv2: only if it stands twice.  datatrove counts its spaces, curator what a search
 *	            and replace would take out of the text (so nothing across a line end).
 *	dup n-grams datatrove: later copies, going on behind a copy; dolma: characters of the repeated
 *	            among all n-grams; rpv2: every word of a repeated n-gram once; curator: later copies
 *	            with their spaces, overlaps once.
 *
 * DCLM's definition is the one of jpage_repeat().  Ties that a hash order breaks elsewhere go to the
 * n-gram that stands first.  Lengths are code points of the text in normal form C.
 */
#ifndef JCOMPAT_H
#define JCOMPAT_H

#include "text/jpage.h"

enum jcompat { JCOMPAT_DATATROVE, JCOMPAT_DOLMA, JCOMPAT_RPV2, JCOMPAT_CURATOR, JCOMPATS };

struct jcompat_values {			/* NaN where the program has no such measure */
	double words, word_chars;	/* mean; dolma: median */
	double hashes, ellipses;	/* per word; but for datatrove hashes are both, and ellipses NaN */
	double bullets, ellipsis_lines;	/* shares of lines */
	double alpha, stop;		/* share of words with a letter; stop words */
	double dup_lines, dup_line_chars, dup_paras, dup_para_chars;
	double top[5], dup[11];		/* [2..4], [5..10] */
};

/* Measured when first asked for; valid until the next jpage_read(). */
const struct jcompat_values *jcompat_measure(struct jpage *pg, enum jcompat which);

#endif
