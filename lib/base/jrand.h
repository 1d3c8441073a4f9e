/*
 * jrand.h - random numbers that are a function of (seed, key): same numbers in any thread, in any
 * order, after any resume.  xoshiro256** seeded through SplitMix64 (Blackman and Vigna, 2018).
 * Key by record id (jrand_init_str) or by a counter (jrand_init); never one stream per thread.
 */
#ifndef JRAND_H
#define JRAND_H

#include <stddef.h>
#include <stdint.h>

struct jrand {
	uint64_t s[4];
};

void jrand_init(struct jrand *r, uint64_t seed, uint64_t key);
void jrand_init_str(struct jrand *r, uint64_t seed, const char *key, size_t n);
uint64_t jrand_u64(struct jrand *r);
double jrand_double(struct jrand *r);			/* [0, 1) with 53 bits */
uint64_t jrand_below(struct jrand *r, uint64_t n);	/* 0..n-1 without bias; n > 0 */
double jrand_normal(struct jrand *r);			/* mean 0, variance 1 (Box-Muller, no state) */
/* Position of index i of n in the keyed pseudo-random permutation (Feistel, cycle walking). */
uint64_t jrand_permute(uint64_t i, uint64_t n, uint64_t seed, uint64_t key);

#endif
