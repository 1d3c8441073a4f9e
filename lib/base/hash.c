/*
 * hash.c - XXH3 by libxxhash.
 */
#include <xxhash.h>

#include "base/jhash.h"

uint64_t
jhash64(const void *p, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(p, n, seed);
}

struct jhash128
jhash128(const void *p, size_t n)
{
	XXH128_hash_t h = XXH3_128bits(p, n);
	struct jhash128 out = { h.low64, h.high64 };

	return out;
}
