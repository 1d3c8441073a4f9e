/*
 * Vocabularies without a list of merges (sentencepiece, tiktoken): any two neighbours whose
 * concatenation is a token may merge, best token first.  Written out once as pairs, they are then
 * encoded like any other.  Characters that are no tokens themselves but parts of one get ids above
 * the vocabulary, so that merging by text and merging by pair come to the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jutf8.h"
#include "tok.h"

struct merge {
	uint32_t rank, l, r, id;
};

static int
by_rank(const void *a, const void *b)
{
	const struct merge *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->l != y->l)
		return x->l < y->l ? -1 : 1;
	return x->r < y->r ? -1 : x->r > y->r;
}

static void
add_pseudo(struct jtok *t, const uint32_t *rank)
{
	uint32_t id, n = (uint32_t)t->vocab.n, next = n;
	struct jerr e = { 0 };

	t->pseudo = n;
	for (id = 0; id < n; id++) {
		size_t len, i = 0;
		char piece[8];

		if (rank[id] == TOK_NONE || !tok_vocab_text(&t->vocab, id, &len))
			continue;
		while (i < len && next < TOK_MAX_IDS) {
			const char *p = tok_vocab_text(&t->vocab, id, &len) + i;
			uint32_t c;
			int k = jutf8_decode(p, len - i, &c);
			size_t step = k < 0 ? 1 : (size_t)k;

			memcpy(piece, p, step);
			if (step < len && tok_vocab_find(&t->vocab, piece, step) == TOK_NONE)
				tok_vocab_set(&t->vocab, next++, piece, step, true, &e);
			i += step;
		}
	}
}

void
tok_merges_from_ranks(struct jtok *t, const uint32_t *rank)
{
	uint32_t id, n = (uint32_t)t->vocab.n;
	struct merge *v = NULL;
	size_t count = 0, cap = 0, i;

	if (!t->byte_level)
		add_pseudo(t, rank);
	for (id = 0; id < n; id++) {
		size_t len, k;
		const char *p = tok_vocab_text(&t->vocab, id, &len);

		if (rank[id] == TOK_NONE || !p)
			continue;
		for (k = 1; k < len; k++) {
			uint32_t l, r;

			if (!t->byte_level && ((unsigned char)p[k] & 0xC0) == 0x80)
				continue;
			l = tok_vocab_find(&t->vocab, p, k);
			r = l == TOK_NONE ? l : tok_vocab_find(&t->vocab, p + k, len - k);
			if (r == TOK_NONE)
				continue;
			JMEM_GROW(v, cap, count + 1);
			v[count++] = (struct merge){ rank[id], l, r, id };
		}
	}
	if (count)
		qsort(v, count, sizeof(*v), by_rank);
	for (i = 0; i < count; i++) {
		tok_pairs_add(&t->pairs, v[i].l, v[i].r, v[i].rank, v[i].id);
		jids_add(&t->merges, v[i].l);
		jids_add(&t->merges, v[i].r);
		jids_add(&t->merges, v[i].id);
	}
	jmem_free(v);
}
