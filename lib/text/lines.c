#include <string.h>

#include "base/jutf8.h"
#include "text/junicode.h"
#include "text/jwords.h"

/* Length in bytes of the line end at p, 0 if there is none. */
static size_t
line_end(const char *p, size_t n)
{
	const unsigned char *b = (const unsigned char *)p;

	if (b[0] >= 0x0a && b[0] <= 0x0d)
		return b[0] == '\r' && n > 1 && b[1] == '\n' ? 2 : 1;
	if (b[0] == 0xc2 && n > 1 && b[1] == 0x85)
		return 2;
	if (b[0] == 0xe2 && n > 2 && b[1] == 0x80 && (b[2] == 0xa8 || b[2] == 0xa9))
		return 3;
	return 0;
}

bool
jtext_next_line(const char *p, size_t n, size_t *at, struct jtext_span *line)
{
	size_t i = *at, end;

	if (i >= n)
		return false;
	for (line->at = i; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c > 0x0d && c != 0xc2 && c != 0xe2)
			continue;
		end = line_end(p + i, n - i);
		if (end) {
			line->n = i - line->at;
			*at = i + end;
			return true;
		}
	}
	line->n = n - line->at;
	*at = n;
	return true;
}

struct jtext_span
jtext_trim(const char *p, struct jtext_span s)
{
	uint32_t cp;
	int k;

	while (s.n > 0) {
		k = jutf8_decode(p + s.at, s.n, &cp);
		if (jtext_class(cp) != JTEXT_SPACE)
			break;
		s.at += (size_t)(k > 0 ? k : 1);
		s.n -= (size_t)(k > 0 ? k : 1);
	}
	while (s.n > 0) {
		size_t back = 1;

		while (back < s.n && back < 4 && ((unsigned char)p[s.at + s.n - back] & 0xc0) == 0x80)
			back++;
		k = jutf8_decode(p + s.at + s.n - back, back, &cp);
		if (jtext_class(cp) != JTEXT_SPACE)
			break;
		s.n -= back;
	}
	return s;
}

static bool
is_stop(uint32_t cp)
{
	return cp == '.' || cp == '?' || cp == '!' || cp == 0x2026 || cp == 0x3002 ||
		cp == 0xff01 || cp == 0xff1f || cp == 0x0964;
}

static bool
is_closing(uint32_t cp)
{
	return cp == '"' || cp == '\'' || cp == ')' || cp == ']' || cp == 0x2019 || cp == 0x201d ||
		cp == 0xbb || cp == 0x300d;
}

/* A full stop after one of these, or after a single letter, does not end a sentence. */
static bool
is_abbreviation(const char *p, size_t from, size_t stop)
{
	static const char *const known[] = { "e.g", "i.e", "etc", "vs", "cf", "mr", "mrs", "ms", "dr",
		"prof", "st", "fig", "figs", "eq", "no", "vol", "sec", "pp", "approx", "resp", "al" };
	char low[8];
	size_t i = stop, n, k;

	while (i > from && (p[i - 1] == '.' || ((unsigned char)p[i - 1] | 32u) - 'a' < 26u))
		i--;
	n = stop - i;
	if (n == 1)
		return p[i] != 'I';
	if (n == 0 || n >= sizeof(low))
		return false;
	for (k = 0; k < n; k++)
		low[k] = (char)jtext_lower((unsigned char)p[i + k]);
	low[n] = 0;
	for (k = 0; k < sizeof(known) / sizeof(known[0]); k++)
		if (strcmp(low, known[k]) == 0)
			return true;
	return false;
}

/* White space at i that holds a blank line ends a sentence without punctuation. */
static bool
blank_line_at(const char *p, size_t n, size_t i)
{
	int ends = 0;

	while (i < n && ends < 2) {
		size_t k = line_end(p + i, n - i);

		if (k) {
			ends++;
			i += k;
		} else if (p[i] == ' ' || p[i] == '\t') {
			i++;
		} else {
			break;
		}
	}
	return ends >= 2;
}

/* Is the stop at i (len bytes) followed by what starts a sentence?  *end = after the closers. */
static bool
ends_here(const char *p, size_t n, size_t i, size_t len, size_t *end)
{
	bool wide = len > 1;
	uint32_t cp;
	int k;

	for (i += len; i < n; i += (size_t)(k > 0 ? k : 1)) {
		k = jutf8_decode(p + i, n - i, &cp);
		if (!is_stop(cp) && !is_closing(cp))
			break;
	}
	*end = i;
	if (i >= n)
		return true;
	if (jtext_class(cp) != JTEXT_SPACE)
		return wide && cp != '.';
	while (i < n) {
		k = jutf8_decode(p + i, n - i, &cp);
		if (jtext_class(cp) != JTEXT_SPACE)
			break;
		i += (size_t)(k > 0 ? k : 1);
	}
	return i >= n || jtext_lower(cp) != cp || jtext_class(cp) != JTEXT_LETTER ||
		jtext_is_unspaced(cp);
}

static size_t
sentence_end(const char *p, size_t n, size_t from)
{
	size_t i = from, end;

	while (i < n) {
		uint32_t cp;
		int k = jutf8_decode(p + i, n - i, &cp);
		size_t len = (size_t)(k > 0 ? k : 1);

		if (is_stop(cp) && ends_here(p, n, i, len, &end) &&
		    !(cp == '.' && end < n && is_abbreviation(p, from, i)))
			return end;
		if (line_end(p + i, n - i) && blank_line_at(p, n, i))
			return i;
		i += len;
	}
	return n;
}

bool
jtext_next_sentence(const char *p, size_t n, size_t *at, struct jtext_span *s)
{
	while (*at < n) {
		size_t end = sentence_end(p, n, *at);

		if (end == *at)
			end++;
		*s = jtext_trim(p, (struct jtext_span){ *at, end - *at });
		*at = end;
		if (s->n > 0)
			return true;
	}
	return false;
}
