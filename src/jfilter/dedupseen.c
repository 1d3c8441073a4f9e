/*
 * dedupseen.c - most hashes of a corpus come once and need not be sorted: two bits a cell tell which
 * may have come twice.
 */
#include "base/jmem.h"
#include "dedupfiles.h"

int
dedup_seen_init(struct dedup_seen *s, const struct dedup *d, struct jerr *e)
{
	uint64_t bits = 1 << 16;

	while (bits < d->items * 16 && bits / 8 * 2 * 2 <= d->sort_memory)
		bits *= 2;
	s->mask = bits - 1;
	s->once = jmem_map((size_t)(bits / 8));
	s->twice = jmem_map((size_t)(bits / 8));
	if (s->once && s->twice)
		return 0;
	dedup_seen_release(s);
	return jerr_set(e, JERR_NOMEM, "no memory for %llu bits", (unsigned long long)bits * 2);
}

void
dedup_seen_add(struct dedup_seen *s, uint64_t hash)
{
	uint64_t i = hash & s->mask;

	if (dedup_bit(s->once, i))
		dedup_set_bit(s->twice, i);
	else
		dedup_set_bit(s->once, i);
}

bool
dedup_seen_twice(const struct dedup_seen *s, uint64_t hash)
{
	return dedup_bit(s->twice, hash & s->mask);
}

void
dedup_seen_release(struct dedup_seen *s)
{
	size_t n = (size_t)((s->mask + 1) / 8);

	if (s->once)
		jmem_unmap(s->once, n);
	if (s->twice)
		jmem_unmap(s->twice, n);
	s->once = s->twice = NULL;
}
