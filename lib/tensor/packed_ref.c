/* packed_ref.c - the plain formula of the products with packed weights. */
#include <math.h>

#include "base/jmem.h"
#include "tensor/jpacked.h"

/* x rounded to 8 bits in blocks of 32. */
static void
round_row(double *to, const float *x, int64_t K)
{
	for (int64_t b = 0; b < K; b += 32) {
		float top = 0, d, inv;

		for (int64_t i = b; i < b + 32; i++)
			top = fmaxf(top, fabsf(x[i]));
		d = top / 127.0f;
		inv = d > 0 ? 1.0f / d : 0.0f;
		for (int64_t i = b; i < b + 32; i++)
			to[i] = (double)d * rint((double)(x[i] * inv));
	}
}

void
jpacked_ref(enum jdtype type, const void *rows, int64_t N, int64_t K, const struct jpacked_call *c)
{
	double *x = jmem_alloc((size_t)K, sizeof(*x));
	float *w = jmem_alloc((size_t)K, sizeof(*w));

	for (int64_t m = 0; m < c->M; m++) {
		for (int64_t k = 0; k < K; k++)
			x[k] = c->x[m * c->ldx + k];
		if (type != JDT_F16 && type != JDT_BF16)
			round_row(x, c->x + m * c->ldx, K);
		for (int64_t n = 0; n < N; n++) {
			float *y = c->y + m * c->ldy + n;
			double s = c->add ? *y : 0;

			jten_to_f32(w, (const char *)rows + (uint64_t)n * jten_bytes(type, K), type, K);
			for (int64_t k = 0; k < K; k++)
				s += x[k] * (double)w[k];
			*y = (float)s;
		}
	}
	jmem_free(x);
	jmem_free(w);
}
