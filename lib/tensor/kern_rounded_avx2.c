/* kern_rounded_avx2.c - the fp32 product behind operands rounded to bf16.  Empty on other machines. */
#include "tensor/kern.h"

#if defined(__x86_64__)

#include "base/jsys.h"
#include "tensor/vec_avx2.h"
#define GEMM_IN(v) vf_round_bf16(v)
#include "tensor/body_gemm.h"

const struct jkern jkern_rounded_avx2 = ROUNDED_TABLE("avx2-rounded", JCPU_AVX2);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
