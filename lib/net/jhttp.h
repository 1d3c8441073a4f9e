/*
 * jhttp.h - a polite HTTP client: one page at a time.
 *
 * jhttp_get() asks robots.txt of every host it comes to, waits between requests to one host, follows
 * redirects itself (each target is checked like a fresh URL), tries again after errors that pass
 * (429, 5xx, a lost connection) with the server's Retry-After within bounds, and stops reading at
 * max_bytes.  With a state folder it remembers each page with its ETag and Last-Modified and asks
 * only whether it changed.
 *
 * One thread at a time per client.  jhttp_get() sends no secrets, no cookies are kept, nothing but http and
 * https is spoken, to redirects as well.
 */
#ifndef JHTTP_H
#define JHTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct jhttp_opts {
	const char *agent;
	double timeout_s;	/* for a connection and for silence; 0 = 30 */
	size_t max_bytes;	/* of a body; 0 = 64 MiB */
	int redirects;		/* most that are followed; 0 = 8 */
	int retries;		/* of errors that pass; 0 = 3, -1 = none */
	double retry_s;		/* wait before the first retry, doubled for each; 0 = 1 */
	double retry_max_s;	/* bound of any wait, Retry-After too; 0 = 120 */
	double delay_s;		/* between requests to one host */
	bool robots;		/* obey robots.txt */
	const char *state;	/* folder, or NULL: nothing is remembered */
};

struct jhttp_page {
	int status;		/* of the last answer: 200 also for a page that was remembered */
	bool same;		/* the server said that the remembered page is still good */
	struct jbuf body;
	struct jbuf url;	/* where it was found, after redirects */
	struct jbuf type;	/* media type, lower case, without parameters */
	struct jbuf charset;	/* of Content-Type, or empty */
	struct jbuf etag, modified;	/* as the server sent them */
	int64_t when;		/* seconds: Last-Modified, else the time of the first fetch */
};

enum jhttp_why {		/* what stood against a page; in *why of jhttp_get() */
	JHTTP_OK,
	JHTTP_ROBOTS,
	JHTTP_STATUS,		/* an answer other than 2xx */
	JHTTP_LARGE,
	JHTTP_UNREACHABLE,
	JHTTP_REDIRECTS
};

struct jhttp;

int jhttp_open(struct jhttp **h, const struct jhttp_opts *o, struct jerr *e);
void jhttp_page_init(struct jhttp_page *p);
void jhttp_page_release(struct jhttp_page *p);
/* 0, or JERR_NET, JERR_LIMIT, JERR_ARG; why may be NULL. */
int jhttp_get(struct jhttp *h, const char *url, struct jhttp_page *page, enum jhttp_why *why,
	struct jerr *e);
void jhttp_close(struct jhttp *h);	/* NULL is fine */

/*
 * One POST, for programs that speak to an interface: no redirects, no retries, any number of threads.
 * What came before an error (a time-out, a lost connection) is kept in *answer.
 */
struct jhttp_post {
	const char *url;
	const char *body;
	size_t n;
	const char *type;	/* of the body */
	const char *bearer;	/* key, or NULL; only sent over https or to this machine */
	double timeout_s;	/* for all of it; 0 = none */
	size_t max_bytes;	/* of the answer; 0 = 16 MiB */
	int (*on_data)(void *arg);	/* NULL, or: more has come; non-zero stops */
	void *arg;
};
/* 0 for any answer, with its status; JERR_NET, JERR_LIMIT, JERR_ARG, or JERR_STOP by on_data. */
int jhttp_post(const struct jhttp_post *o, struct jbuf *answer, int *status, struct jerr *e);

#endif
