/*
 * split.h - sets documents aside before anything is trained: training, validation and test parts by
 * the hash of the id, so that a document is in the same part in every run and every version of a
 * collection.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include "cli/jcli.h"

struct split_opts {
	const char *valid, *test;		/* shares: "2%", "0.02" */
	const char *valid_file, *test_file;
	const char *by;				/* id, or another member */
	bool resume;
	const struct jopt *table;		/* of these */
};

#define SPLIT_OPTS_INIT(t) { .table = t, .valid = "2%", .test = "0%", .by = "id" }

/* Where an id lies in [0, 1): what is below a share is set aside. */
double split_fraction(const char *id, size_t n);
/* Reads a share like 2% or 0.02. */
int split_share(const char *option, const char *s, double *share, struct jerr *e);
int split_run(struct jcli *cli, void *opts, int argc, char **argv, struct jerr *e);

#endif
