/*
 * Sequences and their pages: growing, sharing what begins alike, copying before a write.
 *
 * The rows of the cache are a function of the tokens up to them alone, so another sequence's rows are
 * what this one would compute, bit for bit.
 */
#include "infer/engine.h"

#include <string.h>

int32_t *
engine_pages(const struct jinfer *inf, int slot)
{
	return inf->table + (size_t)slot * inf->per_slot;
}

struct jkv_rows
engine_rows(const struct jinfer *inf, int64_t layer, bool values, int32_t page)
{
	const struct jkv_cache *kv = &inf->kv[layer];
	struct jkv_rows r = { .type = values ? kv->v_type : kv->k_type, .values = values,
		.heads = inf->m->cfg.kv_heads, .d = inf->m->cfg.head_dim, .n = JKV_PAGE };

	r.page = (char *)(values ? kv->v : kv->k)
		+ (uint64_t)page * jkv_page_bytes(r.type, r.heads, r.d);
	return r;
}

static size_t
pages_of(size_t tokens)
{
	return (size_t)jkv_pages((int64_t)tokens);
}

/* Gives back all pages behind the first `keep`, the last one first. */
static void
give_back(struct jinfer *inf, int slot, size_t keep, bool drop)
{
	struct sequence *s = &inf->seq[slot];
	const int32_t *page = engine_pages(inf, slot);

	while ((size_t)s->n_pages > keep)
		pages_unref(&inf->pages, page[--s->n_pages], drop);
}

static void
copy_page(struct jinfer *inf, int32_t from, int32_t to)
{
	for (int64_t l = 0; l < inf->m->cfg.layers; l++) {
		for (int v = 0; v < 2; v++) {
			struct jkv_rows a = engine_rows(inf, l, v, from), b = engine_rows(inf, l, v, to);

			memcpy(b.page, a.page, (size_t)jkv_page_bytes(a.type, a.heads, a.d));
		}
	}
	inf->copied++;
}

/* A page whose first `n` tokens stay and whose others are about to be written. */
static void
own_page(struct jinfer *inf, int slot, size_t at, int32_t n)
{
	int32_t *page = &engine_pages(inf, slot)[at], old = *page;
	struct pages *p = &inf->pages;

	if (pages_own(p, old)) {
		pages_cut(p, old, n);
		return;
	}
	*page = pages_take(p, p->v[old].parent, p->v[old].root);
	copy_page(inf, old, *page);
	pages_know(p, *page, 0, p->v[old].ids, n);
	pages_unref(p, old, false);
}

void
engine_grow(struct jinfer *inf, int slot, size_t n)
{
	struct sequence *s = &inf->seq[slot];
	int32_t *page = engine_pages(inf, slot);
	size_t within = s->length % JKV_PAGE, want = pages_of(s->length + n);

	give_back(inf, slot, pages_of(s->length), true);
	if (within > 0 && n > 0)
		own_page(inf, slot, s->length / JKV_PAGE, (int32_t)within);
	while ((size_t)s->n_pages < want) {
		page[s->n_pages] = pages_take(&inf->pages, s->n_pages > 0 ? page[s->n_pages - 1] : -1,
			s->root);
		s->n_pages++;
	}
}

void
engine_know(struct jinfer *inf, int slot, const uint32_t *ids, size_t n)
{
	struct sequence *s = &inf->seq[slot];

	while (n > 0) {
		size_t at = s->length % JKV_PAGE, k = JKV_PAGE - at < n ? JKV_PAGE - at : n;

		pages_know(&inf->pages, engine_pages(inf, slot)[s->length / JKV_PAGE], (int32_t)at, ids,
			(int32_t)k);
		s->length += k;
		ids += k;
		n -= k;
	}
}

size_t
jinfer_need(const struct jinfer *inf, int slot, size_t n)
{
	const struct sequence *s = &inf->seq[slot];
	size_t need = pages_of(s->length + n) - pages_of(s->length);

	if (n > 0 && s->length % JKV_PAGE > 0)
		need += !pages_own(&inf->pages, engine_pages(inf, slot)[s->length / JKV_PAGE]);
	return need;
}

size_t
jinfer_available(const struct jinfer *inf)
{
	return pages_available(&inf->pages);
}

void
jinfer_stats(const struct jinfer *inf, struct jinfer_stats *s)
{
	*s = (struct jinfer_stats){
		.page_bytes = jinfer_page_bytes(&inf->m->cfg, inf->kv[0].k_type, inf->kv[0].v_type),
		.pages = inf->pages.n, .used = inf->pages.n - pages_available(&inf->pages),
		.known = inf->pages.n_idle, .most = inf->pages.most, .copied = inf->copied,
		.preempted = inf->preempted
	};
}

size_t
jinfer_length(const struct jinfer *inf, int slot)
{
	return inf->seq[slot].length;
}

void
jinfer_reset(struct jinfer *inf, int slot)
{
	int adapter = inf->seq[slot].adapter;

	give_back(inf, slot, 0, false);
	memset(&inf->seq[slot], 0, sizeof(inf->seq[slot]));
	jinfer_adapter_drop(inf, adapter);
}

void
jinfer_truncate(struct jinfer *inf, int slot, size_t n)
{
	if (n >= inf->seq[slot].length)
		return;
	give_back(inf, slot, pages_of(n), true);
	inf->seq[slot].length = n;
}

void
jinfer_fork(struct jinfer *inf, int from, int to)
{
	size_t n = pages_of(inf->seq[from].length);

	if (from == to)
		return;
	jinfer_reset(inf, to);
	memcpy(engine_pages(inf, to), engine_pages(inf, from), n * sizeof(*inf->table));
	for (size_t i = 0; i < n; i++)
		pages_ref(&inf->pages, engine_pages(inf, to)[i]);
	inf->seq[to] = inf->seq[from];
	inf->seq[to].n_pages = (int32_t)n;
	jinfer_adapter_hold(inf, inf->seq[to].adapter);
}

size_t
jinfer_begin(struct jinfer *inf, int slot, int adapter, const uint32_t *ids, size_t n)
{
	struct sequence *s = &inf->seq[slot];
	int32_t *page = engine_pages(inf, slot);

	if (adapter < 0 || adapter > inf->n_named || (adapter > 0 && inf->named[adapter - 1].refs == 0))
		jbug("adapter %d of %d", adapter, inf->n_named);
	jinfer_adapter_hold(inf, adapter);
	jinfer_reset(inf, slot);
	s->adapter = adapter;
	s->root = adapter > 0 ? inf->named[adapter - 1].root : 0;
	/* The last token of a prompt is always fed: its logits are wanted. */
	while (s->length + 1 < n && s->length % JKV_PAGE == 0) {
		size_t same;
		int32_t i = pages_find(&inf->pages, s->n_pages > 0 ? page[s->n_pages - 1] : -1, s->root,
			ids + s->length, n - 1 - s->length, &same);

		if (i < 0)
			break;
		pages_ref(&inf->pages, i);
		page[s->n_pages++] = i;
		s->length += same;
	}
	return s->length;
}
