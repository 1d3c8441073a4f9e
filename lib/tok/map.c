/*
 * The two hash tables and the trie of a tokenizer.  Open addressing, a power of two of slots, at
 * most half full.
 */
#include "tok.h"

#include <string.h>

#include "base/jhash.h"

void
jids_release(struct jids *ids)
{
	jmem_free(ids->v);
	memset(ids, 0, sizeof(*ids));
}

void
tok_vocab_init(struct tok_vocab *v)
{
	memset(v, 0, sizeof(*v));
	jbuf_init(&v->text);
}

void
tok_vocab_release(struct tok_vocab *v)
{
	jbuf_release(&v->text);
	jmem_free(v->v);
	jmem_free(v->slot);
}

static size_t
vocab_slot(const struct tok_vocab *v, const void *p, size_t n)
{
	size_t i = jhash64(p, n, 0) & (v->slots - 1);

	for (; v->slot[i]; i = (i + 1) & (v->slots - 1)) {
		const struct tok_span *s = &v->v[v->slot[i] - 1];

		if (s->n == n && memcmp(v->text.p + s->at, p, n) == 0)
			break;
	}
	return i;
}

static void
vocab_rehash(struct tok_vocab *v)
{
	uint32_t *old = v->slot;
	size_t i, n = v->slots;

	v->slots = n ? 2 * n : 1024;
	v->slot = jmem_zalloc(v->slots, sizeof(*v->slot));
	for (i = 0; i < n; i++) {
		const struct tok_span *s;

		if (!old[i])
			continue;
		s = &v->v[old[i] - 1];
		v->slot[vocab_slot(v, v->text.p + s->at, s->n)] = old[i];
	}
	jmem_free(old);
}

int
tok_vocab_set(struct tok_vocab *v, uint32_t id, const char *p, size_t n, bool find, struct jerr *e)
{
	size_t i;

	if (id >= TOK_MAX_IDS || n > TOK_MAX_TOKEN)
		return jerr_set(e, JERR_LIMIT, "token id %u of %zu bytes is beyond %u ids of %u bytes",
			(unsigned)id, n, TOK_MAX_IDS, TOK_MAX_TOKEN);
	if (v->text.n + n > INT32_MAX)
		return jerr_set(e, JERR_LIMIT, "the vocabulary is over 2 GiB");
	while (v->n <= id) {
		JMEM_GROW(v->v, v->cap, v->n + 1);
		v->v[v->n++] = (struct tok_span){ 0, TOK_NONE };
	}
	if (v->v[id].n != TOK_NONE)
		return jerr_set(e, JERR_FORMAT, "token id %u is given twice", (unsigned)id);
	v->v[id] = (struct tok_span){ (uint32_t)v->text.n, (uint32_t)n };
	jbuf_add(&v->text, p, n);
	jbuf_addc(&v->text, 0);		/* terminated, for those who hand it out */
	if (!find)
		return 0;
	if (2 * (v->used + 1) > v->slots)
		vocab_rehash(v);
	i = vocab_slot(v, p, n);
	if (!v->slot[i]) {
		v->slot[i] = id + 1;
		v->used++;
	}
	return 0;
}

uint32_t
tok_vocab_find(const struct tok_vocab *v, const void *p, size_t n)
{
	size_t i;

	if (!v->slots)
		return TOK_NONE;
	i = vocab_slot(v, p, n);
	return v->slot[i] ? v->slot[i] - 1 : TOK_NONE;
}

void
tok_pairs_release(struct tok_pairs *p)
{
	jmem_free(p->slot);
	memset(p, 0, sizeof(*p));
}

static struct tok_pair *
pair_slot(struct tok_pairs *p, uint64_t key)
{
	size_t i = tok_mix(key) & (p->slots - 1);

	while (p->slot[i].key != key && p->slot[i].key != UINT64_MAX)
		i = (i + 1) & (p->slots - 1);
	return &p->slot[i];
}

void
tok_pairs_add(struct tok_pairs *p, uint32_t l, uint32_t r, uint32_t rank, uint32_t id)
{
	struct tok_pair x = { (uint64_t)l << 32 | r, rank, id };
	struct tok_pair *to;

	if (2 * (p->used + 1) > p->slots) {
		struct tok_pair *old = p->slot;
		size_t i, n = p->slots;

		p->slots = n ? 2 * n : 1024;
		p->slot = jmem_alloc(p->slots, sizeof(*p->slot));
		memset(p->slot, 0xff, p->slots * sizeof(*p->slot));
		for (i = 0; i < n; i++)
			if (old[i].key != UINT64_MAX)
				*pair_slot(p, old[i].key) = old[i];
		jmem_free(old);
	}
	to = pair_slot(p, x.key);
	if (to->key == UINT64_MAX)
		p->used++;
	*to = x;
}

void
tok_trie_init(struct tok_trie *t)
{
	memset(t, 0, sizeof(*t));
	JMEM_GROW(t->v, t->cap, 1);
	t->v[t->n++] = (struct tok_trie_node){ 0, 0, TOK_NONE, 0 };	/* 0 means none */
}

void
tok_trie_release(struct tok_trie *t)
{
	jmem_free(t->v);
	memset(t, 0, sizeof(*t));
}

static uint32_t
trie_child(const struct tok_trie *t, uint32_t node, unsigned char byte)
{
	uint32_t c = t->v[node].child;

	while (c && t->v[c].byte != byte)
		c = t->v[c].next;
	return c;
}

static uint32_t
trie_node(struct tok_trie *t, unsigned char byte, uint32_t next)
{
	JMEM_GROW(t->v, t->cap, t->n + 1);
	t->v[t->n] = (struct tok_trie_node){ 0, next, TOK_NONE, byte };
	return (uint32_t)t->n++;
}

void
tok_trie_add(struct tok_trie *t, const char *p, size_t n, uint32_t value)
{
	uint32_t at, c;
	size_t i;

	if (!n)
		return;
	at = t->root[(unsigned char)p[0]];
	if (!at)
		at = t->root[(unsigned char)p[0]] = trie_node(t, (unsigned char)p[0], 0);
	for (i = 1; i < n; i++, at = c) {
		c = trie_child(t, at, (unsigned char)p[i]);
		if (c)
			continue;
		c = trie_node(t, (unsigned char)p[i], t->v[at].child);
		t->v[at].child = c;
	}
	t->v[at].value = value;
}

size_t
tok_trie_match(const struct tok_trie *t, const char *p, size_t n, uint32_t *value)
{
	uint32_t at = n ? t->root[(unsigned char)p[0]] : 0;
	size_t i = 1, best = 0;

	for (; at; at = i < n ? trie_child(t, at, (unsigned char)p[i]) : 0, i++) {
		if (t->v[at].value == TOK_NONE)
			continue;
		best = i;
		*value = t->v[at].value;
	}
	return best;
}
