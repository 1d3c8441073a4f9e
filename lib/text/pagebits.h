/*
 * pagebits.h - private: what each byte of a text is, one bit a byte and property.
 *
 * 64 bytes of text are one block, and a block's eight words lie side by side.  Words, lines and counts
 * are then runs and sums of bits, so that a byte of ASCII costs no branch.  A character of several bytes
 * is decoded once, by jpage_scan(), and all of its bytes get its bits.
 */
#ifndef PAGEBITS_H
#define PAGEBITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum page_bit {
	PB_WORD,	/* a letter of a spaced script, a digit, an underscore */
	PB_LETTER,	/* a letter of a spaced script */
	PB_SPACE,	/* white space */
	PB_END,		/* the first byte of a line end; both of a CRLF */
	PB_HIGH,	/* not ASCII */
	PB_TAIL,	/* not the first byte of its character */
	PB_HARD,	/* not in PB_WORD, but may begin a word, belong to one or join two parts of one */
	PB_UPPER,	/* an ASCII capital */
	PB_KINDS
};

struct page_block {
	uint64_t of[PB_KINDS];
};

struct page_bits {
	struct page_block *block;
	size_t n, cap;		/* blocks; the bits beyond the text are 0 */
	bool wide;		/* the text is not all ASCII */
	bool marks;		/* it may not be in NFC: see jtext_maybe_not_nfc() */
};

/* Index of the lowest bit of x, which is not 0. */
static inline size_t
page_lowest(uint64_t x)
{
	return (size_t)__builtin_ctzll(x);
}

static inline size_t
page_popcount(uint64_t x)
{
	const uint64_t pairs = UINT64_C(0x5555555555555555), fours = UINT64_C(0x3333333333333333);
	const uint64_t ones = UINT64_C(0x0101010101010101);

	x -= x >> 1 & pairs;
	x = (x & fours) + (x >> 2 & fours);
	return (size_t)(((x + (x >> 4)) & ones * 15) * ones >> 56);
}

static inline bool
page_bit(const struct page_bits *b, enum page_bit k, size_t at)
{
	return b->block[at / 64].of[k] >> at % 64 & 1;
}

/* The bits of kind k of the n bytes from at on, n from 1 to 64 and all of them in the text. */
static inline uint64_t
page_range(const struct page_bits *b, enum page_bit k, size_t at, size_t n)
{
	size_t low = at % 64;
	uint64_t x = b->block[at / 64].of[k] >> low;

	if (low + n > 64)
		x |= b->block[at / 64 + 1].of[k] << (64 - low);
	return x & UINT64_MAX >> (64 - n);
}

/* The first byte from at on with kind k or j, or `end` if there is none before it. */
static inline size_t
page_next(const struct page_bits *b, enum page_bit k, enum page_bit j, size_t at, size_t end)
{
	size_t i = at / 64;
	uint64_t x;

	if (at >= end)
		return end;
	x = (b->block[i].of[k] | b->block[i].of[j]) >> at % 64;
	if (x)
		return at + page_lowest(x);
	while (++i * 64 < end) {
		x = b->block[i].of[k] | b->block[i].of[j];
		if (x)
			return i * 64 + page_lowest(x);
	}
	return end;
}

/* The first byte from at on that is not of kind k, or `end` if there is none before it. */
static inline size_t
page_next_not(const struct page_bits *b, enum page_bit k, size_t at, size_t end)
{
	size_t i = at / 64;
	uint64_t x;

	if (at >= end)
		return end;
	x = ~b->block[i].of[k] >> at % 64;
	if (x) {
		at += page_lowest(x);
		return at < end ? at : end;
	}
	while (++i * 64 < end) {
		x = ~b->block[i].of[k];
		if (x) {
			at = i * 64 + page_lowest(x);
			return at < end ? at : end;
		}
	}
	return end;
}

/* How many characters start in the bytes from..to-1. */
uint32_t page_chars(const struct page_bits *b, size_t from, size_t to);

#endif
