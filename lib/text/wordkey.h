/*
 * wordkey.h - a fast hash of words.  Indexes that dedup keeps between runs hold it: it must not change
 * without JDUPFILE_VERSION.
 */
#ifndef TEXT_WORDKEY_H
#define TEXT_WORDKEY_H

#include "text/jwords.h"

/*
 * Of word w of the n bytes at p, letter case aside: an ASCII word eight bytes at a time, another as
 * jtext_word_hash() does.
 */
typedef uint64_t wordkey_fn(const char *p, size_t n, const struct jtext_word *w);
wordkey_fn wordkey;
/*
 * The keys of all words of a text, as jtext_next_word() and wordkey() give them, but faster: replaces
 * *keys (grown, *cap) and returns how many there are.
 */
size_t wordkeys(const char *p, size_t n, uint64_t **keys, size_t *cap);

struct wordkey_words {
	uint64_t *key;
	struct jtext_span *span;
	size_t n, key_cap, span_cap;
};
/*
 * The same with the place of each word; slow() gives the key where the fast way does not, and must
 * be wordkey() for ASCII words.  The arrays grow and are freed by the caller.
 */
void wordkey_words(struct wordkey_words *v, const char *p, size_t n, wordkey_fn *slow);

/* Every bit of the result depends on every bit of h (the finaliser of MurmurHash3, Appleby). */
static inline uint64_t
wordkey_spread(uint64_t h)
{
	h ^= h >> 33;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

#endif
