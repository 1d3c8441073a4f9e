/*
 * jmodels.h - the models that signals may ask: which language, which class, how likely, which words.
 *
 * A page (jpage.h) is given them with jpage_use(); without them those signals are NaN.  All members
 * are read-only and shared by the workers; what a NULL leaves out is in its comment.  The caller
 * owns them and must keep them as long as any page.
 */
#ifndef JMODELS_H
#define JMODELS_H

#include "text/jfasttext.h"
#include "text/jlang.h"
#include "text/jlm.h"
#include "text/jmatch.h"
#include "text/jpage.h"
#include "text/jpii.h"
#include "text/jurls.h"

/* A tokenizer, which is of a room above: each page opens a state of it. */
struct jtokens {
	void *(*open)(const void *tokenizer);
	uint64_t (*count)(void *state, const char *p, size_t n);	/* tokens of a text */
	void (*close)(void *state);
	const void *tokenizer;
};

struct jmodels {
	const struct jlang *lang;		/* lang_score, lang_share */
	const char *const *wanted;		/* lang_wanted: codes, NULL after the last */
	const struct jfasttext *classifier;	/* quality: probability of label number `label` */
	int label;
	const struct jlm *lm;			/* perplexity */
	const struct jmatch *flagged;		/* flagged_words */
	const struct jurls *urls;		/* url_listed, url_words, url_soft_words */
	const char *const *keywords;		/* jupiter.domain: NULL after the last */
	const char *licences;			/* licence_wanted: names, by commas (jlicences.h) */
	const struct jtokens *tokens;		/* chars_per_token */
};

void jpage_use(struct jpage *pg, const struct jmodels *m);
/* The most probable language; NULL without a detector. */
const struct jlang_guess *jpage_lang(struct jpage *pg);
/* Tokens of the text; 0 without a tokenizer. */
uint64_t jpage_tokens(struct jpage *pg);
/* Counts of personal data by kind. */
const struct jpii_list *jpage_pii(struct jpage *pg);

#endif
