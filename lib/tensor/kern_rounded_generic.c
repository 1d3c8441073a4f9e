/* kern_rounded_generic.c - the fp32 product behind operands rounded to bf16. */
#include "tensor/kern.h"

#include "tensor/vec_generic.h"
#define GEMM_IN(v) vf_round_bf16(v)
#include "tensor/body_gemm.h"

const struct jkern jkern_rounded_generic = ROUNDED_TABLE("generic-rounded", 0);
