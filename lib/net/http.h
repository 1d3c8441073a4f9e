/* http.h - the parts of the HTTP client; private to this room. */
#ifndef HTTP_H
#define HTTP_H

#include "net/jhttp.h"

/* request.c: one request and its answer through libcurl. */
struct request;
void request_start(void);	/* the HTTP library, once in a process */
struct request *request_new(const struct jhttp_opts *o);
void request_free(struct request *r);
/*
 * Asks for url; where p holds an ETag or a date of a remembered page, conditionally: then an answer
 * of 304 leaves the page as it is, with status 200 and same set.  Any answer is 0.
 */
int request_run(struct request *r, const char *url, struct jhttp_page *p, struct jerr *e);
const char *request_location(const struct request *r);		/* of the last answer, "" if none */
double request_retry_after(const struct request *r);		/* seconds, 0 if none */

/* state.c: pages remembered in a folder, one file each. */
void state_load(const char *dir, const char *url, struct jhttp_page *p);
int state_save(const char *dir, const char *url, const struct jhttp_page *p, struct jerr *e);

#endif
