/* lang.c - see jlang.h. */
#include "text/jlang.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "base/jutf8.h"
#include "text/intern.h"
#include "text/jfasttext.h"
#include "text/junicode.h"
#include "text/lang_internal.h"

#define EVERY_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* Levels lie in lanes of 16 bits, four languages a word. */
enum { MAX_WORD = 32, STEPS = 7, LEAST_FEATURES = 3, LANES = LANG_MOST / 4 };
/* Symbols of a table's alphabet: 0 is '_', letter i of the alphabet is i + 1, then all others. */
enum { SYMBOLS = 33, NO_SYMBOL = 255 };
/* Neighbouring features say the same again: beyond this many, more of them make no surer. */
static const double independent = 60;

struct jlang {
	struct jfasttext *model;
	struct table {			/* one for each of jlang_groups */
		struct jintern key;	/* feature -> row */
		uint64_t (*level)[LANES];	/* by row */
		uint32_t alphabet;	/* its first letter */
		/* Row + 1 of two and three symbols, 0 if there is none: most features need no hash. */
		uint16_t pair[SYMBOLS * SYMBOLS], triple[SYMBOLS * SYMBOLS * SYMBOLS];
	} table[3];
};

struct jlang_bench {
	struct jfasttext_bench *fasttext;
	struct jbuf sample, flat;
};

static const char *const script_code[LANG_SCRIPTS] = {
	[LANG_HAN] = "zh", [LANG_KANA] = "ja", [LANG_HANGUL] = "ko", [LANG_GREEK] = "el",
	[LANG_HEBREW] = "he", [LANG_ARMENIAN] = "hy", [LANG_GEORGIAN] = "ka",
	[LANG_DEVANAGARI] = "hi", [LANG_BENGALI] = "bn", [LANG_GURMUKHI] = "pa",
	[LANG_GUJARATI] = "gu", [LANG_TAMIL] = "ta", [LANG_TELUGU] = "te", [LANG_KANNADA] = "kn",
	[LANG_MALAYALAM] = "ml", [LANG_SINHALA] = "si", [LANG_THAI] = "th", [LANG_LAO] = "lo",
	[LANG_MYANMAR] = "my", [LANG_KHMER] = "km"
};

static const struct {
	uint32_t from, to;
	enum lang_script script;
} ranges[] = {
	{ 0x0041, 0x024f, LANG_LATIN }, { 0x0370, 0x03ff, LANG_GREEK },
	{ 0x0400, 0x052f, LANG_CYRILLIC }, { 0x0530, 0x058f, LANG_ARMENIAN },
	{ 0x0590, 0x05ff, LANG_HEBREW }, { 0x0600, 0x077f, LANG_ARABIC },
	{ 0x0900, 0x097f, LANG_DEVANAGARI }, { 0x0980, 0x09ff, LANG_BENGALI },
	{ 0x0a00, 0x0a7f, LANG_GURMUKHI }, { 0x0a80, 0x0aff, LANG_GUJARATI },
	{ 0x0b80, 0x0bff, LANG_TAMIL }, { 0x0c00, 0x0c7f, LANG_TELUGU },
	{ 0x0c80, 0x0cff, LANG_KANNADA }, { 0x0d00, 0x0d7f, LANG_MALAYALAM },
	{ 0x0d80, 0x0dff, LANG_SINHALA }, { 0x0e00, 0x0e7f, LANG_THAI },
	{ 0x0e80, 0x0eff, LANG_LAO }, { 0x1000, 0x109f, LANG_MYANMAR },
	{ 0x10a0, 0x10ff, LANG_GEORGIAN }, { 0x1100, 0x11ff, LANG_HANGUL },
	{ 0x1780, 0x17ff, LANG_KHMER }, { 0x1e00, 0x1eff, LANG_LATIN },
	{ 0x1f00, 0x1fff, LANG_GREEK }, { 0x3041, 0x30ff, LANG_KANA },
	{ 0x3130, 0x318f, LANG_HANGUL }, { 0x3400, 0x4dbf, LANG_HAN },
	{ 0x4e00, 0x9fff, LANG_HAN }, { 0xac00, 0xd7a3, LANG_HANGUL },
	{ 0xfb50, 0xfdff, LANG_ARABIC }, { 0xfe70, 0xfeff, LANG_ARABIC }
};

static enum lang_script
script_of(uint32_t cp)
{
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]) && cp >= ranges[i].from; i++)
		if (cp <= ranges[i].to)
			return ranges[i].script;
	return LANG_OTHER;
}

/* Up to three code points as they are, more as a hash with the top bit set. */
static uint64_t
feature_key(const uint32_t *cp, size_t n)
{
	uint64_t key = 0;
	size_t i;

	for (i = 0; i < n; i++)
		key = n <= 3 ? key << 21 | cp[i] : (key ^ cp[i]) * UINT64_C(0x100000001b3);
	return n <= 3 ? key : key | UINT64_C(1) << 63;
}

static unsigned
symbol(const struct table *t, uint32_t cp)
{
	if (cp - t->alphabet < SYMBOLS - 1)
		return cp - t->alphabet + 1;
	return cp == '_' ? 0 : NO_SYMBOL;
}

static void
load_feature(struct table *t, const char *s)
{
	uint32_t cp[MAX_WORD + 4], row;
	size_t n = 0, len = strlen(s), i = 0;
	unsigned at = 0, sym;

	while (i < len && n < MAX_WORD + 2)
		i += (size_t)jutf8_decode(s + i, len - i, &cp[n++]);
	row = jintern_put(&t->key, feature_key(cp, n));
	for (i = 0; i < n && n <= 3; i++) {
		sym = symbol(t, cp[i]);
		if (sym == NO_SYMBOL)
			return;
		at = at * SYMBOLS + sym;
	}
	if (n == 2)
		t->pair[at] = (uint16_t)(row + 1);
	else if (n == 3)
		t->triple[at] = (uint16_t)(row + 1);
}

static void
load_tables(struct jlang *l)
{
	unsigned char level[128] = { 0 };
	int g, steps = 0, c;
	size_t i, k;

	for (c = 35; c < 127; c++)
		if (c != '\\' && c != '?' && c != '%')
			level[c] = (unsigned char)steps++;
	for (g = 0; jlang_groups[g].row; g++) {
		const struct lang_row *row = jlang_groups[g].row;
		struct table *t = &l->table[g];

		for (i = 0; row[i].feature; i++)
			;
		if (i >= UINT16_MAX)
			jbug("a table of %zu languages' features", i);
		t->alphabet = jlang_groups[g].script == LANG_LATIN ? 'a' :
			jlang_groups[g].script == LANG_CYRILLIC ? 0x430 : 0x627;
		jintern_reset(&t->key, i);
		t->level = jmem_zalloc(i, sizeof(*t->level));
		for (i = 0; row[i].feature; i++) {
			load_feature(t, row[i].feature);
			for (k = 0; row[i].level[k]; k++)
				t->level[i][k / 4] |= (uint64_t)level[(unsigned char)row[i].level[k]] <<
					k % 4 * 16;
		}
	}
}

int
jlang_open(struct jlang **out, const char *file, struct jerr *e)
{
	struct jlang *l = jmem_zalloc(1, sizeof(*l));
	int rc = 0;

	if (file)
		rc = jfasttext_open(&l->model, file, e);
	else
		load_tables(l);
	if (rc < 0)
		jmem_free(l);
	else
		*out = l;
	return rc;
}

void
jlang_close(struct jlang *l)
{
	int g;

	if (!l)
		return;
	for (g = 0; g < 3; g++) {
		jintern_release(&l->table[g].key);
		jmem_free(l->table[g].level);
	}
	jfasttext_free(l->model);
	jmem_free(l);
}

struct jlang_bench *
jlang_bench_new(void)
{
	struct jlang_bench *b = jmem_zalloc(1, sizeof(*b));

	b->fasttext = jfasttext_bench_new();
	jbuf_init(&b->sample);
	jbuf_init(&b->flat);
	return b;
}

void
jlang_bench_free(struct jlang_bench *b)
{
	if (!b)
		return;
	jfasttext_bench_free(b->fasttext);
	jbuf_release(&b->sample);
	jbuf_release(&b->flat);
	jmem_free(b);
}

static bool
is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Adds about n bytes that start at `from`, from a word's beginning to a word's end. */
static void
add_stretch(struct jbuf *b, const char *s, size_t all, size_t from, size_t n)
{
	size_t end = from + n, k;

	for (k = 0; from > 0 && from < end && s[from - 1] != ' ' && s[from - 1] != '\n' && k < 64; k++)
		from++;
	for (k = 0; end < all && end > from && s[end] != ' ' && s[end] != '\n' && k < 64; k++)
		end--;
	while (from < end && is_tail(s[from]))
		from++;
	while (end < all && end > from && is_tail(s[end]))
		end--;
	jbuf_add(b, s + from, end - from);
	jbuf_addc(b, ' ');
}

/* More than half capitals, of text that has small letters at all. */
static bool
is_shouted(const char *s, size_t n)
{
	size_t i, upper = 0, lower = 0;

	for (i = 0; i < n; i++) {
		upper += (unsigned)s[i] - 'A' < 26u;
		lower += (unsigned)s[i] - 'a' < 26u;
	}
	return upper > lower;
}

static void
take_sample(struct jlang_bench *b, const char *s, size_t n, size_t most)
{
	const size_t part = most / 3;

	jbuf_reset(&b->sample);
	if (n <= most) {
		jbuf_add(&b->sample, s, n);
	} else {
		add_stretch(&b->sample, s, n, 0, part);
		add_stretch(&b->sample, s, n, n / 2 - part / 2, part);
		add_stretch(&b->sample, s, n, n - part, part);
	}
}

static size_t
set_guess(struct jlang_guess *g, const char *code, double p)
{
	snprintf(g->code, sizeof(g->code), "%s", code);
	g->p = p;
	return 1;
}

static size_t
detect_model(const struct jlang *l, struct jlang_bench *b, struct jlang_guess *guess)
{
	struct jfasttext_guess g[JLANG_GUESSES];
	const char *s = b->sample.p;
	size_t n = b->sample.n, i, k;

	jbuf_reset(&b->flat);
	if (is_shouted(s, n) && jtext_flatten(s, n, &b->flat, NULL) == 0) {
		s = b->flat.p;
		n = b->flat.n;
	}
	k = jfasttext_predict(l->model, b->fasttext, s, n, JLANG_GUESSES, g);
	for (i = 0; i < k; i++)
		set_guess(&guess[i], jfasttext_label(l->model, (size_t)g[i].label), g[i].p);
	return k ? k : set_guess(&guess[0], "und", 0);
}

struct score {
	const struct jlang *l;
	int g;				/* of jlang_groups */
	uint32_t sum[LANG_MOST];
	uint16_t found[512];		/* rows not yet in sum; times the greatest level is below 2^16 */
	size_t n;
	uint64_t features;
};

static void
add_found(struct score *sc)
{
	const struct table *t = &sc->l->table[sc->g];
	uint64_t part[LANES] = { 0 };
	size_t k;
	int i;

	for (k = 0; k < sc->n; k++)
		for (i = 0; i < LANES; i++)
			part[i] += t->level[sc->found[k]][i];
	for (i = 0; i < LANG_MOST; i++)
		sc->sum[i] += part[i / 4] >> i % 4 * 16 & 0xffff;
	sc->features += sc->n;
	sc->n = 0;
}

/* row1: the row + 1, or 0 for no feature. */
static inline void
found(struct score *sc, uint32_t row1)
{
	sc->found[sc->n] = (uint16_t)(row1 - 1);
	sc->n += row1 > 0;
}

/* JINTERN_NONE + 1 is 0. */
static uint32_t
look_up(const struct table *t, const uint32_t *w, size_t n)
{
	return jintern_find(&t->key, feature_key(w, n)) + 1;
}

/* w: the code points of "_word_"; sym: their symbols. */
static void
add_word(struct score *sc, const uint32_t *w, const unsigned char *sym, size_t n)
{
	const struct table *t = &sc->l->table[sc->g];
	size_t i;

	if (sc->n + 2 * n > sizeof(sc->found) / sizeof(sc->found[0]))
		add_found(sc);
	for (i = 0; i + 1 < n; i++) {
		size_t a = sym[i], b = sym[i + 1], c = i + 2 < n ? sym[i + 2] : 0;

		if ((a | b) < SYMBOLS)
			found(sc, t->pair[a * SYMBOLS + b]);
		else
			found(sc, look_up(t, w + i, 2));
		if (i + 2 == n)
			break;
		if ((a | b | c) < SYMBOLS)
			found(sc, t->triple[(a * SYMBOLS + b) * SYMBOLS + c]);
		else
			found(sc, look_up(t, w + i, 3));
	}
	if (n > 3)
		found(sc, look_up(t, w, n));
}

static void
score_text(struct score *sc, const char *s, size_t n)
{
	const struct table *t = &sc->l->table[sc->g];
	uint32_t w[MAX_WORD + 4] = { '_' };
	unsigned char sym[MAX_WORD + 4] = { 0 };
	size_t chars = 1, i = 0;

	while (i <= n) {
		uint32_t cp = ' ';
		int k = 1;
		bool letter;

		if (i < n && (unsigned char)s[i] < 0x80)
			cp = (unsigned char)s[i];
		else if (i < n)
			k = jutf8_decode(s + i, n - i, &cp);
		letter = cp < 0x80 ? (cp | 32) - 'a' < 26u : jtext_class(cp) == JTEXT_LETTER ||
			jtext_class(cp) == JTEXT_MARK;
		i += (size_t)(k > 0 ? k : 1);
		if (letter) {
			if (chars <= MAX_WORD) {
				w[chars] = cp < 0x80 ? cp | 32 : jtext_lower(cp);
				sym[chars] = (unsigned char)symbol(t, w[chars]);
				chars++;
			}
			continue;
		}
		if (chars > 1) {
			w[chars] = '_';
			sym[chars] = 0;
			add_word(sc, w, sym, chars + 1);
		}
		chars = 1;
	}
	add_found(sc);
}

/* Probabilities of the languages of a group, times `share`. */
static size_t
rank(const struct score *sc, double share, struct jlang_guess *guess)
{
	const struct lang_group *group = &jlang_groups[sc->g];
	double scale = independent / ((double)sc->features > independent ? (double)sc->features :
		independent) / STEPS, max = 0, all = 0, p;
	size_t n = 0, k;
	int i;

	if (sc->features < LEAST_FEATURES)
		return set_guess(&guess[0], "und", 0);
	for (i = 0; i < group->n; i++)
		max = fmax(max, sc->sum[i]);
	for (i = 0; i < group->n; i++)
		all += exp((sc->sum[i] - max) * scale);
	for (i = 0; i < group->n; i++) {
		p = share * exp((sc->sum[i] - max) * scale) / all;
		for (k = n; k > 0 && guess[k - 1].p < p; k--)
			if (k < JLANG_GUESSES)
				guess[k] = guess[k - 1];
		if (k < JLANG_GUESSES) {
			set_guess(&guess[k], group->code[i], p);
			n += n < JLANG_GUESSES;
		}
	}
	return n;
}

/* How many of eight ASCII bytes are letters. */
static size_t
ascii_letters(uint64_t x)
{
	uint64_t low = x | EVERY_BYTE(0x20);
	uint64_t letter = (low + EVERY_BYTE(0x80 - 'a')) & ~(low + EVERY_BYTE(0x80 - 'z' - 1));

	return (size_t)((letter >> 7 & EVERY_BYTE(1)) * EVERY_BYTE(1) >> 56);
}

static size_t
detect_built_in(const struct jlang *l, struct jlang_bench *b, struct jlang_guess *guess)
{
	const char *s = b->sample.p;
	struct score sc = { .l = l };
	uint64_t count[LANG_SCRIPTS] = { 0 }, letters = 0;
	int best = LANG_OTHER, i;
	size_t at;

	for (at = 0; at < b->sample.n;) {
		uint32_t cp;
		int k;

		for (; b->sample.n - at >= 8 && !(jle_u64(s + at) & EVERY_BYTE(0x80)); at += 8)
			count[LANG_LATIN] += ascii_letters(jle_u64(s + at));
		if (at == b->sample.n)
			break;
		if ((unsigned char)s[at] < 0x80) {
			count[LANG_LATIN] += ((unsigned char)s[at++] | 32u) - 'a' < 26u;
			continue;
		}
		k = jutf8_decode(s + at, b->sample.n - at, &cp);
		at += (size_t)(k > 0 ? k : 1);
		if (jtext_class(cp) == JTEXT_LETTER)
			count[script_of(cp)]++;
	}
	/* Japanese mixes both; kana are enough of a sign. */
	if (count[LANG_KANA] * 20 > count[LANG_HAN] + count[LANG_KANA]) {
		count[LANG_KANA] += count[LANG_HAN];
		count[LANG_HAN] = 0;
	}
	for (i = 0; i < LANG_SCRIPTS; i++) {
		letters += count[i];
		best = count[i] > count[best] ? i : best;
	}
	if (letters == 0 || best == LANG_OTHER)
		return set_guess(&guess[0], "und", 0);
	if (script_code[best])
		return set_guess(&guess[0], script_code[best], (double)count[best] / (double)letters);
	for (sc.g = 0; (int)jlang_groups[sc.g].script != best; sc.g++)
		;
	score_text(&sc, s, b->sample.n);
	return rank(&sc, (double)count[best] / (double)letters, guess);
}

size_t
jlang_detect(const struct jlang *l, struct jlang_bench *b, const char *text, size_t n,
	struct jlang_guess guess[JLANG_GUESSES])
{
	take_sample(b, text, n, l->model ? JLANG_SAMPLE : JLANG_SAMPLE_BUILT_IN);
	return l->model ? detect_model(l, b, guess) : detect_built_in(l, b, guess);
}

const char *
jlang_built_in(size_t i)
{
	size_t g, k;

	for (g = 0; jlang_groups[g].row; g++)
		for (k = 0; k < (size_t)jlang_groups[g].n; k++)
			if (i-- == 0)
				return jlang_groups[g].code[k];
	for (k = 0; k < LANG_SCRIPTS; k++)
		if (script_code[k] && i-- == 0)
			return script_code[k];
	return NULL;
}
