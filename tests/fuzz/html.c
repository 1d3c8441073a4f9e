/* HTML (and the sniffing and charset work before it): any bytes give valid UTF-8 or an error. */
#include <stdint.h>
#include <stdlib.h>

#include "base/jutf8.h"
#include "doc/jdoc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jdoc_opts o = { .name = "a.html", .format = JDOC_HTML, .max_bytes = 1 << 20 };
	struct jerr e = { 0 };
	struct jdoc d;

	jdoc_init(&d);
	if (jdoc_extract(&d, p, n, &o, &e) == 0 && (jutf8_valid(d.text.p, d.text.n) != d.text.n ||
	    jutf8_valid(d.title.p, d.title.n) != d.title.n))
		abort();
	/* the same bytes without the hint */
	o.format = JDOC_AUTO;
	o.name = NULL;
	jdoc_extract(&d, p, n, &o, NULL);
	jdoc_release(&d);
	return 0;
}
