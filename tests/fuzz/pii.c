/*
 * Personal data: spans lie in the text, in order, without overlaps; a masked text has nothing more
 * to find than what the mask's neighbours form.
 */
#include <stdlib.h>
#include <string.h>

#include "text/jlang.h"
#include "text/jpii.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct jlang *lang;
	static struct jlang_bench *bench;
	struct jlang_guess g[JLANG_GUESSES];
	struct jpii_list list = { .n = 0 };
	struct jbuf out;
	size_t i, end = 0;

	jbuf_init(&out);
	jpii_find(&list, (const char *)p, n);
	for (i = 0; i < list.n; i++) {
		const struct jpii_span *s = &list.v[i];

		if (s->at < end || s->n == 0 || s->n > n - s->at)
			abort();
		end = s->at + s->n;
		jpii_pseudonym(s->kind, (const char *)p + s->at, s->n, "key", 3, &out);
	}
	jpii_list_release(&list);
	jbuf_release(&out);
	if (!lang && jlang_open(&lang, NULL, NULL) == 0)
		bench = jlang_bench_new();
	if (jlang_detect(lang, bench, (const char *)p, n, g) < 1 || !(g[0].p >= 0 && g[0].p <= 1))
		abort();
	return 0;
}
