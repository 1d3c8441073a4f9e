/* kern_amx.c - the matrix product in bf16 tiles; an empty file on machines and compilers without. */
#include "tensor/kern.h"

#if defined(__x86_64__)

#include "base/jsys.h"
#define VEC_TARGET "avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16,avx2,fma,f16c,prfchw"
#include "tensor/vec_bf16.h"

enum { PARTS = 1, PRODUCTS = 1, PAIR = 1 };

INLINE void
parts_of_row(__m512i x[1], vf low, vf high)
{
	x[0] = to_bf16(low, high);
}

INLINE void
parts_of_pair(__m512i x[1], vf low, vf high)
{
	x[0] = pairs_of(to_bf16(low, high));
}

INLINE void
sum_rest(const char *a, const char *b, int64_t kc, bool low, bool right)
{
	(void)a, (void)b, (void)kc, (void)low, (void)right;
}

#include "tensor/body_amx.h"

const struct jkern jkern_amx = AMX_TABLE("amx", 1024);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
