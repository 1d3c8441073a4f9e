/*
 * Training that goes on from a tokenizer: a copy that keeps its ids, and words as it encodes them.
 */
#include <string.h>

#include "merge.h"
#include "train.h"

static const struct { const char *name; enum scan_kind scan; } pres[] = {
	{ "llama3", SCAN_LLAMA3 }, { "gpt2", SCAN_GPT2 }, { "qwen2", SCAN_QWEN2 },
};

const char *
jtok_train_pre(const struct jtok *t)
{
	size_t i;

	if (t->model != TOK_BPE || !t->byte_level || t->prefix || t->suffix)
		return NULL;
	for (i = 0; i < 256; i++)
		if (t->byte_id[i] < 0)
			return NULL;
	for (i = 0; i < sizeof(pres) / sizeof(*pres); i++)
		if (pres[i].scan == t->fast)
			return pres[i].name;
	return NULL;
}

static const char *
dup(struct jtok *t, const char *s)
{
	return s ? jarena_strndup(&t->arena, s, strlen(s)) : NULL;
}

/* Added tokens get a place in the vocabulary, where new ids follow. */
static int
copy_added(struct jtok *t, const struct jtok *base, uint32_t limit, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < base->n_added; i++) {
		const struct tok_added *from = &base->added[i];
		struct tok_added *a;

		if (from->id >= limit)
			continue;
		a = tok_add_token(t, from->id, from->text, from->n);
		a->single_word = from->single_word;
		a->lstrip = from->lstrip;
		a->rstrip = from->rstrip;
		a->normalized = from->normalized;
		a->special = from->special;
		if (from->id >= t->vocab.n || t->vocab.v[from->id].n == TOK_NONE)
			rc = tok_vocab_set(&t->vocab, from->id, from->text, from->n, false, e);
	}
	return rc;
}

/* Ids below limit, and the merges that make them. */
static int
copy(struct jtok *t, const struct jtok *base, uint32_t limit, struct jerr *e)
{
	uint32_t id;
	size_t i;
	int rc = 0;

	t->byte_level = true;
	t->ignore_merges = base->ignore_merges;
	t->byte_fallback = base->byte_fallback;
	t->fuse_unk = base->fuse_unk;
	t->unk = base->unk;
	for (i = 0; i < CFG_N; i++)
		t->cfg[i] = dup(t, base->cfg[i]);
	for (id = 0; !rc && id < base->vocab.n && id < limit; id++) {
		size_t n;
		const char *p = tok_vocab_text(&base->vocab, id, &n);

		if (p)
			rc = tok_vocab_set(&t->vocab, id, p, n, tok_vocab_find(&base->vocab, p, n) == id, e);
	}
	if (!rc)
		rc = copy_added(t, base, limit, e);
	for (i = 0; i < base->merges.n; i++)
		if (base->merges.v[i - i % 3 + 2] < limit)
			jids_add(&t->merges, base->merges.v[i]);
	t->bos = base->bos;
	t->eos = base->eos;
	t->pad = base->pad;
	for (i = 0; i < base->stops.n; i++)
		jids_add(&t->stops, base->stops.v[i]);
	t->chat_template = dup(t, base->chat_template);
	return rc;
}

int
extend_copy(struct jtok *t, const struct jtok *base, struct jerr *e)
{
	return copy(t, base, UINT32_MAX, e);
}

int
jtok_truncate(struct jtok **out, const struct jtok *base, uint32_t vocab_size, struct jerr *e)
{
	struct jtok *t = tok_new("the cut tokenizer");
	int rc = copy(t, base, vocab_size, e);
	size_t i;

	for (i = 0; !rc && i < t->merges.n; i += 3)
		tok_pairs_add(&t->pairs, t->merges.v[i], t->merges.v[i + 1], (uint32_t)(i / 3), t->merges.v[i + 2]);
	if (!rc)
		rc = tok_finish(t, e);
	if (rc) {
		jtok_free(t);
		return rc;
	}
	*out = t;
	return 0;
}

/* The word as one token, where words of the vocabulary are taken whole. */
static uint32_t
whole_word(const struct jtok *base, const uint32_t *sym, size_t n, struct jbuf *b)
{
	size_t i, k;

	if (!base->ignore_merges)
		return TOK_NONE;
	jbuf_reset(b);
	for (i = 0; i < n; i++) {
		const char *p = tok_vocab_text(&base->vocab, sym[i], &k);

		jbuf_add(b, p, k);
	}
	return tok_vocab_find(&base->vocab, b->p, b->n);
}

void
extend_words(struct train_words *w, const struct jtok *base)
{
	struct tok_merger m = { .pairs = &base->pairs };
	struct jbuf b;
	size_t i;

	jbuf_init(&b);
	for (i = 0; i < w->n; i++) {
		struct train_word *v = train_words_at(w, i);
		uint32_t *sym = w->sym + v->at, id = whole_word(base, sym, v->n, &b);

		if (id == TOK_NONE) {
			v->n = (uint32_t)tok_merge(&m, sym, v->n);
			continue;
		}
		sym[0] = id;
		v->n = 1;
	}
	jbuf_release(&b);
	tok_merger_release(&m);
}
