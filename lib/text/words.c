#include "text/jwords.h"

#include <string.h>

#include "base/jhash.h"
#include "base/jutf8.h"
#include "text/wordbreak.h"

static const unsigned char ascii_wb[128] = {
	['0'] = WB_NUMERIC, ['1'] = WB_NUMERIC, ['2'] = WB_NUMERIC, ['3'] = WB_NUMERIC,
	['4'] = WB_NUMERIC, ['5'] = WB_NUMERIC, ['6'] = WB_NUMERIC, ['7'] = WB_NUMERIC,
	['8'] = WB_NUMERIC, ['9'] = WB_NUMERIC,
#define L(c) [c] = WB_LETTER, [(c) + 32] = WB_LETTER
	L('A'), L('B'), L('C'), L('D'), L('E'), L('F'), L('G'), L('H'), L('I'), L('J'), L('K'),
	L('L'), L('M'), L('N'), L('O'), L('P'), L('Q'), L('R'), L('S'), L('T'), L('U'), L('V'),
	L('W'), L('X'), L('Y'), L('Z'),
#undef L
	['_'] = WB_JOIN, ['.'] = WB_MIDBOTH, ['\''] = WB_MIDBOTH, [','] = WB_MIDNUM,
	[';'] = WB_MIDNUM
};

static enum wb
wide_mid(uint32_t cp)
{
	switch (cp) {
	case 0xb7: case 0x387: case 0x55f: case 0x5f4: case 0x2027: case 0xfe13: case 0xfe55:
	case 0xff1a:
		return WB_MIDLETTER;
	case 0x2018: case 0x2019: case 0x2024: case 0xfe52: case 0xff07: case 0xff0e:
		return WB_MIDBOTH;
	case 0x37e: case 0x589: case 0x60c: case 0x60d: case 0x66c: case 0x7f8: case 0x2044:
	case 0xfe10: case 0xfe14: case 0xfe50: case 0xfe54: case 0xff0c: case 0xff1b:
		return WB_MIDNUM;
	case 0x203f: case 0x2040: case 0x2054: case 0xfe33: case 0xfe34: case 0xfe4d: case 0xfe4e:
	case 0xfe4f: case 0xff3f:
		return WB_JOIN;
	}
	return WB_OTHER;
}

enum wb
jtext_wide_break(uint32_t cp, enum jtext_class class)
{
	switch (class) {
	case JTEXT_LETTER:
		return jtext_is_unspaced(cp) ? WB_ALONE : WB_LETTER;
	case JTEXT_DIGIT:
	case JTEXT_NUMBER:
		return WB_NUMERIC;
	case JTEXT_MARK:
	case JTEXT_FORMAT:
		return WB_EXTEND;
	default:
		return wide_mid(cp);
	}
}

static enum wb
wb_at(const char *p, size_t n, size_t at, uint32_t *cp, size_t *len)
{
	unsigned char c = (unsigned char)p[at];
	int k;

	if (c < 0x80) {
		*cp = c;
		*len = 1;
		return ascii_wb[c];
	}
	k = jutf8_decode(p + at, n - at, cp);
	*len = (size_t)(k > 0 ? k : 1);
	return k > 0 ? jtext_wide_break(*cp, jtext_class(*cp)) : WB_OTHER;
}

static void
take(struct jtext_word *w, enum wb b, uint32_t cp, size_t len)
{
	if (b == WB_LETTER || b == WB_ALONE)
		w->flags |= JTEXT_W_LETTER;
	else if (b == WB_NUMERIC)
		w->flags |= JTEXT_W_DIGIT;
	if (cp >= 0x80)
		w->flags &= ~(unsigned)JTEXT_W_ASCII;
	w->n += len;
	w->chars++;
}

/* May the middle character at `at` stay inside the word, prev being the class before it? */
static bool
joins(enum wb mid, enum wb prev, const char *p, size_t n, size_t at)
{
	uint32_t cp;
	size_t len;
	enum wb next;

	if (at >= n)
		return false;
	next = wb_at(p, n, at, &cp, &len);
	if (next != prev)
		return false;
	if (prev == WB_LETTER)
		return mid == WB_MIDLETTER || mid == WB_MIDBOTH;
	return prev == WB_NUMERIC && (mid == WB_MIDNUM || mid == WB_MIDBOTH);
}

/* Takes ASCII letters, digits and underscores as they come; the class of the last is returned. */
static enum wb
take_ascii(const char *p, size_t n, struct jtext_word *w, enum wb prev)
{
	size_t at = w->at + w->n, from = at;
	unsigned flags = 0;

	for (; at < n && (unsigned char)p[at] < 0x80; at++) {
		enum wb b = ascii_wb[(unsigned char)p[at]];

		if (b != WB_LETTER && b != WB_NUMERIC && b != WB_JOIN)
			break;
		flags |= b == WB_LETTER ? JTEXT_W_LETTER : b == WB_NUMERIC ? JTEXT_W_DIGIT : 0;
		prev = b;
	}
	w->flags |= flags;
	w->n += at - from;
	w->chars += (uint32_t)(at - from);
	return prev;
}

/* After a run of ASCII: can what stands here go on with the word? */
static bool
goes_on(unsigned char c)
{
	return c >= 0x80 || ascii_wb[c] != WB_OTHER;
}

/* Extends w, which holds its first character of class prev. */
static void
extend(const char *p, size_t n, struct jtext_word *w, enum wb prev)
{
	size_t at, len;
	uint32_t cp;
	enum wb b;

	while (w->at + w->n < n) {
		if (prev != WB_ALONE)
			prev = take_ascii(p, n, w, prev);
		at = w->at + w->n;
		if (at >= n || !goes_on((unsigned char)p[at]))
			return;
		b = wb_at(p, n, at, &cp, &len);
		if (b == WB_EXTEND) {
			take(w, b, cp, len);
			continue;
		}
		if (prev == WB_ALONE)
			return;
		if (b == WB_LETTER || b == WB_NUMERIC || b == WB_JOIN) {
			take(w, b, cp, len);
			prev = b;
			continue;
		}
		if (b < WB_MIDLETTER || b > WB_MIDBOTH || !joins(b, prev, p, n, at + len))
			return;
		take(w, b, cp, len);
	}
}

bool
jtext_next_word(const char *p, size_t n, size_t *at, struct jtext_word *w)
{
	size_t i = *at;

	while (i < n) {
		uint32_t cp;
		size_t len;
		enum wb b;

		if ((unsigned char)p[i] < 0x80 && ascii_wb[(unsigned char)p[i]] == WB_OTHER) {
			i++;
			continue;
		}
		b = wb_at(p, n, i, &cp, &len);

		if (b != WB_LETTER && b != WB_NUMERIC && b != WB_JOIN && b != WB_ALONE) {
			i += len;
			continue;
		}
		*w = (struct jtext_word){ .at = i, .flags = JTEXT_W_ASCII };
		if (b == WB_JOIN)
			w->flags |= JTEXT_W_UNDERSCORE;
		else if (jtext_is_upper(cp))
			w->flags |= JTEXT_W_UPPER;
		take(w, b, cp, len);
		extend(p, n, w, b);
		*at = w->at + w->n;
		return true;
	}
	*at = n;
	return false;
}

uint64_t
jtext_word_hash(const char *p, const struct jtext_word *w)
{
	char low[128];
	uint64_t h = 0;
	size_t i = 0, k = 0;

	p += w->at;
	while (i < w->n) {
		uint32_t cp;
		int len;

		if ((unsigned char)p[i] < 0x80) {
			low[k++] = (char)jtext_lower((unsigned char)p[i]);
			i++;
		} else {
			len = jutf8_decode(p + i, w->n - i, &cp);
			k += (size_t)jutf8_encode(jtext_lower(cp), low + k);
			i += (size_t)(len > 0 ? len : 1);
		}
		if (k > sizeof(low) - 8) {
			h = jhash64(low, k, h + 1);
			k = 0;
		}
	}
	return jhash64(low, k, h);
}
