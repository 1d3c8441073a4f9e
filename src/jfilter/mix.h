/*
 * mix.h - jfilter mix: one collection of several sources by weight, within a budget.
 *
 *	total: 10m			# words, over all sources; 0 or absent = as much as there is
 *	unit: words			# or bytes, records
 *	sources:
 *	  - { name: real, files: [docs.jsonl, pages], weight: 0.5 }
 *	  - { name: synthetic, files: [pairs.jsonl], weight: 0.3, max_epochs: 2 }
 *
 * A source's target is total x weight / sum of weights.  Before anything else the hash of each id
 * decides, as in `jfilter split`, which records of all sources are set aside.  A source that has
 * enough is sampled without replacement; one that has less is repeated whole, up to max_epochs (4
 * unless given), and what it cannot give goes to the others by their weights.  Which records
 * are taken and in which order is a function of seed and ids, so neither the order of the files nor
 * that of their lines counts.  With --resume what each epoch of a source gave is kept (kept.h).
 */
#ifndef MIX_H
#define MIX_H

#include "cli/jcli.h"

struct mix_opts {
	const char *valid, *valid_file, *test, *test_file;
	const char *total;
	bool tag;			/* add the name of the source to each record */
	bool resume;
	const struct jopt *table;	/* of these */
};

#define MIX_OPTS_INIT(t) { .table = t, .valid = "0%", .test = "0%" }

int mix_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

#endif
