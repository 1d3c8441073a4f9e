/*
 * intern.h - private: numbers for 64-bit keys.
 *
 * A table gives each distinct key the next small number and counts how often it was put.  Keys are
 * hashes or exact packed values; with hashes, two things of one text share a number with
 * probability under 1e-8 for a million distinct things.
 */
#ifndef INTERN_H
#define INTERN_H

#include <stddef.h>
#include <stdint.h>

#define JINTERN_NONE UINT32_MAX

struct jintern {
	uint64_t *key;
	uint32_t *slot;		/* number + 1, 0 = empty */
	uint32_t *count;	/* by number */
	size_t mask, cap, count_cap;
	uint32_t n;
};

void jintern_release(struct jintern *t);
/* Empties the table and makes room for `keys` distinct ones. */
void jintern_reset(struct jintern *t, size_t keys);

/* Where the search for the key begins. */
static inline size_t
jintern_place(const struct jintern *t, uint64_t key)
{
	uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h ^ h >> 32) & t->mask;
}

static inline uint32_t
jintern_put(struct jintern *t, uint64_t key)
{
	uint32_t *slot = t->slot, n;
	size_t i = jintern_place(t, key);

	while (slot[i] && t->key[i] != key)
		i = (i + 1) & t->mask;
	n = slot[i];
	if (n) {
		t->count[n - 1]++;
		return n - 1;
	}
	t->key[i] = key;
	slot[i] = t->n + 1;
	t->count[t->n] = 1;
	return t->n++;
}

uint32_t jintern_find(const struct jintern *t, uint64_t key);	/* JINTERN_NONE */

#endif
