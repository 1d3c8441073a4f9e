/*
 * minhash_internal.h - the inner loop of MinHash, by what the CPU offers.
 */
#ifndef TEXT_MINHASH_INTERNAL_H
#define TEXT_MINHASH_INTERNAL_H

#include "text/jminhash.h"

enum { MINHASH_BATCH = 256 };

/* 64 bits to 32 that depend on all of them (the finaliser of MurmurHash3, Appleby). */
static inline uint32_t
minhash_mix(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return (uint32_t)(h >> 32);
}

/* Lowers sig[i] to the least of a_i * h + b_i over the n hashes. */
void minhash_least(const struct jminhash *m, const uint32_t *h, size_t n, uint32_t *sig);
void minhash_least_ref(const struct jminhash *m, const uint32_t *h, size_t n, uint32_t *sig);

#endif
