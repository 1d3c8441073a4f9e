/*
 * Language models, ARPA or binary: what is read scores every word with a number and is written and
 * read again with the same scores.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/jlm.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static double
score(const struct jlm *m)
{
	static const char *const words[] = { "the", "cat", "a", "<unk>", "zzz", "<s>", "b" };
	struct jlm_state s;
	double sum = 0;
	size_t i;

	jlm_begin(m, &s);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += jlm_score(m, &s, words[i], strlen(words[i]));
	return sum + jlm_end(m, &s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jlm *m, *again;
	struct jbuf b;
	double sum;

	if (jlm_open_mem(&m, p, n, "input", NULL) < 0)
		return 0;
	jbuf_init(&b);
	jlm_write(m, &b);
	if (jlm_open_mem(&again, b.p, b.n, "written", NULL) < 0)
		abort();
	sum = score(m);
	if (sum != score(again) && !isnan(sum))
		abort();
	jlm_perplexity(m, (const char *)p, n);
	jlm_free(again);
	jlm_free(m);
	jbuf_release(&b);
	return 0;
}
