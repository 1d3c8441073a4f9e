#include "uni.h"

#include "base/jutf8.h"

int
uni_step_multi(const unsigned char *p, const unsigned char *end, uint32_t *cp)
{
	int n = jutf8_decode((const char *)p, (size_t)(end - p), cp);

	return n < 0 ? 1 : n;
}

int
uni_step_back(const unsigned char *start, const unsigned char *p, unsigned *cls)
{
	const unsigned char *q = p - 1;
	int n;

	while (q > start && p - q < 4 && (*q & 0xC0) == 0x80)
		q--;
	n = uni_step(q, p, cls);
	if (q + n == p)
		return n;
	uni_step(p - 1, p, cls);
	return 1;
}

static unsigned
bits_of(const struct uni_range *v, size_t n, uint32_t cp)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (v[mid].last < cp)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n && v[lo].first <= cp ? v[lo].bits : 0;
}

unsigned
uni_bert_of(uint32_t cp)
{
	return bits_of(uni_bert_range, UNI_BERT_RANGES, cp);
}

unsigned
uni_is_new(uint32_t cp)
{
	return bits_of(uni_new_range, UNI_NEW_RANGES, cp);
}
