/* pages.c - the pool of pages and the tree of their tokens. */
#include "infer/pages.h"

#include <string.h>

#include "base/jerr.h"
#include "base/jmem.h"

bool
pages_init(struct pages *p, size_t n)
{
	size_t buckets = 16;

	memset(p, 0, sizeof(*p));
	while (buckets < n)
		buckets *= 2;
	p->v = jmem_try(n, sizeof(*p->v));
	p->bucket = jmem_try(buckets, sizeof(*p->bucket));
	if (!p->v || !p->bucket)
		return false;
	memset(p->v, 0, n * sizeof(*p->v));
	memset(p->bucket, 0xff, buckets * sizeof(*p->bucket));
	p->mask = (uint32_t)buckets - 1;
	p->n = p->n_free = n;
	p->oldest = p->newest = -1;
	for (size_t i = 0; i < n; i++)
		p->v[i].newer = i + 1 < n ? (int32_t)i + 1 : -1;
	return true;
}

void
pages_release(struct pages *p)
{
	jmem_free(p->v);
	jmem_free(p->bucket);
	memset(p, 0, sizeof(*p));
}

size_t
pages_available(const struct pages *p)
{
	return p->n_free + p->n_idle;
}

static int32_t *
bucket_of(const struct pages *p, int32_t parent, uint64_t root, uint32_t first)
{
	uint64_t h = (uint64_t)(uint32_t)parent << 32 | first;

	h = (h ^ root * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	return &p->bucket[(uint32_t)(h >> 32) & p->mask];
}

static void
hide(struct pages *p, int32_t i)
{
	struct page *x = &p->v[i];
	int32_t *at = bucket_of(p, x->parent, x->root, x->ids[0]);

	if (x->n == 0)
		return;
	while (*at != i)
		at = &p->v[*at].chain;
	*at = x->chain;
	if (x->parent >= 0)
		p->v[x->parent].children--;
	x->n = 0;
}

static void
unlink_idle(struct pages *p, int32_t i)
{
	struct page *x = &p->v[i];

	*(x->older >= 0 ? &p->v[x->older].newer : &p->oldest) = x->newer;
	*(x->newer >= 0 ? &p->v[x->newer].older : &p->newest) = x->older;
	p->n_idle--;
}

int32_t
pages_take(struct pages *p, int32_t parent, uint64_t root)
{
	int32_t i = p->free;
	struct page *x;

	if (p->n_free > 0) {
		p->free = p->v[i].newer;
		p->n_free--;
	} else if (p->n_idle > 0) {
		i = p->oldest;
		unlink_idle(p, i);
		hide(p, i);
	} else {
		jbug("no page left of %zu", p->n);
	}
	x = &p->v[i];
	if (x->children > 0)
		jbug("page %d has %d behind it", (int)i, (int)x->children);
	x->refs = 1;
	x->parent = parent;
	x->root = root;
	if (p->n - pages_available(p) > p->most)
		p->most = p->n - pages_available(p);
	return i;
}

void
pages_ref(struct pages *p, int32_t i)
{
	if (p->v[i].refs++ == 0)
		unlink_idle(p, i);
	if (p->n - pages_available(p) > p->most)
		p->most = p->n - pages_available(p);
}

void
pages_unref(struct pages *p, int32_t i, bool drop)
{
	struct page *x = &p->v[i];

	if (--x->refs > 0)
		return;
	if (x->n == 0 || (drop && x->children == 0)) {
		hide(p, i);
		x->newer = p->free;
		p->free = i;
		p->n_free++;
		return;
	}
	x->newer = -1;
	x->older = p->newest;
	*(x->older >= 0 ? &p->v[x->older].newer : &p->oldest) = i;
	p->newest = i;
	p->n_idle++;
}

int32_t
pages_find(const struct pages *p, int32_t parent, uint64_t root, const uint32_t *ids, size_t n,
	size_t *same)
{
	int32_t best = -1;

	*same = 0;
	if (n == 0)
		return -1;
	for (int32_t i = *bucket_of(p, parent, root, ids[0]); i >= 0; i = p->v[i].chain) {
		const struct page *x = &p->v[i];
		size_t k = 0;

		if (x->parent != parent || x->root != root)
			continue;
		while (k < n && k < (size_t)x->n && x->ids[k] == ids[k])
			k++;
		if (k > *same) {
			*same = k;
			best = i;
		}
	}
	return best;
}

bool
pages_own(const struct pages *p, int32_t i)
{
	return p->v[i].refs == 1 && p->v[i].children == 0;
}

void
pages_cut(struct pages *p, int32_t i, int32_t at)
{
	if (at == 0)
		hide(p, i);
	else if (p->v[i].n > at)
		p->v[i].n = at;
}

void
pages_know(struct pages *p, int32_t i, int32_t at, const uint32_t *ids, int32_t n)
{
	struct page *x = &p->v[i];
	int32_t *bucket;

	memcpy(x->ids + at, ids, (size_t)n * sizeof(*ids));
	if (x->n == 0) {
		bucket = bucket_of(p, x->parent, x->root, x->ids[0]);
		x->chain = *bucket;
		*bucket = i;
		if (x->parent >= 0)
			p->v[x->parent].children++;
	}
	x->n = at + n;
}
