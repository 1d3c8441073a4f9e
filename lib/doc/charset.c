/*
 * charset.c - bytes of any charset to valid UTF-8; see jdoc.h.
 *
 * Labels follow the WHATWG encoding standard where browsers differ from the names' meaning:
 * ISO-8859-1 and ASCII are windows-1252, GB2312 is GB18030, Shift_JIS and EUC-KR are Microsoft's.
 */
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/jutf8.h"
#include "doc/jdoc.h"

/* 0x80..0x9f of windows-1252; the five holes are the control codes, as in browsers. */
static const uint16_t cp1252[32] = {
	0x20ac, 0x81, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0x8d, 0x017d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
	0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d, 0x017e, 0x0178
};

static const struct label {
	const char *label, *iconv;	/* iconv NULL: windows-1252, "" UTF-8 */
} labels[] = {
	{ "utf-8", "" }, { "utf8", "" }, { "unicode-1-1-utf-8", "" },
	{ "windows-1252", NULL }, { "cp1252", NULL }, { "iso-8859-1", NULL }, { "iso8859-1", NULL },
	{ "latin1", NULL }, { "latin-1", NULL }, { "us-ascii", NULL }, { "ascii", NULL },
	{ "gb2312", "GB18030" }, { "gbk", "GB18030" }, { "x-gbk", "GB18030" },
	{ "shift_jis", "CP932" }, { "shift-jis", "CP932" }, { "sjis", "CP932" },
	{ "x-sjis", "CP932" }, { "windows-31j", "CP932" },
	{ "euc-kr", "CP949" }, { "ks_c_5601-1987", "CP949" }, { "korean", "CP949" },
	{ "iso-8859-9", "CP1254" }, { "iso-8859-11", "CP874" }, { "tis-620", "CP874" },
	{ "big5", "BIG5-HKSCS" }, { "x-big5", "BIG5-HKSCS" },
	{ "utf-16", "UTF-16LE" }
};

/* Control bytes have no place in a text; tab and line ends do. */
static void
add_cp(struct jbuf *out, uint32_t cp)
{
	char s[4];
	int n;

	if ((cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r' && cp != '\f') || cp == 0x7f)
		return;
	n = jutf8_encode(cp, s);
	if (n > 0)
		jbuf_add(out, s, (size_t)n);
	else
		jbuf_adds(out, "\xef\xbf\xbd");
}

static uint32_t
from_1252(unsigned char c)
{
	return c >= 0x80 && c < 0xa0 ? cp1252[c - 0x80] : c;
}

static void
add_1252(struct jbuf *out, const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_cp(out, from_1252(p[i]));
}

/* Length of the run from p that can be copied: printable ASCII, tabs and line ends. */
static size_t
plain_run(const unsigned char *p, size_t n)
{
	size_t i = 0;

	while (i < n && ((p[i] >= 0x20 && p[i] < 0x7f) || (p[i] >= '\t' && p[i] <= '\r' &&
	    p[i] != '\v')))
		i++;
	return i;
}

/* Copies UTF-8; a stray byte is read as windows-1252 (single) or becomes U+FFFD. */
static void
add_utf8(struct jbuf *out, const char *p, size_t n, bool guess)
{
	size_t i = 0;

	while (i < n) {
		size_t run = plain_run((const unsigned char *)p + i, n - i);
		uint32_t cp;
		int len;

		if (run > 0) {
			jbuf_add(out, p + i, run);
			i += run;
			continue;
		}
		len = jutf8_decode(p + i, n - i, &cp);
		if (len > 0 || !guess)
			add_cp(out, cp);
		else
			add_cp(out, from_1252((unsigned char)p[i]));
		i += len > 0 ? (size_t)len : 1;
	}
}

/* Sequences of more than one byte that are well formed, and bytes that are not. */
static void
utf8_census(const char *p, size_t n, size_t *multi, size_t *bad)
{
	*multi = *bad = 0;
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		int len = 1;

		if ((unsigned char)p[i] >= 0x80) {
			len = jutf8_decode(p + i, n - i, &cp);
			if (len > 1)
				++*multi;
			else
				++*bad;
		}
		i += len > 0 ? (size_t)len : 1;
	}
}

/* Converts with iconv; 0, or -1 if the system does not know the charset. */
static int
add_iconv(struct jbuf *out, const char *charset, const char *p, size_t n)
{
	iconv_t cd = iconv_open("UTF-8", charset);
	char *in = (char *)p;
	char buf[4096];

	if (cd == (iconv_t)-1)
		return -1;
	while (n > 0) {
		char *o = buf;
		size_t room = sizeof(buf);
		size_t rc = iconv(cd, &in, &n, &o, &room);

		add_utf8(out, buf, (size_t)(o - buf), false);
		if (rc == (size_t)-1 && errno != E2BIG) {
			add_cp(out, 0xfffd);
			in++;
			n--;
			iconv(cd, NULL, NULL, NULL, NULL);
		}
	}
	iconv_close(cd);
	return 0;
}

static const char *
guess(const char *p, size_t n, bool told_utf8, struct jbuf *out)
{
	size_t multi, bad;

	utf8_census(p, n, &multi, &bad);
	if (bad == 0 || multi >= 2 * bad || (told_utf8 && multi > 0)) {
		add_utf8(out, p, n, true);
		return "UTF-8";
	}
	add_1252(out, (const unsigned char *)p, n);
	return "windows-1252";
}

const char *
jdoc_to_utf8(const void *bytes, size_t n, const char *hint, struct jbuf *out)
{
	const char *p = bytes, *name = hint;
	bool utf8 = false;

	if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
		return guess(p + 3, n - 3, true, out);
	if (n >= 2 && memcmp(p, "\xff\xfe", 2) == 0 && add_iconv(out, "UTF-16LE", p + 2, n - 2) == 0)
		return "UTF-16LE";
	if (n >= 2 && memcmp(p, "\xfe\xff", 2) == 0 && add_iconv(out, "UTF-16BE", p + 2, n - 2) == 0)
		return "UTF-16BE";
	if (!hint || !*hint)
		return guess(p, n, false, out);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		if (strcasecmp(hint, labels[i].label) != 0)
			continue;
		name = labels[i].iconv;
		utf8 = name && !*name;
		break;
	}
	/* UTF-8 that calls itself something else is common; the reverse of a valid run is not chance */
	if (utf8 || jutf8_valid(p, n) == n)
		return guess(p, n, true, out);
	if (name && strlen(name) < 40 && add_iconv(out, name, p, n) == 0) {
		for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
			if (labels[i].iconv && strcmp(labels[i].iconv, name) == 0)
				return labels[i].iconv;
		return "other";
	}
	if (name)
		return guess(p, n, false, out);
	add_1252(out, (const unsigned char *)p, n);
	return "windows-1252";
}
