/* topk.c - the largest of many values by magnitude, in two passes of counting. */
#include "model/topk.h"

#include <string.h>

#include "base/jmem.h"

static uint32_t
magnitude(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u & 0x7fffffff;
}

/*
 * The magnitude (as bits, which order like values) of the keep-th largest of n values, by counting
 * the upper and then the lower half of the bits.
 */
static uint32_t
kth_largest(const float *v, int64_t n, int64_t keep, int64_t *count)
{
	uint32_t high, low;
	int64_t above = 0;

	memset(count, 0, 65536 * sizeof(*count));
	for (int64_t i = 0; i < n; i++)
		count[magnitude(v[i]) >> 16]++;
	for (high = 0x7fff; high > 0 && above + count[high] < keep; high--)
		above += count[high];
	memset(count, 0, 65536 * sizeof(*count));
	for (int64_t i = 0; i < n; i++)
		if (magnitude(v[i]) >> 16 == high)
			count[magnitude(v[i]) & 0xffff]++;
	for (low = 0xffff; low > 0 && above + count[low] < keep; low--)
		above += count[low];
	return high << 16 | low;
}

void
topk_keep(float *v, int64_t n, int64_t keep, bool ties)
{
	int64_t *count;
	uint32_t least;

	if (keep >= n)
		return;
	if (keep <= 0) {
		memset(v, 0, (size_t)n * sizeof(*v));
		return;
	}
	count = jmem_alloc(65536, sizeof(*count));
	least = kth_largest(v, n, keep, count);
	jmem_free(count);
	for (int64_t i = 0; i < n; i++)
		keep -= magnitude(v[i]) > least;
	for (int64_t i = 0; i < n; i++) {
		if (magnitude(v[i]) < least || (magnitude(v[i]) == least && !ties && keep <= 0))
			v[i] = 0;
		else if (magnitude(v[i]) == least)
			keep--;
	}
}
