/*
 * Every step is "find the ranges that match, then cut as the behaviour says", as in HF tokenizers;
 * only what finds the ranges differs.
 */
#include "pre.h"

#include <string.h>

#include "uni.h"

void
pieces_init(struct pieces *p)
{
	memset(p, 0, sizeof(*p));
	jbuf_init(&p->text);
}

void
pieces_release(struct pieces *p)
{
	jbuf_release(&p->text);
	jmem_free(p->v);
}

static void
add_piece(struct pieces *p, size_t at, size_t n)
{
	JMEM_GROW(p->v, p->cap, p->n + 1);
	p->v[p->n++] = (struct pre_span){ at, n };
}

static void
hit(void *arg, size_t from, size_t to)
{
	add_piece(arg, from, to - from);
}

static bool
is_punct(const unsigned char *p, size_t n)
{
	uint32_t cp = *p;

	if (cp >= 0x80)
		uni_step_multi(p, p + n, &cp);
	return uni_bert_of(cp) & UNI_BERT_PUNCT;
}

/* Runs (or single characters) whose class is in mask, or for mask 0 that are punctuation. */
static void
find_class(const unsigned char *p, size_t n, unsigned mask, bool single, struct pieces *hits)
{
	size_t i = 0, start = 0;
	bool inside = false;

	while (i < n) {
		unsigned cls;
		size_t k = (size_t)uni_step(p + i, p + n, &cls);
		bool is = mask ? cls & mask : is_punct(p + i, n - i);

		if (inside && (!is || single)) {
			hit(hits, start, i);
			inside = false;
		}
		if (is && !inside) {
			start = i;
			inside = true;
		}
		i += k;
	}
	if (inside)
		hit(hits, start, n);
}

static void
find_bytes(const unsigned char *p, size_t n, const char *mark, size_t m, struct pieces *hits)
{
	size_t i = 0;

	while (m && i + m <= n) {
		if (memcmp(p + i, mark, m) == 0) {
			hit(hits, i, i + m);
			i += m;
		} else {
			i++;
		}
	}
}

/* \w+|[^\w\s]+ */
static void
find_words(const unsigned char *p, size_t n, struct pieces *hits)
{
	size_t i = 0, start = 0;
	int kind = 0;			/* 0 space, 1 word, 2 other */

	while (i < n) {
		unsigned cls;
		size_t k = (size_t)uni_step(p + i, p + n, &cls);
		int now = cls & UNI_W ? 1 : cls & UNI_S ? 0 : 2;

		if (now != kind) {
			if (kind)
				hit(hits, start, i);
			start = i;
			kind = now;
		}
		i += k;
	}
	if (kind)
		hit(hits, start, n);
}

static void
find_fixed(const unsigned char *p, size_t n, size_t length, struct pieces *hits)
{
	size_t i = 0, start = 0, chars = 0;
	unsigned cls;

	while (i < n) {
		i += (size_t)uni_step(p + i, p + n, &cls);
		if (++chars == length || i >= n) {
			hit(hits, start, i);
			start = i;
			chars = 0;
		}
	}
}

static int
find(const struct tok_pre *s, const char *text, size_t n, struct pieces *hits, struct jerr *e)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at, k;

	switch (s->kind) {
	case PRE_SCAN:
		for (at = 0; at < n; at += k) {
			k = scan_next(s->scan, p + at, n - at);
			hit(hits, at, at + k);
		}
		return 0;
	case PRE_SPLIT:
		return rx_each(s->rx, text, n, hit, hits, e);
	case PRE_DIGITS:
		find_class(p, n, UNI_N, s->individual, hits);
		return 0;
	case PRE_PUNCT:
		find_class(p, n, 0, true, hits);
		return 0;
	case PRE_SPACE_SPLIT:
		find_class(p, n, UNI_S, true, hits);
		return 0;
	case PRE_WHITESPACE:
		find_words(p, n, hits);
		return 0;
	case PRE_FIXED:
		find_fixed(p, n, s->length, hits);
		return 0;
	default:
		find_bytes(p, n, s->mark, s->mark_n, hits);
		return 0;
	}
}

/* Cuts the piece at base of out's text by hits: from MergedWith... to Removed. */
struct cutter {
	enum pre_behavior behavior;
	size_t base;
	struct pieces *out;
	size_t first;			/* pieces of out that belong to others */
	bool last_matched;
};

static void
cut(struct cutter *c, size_t from, size_t to, bool match)
{
	struct pieces *o = c->out;
	bool any = o->n > c->first;

	if (from == to)
		return;
	if (c->behavior == PRE_REMOVED) {
		if (!match)
			add_piece(o, c->base + from, to - from);
		return;
	}
	if (any && ((c->behavior == PRE_PREVIOUS && match && !c->last_matched) ||
	    (c->behavior == PRE_NEXT && !match && c->last_matched) ||
	    (c->behavior == PRE_CONTIGUOUS && match == c->last_matched)))
		o->v[o->n - 1].n += to - from;
	else
		add_piece(o, c->base + from, to - from);
	c->last_matched = match;
}

static int
split_piece(const struct tok_pre *s, const struct pieces *in, size_t i, struct pieces *out,
	struct pieces *hits, struct jerr *e)
{
	struct cutter c = { s->behavior, in->v[i].at, out, out->n, false };
	size_t k, at = 0;
	int rc;

	hits->n = 0;
	rc = find(s, in->text.p + in->v[i].at, in->v[i].n, hits, e);
	if (rc)
		return rc;
	for (k = 0; k < hits->n; k++) {
		cut(&c, at, hits->v[k].at, s->invert);
		at = hits->v[k].at + hits->v[k].n;
		cut(&c, hits->v[k].at, at, !s->invert);
	}
	cut(&c, at, in->v[i].n, s->invert);
	return 0;
}

/* Spaces become the mark, one may be put in front, and pieces begin at marks. */
static void
metaspace(const struct tok_pre *s, const struct pieces *in, size_t i, bool first,
	struct pieces *out, struct pieces *hits)
{
	const char *p = in->text.p + in->v[i].at;
	size_t n = in->v[i].n, start = out->text.n, k;
	struct cutter c = { PRE_NEXT, start, out, out->n, false };
	size_t at = 0;

	if (s->prepend != PREPEND_NEVER && (s->prepend == PREPEND_ALWAYS || first) && n && p[0] != ' ' &&
	    (n < s->mark_n || memcmp(p, s->mark, s->mark_n) != 0))
		jbuf_add(&out->text, s->mark, s->mark_n);
	for (k = 0; k < n; k++) {
		if (p[k] == ' ')
			jbuf_add(&out->text, s->mark, s->mark_n);
		else
			jbuf_addc(&out->text, (unsigned char)p[k]);
	}
	n = out->text.n - start;
	if (!s->split) {
		add_piece(out, start, n);
		return;
	}
	hits->n = 0;
	find_bytes((const unsigned char *)out->text.p + start, n, s->mark, s->mark_n, hits);
	for (k = 0; k < hits->n; k++) {
		cut(&c, at, hits->v[k].at, false);
		at = hits->v[k].at + hits->v[k].n;
		cut(&c, hits->v[k].at, at, true);
	}
	cut(&c, at, n, false);
}

static void
prefix_space(const struct pieces *in, size_t i, struct pieces *out)
{
	const char *p = in->text.p + in->v[i].at;
	size_t start = out->text.n;

	if (in->v[i].n && p[0] != ' ')
		jbuf_addc(&out->text, ' ');
	jbuf_add(&out->text, p, in->v[i].n);
	add_piece(out, start, out->text.n - start);
}

static int
apply_one(const struct tok_pre *s, struct pieces *in, struct pieces *out, struct pieces *hits,
	bool first, struct jerr *e)
{
	bool changes = s->kind == PRE_METASPACE || s->kind == PRE_PREFIX_SPACE;
	size_t i;
	int rc = 0;

	out->n = 0;
	jbuf_reset(&out->text);
	for (i = 0; !rc && i < in->n; i++) {
		if (s->kind == PRE_METASPACE)
			metaspace(s, in, i, first && i == 0, out, hits);
		else if (s->kind == PRE_PREFIX_SPACE)
			prefix_space(in, i, out);
		else
			rc = split_piece(s, in, i, out, hits, e);
	}
	if (!changes) {			/* the pieces are of the same text */
		struct jbuf x = in->text;

		in->text = out->text;
		out->text = x;
	}
	return rc;
}

int
pre_apply(const struct jtok *t, struct pieces *a, struct pieces *b, struct pieces *hits, bool first,
	struct jerr *e)
{
	size_t i;

	for (i = 0; i < t->n_pre; i++) {
		struct pieces x;
		int rc = apply_one(&t->pre[i], a, b, hits, first, e);

		if (rc)
			return rc;
		x = *a;
		*a = *b;
		*b = x;
	}
	return 0;
}
