/*
 * Adapter folders: a little-endian u32 with the length of adapter_config.json, that file, then the
 * tensors.  What is accepted can be written and reads back with the same modules.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jle.h"
#include "model/adapter.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jadapter *a, *b;
	struct jerr e = { 0 };
	struct adapter_config c;
	struct jarena arena;
	struct jbuf config;
	size_t len;

	if (n < 4)
		return 0;
	len = jle_u32(p);
	p += 4;
	n -= 4;
	if (len > n)
		len = n;
	if (jadapter_parse(&a, (const char *)p, len, p + len, n - len, &e) < 0)
		return 0;
	jarena_init(&arena, 0);
	adapter_config_parse(&c, (const char *)p, len, "fuzz", &arena, &e);
	if (c.mlx) {	/* its tensors are written the other way round */
		jarena_release(&arena);
		jadapter_free(a);
		return 0;
	}
	jarena_release(&arena);
	jbuf_init(&config);
	adapter_config_json(a, &config);
	if (jadapter_parse(&b, config.p, config.n, p + len, n - len, &e) < 0)
		abort();
	if (b->n_modules != a->n_modules || b->count != a->count)
		abort();
	for (size_t i = 0; i < a->n_modules; i++)
		if (memcmp(&a->modules[i].alpha, &b->modules[i].alpha, sizeof(double)) != 0)
			abort();
	jbuf_release(&config);
	jadapter_free(a);
	jadapter_free(b);
	return 0;
}
