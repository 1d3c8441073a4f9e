/*
 * Viterbi over the bytes of a word: best[i] is the best sum of scores of pieces that end at i.  A
 * character that no piece covers costs ten less than the worst piece; several in a row are one
 * unknown, or their bytes.  (Kudo 2018; the constants are sentencepiece's.)
 */
#include "unigram.h"

#include <float.h>
#include <string.h>

#include "base/jutf8.h"

#define UNK_PENALTY 10.0

struct node {
	double score;
	uint32_t from, id;
};

struct unigram {
	const struct jtok *t;
	struct tok_trie trie;
	double unk_score;
	struct node *best;
	size_t cap;
	uint32_t *path;
	size_t path_cap;
};

struct unigram *
unigram_new(const struct jtok *t)
{
	struct unigram *u = jmem_zalloc(1, sizeof(*u));
	double least = DBL_MAX;
	uint32_t id;

	u->t = t;
	tok_trie_init(&u->trie);
	for (id = 0; id < t->vocab.n && id < t->scores_n; id++) {
		size_t n;
		const char *p = tok_vocab_text(&t->vocab, id, &n);

		if (!p || !n || (t->types && t->types[id] != TYPE_NORMAL))
			continue;
		tok_trie_add(&u->trie, p, n, id);
		if (t->scores[id] < least)
			least = (double)t->scores[id];
	}
	u->unk_score = (least == DBL_MAX ? 0 : least) - UNK_PENALTY;
	return u;
}

void
unigram_free(struct unigram *u)
{
	if (!u)
		return;
	tok_trie_release(&u->trie);
	jmem_free(u->best);
	jmem_free(u->path);
	jmem_free(u);
}

static void
reach(struct unigram *u, size_t from, size_t to, uint32_t id, double score)
{
	struct node *b = &u->best[to];

	score += u->best[from].score;
	if (b->from == TOK_NONE || score > b->score)
		*b = (struct node){ score, (uint32_t)from, id };
}

static uint32_t
trie_step(const struct tok_trie *t, uint32_t at, unsigned char byte)
{
	for (at = t->v[at].child; at && t->v[at].byte != byte; )
		at = t->v[at].next;
	return at;
}

/* All pieces that begin at position i, and the unknown character if none is that one character. */
static void
expand(struct unigram *u, const unsigned char *p, size_t n, size_t i)
{
	uint32_t at = u->trie.root[p[i]], c;
	int step = jutf8_decode((const char *)p + i, n - i, &c);
	size_t one = step < 0 ? 1 : (size_t)step, k = 1;
	bool single = false;

	for (; at; k++) {
		uint32_t id = u->trie.v[at].value;

		if (id != TOK_NONE) {
			reach(u, i, i + k, id, (double)u->t->scores[id]);
			single |= k == one;
		}
		at = i + k < n ? trie_step(&u->trie, at, p[i + k]) : 0;
	}
	if (!single)
		reach(u, i, i + one, TOK_NONE, u->unk_score);
}

static void
put_unknown(const struct jtok *t, const unsigned char *p, size_t n, struct jids *out)
{
	size_t i;
	bool all = t->byte_fallback;

	for (i = 0; all && i < n; i++)
		all = t->byte_id[p[i]] >= 0;
	for (i = 0; all && i < n; i++)
		jids_add(out, (uint32_t)t->byte_id[p[i]]);
	if (!all && t->unk != TOK_NONE)
		jids_add(out, t->unk);
}

void
unigram_word(struct unigram *u, const unsigned char *p, size_t n, struct jids *out)
{
	size_t i, hops = 0, at;

	JMEM_GROW(u->best, u->cap, n + 1);
	JMEM_GROW(u->path, u->path_cap, n + 1);
	for (i = 0; i <= n; i++)
		u->best[i].from = TOK_NONE;
	u->best[0] = (struct node){ 0, 0, 0 };
	for (i = 0; i < n; i++)
		if (u->best[i].from != TOK_NONE)
			expand(u, p, n, i);
	for (at = n; at; at = u->best[at].from)
		u->path[hops++] = (uint32_t)at;
	while (hops) {
		size_t to = u->path[--hops], from = u->best[to].from;

		if (u->best[to].id != TOK_NONE) {
			jids_add(out, u->best[to].id);
			continue;
		}
		while (hops && u->best[u->path[hops - 1]].id == TOK_NONE)
			to = u->path[--hops];
		put_unknown(u->t, p + from, to - from, out);
	}
}
