#include "text/jcompatscore.h"

#include <string.h>

#include "base/jutf8.h"
#include "text/intern.h"
#include "text/jclean.h"
#include "text/junicode.h"
#include "text/jwords.h"

static bool
is_space(int c)
{
	return c == ' ' || (c >= 9 && c <= 13);
}

static double
length_score(double chars)
{
	double falling = 1 - (chars - 5000) / 45000;

	if (chars < 100)
		return 0;
	if (chars > 50000)
		return 0.5;
	if (chars < 500)
		return chars / 500;
	return chars <= 5000 ? 1 : falling > 0.5 ? falling : 0.5;
}

/* Does a line begin with a run of # (or one of - and *) and white space? */
static bool
line_begins(const char *p, size_t n, bool heading)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		if (i > 0 && p[i - 1] != '\n')
			continue;
		for (k = i; heading && k < n && p[k] == '#'; k++)
			;
		k += !heading && (p[k] == '-' || p[k] == '*');
		if (k > i && k < n && is_space((unsigned char)p[k]))
			return true;
	}
	return false;
}

/* Words between the full stops, question and exclamation marks: the mean of the pieces. */
static double
sentence_words(const char *p, size_t n)
{
	double words = 0, pieces = 1;
	bool in_word = false, in_stop = false;
	size_t i = 0;

	while (i < n) {
		uint32_t cp;
		int k = jutf8_decode(p + i, n - i, &cp);
		bool stop = cp == '.' || cp == '!' || cp == '?', space = jtext_class(cp) == JTEXT_SPACE;

		i += (size_t)(k > 0 ? k : 1);
		pieces += stop && !in_stop;
		words += !stop && !space && !in_word;
		in_stop = stop;
		in_word = !stop && !space;
	}
	return words / pieces;
}

static bool
has(const char *p, size_t n, const char *what)
{
	size_t k = strlen(what), i = 0;
	const char *hit;

	while (i + k <= n && (hit = memchr(p + i, what[0], n - i - k + 1)) != NULL) {
		if (memcmp(hit, what, k) == 0)
			return true;
		i = (size_t)(hit - p) + 1;
	}
	return false;
}

static double
structure_score(const struct jpage *pg)
{
	double score = 0.5, mean = sentence_words(pg->p, pg->n);

	score += has(pg->p, pg->n, "\n\n") ? 0.1 : 0;
	score += line_begins(pg->p, pg->n, true) ? 0.1 : 0;
	score += line_begins(pg->p, pg->n, false) ? 0.1 : 0;
	score += has(pg->p, pg->n, "```") ? 0.1 : 0;
	score += mean >= 10 && mean <= 30 ? 0.1 : 0;
	return score < 1 ? score : 1;
}

/* "test test", "testtest", "testt  test": the word twice with nothing but white space between. */
static bool
has_tests(const char *p, size_t n)
{
	size_t i, k, ts;

	for (i = 0; i < n; i++) {
		if ((p[i] | 32) != 't' || !jclean_begins(p + i, n - i, "test"))
			continue;
		for (k = i + 3, ts = 0; k < n && (p[k] | 32) == 't'; k++)
			ts++;
		if (ts >= 2 && jclean_begins(p + k, n - k, "est"))
			return true;
		while (k < n && is_space((unsigned char)p[k]))
			k++;
		if (jclean_begins(p + k, n - k, "test"))
			return true;
	}
	return false;
}

static bool
has_angles(const char *p, size_t n)
{
	size_t i, run = 0;

	for (i = 0; i < n && run < 5; i++)
		run = p[i] == '<' || p[i] == '>' ? run + 1 : 0;
	return run >= 5;
}

static double
language_score(const struct jpage *pg)
{
	static const char *const ads[] = { "lorem ipsum", "click here", "subscribe now", "buy now", "limited offer",
		"asdf" };
	static const char *const noise[] = { "[object Object]", "undefined", "null", "NaN" };
	const struct jpage_counts *c = &pg->count;
	double score = 1, alnum = (double)(c->letters + c->digits);
	size_t i;

	for (i = 0; i < sizeof(ads) / sizeof(ads[0]); i++)
		score -= jclean_has(pg->p, pg->n, ads[i]) ? 0.2 : 0;
	score -= has_tests(pg->p, pg->n) ? 0.2 : 0;
	score -= has_angles(pg->p, pg->n) ? 0.15 : 0;
	for (i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
		score -= has(pg->p, pg->n, noise[i]) ? 0.15 : 0;
	score -= c->chars > 0 && alnum / (double)c->chars < 0.5 ? 0.2 : 0;
	score -= alnum > 0 && (double)c->upper / alnum > 0.5 ? 0.2 : 0;
	return score > 0 ? score : 0;
}

static double
domain_score(const struct jpage *pg, const char *const *keywords)
{
	double all = 0, there = 0, share;

	for (; keywords && *keywords; keywords++) {
		struct jbuf low;

		all++;
		jbuf_init(&low);
		if (jtext_flatten(*keywords, strlen(*keywords), &low, NULL) == 0)
			there += jclean_has(pg->p, pg->n, low.p);
		jbuf_release(&low);
	}
	if (all == 0)
		return 0.7;
	share = there / all;
	return share < 0.1 ? 0.3 : share < 0.2 ? 0.5 : share < 0.3 ? 0.7 : share < 0.5 ? 0.5 + share : 1;
}

/* Different words among those that white space separates, letter case aside; 1 of ten or fewer. */
static double
variety(const char *p, size_t n, double *words)
{
	struct jintern seen = { .n = 0 };
	struct jtext_word w = { .n = 0 };
	double share;
	size_t i = 0;

	*words = 0;
	jintern_reset(&seen, n / 2 + 1);
	while (i <= n) {
		uint32_t cp = ' ';
		int k = i < n ? jutf8_decode(p + i, n - i, &cp) : 1;

		if (jtext_class(cp) != JTEXT_SPACE) {
			w.at = w.n ? w.at : i;
			w.n = i + (size_t)(k > 0 ? k : 1) - w.at;
		} else if (w.n > 0) {
			jintern_put(&seen, jtext_word_hash(p, &w));
			(*words)++;
			w.n = 0;
		}
		i += (size_t)(k > 0 ? k : 1);
	}
	share = *words > 0 ? seen.n / *words : 1;
	jintern_release(&seen);
	return share;
}

static bool
is_formed(const char *s, size_t n)
{
	uint32_t cp;

	jutf8_decode(s, n, &cp);
	if (!jtext_is_upper(cp) && !(cp < 0x80 && strchr("#-*`", (int)cp)))
		return false;
	return s[0] == '#' || strchr(".!?:\"'`)", s[n - 1]) != NULL;
}

static double
coherence_score(const struct jpage *pg)
{
	double words, formed = 0, score = 0.7, share = variety(pg->p, pg->n, &words);
	size_t i;

	if (words > 10)
		score += share < 0.3 ? -0.3 : share > 0.7 ? 0.1 : 0;
	for (i = 0; i < pg->lines; i++)
		formed += is_formed(pg->p + pg->line[i].at, pg->line[i].n);
	if (pg->lines > 0)
		score = score * 0.5 + formed / (double)pg->lines * 0.5;
	return score > 1 ? 1 : score;
}

struct jcompat_score
jcompat_score(struct jpage *pg, const char *const *keywords)
{
	struct jcompat_score s = { length_score((double)pg->count.chars), structure_score(pg), language_score(pg),
		domain_score(pg, keywords), coherence_score(pg), 0 };

	s.all = s.length * 0.15 + s.structure * 0.2 + s.language * 0.2 + s.domain * 0.25 + s.coherence * 0.2;
	return s;
}
