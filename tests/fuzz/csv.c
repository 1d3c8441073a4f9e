/*
 * Comma-separated values: rows move on, cells hold no more bytes than the text, and rows written with
 * every cell quoted are read back as the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/jcsv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
put_row(const struct jcsv_row *r, struct jbuf *b)
{
	size_t i, k;

	for (i = 0; i < r->n; i++) {
		jbuf_adds(b, i ? ",\"" : "\"");
		for (k = 0; k < r->cell[i].n; k++) {
			jbuf_addc(b, (unsigned char)r->cell[i].p[k]);
			if (r->cell[i].p[k] == '"')
				jbuf_addc(b, '"');
		}
		jbuf_addc(b, '"');
	}
	jbuf_addc(b, '\n');
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct jcsv_row a, b;
	size_t at = 0, again = 0, before = 0, i;
	struct jbuf text;

	jcsv_row_init(&a);
	jcsv_row_init(&b);
	jbuf_init(&text);
	while (jcsv_next((const char *)p, n, &at, &a)) {
		if (at <= before || a.n == 0 || a.n > JCSV_CELLS)
			abort();
		before = at;
		again = text.n;
		put_row(&a, &text);
		if (!jcsv_next(text.p, text.n, &again, &b) || again != text.n || a.n != b.n)
			abort();
		for (i = 0; i < a.n; i++)
			if (a.cell[i].n != b.cell[i].n || memcmp(a.cell[i].p, b.cell[i].p, a.cell[i].n) != 0)
				abort();
	}
	jbuf_release(&text);
	jcsv_row_release(&a);
	jcsv_row_release(&b);
	return 0;
}
