/* pagescan.c - the one walk over the characters of a page: bits of every byte, counts by class. */
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jutf8.h"
#include "text/bytes16.h"
#include "text/junicode.h"
#include "text/page_internal.h"
#include "text/wordbreak.h"

/* What two of the words of a block hold until it is counted and its wide characters are read. */
enum { BLOCK = 64, RARE = PB_HARD, MIDDLE = PB_TAIL };

/* Properties of bytes, those beyond ASCII aside: bit k of each is property k. */
static inline bytes16
properties(bytes16 c)
{
	bytes16 letter = bytes16_between(c | 0x20, 'a', 'z'), under = (bytes16)(c == '_');
	bytes16 space = (bytes16)(c == ' ') | bytes16_between(c, 9, 13);
	bytes16 rare = (bytes16)(c < 0x20) | (bytes16)(c == 0x7f) | under | (bytes16)(c == '#') |
		(bytes16)(c == '{');

	return (bytes16_word(c) & 1 << PB_WORD) | (letter & 1 << PB_LETTER) | (space & 1 << PB_SPACE) |
		(bytes16_between(c, 10, 13) & 1 << PB_END) | ((c >> 7) << PB_HIGH) |
		(bytes16_middle(c) & 1 << MIDDLE) | (rare & 1 << RARE) |
		(bytes16_between(c, 'A', 'Z') & 1 << PB_UPPER);
}

static void
classify(const char *s, unsigned char class[BLOCK])
{
	bytes16 bits;
	int i;

	for (i = 0; i < BLOCK; i += (int)sizeof(bits)) {
		bits = properties(bytes16_load(s + i));
		memcpy(class + i, &bits, sizeof(bits));
	}
}

/* Bit i of byte k becomes bit k of byte i (Warren, Hacker's Delight, 7-3). */
static inline uint64_t
transpose(uint64_t x)
{
	uint64_t t = (x ^ x >> 7) & UINT64_C(0x00aa00aa00aa00aa);

	x ^= t ^ t << 7;
	t = (x ^ x >> 14) & UINT64_C(0x0000cccc0000cccc);
	x ^= t ^ t << 14;
	t = (x ^ x >> 28) & UINT64_C(0x00000000f0f0f0f0);
	return x ^ t ^ t << 28;
}

/* Exchanges the bits of a that mask << shift names with those of b that mask names. */
static inline void
exchange(uint64_t *a, uint64_t *b, int shift, uint64_t mask)
{
	uint64_t t = (*a >> shift ^ *b) & mask;

	*b ^= t;
	*a ^= t << shift;
}

/* From 64 bytes of eight bits to eight words of 64. */
static void
gather(const unsigned char class[BLOCK], uint64_t w[PB_KINDS])
{
	int i;

	for (i = 0; i < 8; i++)
		w[i] = transpose(jle_u64(class + 8 * i));
	for (i = 0; i < 4; i++)
		exchange(&w[i], &w[i + 4], 32, UINT64_C(0x00000000ffffffff));
	for (i = 0; i < 8; i++)
		if (!(i & 2))
			exchange(&w[i], &w[i + 2], 16, UINT64_C(0x0000ffff0000ffff));
	for (i = 0; i < 8; i += 2)
		exchange(&w[i], &w[i + 1], 8, UINT64_C(0x00ff00ff00ff00ff));
}

static bool
may_be_word(unsigned c)
{
	return c >= 0x80 || (c | 0x20) - 'a' < 26u || c - '0' < 10u || c == '_';
}

/* Counts what only few bytes are. */
static void
count_rare(uint64_t rare, uint64_t space, const char *p, struct jpage_counts *c, uint64_t *underscores)
{
	for (rare &= ~space; rare; rare &= rare - 1) {
		char ch = p[page_lowest(rare)];

		if (ch == '#')
			c->hashes++;
		else if (ch == '{')
			c->braces++;
		else if (ch == '_')
			++*underscores;
		else
			c->bad_chars++;
	}
}

/* The bits of the n bytes at p, 64 at most. */
static void
read_block(const char *p, size_t n, uint64_t w[PB_KINDS])
{
	unsigned char class[BLOCK];
	char tail[BLOCK] = { 0 };
	size_t k;

	if (n >= BLOCK) {
		classify(p, class);
		gather(class, w);
		return;
	}
	memcpy(tail, p, n);
	classify(tail, class);
	gather(class, w);
	for (k = 0; k < PB_KINDS; k++)
		w[k] &= UINT64_MAX >> (BLOCK - n);
}

static void
read_ascii(struct page_bits *b, const char *p, size_t n, struct jpage_counts *c)
{
	uint64_t underscores = 0, word = 0, high = 0, before = 0;
	size_t i;

	for (i = 0; i < n; i += BLOCK) {
		uint64_t *w = b->block[i / BLOCK].of, parts, next;

		read_block(p + i, n - i, w);
		count_rare(w[RARE], w[PB_SPACE], p + i, c, &underscores);
		parts = w[PB_WORD] | w[PB_HIGH];
		next = n - i > BLOCK && may_be_word((unsigned char)p[i + BLOCK]) ? 1 : 0;
		w[PB_HARD] = w[MIDDLE] & (parts << 1 | before) & (parts >> 1 | next << 63);
		w[PB_TAIL] = 0;
		before = parts >> 63;
		word += page_popcount(w[PB_WORD]);
		c->letters += page_popcount(w[PB_LETTER]);
		c->upper += page_popcount(w[PB_UPPER]);
		c->spaces += page_popcount(w[PB_SPACE]);
		high += page_popcount(w[PB_HIGH]);
	}
	c->digits = word - c->letters - underscores;
	c->chars = n - high;
}

/*
 * UTF-8 that was read as Latin-1 or CP-1252 shows as a lead byte (U+00C2, U+00C3, U+00E2) followed
 * by what its continuation byte became.
 */
static bool
is_mojibake(uint32_t before, uint32_t cp)
{
	if (before == 0xc2 || before == 0xc3)
		return (cp >= 0x80 && cp <= 0xbf) || cp == 0x192 || cp == 0x201e ||
			(cp >= 0x2018 && cp <= 0x2022) || cp == 0x2026 || cp == 0x20ac ||
			cp == 0x2122 || cp == 0x152 || cp == 0x153;
	return before == 0xe2 && (cp == 0x20ac || (cp >= 0x80 && cp <= 0x9f));
}

/* The k bytes at `at`, at most four, are of this kind. */
static inline void
mark(struct page_bits *b, enum page_bit kind, size_t at, size_t k)
{
	size_t low = at % BLOCK;
	uint64_t bits = (UINT64_C(1) << k) - 1;

	b->block[at / BLOCK].of[kind] |= bits << low;
	if (low + k > BLOCK)
		b->block[at / BLOCK + 1].of[kind] |= bits >> (BLOCK - low);
}

static void
mark_wide(struct page_bits *b, size_t at, size_t k, uint32_t cp, enum jtext_class class)
{
	enum wb wb = jtext_wide_break(cp, class);

	if (wb == WB_LETTER || wb == WB_NUMERIC)
		mark(b, PB_WORD, at, k);
	else if (wb != WB_OTHER)
		mark(b, PB_HARD, at, k);
	if (wb == WB_LETTER)
		mark(b, PB_LETTER, at, k);
	if (class == JTEXT_SPACE)
		mark(b, PB_SPACE, at, k);
	if (cp == 0x85 || cp == 0x2028 || cp == 0x2029)
		mark(b, PB_END, at, 1);
	if (class == JTEXT_MARK || jtext_may_compose(cp))
		b->marks = true;
}

static void
count_wide(struct jpage_counts *c, uint32_t cp, uint32_t before, enum jtext_class class)
{
	c->chars++;
	if (class == JTEXT_LETTER) {
		c->letters++;
		c->upper += jtext_is_upper(cp);
	} else if (class == JTEXT_DIGIT) {
		c->digits++;
	} else if (class == JTEXT_SPACE) {
		c->spaces++;
	}
	if (cp == 0x2026)
		c->ellipses++;
	if (cp == 0xfffd || class == JTEXT_CONTROL || (class != JTEXT_SPACE && is_mojibake(before, cp)))
		c->bad_chars++;
}

static void
read_wide(struct page_bits *b, const char *p, size_t n, struct jpage_counts *c)
{
	size_t at = 0, end = 0;
	uint32_t before = 0, cp;

	while ((at = page_next(b, PB_HIGH, PB_HIGH, at, n)) < n) {
		int len = jutf8_decode(p + at, n - at, &cp);
		size_t k = (size_t)(len > 0 ? len : 1);
		enum jtext_class class = jtext_class(cp);

		count_wide(c, cp, at == end ? before : 0, class);
		mark_wide(b, at, k, cp, class);
		if (k > 1)
			mark(b, PB_TAIL, at + 1, k - 1);
		else if (((unsigned char)p[at] & 0xc0) == 0x80)
			mark(b, PB_TAIL, at, 1);
		before = cp;
		end = at += k;
	}
}

/* Tokens are what stands between white space. */
static uint64_t
count_tokens(const struct page_bits *b, size_t n)
{
	uint64_t tokens = 0, before = 1;
	size_t i;

	for (i = 0; i < b->n; i++) {
		uint64_t space = b->block[i].of[PB_SPACE], starts = ~space & (space << 1 | before);

		if (n - i * BLOCK < BLOCK)
			starts &= UINT64_MAX >> (BLOCK - (n - i * BLOCK));
		tokens += page_popcount(starts);
		before = space >> 63;
	}
	return tokens;
}

static uint64_t
count_dots(const char *p, size_t n)
{
	uint64_t count = 0;
	size_t i = 0;

	while (i + 3 <= n) {
		const char *dot = memchr(p + i, '.', n - i - 2);

		if (!dot)
			break;
		i = (size_t)(dot - p);
		if (memcmp(p + i, "...", 3) == 0) {
			count++;
			i += 3;
		} else if (i + 5 <= n && memcmp(p + i, ". . .", 5) == 0) {
			count++;
			i += 5;
		} else {
			i++;
		}
	}
	return count;
}

void
jpage_scan(struct jpage *pg)
{
	struct page_bits *b = &pg->t->bits;
	struct jpage_counts *c = &pg->count;

	memset(c, 0, sizeof(*c));
	b->n = pg->n / BLOCK + (pg->n % BLOCK > 0);
	JMEM_GROW(b->block, b->cap, b->n);
	b->marks = false;
	read_ascii(b, pg->p, pg->n, c);
	b->wide = c->chars < pg->n;
	if (b->wide)
		read_wide(b, pg->p, pg->n, c);
	c->tokens = count_tokens(b, pg->n);
	c->ellipses += count_dots(pg->p, pg->n);
}

uint32_t
page_chars(const struct page_bits *b, size_t from, size_t to)
{
	size_t tails = 0, at, k;

	for (at = from; b->wide && at < to; at += k) {
		k = to - at < 64 ? to - at : 64;
		tails += page_popcount(page_range(b, PB_TAIL, at, k));
	}
	return (uint32_t)(to - from - tails);
}
