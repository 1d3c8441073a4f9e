/*
 * jtensor.h - element types and dense row-major tensors (storage only; arithmetic is in jkern.h).
 */
#ifndef JTENSOR_H
#define JTENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

/* Plain types, then the block types of GGUF (jquant.h). */
enum jdtype {
	JDT_F32, JDT_F16, JDT_BF16, JDT_F64, JDT_F8_E4M3, JDT_F8_E5M2,
	JDT_I8, JDT_I16, JDT_I32, JDT_I64, JDT_U8, JDT_U16, JDT_U32, JDT_U64, JDT_BOOL,
	JDT_Q4_0, JDT_Q4_1, JDT_Q5_0, JDT_Q5_1, JDT_Q8_0, JDT_Q8_1,
	JDT_Q2_K, JDT_Q3_K, JDT_Q4_K, JDT_Q5_K, JDT_Q6_K, JDT_Q8_K,
	JDT_IQ1_S, JDT_IQ1_M, JDT_IQ2_XXS, JDT_IQ2_XS, JDT_IQ2_S, JDT_IQ3_XXS, JDT_IQ3_S,
	JDT_IQ4_NL, JDT_IQ4_XS, JDT_TQ1_0, JDT_TQ2_0, JDT_MXFP4, JDT_NVFP4,
	JDT_COUNT
};

#define JTEN_MAX_DIMS 4

/* shape[0] is the slowest.  A weight of a linear layer is [out, in]. */
struct jten {
	enum jdtype dtype;
	int n_dims;
	int64_t shape[JTEN_MAX_DIMS];
	void *data;
	bool owned;		/* data is freed by jten_release() */
};

int64_t jten_count(const struct jten *t);
/* Of whole blocks: Q8_0 has 34 bytes per 32 values. */
uint64_t jten_bytes(enum jdtype dtype, int64_t count);
/* As safetensors and GGUF spell it: "F32", "F8_E4M3", "Q4_K". */
const char *jdtype_name(enum jdtype d);
int jten_alloc(struct jten *t, enum jdtype dtype, int n_dims, const int64_t *shape, struct jerr *e);
void jten_release(struct jten *t);

/*
 * Conversions of n values (block types: n a multiple of jdtype_values()), at any alignment.  Into
 * 8-bit floats and the block types that jquant_encodes() does not name there is none.
 */
void jten_to_f32(float *dst, const void *src, enum jdtype dtype, int64_t n);
void jten_from_f32(void *dst, enum jdtype dtype, const float *src, int64_t n);
float jten_f16_to_f32(uint16_t h);
uint16_t jten_f32_to_f16(float f);		/* round to nearest even */
uint16_t jten_f32_to_bf16(float f);		/* round to nearest even, NaN kept */

#endif
