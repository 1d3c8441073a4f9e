/* URLs: what is accepted is in normal form, and normal form is stable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "net/jurl.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *s = jmem_strndup((const char *)p, n);
	struct jurl u, again;

	jurl_init(&u);
	jurl_init(&again);
	if (jurl_parse(&u, s, NULL) == 0) {
		if (jurl_parse(&again, u.text.p, NULL) != 0 || strcmp(u.text.p, again.text.p) != 0)
			abort();
		jurl_resolve(&again, &u, s, NULL);
	} else if (jurl_parse(&u, "http://a/b/c?d", NULL) == 0) {
		jurl_resolve(&again, &u, s, NULL);
	}
	jurl_release(&u);
	jurl_release(&again);
	jmem_free(s);
	return 0;
}
