/*
 * resume.h - outputs of jfilter that a later run can take up where a killed one left them (jgrow.h).
 *
 * The head of the journal is a hash of everything that decides the output; a checkpoint is
 *
 *	{"jfilter_journal":1,"key":"..."}
 *	{"file":0,"line":812,"offset":90112,"read":812,"out":70123,"rejects":2301,"kept":780,...,
 *	 "reasons":{"stub":32}}
 *
 * A run that finds its own key counts from the last one and reads on behind the line that it names.
 *
 *	resume_open -> (resume_write, resume_checkpoint when resume_due) ... -> resume_commit | resume_abort
 *
 * Belongs to one thread, the one that writes.
 */
#ifndef RESUME_H
#define RESUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/jstr.h"
#include "cli/jcli.h"

struct resume;

struct resume_point {			/* how far the input is done */
	uint64_t file;			/* among the files that the operands stand for */
	uint64_t line, offset;		/* lines and plain bytes of that file that are done */
	uint64_t read;			/* lines of all files */
};

/* Row of an option table. */
#define RESUME_OPT(o) \
	{ "resume", 0, JOPT_BOOL, &(o).resume, NULL, "go on with a run that was stopped; keep what the next one needs" }

enum { RESUME_MORE = 2, RESUME_COUNTS = 3, RESUME_HEAD = 128 };

struct resume_clock {
	double began, last, took;	/* of the run, and of its last checkpoint */
};

struct resume_opts {
	struct jcli *cli;		/* gives -o and --rejects */
	struct {
		const char *name, *option;	/* NULL: none */
	} more[RESUME_MORE];		/* outputs besides these */
	uint64_t *counts;		/* RESUME_COUNTS numbers that a checkpoint keeps; or NULL: no more outputs */
};

/* Appends what decides the output: version, options by their table with size and time of the files they name. */
void resume_key(struct jbuf *key, const struct jopt *options);
void resume_file(struct jbuf *key, const char *file);	/* appends its name, size and time */
/* Appends the same of the files that operands stand for; JERR_ARG where standard input is among them. */
int resume_files(struct jbuf *key, int argc, char **argv, struct jerr *e);
/* The head of a journal: a hash of the key and of the common options. */
void resume_head(struct jcli *cli, const struct jbuf *key, char head[RESUME_HEAD]);
int resume_check_name(const char *name, const char *option, struct jerr *e);	/* a file that can be cut */

/* When a checkpoint is worth its time. */
void resume_clock_start(struct resume_clock *c);
bool resume_clock_due(const struct resume_clock *c);
void resume_clock_done(struct resume_clock *c, double from);	/* one was made since that time */

/* JERR_ARG where an output is no file.  The options have to outlive r. */
int resume_open(struct resume **r, const struct resume_opts *o, const struct jbuf *key, struct jerr *e);
const struct resume_point *resume_start(const struct resume *r);
int resume_write(struct resume *r, const struct jbuf *out, const struct jbuf *rejects, struct jerr *e);
int resume_write_more(struct resume *r, size_t i, const void *p, size_t n, struct jerr *e);
void resume_count(struct resume *r, const char *reason);	/* a rejected record */
bool resume_due(const struct resume *r);
int resume_checkpoint(struct resume *r, const struct resume_point *at, struct jerr *e);
int resume_commit(struct resume *r, const struct resume_point *end, struct jerr *e);	/* frees r */
void resume_abort(struct resume *r);	/* keeps what another run can go on with; NULL is fine */

#endif
