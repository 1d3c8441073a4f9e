/* kern.h - inside the room: the tables of kern_*.c. */
#ifndef KERN_H
#define KERN_H

#include <float.h>
#include <string.h>

#include "tensor/jkern.h"

extern const struct jkern jkern_generic, jkern_rounded_generic;
#if defined(__x86_64__)
extern const struct jkern jkern_avx2, jkern_avx512;
extern const struct jkern jkern_amx, jkern_amx3, jkern_avx512bf16;
extern const struct jkern jkern_rounded_avx2, jkern_rounded_avx512;
#endif

/* The table of a kern_rounded_*.c, over body_gemm.h. */
#define ROUNDED_TABLE(text, bits) { \
	.name = text, .features = (bits), .mr = MR, .nr = NR, .vw = VW, \
	.pack_a_rows = pack_a_rows, .pack_a_cols = pack_a_cols, \
	.pack_b_rows = pack_b_rows, .pack_b_cols = pack_b_cols, .micro = micro, \
	.spin = spin }

#endif
