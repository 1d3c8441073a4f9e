/*
 * jtensor.h - element types and dense row-major tensors (storage only; arithmetic is in jkern.h).
 */
#ifndef JTENSOR_H
#define JTENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"

enum jdtype { JDT_F32, JDT_F16, JDT_BF16, JDT_Q8_0, JDT_I32, JDT_F64, JDT_I64, JDT_U8 };

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
uint64_t jten_bytes(enum jdtype dtype, int64_t count);	/* Q8_0: 34 bytes per 32 values */
const char *jdtype_name(enum jdtype d);			/* safetensors spelling: "F32", "BF16", ... */
int jten_alloc(struct jten *t, enum jdtype dtype, int n_dims, const int64_t *shape, struct jerr *e);
void jten_release(struct jten *t);

/* Conversions of n values (Q8_0: n a multiple of 32; quantised as ggml's reference does). */
void jten_to_f32(float *dst, const void *src, enum jdtype dtype, int64_t n);
void jten_from_f32(void *dst, enum jdtype dtype, const float *src, int64_t n);
float jten_f16_to_f32(uint16_t h);
uint16_t jten_f32_to_f16(float f);		/* round to nearest even */
uint16_t jten_f32_to_bf16(float f);		/* round to nearest even, NaN kept */

#endif
