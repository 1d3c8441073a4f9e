#include "words.h"

#include <string.h>

#include "unigram.h"

struct tok_words {
	const struct jtok *t;
	struct tok_bpe *bpe;
	struct unigram *unigram;
	struct jbuf piece;
};

struct tok_words *
tok_words_new(const struct jtok *t)
{
	struct tok_words *w = jmem_zalloc(1, sizeof(*w));

	w->t = t;
	jbuf_init(&w->piece);
	if (t->model == TOK_BPE)
		w->bpe = tok_bpe_new(t);
	else if (t->model == TOK_UNIGRAM)
		w->unigram = unigram_new(t);
	return w;
}

void
tok_words_free(struct tok_words *w)
{
	if (!w)
		return;
	tok_bpe_free(w->bpe);
	unigram_free(w->unigram);
	jbuf_release(&w->piece);
	jmem_free(w);
}

/* Longest piece of the rest of the word that is in the vocabulary, or 0. */
static size_t
longest_piece(struct tok_words *w, const unsigned char *p, size_t at, size_t n, uint32_t *id)
{
	size_t k, base;

	jbuf_reset(&w->piece);
	if (at && w->t->prefix)
		jbuf_adds(&w->piece, w->t->prefix);
	base = w->piece.n;
	jbuf_add(&w->piece, p + at, n - at);
	for (k = n - at; k > 0; k--) {
		if (at + k < n && (p[at + k] & 0xC0) == 0x80)
			continue;
		*id = tok_vocab_find(&w->t->vocab, w->piece.p, base + k);
		if (*id != TOK_NONE)
			return k;
	}
	return 0;
}

/* WordPiece: the longest piece first, again and again; a word that has none is unknown as a whole. */
static void
wordpiece(struct tok_words *w, const unsigned char *p, size_t n, struct jids *out)
{
	size_t first = out->n, at = 0, chars = 0, i;

	for (i = 0; i < n; i++)
		chars += (p[i] & 0xC0) != 0x80;
	while (at < n && chars <= w->t->max_word) {
		uint32_t id;
		size_t k = longest_piece(w, p, at, n, &id);

		if (!k)
			break;
		jids_add(out, id);
		at += k;
	}
	if (at == n)
		return;
	out->n = first;
	if (w->t->unk != TOK_NONE)
		jids_add(out, w->t->unk);
}

void
tok_words_add(struct tok_words *w, const unsigned char *p, size_t n, const unsigned char *end,
	struct jids *out)
{
	if (w->bpe)
		tok_bpe_word(w->bpe, p, n, end, out);
	else if (w->unigram)
		unigram_word(w->unigram, p, n, out);
	else
		wordpiece(w, p, n, out);
}
