/* pagesplit.c - words, lines and paragraphs of a page, from the bits of its bytes. */
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "base/jutf8.h"
#include "text/junicode.h"
#include "text/jwords.h"
#include "text/page_internal.h"

struct split {
	const struct page_bits *bits;
	size_t letters_end;		/* of the last word with a letter; 0 = none yet */
	size_t word;			/* first word not yet given to a line */
	bool blank_before;
	size_t crlf;
};

/* Gopher's eight, as tokens of n bytes, 2 to 4, whatever their case; four bytes may be read. */
static inline bool
is_stop_word(const char *s, size_t n)
{
	/* "the", "to", "have", "that", "with", "of", "and", "be", each where the product puts it. */
	static const uint32_t word[16] = {
		[1] = 0x656874, [3] = 0x6f74, [4] = 0x65766168, [5] = 0x74616874, [7] = 0x68746977,
		[12] = 0x666f, [14] = 0x646e61, [15] = 0x6562
	};
	uint32_t v = (jle_u32(s) | 0x20202020) & UINT32_MAX >> 8 * (4 - n);

	return word[v * UINT32_C(0xcd613e31) >> 28] == v;
}

/* Of four bytes at p, of which `left` can be read. */
static inline bool
is_stop_token(const char *p, size_t left, size_t n)
{
	char last[4] = { 0 };

	if (left >= 4)
		return is_stop_word(p, n);
	return is_stop_word(memcpy(last, p, left), n);
}

/* DCLM's measures of tokens, of which w may be a part. */
static void
count_token(struct jpage *pg, struct split *s, const struct jpage_word *w)
{
	const struct page_bits *b = s->bits;
	size_t at = w->at, end = at + w->n;
	bool first = at == 0 || page_bit(b, PB_SPACE, at - 1);

	if (w->flags & JTEXT_W_LETTER) {
		/* The first word with a letter since the last white space makes its token one. */
		pg->count.tokens_alpha += first || s->letters_end == 0 ||
			page_next(b, PB_SPACE, PB_SPACE, s->letters_end, at) < at;
		s->letters_end = end;
	}
	if (w->n - 2 <= 2 && first && (end == pg->n || page_bit(b, PB_SPACE, end)))
		pg->count.stop_tokens += is_stop_token(pg->p + at, pg->n - at, w->n);
}

/* A run of PB_WORD, of 64 bytes at most, that is a word as it stands. */
static struct jpage_word
plain_word(const struct jpage *pg, const struct page_bits *b, size_t at, size_t n)
{
	struct jpage_word w = { .at = (uint32_t)at, .n = (uint32_t)n, .chars = (uint32_t)n };
	uint64_t high = page_range(b, PB_HIGH, at, n), letters = page_range(b, PB_LETTER, at, n);
	uint64_t others = UINT64_MAX >> (64 - n) & ~letters;
	unsigned char c = (unsigned char)pg->p[at];
	uint32_t cp = c;

	w.flags = (letters ? JTEXT_W_LETTER : 0) | (high ? 0 : JTEXT_W_ASCII) |
		(c == '_' ? JTEXT_W_UNDERSCORE : 0);
	for (; others; others &= others - 1)
		if (pg->p[at + page_lowest(others)] != '_')
			w.flags |= JTEXT_W_DIGIT;
	if (high) {
		w.chars -= (uint32_t)page_popcount(page_range(b, PB_TAIL, at, n));
		jutf8_decode(pg->p + at, n, &cp);
	}
	w.flags |= (cp < 0x80 ? cp - 'A' < 26u : jtext_is_upper(cp)) ? JTEXT_W_UPPER : 0;
	return w;
}

/* There are no more words than runs of PB_WORD and characters of PB_HARD. */
static size_t
most_words(const struct page_bits *b)
{
	size_t most = 0, i;
	uint64_t before = 0;

	for (i = 0; i < b->n; i++) {
		const uint64_t *of = b->block[i].of;

		most += page_popcount(of[PB_WORD] & ~(of[PB_WORD] << 1 | before)) +
			page_popcount(of[PB_HARD] & ~of[PB_TAIL]);
		before = of[PB_WORD] >> 63;
	}
	return most;
}

/* The word from `at` on, however it is made, if there is one.  True, and *at is behind it. */
static bool
any_word(struct jpage *pg, struct split *s, size_t *at, struct jpage_word *to)
{
	const struct page_bits *b = s->bits;
	size_t end = page_next_not(b, PB_WORD, *at, pg->n);

	if (end > *at && end - *at <= 64 && (end == pg->n || !page_bit(b, PB_HARD, end))) {
		*to = plain_word(pg, b, *at, end - *at);
		*at = end;
	} else {
		struct jtext_word w;

		if (!jtext_next_word(pg->p, pg->n, at, &w))
			return false;
		*to = (struct jpage_word){ (uint32_t)w.at, (uint32_t)w.n, w.chars, 0, w.flags };
	}
	count_token(pg, s, to);
	return true;
}

/*
 * A run of ASCII letters from byte `at` on, bit `low` of block w, with white space before it and what
 * is no part of it behind it in the same block, as most words are: its length, or 0.
 */
static inline size_t
usual_word(struct jpage *pg, struct split *s, const uint64_t *w, size_t low, struct jpage_word *to)
{
	uint64_t rest = ~w[PB_WORD] >> low, in;
	size_t n = rest ? page_lowest(rest) : 0, at;

	in = (UINT64_C(1) << n) - 1;
	if (n == 0 || low + n > 63 || low == 0 || (w[PB_HARD] >> (low + n) & 1) ||
	    (((~w[PB_LETTER] | w[PB_HIGH]) >> low) & in) || !(w[PB_SPACE] >> (low - 1) & 1))
		return 0;
	at = (size_t)(w - s->bits->block[0].of) / PB_KINDS * 64 + low;
	*to = (struct jpage_word){ (uint32_t)at, (uint32_t)n, (uint32_t)n, 0, JTEXT_W_LETTER | JTEXT_W_ASCII |
		(w[PB_UPPER] >> low & 1 ? JTEXT_W_UPPER : 0) };
	pg->count.tokens_alpha++;
	s->letters_end = at + n;
	if (n - 2 <= 2 && (at + n == pg->n || w[PB_SPACE] >> (low + n) & 1))
		pg->count.stop_tokens += is_stop_token(pg->p + at, pg->n - at, n);
	return n;
}

static void
read_words(struct jpage *pg, struct split *s)
{
	const struct page_bits *b = s->bits;
	size_t at = 0, n;

	pg->words = 0;
	JMEM_GROW(pg->word, pg->word_cap, most_words(b));
	while (at < pg->n) {
		const uint64_t *w = b->block[at / 64].of;
		uint64_t parts = (w[PB_WORD] | w[PB_HARD]) >> at % 64;

		if (!parts) {
			at = (at / 64 + 1) * 64;
			continue;
		}
		at += page_lowest(parts);
		n = usual_word(pg, s, w, at % 64, &pg->word[pg->words]);
		if (n > 0)
			at += n;
		else if (!any_word(pg, s, &at, &pg->word[pg->words]))
			break;
		pg->words++;
	}
}

/* A key of up to 16 bytes without a call; longer words are rare.  s may be read for 8 bytes. */
static inline uint64_t
word_key(const char *s, size_t n)
{
	size_t more = n > 8 ? n - 8 : 0;
	uint64_t h = jle_u64(s), last = jle_u64(s + more) & (n > 8 ? UINT64_MAX : 0);

	if (n > 16)
		return jhash64(s, n, 0);
	h &= UINT64_MAX >> (n < 8 ? 64 - 8 * n : 0);
	h = (h ^ n * UINT64_C(0xa0761d6478bd642f)) * UINT64_C(0xe7037ed1a0b428db);
	h = (h ^ h >> 32 ^ last) * UINT64_C(0x8ebc6af09c88c6e3);
	return h ^ h >> 29;
}

static void
number_words(struct jpage *pg)
{
	struct jpage_tables *t = pg->t;
	size_t i;

	jintern_reset(&t->words, pg->words);
	for (i = 0; i < pg->words; i++) {
		struct jpage_word *w = &pg->word[i];
		char last[16] = { 0 };
		const char *p = pg->p + w->at;

		if (pg->n - w->at < 8)
			p = memcpy(last, p, pg->n - w->at);
		w->id = jintern_put(&t->words, word_key(p, w->n));
	}
	pg->ids = t->words.n;
}

/* The line from..to, trimmed at from..end. */
static void
add_line(struct jpage *pg, struct split *s, size_t raw, size_t to)
{
	const struct page_bits *b = s->bits;
	size_t from = page_next_not(b, PB_SPACE, raw, to), end = to;
	uint32_t raw_chars = page_chars(b, raw, to);
	struct jpage_line *l;

	if (raw_chars > pg->count.max_line)
		pg->count.max_line = raw_chars;
	if (from == to) {
		s->blank_before = true;
		return;
	}
	while (page_bit(b, PB_SPACE, end - 1))
		end--;
	JMEM_GROW(pg->line, pg->line_cap, pg->lines + 1);
	l = &pg->line[pg->lines++];
	*l = (struct jpage_line){ .at = (uint32_t)from, .n = (uint32_t)(end - from), .raw = (uint32_t)raw,
		.chars = from == raw && end == to ? raw_chars : page_chars(b, from, end),
		.raw_chars = raw_chars };
	while (s->word < pg->words && pg->word[s->word].at < from)
		s->word++;
	l->word = (uint32_t)s->word;
	while (s->word < pg->words && pg->word[s->word].at < end)
		s->word++;
	l->words = (uint32_t)s->word - l->word;
	if (s->blank_before || pg->paras == 0) {
		JMEM_GROW(pg->para, pg->para_cap, pg->paras + 1);
		pg->para[pg->paras++] = (struct jpage_para){ (uint32_t)pg->lines - 1, 0 };
	}
	pg->para[pg->paras - 1].lines++;
	s->blank_before = false;
}

static void
read_lines(struct jpage *pg, struct split *s)
{
	size_t at = 0, end, after;

	pg->lines = pg->paras = 0;
	while (at < pg->n) {
		end = page_next(s->bits, PB_END, PB_END, at, pg->n);
		after = end;
		if (end < pg->n) {
			unsigned char c = (unsigned char)pg->p[end];
			bool crlf = c == '\r' && end + 1 < pg->n && pg->p[end + 1] == '\n';

			after += c < 0x80 ? 1 + crlf : c < 0xe0 ? 2 : 3;
			s->crlf += crlf;
			pg->count.newlines++;
		}
		pg->count.lines_all++;
		add_line(pg, s, at, end);
		at = after;
	}
}

void
jpage_split(struct jpage *pg)
{
	struct split s = { .bits = &pg->t->bits, .blank_before = true };

	read_words(pg, &s);
	number_words(pg);
	read_lines(pg, &s);
	/* CRLF is one line end and one character. */
	pg->count.chars -= s.crlf;
	pg->count.spaces -= s.crlf;
	pg->count.token_chars = pg->count.chars - pg->count.spaces;
}
