/* kern_generic.c - the kernels in plain C, for every machine. */
#include <math.h>

#include "base/jle.h"
#include "tensor/jtensor.h"
#include "tensor/kern.h"
#include "tensor/vec_generic.h"
#include "tensor/body_gemm.h"
#include "tensor/body_vec.h"

const struct jkern jkern_generic = KERN_TABLE("generic", 0);
