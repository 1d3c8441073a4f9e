/*
 * audit.h - jfilter audit: what each rule costs.
 *
 * Every rule is asked about every record, also behind the one that drops it: how many records and
 * words a rule drops, how many it alone drops (what leaving it out would bring back), how sharply
 * its limit cuts (the share of records within a tenth of it), and the deciles of its signal.  With
 * --label, a member that says whether a record is good (true, 1, "good", "hq", "keep"), also how
 * many of those that it drops are bad: its precision on a graded sample.
 *
 * Values are sorted outside of memory: deciles are exact for any number of records.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include "judge.h"

struct audit_opts {
	struct judge_opts judge;
	const char *label;
};

#define AUDIT_OPTS_INIT { .judge = JUDGE_OPTS_INIT }

int audit_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

#endif
