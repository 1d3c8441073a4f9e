/* A page taken apart by bits is what the iterators of jwords.h and a plain walk give. */
#include "t.h"

#include <stdbool.h>

#include "base/jrand.h"
#include "base/jstr.h"
#include "base/jutf8.h"
#include "text/jpage.h"
#include "text/junicode.h"
#include "text/jwords.h"

static struct jpage *page;

static const char *const pieces[] = {
	" ", "\n", "\r\n", "\r", "\t", "\xe2\x80\xa8", "\xc2\x85", "\xc2\xa0", "\xe3\x80\x80", "a", "B", "the", "of",
	"That", "word", "x_1", "_", "3.14", "don't", "os.path", ".", ",", ";", "'", "...", "#", "{", "\x01", "\x7f",
	"\xc3\xa9", "\xc3\x89", "\xd0\xbc\xd0\xb8\xd1\x80", "\xe6\x97\xa5", "\xe0\xb9\x84", "\xe2\x80\x99", "\xc3\x83\xc2\xa9",
	"\xef\xbf\xbd", "\xf0\x9f\x98\x80", "\xe2\x80\x8b", "\xd9\xa3", "\xe2\x80\xa6", "\xff", "\xc3", "\xe2\x80\xbf", "\xc2\xb7",
	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789", "-", "\"", "\xe2\x80\x9d",
};

static bool
is_space(uint32_t cp)
{
	return jtext_class(cp) == JTEXT_SPACE;
}

/* What the counts of characters must be. */
static struct jpage_counts
plain_counts(const char *p, size_t n)
{
	struct jpage_counts c = { 0 };
	bool inside = false, alpha = false;
	uint32_t cp;
	size_t i;
	int k;

	for (i = 0; i < n; i += (size_t)(k > 0 ? k : 1)) {
		k = jutf8_decode(p + i, n - i, &cp);
		if (cp == '\r' && i + 1 < n && p[i + 1] == '\n')
			continue;
		c.chars++;
		c.spaces += is_space(cp);
		c.letters += jtext_class(cp) == JTEXT_LETTER;
		c.digits += jtext_class(cp) == JTEXT_DIGIT;
		c.upper += jtext_is_upper(cp);
		c.hashes += cp == '#';
		c.braces += cp == '{';
		if (is_space(cp)) {
			inside = alpha = false;
			continue;
		}
		c.tokens += !inside;
		inside = true;
		c.token_chars++;
		c.tokens_alpha += !alpha && jtext_class(cp) == JTEXT_LETTER;
		alpha = alpha || jtext_class(cp) == JTEXT_LETTER;
	}
	return c;
}

static bool
same_counts(const struct jpage_counts *a, const struct jpage_counts *b)
{
	return a->chars == b->chars && a->spaces == b->spaces && a->letters == b->letters &&
		a->digits == b->digits && a->upper == b->upper && a->hashes == b->hashes &&
		a->braces == b->braces && a->tokens == b->tokens && a->token_chars == b->token_chars &&
		a->tokens_alpha == b->tokens_alpha;
}

static bool
same_words(void)
{
	struct jtext_word w;
	size_t at = 0, i;

	for (i = 0; jtext_next_word(page->p, page->n, &at, &w); i++) {
		const struct jpage_word *v = &page->word[i];

		if (i == page->words || v->at != w.at || v->n != w.n || v->chars != w.chars || v->flags != w.flags)
			return false;
	}
	return i == page->words;
}

static bool
same_lines(void)
{
	struct jtext_span raw, s;
	size_t at = 0, i = 0;
	uint64_t all = 0, ends = 0;

	while (jtext_next_line(page->p, page->n, &at, &raw)) {
		all++;
		ends += raw.at + raw.n < at;
		s = jtext_trim(page->p, raw);
		if (s.n == 0)
			continue;
		if (i == page->lines || page->line[i].at != s.at || page->line[i].n != s.n || page->line[i].raw != raw.at)
			return false;
		i++;
	}
	return i == page->lines && page->count.lines_all == all && page->count.newlines == ends;
}

static bool
same_page(const char *s, size_t n)
{
	struct jpage_counts c;
	struct jerr e = { 0 };

	if (jpage_read(page, s, n, &e) < 0)
		return false;
	c = plain_counts(page->p, page->n);
	return same_counts(&page->count, &c) && same_words() && same_lines();
}

static void
random_pages(void)
{
	const size_t most = sizeof(pieces) / sizeof(pieces[0]);
	struct jrand r;
	struct jbuf b;
	int i, k, bad = 0;

	jrand_init(&r, 7, 0);
	jbuf_init(&b);
	for (i = 0; i < 4000; i++) {
		size_t kinds = i % 3 == 0 ? most : 2 + jrand_below(&r, most - 2), pick[64], j;

		jbuf_reset(&b);
		for (j = 0; j < kinds && j < 64; j++)
			pick[j] = jrand_below(&r, most);
		for (k = (int)jrand_below(&r, 120); k > 0; k--)
			jbuf_adds(&b, pieces[pick[jrand_below(&r, j)]]);
		bad += !same_page(b.p, b.n);
	}
	eq_int(bad, 0);
	jbuf_release(&b);
}

static void
same_ids(void)
{
	static const char text[] = "one two One two twelveletters twelveletterz o\xc3\xaf one averyveryverylongwordindeed "
		"averyveryverylongwordindeeD averyveryverylongwordindeed x";
	static const uint32_t id[] = { 0, 1, 2, 1, 3, 4, 5, 0, 6, 7, 6, 8 };
	struct jerr e = { 0 };
	size_t i;

	eq_int(jpage_read(page, text, sizeof(text) - 1, &e), 0);
	eq_int(page->words, sizeof(id) / sizeof(id[0]));
	for (i = 0; i < page->words; i++)
		eq_int(page->word[i].id, id[i]);
	eq_int(page->ids, 9);
}

int
main(void)
{
	page = jpage_new();
	random_pages();
	same_ids();
	jpage_free(page);
	return t_done();
}
