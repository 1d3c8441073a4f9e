/* Saved caches: one that is taken must be usable, one that is not must leave nothing behind. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/jmem.h"
#include "infer/jinfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* A small model of zeros, whose identity is the same everywhere, and an engine for each type. */
static struct jinfer *
engine(enum jdtype type)
{
	const struct jinfer_opts o = { .slots = 1, .capacity = 96, .k_type = type, .v_type = type };
	struct jmodel_config c;
	struct jerr e = { 0 };
	struct jmodel *m;
	struct jinfer *inf;

	if (jmodel_preset(&c, "nano", &e) < 0)
		abort();
	c.layers = c.heads = c.kv_heads = 1;
	c.hidden = c.ffn = c.head_dim = c.rope_dim = 4;
	c.vocab_size = 16;
	c.context = 96;
	if (jmodel_new(&m, &c, &e) < 0 || jinfer_make(&inf, m, NULL, &o, &e) < 0)
		abort();
	return inf;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct jinfer *inf[3];
	static const enum jdtype types[3] = { JDT_F32, JDT_F16, JDT_Q8_0 };
	const uint32_t id = 3;
	float logits[16];

	for (int i = 0; i < 3; i++) {
		struct jinfer_feed f = { .slot = 0, .ids = &id, .n = 1, .logits = logits };
		struct jerr e = { 0 };

		if (!inf[i])
			inf[i] = engine(types[i]);
		if (jinfer_restore_mem(inf[i], 0, p, n, "fuzz", &e) < 0) {
			if (jinfer_length(inf[i], 0) != 0)
				abort();
			continue;
		}
		if (jinfer_length(inf[i], 0) < 96 && jinfer_feed(inf[i], &f, 1, &e) < 0)
			abort();
		jinfer_reset(inf[i], 0);
	}
	return 0;
}
