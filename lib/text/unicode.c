#include "text/junicode.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/jle.h"
#include "base/jutf8.h"

#define EVERY_BYTE(c) (UINT64_C(0x0101010101010101) * (c))
#define HIGH_BITS EVERY_BYTE(0x80)

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

int
jtext_normalise(const char *s, size_t n, unsigned form, struct jbuf *out, struct jerr *e)
{
	utf8proc_uint8_t *dst = NULL;
	utf8proc_ssize_t len;
	struct jbuf valid;
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
	jbuf_init(&valid);
	add_valid(&valid, s, n);
	len = utf8proc_map((const utf8proc_uint8_t *)valid.p, (utf8proc_ssize_t)valid.n, &dst,
		(utf8proc_option_t)opt);
	jbuf_release(&valid);
	if (len < 0)
		return jerr_set(e, len == UTF8PROC_ERROR_NOMEM ? JERR_NOMEM : JERR_LIMIT,
			"cannot normalise text of %zu bytes: %s", n, utf8proc_errmsg(len));
	jbuf_add(out, dst, (size_t)len);
	free(dst);
	return 0;
}

bool
jtext_maybe_not_nfc(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		uint32_t cp;
		int k;

		if (n - i >= 8 && !(jle_u64(s + i) & HIGH_BITS)) {
			i += 8;
			continue;
		}
		/* Everything below U+0300 is its own NFC and composes only with later marks. */
		if ((unsigned char)s[i] < 0xcc) {
			i++;
			continue;
		}
		k = jutf8_decode(s + i, n - i, &cp);
		if (jtext_class(cp) == JTEXT_MARK || (cp >= 0x1100 && cp <= 0x11ff) ||
		    cp == 0x212a || cp == 0x212b || (cp >= 0xf900 && cp <= 0xfaff))
			return true;
		i += (size_t)(k > 0 ? k : 1);
	}
	return false;
}

/*
 * Eight ASCII bytes in small letters to *low, if they hold no white space but single blanks; *blanks
 * has the high bits of those.
 */
static bool
flat_eight(const char *s, uint64_t *low, uint64_t *blanks)
{
	uint64_t x = jle_u64(s), from_a, after_z, other;

	other = ~(x + EVERY_BYTE(0x80 - 0x20));
	if ((x | other) & HIGH_BITS)
		return false;
	*blanks = ~((x ^ EVERY_BYTE(0x20)) + EVERY_BYTE(0x7f)) & HIGH_BITS;
	from_a = x + EVERY_BYTE(0x80 - 'A');
	after_z = x + EVERY_BYTE(0x80 - 'Z' - 1);
	*low = x | (from_a & ~after_z & HIGH_BITS) >> 2;
	return !(*blanks & *blanks << 8);
}

/* Appends eight bytes at a time while they are plain; returns how many. */
static size_t
flatten_plain(const char *s, size_t n, size_t start, bool *pending, struct jbuf *out)
{
	uint64_t low, blanks;
	size_t i;

	for (i = 0; n - i >= 8 && out->cap - out->n > 16; i += 8) {
		if (!flat_eight(s + i, &low, &blanks))
			break;
		if ((blanks & 0x80) && (*pending || out->n == start))
			break;
		if (*pending)
			out->p[out->n++] = ' ';
		jle_put64(out->p + out->n, low);
		*pending = blanks >> 63;
		out->n += *pending ? 7 : 8;
	}
	return i;
}

static void
flatten_valid(const char *s, size_t n, struct jbuf *out)
{
	bool pending = false;
	size_t i = 0, start = out->n;

	jbuf_reserve(out, n + n / 2 + 8);	/* a lower-case form can be a byte longer */
	while (i < n) {
		unsigned char c;
		uint32_t cp;
		int k = 1;

		i += flatten_plain(s + i, n - i, start, &pending, out);
		if (i == n)
			break;
		c = (unsigned char)s[i];
		cp = c;
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
		flatten_valid(s, n, out);
		return 0;
	}
	jbuf_init(&nfc);
	rc = jtext_normalise(s, n, JTEXT_NFC, &nfc, e);
	if (rc == 0)
		flatten_valid(nfc.p, nfc.n, out);
	jbuf_release(&nfc);
	return rc;
}
