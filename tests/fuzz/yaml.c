/* YAML, the domain file and the cluster file: no crash, and every refusal says why. */
#include <stdlib.h>

#include "conf/jcluster.h"
#include "conf/jdomain.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jerr e = { 0 };
	struct jdomain d;
	struct jcluster c;
	struct jbuf b;

	if (n > 1 << 16)
		return 0;
	if (jdomain_parse(&d, (const char *)p, n, "fuzz", &e) == 0)
		jdomain_release(&d);
	else if (!e.msg[0])
		abort();
	jerr_clear(&e);
	if (jcluster_parse(&c, (const char *)p, n, "fuzz", &e) == 0) {
		jbuf_init(&b);
		jcluster_check(&c, &b);
		jbuf_release(&b);
		jcluster_release(&c);
	} else if (!e.msg[0]) {
		abort();
	}
	return 0;
}
