#include "text/junicode.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/jutf8.h"
#include "text/bytes16.h"

static const unsigned char class_of[32] = {
	[UTF8PROC_CATEGORY_CN] = JTEXT_OTHER,
	[UTF8PROC_CATEGORY_LU] = JTEXT_LETTER,
	[UTF8PROC_CATEGORY_LL] = JTEXT_LETTER,
	[UTF8PROC_CATEGORY_LT] = JTEXT_LETTER,
	[UTF8PROC_CATEGORY_LM] = JTEXT_LETTER,
	[UTF8PROC_CATEGORY_LO] = JTEXT_LETTER,
	[UTF8PROC_CATEGORY_MN] = JTEXT_MARK,
	[UTF8PROC_CATEGORY_MC] = JTEXT_MARK,
	[UTF8PROC_CATEGORY_ME] = JTEXT_MARK,
	[UTF8PROC_CATEGORY_ND] = JTEXT_DIGIT,
	[UTF8PROC_CATEGORY_NL] = JTEXT_NUMBER,
	[UTF8PROC_CATEGORY_NO] = JTEXT_NUMBER,
	[UTF8PROC_CATEGORY_PC] = JTEXT_PUNCT,
	[UTF8PROC_CATEGORY_PD] = JTEXT_PUNCT,
	[UTF8PROC_CATEGORY_PS] = JTEXT_PUNCT,
	[UTF8PROC_CATEGORY_PE] = JTEXT_PUNCT,
	[UTF8PROC_CATEGORY_PI] = JTEXT_PUNCT,
	[UTF8PROC_CATEGORY_PF] = JTEXT_PUNCT,
	[UTF8PROC_CATEGORY_PO] = JTEXT_PUNCT,
	[UTF8PROC_CATEGORY_SM] = JTEXT_SYMBOL,
	[UTF8PROC_CATEGORY_SC] = JTEXT_SYMBOL,
	[UTF8PROC_CATEGORY_SK] = JTEXT_SYMBOL,
	[UTF8PROC_CATEGORY_SO] = JTEXT_SYMBOL,
	[UTF8PROC_CATEGORY_ZS] = JTEXT_SPACE,
	[UTF8PROC_CATEGORY_ZL] = JTEXT_SPACE,
	[UTF8PROC_CATEGORY_ZP] = JTEXT_SPACE,
	[UTF8PROC_CATEGORY_CC] = JTEXT_CONTROL,
	[UTF8PROC_CATEGORY_CF] = JTEXT_FORMAT,
	[UTF8PROC_CATEGORY_CS] = JTEXT_OTHER,
	[UTF8PROC_CATEGORY_CO] = JTEXT_OTHER,
};

enum jtext_class
jtext_class(uint32_t cp)
{
	if ((cp >= 0x09 && cp <= 0x0d) || cp == 0x85)
		return JTEXT_SPACE;
	return class_of[utf8proc_category((utf8proc_int32_t)cp) & 31];
}

bool
jtext_is_alnum(uint32_t cp)
{
	enum jtext_class c = jtext_class(cp);

	return c == JTEXT_LETTER || c == JTEXT_DIGIT || c == JTEXT_NUMBER;
}

bool
jtext_is_upper(uint32_t cp)
{
	utf8proc_category_t c;

	if (cp < 0x80)
		return cp >= 'A' && cp <= 'Z';
	c = utf8proc_category((utf8proc_int32_t)cp);
	return c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LT;
}

uint32_t
jtext_lower(uint32_t cp)
{
	if (cp < 0x80)
		return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
	return (uint32_t)utf8proc_tolower((utf8proc_int32_t)cp);
}

bool
jtext_is_unspaced(uint32_t cp)
{
	static const uint32_t range[][2] = {
		{ 0x0e00, 0x0eff }, { 0x1000, 0x109f }, { 0x1780, 0x17ff }, { 0x3041, 0x30ff },
		{ 0x31f0, 0x31ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xf900, 0xfaff },
		{ 0x20000, 0x3ffff },
	};
	size_t i;

	if (cp < 0x0e00)
		return false;
	for (i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		if (cp >= range[i][0] && cp <= range[i][1])
			return true;
	return false;
}

/* utf8proc wants valid input: copies s with every invalid byte replaced. */
static void
add_valid(struct jbuf *b, const char *s, size_t n)
{
	size_t good;

	while ((good = jutf8_valid(s, n)) < n) {
		jbuf_add(b, s, good);
		jbuf_adds(b, "\xef\xbf\xbd");
		s += good + 1;
		n -= good + 1;
	}
	jbuf_add(b, s, n);
}

static int
options_of(unsigned form)
{
	int opt = UTF8PROC_STABLE;

	if (form & (JTEXT_NFC | JTEXT_NFKC))
		opt |= UTF8PROC_COMPOSE;
	if (form & (JTEXT_NFD | JTEXT_NFKD))
		opt |= UTF8PROC_DECOMPOSE;
	if (form & (JTEXT_NFKC | JTEXT_NFKD))
		opt |= UTF8PROC_COMPAT;
	if (form & JTEXT_FOLD)
		opt |= UTF8PROC_CASEFOLD;
	if (form & JTEXT_STRIP_MARKS)
		opt |= UTF8PROC_STRIPMARK;
	if ((opt & (UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK)) && !(opt & UTF8PROC_DECOMPOSE))
		opt |= UTF8PROC_COMPOSE;
	return opt;
}

static int
add_mapped(struct jbuf *out, const char *s, size_t n, int opt, struct jerr *e)
{
	utf8proc_uint8_t *dst = NULL;
	utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &dst,
		(utf8proc_option_t)opt);

	if (len < 0)
		return jerr_set(e, len == UTF8PROC_ERROR_NOMEM ? JERR_NOMEM : JERR_LIMIT,
			"cannot normalise text of %zu bytes: %s", n, utf8proc_errmsg(len));
	jbuf_add(out, dst, (size_t)len);
	free(dst);
	return 0;
}

/* The first byte from i on that starts a character of U+0300 and above, or n. */
static size_t
next_above(const char *s, size_t n, size_t i)
{
	uint64_t high;

	for (; n - i >= 16; i += 16) {
		high = bytes16_high((bytes16)(bytes16_load(s + i) >= 0xcc));
		if (high)
			return i + (size_t)__builtin_ctzll(high);
	}
	while (i < n && (unsigned char)s[i] < 0xcc)
		i++;
	return i;
}

/*
 * An ASCII character composes with what follows it, never with what comes before, and all below U+0300
 * is its own NFC.  So only the stretches from the ASCII character before one above that to the next
 * ASCII character are looked at.
 */
static int
add_nfc(struct jbuf *out, const char *s, size_t n, struct jerr *e)
{
	size_t done = 0, from, to;
	int rc = 0;

	while (done < n && rc == 0) {
		to = next_above(s, n, done);
		for (from = to; to < n && from > done && (unsigned char)s[from - 1] >= 0x80; from--)
			;
		from -= to < n && from > done;
		jbuf_add(out, s + done, from - done);
		for (; to < n && (unsigned char)s[to] >= 0x80; to++)
			;
		if (from < to)
			rc = add_mapped(out, s + from, to - from, options_of(JTEXT_NFC), e);
		done = to;
	}
	return rc;
}

int
jtext_normalise(const char *s, size_t n, unsigned form, struct jbuf *out, struct jerr *e)
{
	struct jbuf valid;
	int rc;

	jbuf_init(&valid);
	add_valid(&valid, s, n);
	rc = form == JTEXT_NFC ? add_nfc(out, valid.p, valid.n, e) :
		add_mapped(out, valid.p, valid.n, options_of(form), e);
	jbuf_release(&valid);
	return rc;
}

/* Everything below U+0300 is its own NFC and composes only with later marks. */
bool
jtext_maybe_not_nfc(const char *s, size_t n)
{
	size_t i = 0;
	uint32_t cp;
	int k;

	while ((i = next_above(s, n, i)) < n) {
		/* U+2002 to U+203F, the usual quotes and dashes, are no marks. */
		if (n - i >= 3 && s[i] == '\xe2' && s[i + 1] == '\x80' && (unsigned char)s[i + 2] > 0x81) {
			i += 3;
			continue;
		}
		k = jutf8_decode(s + i, n - i, &cp);
		if (jtext_class(cp) == JTEXT_MARK || jtext_may_compose(cp))
			return true;
		i += (size_t)(k > 0 ? k : 1);
	}
	return false;
}

/*
 * Sixteen bytes in small letters to low; *blank has a bit for each that is a blank.  Returns how many of
 * them, from the first on, are ASCII without white space but single blanks.
 */
static inline size_t
flat_sixteen(const char *s, bytes16 *low, uint64_t *blank)
{
	bytes16 c = bytes16_load(s);
	uint64_t bad;

	*low = c | (bytes16_between(c, 'A', 'Z') & 0x20);
	*blank = bytes16_high((bytes16)(c == ' '));
	bad = bytes16_high((bytes16)(c < 0x20) | c) | (*blank & *blank << 1);
	return bad ? (size_t)__builtin_ctzll(bad) : 16;
}

/* Appends sixteen bytes at a time while they are plain, then those before the first that is not. */
static size_t
flatten_plain(const char *s, size_t n, size_t start, bool *pending, struct jbuf *out)
{
	size_t i, k = 16, last;
	uint64_t blank;
	bytes16 low;

	for (i = 0; k == 16 && n - i >= 16 && out->cap - out->n > 24; i += k) {
		k = flat_sixteen(s + i, &low, &blank);
		if (k == 0 || ((blank & 1) && (*pending || out->n == start)))
			break;
		if (*pending)
			out->p[out->n++] = ' ';
		memcpy(out->p + out->n, &low, sizeof(low));
		last = blank >> (k - 1) & 1;
		out->n += k - last;
		*pending = last;
	}
	return i;
}

void
jtext_flatten_nfc(const char *s, size_t n, struct jbuf *out)
{
	bool pending = false, plain = true;
	size_t i = 0, start = out->n;

	jbuf_reserve(out, n + n / 2 + 32);	/* a lower-case form can be a byte longer */
	while (i < n) {
		unsigned char c;
		uint32_t cp;
		int k = 1;

		if (plain)
			i += flatten_plain(s + i, n - i, start, &pending, out);
		if (i == n)
			break;
		c = (unsigned char)s[i];
		cp = c;
		/* What stopped the fast way comes within 16 bytes; behind it that is worth trying again. */
		plain = c >= 0x80 || c < 0x20 || (c == ' ' && (pending || out->n == start));
		if (c >= 0x80)
			k = jutf8_decode(s + i, n - i, &cp);
		i += (size_t)(k > 0 ? k : 1);
		if (c < 0x80 ? c == ' ' || (c >= 0x09 && c <= 0x0d) : jtext_class(cp) == JTEXT_SPACE) {
			pending = out->n > start;
			continue;
		}
		if (pending)
			out->p[out->n++] = ' ';
		pending = false;
		if (c < 0x80)
			out->p[out->n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
		else
			out->n += (size_t)jutf8_encode(jtext_lower(cp), out->p + out->n);
		if (out->n + 8 > out->cap)
			jbuf_reserve(out, n - i + 8);
	}
	out->p[out->n] = 0;
}

int
jtext_flatten(const char *s, size_t n, struct jbuf *out, struct jerr *e)
{
	struct jbuf nfc;
	int rc;

	if (!jtext_maybe_not_nfc(s, n)) {
		jtext_flatten_nfc(s, n, out);
		return 0;
	}
	jbuf_init(&nfc);
	rc = jtext_normalise(s, n, JTEXT_NFC, &nfc, e);
	if (rc == 0)
		jtext_flatten_nfc(nfc.p, nfc.n, out);
	jbuf_release(&nfc);
	return rc;
}
