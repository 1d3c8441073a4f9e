/* signals_shape.c - length, words and lines: the Gopher quality, C4 and FineWeb measures. */
#include <math.h>
#include <string.h>

#include "text/jwords.h"
#include "text/signals.h"

static double
share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : NAN;
}

/* Share of the lines for which test() holds. */
static double
lines_that(const struct jpage *pg, bool (*test)(const char *s, size_t n))
{
	uint64_t hits = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++)
		hits += test(pg->p + pg->line[i].at, pg->line[i].n);
	return share(hits, pg->lines);
}

static bool
ends_with(const char *s, size_t n, const char *tail)
{
	size_t k = strlen(tail);

	return n >= k && memcmp(s + n - k, tail, k) == 0;
}

static double
sig_chars(struct jpage *pg)
{
	return (double)pg->count.chars;
}

static double
sig_words(struct jpage *pg)
{
	size_t i, n = 0;

	for (i = 0; i < pg->words; i++)
		n += !(pg->word[i].flags & JTEXT_W_UNDERSCORE);
	return (double)n;
}

static double
sig_lines(struct jpage *pg)
{
	return (double)pg->lines;
}

static double
sig_paragraphs(struct jpage *pg)
{
	return (double)pg->paras;
}

static double
sig_mean_word_chars(struct jpage *pg)
{
	return share(pg->count.token_chars, pg->count.tokens);
}

static double
sig_symbols_per_word(struct jpage *pg)
{
	return share(pg->count.hashes + pg->count.ellipses, pg->count.tokens);
}

static bool
is_gopher_bullet(const char *s, size_t n)
{
	return s[0] == '*' || s[0] == '-' || (n >= 3 && (memcmp(s, "\xe2\x80\xa2", 3) == 0 ||
		memcmp(s, "\xe2\x97\x8f", 3) == 0));
}

static double
sig_bullet_lines(struct jpage *pg)
{
	return lines_that(pg, is_gopher_bullet);
}

static bool
is_ellipsis_line(const char *s, size_t n)
{
	return ends_with(s, n, "...") || ends_with(s, n, ". . .") || ends_with(s, n, "\xe2\x80\xa6");
}

static double
sig_ellipsis_lines(struct jpage *pg)
{
	return lines_that(pg, is_ellipsis_line);
}

static double
sig_alpha_words(struct jpage *pg)
{
	return share(pg->count.tokens_alpha, pg->count.tokens);
}

static double
sig_stop_words(struct jpage *pg)
{
	return (double)pg->count.stop_tokens;
}

static bool
is_punctuated(const char *s, size_t n)
{
	return n > 0 && (strchr(".!?\"'", s[n - 1]) || ends_with(s, n, "\xe2\x80\xa6") ||
		ends_with(s, n, "\xe3\x80\x82") || ends_with(s, n, "\xe2\x80\x9d"));
}

static double
sig_punctuated_lines(struct jpage *pg)
{
	return lines_that(pg, is_punctuated);
}

static double
sig_short_lines(struct jpage *pg)
{
	uint64_t hits = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++)
		hits += pg->line[i].raw_chars <= 30;
	return share(hits, pg->lines);
}

static double
sig_newlines_per_word(struct jpage *pg)
{
	return share(pg->count.newlines, pg->words);
}

static double
sig_braces(struct jpage *pg)
{
	return (double)pg->count.braces;
}

static double
sig_lorem_ipsum(struct jpage *pg)
{
	const char *p = jpage_flat(pg), *end = p + pg->flat.n, *hit;
	double hits = 0;

	while (p < end) {
		hit = strstr(p, "lorem ipsum");
		hits += hit != NULL;
		p = hit ? hit + 11 : p + strlen(p) + 1;	/* a text may have zero bytes */
	}
	return hits;
}

static double
sig_bad_chars(struct jpage *pg)
{
	return share(pg->count.bad_chars, pg->count.chars);
}

static double
sig_upper_letters(struct jpage *pg)
{
	return share(pg->count.upper, pg->count.letters);
}

const struct jsignal jsignals_shape[] = {
	{ "chars", sig_chars, "code points" },
	{ "words", sig_words, "words (UAX #29) that start with a letter or number" },
	{ "lines", sig_lines, "lines that are not blank" },
	{ "paragraphs", sig_paragraphs, "blocks of lines between blank lines" },
	{ "mean_word_chars", sig_mean_word_chars, "mean length of white-space tokens" },
	{ "symbols_per_word", sig_symbols_per_word, "# and ellipses per token" },
	{ "bullet_lines", sig_bullet_lines, "share of lines that start with a bullet, * or -" },
	{ "ellipsis_lines", sig_ellipsis_lines, "share of lines that end with an ellipsis" },
	{ "alpha_words", sig_alpha_words, "share of tokens with a letter" },
	{ "stop_words", sig_stop_words, "occurrences of the be to of and that have with" },
	{ "punctuated_lines", sig_punctuated_lines, "share of lines that end a sentence" },
	{ "short_lines", sig_short_lines, "share of lines of at most 30 characters" },
	{ "newlines_per_word", sig_newlines_per_word, "line ends per word" },
	{ "braces", sig_braces, "opening curly brackets" },
	{ "lorem_ipsum", sig_lorem_ipsum, "occurrences of \"lorem ipsum\"" },
	{ "bad_chars", sig_bad_chars, "share of controls, U+FFFD and UTF-8 read as Latin-1" },
	{ "upper_letters", sig_upper_letters, "share of letters that are capitals" },
	{ .name = NULL }
};
