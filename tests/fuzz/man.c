/* man(7), mdoc(7) and tbl(1): any bytes give valid UTF-8 or an error, in bounded work. */
#include <stdint.h>
#include <stdlib.h>

#include "base/jutf8.h"
#include "doc/jdoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jdoc_opts o = { .name = "a.1", .format = JDOC_MAN, .max_bytes = 1 << 20 };
	struct jerr e = { 0 };
	struct jdoc d;

	jdoc_init(&d);
	if (jdoc_extract(&d, p, n, &o, &e) == 0 && (jutf8_valid(d.text.p, d.text.n) != d.text.n ||
	    jutf8_valid(d.title.p, d.title.n) != d.title.n))
		abort();
	jdoc_release(&d);
	return 0;
}
