/* pagecount.c - one walk over the characters: classes, white-space tokens, signs of bad decoding. */
#include <string.h>

#include "base/jutf8.h"
#include "text/junicode.h"
#include "text/page_internal.h"

struct token {
	char low[8];		/* the first bytes in lower case, enough for a stop word */
	unsigned n;
	uint64_t chars;
	bool alpha;
};

/* Gopher's eight; DCLM counts every occurrence of a token that is exactly one of them. */
static bool
is_stop_word(const char *s, unsigned n)
{
	switch (n) {
	case 2:
		return memcmp(s, "be", 2) == 0 || memcmp(s, "to", 2) == 0 || memcmp(s, "of", 2) == 0;
	case 3:
		return memcmp(s, "the", 3) == 0 || memcmp(s, "and", 3) == 0;
	case 4:
		return memcmp(s, "that", 4) == 0 || memcmp(s, "have", 4) == 0 ||
			memcmp(s, "with", 4) == 0;
	}
	return false;
}

static void
end_token(struct jpage_counts *c, struct token *t)
{
	if (t->chars == 0)
		return;
	c->tokens++;
	c->token_chars += t->chars;
	c->tokens_alpha += t->alpha;
	if (t->n < sizeof(t->low))
		c->stop_tokens += is_stop_word(t->low, t->n);
	memset(t, 0, sizeof(*t));
}

static void
add_ascii(struct jpage_counts *c, struct token *t, unsigned char ch)
{
	unsigned letter = (ch | 32u) - 'a' < 26u;

	t->chars++;
	if (letter) {
		t->alpha = true;
		c->letters++;
		c->upper += ch < 'a';
	} else if (ch >= '0' && ch <= '9') {
		c->digits++;
	} else if (ch == '#') {
		c->hashes++;
	} else if (ch == '{') {
		c->braces++;
	} else if (ch < 0x20 || ch == 0x7f) {
		c->bad_chars++;
	}
	if (t->n < sizeof(t->low))
		t->low[t->n++] = (char)(letter ? ch | 32u : ch);
}

/*
 * UTF-8 that was read as Latin-1 or CP-1252 shows as a lead byte (U+00C2, U+00C3, U+00E2) followed
 * by what its continuation byte became.
 */
static bool
is_mojibake(uint32_t before, uint32_t cp)
{
	if (before == 0xc2 || before == 0xc3)
		return (cp >= 0x80 && cp <= 0xbf) || cp == 0x192 || cp == 0x201e ||
			(cp >= 0x2018 && cp <= 0x2022) || cp == 0x2026 || cp == 0x20ac ||
			cp == 0x2122 || cp == 0x152 || cp == 0x153;
	return before == 0xe2 && (cp == 0x20ac || (cp >= 0x80 && cp <= 0x9f));
}

static void
add_wide(struct jpage_counts *c, struct token *t, uint32_t cp, uint32_t before)
{
	enum jtext_class class = jtext_class(cp);

	t->chars++;
	if (class == JTEXT_LETTER) {
		t->alpha = true;
		c->letters++;
		c->upper += jtext_is_upper(cp);
	} else if (class == JTEXT_DIGIT) {
		c->digits++;
	}
	if (cp == 0x2026)
		c->ellipses++;
	if (cp == 0xfffd || class == JTEXT_CONTROL || is_mojibake(before, cp))
		c->bad_chars++;
	if (t->n < sizeof(t->low))
		t->low[t->n++] = (char)0x80;
}

static uint64_t
count_dots(const char *p, size_t n)
{
	uint64_t count = 0;
	size_t i = 0;

	while (i + 3 <= n) {
		const char *dot = memchr(p + i, '.', n - i - 2);

		if (!dot)
			break;
		i = (size_t)(dot - p);
		if (memcmp(p + i, "...", 3) == 0) {
			count++;
			i += 3;
		} else if (i + 5 <= n && memcmp(p + i, ". . .", 5) == 0) {
			count++;
			i += 5;
		} else {
			i++;
		}
	}
	return count;
}

void
jpage_count_chars(struct jpage *pg)
{
	struct jpage_counts *c = &pg->count;
	struct token t = { .n = 0 };
	uint32_t before = 0, cp;
	size_t i = 0;

	while (i < pg->n) {
		unsigned char ch = (unsigned char)pg->p[i];
		int k = 1;

		if (ch == '\r' && i + 1 < pg->n && pg->p[i + 1] == '\n') {
			i++;	/* CRLF is one line end, one character */
			continue;
		}
		c->chars++;
		cp = ch;
		if (ch >= 0x80)
			k = jutf8_decode(pg->p + i, pg->n - i, &cp);
		i += (size_t)(k > 0 ? k : 1);
		if (ch < 0x80 ? ch == ' ' || (ch >= 9 && ch <= 13) : jtext_class(cp) == JTEXT_SPACE) {
			c->spaces++;
			end_token(c, &t);
		} else if (ch < 0x80) {
			add_ascii(c, &t, ch);
		} else {
			add_wide(c, &t, cp, before);
		}
		before = cp;
	}
	end_token(c, &t);
	c->ellipses += count_dots(pg->p, pg->n);
}
