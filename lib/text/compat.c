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

/* What datatrove takes for punctuation: ASCII marks, controls, and these. */
static bool
is_punct(uint32_t cp)
{
	static const uint32_t ranges[][2] = {
		{ 0xab, 0xab }, { 0xb4, 0xb4 }, { 0xbb, 0xbb }, { 0x589, 0x589 }, { 0x61d, 0x61f },
		{ 0x6d4, 0x6d4 }, { 0x700, 0x702 }, { 0x7f9, 0x7f9 }, { 0x837, 0x837 }, { 0x839, 0x839 },
		{ 0x83d, 0x83e }, { 0x964, 0x965 }, { 0x104a, 0x104b }, { 0x1362, 0x1362 },
		{ 0x1367, 0x1368 }, { 0x166e, 0x166e }, { 0x1735, 0x1736 }, { 0x17d4, 0x17d6 },
		{ 0x17d9, 0x17da }, { 0x1803, 0x1803 }, { 0x1809, 0x1809 }, { 0x1944, 0x1945 },
		{ 0x1aa8, 0x1aab }, { 0x1b5a, 0x1b5b }, { 0x1b5e, 0x1b5f }, { 0x1b7d, 0x1b7e },
		{ 0x1c3b, 0x1c3c }, { 0x1c7e, 0x1c7f }, { 0x2013, 0x2014 }, { 0x2019, 0x2019 },
		{ 0x201c, 0x201e }, { 0x2026, 0x2026 }, { 0x203c, 0x203d }, { 0x2047, 0x2049 },
		{ 0x2236, 0x2236 }, { 0x2501, 0x2501 }, { 0x25ba, 0x25ba }, { 0x2e2e, 0x2e2e },
		{ 0x2e3c, 0x2e3c }, { 0x2e53, 0x2e54 }, { 0x3001, 0x3002 }, { 0x3008, 0x300d },
		{ 0x3010, 0x3011 }, { 0xa4ff, 0xa4ff }, { 0xa60e, 0xa60f }, { 0xa6f3, 0xa6f3 },
		{ 0xa6f7, 0xa6f7 }, { 0xa876, 0xa877 }, { 0xa8ce, 0xa8cf }, { 0xa92f, 0xa92f },
		{ 0xa9c8, 0xa9c9 }, { 0xaa5d, 0xaa5f }, { 0xaaf0, 0xaaf1 }, { 0xabeb, 0xabeb },
		{ 0xfe52, 0xfe52 }, { 0xfe56, 0xfe57 }, { 0xff01, 0xff01 }, { 0xff05, 0xff05 },
		{ 0xff08, 0xff09 }, { 0xff0c, 0xff0c }, { 0xff0e, 0xff0e }, { 0xff11, 0xff11 },
		{ 0xff1a, 0xff1b }, { 0xff1f, 0xff1f }, { 0xff5e, 0xff5e }, { 0xff61, 0xff61 },
		{ 0x10a56, 0x10a57 }, { 0x10f55, 0x10f59 }, { 0x10f86, 0x10f89 }, { 0x11047, 0x11048 },
		{ 0x110be, 0x110c1 }, { 0x11141, 0x11143 }, { 0x111c5, 0x111c6 }, { 0x111cd, 0x111cd },
		{ 0x111de, 0x111df }, { 0x11238, 0x11239 }, { 0x1123b, 0x1123c }, { 0x112a9, 0x112a9 },
		{ 0x1144b, 0x1144c }, { 0x115c2, 0x115c3 }, { 0x115c9, 0x115d7 }, { 0x11641, 0x11642 },
		{ 0x1173c, 0x1173e }, { 0x11944, 0x11944 }, { 0x11946, 0x11946 }, { 0x11a42, 0x11a43 },
		{ 0x11a9b, 0x11a9c }, { 0x11c41, 0x11c42 }, { 0x11ef7, 0x11ef8 }, { 0x11f43, 0x11f44 },
		{ 0x16a6e, 0x16a6f }, { 0x16af5, 0x16af5 }, { 0x16b37, 0x16b38 }, { 0x16b44, 0x16b44 },
		{ 0x16e98, 0x16e98 }, { 0x1bc9f, 0x1bc9f }, { 0x1da88, 0x1da88 }
	};
	size_t low = 0, high = sizeof(ranges) / sizeof(ranges[0]), mid;

	if (cp < 0xa0)
		return cp >= 0x7f || !((cp | 32) - 'a' < 26 || cp - '0' < 10);
	while (low < high) {
		mid = (low + high) / 2;
		if (cp > ranges[mid][1])
			low = mid + 1;
		else
			high = mid;
	}
	return low < sizeof(ranges) / sizeof(ranges[0]) && cp >= ranges[low][0];
}

/* Flags of a token: has a letter; is nothing but punctuation. */
static unsigned
token_flags(const char *s, size_t n)
{
	unsigned flags = COMPAT_PUNCT;
	size_t i = 0;

	while (i < n) {
		uint32_t cp;
		int k = jutf8_decode(s + i, n - i, &cp);

		i += (size_t)(k > 0 ? k : 1);
		if (jtext_class(cp) == JTEXT_LETTER)
			flags |= COMPAT_LETTER;
		if (!is_punct(cp))
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

/* Lower case, ASCII punctuation taken out, accents apart: the words then are of another text. */
static void
split_plain(struct compat *c)
{
	struct jbuf low;
	size_t i = 0;

	jbuf_init(&low);
	jbuf_reserve(&low, c->n + c->n / 2 + 8);
	while (i < c->n) {
		uint32_t cp;
		char out[4];
		int k = jutf8_decode(c->p + i, c->n - i, &cp);

		i += (size_t)(k > 0 ? k : 1);
		if (cp >= 0x80 || cp <= ' ' || cp == 0x7f || jtext_is_alnum(cp))
			jbuf_add(&low, out, (size_t)jutf8_encode(jtext_lower(cp), out));
	}
	jbuf_reset(&c->plain);
	if (jtext_normalise(low.p, low.n, JTEXT_NFD, &c->plain, NULL) < 0)
		jbuf_add(&c->plain, low.p, low.n);
	jbuf_release(&low);
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

/* The lines of which bullets and ellipses are counted. */
static void
split_lines(struct compat *c, enum jcompat which)
{
	split_units(c, 1, false, which == JCOMPAT_CURATOR);
	/* a line end ends a line; for dolma it begins another one */
	if (which != JCOMPAT_DOLMA && c->units > 0 && c->unit[c->units - 1].n == 0)
		c->units--;
}

static bool
ends_any(const char *s, size_t n, const char *const *tails)
{
	for (; *tails; tails++)
		if (ends(s, n, *tails))
			return true;
	return false;
}

static void
measure_lines(struct compat *c, enum jcompat which, struct jcompat_values *v)
{
	static const char *const bullets[JCOMPATS][13] = {
		{ "\xe2\x80\xa2", "-" }, { "*", "-" },
		{ "\xe2\x80\xa2", "\xe2\x80\xa3", "\xe2\x96\xb6", "\xe2\x97\x80", "\xe2\x97\xa6", "\xe2\x96\xa0",
			"\xe2\x96\xa1", "\xe2\x96\xaa", "\xe2\x96\xab", "\xe2\x80\x93" },
		{ "\xe2\x80\xa2", "\xe2\x80\xa3", "\xe2\x81\x83", "\xe2\x81\x8c", "\xe2\x81\x8d", "\xe2\x88\x99",
			"\xe2\x97\x8b", "\xe2\x97\x8f", "\xe2\x97\x98", "\xe2\x97\xa6", "\xe2\xa6\xbe", "\xe2\xa6\xbf" }
	};
	static const char *const ellipses[JCOMPATS][9] = {
		{ "...", "\xe2\x80\xa6" }, { "\xe2\x80\xa6" }, { "...", "\xe2\x80\xa6" },
		{ "...", "[...]", "\xe2\x80\xa6", "(...)", "[\xe2\x80\xa6]", "-\xc2\xbb", "read more..", "read more" }
	};
	size_t i, bullet = 0, ellipsis = 0;
	struct jbuf low;

	jbuf_init(&low);
	split_lines(c, which);
	for (i = 0; i < c->units; i++) {
		struct jtext_span s = { c->unit[i].at, c->unit[i].n };

		if (which != JCOMPAT_DOLMA)
			s = jtext_trim(c->p, s);
		bullet += starts(c->p + s.at, s.n, bullets[which]);
		jbuf_reset(&low);
		if (which == JCOMPAT_CURATOR && jtext_flatten(c->p + s.at, s.n, &low, NULL) == 0)
			ellipsis += ends_any(low.p, low.n, ellipses[which]);
		else
			ellipsis += ends_any(c->p + s.at, s.n, ellipses[which]);
	}
	jbuf_release(&low);
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

/* Runs of word characters and runs of other marks, with their ASCII letters: what RedPajama calls raw. */
static void
count_raw(const char *s, size_t n, double *words, double *alpha)
{
	enum { SPACE, WORD, MARK } kind, before = SPACE;
	bool letter = false;
	size_t i = 0;

	*words = *alpha = 0;
	while (i < n) {
		uint32_t cp;
		int k = jutf8_decode(s + i, n - i, &cp);

		i += (size_t)(k > 0 ? k : 1);
		kind = jtext_class(cp) == JTEXT_SPACE ? SPACE : cp == '_' || jtext_is_alnum(cp) ? WORD : MARK;
		if (kind != before) {
			*words += kind != SPACE;
			letter = false;
		}
		if (!letter && (cp | 32) - 'a' < 26) {
			letter = true;
			(*alpha)++;
		}
		before = kind;
	}
}

static double
words_with(const struct compat *c, bool (*test)(const char *s, size_t n))
{
	double hits = 0;
	size_t i;

	for (i = 0; i < c->words; i++)
		hits += test(c->p + c->word[i].at, c->word[i].n);
	return share(hits, (double)c->words);
}

static bool
has_symbol(const char *s, size_t n)
{
	return memchr(s, '#', n) || occurrences(s, n, "\xe2\x80\xa6") > 0;
}

/* A lone hash or an ellipsis: more hashes are one match in a longer word. */
static bool
is_symbol(const char *s, size_t n)
{
	static const char *const marks[] = { "#", "...", "[...]", "\xe2\x80\xa6", "(...)", "[\xe2\x80\xa6]", "-\xc2\xbb" };
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (n == strlen(marks[i]) && memcmp(s, marks[i], n) == 0)
			return true;
	return false;
}

/* Of three programs one number is both. */
static void
measure_symbols(struct compat *c, enum jcompat which, struct jcompat_values *v)
{
	double hashes = occurrences(c->text, c->text_n, "#");
	double ellipses = occurrences(c->text, c->text_n, "\xe2\x80\xa6") + occurrences(c->text, c->text_n, "...");
	double raw, alpha;

	v->ellipses = NAN;
	switch (which) {
	case JCOMPAT_DOLMA:
		v->hashes = words_with(c, has_symbol);
		break;
	case JCOMPAT_CURATOR:
		v->hashes = words_with(c, is_symbol);
		break;
	case JCOMPAT_RPV2:
		count_raw(c->text, c->text_n, &raw, &alpha);
		v->hashes = share(hashes + ellipses, raw);
		v->alpha = share(alpha, raw);
		break;
	default:
		v->hashes = share(hashes, (double)c->words);
		v->ellipses = share(ellipses, (double)c->words);
	}
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
	v->alpha = share((double)alpha, (double)c->words);
	v->stop = stop_words(c, which == JCOMPAT_DATATROVE);
	measure_symbols(c, which, v);
}

static double
unit_chars(const struct compat *c)
{
	double sum = 0;
	size_t i;

	for (i = 0; i < c->units; i++)
		sum += c->unit[i].chars;
	return sum;
}

/* datatrove takes the paragraphs of the text without the space around it. */
static void
split_paragraphs(struct compat *c, enum jcompat which)
{
	struct jtext_span in = { 0, c->text_n };

	if (which == JCOMPAT_DATATROVE) {
		in = jtext_trim(c->text, in);
		c->p = c->text + in.at;
		c->n = in.n;
	}
	split_units(c, 2, which == JCOMPAT_DATATROVE, false);
}

static void
measure_copies(struct compat *c, enum jcompat which, struct jcompat_values *v)
{
	bool later = which == JCOMPAT_DATATROVE || which == JCOMPAT_CURATOR;
	double whole = later ? (double)jutf8_count(c->text, c->text_n) : c->word_chars;
	struct compat_copies lines, paras;

	c->p = c->text;
	c->n = c->text_n;
	measure_lines(c, which, v);
	split_units(c, 1, which == JCOMPAT_DATATROVE, which == JCOMPAT_CURATOR);
	count_copies(c, &lines);
	whole = which == JCOMPAT_CURATOR ? unit_chars(c) : whole;
	v->dup_lines = share(later ? lines.later : lines.all, lines.units);
	v->dup_line_chars = share(later ? lines.later_chars : lines.all_chars, whole);
	split_paragraphs(c, which);
	count_copies(c, &paras);
	whole = which == JCOMPAT_CURATOR ? unit_chars(c) : whole;
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
