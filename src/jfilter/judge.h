/*
 * judge.h - rules applied to one record.
 */
#ifndef JUDGE_H
#define JUDGE_H

#include "cli/jcli.h"
#include "lines.h"
#include "models.h"
#include "record/jrec.h"
#include "recordtext.h"
#include "relevance.h"
#include "rules.h"

struct kind_set {			/* the rules and the least relevance of a kind of source */
	const char *kind;		/* "" = every kind without its own */
	struct ruleset set;
	double min_relevance;
	bool has_rules, has_relevance;
};

struct limit {				/* of a number in the record itself */
	const char *name;
	enum side side;
	double limit;
};

struct judge {				/* read-only once made; shared by the workers */
	struct kind_set *kinds;		/* [0] is the one of kind "" */
	size_t n;
	struct limit *limits;
	size_t limit_n;
	struct relevance relevance;
	struct models models;
	struct jarena arena;
};

struct judge_opts {
	struct jopt_list rules;		/* NAME or KIND=NAME */
	const char *compat;		/* a program whose definitions hold for every kind; or NULL */
	struct jopt_list set;		/* RULE=LIMIT */
	const char *domain;
	struct jopt_list keywords, negative;
	struct jopt_list min_relevance;	/* X or KIND=X */
	struct jopt_list min, max;	/* NAME=X */
	const char *clean;		/* line rules of all sets; NULL = as the sets say */
	struct model_opts models;
};

#define JUDGE_OPTS_INIT { .models = { .min_lang = 0.65 } }

struct judge_bench {			/* one worker's tools */
	struct jpage *page;
	struct jarena arena;
	uint32_t *hits;
	struct jabout about;		/* of the record judged last */
	struct jbuf clean;		/* its text as line rules leave it */
	bool cleaned;			/* which is another than it was */
};

struct judged {
	const char *kind, *text;
	size_t n;			/* of the text */
	const struct jrec *r;
	bool page;			/* the page is wanted even if no rule asks */
	bool unasked;			/* nothing but the page and the relevance is wanted */
};

struct verdict {
	const char *rule;		/* NULL = kept */
	const char *signal;		/* what was measured, or NULL */
	enum side side;
	double value, limit;		/* limit: not told where it is infinite */
	double relevance;		/* NaN without a domain */
};

int judge_open(struct judge *j, const struct judge_opts *o, struct jerr *e);
void judge_close(struct judge *j);
void judge_bench_init(struct judge_bench *b, const struct judge *j);
void judge_bench_release(struct judge_bench *b);

const struct ruleset *judge_rules(const struct judge *j, const char *kind);
double judge_min_relevance(const struct judge *j, const char *kind);
/* Is nothing asked about any record of any kind? */
bool judge_asks_nothing(const struct judge *j);
/* Measures the text, cleaned if its rules say so; afterwards b->page answers for its signals. */
int judge_text(const struct judge *j, struct judge_bench *b, const struct judged *t,
	struct verdict *v, struct jerr *e);
/* The record to the block's rejects, with the verdict as its member drop. */
void judge_put_drop(struct block *b, const struct jrec *r, const struct verdict *v);

#endif
