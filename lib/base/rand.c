/*
 * rand.c - xoshiro256** 1.0 (Blackman and Vigna, public domain) and a keyed permutation.
 */
#include <math.h>

#include "base/jhash.h"
#include "base/jrand.h"

#define PI 3.14159265358979323846

static uint64_t
rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

/* The output function of SplitMix64. */
static uint64_t
mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* One 64-bit state from seed and key; neighbours in either land far apart. */
static uint64_t
join(uint64_t seed, uint64_t key)
{
	return mix(mix(seed + 0x9e3779b97f4a7c15u) + key * 0xd1342543de82ef95u);
}

void
jrand_init(struct jrand *r, uint64_t seed, uint64_t key)
{
	uint64_t x = join(seed, key);
	int i;

	for (i = 0; i < 4; i++)
		r->s[i] = mix(x += 0x9e3779b97f4a7c15u);
}

void
jrand_init_str(struct jrand *r, uint64_t seed, const char *key, size_t n)
{
	jrand_init(r, seed, jhash64(key, n, 0));
}

uint64_t
jrand_u64(struct jrand *r)
{
	uint64_t *s = r->s, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return out;
}

double
jrand_double(struct jrand *r)
{
	return (double)(jrand_u64(r) >> 11) * 0x1p-53;
}

/* Values below 2^64 mod n are drawn again, so that every remainder is equally likely. */
uint64_t
jrand_below(struct jrand *r, uint64_t n)
{
	uint64_t least = (0 - n) % n, x;

	do
		x = jrand_u64(r);
	while (x < least);
	return x % n;
}

double
jrand_normal(struct jrand *r)
{
	double u = 1.0 - jrand_double(r), v = jrand_double(r);

	return sqrt(-2.0 * log(u)) * cos(2.0 * PI * v);
}

#define ROUNDS 6

/* A balanced Feistel network on the smallest even number of bits that holds n; values past n walk
 * on along their cycle, which keeps the map a bijection on 0..n-1. */
uint64_t
jrand_permute(uint64_t i, uint64_t n, uint64_t seed, uint64_t key)
{
	uint64_t state = join(seed, key), mask, left, right, t;
	int half = 1, k;

	if (n < 2)
		return 0;
	while (half < 32 && (n - 1) >> (2 * half))
		half++;
	mask = (UINT64_C(1) << half) - 1;
	do {
		left = i >> half;
		right = i & mask;
		for (k = 0; k < ROUNDS; k++) {
			t = left ^ (mix(state + right + (uint64_t)k * 0x9e3779b97f4a7c15u) & mask);
			left = right;
			right = t;
		}
		i = left << half | right;
	} while (i >= n);
	return i;
}
