/*
 * Any bytes as a stream: decompression by magic, then lines with a small cap, and plain reading.  Both
 * ways must agree on the number of bytes or on failure.
 */
#include <stdint.h>
#include <stdlib.h>

#include "io/jio.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define ENOUGH (1 << 22)	/* a few bytes can unfold to gigabytes */

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jerr e = { 0 };
	struct jin *in;
	char buf[777], *line;
	uint64_t total = 0, counted = 0;
	size_t len;
	int64_t got;
	int rc;

	if (jin_open_mem(&in, p, n, "fuzz", &e) < 0)
		return 0;
	while ((got = jin_read(in, buf, sizeof(buf), &e)) > 0 && total < ENOUGH)
		total += (uint64_t)got;
	jin_close(in);
	if (got > 0)
		return 0;
	e.code = 0;
	jin_open_mem(&in, p, n, "fuzz", &e);
	jin_set_max_line(in, 100);
	while ((rc = jin_line(in, &line, &len, &e)) > 0)
		if ((rc == 1) != (len <= 100) || (rc == 1 && line[len]))
			abort();
	counted = jin_offset(in);
	jin_close(in);
	if ((got < 0) != (rc < 0) || (got == 0 && counted != total))
		abort();
	return 0;
}
