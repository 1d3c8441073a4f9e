/*
 * topk.c - the largest of many values by magnitude.  The bits of a magnitude order like its value, so
 * that counting them by digits, the highest first, finds the k-th in three passes.
 */
#include "model/topk.h"

#include <string.h>

static uint32_t
magnitude(float f)
{
	uint32_t u;

	memcpy(&u, &f, sizeof(u));
	return u & 0x7fffffff;
}

float
topk_smallest(const float *v, int64_t n, int64_t k)
{
	static const int shift[] = { 20, 10, 0 }, bits[] = { 11, 10, 10 };
	uint32_t found = 0;
	float f;

	for (int pass = 0; pass < 3; pass++) {
		uint32_t above = pass ? ~0u << shift[pass - 1] : 0, digits = (1u << bits[pass]) - 1;
		uint32_t digit = 0;
		int64_t count[2048] = { 0 };

		for (int64_t i = 0; i < n; i++)
			if ((magnitude(v[i]) & above) == found)
				count[magnitude(v[i]) >> shift[pass] & digits]++;
		while (k >= count[digit])
			k -= count[digit++];
		found |= digit << shift[pass];
	}
	memcpy(&f, &found, sizeof(f));
	return f;
}

void
topk_keep(float *v, int64_t n, int64_t keep, bool ties)
{
	uint32_t least;

	if (keep >= n)
		return;
	if (keep <= 0) {
		memset(v, 0, (size_t)n * sizeof(*v));
		return;
	}
	least = magnitude(topk_smallest(v, n, n - keep));
	for (int64_t i = 0; i < n; i++)
		keep -= magnitude(v[i]) > least;
	for (int64_t i = 0; i < n; i++) {
		if (magnitude(v[i]) < least || (magnitude(v[i]) == least && !ties && keep <= 0))
			v[i] = 0;
		else if (magnitude(v[i]) == least)
			keep--;
	}
}
