/*
 * select.h - the verb select: of many records those that are most like a target, by importance
 * resampling (jdsir.h).
 *
 * The target is read once and the input three times: to count its n-grams, to weigh its records, to
 * write the chosen ones in its order.  Between, weights are sorted outside of memory.  With --resume
 * the counts, then the weights as they come, are kept (kept.h): sorting and writing begin anew.
 */
#ifndef SELECT_H
#define SELECT_H

#include "cli/jcli.h"

struct select_opts {
	struct jopt_list like;		/* files of the target */
	uint64_t total;			/* how much is chosen, in units */
	const char *unit;		/* records, words, bytes */
	double noise;			/* times Gumbel noise; 0 = just the best */
	int64_t min_words;		/* shorter records are not chosen */
	bool resume;
	const struct jopt *table;	/* of these */
};

#define SELECT_OPTS_INIT(t) { .table = t, .unit = "records", .noise = 1, .min_words = 1 }

int select_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

#endif
