/*
 * Encoding: added tokens are cut out first (those that match the raw text, then, after
 * normalisation, those that match the normalised one); what lies between is pre-tokenized and each
 * word goes to the model.
 */
#include <string.h>

#include "norm.h"
#include "pre.h"
#include "tok.h"
#include "uni.h"
#include "words.h"

#define MAX_TEXT ((size_t)INT32_MAX)

struct jtok_state {
	const struct jtok *t;
	struct tok_words *words;
	struct jbuf norm[2];
	struct pieces pieces[3];
};

struct jtok_state *
jtok_state_new(const struct jtok *t)
{
	struct jtok_state *s = jmem_zalloc(1, sizeof(*s));
	int i;

	s->t = t;
	s->words = tok_words_new(t);
	for (i = 0; i < 2; i++)
		jbuf_init(&s->norm[i]);
	for (i = 0; i < 3; i++)
		pieces_init(&s->pieces[i]);
	return s;
}

void
jtok_state_free(struct jtok_state *s)
{
	int i;

	if (!s)
		return;
	tok_words_free(s->words);
	for (i = 0; i < 2; i++)
		jbuf_release(&s->norm[i]);
	for (i = 0; i < 3; i++)
		pieces_release(&s->pieces[i]);
	jmem_free(s);
}

const struct jtok *
tok_state_tok(const struct jtok_state *s)
{
	return s->t;
}

/* One run of input on its way through the stages. */
struct run {
	struct jtok_state *s;
	unsigned flags;
	bool first;			/* begins the input */
	struct jids *ids;
	struct jerr *e;
};

/* Normalised text without added tokens: words to the model. */
static int
model_text(struct run *r, const char *text, size_t n)
{
	struct jtok_state *s = r->s;
	const struct jtok *t = s->t;
	const unsigned char *p = (const unsigned char *)text, *end = p + n;
	size_t i;
	int rc;

	if (!n)
		return 0;
	if (t->fast != SCAN_NONE) {
		while (p < end) {
			size_t k = scan_next(t->fast, p, (size_t)(end - p));

			tok_words_add(s->words, p, k, end, r->ids);
			p += k;
		}
		return 0;
	}
	jbuf_reset(&s->pieces[0].text);
	jbuf_add(&s->pieces[0].text, text, n);
	s->pieces[0].n = 0;
	JMEM_GROW(s->pieces[0].v, s->pieces[0].cap, 1);
	s->pieces[0].v[s->pieces[0].n++] = (struct pre_span){ 0, n };
	rc = pre_apply(t, &s->pieces[0], &s->pieces[1], &s->pieces[2], r->first, r->e);
	if (rc)
		return rc;
	p = (const unsigned char *)s->pieces[0].text.p;
	end = p + s->pieces[0].text.n;
	for (i = 0; i < s->pieces[0].n; i++) {
		const struct pre_span *v = &s->pieces[0].v[i];
		const unsigned char *q = p + v->at, *stop = q + v->n;

		while (q < stop) {
			size_t k = t->cut_spaces ? scan_next(SCAN_SPACES, q, (size_t)(stop - q)) :
				(size_t)(stop - q);

			tok_words_add(s->words, q, k, end, r->ids);
			q += k;
		}
	}
	return 0;
}

static bool
word_before(const char *p, size_t at)
{
	unsigned cls = 0;

	if (at)
		uni_step_back((const unsigned char *)p, (const unsigned char *)p + at, &cls);
	return cls & UNI_W;
}

static bool
word_after(const char *p, size_t n, size_t at)
{
	unsigned cls = 0;

	if (at < n)
		uni_step((const unsigned char *)p + at, (const unsigned char *)p + n, &cls);
	return cls & UNI_W;
}

/* Where a match grows to over the white space around it; not before `from`. */
static void
grow_match(const struct tok_added *a, const char *p, size_t n, size_t from, size_t *at, size_t *to)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned cls;

	while (a->lstrip && *at > from) {
		int k = uni_step_back(u, u + *at, &cls);

		if (!(cls & UNI_S))
			break;
		*at -= (size_t)k;
	}
	while (a->rstrip && *to < n) {
		int k = uni_step(u + *to, u + n, &cls);

		if (!(cls & UNI_S))
			break;
		*to += (size_t)k;
	}
}

/*
 * Cuts added tokens of one trie out of the text and hands what is between to stage().  A match that
 * the flags refuse is skipped over, as Hugging Face does.
 */
static int
cut_added(struct run *r, const struct tok_trie *trie, const char *p, size_t n,
	int (*stage)(struct run *r, const char *p, size_t n))
{
	const struct jtok *t = r->s->t;
	size_t from = 0, i = 0;
	int rc = 0;

	while (trie->n > 1 && i < n) {
		const struct tok_added *a;
		uint32_t which;
		size_t len, at, to;

		len = trie->root[(unsigned char)p[i]] ? tok_trie_match(trie, p + i, n - i, &which) : 0;
		if (!len) {
			i++;
			continue;
		}
		a = &t->added[which];
		at = i;
		to = i += len;
		if (a->special && !(r->flags & JTOK_SPECIAL))
			continue;
		if (a->single_word && (word_before(p, at) || word_after(p, n, to)))
			continue;
		grow_match(a, p, n, from, &at, &to);
		if (at > from)
			rc = stage(r, p + from, at - from);
		if (rc)
			return rc;
		jids_add(r->ids, a->id);
		r->first = false;
		from = to;
		if (i < from)
			i = from;
	}
	return from < n ? stage(r, p + from, n - from) : 0;
}

static int
normed_text(struct run *r, const char *p, size_t n)
{
	int rc = model_text(r, p, n);

	r->first = false;
	return rc;
}

static int
raw_text(struct run *r, const char *p, size_t n)
{
	struct jtok_state *s = r->s;
	int rc;

	if (!norm_is_noop(s->t, p, n)) {
		jbuf_reset(&s->norm[0]);
		jbuf_add(&s->norm[0], p, n);
		rc = norm_apply(s->t, &s->norm[0], &s->norm[1], r->e);
		if (rc)
			return rc;
		p = s->norm[0].p;
		n = s->norm[0].n;
	}
	return cut_added(r, &s->t->normed, p, n, normed_text);
}

int
jtok_encode(struct jtok_state *s, const char *text, size_t n, unsigned flags, struct jids *ids,
	struct jerr *e)
{
	struct run r = { s, flags, true, ids, e };
	const struct jtok *t = s->t;
	size_t i;
	int rc;

	if (n > MAX_TEXT)
		return jerr_set(e, JERR_LIMIT, "a text of %zu bytes is over the limit of %zu", n, MAX_TEXT);
	if (flags & JTOK_ADD_BOS_EOS)
		for (i = 0; i < t->before.n; i++)
			jids_add(ids, t->before.v[i]);
	rc = cut_added(&r, &t->raw, text, n, raw_text);
	if (flags & JTOK_ADD_BOS_EOS)
		for (i = 0; i < t->after.n; i++)
			jids_add(ids, t->after.v[i]);
	return rc;
}
