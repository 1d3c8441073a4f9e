/* kern_avx2.c - the kernels for AVX2 and FMA; an empty file on other machines. */
#include "tensor/kern.h"

#if defined(__x86_64__)

#include <math.h>

#include "base/jle.h"
#include "base/jsys.h"
#include "tensor/jtensor.h"
#include "tensor/vec_avx2.h"
#include "tensor/body_gemm.h"
#include "tensor/body_vec.h"

const struct jkern jkern_avx2 = KERN_TABLE("avx2", JCPU_AVX2);

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
