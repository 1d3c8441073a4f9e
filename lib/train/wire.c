/* wire.c - protocol buffers, written: keys, variable-length numbers, fixed ones, bytes. */
#include <string.h>

#include "base/jle.h"
#include "train/train_internal.h"

void
wire_varint(struct jbuf *b, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		jbuf_addc(b, (char)((v & 127) | 128));
	jbuf_addc(b, (char)v);
}

void
wire_key(struct jbuf *b, int field, enum wire wire)
{
	wire_varint(b, (uint64_t)field << 3 | wire);
}

void
wire_double(struct jbuf *b, int field, double v)
{
	unsigned char le[8];
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	jle_put64(le, bits);
	wire_key(b, field, WIRE_FIXED64);
	jbuf_add(b, le, sizeof(le));
}

void
wire_float(struct jbuf *b, int field, float v)
{
	unsigned char le[4];
	uint32_t bits;

	memcpy(&bits, &v, sizeof(bits));
	jle_put32(le, bits);
	wire_key(b, field, WIRE_FIXED32);
	jbuf_add(b, le, sizeof(le));
}

void
wire_bytes(struct jbuf *b, int field, const void *p, size_t n)
{
	wire_key(b, field, WIRE_BYTES);
	wire_varint(b, n);
	jbuf_add(b, p, n);
}
