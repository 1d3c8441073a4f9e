/*
 * kept.h - what passes over the input found, kept for the next run where one is killed (jgrow.h).
 *
 * For a verb whose output is only known when all is read (decontaminate, select, mix): what it finds
 * on the way goes to OUT.NAME.part, and a checkpoint in OUT.NAME.journal says how far the input is
 * done with that many bytes of it.  A later run reads the bytes again, goes on behind that line, and
 * removes both once the output is there.
 *
 *	{"jfilter_journal":1,"key":"..."}
 *	FILE LINE OFFSET READ SIZE LINES DIGEST
 *
 *	kept_open -> kept_read ... -> (kept_add, kept_mark when kept_due) ... -> kept_close
 *
 * Belongs to one thread.
 */
#ifndef KEPT_H
#define KEPT_H

#include "resume.h"

struct kept;

struct kept_point {
	struct resume_point at;
	uint64_t lines, digest;		/* the caller's */
};

/* key: all that decides the output (resume_key()).  JERR_ARG where -o is no file. */
int kept_open(struct kept **k, struct jcli *cli, const char *name, const struct jbuf *key,
	struct jerr *e);
const struct kept_point *kept_start(const struct kept *k);
uint64_t kept_size(const struct kept *k);
int kept_read(struct kept *k, uint64_t at, void *p, size_t n, struct jerr *e);
/*
 * Calls fn for each record of the bytes [at, to): u32 length (little-endian), then that many bytes.
 */
int kept_each(struct kept *k, uint64_t at, uint64_t to,
	int (*fn)(void *arg, const unsigned char *p, size_t n, struct jerr *e), void *arg, struct jerr *e);
int kept_add(struct kept *k, const void *p, size_t n, struct jerr *e);
bool kept_due(const struct kept *k);
int kept_mark(struct kept *k, const struct kept_point *p, struct jerr *e);
/* With rc 0 the output is there: removes all; else keeps it.  Frees k, which may be NULL; returns rc. */
int kept_close(struct kept *k, int rc);

#endif
