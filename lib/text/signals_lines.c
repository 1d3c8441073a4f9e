/* signals_lines.c - sentences and what lines are: C4, mC4, MADLAD-400 and RedPajama v2. */
#include <math.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jutf8.h"
#include "text/jabout.h"
#include "text/jclean.h"
#include "text/junicode.h"
#include "text/jwords.h"
#include "text/signals.h"

enum { LONG_LINE = 200, LIST_WORDS = 12 };

static double
share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : NAN;
}

/* Sentences of each line by itself, as C4 counts them: a line end is not run over. */
static double
sig_sentences(struct jpage *pg)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++) {
		struct jtext_span s;
		size_t at = 0;

		while (jtext_next_sentence(pg->p + pg->line[i].at, pg->line[i].n, &at, &s))
			n++;
	}
	return (double)n;
}

static double
sig_long_lines(struct jpage *pg)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++)
		n += pg->line[i].chars >= LONG_LINE;
	return (double)n;
}

struct letters {
	uint64_t chars, upper, letters, digits;
};

static struct letters
letters_of(const char *s, size_t n)
{
	struct letters l = { 0 };
	size_t i = 0;

	while (i < n) {
		enum jtext_class class;
		uint32_t cp = (unsigned char)s[i];
		int k = 1;

		if (cp < 0x80) {
			bool letter = (cp | 32) - 'a' < 26;

			l.chars += cp > ' ';
			l.letters += letter;
			l.digits += cp - '0' < 10;
			l.upper += letter && cp < 'a';
			i++;
			continue;
		}
		k = jutf8_decode(s + i, n - i, &cp);
		class = jtext_class(cp);
		i += (size_t)(k > 0 ? k : 1);
		l.chars += class != JTEXT_SPACE;
		l.letters += class == JTEXT_LETTER;
		l.digits += class == JTEXT_DIGIT;
		l.upper += class == JTEXT_LETTER && jtext_is_upper(cp);
	}
	return l;
}

static double
sig_upper_lines(struct jpage *pg)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++) {
		struct letters l = letters_of(pg->p + pg->line[i].at, pg->line[i].n);

		n += l.upper * 2 > l.chars;
	}
	return share(n, pg->lines);
}

static double
sig_number_lines(struct jpage *pg)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++) {
		struct letters l = letters_of(pg->p + pg->line[i].at, pg->line[i].n);

		n += l.digits > 0 && l.digits == l.chars;
	}
	return share(n, pg->lines);
}

static double
sig_javascript_lines(struct jpage *pg)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++)
		n += jclean_has(pg->p + pg->line[i].at, pg->line[i].n, "javascript");
	return share(n, pg->lines);
}

static double
sig_caps_words(struct jpage *pg)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pg->words; i++) {
		struct letters l = { 0 };

		if (pg->word[i].flags & JTEXT_W_UPPER && pg->word[i].chars > 1)
			l = letters_of(pg->p + pg->word[i].at, pg->word[i].n);
		n += l.letters > 1 && l.upper == l.letters;
	}
	return share(n, pg->words);
}

/* Of the distribution of words, in nats. */
static double
sig_word_entropy(struct jpage *pg)
{
	uint32_t *count;
	double sum = 0;
	size_t i;

	if (pg->words == 0)
		return NAN;
	count = jmem_zalloc(pg->ids, sizeof(*count));
	for (i = 0; i < pg->words; i++)
		count[pg->word[i].id]++;
	for (i = 0; i < pg->ids; i++) {
		double p = count[i] / (double)pg->words;

		sum -= p * log(p);
	}
	jmem_free(count);
	return sum > 0 ? sum : 0;
}

/* A sentence of a dozen words, most with a capital, is a list of names and titles. */
static double
sig_list_case(struct jpage *pg)
{
	struct jtext_span s;
	uint64_t all = 0, lists = 0;
	size_t at = 0;

	while (jtext_next_sentence(pg->p, pg->n, &at, &s)) {
		uint64_t words = 0, upper = 0;
		struct jtext_word w;
		size_t i = 0;

		while (jtext_next_word(pg->p + s.at, s.n, &i, &w)) {
			words++;
			upper += (w.flags & JTEXT_W_UPPER) != 0;
		}
		all++;
		lists += words >= LIST_WORDS && upper * 2 > words;
	}
	return share(lists, all);
}

static double
sig_removed_words(struct jpage *pg)
{
	return pg->about ? pg->about->removed : NAN;
}

const struct jsignal jsignals_lines[] = {
	{ "sentences", sig_sentences, "sentences, each line by itself" },
	{ "long_lines", sig_long_lines, "lines of at least 200 characters" },
	{ "upper_lines", sig_upper_lines, "share of lines that are mostly capitals" },
	{ "number_lines", sig_number_lines, "share of lines of digits alone" },
	{ "javascript_lines", sig_javascript_lines, "share of lines that hold \"javascript\"" },
	{ "caps_words", sig_caps_words, "share of words of two letters and more in capitals" },
	{ "word_entropy", sig_word_entropy, "entropy of the distribution of words, in nats" },
	{ "list_case", sig_list_case, "share of sentences of 12 words and more that are mostly capitalised" },
	{ "removed_words", sig_removed_words, "share of words that --clean removed" },
	{ .name = NULL }
};
