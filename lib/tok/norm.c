/*
 * Normalizers.  Each is a function from bytes to bytes; invalid UTF-8 passes through untouched, so
 * that a byte-level tokenizer stays exact.
 */
#include "norm.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/jutf8.h"
#include "uni.h"

static void
put_char(struct jbuf *out, uint32_t c)
{
	char s[4];

	jbuf_add(out, s, (size_t)jutf8_encode(c, s));
}

/* NFC and friends on valid UTF-8. */
static void
compose(const char *p, size_t n, int options, struct jbuf *out)
{
	utf8proc_uint8_t *s = NULL;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)n, &s, options);

	if (len >= 0)
		jbuf_add(out, s, (size_t)len);
	else
		jbuf_add(out, p, n);
	free(s);
}

/*
 * Where the valid n bytes at p hold a character that is left alone, *k bytes long, or n.  Those are the
 * ones too new, and U+11A7: it is no jamo and combines with nothing, but utf8proc until 2.9 drops it
 * behind a Hangul syllable.
 */
static size_t
find_alone(const char *p, size_t n, int *k)
{
	size_t at = 0;

	while (at < n) {
		uint32_t c = (unsigned char)p[at];

		*k = c < 0x80 ? 1 : jutf8_decode(p + at, n - at, &c);
		if (c >= 0x300 && (c == 0x11A7 || uni_is_new(c)))
			return at;
		at += (size_t)*k;
	}
	return n;
}

static void
unicode_form(const char *p, size_t n, int options, struct jbuf *out)
{
	while (n) {
		int k;
		size_t good = jutf8_valid(p, n), part = find_alone(p, good, &k);

		if (part)
			compose(p, part, options, out);
		if (part < good) {
			jbuf_add(out, p + part, (size_t)k);
			good = part + (size_t)k;
		} else if (good < n) {
			jbuf_addc(out, (unsigned char)p[good++]);
		}
		p += good;
		n -= good;
	}
}

#define NFC_LEAD 0xCC		/* lead byte of U+0300; everything below is NFC and combines with nothing */

/* Surely left alone by NFC, whatever stands beside it?  Not for the jamo that Hangul is made of. */
static bool
inert(uint32_t c)
{
	const utf8proc_property_t *x = utf8proc_get_property((utf8proc_int32_t)c);

	if (c >= 0x1100 && c <= 0x11FF)
		return false;
	return (x->combining_class == 0 && x->decomp_seqindex == UINT16_MAX && x->comb_index == UINT16_MAX) ||
		(c >= 0xAC00 && c <= 0xD7A3);
}

/*
 * End of the run of characters from U+0300 on that begins at p, and whether all of it is inert.
 */
static const char *
high_run(const char *p, const char *end, bool *all_inert)
{
	*all_inert = true;
	while (p < end && (unsigned char)*p >= NFC_LEAD) {
		uint32_t c;
		int k = jutf8_decode(p, (size_t)(end - p), &c);

		if (k < 0) {
			p++;
			continue;
		}
		*all_inert = *all_inert && inert(c);
		p += k;
	}
	return p;
}

/*
 * NFC looks only at runs of characters from U+0300 on, each with the character before it, which the
 * run may combine with; the rest is copied.
 */
static void
nfc(const char *p, size_t n, struct jbuf *out)
{
	const char *end = p + n, *done = p;

	while (p < end) {
		const char *base, *stop;
		bool skip;

		while (p < end && (unsigned char)*p < NFC_LEAD)
			p++;
		base = p;
		if (base > done)
			base--;
		while (base > done && ((unsigned char)*base & 0xC0) == 0x80)
			base--;
		stop = high_run(p, end, &skip);
		jbuf_add(out, done, (size_t)(base - done));
		if (skip)
			jbuf_add(out, base, (size_t)(stop - base));
		else
			unicode_form(base, (size_t)(stop - base), UTF8PROC_STABLE | UTF8PROC_COMPOSE, out);
		done = p = stop;
	}
}

/* Letters of Unicode 16 and 17, which the library may not know yet. */
static uint32_t
lower_new(uint32_t c)
{
	static const uint32_t one[] = { 0x1C89, 0xA7CC, 0xA7CE, 0xA7D2, 0xA7D4, 0xA7DA };
	size_t i;

	for (i = 0; i < sizeof(one) / sizeof(*one); i++)
		if (c == one[i])
			return c + 1;
	if (c == 0xA7CB)
		return 0x264;
	if (c == 0xA7DC)
		return 0x19B;
	if (c >= 0x10D50 && c <= 0x10D65)
		return c + 0x20;
	return c >= 0x16EA0 && c <= 0x16EB8 ? c + 0x1B : c;
}

static void
lower_char(uint32_t c, struct jbuf *out)
{
	if (c == 0x130) {		/* the one character whose lower case is two */
		put_char(out, 'i');
		put_char(out, 0x307);
	} else {
		uint32_t low = (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);

		put_char(out, low == c ? lower_new(c) : low);
	}
}

static bool
is_chinese(uint32_t c)
{
	return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
		(c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
		(c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
		(c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static void
nmt_char(uint32_t c, struct jbuf *out)
{
	if ((c >= 1 && c <= 8) || c == 11 || (c >= 14 && c <= 31) || c == 127 || c == 143 || c == 159)
		return;
	if (c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
	    c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD)
		c = ' ';
	put_char(out, c);
}

/* First pass of BertNormalizer: control characters go, spaces become one kind, Chinese is set apart. */
static void
bert_char(const struct tok_norm *s, uint32_t c, struct jbuf *out)
{
	if (s->clean && (uni_bert_of(c) & UNI_BERT_CONTROL))
		return;
	if (s->clean && (uni_of(c) & UNI_S))
		c = ' ';
	if (s->chinese && is_chinese(c)) {
		jbuf_addc(out, ' ');
		put_char(out, c);
		jbuf_addc(out, ' ');
	} else {
		put_char(out, c);
	}
}

/* Steps that look at one character at a time. */
static void
by_char(const struct tok_norm *s, enum norm_kind kind, const char *p, size_t n, struct jbuf *out)
{
	while (n) {
		uint32_t c;
		int k = jutf8_decode(p, n, &c);

		if (k < 0)
			jbuf_addc(out, (unsigned char)*p);
		else if (kind == NORM_LOWER)
			lower_char(c, out);
		else if (kind == NORM_BERT)
			bert_char(s, c, out);
		else if (kind == NORM_NMT)
			nmt_char(c, out);
		else if (kind == NORM_BERT_ACCENTS ? !(uni_bert_of(c) & UNI_BERT_MARK) : !(uni_of(c) & UNI_M))
			jbuf_add(out, p, (size_t)k);
		k = k < 0 ? 1 : k;
		p += k;
		n -= (size_t)k;
	}
}

static void
strip(const struct tok_norm *s, const char *p, size_t n, struct jbuf *out)
{
	const unsigned char *a = (const unsigned char *)p, *b = a + n;
	unsigned cls;

	while (s->left && a < b) {
		int k = uni_step(a, b, &cls);

		if (!(cls & UNI_S))
			break;
		a += k;
	}
	while (s->right && b > a) {
		int k = uni_step_back(a, b, &cls);

		if (!(cls & UNI_S))
			break;
		b -= k;
	}
	jbuf_add(out, a, (size_t)(b - a));
}

static void
replace(const struct tok_norm *s, const char *p, size_t n, struct jbuf *out)
{
	const char *end = p + n, *q;

	while (s->from_n && (size_t)(end - p) >= s->from_n &&
	    (q = memchr(p, s->from[0], (size_t)(end - p) - s->from_n + 1)) != NULL) {
		bool hit = memcmp(q, s->from, s->from_n) == 0;

		jbuf_add(out, p, (size_t)(q - p));
		if (hit)
			jbuf_add(out, s->to, s->to_n);
		else
			jbuf_addc(out, (unsigned char)*q);
		p = q + (hit ? s->from_n : 1);
	}
	jbuf_add(out, p, (size_t)(end - p));
}

struct replacing {
	const struct tok_norm *s;
	const char *p;
	size_t at;
	struct jbuf *out;
};

static void
replace_match(void *arg, size_t from, size_t to)
{
	struct replacing *r = arg;

	jbuf_add(r->out, r->p + r->at, from - r->at);
	jbuf_add(r->out, r->s->to, r->s->to_n);
	r->at = to;
}

static int
replace_rx(const struct tok_norm *s, const char *p, size_t n, struct jbuf *out, struct jerr *e)
{
	struct replacing r = { s, p, 0, out };
	int rc = rx_each(s->rx, p, n, replace_match, &r, e);

	if (!rc)
		jbuf_add(out, p + r.at, n - r.at);
	return rc;
}

static void
bert(const struct tok_norm *s, const struct jbuf *in, struct jbuf *out)
{
	struct jbuf t;

	jbuf_init(&t);
	by_char(s, NORM_BERT, in->p, in->n, out);
	if (s->accents) {
		unicode_form(out->p, out->n, UTF8PROC_DECOMPOSE | UTF8PROC_STABLE, &t);
		jbuf_reset(out);
		by_char(s, NORM_BERT_ACCENTS, t.p, t.n, out);
	}
	if (s->lower) {
		jbuf_reset(&t);
		by_char(s, NORM_LOWER, out->p, out->n, &t);
		jbuf_reset(out);
		jbuf_add(out, t.p, t.n);
	}
	jbuf_release(&t);
}

static int
apply_one(const struct tok_norm *s, const struct jbuf *in, struct jbuf *out, struct jerr *e)
{
	static const int forms[] = {
		[NORM_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
		[NORM_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
		[NORM_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
	};

	switch (s->kind) {
	case NORM_NFC:
		nfc(in->p, in->n, out);
		return 0;
	case NORM_NFD: case NORM_NFKC: case NORM_NFKD:
		unicode_form(in->p, in->n, forms[s->kind], out);
		return 0;
	case NORM_STRIP:
		strip(s, in->p, in->n, out);
		return 0;
	case NORM_REPLACE:
		replace(s, in->p, in->n, out);
		return 0;
	case NORM_REPLACE_RX:
		return replace_rx(s, in->p, in->n, out, e);
	case NORM_PREPEND:
		if (in->n)
			jbuf_add(out, s->to, s->to_n);
		jbuf_add(out, in->p, in->n);
		return 0;
	case NORM_BERT:
		bert(s, in, out);
		return 0;
	case NORM_CHARSMAP:
		norm_map_apply(s->map, in->p, in->n, out);
		return 0;
	default:
		by_char(s, s->kind, in->p, in->n, out);
		return 0;
	}
}

int
norm_apply(const struct jtok *t, struct jbuf *a, struct jbuf *b, struct jerr *e)
{
	size_t i;

	for (i = 0; i < t->n_norm; i++) {
		struct jbuf x;
		int rc;

		jbuf_reset(b);
		rc = apply_one(&t->norm[i], a, b, e);
		if (rc)
			return rc;
		x = *a;
		*a = *b;
		*b = x;
	}
	return 0;
}

/* NFC leaves everything below U+0300 alone; the other steps are not worth the question. */
bool
norm_is_noop(const struct jtok *t, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < t->n_norm; i++)
		if (t->norm[i].kind != NORM_NFC)
			return false;
	if (t->n_norm)
		for (i = 0; i < n; i++)
			if ((unsigned char)p[i] >= 0xCC)
				return false;
	return true;
}
