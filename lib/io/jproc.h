/*
 * jproc.h - child processes from argument vectors; never a shell.
 */
#ifndef JPROC_H
#define JPROC_H

#include <stddef.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct jproc_opts {
	const char *dir;		/* working folder, NULL = ours */
	const char *in_file;		/* standard input from this file, NULL = /dev/null */
	struct jbuf *out;		/* collects standard output (bounded by out->max), NULL = inherit */
	struct jbuf *err;		/* collects standard error, NULL = inherit */
	double timeout_s;		/* 0 = none; then killed and JERR_LIMIT */
};

/*
 * The child starts with default signal handling and an empty mask; with a time limit it leads a
 * process group, all of which is killed when time runs out.
 *
 * Runs argv (NULL-terminated, argv[0] looked up in PATH) and waits.  *status: exit code, or
 * 128 + signal.  A program that cannot be started is an error; one that exits with non-zero is not.
 * o may be NULL.
 */
int jproc_run(char *const argv[], const struct jproc_opts *o, int *status, struct jerr *e);

#endif
