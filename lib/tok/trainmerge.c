/*
 * The merge loop.  A heap holds pairs with the count they had when they were pushed and the words
 * they occur in; a popped pair whose count has changed goes back with the new one.  Merging touches
 * only the words of the pair, and only the counts of neighbouring pairs.  This is the algorithm of
 * Hugging Face's trainer, counts of overlapping pairs included, so the merges are the same ones;
 * lists of words live in one pool that grows by at most two entries for each symbol merged away.
 */
#include <stdlib.h>
#include <string.h>

#include "train.h"

struct pair_count {
	uint64_t key;			/* left << 32 | right; UINT64_MAX = free */
	int64_t count;
	uint32_t last, places;		/* while counting: last word seen, how many words */
};
struct entry {				/* of the heap */
	uint64_t count, key, at;	/* at: its words in the pool */
	uint32_t n;
};
struct place {
	uint64_t key;
	uint32_t word;
};

struct merger {
	struct train_words *w;
	struct jtok *t;
	struct pair_count *slot;
	size_t slots, used;
	uint32_t *pool;			/* in the pager of the words */
	size_t pool_n;
	struct entry *heap;
	size_t heap_n, heap_cap;
	struct place *fresh;		/* pairs that came up in this merge */
	size_t fresh_n, fresh_cap;
};

void
train_words_init(struct train_words *w, uint64_t memory)
{
	memset(w, 0, sizeof(*w));
	w->memory = memory;
	pager_init(&w->pager, NULL, memory / 4);
}

/* What merging will need: a list has at most two entries for each symbol that is merged away. */
static uint64_t
words_bytes(const struct train_words *w)
{
	return w->n * sizeof(*w->v) + (uint64_t)w->sym_n * 4 * sizeof(uint32_t);
}

int
train_words_add(struct train_words *w, const unsigned char *p, size_t n, uint64_t count, struct jerr *e)
{
	size_t i;
	int rc = store_grow(&w->pager, TRAIN_SYM, (w->sym_n + n) * sizeof(*w->sym), e);

	if (!rc)
		rc = store_grow(&w->pager, TRAIN_WORDS, (w->n + 1) * sizeof(*w->v), e);
	if (!rc && !w->pager.files && words_bytes(w) > w->memory / 3)
		rc = pager_to_files(&w->pager, e);
	if (rc)
		return rc;
	w->sym = w->pager.store[TRAIN_SYM].p;
	w->v = w->pager.store[TRAIN_WORDS].p;
	store_see(&w->pager, TRAIN_SYM, w->sym_n * sizeof(*w->sym), n * sizeof(*w->sym));
	store_see(&w->pager, TRAIN_WORDS, w->n * sizeof(*w->v), sizeof(*w->v));
	w->v[w->n++] = (struct train_word){ w->sym_n, count, (uint32_t)n };
	for (i = 0; i < n; i++)
		w->sym[w->sym_n++] = w->byte_id[p[i]];
	return 0;
}

void
train_words_release(struct train_words *w)
{
	pager_release(&w->pager);
	memset(w, 0, sizeof(*w));
}

struct train_word *
train_words_at(struct train_words *w, size_t i)
{
	store_see(&w->pager, TRAIN_WORDS, i * sizeof(*w->v), sizeof(*w->v));
	store_see(&w->pager, TRAIN_SYM, w->v[i].at * sizeof(*w->sym), w->v[i].n * sizeof(*w->sym));
	return &w->v[i];
}

static struct pair_count *
pair_slot(const struct merger *m, uint64_t key)
{
	size_t i = tok_mix(key) & (m->slots - 1);

	while (m->slot[i].key != key && m->slot[i].key != UINT64_MAX)
		i = (i + 1) & (m->slots - 1);
	return &m->slot[i];
}

/* A larger table, or one as large if many pairs occur no more: those are left out. */
static void
grow_pairs(struct merger *m)
{
	struct pair_count *old = m->slot;
	size_t i, n = m->slots, live = 0;

	for (i = 0; i < n; i++)
		live += old[i].key != UINT64_MAX && old[i].count != 0;
	m->slots = !n ? 65536 : 3 * live > n ? 2 * n : n;
	m->slot = jmem_alloc(m->slots, sizeof(*m->slot));
	memset(m->slot, 0xff, m->slots * sizeof(*m->slot));
	m->used = live;
	for (i = 0; i < n; i++)
		if (old[i].key != UINT64_MAX && old[i].count != 0)
			*pair_slot(m, old[i].key) = old[i];
	jmem_free(old);
}

static struct pair_count *
pair_get(struct merger *m, uint64_t key)
{
	struct pair_count *p;

	if (2 * (m->used + 1) > m->slots)
		grow_pairs(m);
	p = pair_slot(m, key);
	if (p->key == UINT64_MAX) {
		*p = (struct pair_count){ key, 0, TOK_NONE, 0 };
		m->used++;
	}
	return p;
}

/* Higher count first, then the smaller pair. */
static bool
before(const struct entry *a, const struct entry *b)
{
	return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void
heap_push(struct merger *m, struct entry x)
{
	size_t i;

	JMEM_GROW(m->heap, m->heap_cap, m->heap_n + 1);
	for (i = m->heap_n++; i > 0 && before(&x, &m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = x;
}

static struct entry
heap_pop(struct merger *m)
{
	struct entry top = m->heap[0], x = m->heap[--m->heap_n];
	size_t i = 0, c;

	while ((c = 2 * i + 1) < m->heap_n) {
		if (c + 1 < m->heap_n && before(&m->heap[c + 1], &m->heap[c]))
			c++;
		if (!before(&m->heap[c], &x))
			break;
		m->heap[i] = m->heap[c];
		i = c;
	}
	m->heap[i] = x;
	return top;
}

static uint64_t
key_of(uint32_t l, uint32_t r)
{
	return (uint64_t)l << 32 | r;
}

static int
pool_grow(struct merger *m, uint64_t entries, struct jerr *e)
{
	int rc = store_grow(&m->w->pager, TRAIN_POOL, (entries + 1) * sizeof(*m->pool), e);

	m->pool = m->w->pager.store[TRAIN_POOL].p;
	return rc;
}

/* All pairs of all words, counted; then the pair in the heap with room for its words in the pool. */
static int
count_pairs(struct merger *m, struct jerr *e)
{
	struct train_words *w = m->w;
	size_t i, k;
	uint64_t total = 0;

	for (i = 0; i < w->n; i++) {
		const struct train_word *v = train_words_at(w, i);
		const uint32_t *s = w->sym + v->at;

		for (k = 0; k + 1 < v->n; k++) {
			struct pair_count *p = pair_get(m, key_of(s[k], s[k + 1]));

			p->count += (int64_t)v->count;
			if (p->last != (uint32_t)i)
				p->places++;
			p->last = (uint32_t)i;
		}
	}
	for (i = 0; i < m->slots; i++) {
		struct pair_count *p = &m->slot[i];

		if (p->key == UINT64_MAX)
			continue;
		heap_push(m, (struct entry){ (uint64_t)p->count, p->key, total, p->places });
		total += p->places;
		p->last = TOK_NONE;
	}
	m->pool_n = total;
	return pool_grow(m, total, e);
}

/* Fills the lists of the first heap. */
static int
by_place_in_pool(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* The places of the pairs sorted[from, to), whose lists lie together. */
static void
fill_part(struct merger *m, const struct entry *sorted, uint32_t *done, size_t from, size_t to)
{
	struct train_words *w = m->w;
	size_t i, k;

	for (i = 0; i < w->n; i++) {
		const struct train_word *v = train_words_at(w, i);
		const uint32_t *s = w->sym + v->at;

		for (k = 0; k + 1 < v->n; k++) {
			struct pair_count *p = pair_slot(m, key_of(s[k], s[k + 1]));
			size_t at;

			if (p->places < from || p->places >= to || p->last == (uint32_t)i)
				continue;
			p->last = (uint32_t)i;
			at = sorted[p->places].at + done[p->places]++;
			store_see(&w->pager, TRAIN_POOL, at * sizeof(*m->pool), sizeof(*m->pool));
			m->pool[at] = (uint32_t)i;
		}
	}
}

/* Where the pool is in a file, so many pairs at a time that their lists fit half of the budget. */
static void
fill_places(struct merger *m)
{
	struct entry *sorted = jmem_alloc(m->heap_n + 1, sizeof(*sorted));
	uint32_t *done = jmem_zalloc(m->heap_n + 1, sizeof(*done));
	uint64_t most = m->w->pager.files ? (m->w->pager.budget << STORE_CHUNK) / 2 / sizeof(*m->pool) : UINT64_MAX;
	size_t i, to;

	memcpy(sorted, m->heap, m->heap_n * sizeof(*sorted));
	qsort(sorted, m->heap_n, sizeof(*sorted), by_place_in_pool);
	for (i = 0; i < m->heap_n; i++)		/* the slot of a pair now says where it stands */
		pair_slot(m, sorted[i].key)->places = (uint32_t)i;
	for (i = 0; i < m->heap_n; i = to) {
		for (to = i + 1; to < m->heap_n && sorted[to].at + sorted[to].n - sorted[i].at <= most; to++)
			;
		fill_part(m, sorted, done, i, to);
	}
	jmem_free(sorted);
	jmem_free(done);
}

static void
change(struct merger *m, uint32_t l, uint32_t r, int sign, uint32_t word)
{
	struct pair_count *p = pair_get(m, key_of(l, r));

	p->count += sign * (int64_t)m->w->v[word].count;
	if (sign < 0)
		return;
	JMEM_GROW(m->fresh, m->fresh_cap, m->fresh_n + 1);
	m->fresh[m->fresh_n++] = (struct place){ p->key, word };
}

/* Replaces l r by id in one word, left to right. */
static void
merge_word(struct merger *m, uint32_t word, uint32_t l, uint32_t r, uint32_t id)
{
	struct train_word *v = train_words_at(m->w, word);
	uint32_t *s = m->w->sym + v->at;
	uint32_t from = 0, to = 0;

	while (from < v->n) {
		if (s[from] != l || from + 1 >= v->n || s[from + 1] != r) {
			s[to++] = s[from++];
			continue;
		}
		if (to > 0) {
			change(m, s[to - 1], l, -1, word);
			change(m, s[to - 1], id, 1, word);
		}
		from += 2;
		if (from < v->n) {
			change(m, r, s[from], -1, word);
			change(m, id, s[from], 1, word);
		}
		s[to++] = id;
	}
	v->n = to;
}

static int
by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->word < y->word ? -1 : x->word > y->word;
}

/* Pairs that came up: each into the heap with its words. */
static int
push_fresh(struct merger *m, struct jerr *e)
{
	size_t i = 0, k;
	int rc = pool_grow(m, m->pool_n + m->fresh_n, e);

	if (rc)
		return rc;
	store_see(&m->w->pager, TRAIN_POOL, m->pool_n * sizeof(*m->pool), m->fresh_n * sizeof(*m->pool));
	if (m->fresh_n)
		qsort(m->fresh, m->fresh_n, sizeof(*m->fresh), by_place);
	while (i < m->fresh_n) {
		uint64_t key = m->fresh[i].key, at = m->pool_n;
		int64_t count = pair_get(m, key)->count;

		for (k = i; k < m->fresh_n && m->fresh[k].key == key; k++) {
			if (k > i && m->fresh[k].word == m->fresh[k - 1].word)
				continue;
			m->pool[m->pool_n++] = m->fresh[k].word;
		}
		if (count > 0)
			heap_push(m, (struct entry){ (uint64_t)count, key, at, (uint32_t)(m->pool_n - at) });
		else
			m->pool_n = at;
		i = k;
	}
	m->fresh_n = 0;
	return 0;
}

/* The token of a pair: a new id, or the one that another pair has made of the same bytes. */
static int
token_of(struct merger *m, uint32_t l, uint32_t r, struct jbuf *b, uint32_t *id, struct jerr *e)
{
	struct tok_vocab *v = &m->t->vocab;
	const char *p;
	size_t n;

	jbuf_reset(b);
	p = tok_vocab_text(v, l, &n);
	jbuf_add(b, p, n);
	p = tok_vocab_text(v, r, &n);
	jbuf_add(b, p, n);
	*id = tok_vocab_find(v, b->p, b->n);
	if (*id != TOK_NONE)
		return 0;
	*id = (uint32_t)v->n;
	return tok_vocab_set(v, *id, b->p, b->n, true, e);
}

static int
merge_all(struct merger *m, const struct train_plan *plan, struct jerr *e)
{
	uint64_t first = m->t->vocab.n;
	struct jbuf b;
	uint32_t i;
	int rc = 0;

	jbuf_init(&b);
	while (!rc && m->heap_n && m->t->vocab.n < plan->vocab_size) {
		struct entry top = heap_pop(m);
		uint64_t now = (uint64_t)pair_get(m, top.key)->count;
		uint32_t l = (uint32_t)(top.key >> 32), r = (uint32_t)top.key, id;

		if (top.count != now) {
			top.count = now;
			if ((int64_t)now > 0)
				heap_push(m, top);
			continue;
		}
		if (top.count < 1 || top.count < plan->min_frequency)
			break;
		rc = token_of(m, l, r, &b, &id, e);
		if (rc)
			break;
		jids_add(&m->t->merges, l);
		jids_add(&m->t->merges, r);
		jids_add(&m->t->merges, id);
		for (i = 0; i < top.n; i++) {
			store_see(&m->w->pager, TRAIN_POOL, (top.at + i) * sizeof(*m->pool), sizeof(*m->pool));
			merge_word(m, m->pool[top.at + i], l, r, id);
		}
		rc = push_fresh(m, e);
		if (!rc && plan->tick && m->t->merges.n % 192 == 0 &&
		    plan->tick(plan->arg, m->t->vocab.n - first, plan->vocab_size - first))
			rc = jerr_set(e, JERR_STOP, "stopped while merging");
	}
	jbuf_release(&b);
	return rc;
}

/* A pair that was merged twice counts where it was merged last, as in a saved tokenizer.json. */
static void
rank_merges(struct jtok *t)
{
	uint32_t rank = 0;
	size_t i, k = 0;

	for (i = 0; i < t->merges.n; i += 3)
		tok_pairs_add(&t->pairs, t->merges.v[i], t->merges.v[i + 1], (uint32_t)(i / 3), t->merges.v[i + 2]);
	for (i = 0; i < t->merges.n; i += 3) {
		const uint32_t *x = &t->merges.v[i];

		if (tok_pairs_find(&t->pairs, x[0], x[1])->rank != i / 3)
			continue;
		memmove(&t->merges.v[k], x, 3 * sizeof(*x));
		k += 3;
	}
	t->merges.n = k;
	tok_pairs_release(&t->pairs);
	for (i = 0; i < k; i += 3)
		tok_pairs_add(&t->pairs, t->merges.v[i], t->merges.v[i + 1], rank++, t->merges.v[i + 2]);
}

int
train_merge(struct train_words *w, struct jtok *t, const struct train_plan *plan, struct jerr *e)
{
	struct merger m = { .w = w, .t = t };
	int rc;

	if (w->n >= UINT32_MAX)
		return jerr_set(e, JERR_LIMIT, "%zu different words are too many", w->n);
	rc = count_pairs(&m, e);
	if (!rc) {
		fill_places(&m);
		rc = merge_all(&m, plan, e);
	}
	rank_merges(t);
	jmem_free(m.slot);
	jmem_free(m.heap);
	jmem_free(m.fresh);
	return rc;
}
