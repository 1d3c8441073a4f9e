/*
 * knowledge.h - inside the room swarm: passages of an expert's own documents.
 *
 * Record files are cut into passages (where a text may be cut, jsynth.h) and indexed with SQLite's FTS5
 * in FILE.fts beside the file; where that cannot be written, in memory.  The index knows the size and
 * the time of the file it was made of and is made anew when they change.  Passages are found by words,
 * ranked by bm25 (Robertson and Zaragoza 2009), words of titles counting threefold.
 */
#ifndef KNOWLEDGE_H
#define KNOWLEDGE_H

#include "swarm/jswarm.h"

/* The best passages of all files for a question, at most max, into r->cites; none is no error. */
int knowledge_find(const struct jexpert *x, const char *question, int max, struct jswarm_reply *r,
	struct jerr *e);
/* The passages as an answer: quoted, each with where it stands. */
void knowledge_quote(const struct jswarm_reply *r, struct jbuf *out);

#endif
