/* packed_generic.c - products with packed weights in plain C, for every machine. */
#include "tensor/packed.h"

#include "base/jle.h"
#include "tensor/vec_generic.h"

#define PACK_ROWS 4
#define PACK_ZERO_Q8 128

typedef unsigned char vb __attribute__((vector_size(16)));

INLINE vb vb_load(const unsigned char *p) { vb v; memcpy(&v, p, sizeof(v)); return v; }
INLINE vb vb_low(vb v) { return v & 15; }
INLINE vb vb_high(vb v) { return v >> 4; }
/* Bits 2 j and 2 j + 1 of v, moved to 4 and 5. */
INLINE vb vb_or_bits(vb w, vb v, const int j) { return w | (v >> 2 * j & 3) << 4; }
/* Bit i of v, moved to 4. */
INLINE vb vb_or_bit(vb w, vb v, const int i) { return w | (v >> i & 1) << 4; }
INLINE vi vi_set1(int32_t x) { return (vi){ x, x, x, x }; }
INLINE vi vi_add(vi a, vi b) { return a + b; }
INLINE int32_t vi_hsum(vi v) { return v[0] + v[1] + v[2] + v[3]; }
INLINE vf vi_float(vi v) { return __builtin_convertvector(v, vf); }

/* To the nearest, halves to even; what has no place in 8 bits (a NaN) becomes 0. */
INLINE vi
vi_round(vf v)
{
	vi r;

	for (int i = 0; i < VW; i++)
		r[i] = v[i] > -128 && v[i] < 128 ? (int32_t)rintf(v[i]) : 0;
	return r;
}

INLINE vi
vi_dot(vi s, vb w, vi x)
{
	int8_t b[4];
	int32_t one = x[0];

	memcpy(b, &one, sizeof(b));
	for (int i = 0; i < VW; i++)
		for (int j = 0; j < 4; j++)
			s[i] += (int32_t)w[4 * i + j] * b[j];
	return s;
}

INLINE vi
vi_dot_q8(vi s, vb w, vi x)
{
	return vi_dot(s, w, x);
}

INLINE void
vi_store_bytes(int8_t *p, vi v)
{
	for (int i = 0; i < VW; i++)
		p[i] = (int8_t)v[i];
}

INLINE vi
vi_from_u8(const unsigned char *p)
{
	return (vi){ p[0], p[1], p[2], p[3] };
}

INLINE vi
vi_from_i8(const unsigned char *p)
{
	return (vi){ (int8_t)p[0], (int8_t)p[1], (int8_t)p[2], (int8_t)p[3] };
}

INLINE vf
vf_halves(const unsigned char *p)
{
	vf v;

	for (int i = 0; i < VW; i++)
		v[i] = jten_f16_to_f32(jle_u16(p + 2 * i));
	return v;
}

INLINE vf
vf_brains(const unsigned char *p)
{
	vf v;

	jten_to_f32((float *)&v, p, JDT_BF16, VW);
	return v;
}

#include "tensor/body_packed.h"

const struct packed_ops packed_generic = PACKED_OPS("generic", 0);
