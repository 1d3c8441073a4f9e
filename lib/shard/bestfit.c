/*
 * Best fit decreasing.  Within a window of shuffled documents the longest are placed first, each
 * into the open row with the least room that still takes it; rows of equal room form a list, and a
 * bit map finds the next list that is not empty.
 */
#include "pack.h"

#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"

#define WINDOW 65536

struct item {
	uint32_t len, at;	/* at: number in the window, which breaks ties */
	uint64_t doc;
	uint32_t bin;
};

struct window {
	const struct jshard_set *s;
	uint32_t cap;
	struct item *v;
	size_t n;
	uint32_t *head;		/* [cap + 1] first bin with that much room, or NONE */
	uint64_t *bits;		/* which heads are set */
	uint32_t *next;		/* [WINDOW] of bins */
	uint32_t bins;
};

#define NONE UINT32_MAX

static int
by_length(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int
by_bin(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->bin != y->bin)
		return x->bin < y->bin ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void
push(struct window *w, uint32_t room, uint32_t bin)
{
	w->next[bin] = w->head[room];
	w->head[room] = bin;
	w->bits[room / 64] |= (uint64_t)1 << (room % 64);
}

/* Least room >= need with an open bin, or NONE. */
static uint32_t
find_room(const struct window *w, uint32_t need)
{
	uint32_t i = need / 64, last = w->cap / 64;
	uint64_t m = w->bits[i] & (UINT64_MAX << (need % 64));

	while (!m && i < last)
		m = w->bits[++i];
	if (!m)
		return NONE;
	for (need = i * 64; !(m & 1); m >>= 1)
		need++;
	return need;
}

static void
place(struct window *w, struct item *it)
{
	uint32_t room = find_room(w, it->len);

	if (room == NONE) {
		it->bin = w->bins++;
		push(w, w->cap - it->len, it->bin);
		return;
	}
	it->bin = w->head[room];
	w->head[room] = w->next[it->bin];
	if (w->head[room] == NONE)
		w->bits[room / 64] &= ~((uint64_t)1 << (room % 64));
	push(w, room - it->len, it->bin);
}

static void
flush_window(struct window *w, struct pack_bins *b, uint64_t *placed)
{
	size_t i;
	uint32_t bin = NONE;

	memset(w->head, 0xff, ((size_t)w->cap + 1) * sizeof(*w->head));
	memset(w->bits, 0, ((size_t)w->cap / 64 + 1) * sizeof(*w->bits));
	w->bins = 0;
	qsort(w->v, w->n, sizeof(*w->v), by_length);
	for (i = 0; i < w->n; i++)
		place(w, &w->v[i]);
	qsort(w->v, w->n, sizeof(*w->v), by_bin);
	for (i = 0; i < w->n; i++) {
		if (w->v[i].bin != bin) {
			bin = w->v[i].bin;
			b->first[b->rows++] = *placed;
		}
		b->docs[(*placed)++] = w->v[i].doc;
	}
	w->n = 0;
}

int
pack_bins_make(struct pack_bins *b, const struct jshard_set *s, uint32_t cap, uint64_t seed,
	struct jerr *e)
{
	uint64_t i, docs = jshard_docs(s), placed = 0;
	struct window w = { .s = s, .cap = cap };

	memset(b, 0, sizeof(*b));
	b->docs = jmem_try(docs + 1, sizeof(*b->docs));
	b->first = jmem_try(docs + 1, sizeof(*b->first));
	if (!b->docs || !b->first) {
		pack_bins_release(b);
		return jerr_set(e, JERR_NOMEM, "no memory to pack %llu documents", (unsigned long long)docs);
	}
	w.v = jmem_alloc(WINDOW, sizeof(*w.v));
	w.next = jmem_alloc(WINDOW, sizeof(*w.next));
	w.head = jmem_alloc((size_t)cap + 1, sizeof(*w.head));
	w.bits = jmem_alloc((size_t)cap / 64 + 1, sizeof(*w.bits));
	for (i = 0; i < docs; i++) {
		uint64_t d = jrand_permute(i, docs, seed, UINT64_MAX);
		uint64_t len = jshard_doc_start(s, d + 1) - jshard_doc_start(s, d);

		if (len < 2)
			continue;	/* nothing to predict */
		w.v[w.n] = (struct item){ len < cap ? (uint32_t)len : cap, (uint32_t)w.n, d, 0 };
		if (++w.n == WINDOW)
			flush_window(&w, b, &placed);
	}
	flush_window(&w, b, &placed);
	b->first[b->rows] = placed;
	jmem_free(w.v);
	jmem_free(w.next);
	jmem_free(w.head);
	jmem_free(w.bits);
	return 0;
}

void
pack_bins_release(struct pack_bins *b)
{
	jmem_free(b->docs);
	jmem_free(b->first);
	memset(b, 0, sizeof(*b));
}
