/* compat.c - words, lines and shares; see jcompat.h.  compat_grams.c has the n-grams. */
#include "text/jcompat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "base/jutf8.h"
#include "text/compat_internal.h"
#include "text/junicode.h"
#include "text/jwords.h"
#include "text/page_internal.h"

static double
share(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

static void
add_word(struct compat *c, const char *s, size_t n, unsigned flags)
{
	struct compat_word *w;

	JMEM_GROW(c->word, c->word_cap, c->words + 1);
	w = &c->word[c->words++];
	*w = (struct compat_word){ jhash64(s, n, 0), (uint32_t)(s - c->p), (uint32_t)n,
		(uint32_t)jutf8_count(s, n), flags };
}

/* Flags of a token: has a letter; is nothing but punctuation and symbols. */
static unsigned
token_flags(const char *s, size_t n)
{
	unsigned flags = COMPAT_PUNCT;
	size_t i = 0;

	while (i < n) {
		uint32_t cp;
		int k = jutf8_decode(s + i, n - i, &cp);
		enum jtext_class class = jtext_class(cp);

		i += (size_t)(k > 0 ? k : 1);
		if (class == JTEXT_LETTER)
			flags |= COMPAT_LETTER;
		if (class != JTEXT_PUNCT && class != JTEXT_SYMBOL)
			flags &= ~(unsigned)COMPAT_PUNCT;
	}
	return flags;
}

static bool
space_at(const char *s, size_t n, size_t *k)
{
	uint32_t cp;
	int len = jutf8_decode(s, n, &cp);

	*k = (size_t)(len > 0 ? len : 1);
	return jtext_class(cp) == JTEXT_SPACE;
}

static void
split_spaces(struct compat *c)
{
	size_t i = 0, from, k;

	while (i < c->n) {
		while (i < c->n && space_at(c->p + i, c->n - i, &k))
			i += k;
		for (from = i; i < c->n && !space_at(c->p + i, c->n - i, &k);)
			i += k;
		if (i > from)
			add_word(c, c->p + from, i - from, token_flags(c->p + from, i - from));
	}
}

/* How far the character of k bytes at s repeats itself: "..." and "----" are one token. */
static size_t
same_marks(const char *s, size_t n, size_t k)
{
	size_t i = k;

	while (i + k <= n && memcmp(s + i, s, k) == 0)
		i += k;
	return i;
}

/* Words as in jwords.h, and every other run of one character that is no space as a token. */
static void
split_marks(struct compat *c)
{
	size_t at = 0, i = 0, k;
	struct jtext_word w;
	bool more = true;

	while (more) {
		more = jtext_next_word(c->p, c->n, &at, &w);
		while (i < (more ? w.at : c->n)) {
			if (!space_at(c->p + i, c->n - i, &k)) {
				k = same_marks(c->p + i, (more ? w.at : c->n) - i, k);
				add_word(c, c->p + i, k, token_flags(c->p + i, k));
			}
			i += k;
		}
		if (more) {
			add_word(c, c->p + w.at, w.n, w.flags & JTEXT_W_LETTER ? COMPAT_LETTER : 0);
			i = w.at + w.n;
		}
	}
}

/* Lower case, punctuation taken out: the words then are of another text. */
static void
split_plain(struct compat *c)
{
	size_t i = 0;

	jbuf_reset(&c->plain);
	jbuf_reserve(&c->plain, c->n + c->n / 2 + 8);
	while (i < c->n) {
		uint32_t cp;
		char out[4];
		int k = jutf8_decode(c->p + i, c->n - i, &cp);

		i += (size_t)(k > 0 ? k : 1);
		if (jtext_class(cp) != JTEXT_PUNCT)
			jbuf_add(&c->plain, out, (size_t)jutf8_encode(jtext_lower(cp), out));
	}
	c->p = c->plain.p;
	c->n = c->plain.n;
	split_spaces(c);
}

static void
add_unit(struct compat *c, const char *s, size_t n)
{
	JMEM_GROW(c->unit, c->unit_cap, c->units + 1);
	c->unit[c->units++] = (struct compat_unit){ jhash64(s, n, 0), (uint32_t)(s - c->p), (uint32_t)n,
		(uint32_t)jutf8_count(s, n) };
}

static bool
is_blank(const char *s, size_t n)
{
	size_t k;

	while (n > 0 && space_at(s, n, &k)) {
		s += k;
		n -= k;
	}
	return n == 0;
}

/* Splits at `gap` line ends or more (or at each `gap`, if not greedy). */
static void
split_units(struct compat *c, size_t gap, bool greedy, bool filled)
{
	size_t i = 0, from = 0, k;

	c->units = 0;
	while (i <= c->n) {
		for (k = 0; i + k < c->n && c->p[i + k] == '\n' && (greedy || k < gap); k++)
			;
		if (i < c->n && k < gap) {
			i += k ? k : 1;
			continue;
		}
		if (!filled || !is_blank(c->p + from, i - from))
			add_unit(c, c->p + from, i - from);
		if (i == c->n)
			break;
		from = i += k;
	}
}

/* later: second and further copies; all: every copy of what stands more than once. */
static void
count_copies(struct compat *c, struct compat_copies *to)
{
	size_t i;

	*to = (struct compat_copies){ .units = (double)c->units };
	jintern_reset(&c->seen, c->units + 1);
	for (i = 0; i < c->units; i++) {
		uint32_t before = c->seen.n;

		if (jintern_put(&c->seen, c->unit[i].hash) < before) {
			to->later++;
			to->later_chars += c->unit[i].chars;
		}
	}
	for (i = 0; i < c->units; i++) {
		if (c->seen.count[jintern_find(&c->seen, c->unit[i].hash)] < 2)
			continue;
		to->all++;
		to->all_chars += c->unit[i].chars;
	}
}

static bool
starts(const char *s, size_t n, const char *const *marks)
{
	for (; *marks; marks++)
		if (n >= strlen(*marks) && memcmp(s, *marks, strlen(*marks)) == 0)
			return true;
	return false;
}

static bool
ends(const char *s, size_t n, const char *tail)
{
	size_t k = strlen(tail);

	return n >= k && memcmp(s + n - k, tail, k) == 0;
}

static void
measure_lines(struct compat *c, enum jcompat which, struct jcompat_values *v)
{
	static const char *const bullets[JCOMPATS][10] = {
		{ "\xe2\x80\xa2", "-" }, { "*", "-" }, { "\xe2\x80\xa2", "-" },
		{ "\xe2\x80\xa2", "\xe2\x80\xa3", "\xe2\x96\xb6", "\xe2\x97\x80", "\xe2\x97\xa6", "\xe2\x96\xa0",
			"\xe2\x96\xa1", "\xe2\x96\xaa", "-" }
	};
	size_t i, bullet = 0, ellipsis = 0;

	for (i = 0; i < c->units; i++) {
		struct jtext_span s = { c->unit[i].at, c->unit[i].n };

		if (which != JCOMPAT_DOLMA)
			s = jtext_trim(c->p, s);
		bullet += starts(c->p + s.at, s.n, bullets[which]);
		ellipsis += ends(c->p + s.at, s.n, "\xe2\x80\xa6") ||
			(which != JCOMPAT_DOLMA && ends(c->p + s.at, s.n, "..."));
	}
	v->bullets = share((double)bullet, (double)c->units);
	v->ellipsis_lines = share((double)ellipsis, (double)c->units);
}

static int
compare_length(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
median_length(const struct compat *c)
{
	uint32_t *v = jmem_alloc(c->words + 1, sizeof(*v));
	double median;
	size_t i;

	for (i = 0; i < c->words; i++)
		v[i] = c->word[i].chars;
	qsort(v, c->words, sizeof(*v), compare_length);
	median = c->words == 0 ? NAN : c->words % 2 ? v[c->words / 2] :
		(v[c->words / 2 - 1] + (double)v[c->words / 2]) / 2;
	jmem_free(v);
	return median;
}

static double
occurrences(const char *s, size_t n, const char *what)
{
	size_t k = strlen(what), i = 0;
	double count = 0;

	while (i + k <= n) {
		const char *hit = memchr(s + i, what[0], n - i - k + 1);

		if (!hit)
			break;
		i = (size_t)(hit - s);
		if (memcmp(hit, what, k) == 0) {
			count++;
			i += k;
		} else {
			i++;
		}
	}
	return count;
}

/* Different stop words; dolma and Curator, like DCLM, count each time. */
static double
stop_words(const struct compat *c, bool distinct)
{
	static const char *const stop[] = { "the", "be", "to", "of", "and", "that", "have", "with" };
	double hits = 0, kinds = 0;
	size_t i, k;

	for (k = 0; k < 8; k++) {
		uint64_t h = jhash64(stop[k], strlen(stop[k]), 0);
		double before = hits;

		for (i = 0; i < c->words; i++)
			hits += c->word[i].hash == h;
		kinds += hits > before;
	}
	return distinct ? kinds : hits;
}

static void
measure_words(struct compat *c, enum jcompat which, struct jcompat_values *v)
{
	size_t i, words = 0, alpha = 0;
	double chars = 0;

	for (i = 0; i < c->words; i++) {
		alpha += (c->word[i].flags & COMPAT_LETTER) != 0;
		if (which == JCOMPAT_DATATROVE && c->word[i].flags & COMPAT_PUNCT)
			continue;
		words++;
		chars += c->word[i].chars;
	}
	c->word_chars = 0;
	for (i = 0; i < c->words; i++)
		c->word_chars += c->word[i].chars;
	v->words = (double)words;
	v->word_chars = which == JCOMPAT_DOLMA ? median_length(c) : share(chars, (double)words);
	v->hashes = share(occurrences(c->text, c->text_n, "#"), (double)c->words);
	v->ellipses = share(occurrences(c->text, c->text_n, "\xe2\x80\xa6") +
		(which == JCOMPAT_DOLMA ? 0 : occurrences(c->text, c->text_n, "...")), (double)c->words);
	v->alpha = share((double)alpha, (double)c->words);
	v->stop = stop_words(c, which == JCOMPAT_DATATROVE);
}

static void
measure_copies(struct compat *c, enum jcompat which, struct jcompat_values *v)
{
	bool later = which == JCOMPAT_DATATROVE || which == JCOMPAT_CURATOR;
	double whole = later ? (double)jutf8_count(c->text, c->text_n) : c->word_chars;
	struct compat_copies lines, paras;

	c->p = c->text;
	c->n = c->text_n;
	split_units(c, 1, which == JCOMPAT_DATATROVE, which == JCOMPAT_CURATOR);
	measure_lines(c, which, v);
	count_copies(c, &lines);
	split_units(c, 2, which == JCOMPAT_DATATROVE, which == JCOMPAT_CURATOR);
	count_copies(c, &paras);
	v->dup_lines = share(later ? lines.later : lines.all, lines.units);
	v->dup_line_chars = share(later ? lines.later_chars : lines.all_chars, whole);
	v->dup_paras = which == JCOMPAT_DOLMA ? NAN :
		share(later ? paras.later : paras.all, paras.units);
	v->dup_para_chars = which == JCOMPAT_DOLMA ? NAN :
		share(later ? paras.later_chars : paras.all_chars, whole);
}

const struct jcompat_values *
jcompat_measure(struct jpage *pg, enum jcompat which)
{
	struct compat *c = pg->t->compat;

	if (!c) {
		c = pg->t->compat = jmem_zalloc(1, sizeof(*c));
		jbuf_init(&c->plain);
	}
	if (pg->done & JPAGE_DID_COMPAT << which)
		return &c->value[which];
	pg->done |= JPAGE_DID_COMPAT << which;
	c->text = c->p = pg->p;
	c->text_n = c->n = pg->n;
	c->words = 0;
	if (which == JCOMPAT_DATATROVE)
		split_marks(c);
	else if (which == JCOMPAT_RPV2)
		split_plain(c);
	else
		split_spaces(c);
	measure_words(c, which, &c->value[which]);
	compat_grams(c, which, &c->value[which]);
	measure_copies(c, which, &c->value[which]);
	return &c->value[which];
}

void
jpage_compat_free(struct compat *c)
{
	if (!c)
		return;
	jintern_release(&c->seen);
	jbuf_release(&c->plain);
	jmem_free(c->word);
	jmem_free(c->unit);
	jmem_free(c->gram);
	jmem_free(c->covered);
	jmem_free(c);
}
