#include <math.h>

#include "base/jmem.h"
#include "text/ngram_internal.h"

uint64_t
jngram_child(const struct jngram *m, int k, uint64_t at, uint32_t w)
{
	const struct ngram_level *up = &m->level[k], *down = &m->level[k + 1];
	uint64_t lo = up->child[at], hi = up->child[at + 1];

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (down->word[mid] < w)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < up->child[at + 1] && down->word[lo] == w ? lo : NGRAM_NONE;
}

uint64_t
jngram_find(const struct jngram *m, const uint32_t *words, int n)
{
	uint64_t at = 0;
	int k;

	for (k = 0; k < n && at != NGRAM_NONE; k++)
		at = jngram_child(m, k, at, words[k]);
	return at;
}

/* context: the k words before w, k < order. */
static double
probability(const struct jngram *m, const uint32_t *context, int k, uint32_t w)
{
	double back = 1;
	uint64_t at, hit;

	for (; k >= 0; k--, context++) {
		at = jngram_find(m, context, k);
		if (at == NGRAM_NONE)
			continue;
		hit = jngram_child(m, k, at, w);
		if (hit != NGRAM_NONE)
			return back * m->level[k + 1].prob[hit];
		back *= m->level[k].back[at];
	}
	return back / m->info.vocab;
}

double
jngram_log2(const struct jngram *m, const uint32_t *ids, size_t at)
{
	uint32_t context[JNGRAM_MAX_ORDER];
	int k = m->info.order - 1, i;

	if (at < (size_t)k)
		k = (int)at + 1;	/* the beginning is one more */
	for (i = 0; i < k; i++)
		context[i] = at + (size_t)i < (size_t)k ? m->info.vocab :
			ids[at + (size_t)i - (size_t)k];
	return log2(probability(m, context, k, ids[at]));
}

double
jngram_log2_sum(const struct jngram *m, const uint32_t *ids, size_t n)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += jngram_log2(m, ids, i);
	return sum;
}

void
jngram_describe(const struct jngram *m, struct jngram_info *info)
{
	*info = m->info;
}

void
jngram_free(struct jngram *m)
{
	int n;

	if (!m)
		return;
	for (n = 0; n <= JNGRAM_MAX_ORDER; n++) {
		jmem_free(m->level[n].word);
		jmem_free(m->level[n].prob);
		jmem_free(m->level[n].back);
		jmem_free(m->level[n].child);
	}
	jmem_free(m);
}
