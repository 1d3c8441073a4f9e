/*
 * jwinnow.h - picks few places of a text such that copies are found by them (winnowing; Schleimer,
 * Wilkerson and Aiken 2003).
 *
 * Every window of `window` successive k-grams of bytes gives its k-gram of least hash, the last of
 * equal ones.  So any two equal stretches of at least k + window - 1 bytes have a picked k-gram in
 * the same place of both, and about 2 in window + 1 places are picked.
 */
#ifndef JWINNOW_H
#define JWINNOW_H

#include <stddef.h>
#include <stdint.h>

struct jwinnow_place {
	uint64_t hash;			/* of the k bytes */
	size_t at;
};

struct jwinnow {
	struct jwinnow_place *v;	/* by rising place */
	size_t n, cap;
	uint64_t *ring;			/* scratch: the hashes of the window */
	size_t ring_cap;
};

/* Replaces v; nothing is picked from a text of fewer than k + window - 1 bytes.  k, window >= 1. */
void jwinnow_pick(struct jwinnow *w, const char *p, size_t n, size_t k, size_t window);
void jwinnow_release(struct jwinnow *w);

#endif
