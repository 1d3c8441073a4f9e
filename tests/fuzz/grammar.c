/*
 * Grammars: the first byte says which notation.  No crash, every refusal says why, and what compiles
 * runs over the input's own text.
 */
#include <stdlib.h>

#include "infer/jgrammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static int (*const read[])(struct jgrammar **g, const char *text, size_t n, const char *name,
		struct jerr *e) = { jgrammar_gbnf, jgrammar_schema, jgrammar_regex };
	struct jgrammar *g = NULL;
	struct jerr e = { 0 };
	const char *text = (const char *)p + 1;

	if (n < 1 || n > 4096)
		return 0;
	for (size_t i = 1; i + 4 < n; i++)	/* counts of five digits only cost memory */
		if (p[i] >= '0' && p[i] <= '9' && p[i + 1] >= '0' && p[i + 1] <= '9' &&
		    p[i + 2] >= '0' && p[i + 2] <= '9' && p[i + 3] >= '0' && p[i + 3] <= '9' &&
		    p[i + 4] >= '0' && p[i + 4] <= '9')
			return 0;
	if (read[*p % 3](&g, text, n - 1, "fuzz", &e) < 0) {
		if (!e.msg[0])
			abort();
		return 0;
	}
	jgrammar_match(g, text, n - 1 < 64 ? n - 1 : 64);
	jgrammar_free(g);
	return 0;
}
