/*
 * jhash.h - hashes: XXH3 (libxxhash) for keys, SHA-256 (FIPS 180-4) for provenance, CRC-32C
 * (RFC 3720) for stored blocks.
 */
#ifndef JHASH_H
#define JHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t jhash64(const void *p, size_t n, uint64_t seed);	/* XXH3-64 with seed */

struct jhash128 {
	uint64_t lo, hi;
};
struct jhash128 jhash128(const void *p, size_t n);		/* XXH3-128 */

struct jsha256 {
	uint32_t h[8];
	uint64_t bytes;
	unsigned char block[64];
};
void jsha256_init(struct jsha256 *s);
void jsha256_add(struct jsha256 *s, const void *p, size_t n);
void jsha256_done(struct jsha256 *s, unsigned char out[32]);
/* Hex of the SHA-256 of n bytes; out has room for 65. */
void jsha256_hex(const void *p, size_t n, char out[65]);
void jhash_hex(const unsigned char *p, size_t n, char *out);	/* out: 2n + 1 bytes */

/* CRC-32C; start with crc = 0 and feed the result of the call before. */
uint32_t jcrc32c(uint32_t crc, const void *p, size_t n);

#endif
