/*
 * models.h - the models and lists that options name, and what else is done to a kept record: its
 * personal data replaced, its language and bucket noted.
 */
#ifndef MODELS_H
#define MODELS_H

#include <stdbool.h>

#include "cli/jcli.h"
#include "record/jrec.h"
#include "text/jmodels.h"
#include "text/jwords.h"
#include "tok/jtok.h"

struct model_opts {
	const char *lang, *lang_model;		/* "en,de"; fastText file or NULL = built in */
	const char *classifier, *class;
	const char *lm, *buckets;		/* "HEAD,MIDDLE": perplexities, or percentiles with % */
	const char *tokenizer;
	struct jopt_list words, urls;		/* files */
	const char *licence;			/* names, by commas */
	const char *pii, *pii_key;		/* mask, hash, drop, count; file */
	double min_lang, min_quality, max_perplexity;	/* NaN = no rule */
};

enum pii_mode { PII_OFF, PII_MASK, PII_HASH, PII_DROP, PII_COUNT };

struct bucket_cut {
	char lang[24];
	double head, middle;			/* perplexities */
};

struct models {
	struct jmodels of;			/* what pages are given */
	struct jlang *lang;
	struct jfasttext *classifier;
	struct jlm *lm;
	struct jmatch *flagged;
	struct jurls *urls;
	char **word;				/* of --words, while they are read */
	size_t word_n, word_cap;
	const char **wanted;
	enum pii_mode pii;
	struct jbuf key;
	bool buckets;
	double head, middle;			/* perplexities; with shares set, shares of the records */
	bool shares;
	struct bucket_cut *cut;			/* by language, where there are shares (buckets.h) */
	size_t cuts, cut_cap;
	struct jtok *tokenizer;
	struct jtokens tokens;
};

int models_open(struct models *m, const struct model_opts *o, struct jarena *a, struct jerr *e);
void models_close(struct models *m);
/* "head", "middle" or "tail" by perplexity; NULL without --buckets, or where the language has no limits. */
const char *models_bucket(const struct models *m, const char *lang, double perplexity);
/*
 * The record's members with personal data in any string replaced, as edits from the record's
 * arena; returns how many.
 */
size_t models_pii_edits(const struct models *m, const struct jrec *r, struct jrec_edit **edits);

#endif
