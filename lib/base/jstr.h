/*
 * jstr.h - byte strings that grow, and strings turned into numbers.
 *
 * A struct jbuf holds n bytes at p; p is never NULL after jbuf_init() and p[n] is always 0, so
 * the contents can be used as a C string when they hold no NUL.  A buffer that is fed by foreign
 * bytes is given a maximum with jbuf_init_max(); exceeding it sets `over`, drops the bytes and
 * makes every later append a no-op, so one check at the end suffices.
 */
#ifndef JSTR_H
#define JSTR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct jbuf {
	char *p;
	size_t n, cap, max;	/* max 0 = no limit */
	bool over;
};

void jbuf_init(struct jbuf *b);
void jbuf_init_max(struct jbuf *b, size_t max);
void jbuf_release(struct jbuf *b);
void jbuf_reset(struct jbuf *b);			/* n = 0, memory kept, over cleared */
char *jbuf_detach(struct jbuf *b);			/* caller frees with jmem_free(); b is empty again */
void jbuf_reserve(struct jbuf *b, size_t more);
void jbuf_add(struct jbuf *b, const void *p, size_t n);
void jbuf_adds(struct jbuf *b, const char *s);
void jbuf_addc(struct jbuf *b, int c);
void jbuf_printf(struct jbuf *b, const char *fmt, ...) JPRINTF(2, 3);
void jbuf_vprintf(struct jbuf *b, const char *fmt, va_list ap);
void jbuf_trim(struct jbuf *b);				/* drops ASCII white space at the end */

/* Whole-string number parsers: 0, or JERR_ARG where s is not just a number or out of range. */
int jstr_to_i64(const char *s, int64_t *v);
int jstr_to_u64(const char *s, uint64_t *v);
int jstr_to_double(const char *s, double *v);
/* "64M", "2G", "512K": powers of 1024, plain bytes without a letter. */
int jstr_to_size(const char *s, uint64_t *v);
/* "300k", "2m", "1b": powers of 1000, for counts of tokens. */
int jstr_to_count(const char *s, uint64_t *v);

bool jstr_starts(const char *s, const char *prefix);
bool jstr_ends(const char *s, const char *suffix);
/* Edit distance capped at 4, for "did you mean". */
int jstr_distance(const char *a, const char *b);
/* "51.2 MB", "812 B": decimal units, 3 significant digits, for people.  Returns out. */
char *jstr_human_bytes(char out[16], double bytes);
/* "2h03m", "41.5s". */
char *jstr_human_time(char out[16], double seconds);
/* "812", "3.14M", "1.2G": counts with 3 significant digits.  Returns out. */
char *jstr_human_count(char out[16], double count);

#endif
