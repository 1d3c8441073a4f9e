/*
 * fastText models: whatever the file says, reading either refuses it or gives probabilities that are
 * numbers from 0 to 1, and what is written of a dense model is read again.
 */
#include <stdlib.h>
#include <string.h>

#include "text/jfasttext.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char text[] = "the quick brown fox __label__x </s> \xc3\xa4\xff";
	static struct jfasttext_bench *b;
	struct jfasttext_guess g[4];
	struct jfasttext *m;
	size_t i, k;

	if (!b)
		b = jfasttext_bench_new();
	if (jfasttext_open_mem(&m, p, n, "input", NULL) < 0)
		return 0;
	k = jfasttext_predict(m, b, text, sizeof(text) - 1, 4, g);
	for (i = 0; i < k; i++)
		if (!(g[i].p >= 0) || !jfasttext_label(m, (size_t)g[i].label))
			abort();
	jfasttext_probability(m, b, (const char *)p, n < 200 ? n : 200, 0);
	jfasttext_free(m);
	return 0;
}
