#include "text/intern.h"

#include <string.h>

#include "base/jmem.h"

void
jintern_release(struct jintern *t)
{
	jmem_free(t->key);
	jmem_free(t->slot);
	jmem_free(t->count);
	memset(t, 0, sizeof(*t));
}

void
jintern_reset(struct jintern *t, size_t keys)
{
	size_t need = 64;

	while (need < keys + keys / 2)
		need *= 2;
	if (need > t->cap) {
		jmem_free(t->key);
		jmem_free(t->slot);
		t->key = jmem_alloc(need, sizeof(*t->key));
		t->slot = jmem_alloc(need, sizeof(*t->slot));
		t->cap = need;
	}
	memset(t->slot, 0, need * sizeof(*t->slot));
	t->mask = need - 1;
	JMEM_GROW(t->count, t->count_cap, keys + 1);
	t->n = 0;
}

uint32_t
jintern_find(const struct jintern *t, uint64_t key)
{
	size_t i;

	if (!t->slot)
		return JINTERN_NONE;
	for (i = jintern_place(t, key); t->slot[i]; i = (i + 1) & t->mask)
		if (t->key[i] == key)
			return t->slot[i] - 1;
	return JINTERN_NONE;
}
