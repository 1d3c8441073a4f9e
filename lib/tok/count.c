#include "count.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"

#define FIRST_SLOTS 4096

struct jtok_count *
jtok_count_new(const char *pre)
{
	static const struct { const char *name; enum scan_kind scan; } kinds[] = {
		{ "llama3", SCAN_LLAMA3 }, { "gpt2", SCAN_GPT2 }, { "qwen2", SCAN_QWEN2 },
	};
	struct jtok_count *c;
	size_t i;

	for (i = 0; i < 3 && strcmp(kinds[i].name, pre) != 0; i++)
		;
	if (i == 3)
		return NULL;
	c = jmem_zalloc(1, sizeof(*c));
	c->scan = kinds[i].scan;
	c->slots = FIRST_SLOTS;
	c->slot = jmem_zalloc(c->slots, sizeof(*c->slot));
	return c;
}

void
jtok_count_free(struct jtok_count *c)
{
	if (!c)
		return;
	jmem_free(c->text);
	jmem_free(c->v);
	jmem_free(c->slot);
	jmem_free(c);
}

/* Empties the table and gives the memory of a large one back. */
void
count_clear(struct jtok_count *c)
{
	jmem_free(c->text);
	jmem_free(c->v);
	jmem_free(c->slot);
	c->text = NULL;
	c->v = NULL;
	c->n = c->cap = c->text_n = c->text_cap = 0;
	c->slots = FIRST_SLOTS;
	c->slot = jmem_zalloc(c->slots, sizeof(*c->slot));
}

uint64_t
jtok_count_bytes(const struct jtok_count *c)
{
	return c->text_cap + c->cap * sizeof(*c->v) + c->slots * sizeof(*c->slot);
}

static void
grow(struct jtok_count *c)
{
	size_t i, k;

	jmem_free(c->slot);
	c->slots *= 2;
	c->slot = jmem_zalloc(c->slots, sizeof(*c->slot));
	for (i = 0; i < c->n; i++) {
		for (k = c->v[i].hash & (c->slots - 1); c->slot[k]; k = (k + 1) & (c->slots - 1))
			;
		c->slot[k] = (uint32_t)i + 1;
	}
}

void
count_add(struct jtok_count *c, const char *p, size_t n, uint64_t count)
{
	uint32_t hash = (uint32_t)jhash64(p, n, 0);
	size_t k;

	for (k = hash & (c->slots - 1); c->slot[k]; k = (k + 1) & (c->slots - 1)) {
		struct count_word *w = &c->v[c->slot[k] - 1];

		if (w->hash == hash && w->n == n && memcmp(c->text + w->at, p, n) == 0) {
			w->count += count;
			return;
		}
	}
	JMEM_GROW(c->text, c->text_cap, c->text_n + n);
	memcpy(c->text + c->text_n, p, n);
	JMEM_GROW(c->v, c->cap, c->n + 1);
	c->v[c->n++] = (struct count_word){ c->text_n, count, (uint32_t)n, hash };
	c->text_n += n;
	c->slot[k] = (uint32_t)c->n;
	if (2 * c->n > c->slots)
		grow(c);
}

void
jtok_count_text(struct jtok_count *c, const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t k;

	for (; n; u += k, n -= k) {
		k = scan_next(c->scan, u, n);
		count_add(c, (const char *)u, k, 1);
	}
}
