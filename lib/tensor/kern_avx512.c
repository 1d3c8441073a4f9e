/* kern_avx512.c - the kernels for AVX-512; an empty file on other machines. */
#include "tensor/kern.h"

#if defined(__x86_64__)

#include <math.h>

#include "base/jle.h"
#include "base/jsys.h"
#include "tensor/jtensor.h"
#include "tensor/vec_avx512.h"
#include "tensor/body_gemm.h"
#include "tensor/body_vec.h"

const struct jkern jkern_avx512 = KERN_TABLE("avx512", JCPU_AVX512);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
