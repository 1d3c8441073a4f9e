/*
 * decon.h - removes what evaluation sets hold (jevals.h) from the records, and measures itself.
 *
 *	load	the sets: files, folders, archives (deconload.h)
 *	scan	every record; what was found, per record and per source of records (deconscan.c)
 *	decide	words of an item that stand in many documents of one source are boilerplate; what is
 *		found without them is judged, and becomes a plan (decondecide.c)
 *	write	the records again, by the plan: dropped or cut (dedupwrite.c)
 *	test	items are put into documents of the input, as they are, wrapped, and with a word
 *		changed; the share found is told, and the share of decoys that were (decontest.c)
 *
 * With --resume the records of the scan are kept (kept.h): the rest is quick and begins anew.
 *
 * Order, -j and -M do not matter.  In memory are the items and, for each item found in a source, a
 * count for each of its words; what was found lies in a temporary file.
 */
#ifndef DECON_H
#define DECON_H

#include "cli/jcli.h"
#include "deconload.h"
#include "dedup.h"

struct decon_opts {
	struct jopt_list against;
	double share;
	const char *action;		/* drop, cut */
	const char *common;		/* share of a source's documents, as 1% or 0.01 */
	const char *cuts, *report;	/* FILE or NULL */
	int64_t ngram, inject;
	bool resume;
	const struct jopt *table;	/* of these */
};

#define DECON_OPTS_INIT(t) { .table = t, .share = 0.8, .action = "drop", .common = "1%", .ngram = 13, .inject = 200 }

struct decon_count {			/* how often words of an item were found in a source */
	uint64_t source;
	uint32_t item;
	uint64_t line;			/* counted last */
	uint32_t *word;			/* documents, by word of the question */
};

struct decon_source {
	uint64_t source, docs;
};

enum { DECON_HOSTS = 100, DECON_LEAST_COMMON = 10 };

struct decon_rate {
	uint64_t tried, found;
};

struct decon {
	const struct decon_opts *opts;
	struct dedup d;			/* the passes over the input */
	struct decon_sets sets;
	struct jevals_limits limits;
	double common;
	struct scratch hits;
	struct kept *kept;		/* or NULL */
	struct jarena arena;		/* of the counts */
	struct decon_count *count;	/* open tables */
	size_t counts, count_cap;
	struct decon_source *source;
	size_t sources, source_cap;
	char *host[DECON_HOSTS];	/* texts to put items into */
	size_t hosts;
	uint64_t lines, digest, docs, flagged, boilerplate;
	uint64_t *found;		/* documents, by item */
	struct decon_rate longs[3], shorts[3], decoys;	/* as it is, wrapped, one word changed */
};

int decon_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

int decon_scan(struct decon *x, struct jerr *e);
int decon_decide(struct decon *x, struct jerr *e);
void decon_test(struct decon *x);
int decon_report(struct decon *x, struct jerr *e);

/* The documents of a source; the counts of an item in it, NULL if it was not found there. */
uint64_t decon_docs(const struct decon *x, uint64_t source);
const struct decon_count *decon_find_count(const struct decon *x, uint64_t source, uint32_t item);

#endif
