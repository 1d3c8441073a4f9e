/*
 * resume.h - outputs that a later run can take up where a killed one left them.
 *
 * The records go to OUT.part and REJECTS.part; OUT.journal holds records: first the key, a hash of
 * everything that decides the output, then one for each checkpoint, written after all bytes before
 * it are on disk:
 *
 *	{"jfilter_journal":1,"key":"..."}
 *	{"file":0,"line":812,"offset":90112,"read":812,"out":70123,"rejects":2301,"kept":780,...,
 *	 "reasons":{"stub":32}}
 *
 * A run that finds a journal with its own key cuts both parts at the last whole checkpoint, counts
 * from there and reads on behind the line that it names; with another key it begins anew.  When all
 * is written the rejects get their name first, then the output, then the journal goes: a run killed
 * between these steps finishes them.
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

/*
 * Appends all that decides the output: version, options by their table with size and time of the
 * files they name, and the same of the input files.
 */
void resume_key(struct jbuf *key, const struct jopt *options, char **files, size_t n);
/* JERR_ARG where the output is no file. */
int resume_open(struct resume **r, struct jcli *cli, const struct jbuf *key, struct jerr *e);
const struct resume_point *resume_start(const struct resume *r);
int resume_write(struct resume *r, const struct jbuf *out, const struct jbuf *rejects, struct jerr *e);
void resume_count(struct resume *r, const char *reason);	/* of a rejected record */
bool resume_due(const struct resume *r);
int resume_checkpoint(struct resume *r, const struct resume_point *at, struct jerr *e);
int resume_commit(struct resume *r, const struct resume_point *end, struct jerr *e);	/* frees r */
void resume_abort(struct resume *r);	/* keeps what another run can go on with; NULL is fine */

#endif
