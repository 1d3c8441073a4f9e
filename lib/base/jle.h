/*
 * jle.h - little-endian loads and stores on unaligned bytes; compilers turn them into one move.
 */
#ifndef JLE_H
#define JLE_H

#include <stdint.h>
#include <string.h>

static inline uint16_t
jle_u16(const void *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t
jle_u32(const void *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t
jle_u64(const void *p)
{
	const unsigned char *b = (const unsigned char *)p;

	return (uint64_t)jle_u32(b) | (uint64_t)jle_u32(b + 4) << 32;
}

static inline float
jle_f32(const void *p)
{
	uint32_t u = jle_u32(p);
	float f;

	memcpy(&f, &u, sizeof(f));
	return f;
}

static inline void
jle_put16(void *p, uint16_t v)
{
	unsigned char *b = (unsigned char *)p;

	b[0] = (unsigned char)v;
	b[1] = (unsigned char)(v >> 8);
}

static inline void
jle_put32(void *p, uint32_t v)
{
	unsigned char *b = (unsigned char *)p;

	b[0] = (unsigned char)v;
	b[1] = (unsigned char)(v >> 8);
	b[2] = (unsigned char)(v >> 16);
	b[3] = (unsigned char)(v >> 24);
}

static inline void
jle_put64(void *p, uint64_t v)
{
	jle_put32(p, (uint32_t)v);
	jle_put32((unsigned char *)p + 4, (uint32_t)(v >> 32));
}

#endif
