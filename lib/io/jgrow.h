/*
 * jgrow.h - outputs that a later run can take up where a killed one left them.
 *
 * The outputs of a run grow as NAME.part.  NAME.journal, beside the first of them, holds lines: a
 * head that tells one run from another, then one line for each checkpoint, written after all bytes
 * before it are on disk:
 *
 *	HEAD
 *	what the run needs to go on, and how long each part was
 *
 * What stands in them is the caller's.  A run that finds a journal with its own head takes the last
 * whole checkpoint that the parts agree with, cuts the parts there and goes on; else it begins anew.
 * When all is written the other outputs get their names first, then the first, then the journal
 * goes: with a checkpoint that says "end", a run killed between these steps finishes them.
 *
 *	jgrow_open (-> take -> jgrow_fit) -> (jgrow_write, jgrow_mark) ... -> jgrow_commit | jgrow_abort
 *
 * The first part is locked: two runs into one file are refused.  Belongs to one thread.
 */
#ifndef JGROW_H
#define JGROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

enum { JGROW_MAX = 8 };			/* outputs of one run */

struct jgrow;

struct jgrow_opts {
	const char *const *names;	/* of the outputs; the first is there, others may be NULL */
	size_t n;
	const char *tool;		/* for the message that another one is writing */
	const char *head;		/* one line */
	bool anew;			/* never go on with an earlier run */
	/*
	 * Reads one line behind the head, which it may change: where it is a checkpoint and jgrow_fit()
	 * says that the parts agree, it takes the rest of it as the state.
	 */
	void (*take)(void *arg, struct jgrow *g, char *line, size_t n);
	void *arg;
};

int jgrow_open(struct jgrow **g, const struct jgrow_opts *o, struct jerr *e);
/*
 * In take: can the parts be cut at these lengths?  With end, outputs behind the first may have their
 * names already.
 */
bool jgrow_fit(struct jgrow *g, const uint64_t *size, bool end);
bool jgrow_published(const struct jgrow *g, size_t i);	/* has its name already: nothing is added */
uint64_t jgrow_size(const struct jgrow *g, size_t i);	/* bytes written; 0 where there is no output */
int jgrow_write(struct jgrow *g, size_t i, const void *p, size_t n, struct jerr *e);
/* Reads back n bytes of what is written; JERR_IO where they are not there. */
int jgrow_read(struct jgrow *g, size_t i, uint64_t at, void *p, size_t n, struct jerr *e);
/* A checkpoint: the parts to disk, then the line, without its end. */
int jgrow_mark(struct jgrow *g, const char *line, size_t n, struct jerr *e);
int jgrow_commit(struct jgrow *g, struct jerr *e);	/* frees g also on failure */
/* Keeps what another run can go on with, that is, a checkpoint; NULL is fine. */
void jgrow_abort(struct jgrow *g);
void jgrow_remove(struct jgrow *g);	/* frees g and its files: they were only needed on the way */

#endif
