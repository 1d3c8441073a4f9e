/* imatrix.c - importance matrices in both formats. */
#include <stddef.h>
#include <stdint.h>

#include "model/jquantize.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jimatrix *x;
	struct jerr e = { 0 };

	if (jimatrix_load_mem(&x, p, n, "fuzz", &e) < 0)
		return 0;
	jimatrix_find(x, "blk.0.attn_q.weight", 4);
	jimatrix_free(x);
	return 0;
}
