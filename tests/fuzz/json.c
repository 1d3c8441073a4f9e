/* JSON: whatever is accepted must be written and read back as the same text. */
#include <stdlib.h>
#include <string.h>

#include "conf/jval.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jerr e = { 0 };
	struct jval *v, *again;
	struct jbuf one, two;
	struct jarena a;

	jarena_init(&a, 0);
	jbuf_init(&one);
	jbuf_init(&two);
	if (jval_parse_json(&v, (const char *)p, n, "fuzz", &a, &e) == 0) {
		jjson_val(&one, v);
		if (jval_parse_json(&again, one.p, one.n, "again", &a, &e) < 0)
			abort();
		jjson_val(&two, again);
		if (one.n != two.n || memcmp(one.p, two.p, one.n) != 0)
			abort();
	} else if (!e.code || !e.msg[0]) {
		abort();
	}
	jbuf_release(&two);
	jbuf_release(&one);
	jarena_release(&a);
	return 0;
}
