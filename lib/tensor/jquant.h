/*
 * jquant.h - the block types of GGUF (ggml): a row of values cut into blocks of 32, 64 or 256, each
 * with its own scale and some bits a value.
 *
 * A row of n values is n / jdtype_values() blocks of jdtype_bytes() bytes, one after the other, at
 * any alignment; rows follow each other without a gap.  jten_to_f32() and jten_from_f32() take these
 * types as well.
 *
 * Decoding gives the bits that gguf-py gives.  Encoding is offered for the types of
 * jquant_encodes(): Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 without importance give gguf-py's bytes; Q4_K to
 * Q6_K are fitted by search, as in ggml.  Importance is one non-negative weight a column: how much
 * an error there matters (the mean square of the activation that the column meets).
 *
 * No allocation, no state: any thread may call.
 */
#ifndef JQUANT_H
#define JQUANT_H

#include <stdbool.h>
#include <stdint.h>

#include "tensor/jtensor.h"

unsigned jdtype_values(enum jdtype d);		/* values of a block, 1 for plain types */
unsigned jdtype_bytes(enum jdtype d);		/* bytes of a block */
bool jdtype_is_block(enum jdtype d);		/* one of the types of this header? */
int jdtype_from_ggml(int type);			/* enum jdtype of a ggml type number, or -1 */
int jdtype_to_ggml(enum jdtype d);		/* ggml type number, or -1 */
/* By name in any case ("q4_k", "F16"): enum jdtype or -1. */
int jdtype_find(const char *name);

bool jquant_encodes(enum jdtype d);
/* n a multiple of jdtype_values(d). */
void jquant_decode(float *dst, enum jdtype d, const void *src, int64_t n);
/* importance [n], or NULL: every column alike.  d must be one that jquant_encodes(). */
void jquant_encode(void *dst, enum jdtype d, const float *src, int64_t n, const float *importance);

#endif
