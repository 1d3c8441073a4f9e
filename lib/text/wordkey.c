#include "text/wordkey.h"

#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"

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

/* How many bytes come before the first with its high bit set, of those with no other bit. */
static size_t
before_first(uint64_t high_bits)
{
	uint64_t below = (high_bits & (0 - high_bits)) - 1;

	/* One bit a byte up to that one, summed into the highest byte. */
	return high_bits ? (size_t)((below & EVERY_BYTE(1)) * EVERY_BYTE(1) >> 56) - 1 : 8;
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

size_t
wordkeys(const char *p, size_t n, uint64_t **keys, size_t *cap)
{
	struct jtext_word w;
	size_t at = 0, count = 0;
	uint64_t key;

	while (next_key(p, n, wordkey, &at, &w, &key)) {
		if (count == *cap)
			JMEM_GROW(*keys, *cap, count + 1);
		(*keys)[count++] = key;
	}
	return count;
}

void
wordkey_words(struct wordkey_words *v, const char *p, size_t n, wordkey_fn *slow)
{
	struct jtext_word w;
	size_t at = 0;
	uint64_t key;

	v->n = 0;
	while (next_key(p, n, slow, &at, &w, &key)) {
		if (v->n == v->key_cap || v->n == v->span_cap) {
			JMEM_GROW(v->key, v->key_cap, v->n + 1);
			JMEM_GROW(v->span, v->span_cap, v->n + 1);
		}
		v->key[v->n] = key;
		v->span[v->n++] = (struct jtext_span){ w.at, w.n };
	}
}
