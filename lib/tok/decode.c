/*
 * Decoding.  What each token looks like in text is worked out once when loading (the steps of the
 * decoder that look at one token); what is left looks at the whole: a space that the encoder put
 * in front goes, and WordPiece joins.  Bytes that make no UTF-8 stay as they are.
 */
#include <stdlib.h>
#include <string.h>

#include "tok.h"

enum dec_kind { DEC_BYTES, DEC_REPLACE, DEC_BYTE_FALLBACK, DEC_FUSE, DEC_STRIP, DEC_METASPACE,
	DEC_WORDPIECE, DEC_BPE };

struct tok_dec {
	enum dec_kind kind;
	const char *from, *to;
	size_t from_n, to_n;
	int start, stop;		/* STRIP: how many at either end of the whole */
	bool fused;			/* after a FUSE: acts on the whole text */
	bool cleanup;
};

static const char *
keep(struct jtok *t, const char *s, size_t *n)
{
	*n = strlen(s);
	return jarena_strndup(&t->arena, s, *n);
}

static int
parse_one(struct jtok *t, const struct jval *v, const char *type, struct jerr *e)
{
	struct tok_dec d = { .kind = DEC_FUSE };
	const struct jval *p = jval_get(v, "pattern");
	size_t i;

	for (i = 0; i < t->n_dec; i++)
		d.fused |= t->dec[i].kind == DEC_FUSE;
	if (strcmp(type, "ByteLevel") == 0) {
		d.kind = DEC_BYTES;
	} else if (strcmp(type, "ByteFallback") == 0) {
		d.kind = DEC_BYTE_FALLBACK;
	} else if (strcmp(type, "Metaspace") == 0) {
		const char *fallback = jval_bool(v, "add_prefix_space", true) ? "always" : "never";

		d.kind = DEC_METASPACE;
		d.from = keep(t, jval_str(v, "replacement", "\xE2\x96\x81"), &d.from_n);
		d.start = strcmp(jval_str(v, "prepend_scheme", fallback), "never") != 0;
	} else if (strcmp(type, "Replace") == 0 && p && jval_get(p, "String")) {
		d.kind = DEC_REPLACE;
		d.from = keep(t, jval_str(p, "String", ""), &d.from_n);
		d.to = keep(t, jval_str(v, "content", ""), &d.to_n);
	} else if (strcmp(type, "Strip") == 0) {
		d.kind = DEC_STRIP;
		d.from = keep(t, jval_str(v, "content", " "), &d.from_n);
		d.start = (int)jval_int(v, "start", 0);
		d.stop = (int)jval_int(v, "stop", 0);
	} else if (strcmp(type, "BPEDecoder") == 0) {
		d.kind = DEC_BPE;
		d.from = keep(t, jval_str(v, "suffix", "</w>"), &d.from_n);
	} else if (strcmp(type, "WordPiece") == 0) {
		d.kind = DEC_WORDPIECE;
		d.from = keep(t, jval_str(v, "prefix", "##"), &d.from_n);
		d.cleanup = jval_bool(v, "cleanup", true);
	} else if (strcmp(type, "Fuse") != 0) {
		return jerr_set(e, JERR_UNSUPPORTED, "decoder \"%s\" is not known", type);
	}
	t->dec = jmem_realloc(t->dec, t->n_dec + 1, sizeof(*t->dec));
	t->dec[t->n_dec++] = d;
	return 0;
}

static int
parse(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const char *type = jval_str(v, "type", "");
	const struct jval *l;
	size_t i;
	int rc = 0;

	if (!v || v->type == JVAL_NULL)
		return 0;
	if (strcmp(type, "Sequence") != 0)
		return parse_one(t, v, type, e);
	l = jval_get(v, "decoders");
	for (i = 0; !rc && l && l->type == JVAL_ARR && i < l->u.a.n; i++)
		rc = parse(t, l->u.a.v[i], e);
	return rc;
}

static void
replace_all(const char *p, size_t n, const struct tok_dec *d, const char *to, size_t to_n,
	struct jbuf *out)
{
	size_t i = 0;

	while (i < n) {
		if (d->from_n && i + d->from_n <= n && memcmp(p + i, d->from, d->from_n) == 0) {
			jbuf_add(out, to, to_n);
			i += d->from_n;
		} else {
			jbuf_addc(out, (unsigned char)p[i++]);
		}
	}
}

/* The byte of "<0x0A>", or -1. */
static int
byte_token(const char *p, size_t n)
{
	static const char *hex = "0123456789ABCDEF";
	const char *a, *b;

	if (n != 6 || memcmp(p, "<0x", 3) != 0 || p[5] != '>' || !p[3] || !p[4])
		return -1;
	a = strchr(hex, p[3]);
	b = strchr(hex, p[4]);
	return a && b ? (int)((a - hex) * 16 + (b - hex)) : -1;
}

/* Text of one ordinary token after the steps that look at one token. */
static void
show(const struct jtok *t, const char *p, size_t n, struct jbuf *out, struct jbuf *tmp)
{
	size_t i;

	jbuf_reset(out);
	jbuf_add(out, p, n);
	for (i = 0; i < t->n_dec; i++) {
		const struct tok_dec *d = &t->dec[i];
		int byte = d->kind == DEC_BYTE_FALLBACK ? byte_token(out->p, out->n) : -1;

		if (d->fused)
			continue;
		jbuf_reset(tmp);
		if (byte >= 0) {
			jbuf_reset(out);
			jbuf_addc(out, byte);
			return;
		}
		if (d->kind == DEC_BYTES && (t->suffix || t->prefix)) {
			if (!tok_text_to_bytes(out->p, out->n, tmp))
				continue;
		} else if (d->kind == DEC_REPLACE || d->kind == DEC_METASPACE || d->kind == DEC_BPE) {
			replace_all(out->p, out->n, d, d->kind == DEC_REPLACE ? d->to : " ",
				d->kind == DEC_REPLACE ? d->to_n : 1, tmp);
		} else {
			continue;
		}
		jbuf_reset(out);
		jbuf_add(out, tmp->p, tmp->n);
	}
}

int
tok_decoder_build(struct jtok *t, struct jerr *e)
{
	struct jval *v = NULL;
	struct jbuf out, tmp;
	uint32_t id;
	size_t i;
	int rc = 0;

	if (t->cfg[CFG_DEC])
		rc = jval_parse_json(&v, t->cfg[CFG_DEC], strlen(t->cfg[CFG_DEC]), t->name, &t->arena, e);
	if (!rc)
		rc = parse(t, v, e);
	jbuf_init(&out);
	jbuf_init(&tmp);
	for (i = 0; !rc && i < t->n_added; i++) {
		const struct tok_added *x = &t->added[i];

		if (x->id < t->shown.n && t->shown.v[x->id].n != TOK_NONE)
			continue;
		jbuf_reset(&out);
		if (t->byte_level)
			jbuf_add(&out, x->normed ? x->normed : x->text, x->normed ? x->normed_n : x->n);
		else
			show(t, x->normed ? x->normed : x->text, x->normed ? x->normed_n : x->n, &out, &tmp);
		rc = tok_vocab_set(&t->shown, x->id, out.p, out.n, false, e);
	}
	for (id = 0; !rc && id < t->vocab.n && id < t->pseudo; id++) {
		size_t n;
		const char *p = tok_vocab_text(&t->vocab, id, &n);

		if (!p || (id < t->shown.n && t->shown.v[id].n != TOK_NONE))
			continue;
		show(t, p, n, &out, &tmp);
		rc = tok_vocab_set(&t->shown, id, out.p, out.n, false, e);
	}
	jbuf_release(&out);
	jbuf_release(&tmp);
	return rc;
}

/* Steps on the whole text, which begins at `from`. */
static void
finish(const struct jtok *t, struct jbuf *out, size_t from)
{
	size_t i;

	for (i = 0; i < t->n_dec; i++) {
		const struct tok_dec *d = &t->dec[i];
		int k;

		if (d->kind == DEC_BPE && out->n > from && out->p[out->n - 1] == ' ')
			out->p[--out->n] = 0;
		if (d->kind != DEC_STRIP || !d->from_n)
			continue;
		for (k = 0; k < d->start && out->n - from >= d->from_n &&
		    memcmp(out->p + from, d->from, d->from_n) == 0; k++) {
			memmove(out->p + from, out->p + from + d->from_n, out->n - from - d->from_n + 1);
			out->n -= d->from_n;
		}
		for (k = 0; k < d->stop && out->n - from >= d->from_n &&
		    memcmp(out->p + out->n - d->from_n, d->from, d->from_n) == 0; k++)
			out->n -= d->from_n;
		out->p[out->n] = 0;
	}
}

static void
put_wordpiece(const struct tok_dec *d, const char *p, size_t n, bool first, struct jbuf *out)
{
	if (!first && n >= d->from_n && memcmp(p, d->from, d->from_n) == 0) {
		jbuf_add(out, p + d->from_n, n - d->from_n);
		return;
	}
	if (!first && !(d->cleanup && n == 1 && strchr(".?!,", p[0])))
		jbuf_addc(out, ' ');
	jbuf_add(out, p, n);
}

/*
 * WordPiece puts a space before each token that does not continue a word; no decoder at all, before
 * each token.  Metaspace takes every mark out of the first token.
 */
static void
put_token(const struct jtok *t, uint32_t id, bool first, struct jbuf *out)
{
	enum dec_kind kind = t->n_dec ? t->dec[0].kind : DEC_FUSE;
	size_t n, i;
	const char *p = tok_vocab_text(&t->shown, id, &n);

	if (!p)
		return;
	if (kind == DEC_WORDPIECE) {
		put_wordpiece(&t->dec[0], p, n, first, out);
		return;
	}
	if (!t->n_dec && !first)
		jbuf_addc(out, ' ');
	if (kind != DEC_METASPACE || !first || !t->dec[0].start) {
		jbuf_add(out, p, n);
		return;
	}
	for (i = 0; i < n; i++)
		if (p[i] != ' ')
			jbuf_addc(out, (unsigned char)p[i]);
}

int
jtok_decode(struct jtok_state *s, const uint32_t *ids, size_t n, bool with_special,
	struct jbuf *out, struct jerr *e)
{
	const struct jtok *t = tok_state_tok(s);
	size_t i, from = out->n, done = 0;

	for (i = 0; i < n; i++) {
		if (ids[i] >= t->n_ids)
			return jerr_set(e, JERR_ARG, "token id %u is outside the vocabulary of %u",
				(unsigned)ids[i], (unsigned)t->n_ids);
		if (!with_special && jtok_is_special(t, ids[i]))
			continue;
		put_token(t, ids[i], done++ == 0, out);
	}
	finish(t, out, from);
	return 0;
}
