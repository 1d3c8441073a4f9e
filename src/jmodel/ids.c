#include "ids.h"

#include <stdlib.h>
#include <string.h>

#include "io/jio.h"

static int
parse_list(struct jids *ids, const char *s, struct jerr *e)
{
	const char *skip = ", \t\r\n[]";

	for (s += strspn(s, skip); *s; s += strspn(s, skip)) {
		char *end;
		unsigned long v;

		if (*s < '0' || *s > '9')
			return jerr_set(e, JERR_ARG, "--ids: \"%.20s\" is not a token id", s);
		v = strtoul(s, &end, 10);
		if (v > UINT32_MAX)
			return jerr_set(e, JERR_ARG, "--ids: %lu is not a token id", v);
		JMEM_GROW(ids->v, ids->cap, ids->n + 1);
		ids->v[ids->n++] = (uint32_t)v;
		s = end;
	}
	if (ids->n == 0)
		return jerr_set(e, JERR_ARG, "--ids names no token");
	return 0;
}

int
ids_parse(struct jids *ids, const char *s, struct jerr *e)
{
	struct jbuf b;
	int rc;

	if (!s)
		return jerr_set(e, JERR_ARG, "no --ids given");
	if (*s != '@')
		return parse_list(ids, s, e);
	jbuf_init_max(&b, (size_t)64 << 20);
	rc = jin_slurp(s + 1, &b, e);
	if (rc >= 0)
		rc = parse_list(ids, b.p, e);
	jbuf_release(&b);
	return rc;
}
