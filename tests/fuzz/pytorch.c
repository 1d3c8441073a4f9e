/* pytorch.c - zip checkpoints of torch.save(): archive, pickle, tensors. */
#include <stddef.h>
#include <stdint.h>

#include "base/jmem.h"
#include "model/jsafetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jst *s;
	struct jerr e = { 0 };

	if (n < 4 || p[0] != 'P' || jst_open_mem(&s, p, n, "fuzz", &e) < 0)
		return 0;
	for (size_t i = 0; i < jst_count(s); i++) {
		const struct jst_tensor *t = jst_at(s, i);
		float *v = jmem_alloc((size_t)t->count + 1, sizeof(*v));

		e.code = 0;
		jst_to_f32(t, v, &e);
		jmem_free(v);
	}
	jst_close(s);
	return 0;
}
