/* signals_docs.c - what tells a page of documentation from navigation, stubs and noise. */
#include <math.h>

#include "text/jwords.h"
#include "text/signals.h"

enum { LANGUAGES = 8, MIN_SAMPLE = 30 };

static uint64_t
words_on(struct jpage *pg, unsigned flags)
{
	uint64_t n = 0;
	size_t i;

	jpage_classify(pg);
	for (i = 0; i < pg->lines; i++)
		if (pg->line[i].flags & flags)
			n += pg->line[i].words;
	return n;
}

static double
word_share(struct jpage *pg, unsigned flags)
{
	return pg->words ? (double)words_on(pg, flags) / (double)pg->words : NAN;
}

static double
sig_prose_words(struct jpage *pg)
{
	return (double)words_on(pg, JPAGE_L_PROSE);
}

static double
sig_content_words(struct jpage *pg)
{
	return (double)words_on(pg, JPAGE_L_PROSE | JPAGE_L_CODE | JPAGE_L_TABLE);
}

static double
sig_prose_share(struct jpage *pg)
{
	return word_share(pg, JPAGE_L_PROSE);
}

static double
sig_code_share(struct jpage *pg)
{
	return word_share(pg, JPAGE_L_CODE);
}

static double
sig_table_share(struct jpage *pg)
{
	return word_share(pg, JPAGE_L_TABLE);
}

/* Lines that say nothing by themselves: links, labels, entries of lists and of an index. */
static double
sig_navigation(struct jpage *pg)
{
	const unsigned content = JPAGE_L_PROSE | JPAGE_L_CODE | JPAGE_L_TABLE | JPAGE_L_HEADING |
		JPAGE_L_STOP;
	uint64_t n = 0;
	size_t i;

	jpage_classify(pg);
	for (i = 0; i < pg->lines; i++)
		if (!(pg->line[i].flags & content) || pg->line[i].flags & JPAGE_L_LINK)
			n += pg->line[i].words;
	return pg->words ? (double)n / (double)pg->words : NAN;
}

/* Function words of the best fitting language among the words outside code and tables. */
static double
sig_function_words(struct jpage *pg)
{
	uint64_t hits[LANGUAGES] = { 0 }, words = 0, wide = 0, best = 0;
	uint32_t k;
	size_t i;
	int l;

	jpage_classify(pg);
	for (i = 0; i < pg->lines; i++) {
		const struct jpage_line *line = &pg->line[i];

		if (line->flags & (JPAGE_L_CODE | JPAGE_L_TABLE | JPAGE_L_HEADING))
			continue;
		for (k = 0; k < line->words; k++) {
			const struct jpage_word *w = &pg->word[line->word + k];
			unsigned bits = jpage_word_traits(pg, w->id) & JPAGE_W_LANGUAGES;

			if (!(w->flags & JTEXT_W_LETTER))
				continue;
			words++;
			wide += (unsigned char)pg->p[w->at] >= 0xc8;	/* not a Latin letter */
			for (l = 0; bits; l++, bits >>= 1)
				hits[l] += bits & 1;
		}
	}
	if (words < MIN_SAMPLE || wide * 2 > words)
		return NAN;
	for (l = 0; l < LANGUAGES; l++)
		best = hits[l] > best ? hits[l] : best;
	return (double)best / (double)words;
}

/* Share of odd words among the small-letter words of 4 letters and more outside code. */
static double
sig_odd_words(struct jpage *pg)
{
	uint64_t odd = 0, words = 0;
	uint32_t k;
	size_t i;

	jpage_classify(pg);
	for (i = 0; i < pg->lines; i++) {
		const struct jpage_line *line = &pg->line[i];

		if (line->flags & (JPAGE_L_CODE | JPAGE_L_TABLE))
			continue;
		for (k = 0; k < line->words; k++) {
			unsigned traits = jpage_word_traits(pg, pg->word[line->word + k].id);

			words += (traits & JPAGE_W_PLAIN) != 0;
			odd += (traits & JPAGE_W_ODD) != 0;
		}
	}
	return words < MIN_SAMPLE ? NAN : (double)odd / (double)words;
}

/* A phrase is taken to stand for the eight words around it. */
static double
sig_boilerplate(struct jpage *pg)
{
	double share = pg->words ? 8.0 * jpage_phrases(pg, JPAGE_BOILERPLATE) / (double)pg->words : NAN;

	return share > 1 ? 1 : share;
}

static double
sig_redirect(struct jpage *pg)
{
	return pg->words ? 100.0 * jpage_phrases(pg, JPAGE_REDIRECT) / (double)pg->words : NAN;
}

const struct jsignal jsignals_docs[] = {
	{ "prose_words", sig_prose_words, "words on lines of running text" },
	{ "content_words", sig_content_words, "words on lines of running text, code and tables" },
	{ "prose_share", sig_prose_share, "share of words on lines of running text" },
	{ "code_share", sig_code_share, "share of words on lines of code" },
	{ "table_share", sig_table_share, "share of words on rows of tables" },
	{ "navigation", sig_navigation, "share of words on bare labels, links and index entries" },
	{ "function_words", sig_function_words, "share of function words of the best of 7 languages" },
	{ "odd_words", sig_odd_words, "share of words that cannot be spoken" },
	{ "boilerplate", sig_boilerplate, "share of words around phrases of page furniture" },
	{ "redirect", sig_redirect, "phrases of moved and missing pages per 100 words" },
	{ .name = NULL }
};
