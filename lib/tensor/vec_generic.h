/*
 * vec_generic.h - the vector vocabulary of body_*.h in plain C: 4 floats, which compilers map to
 * SSE2 or NEON registers where there are any.
 */
#include <math.h>
#include <string.h>

#define VW 4
#define MR 4
#define FEW 4
#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
typedef uint32_t vu __attribute__((vector_size(16)));

INLINE vf vf_load(const float *p) { vf v; memcpy(&v, p, sizeof(v)); return v; }
INLINE void vf_store(float *p, vf v) { memcpy(p, &v, sizeof(v)); }
INLINE vf vf_set1(float x) { return (vf){ x, x, x, x }; }
INLINE vf vf_zero(void) { return vf_set1(0); }
INLINE vf vf_fma(vf a, vf b, vf c) { return a * b + c; }
INLINE vf vf_add(vf a, vf b) { return a + b; }
INLINE vf vf_sub(vf a, vf b) { return a - b; }
INLINE vf vf_mul(vf a, vf b) { return a * b; }
INLINE vf vf_div(vf a, vf b) { return a / b; }
INLINE vf vf_pick(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
/* NaN in b is kept by both. */
INLINE vf vf_max(vf a, vf b) { return vf_pick(a > b, a, b); }
INLINE vf vf_min(vf a, vf b) { return vf_pick(a < b, a, b); }
INLINE vf vf_recip(vf v) { return vf_div(vf_set1(1), v); }
INLINE float vf_hsum(vf v) { return (v[0] + v[2]) + (v[1] + v[3]); }

INLINE float
vf_hmax(vf v)
{
	float a = v[0] > v[2] ? v[0] : v[2], b = v[1] > v[3] ? v[1] : v[3];

	return a > b ? a : b;
}

INLINE vf
vf_load_n(const float *p, int64_t n)
{
	vf v = vf_zero();

	for (int64_t i = 0; i < n; i++)
		v[i] = p[i];
	return v;
}

INLINE void
vf_store_n(float *p, vf v, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		p[i] = v[i];
}

/* Lanes from n on become x. */
INLINE vf
vf_fill_n(vf v, int64_t n, float x)
{
	for (int64_t i = n; i < VW; i++)
		v[i] = x;
	return v;
}

/* For n a power of 2 below VW, lane i is lane i ^ n; lane from + i % n; b where i & n, else a. */
INLINE vf
vf_swap(vf v, int n)
{
	return n == 1 ? (vf){ v[1], v[0], v[3], v[2] } : (vf){ v[2], v[3], v[0], v[1] };
}

INLINE vf
vf_repeat(vf v, int from, int n)
{
	return n == 1 ? vf_set1(v[from]) : (vf){ v[from], v[from + 1], v[from], v[from + 1] };
}

INLINE vf
vf_every(vf a, vf b, int n)
{
	return n == 1 ? (vf){ a[0], b[1], a[2], b[3] } : (vf){ a[0], a[1], b[2], b[3] };
}

/* Lanes of v where from <= x < to, else those of none. */
INLINE vf
vf_between(vf v, vf x, vf from, vf to, vf none)
{
	return vf_pick((from <= x) & (x < to), v, none);
}

/* p * 2^n for whole n in -126..127; 0 where x < lo. */
INLINE vf
vf_ldexp_above(vf p, vf n, vf x, vf lo)
{
	vi whole = __builtin_convertvector(vf_pick(n > -128, n, vf_zero()), vi);
	vf y = p * (vf)((whole + 127) << 23);

	return vf_pick(x < lo, vf_zero(), y);
}

/* r[i] lane j <-> r[j] lane i. */
INLINE void
vf_transpose(vf r[VW])
{
	for (int i = 0; i < VW; i++) {
		for (int j = 0; j < i; j++) {
			float t = r[i][j];

			r[i][j] = r[j][i];
			r[j][i] = t;
		}
	}
}

INLINE vf
vf_from_i8(const int8_t *p)
{
	return (vf){ (float)p[0], (float)p[1], (float)p[2], (float)p[3] };
}

INLINE vf
vf_from_bf16(const uint16_t *p)
{
	return (vf)(vu){ (uint32_t)p[0] << 16, (uint32_t)p[1] << 16, (uint32_t)p[2] << 16,
		(uint32_t)p[3] << 16 };
}

/* The upper halves: of what vf_round_bf16() gives. */
INLINE void
vf_to_bf16(uint16_t *p, vf v)
{
	vu u = (vu)v;

	for (int i = 0; i < VW; i++)
		p[i] = (uint16_t)(u[i] >> 16);
}

/* To the nearest bf16, halves to even; NaN stays NaN. */
INLINE vf
vf_round_bf16(vf v)
{
	vu u = (vu)v, r = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000;

	return vf_pick(v == v, (vf)r, v);
}
