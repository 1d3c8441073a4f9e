/*
 * jrobots.h - robots.txt (RFC 9309).
 *
 * All groups that name our product token count as one, else all groups for "*".  The rule with the
 * longest pattern wins, Allow wins a tie, '*' stands for any characters and '$' at the end for the
 * end.  Patterns and paths are compared in the normal form of percent escapes.  Bytes beyond 500 KiB
 * are not read.  /robots.txt itself is always allowed.
 */
#ifndef JROBOTS_H
#define JROBOTS_H

#include <stdbool.h>
#include <stddef.h>

enum { JROBOTS_MAX = 500 * 1024 };

struct jrobots;

/* agent: our name; its product token is what stands before '/' or a blank.  Never fails. */
struct jrobots *jrobots_parse(const char *p, size_t n, const char *agent);
/* Of a server that answered without a file: 4xx allows all, everything else forbids all. */
struct jrobots *jrobots_from_status(int status);
/* path: the URL's path and query. */
bool jrobots_allowed(const struct jrobots *r, const char *path);
double jrobots_delay(const struct jrobots *r);	/* Crawl-delay in seconds, 0 if none */
void jrobots_free(struct jrobots *r);

#endif
