/* signals_docs.c - what tells a page of documentation from navigation, stubs and noise. */
#include <math.h>

#include "text/jwords.h"
#include "text/signals.h"

enum { LANGUAGES = 8, MIN_SAMPLE = 30 };

static uint64_t
words_on(const struct jpage *pg, unsigned flags)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < pg->lines; i++)
		if (pg->line[i].flags & flags)
			n += pg->line[i].words;
	return n;
}

static double
word_share(const struct jpage *pg, unsigned flags)
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

	for (i = 0; i < pg->lines; i++) {
		const struct jpage_line *line = &pg->line[i];

		if (line->flags & (JPAGE_L_CODE | JPAGE_L_TABLE | JPAGE_L_HEADING))
			continue;
		for (k = 0; k < line->words; k++) {
			const struct jpage_word *w = &pg->word[line->word + k];
			unsigned bits = jpage_function_word(pg, w->id);

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

/* Where a letter stands on the keyboard: row * 16 + column. */
static const unsigned char key_at[26] = {
	['q' - 'a'] = 1, ['w' - 'a'] = 2, ['e' - 'a'] = 3, ['r' - 'a'] = 4, ['t' - 'a'] = 5,
	['y' - 'a'] = 6, ['u' - 'a'] = 7, ['i' - 'a'] = 8, ['o' - 'a'] = 9, ['p' - 'a'] = 10,
	['a' - 'a'] = 17, ['s' - 'a'] = 18, ['d' - 'a'] = 19, ['f' - 'a'] = 20, ['g' - 'a'] = 21,
	['h' - 'a'] = 22, ['j' - 'a'] = 23, ['k' - 'a'] = 24, ['l' - 'a'] = 25,
	['z' - 'a'] = 33, ['x' - 'a'] = 34, ['c' - 'a'] = 35, ['v' - 'a'] = 36, ['b' - 'a'] = 37,
	['n' - 'a'] = 38, ['m' - 'a'] = 39
};

/* Five neighbouring keys in a row, either way. */
static bool
has_keyboard_run(const char *s, size_t n)
{
	int run = 0, way = 0, step;
	size_t i;

	for (i = 1; i < n; i++) {
		step = key_at[s[i] - 'a'] - key_at[s[i - 1] - 'a'];
		if (step != 1 && step != -1) {
			run = way = 0;
			continue;
		}
		run = step == way ? run + 1 : 1;
		way = step;
		if (run >= 4)
			return true;
	}
	return false;
}

/* A word of small Latin letters that no one would say: no vowel, long runs, keyboard rows. */
static bool
is_odd(const char *s, size_t n)
{
	const unsigned vowel_bits = 1u << 0 | 1u << 4 | 1u << 8 | 1u << 14 | 1u << 20 | 1u << 24;
	size_t i, vowels = 0, consonants = 0, same = 0, most_c = 0, most_v = 0, most_s = 0, run_v = 0;

	for (i = 0; i < n; i++) {
		bool vowel = vowel_bits >> (s[i] - 'a') & 1;

		vowels += vowel;
		consonants = vowel ? 0 : consonants + 1;
		run_v = vowel ? run_v + 1 : 0;
		same = i > 0 && s[i] == s[i - 1] ? same + 1 : 1;
		most_c = consonants > most_c ? consonants : most_c;
		most_v = run_v > most_v ? run_v : most_v;
		most_s = same > most_s ? same : most_s;
	}
	return vowels == 0 || most_c >= 6 || most_v >= 5 || most_s >= 4 || n > 30 ||
		has_keyboard_run(s, n);
}

/* Share of odd words among the small-letter words of 4 letters and more outside code. */
static double
sig_odd_words(struct jpage *pg)
{
	uint64_t odd = 0, words = 0;
	uint32_t k, j;
	size_t i;

	for (i = 0; i < pg->lines; i++) {
		const struct jpage_line *line = &pg->line[i];

		if (line->flags & (JPAGE_L_CODE | JPAGE_L_TABLE))
			continue;
		for (k = 0; k < line->words; k++) {
			const struct jpage_word *w = &pg->word[line->word + k];
			const char *s = pg->p + w->at;

			if (w->n < 4 || !(w->flags & JTEXT_W_ASCII))
				continue;
			for (j = 0; j < w->n && (unsigned)s[j] - 'a' < 26u; j++)
				;
			if (j < w->n)
				continue;
			words++;
			odd += is_odd(s, w->n);
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
