/* signals_repeat.c - repetition as numbers; see repeat.c for the definitions. */
#include <math.h>

#include "text/signals.h"

#define GRAM(kind, n) \
	static double \
	sig_##kind##_##n##gram(struct jpage *pg) \
	{ \
		return jpage_repeat(pg)->kind[n]; \
	}
GRAM(top, 2)
GRAM(top, 3)
GRAM(top, 4)
GRAM(dup, 5)
GRAM(dup, 6)
GRAM(dup, 7)
GRAM(dup, 8)
GRAM(dup, 9)
GRAM(dup, 10)
#undef GRAM

static double
sig_dup_lines(struct jpage *pg)
{
	return jpage_repeat(pg)->dup_lines;
}

static double
sig_dup_line_chars(struct jpage *pg)
{
	return jpage_repeat(pg)->dup_line_chars;
}

static double
sig_dup_paragraphs(struct jpage *pg)
{
	return jpage_repeat(pg)->dup_paras;
}

static double
sig_dup_paragraph_chars(struct jpage *pg)
{
	return jpage_repeat(pg)->dup_para_chars;
}

static double
sig_later_line_chars(struct jpage *pg)
{
	return jpage_repeat(pg)->later_line_chars;
}

static double
sig_unique_words(struct jpage *pg)
{
	return pg->words ? (double)pg->ids / (double)pg->words : NAN;
}

const struct jsignal jsignals_repeat[] = {
	{ "dup_lines", sig_dup_lines, "share of lines that stand more than once" },
	{ "dup_line_chars", sig_dup_line_chars, "share of line characters in such lines" },
	{ "dup_paragraphs", sig_dup_paragraphs, "share of paragraphs that stand more than once" },
	{ "dup_paragraph_chars", sig_dup_paragraph_chars, "share of their characters" },
	{ "later_line_chars", sig_later_line_chars, "share of characters in second and later copies" },
	{ "top_2gram", sig_top_2gram, "characters in the most frequent 2-gram / all" },
	{ "top_3gram", sig_top_3gram, "the same for 3 words" },
	{ "top_4gram", sig_top_4gram, "the same for 4 words" },
	{ "dup_5gram", sig_dup_5gram, "share of word characters in repeated 5-grams" },
	{ "dup_6gram", sig_dup_6gram, "the same for 6 words" },
	{ "dup_7gram", sig_dup_7gram, "the same for 7 words" },
	{ "dup_8gram", sig_dup_8gram, "the same for 8 words" },
	{ "dup_9gram", sig_dup_9gram, "the same for 9 words" },
	{ "dup_10gram", sig_dup_10gram, "the same for 10 words" },
	{ "unique_words", sig_unique_words, "distinct words / words" },
	{ .name = NULL }
};
