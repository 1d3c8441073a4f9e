/*
 * jdownload.h - fetching files that one wants whole: over interruptions, checked, with a token.
 *
 * Bytes go to PATH.part; when all are there and the SHA-256 is right it becomes PATH.  A part that
 * is there already is gone on with (a Range request) if the hash of the whole is known, which is
 * what proves afterwards that the pieces belong together; else the file is fetched anew.  Errors that
 * pass (a lost connection, 429, 5xx) are tried again from where the bytes ended.
 *
 * Redirects are followed to http and https.  The token is sent to the host of the URL alone, and only
 * over https or to this machine.
 */
#ifndef JDOWNLOAD_H
#define JDOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jstr.h"

struct jdownload {
	const char *url;
	const char *agent;
	const char *token;		/* NULL = none */
	const char *path;
	const char *sha256;		/* hex, or NULL: X-Linked-Etag of the answer is taken if it is one */
	int64_t size;			/* -1 = not known */
	int retries;			/* of errors that pass; each waits twice as long, from retry_s on */
	double retry_s, timeout_s;	/* 0 = 1 and 30 */
	void (*progress)(void *arg, uint64_t done, uint64_t total);	/* or NULL; total 0 = unknown */
	void *arg;
	uint64_t fetched;		/* out: bytes that came over the line */
	bool checked;			/* out: a hash was known and is right */
};

int jdownload(struct jdownload *d, struct jerr *e);
/* A small answer (at most max bytes) into memory; path, sha256 and size are not used. */
int jdownload_text(const struct jdownload *d, size_t max, struct jbuf *out, struct jerr *e);

#endif
