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
