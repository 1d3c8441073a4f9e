/* robots.txt: the first line is the path to ask for, the rest the file. */
#include <stdint.h>
#include <string.h>

#include "base/jmem.h"
#include "net/jrobots.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *nl = memchr(p, '\n', n);
	size_t first = nl ? (size_t)(nl - p) : n;
	char *path = jmem_strndup((const char *)p, first);
	struct jrobots *r = jrobots_parse((const char *)p + first, n - first, "jcollect");

	jrobots_allowed(r, path);
	jrobots_delay(r);
	jrobots_free(r);
	jmem_free(path);
	return 0;
}
