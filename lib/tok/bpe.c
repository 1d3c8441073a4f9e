/*
 * Byte-pair encoding of one word: while some adjacent pair can be merged, merge the one of lowest
 * rank, leftmost first.
 *
 * Most words were seen before: a table of fixed size remembers words of up to 24 bytes that make at
 * most 8 ids, and forgets by being overwritten, so the result never depends on it.  Short words
 * search their few ranks in a row; long ones use a heap over a linked list, O(n log n) for the
 * worst input.  Nothing recurses.
 */
#include "tok.h"

#include <string.h>

#include "base/jutf8.h"

#define CACHE_BITS 15
#define CACHE_WORD 24
#define CACHE_IDS 8
#define SHORT 48			/* symbols up to which a search in a row is faster */
#define NO_RANK UINT32_MAX

struct cached {
	uint64_t key[3];		/* the bytes of the word, zero behind them */
	uint8_t len, n;			/* len 0: free */
	uint32_t id[CACHE_IDS];
};

struct symbol {
	uint32_t id, prev, next;
	uint32_t rank, merged;		/* of the pair with next */
};

struct tok_bpe {
	const struct jtok *t;
	struct cached *cache;
	struct jids syms;
	struct symbol *v;
	size_t v_cap;
	uint64_t *heap;			/* rank << 32 | position */
	size_t heap_n, heap_cap;
	struct jbuf piece;
};

struct tok_bpe *
tok_bpe_new(const struct jtok *t)
{
	struct tok_bpe *b = jmem_zalloc(1, sizeof(*b));

	b->t = t;
	b->cache = jmem_zalloc((size_t)1 << CACHE_BITS, sizeof(*b->cache));
	jbuf_init(&b->piece);
	return b;
}

void
tok_bpe_free(struct tok_bpe *b)
{
	if (!b)
		return;
	jmem_free(b->cache);
	jids_release(&b->syms);
	jmem_free(b->v);
	jmem_free(b->heap);
	jbuf_release(&b->piece);
	jmem_free(b);
}

/* --- symbols a word starts from ----------------------------------------------------------------- */

/* Byte tokens of an unknown character, if there is one for each byte. */
static bool
fall_back(const struct jtok *t, const unsigned char *p, size_t n, struct jids *out)
{
	size_t i;

	if (!t->byte_fallback)
		return false;
	for (i = 0; i < n; i++)
		if (t->byte_id[p[i]] < 0)
			return false;
	for (i = 0; i < n; i++)
		jids_add(out, (uint32_t)t->byte_id[p[i]]);
	return true;
}

/* Id of character [p, p + n) of a word, with the prefix or suffix that marks its place. */
static uint32_t
char_id(struct tok_bpe *b, const unsigned char *p, size_t n, bool first, bool last)
{
	const struct jtok *t = b->t;

	if (!t->byte_level && (first || !t->prefix) && (!last || !t->suffix))
		return tok_vocab_find(&t->vocab, p, n);
	jbuf_reset(&b->piece);
	if (!first && t->prefix)
		jbuf_adds(&b->piece, t->prefix);
	if (t->byte_level)
		tok_bytes_to_text((const char *)p, n, &b->piece);
	else
		jbuf_add(&b->piece, p, n);
	if (last && t->suffix)
		jbuf_adds(&b->piece, t->suffix);
	return tok_vocab_find(&t->vocab, b->piece.p, b->piece.n);
}

static void
start_chars(struct tok_bpe *b, const unsigned char *p, size_t n)
{
	const struct jtok *t = b->t;
	bool unk = false;
	size_t i = 0;

	while (i < n) {
		uint32_t c, id;
		int step = t->byte_level ? 1 : jutf8_decode((const char *)p + i, n - i, &c);
		size_t k = step < 0 ? 1 : (size_t)step;

		id = step < 0 ? TOK_NONE : char_id(b, p + i, k, i == 0, i + k == n);
		if (id != TOK_NONE) {
			jids_add(&b->syms, id);
			unk = false;
		} else if (fall_back(t, p + i, k, &b->syms)) {
			unk = false;
		} else if (t->unk != TOK_NONE && !(unk && t->fuse_unk)) {
			jids_add(&b->syms, t->unk);
			unk = true;
		}
		i += k;
	}
}

static void
start(struct tok_bpe *b, const unsigned char *p, size_t n)
{
	const struct jtok *t = b->t;
	size_t i;

	b->syms.n = 0;
	if (!t->byte_level || t->suffix || t->prefix) {
		start_chars(b, p, n);
		return;
	}
	for (i = 0; i < n; i++) {
		if (t->byte_id[p[i]] >= 0)
			jids_add(&b->syms, (uint32_t)t->byte_id[p[i]]);
		else if (t->unk != TOK_NONE && !(t->fuse_unk && b->syms.n && b->syms.v[b->syms.n - 1] == t->unk))
			jids_add(&b->syms, t->unk);
	}
}

/* --- merging ------------------------------------------------------------------------------------- */

static inline uint32_t
pair_rank(const struct jtok *t, uint32_t l, uint32_t r, uint32_t *merged)
{
	const struct tok_pair *x = tok_pairs_find(&t->pairs, l, r);

	if (!x)
		return NO_RANK;
	*merged = x->id;
	return x->rank;
}

/* Few symbols: b->syms in place. */
static void
merge_short(struct tok_bpe *b)
{
	uint32_t rank[SHORT + 1], merged[SHORT + 1];
	uint32_t *id = b->syms.v;
	size_t n = b->syms.n, i;

	for (i = 0; i + 1 < n; i++)
		rank[i] = pair_rank(b->t, id[i], id[i + 1], &merged[i]);
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
			rank[best - 1] = pair_rank(b->t, id[best - 1], id[best], &merged[best - 1]);
		if (best + 1 < n)
			rank[best] = pair_rank(b->t, id[best], id[best + 1], &merged[best]);
	}
	b->syms.n = n;
}

static void
heap_push(struct tok_bpe *b, uint64_t x)
{
	size_t i = b->heap_n++;

	while (i > 0 && b->heap[(i - 1) / 4] > x) {
		b->heap[i] = b->heap[(i - 1) / 4];
		i = (i - 1) / 4;
	}
	b->heap[i] = x;
}

static uint64_t
heap_pop(struct tok_bpe *b)
{
	uint64_t top = b->heap[0], x = b->heap[--b->heap_n];
	size_t i = 0, n = b->heap_n;

	for (;;) {
		size_t c = 4 * i + 1, end = c + 4 < n ? c + 4 : n, best = c, k;

		if (c >= n)
			break;
		for (k = c + 1; k < end; k++)
			if (b->heap[k] < b->heap[best])
				best = k;
		if (b->heap[best] >= x)
			break;
		b->heap[i] = b->heap[best];
		i = best;
	}
	b->heap[i] = x;
	return top;
}

/* The pair that begins at i, anew; and into the heap if it can be merged. */
static void
refresh(struct tok_bpe *b, uint32_t i)
{
	struct symbol *s = &b->v[i];

	s->rank = NO_RANK;
	if (s->next != TOK_NONE)
		s->rank = pair_rank(b->t, s->id, b->v[s->next].id, &s->merged);
	if (s->rank != NO_RANK)
		heap_push(b, (uint64_t)s->rank << 32 | i);
}

static void
merge_long(struct tok_bpe *b)
{
	uint32_t n = (uint32_t)b->syms.n, i;
	struct symbol *v;
	size_t k = 0;

	JMEM_GROW(b->v, b->v_cap, n);
	JMEM_GROW(b->heap, b->heap_cap, (size_t)3 * n);
	v = b->v;
	b->heap_n = 0;
	for (i = 0; i < n; i++)
		v[i] = (struct symbol){ b->syms.v[i], i - 1, i + 1 < n ? i + 1 : TOK_NONE, NO_RANK, 0 };
	for (i = 0; i < n; i++)
		refresh(b, i);
	while (b->heap_n) {
		uint64_t top = heap_pop(b);
		struct symbol *s = &v[(uint32_t)top];
		uint32_t r;

		if (s->rank != top >> 32)
			continue;	/* the pair is not there any more */
		r = s->next;
		s->id = s->merged;
		s->next = v[r].next;
		v[r].rank = NO_RANK;
		if (s->next != TOK_NONE)
			v[s->next].prev = (uint32_t)top;
		refresh(b, (uint32_t)top);
		if ((uint32_t)top != 0)
			refresh(b, s->prev);
	}
	for (i = 0; i != TOK_NONE && n; i = v[i].next)
		b->syms.v[k++] = v[i].id;
	b->syms.n = k;
}

/* --- a word -------------------------------------------------------------------------------------- */

/* Characters that only occur inside tokens were symbols; alone they are unknown after all. */
static void
put_pseudo(struct tok_bpe *b, uint32_t id, struct jids *out, size_t first)
{
	const struct jtok *t = b->t;
	size_t n;
	const char *p = tok_vocab_text(&t->vocab, id, &n);

	if (fall_back(t, (const unsigned char *)p, n, out) || t->unk == TOK_NONE)
		return;
	if (!t->fuse_unk || out->n == first || out->v[out->n - 1] != t->unk)
		jids_add(out, t->unk);
}

static void
encode(struct tok_bpe *b, const unsigned char *p, size_t n, struct jids *out)
{
	size_t first = out->n, i;

	if (b->t->ignore_merges) {
		uint32_t id = tok_vocab_find(&b->t->vocab, p, n);

		if (id != TOK_NONE && id < b->t->pseudo) {
			jids_add(out, id);
			return;
		}
	}
	start(b, p, n);
	if (b->syms.n > SHORT)
		merge_long(b);
	else if (b->syms.n > 1)
		merge_short(b);
	for (i = 0; i < b->syms.n; i++) {
		if (b->syms.v[i] >= b->t->pseudo)
			put_pseudo(b, b->syms.v[i], out, first);
		else
			jids_add(out, b->syms.v[i]);
	}
}

/* The word as three numbers; end bounds what may be read. */
static inline void
load_key(const unsigned char *p, size_t n, const unsigned char *end, uint64_t key[3])
{
	size_t i;

	if (end - p >= CACHE_WORD) {
		memcpy(key, p, CACHE_WORD);
		for (i = 0; i < 3; i++) {
			size_t have = n > 8 * i ? n - 8 * i : 0;

			if (have < 8)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
				key[i] &= have ? UINT64_MAX >> (64 - 8 * have) : 0;
#else
				key[i] &= have ? UINT64_MAX << (64 - 8 * have) : 0;
#endif
		}
	} else {
		key[0] = key[1] = key[2] = 0;
		memcpy(key, p, n);
	}
}

void
tok_bpe_word(struct tok_bpe *b, const unsigned char *p, size_t n, const unsigned char *end,
	struct jids *out)
{
	struct cached *c;
	uint64_t key[3], h;
	size_t first = out->n, i;

	if (n > CACHE_WORD) {
		encode(b, p, n, out);
		return;
	}
	load_key(p, n, end, key);
	h = (key[0] ^ key[1] * 0x9E3779B97F4A7C15u ^ key[2] * 0xC2B2AE3D27D4EB4Fu) + n;
	h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
	c = &b->cache[h >> (64 - CACHE_BITS)];
	if (c->len == n && c->key[0] == key[0] && c->key[1] == key[1] && c->key[2] == key[2]) {
		if (out->n + CACHE_IDS > out->cap)
			JMEM_GROW(out->v, out->cap, out->n + CACHE_IDS);
		for (i = 0; i < c->n; i++)
			out->v[out->n + i] = c->id[i];
		out->n += c->n;
		return;
	}
	encode(b, p, n, out);
	if (out->n - first > CACHE_IDS)
		return;
	memcpy(c->key, key, sizeof(key));
	c->len = (uint8_t)n;
	c->n = (uint8_t)(out->n - first);
	for (i = 0; i < c->n; i++)
		c->id[i] = out->v[first + i];
}
