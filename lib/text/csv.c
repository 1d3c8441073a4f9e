#include "text/jcsv.h"

void
jcsv_row_init(struct jcsv_row *r)
{
	size_t i;

	for (i = 0; i < JCSV_CELLS; i++)
		jbuf_init(&r->cell[i]);
	r->n = 0;
}

void
jcsv_row_release(struct jcsv_row *r)
{
	size_t i;

	for (i = 0; i < JCSV_CELLS; i++)
		jbuf_release(&r->cell[i]);
}

bool
jcsv_next(const char *p, size_t n, size_t *at, struct jcsv_row *r)
{
	bool quoted = false;
	size_t i = *at;

	r->n = 0;
	if (i >= n)
		return false;
	jbuf_reset(&r->cell[r->n++]);
	for (; i < n; i++) {
		char c = p[i];

		if (quoted && c == '"' && i + 1 < n && p[i + 1] == '"')
			jbuf_addc(&r->cell[r->n - 1], p[i++]);
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && c == '\n')
			break;
		else if (!quoted && c == ',' && r->n < JCSV_CELLS)
			jbuf_reset(&r->cell[r->n++]);
		else if (quoted || c != '\r')
			jbuf_addc(&r->cell[r->n - 1], (unsigned char)c);
	}
	*at = i + 1;
	return true;
}
