/*
 * What a node answers: one JSON object or a stream of events.  What is read from the beginning of a
 * stream is the beginning of what is read from all of it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "swarm/remote.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct remote_reply whole, part;
	struct jerr e = { 0 }, ignored = { 0 };
	int rc;

	remote_reply_init(&whole);
	remote_reply_init(&part);
	rc = remote_parse((const char *)p, n, &whole, &e);
	remote_parse((const char *)p, n / 2, &part, &ignored);
	if (rc < 0 && e.code == 0)
		abort();
	if (rc == 0 && n > 0 && p[0] == 'd' &&
	    (part.text.n > whole.text.n || memcmp(part.text.p, whole.text.p, part.text.n) != 0))
		abort();
	remote_reply_release(&whole);
	remote_reply_release(&part);
	return 0;
}
