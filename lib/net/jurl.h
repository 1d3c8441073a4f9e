/*
 * jurl.h - URLs of the web (RFC 3986): parsing, normal form, resolving a reference against a base.
 *
 * Only http and https are taken apart; everything else is refused, as are user names, control
 * characters and ports out of range.  The normal form has a lower-case scheme and host, no default
 * port, no dot segments, upper-case percent escapes, unreserved characters unescaped, no fragment:
 * equal pages have equal strings.
 */
#ifndef JURL_H
#define JURL_H

#include <stddef.h>

#include "base/jerr.h"
#include "base/jstr.h"

enum { JURL_MAX = 8192 };

struct jurl {
	struct jbuf text;	/* the normal form */
	size_t host, host_n;	/* parts of it: name or address without port */
	size_t path;		/* path and query begin here; at least "/" */
	int port;
	int tls;		/* https */
};

void jurl_init(struct jurl *u);
void jurl_release(struct jurl *u);
/* 0, or JERR_ARG naming the URL. */
int jurl_parse(struct jurl *u, const char *s, struct jerr *e);
/* ref as it stands on the page base; the same errors. */
int jurl_resolve(struct jurl *u, const struct jurl *base, const char *ref, struct jerr *e);
/* Appends "https://host[:port]". */
void jurl_origin(const struct jurl *u, struct jbuf *out);
/*
 * Appends s in the normal form of paths: escapes in upper case, unreserved characters plain, others
 * beyond ASCII escaped, and so a '%' that begins no escape.
 */
void jurl_normal(const char *s, size_t n, struct jbuf *out);

#endif
