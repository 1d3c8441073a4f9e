#include "text/wordkey.h"

#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "text/bytes16.h"

#define EVERY_BYTE(c) (UINT64_C(0x0101010101010101) * (c))
#define FACTOR UINT64_C(0x9fb21c651e98df25)

/* Capital ASCII letters of eight ASCII bytes to small ones. */
static uint64_t
small_letters(uint64_t x)
{
	uint64_t from_a = x + EVERY_BYTE(0x80 - 'A'), after_z = x + EVERY_BYTE(0x80 - 'Z' - 1);

	return x | (from_a & ~after_z & EVERY_BYTE(0x80)) >> 2;
}

static uint64_t
add_eight(uint64_t h, uint64_t x)
{
	h = (h ^ small_letters(x)) * FACTOR;
	return h ^ h >> 32;
}

uint64_t
wordkey(const char *p, size_t n, const struct jtext_word *w)
{
	size_t at = w->at, left = w->n;
	uint64_t h = 0, x;

	if (!(w->flags & JTEXT_W_ASCII))
		return jtext_word_hash(p, w);
	for (; left > 0; at += 8) {
		if (n - at >= 8) {
			x = jle_u64(p + at);
		} else {
			unsigned char tail[8] = { 0 };

			memcpy(tail, p + at, n - at);
			x = jle_u64(tail);
		}
		if (left < 8)
			x &= (UINT64_C(1) << 8 * left) - 1;
		h = add_eight(h, x);
		left -= left < 8 ? left : 8;
	}
	return h ^ w->n;
}

/*
 * High bits of the bytes that are ASCII letters, digits or underscores.  Beyond the first byte that
 * is not ASCII they mean nothing.
 */
static uint64_t
word_bytes(uint64_t x)
{
	uint64_t low = x | EVERY_BYTE(0x20), under = x ^ EVERY_BYTE('_');
	uint64_t letter = (low + EVERY_BYTE(0x80 - 'a')) & ~(low + EVERY_BYTE(0x80 - 'z' - 1));
	uint64_t digit = (x + EVERY_BYTE(0x80 - '0')) & ~(x + EVERY_BYTE(0x80 - '9' - 1));

	return (letter | digit | ~(under + EVERY_BYTE(0x7f))) & ~x & EVERY_BYTE(0x80);
}

/* Index of the lowest bit of x, which is not 0. */
static inline size_t
lowest(uint64_t x)
{
	return (size_t)__builtin_ctzll(x);
}

/* How many bytes come before the first with its high bit set, of those with no other bit. */
static size_t
before_first(uint64_t high_bits)
{
	return high_bits ? lowest(high_bits) / 8 : 8;
}

/* Can the word that ends before byte at go on there by the rules for joining? */
static bool
may_join(const char *p, size_t n, size_t at)
{
	unsigned char c = (unsigned char)p[at], next = at + 1 < n ? (unsigned char)p[at + 1] : ' ';

	if (c >= 0x80)
		return true;
	if (c != '.' && c != '\'' && c != ',' && c != ';')
		return false;
	return next >= 0x80 || (next >= '0' && next <= '9') || ((next | 0x20) >= 'a' && (next | 0x20) <= 'z');
}

/* An ASCII word at byte at, eight bytes at a time: its end, or 0 if it takes the long way. */
static size_t
quick_word(const char *p, size_t n, size_t at, uint64_t *key)
{
	uint64_t h = 0, x;
	size_t i = at, k;

	do {
		if (n - i < 9)
			return 0;
		x = jle_u64(p + i);
		k = before_first(~word_bytes(x) & EVERY_BYTE(0x80));
		if (k > 0)
			h = add_eight(h, k < 8 ? x & ((UINT64_C(1) << 8 * k) - 1) : x);
		i += k;
	} while (k == 8);
	*key = h ^ (i - at);
	return may_join(p, n, i) ? 0 : i;
}

/* Bytes from at on that are ASCII and no part of a word. */
static size_t
quick_gap(const char *p, size_t n, size_t at)
{
	size_t i = at, k;
	uint64_t x;

	do {
		if (n - i < 8)
			break;
		x = jle_u64(p + i);
		k = before_first(word_bytes(x) | (x & EVERY_BYTE(0x80)));
		i += k;
	} while (k == 8);
	return i - at;
}

/* The next word from *at on, at w->at and w->n bytes long: true and its key. */
static inline bool
next_key(const char *p, size_t n, wordkey_fn *slow, size_t *at, struct jtext_word *w, uint64_t *key)
{
	size_t end;

	*at += quick_gap(p, n, *at);
	end = *at < n && (unsigned char)p[*at] < 0x80 ? quick_word(p, n, *at, key) : 0;
	if (end > *at) {
		w->at = *at;
		w->n = end - *at;
		*at = end;
		return true;
	}
	if (!jtext_next_word(p, n, at, w))
		return false;
	*key = slow(p, n, w);
	return true;
}

enum { BLOCK = 64, AHEAD = 16 };	/* bytes that may be read behind a block */

/* 64 bytes of text, a bit a byte.  A word has its last byte before bit 63. */
struct block {
	uint64_t starts, ends;	/* first byte of a word of ASCII, byte behind it */
	uint64_t stops;		/* a word that begins or ends here takes the long way */
};

/* Quotes, dashes and the ellipsis: three bytes that are no part of any word. */
static inline bool
is_usual_mark(const char *p)
{
	unsigned char c = (unsigned char)p[2];

	return p[0] == '\xe2' && p[1] == '\x80' && (c == 0x93 || c == 0x94 || c == 0x9c || c == 0x9d || c == 0xa6);
}

static void
read_block(const char *p, struct block *b)
{
	uint64_t word = 0, high = 0, middle = 0, part, left;
	bytes16 c;
	int i;

	for (i = 0; i < BLOCK; i += (int)sizeof(c)) {
		c = bytes16_load(p + i);
		word |= bytes16_high(bytes16_word(c)) << i;
		high |= bytes16_high(c) << i;
		middle |= bytes16_high(bytes16_middle(c)) << i;
	}
	part = word | high;
	b->starts = word & ~(word << 1);
	b->ends = ~word & word << 1 & UINT64_MAX >> 1;
	b->stops = high | (middle & part << 1 & part >> 1 & b->ends);
	for (left = high & UINT64_MAX >> 2; left; left &= left - 1)
		if (is_usual_mark(p + lowest(left)))
			b->stops &= ~(UINT64_C(7) << lowest(left));
}

/* wordkey() of n ASCII bytes at p, of which AHEAD more than n can be read. */
static inline uint64_t
ascii_key(const char *p, size_t n)
{
	uint64_t h = add_eight(0, jle_u64(p) & UINT64_MAX >> (n < 8 ? 64 - 8 * n : 0));
	/* Up to 8 bytes it is not wanted, but costs less than a branch. */
	uint64_t more = add_eight(h, jle_u64(p + 8) & UINT64_MAX >> (n < 16 ? (128 - 8 * n) & 63 : 0));
	size_t i;

	h = n > 8 ? more : h;
	for (i = 16; i < n; i += 8)
		h = add_eight(h, jle_u64(p + i) & UINT64_MAX >> (n - i < 8 ? 64 - 8 * (n - i) : 0));
	return h ^ n;
}

static void
make_room(struct wordkey_words *v, size_t more)
{
	JMEM_GROW(v->key, v->key_cap, v->n + more);
	if (v->span_cap > 0)
		JMEM_GROW(v->span, v->span_cap, v->n + more);
}

/* There is room for it. */
static inline void
put_word(struct wordkey_words *v, size_t at, size_t n, uint64_t key)
{
	if (v->span_cap > 0)
		v->span[v->n] = (struct jtext_span){ at, n };
	v->key[v->n++] = key;
}

/* Adds the words of the block at byte at that end at one of `ends`; returns the starts of the others. */
static inline uint64_t
plain_words(struct wordkey_words *v, const char *p, size_t at, uint64_t starts, uint64_t ends)
{
	uint64_t *key = v->key + v->n;
	struct jtext_span *span = v->span_cap > 0 ? v->span + v->n : NULL;

	for (; ends; ends &= ends - 1, starts &= starts - 1) {
		size_t i = at + lowest(starts), n = at + lowest(ends) - i;

		*key++ = ascii_key(p + i, n);
		if (span)
			*span++ = (struct jtext_span){ i, n };
	}
	v->n = (size_t)(key - v->key);
	return starts;
}

/*
 * Adds the words that begin and end in the block at byte at, and those that begin there and take the
 * long way.  Returns where to go on.
 */
static size_t
block_words(struct wordkey_words *v, const char *p, size_t n, size_t at, wordkey_fn *slow)
{
	struct block b;
	struct jtext_word w;
	uint64_t live, starts, stops;
	size_t i = 0, next;

	read_block(p + at, &b);
	make_room(v, BLOCK);
	while (i < BLOCK) {
		live = UINT64_MAX << i;
		stops = b.stops & live;
		/* All words that begin at i or later and end before the first stop. */
		starts = plain_words(v, p, at, b.starts & live, b.ends & live << 1 & ((stops & (0 - stops)) - 1));
		if (!stops && (!starts || lowest(starts) > 0))
			return at + (starts ? lowest(starts) : BLOCK);
		next = at + lowest(starts | stops);
		if (!jtext_next_word(p, n, &next, &w))
			return n;
		put_word(v, w.at, w.n, slow(p, n, &w));
		i = next - at;
	}
	return at + i;
}

/* Fills v; the places too if v->span_cap is not 0. */
static void
all_words(struct wordkey_words *v, const char *p, size_t n, wordkey_fn *slow)
{
	struct jtext_word w;
	size_t at = 0;
	uint64_t key;

	v->n = 0;
	while (at < n && n - at >= BLOCK + AHEAD)
		at = block_words(v, p, n, at, slow);
	while (next_key(p, n, slow, &at, &w, &key)) {
		make_room(v, 1);
		put_word(v, w.at, w.n, key);
	}
}

size_t
wordkeys(const char *p, size_t n, uint64_t **keys, size_t *cap)
{
	struct wordkey_words v = { .key = *keys, .key_cap = *cap };

	all_words(&v, p, n, wordkey);
	*keys = v.key;
	*cap = v.key_cap;
	return v.n;
}

void
wordkey_words(struct wordkey_words *v, const char *p, size_t n, wordkey_fn *slow)
{
	if (v->span_cap == 0)
		JMEM_GROW(v->span, v->span_cap, 1);
	all_words(v, p, n, slow);
}
