/*
 * jrec.h - JSONL records (jrecord(5)): a fast scan of one line into members, edits by splicing so
 * that members a program does not know keep their bytes, order and number spelling.
 *
 * A struct jrec points into the line it was parsed from; the line must stay valid and unchanged.
 * Unescaped strings and edited lines come from the arena given at parse time.
 */
#ifndef JREC_H
#define JREC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"

struct jrec_member {
	const char *key;	/* raw between the quotes (keys are [a-z][a-z0-9_]*; others are kept raw) */
	size_t key_n;
	const char *val;	/* raw JSON value, quotes included */
	size_t val_n;
};

struct jrec {
	const char *line;
	size_t line_n;
	struct jrec_member *m;
	size_t n, cap;
	struct jarena *arena;
};

/*
 * Parses one object: full JSON grammar check (depth <= 64), valid UTF-8, no duplicate top-level key.
 * 0, or JERR_FORMAT with the byte offset.
 */
int jrec_parse(struct jrec *r, const char *line, size_t n, struct jarena *a, struct jerr *e);
const struct jrec_member *jrec_find(const struct jrec *r, const char *key);
/* Unescaped string value: true and s (terminated) if present and a string. */
bool jrec_str(const struct jrec *r, const char *key, const char **s, size_t *n);
bool jrec_num(const struct jrec *r, const char *key, double *v);
bool jrec_int(const struct jrec *r, const char *key, int64_t *v);
bool jrec_bool(const struct jrec *r, const char *key, bool *v);
/* A value that is itself an object, parsed into sub (same arena). */
bool jrec_obj(const struct jrec *r, const char *key, struct jrec *sub);
/* Unescapes a raw JSON string value (with quotes) into the arena. */
const char *jrec_unescape(const char *val, size_t val_n, struct jarena *a, size_t *n);

/*
 * Edits: append to out the record with key set to the raw JSON value (replaced in place, else
 * added at the end), and the line end.  jrec_write() writes it unchanged.  Several edits at once
 * go through a list.
 */
struct jrec_edit {
	const char *key;
	const char *val;	/* raw JSON; NULL deletes */
	size_t val_n;
};
void jrec_write(const struct jrec *r, struct jbuf *out);
void jrec_write_edits(const struct jrec *r, const struct jrec_edit *ed, size_t n, struct jbuf *out);
/*
 * Raw value for scores{}: the record's present "scores" object (if any) with name: value added
 * (replaced if there).  From the arena.
 */
const char *jrec_add_score(const struct jrec *r, const char *name, double value, size_t *n);

/* Building records: {"key":value,...}\n in the order of the calls. */
void jrec_begin(struct jbuf *b);
void jrec_put_str(struct jbuf *b, const char *key, const char *s, size_t n);
void jrec_put_num(struct jbuf *b, const char *key, double v);
void jrec_put_int(struct jbuf *b, const char *key, int64_t v);
void jrec_put_bool(struct jbuf *b, const char *key, bool v);
void jrec_put_raw(struct jbuf *b, const char *key, const char *json, size_t n);
void jrec_end(struct jbuf *b);		/* closes the object and ends the line */
/* A whole record for --rejects: the line as it came, and why it was refused. */
void jrec_put_refused(struct jbuf *b, const char *line, size_t n, const char *why);

#endif
