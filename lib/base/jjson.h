/*
 * jjson.h - JSON text (RFC 8259): the one grammar scanner and the one writer.  Values as a tree
 * are conf/jval.h, records are record/jrec.h; both stand on this.
 *
 * The scanner checks without building: full grammar, UTF-8, escapes (a lone surrogate is refused),
 * depth.  It works on a range that need not be terminated, never reads at or beyond end and takes
 * time linear in what it reads.  The writer is deterministic: the same value gives the same bytes.
 */
#ifndef JJSON_H
#define JJSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/jstr.h"

#define JJSON_DEPTH 64		/* deepest nesting that our readers take */

/* Where a scan stopped and what it expected there. */
struct jjson_fault {
	const char *at;
	const char *why;	/* "expected ':' after a key" */
};

/* The first byte at or after p that is not JSON white space. */
const char *jjson_space(const char *p, const char *end);
/* Checks the string whose quote is at p: the byte after its end, or NULL with *f filled. */
const char *jjson_string(const char *p, const char *end, struct jjson_fault *f);
/* Checks the value that starts at p, with at most depth levels of nesting: as jjson_string(). */
const char *jjson_value(const char *p, const char *end, int depth, struct jjson_fault *f);
/* One value and nothing but white space around it: 0, or -1 with *f filled. */
int jjson_check(const char *p, size_t n, int depth, struct jjson_fault *f);
/*
 * The bytes that the n checked bytes between two quotes stand for; out has room for n.  Returns
 * how many there are.
 */
size_t jjson_unescape(const char *p, size_t n, char *out);

/* Appends s as a JSON string with quotes: minimal, deterministic escapes; invalid UTF-8 -> U+FFFD. */
void jjson_str(struct jbuf *b, const char *s, size_t n);
/* Shortest decimal that reads back as the same double; NaN and infinities become null. */
void jjson_num(struct jbuf *b, double d);
void jjson_int(struct jbuf *b, int64_t i);

#endif
