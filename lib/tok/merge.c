/*
 * Merging: while some adjacent pair can be merged, merge the one of lowest rank, leftmost first.
 *
 * Few symbols search their ranks in a row; more use a heap over a linked list.  A heap over a word
 * of a megabyte is slow, so such words go window by window, O(n) for all but made-up tables:
 *
 * Merging inside a stretch that no merge crosses does not depend on what is outside of it.  So two
 * tokens that are neighbours in the result for some stretch, are what these two alone give; and
 * tokens of which all neighbours are so, are the result for the whole.  A window therefore begins
 * with the last token that is sure, and if that comes out again, so is what follows it, but for the
 * window's end, which is left to the next.  If it does not, the window was too small: the next try
 * goes further back and is larger; when tries cost too much, one heap takes the whole word.
 *
 * Nothing recurses.
 */
#include "merge.h"

#include <string.h>

#define SHORT 48			/* symbols up to which a search in a row is faster */
#define WINDOW 512
#define NO_RANK UINT32_MAX

void
tok_merger_release(struct tok_merger *m)
{
	jmem_free(m->v);
	jmem_free(m->heap);
	jmem_free(m->done);
}

static inline uint32_t
pair_rank(const struct tok_pairs *pairs, uint32_t l, uint32_t r, uint32_t *merged)
{
	const struct tok_pair *x = tok_pairs_find(pairs, l, r);

	if (!x)
		return NO_RANK;
	*merged = x->id;
	return x->rank;
}

static size_t
merge_short(struct tok_merger *m, uint32_t *id, size_t n)
{
	uint32_t rank[SHORT + 1], merged[SHORT + 1];
	size_t i;

	for (i = 0; i + 1 < n; i++)
		rank[i] = pair_rank(m->pairs, id[i], id[i + 1], &merged[i]);
	while (n > 1) {
		size_t best = 0;

		for (i = 1; i + 1 < n; i++)
			if (rank[i] < rank[best])
				best = i;
		if (rank[best] == NO_RANK)
			break;
		id[best] = merged[best];
		for (i = best + 1; i + 1 < n; i++) {
			id[i] = id[i + 1];
			rank[i] = rank[i + 1];
			merged[i] = merged[i + 1];
		}
		n--;
		if (best > 0)
			rank[best - 1] = pair_rank(m->pairs, id[best - 1], id[best], &merged[best - 1]);
		if (best + 1 < n)
			rank[best] = pair_rank(m->pairs, id[best], id[best + 1], &merged[best]);
	}
	return n;
}

static void
heap_push(struct tok_merger *m, uint64_t x)
{
	size_t i = m->heap_n++;

	while (i > 0 && m->heap[(i - 1) / 4] > x) {
		m->heap[i] = m->heap[(i - 1) / 4];
		i = (i - 1) / 4;
	}
	m->heap[i] = x;
}

/* Puts x at i or below, where there is a hole.  Behind the heap there are four entries above all. */
static void
sift_down(struct tok_merger *m, size_t i, uint64_t x)
{
	uint64_t *h = m->heap;
	size_t n = m->heap_n, c;

	for (; (c = 4 * i + 1) < n; i = c) {
		size_t a = h[c + 1] < h[c] ? c + 1 : c, b = h[c + 3] < h[c + 2] ? c + 3 : c + 2;

		c = h[b] < h[a] ? b : a;
		if (h[c] >= x)
			break;
		h[i] = h[c];
	}
	h[i] = x;
}

static uint64_t
heap_pop(struct tok_merger *m)
{
	uint64_t top = m->heap[0], x = m->heap[--m->heap_n];

	m->heap[m->heap_n] = UINT64_MAX;
	if (m->heap_n)
		sift_down(m, 0, x);
	return top;
}

static void
heap_build(struct tok_merger *m)
{
	size_t i;

	for (i = (m->heap_n + 2) / 4; i-- > 0;)
		sift_down(m, i, m->heap[i]);
}

/* The pair that begins at i, anew; and into the heap if it can be merged. */
static void
refresh(struct tok_merger *m, uint32_t i)
{
	struct merge_symbol *s = &m->v[i];

	s->rank = NO_RANK;
	if (s->next != TOK_NONE)
		s->rank = pair_rank(m->pairs, s->id, m->v[s->next].id, &s->merged);
	if (s->rank != NO_RANK)
		heap_push(m, (uint64_t)s->rank << 32 | i);
}

/* The result is the list from m->v[0]; the index of a symbol there is that of its first id. */
static void
merge_heap(struct tok_merger *m, const uint32_t *ids, size_t len)
{
	uint32_t n = (uint32_t)len, i;
	struct merge_symbol *v;

	JMEM_GROW(m->v, m->v_cap, n);
	JMEM_GROW(m->heap, m->heap_cap, (size_t)3 * n + 4);
	memset(m->heap, 0xff, ((size_t)3 * n + 4) * sizeof(*m->heap));
	v = m->v;
	m->heap_n = 0;
	for (i = 0; i < n; i++) {
		v[i] = (struct merge_symbol){ ids[i], i - 1, i + 1 < n ? i + 1 : TOK_NONE, NO_RANK, 0 };
		if (i + 1 < n)
			v[i].rank = pair_rank(m->pairs, ids[i], ids[i + 1], &v[i].merged);
		if (v[i].rank != NO_RANK)
			m->heap[m->heap_n++] = (uint64_t)v[i].rank << 32 | i;
	}
	heap_build(m);
	while (m->heap_n) {
		uint64_t top = heap_pop(m);
		struct merge_symbol *s = &v[(uint32_t)top];
		uint32_t r;

		if (s->rank != top >> 32)
			continue;	/* the pair is not there any more */
		r = s->next;
		s->id = s->merged;
		s->next = v[r].next;
		v[r].rank = NO_RANK;
		if (s->next != TOK_NONE)
			v[s->next].prev = (uint32_t)top;
		refresh(m, (uint32_t)top);
		if ((uint32_t)top != 0)
			refresh(m, s->prev);
	}
}

size_t
tok_merge_whole(struct tok_merger *m, uint32_t *ids, size_t n)
{
	size_t k = 0;
	uint32_t i;

	if (!n)
		return 0;
	merge_heap(m, ids, n);
	for (i = 0; i != TOK_NONE; i = m->v[i].next)
		ids[k++] = m->v[i].id;
	return k;
}

/* Is the first token of the window the one that ends at `end`, as id says? */
static bool
same_token(const struct tok_merger *m, size_t at, size_t len, uint64_t token)
{
	size_t n = m->v[0].next == TOK_NONE ? len : m->v[0].next;

	return m->v[0].id == (uint32_t)token && at + n == token >> 32;
}

/*
 * Adds the tokens of the window of len ids at `at` to the k that are sure (of which it begins with
 * the last), but for those that end in its last eighth; how many are sure then.
 */
static size_t
take_window(struct tok_merger *m, size_t at, size_t len, bool last, size_t k)
{
	size_t stop = last ? len : len - len / 8;
	uint32_t i, next;

	for (i = k ? m->v[0].next : 0; i != TOK_NONE; i = next) {
		size_t end;

		next = m->v[i].next;
		end = next == TOK_NONE ? len : next;
		if (end > stop)
			break;
		JMEM_GROW(m->done, m->done_cap, k + 1);
		m->done[k++] = (uint64_t)(at + end) << 32 | m->v[i].id;
	}
	return k;
}

size_t
tok_merge_windows(struct tok_merger *m, uint32_t *ids, size_t n)
{
	size_t k = 0, w = WINDOW, back = 1, budget = 4 * n, i, was_at = 0, was_len = 0;

	for (;;) {
		size_t at = k > 1 ? (size_t)(m->done[k - 2] >> 32) : 0;
		size_t len = w < n - at ? w : n - at, had = k;

		if (len > budget)
			return tok_merge_whole(m, ids, n);
		budget -= len;
		/* A window like the one before, as in a run of one character, has its result. */
		if (len != was_len || memcmp(ids + at, ids + was_at, len * sizeof(*ids)) != 0)
			merge_heap(m, ids + at, len);
		was_at = at;
		was_len = len;
		if (k && !same_token(m, at, len, m->done[k - 1])) {
			k = k > back ? k - back : 0;
			back *= 2;
			w *= 2;
			continue;
		}
		k = take_window(m, at, len, at + len == n, k);
		if (at + len == n)
			break;
		w = k > had ? WINDOW : 2 * w;
		back = 1;
	}
	for (i = 0; i < k; i++)
		ids[i] = (uint32_t)m->done[i];
	return k;
}

size_t
tok_merge(struct tok_merger *m, uint32_t *ids, size_t n)
{
	if (n <= SHORT)
		return merge_short(m, ids, n);
	return n <= 2 * WINDOW ? tok_merge_whole(m, ids, n) : tok_merge_windows(m, ids, n);
}
