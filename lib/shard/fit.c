/*
 * The longest pieces are placed first, each into the open row with the least room that still takes
 * it; rows of equal room form a list, and a bit map finds the next list that is not empty.
 */
#include "fit.h"

#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"

#define NONE UINT32_MAX

void
fit_init(struct fit *f, uint32_t cap)
{
	memset(f, 0, sizeof(*f));
	f->cap = cap;
	f->v = jmem_alloc(FIT_WINDOW, sizeof(*f->v));
	f->next = jmem_alloc(FIT_WINDOW, sizeof(*f->next));
	f->head = jmem_alloc((size_t)cap + 1, sizeof(*f->head));
	f->bits = jmem_alloc((size_t)cap / 64 + 1, sizeof(*f->bits));
}

void
fit_release(struct fit *f)
{
	jmem_free(f->v);
	jmem_free(f->next);
	jmem_free(f->head);
	jmem_free(f->bits);
	memset(f, 0, sizeof(*f));
}

bool
fit_add(struct fit *f, uint32_t len, uint64_t id)
{
	f->v[f->n] = (struct fit_item){ len, (uint32_t)f->n, id, 0 };
	return ++f->n == FIT_WINDOW;
}

static int
by_length(const void *a, const void *b)
{
	const struct fit_item *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int
by_bin(const void *a, const void *b)
{
	const struct fit_item *x = a, *y = b;

	if (x->bin != y->bin)
		return x->bin < y->bin ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void
push(struct fit *f, uint32_t room, uint32_t bin)
{
	f->next[bin] = f->head[room];
	f->head[room] = bin;
	f->bits[room / 64] |= (uint64_t)1 << (room % 64);
}

/* Least room >= need with an open bin, or NONE. */
static uint32_t
find_room(const struct fit *f, uint32_t need)
{
	uint32_t i = need / 64, last = f->cap / 64;
	uint64_t m = f->bits[i] & (UINT64_MAX << (need % 64));

	while (!m && i < last)
		m = f->bits[++i];
	if (!m)
		return NONE;
	for (need = i * 64; !(m & 1); m >>= 1)
		need++;
	return need;
}

static void
place(struct fit *f, struct fit_item *it)
{
	uint32_t room = find_room(f, it->len);

	if (room == NONE) {
		it->bin = f->bins++;
		push(f, f->cap - it->len, it->bin);
		return;
	}
	it->bin = f->head[room];
	f->head[room] = f->next[it->bin];
	if (f->head[room] == NONE)
		f->bits[room / 64] &= ~((uint64_t)1 << (room % 64));
	push(f, room - it->len, it->bin);
}

void
fit_place(struct fit *f)
{
	size_t i;

	memset(f->head, 0xff, ((size_t)f->cap + 1) * sizeof(*f->head));
	memset(f->bits, 0, ((size_t)f->cap / 64 + 1) * sizeof(*f->bits));
	f->bins = 0;
	if (!f->n)
		return;
	qsort(f->v, f->n, sizeof(*f->v), by_length);
	for (i = 0; i < f->n; i++)
		place(f, &f->v[i]);
	qsort(f->v, f->n, sizeof(*f->v), by_bin);
}
