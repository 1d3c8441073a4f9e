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
uint32_t jintern_put(struct jintern *t, uint64_t key);
uint32_t jintern_find(const struct jintern *t, uint64_t key);	/* JINTERN_NONE */

#endif
