/*
 * quant.h - inside the room tensor: one block of each type, decoded and encoded, and the code books.
 *
 * A codec handles one block.  An encoder gets w, the importance of each value or NULL, and sigma2,
 * the mean square of the row's values (0 without importance).
 */
#ifndef QUANT_H
#define QUANT_H

#include <stdint.h>

typedef void quant_decode_fn(float *y, const unsigned char *b);
typedef void quant_encode_fn(unsigned char *b, const float *x, const float *w, float sigma2);

quant_decode_fn q4_0_decode, q4_1_decode, q5_0_decode, q5_1_decode, q8_0_decode, q8_1_decode;
quant_decode_fn iq4_nl_decode, mxfp4_decode, nvfp4_decode;
quant_decode_fn q2_k_decode, q3_k_decode, q4_k_decode, q5_k_decode, q6_k_decode, q8_k_decode;
quant_decode_fn iq2_xxs_decode, iq2_xs_decode, iq2_s_decode, iq3_xxs_decode, iq3_s_decode;
quant_decode_fn iq1_s_decode, iq1_m_decode, iq4_xs_decode, tq1_0_decode, tq2_0_decode;

quant_encode_fn q4_0_encode, q4_1_encode, q5_0_encode, q5_1_encode, q8_0_encode;
quant_encode_fn q4_k_encode, q5_k_encode, q6_k_encode;

/* The sixteen values of IQ4_NL and IQ4_XS. */
extern const signed char quant_nl4[16];

/* The 6-bit scale and minimum of sub-block j of Q4_K and Q5_K, from 12 bytes. */
void quant_scale_min(const unsigned char *s, int j, int *scale, int *min);

/* Code books: 8 values of 2 bits (iq2, iq1) or 4 of 3 bits (iq3), the first lowest. */
extern const uint16_t quant_grid_iq2_xxs[256], quant_grid_iq2_xs[512], quant_grid_iq2_s[1024];
extern const uint16_t quant_grid_iq1[2048], quant_grid_iq3_xxs[256], quant_grid_iq3_s[512];

#endif
