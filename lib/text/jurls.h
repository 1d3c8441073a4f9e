/*
 * jurls.h - lists of addresses that are not wanted: domains, beginnings of addresses, words.
 *
 * One pattern a line, # before a comment:
 *
 *	example.com          the domain and all below it; an IPv4 address
 *	example.com/forum    addresses that begin so
 *	casino               a word of the address, between characters that are no letter or digit
 *	~poker               a soft word: one alone means little
 *	*porn*               letters anywhere in the address
 *
 * so that the lists of Toulouse University (domains, urls) and plain lists of domains are read as
 * they are.  Letter case, the scheme, a user name, a port and a leading "www." do not count.  Domains
 * and addresses are kept as 64-bit hashes (8 to 16 bytes each, so millions of them are fine); of a
 * million patterns two share one with probability under 1e-7.
 *
 * Read-only once all is added and jurls_finish() has been called; then any number of threads.
 */
#ifndef JURLS_H
#define JURLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

struct jurls;

struct jurls_hits {
	bool listed;			/* a domain or the beginning of an address */
	uint32_t words, soft;		/* different words and letters; different soft words */
};

struct jurls *jurls_new(void);
void jurls_free(struct jurls *u);	/* NULL is fine */
/* A line of a list; blank ones and comments are fine.  JERR_FORMAT says what is wrong with it. */
int jurls_add(struct jurls *u, const char *line, size_t n, struct jerr *e);
int jurls_finish(struct jurls *u, struct jerr *e);
size_t jurls_count(const struct jurls *u);	/* patterns */
/* False if the text is no http or https address; then there are no hits. */
bool jurls_match(const struct jurls *u, const char *uri, size_t n, struct jurls_hits *hits);

#endif
