/*
 * place.c - offsets for buffers with known lives: the largest first, each at the lowest offset
 * where it meets no placed buffer that lives at the same time.
 */
#include <stdlib.h>

#include "graph/graph.h"

static int
by_size(const void *a, const void *b)
{
	const struct jlife *x = *(struct jlife *const *)a, *y = *(struct jlife *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x < y ? -1 : x > y;
}

static int
by_offset(const void *a, const void *b)
{
	const struct jlife *x = *(struct jlife *const *)a, *y = *(struct jlife *const *)b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The lowest gap that x fits in; met[] are the placed lives that meet x, sorted by offset. */
static uint64_t
lowest_gap(const struct jlife *x, struct jlife **met, size_t n)
{
	uint64_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (met[i]->offset >= at + x->bytes)
			break;
		if (met[i]->offset + met[i]->bytes > at)
			at = met[i]->offset + met[i]->bytes;
	}
	return at;
}

uint64_t
jplace(struct jlife *lives, size_t n)
{
	struct jlife **order = jmem_alloc(n + 1, sizeof(*order));
	struct jlife **met = jmem_alloc(n + 1, sizeof(*met));
	size_t count = 0;
	uint64_t top = 0;

	for (size_t i = 0; i < n; i++)
		if (lives[i].owner == (int)i && lives[i].first >= 0)
			order[count++] = &lives[i];
	qsort(order, count, sizeof(*order), by_size);
	for (size_t i = 0; i < count; i++) {
		struct jlife *x = order[i];
		size_t m = 0;

		for (size_t j = 0; j < i; j++)
			if (order[j]->first <= x->last && x->first <= order[j]->last)
				met[m++] = order[j];
		qsort(met, m, sizeof(*met), by_offset);
		x->offset = lowest_gap(x, met, m);
		if (x->offset + x->bytes > top)
			top = x->offset + x->bytes;
	}
	for (size_t i = 0; i < n; i++) {
		size_t o = i;

		while (lives[o].owner != (int)o)
			o = (size_t)lives[o].owner;
		lives[i].offset = lives[o].offset;
	}
	jmem_free(order);
	jmem_free(met);
	return top;
}
