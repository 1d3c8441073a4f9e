/*
 * Any bytes as a GGUF file: opening, and using everything that an accepted file offers.
 */
#include <stdint.h>
#include <stdlib.h>

#include "io/jgguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static unsigned sum;

static void
use_key(const struct jgguf *g, const char *key)
{
	struct jgguf_str s;
	uint64_t u;
	double f;
	size_t i, len;
	int elem;

	if (jgguf_get_u64(g, key, &u))
		sum += (unsigned)u;
	if (jgguf_get_f64(g, key, &f))
		sum += f > 0;
	if (jgguf_get_str(g, key, &s) && s.n)
		sum += (unsigned char)s.p[s.n - 1];
	len = jgguf_arr_len(g, key, &elem);
	for (i = 0; i < len; i++) {
		if (jgguf_arr_str(g, key, i, &s) && s.n)
			sum += (unsigned char)s.p[s.n - 1];
		if (jgguf_arr_f64(g, key, i, &f))
			sum += f > 0;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct jgguf_tensor *t;
	struct jerr e = { 0 };
	struct jgguf *g;
	size_t i;
	int type;

	if (jgguf_open_mem(&g, p, n, "fuzz", &e) < 0)
		return 0;
	for (i = 0; i < jgguf_keys(g); i++)
		use_key(g, jgguf_key(g, i, &type));
	for (i = 0; i < jgguf_tensors(g); i++) {
		t = jgguf_tensor(g, i);
		if (jgguf_find(g, t->name) != t)
			abort();
		if (t->bytes)
			sum += t->data[0] + t->data[t->bytes - 1];
	}
	jgguf_close(g);
	return 0;
}
