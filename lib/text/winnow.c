/* winnow.c - rolling hashes of k-grams and the least of each window. */
#include "text/jwinnow.h"

#include <string.h>

#include "base/jmem.h"

#define MULTIPLIER UINT64_C(0x9e3779b97f4a7c15)

/* Polynomial hashes differ little between neighbours; the order of picking needs them mixed. */
static uint64_t
mixed(uint64_t h)
{
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

static void
add_place(struct jwinnow *w, uint64_t hash, size_t at)
{
	if (w->n > 0 && w->v[w->n - 1].at == at)
		return;
	JMEM_GROW(w->v, w->cap, w->n + 1);
	w->v[w->n++] = (struct jwinnow_place){ hash, at };
}

/* The place of the least hash among the `window` k-grams up to `last`; the last of equal ones. */
static size_t
least_of(const uint64_t *ring, size_t window, size_t last)
{
	size_t best = last, i;

	for (i = 1; i < window; i++)
		if (ring[(last - i) % window] < ring[best % window])
			best = last - i;
	return best;
}

void
jwinnow_pick(struct jwinnow *w, const char *p, size_t n, size_t k, size_t window)
{
	const unsigned char *s = (const unsigned char *)p;
	uint64_t h = 0, top = 1;
	size_t i, at, best = 0;

	w->n = 0;
	if (n < k || n - k + 1 < window)
		return;
	JMEM_GROW(w->ring, w->ring_cap, window);
	for (i = 1; i < k; i++)
		top *= MULTIPLIER;
	for (i = 0; i < n; i++) {
		h = h * MULTIPLIER + s[i] + 1;
		if (i + 1 < k)
			continue;
		at = i + 1 - k;
		w->ring[at % window] = mixed(h);
		h -= top * (uint64_t)(s[at] + 1);
		if (at - best >= window)
			best = least_of(w->ring, window, at);
		else if (w->ring[at % window] <= w->ring[best % window])
			best = at;
		if (at + 1 >= window)
			add_place(w, w->ring[best % window], best);
	}
}

void
jwinnow_release(struct jwinnow *w)
{
	jmem_free(w->v);
	jmem_free(w->ring);
	memset(w, 0, sizeof(*w));
}
