/*
 * filter.h - the verbs that look at one record at a time: filter, signals, explain.
 *
 * All three read blocks of lines, measure each record on any worker and write in input order, so
 * the output does not depend on -j.
 */
#ifndef FILTER_H
#define FILTER_H

#include "judge.h"

struct filter_opts {
	struct judge_opts judge;
	const struct jopt *table;	/* of the verb: what decides the output */
	bool explain, json, print_rules, list, resume;
	const char *only;		/* names of signals, by commas; NULL = all */
};

#define FILTER_OPTS_INIT(options) { .judge = JUDGE_OPTS_INIT, .table = (options) }

/* Kept records to -o, the others to --rejects with `drop`; with `explain` as explain_run(). */
int filter_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);
/* Every record with all signals as scores{"jfilter.NAME": value}. */
int signals_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);
/* For each record what every rule of its set says. */
int explain_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

#endif
