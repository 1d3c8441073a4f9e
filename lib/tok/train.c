/*
 * Counting to the end, and from merges to a tokenizer.  Merging itself is in trainmerge.c.
 */
#include <string.h>

#include "count.h"
#include "io/jsort.h"
#include "jtemplate.h"
#include "tok.h"
#include "train.h"

const char *const jtok_default_special[4] = {
	"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"
};

struct jtok_trainer {
	struct jtok_train_opts o;
	struct jtok_count *all;
	struct jsort *spill;
	struct train_words words;
};

static int
check_size(const struct jtok_train_opts *o, struct jerr *e)
{
	if (o->base && (o->vocab_size <= jtok_vocab_size(o->base) || o->vocab_size > TOK_MAX_IDS))
		return jerr_set(e, JERR_ARG, "a vocabulary of %u: expected more than the %u tokens of %s, at most %u",
			(unsigned)o->vocab_size, (unsigned)jtok_vocab_size(o->base), o->base->name, TOK_MAX_IDS);
	if (!o->base && (o->vocab_size < 256 + o->n_special || o->vocab_size > TOK_MAX_IDS))
		return jerr_set(e, JERR_ARG, "a vocabulary of %u: expected at least %zu (256 bytes and %zu special "
			"tokens), at most %u", (unsigned)o->vocab_size, 256 + o->n_special, o->n_special, TOK_MAX_IDS);
	return 0;
}

int
jtok_trainer_new(struct jtok_trainer **out, const struct jtok_train_opts *o, struct jerr *e)
{
	struct jtok_trainer *t;
	struct jtok_count *all = jtok_count_new(o->pre);
	int rc;

	if (!all)
		return jerr_set(e, JERR_ARG, "pre-tokenizer \"%s\": expected llama3, gpt2 or qwen2", o->pre);
	rc = check_size(o, e);
	if (rc) {
		jtok_count_free(all);
		return rc;
	}
	t = jmem_zalloc(1, sizeof(*t));
	t->o = *o;
	t->all = all;
	train_words_init(&t->words, o->memory);
	*out = t;
	return 0;
}

void
jtok_trainer_free(struct jtok_trainer *t)
{
	if (!t)
		return;
	jtok_count_free(t->all);
	jsort_close(t->spill);
	train_words_release(&t->words);
	jmem_free(t);
}

static void
put_be(unsigned char *p, uint64_t v, int bytes)
{
	while (bytes--) {
		p[bytes] = (unsigned char)v;
		v >>= 8;
	}
}

static uint64_t
get_be(const unsigned char *p, int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | *p++;
	return v;
}

/* The table as sorted records: length, word, count; big-endian, so that equal words meet. */
static int
spill(struct jtok_trainer *t, struct jerr *e)
{
	struct jbuf b;
	size_t i;
	int rc = 0;

	if (!t->spill)
		rc = jsort_open(&t->spill, (size_t)(t->o.memory / 4), NULL, e);
	jbuf_init(&b);
	for (i = 0; !rc && i < t->all->n; i++) {
		const struct count_word *w = &t->all->v[i];
		unsigned char head[4], tail[8];

		put_be(head, w->n, 4);
		put_be(tail, w->count, 8);
		jbuf_reset(&b);
		jbuf_add(&b, head, 4);
		jbuf_add(&b, t->all->text + w->at, w->n);
		jbuf_add(&b, tail, 8);
		rc = jsort_add(t->spill, b.p, b.n, e);
	}
	jbuf_release(&b);
	count_clear(t->all);
	return rc;
}

int
jtok_trainer_add(struct jtok_trainer *t, struct jtok_count *c, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; i < c->n; i++)
		count_add(t->all, c->text + c->v[i].at, c->v[i].n, c->v[i].count);
	count_clear(c);
	if (jtok_count_bytes(t->all) > t->o.memory / 6)
		rc = spill(t, e);
	return rc;
}

/* Sorted records back to words: neighbours with the same text are one. */
static int
collect_spilled(struct jtok_trainer *t, struct jerr *e)
{
	struct jbuf last;
	uint64_t count = 0;
	const void *p;
	size_t n;
	int rc = spill(t, e);

	jbuf_init(&last);
	if (!rc)
		rc = jsort_finish(t->spill, e);
	while (!rc && (rc = jsort_next(t->spill, &p, &n, e)) == 1) {
		rc = 0;
		if (last.n && (last.n != n - 8 || memcmp(last.p, p, n - 8) != 0)) {
			rc = train_words_add(&t->words, (unsigned char *)last.p + 4, last.n - 4, count, e);
			if (rc)
				break;
			count = 0;
		}
		count += get_be((const unsigned char *)p + n - 8, 8);
		jbuf_reset(&last);
		jbuf_add(&last, p, n - 8);
	}
	if (!rc && last.n)
		rc = train_words_add(&t->words, (unsigned char *)last.p + 4, last.n - 4, count, e);
	jbuf_release(&last);
	jsort_close(t->spill);
	t->spill = NULL;
	return rc;
}

static int
collect(struct jtok_trainer *t, struct jerr *e)
{
	size_t i;
	int rc = 0;

	if (t->spill)
		return collect_spilled(t, e);
	for (i = 0; !rc && i < t->all->n; i++) {
		const struct count_word *w = &t->all->v[i];

		rc = train_words_add(&t->words, (const unsigned char *)t->all->text + w->at, w->n, w->count, e);
	}
	count_clear(t->all);
	return rc;
}

/* Special tokens, then the bytes in the order of their printable characters. */
static int
set_alphabet(struct jtok_trainer *tr, struct jtok *t, struct jerr *e)
{
	uint32_t id = 0, order[256 + 68] = { 0 }, b;
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < tr->o.n_special; i++, id++) {
		struct tok_added *a = tok_add_token(t, id, tr->o.special[i], strlen(tr->o.special[i]));

		a->special = true;
		rc = tok_vocab_set(&t->vocab, id, a->text, a->n, false, e);
	}
	for (b = 0; b < 256; b++)
		order[tok_byte_char((unsigned char)b)] = b + 1;
	for (i = 0; !rc && i < 256 + 68; i++) {
		char c = (char)(order[i] - 1);

		if (!order[i])
			continue;
		tr->words.byte_id[order[i] - 1] = id;
		rc = tok_vocab_set(&t->vocab, id++, &c, 1, true, e);
	}
	return rc;
}

static void
set_roles(struct jtok *t)
{
	t->eos = jtok_id(t, "<|endoftext|>");
	t->pad = jtok_id(t, "<|pad|>");
	if (jtok_id(t, "<|im_start|>") >= 0 && jtok_id(t, "<|im_end|>") >= 0)
		t->chat_template = jtemplate_chatml;
}

/* What there is before the first merge. */
static int
begin(struct jtok_trainer *tr, struct jtok *t, struct jerr *e)
{
	enum scan_kind scan = tr->all->scan;

	if (tr->o.base) {
		memcpy(tr->words.byte_id, tr->o.base->byte_id, sizeof(tr->words.byte_id));
		return extend_copy(t, tr->o.base, e);
	}
	t->byte_level = true;
	/* The name "llama-bpe" of GGUF means that words of the vocabulary are taken whole. */
	t->ignore_merges = scan == SCAN_LLAMA3;
	tok_set_byte_level(t, scan);
	return set_alphabet(tr, t, e);
}

int
jtok_trainer_run(struct jtok_trainer *tr, struct jtok **out,
	int (*tick)(void *arg, uint64_t done, uint64_t total), void *arg, struct jerr *e)
{
	struct train_plan plan = { tr->o.vocab_size, tr->o.min_frequency, tick, arg };
	struct jtok *t = tok_new("the new tokenizer");
	int rc = begin(tr, t, e);

	if (!rc)
		rc = collect(tr, e);
	if (!rc && tr->o.base)
		extend_words(&tr->words, tr->o.base);
	if (!rc)
		rc = train_merge(&tr->words, t, &plan, e);
	if (!rc) {
		if (!tr->o.base)
			set_roles(t);
		rc = tok_finish(t, e);
	}
	if (rc) {
		jtok_free(t);
		return rc;
	}
	*out = t;
	return 0;
}
