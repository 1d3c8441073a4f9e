/*
 * bytes16.h - private: sixteen bytes at once, in the vector unit if there is one; GCC and Clang make code
 * of it for any machine.  A comparison gives 0xff for true.
 */
#ifndef BYTES16_H
#define BYTES16_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/jle.h"

typedef unsigned char bytes16 __attribute__((vector_size(16)));

static inline bytes16
bytes16_load(const char *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bytes16
bytes16_between(bytes16 c, unsigned char from, unsigned char to)
{
	return (bytes16)(c - from <= (unsigned char)(to - from));
}

/* ASCII letters, digits and underscores. */
static inline bytes16
bytes16_word(bytes16 c)
{
	return bytes16_between(c | 0x20, 'a', 'z') | bytes16_between(c, '0', '9') | (bytes16)(c == '_');
}

/* What may stand between the parts of one word. */
static inline bytes16
bytes16_middle(bytes16 c)
{
	return (bytes16)(c == '.') | (bytes16)(c == '\'') | (bytes16)(c == ',') | (bytes16)(c == ';');
}

/* Bit i: the high bit of byte i. */
static inline uint64_t
bytes16_high(bytes16 v)
{
#ifdef __SSE2__
	__m128i x;

	memcpy(&x, &v, sizeof(x));
	return (uint64_t)_mm_movemask_epi8(x);
#else
	unsigned char c[16];
	uint64_t bits = 0;
	int i;

	memcpy(c, &v, sizeof(c));
	for (i = 0; i < 16; i += 8)
		bits |= ((jle_u64(c + i) >> 7 & UINT64_C(0x0101010101010101)) *
			UINT64_C(0x0102040810204080) >> 56) << i;
	return bits;
#endif
}

#endif
