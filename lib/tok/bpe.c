/*
 * Byte-pair encoding of one word: its characters to symbols, which merge.c then merges.
 *
 * Most words were seen before: a table of fixed size remembers words of up to 24 bytes that make at
 * most 8 ids, and forgets by being overwritten, so the result never depends on it.
 */
#include "merge.h"

#include <string.h>

#include "base/jutf8.h"

#define CACHE_BITS 15
#define CACHE_WORD 24
#define CACHE_IDS 8

struct cached {
	uint64_t key[3];		/* the bytes of the word, zero behind them */
	uint8_t len, n;			/* len 0: free */
	uint32_t id[CACHE_IDS];
};

struct tok_bpe {
	const struct jtok *t;
	struct cached *cache;
	struct jids syms;
	struct tok_merger merger;
	struct jbuf piece;
};

struct tok_bpe *
tok_bpe_new(const struct jtok *t)
{
	struct tok_bpe *b = jmem_zalloc(1, sizeof(*b));

	b->t = t;
	b->merger.pairs = &t->pairs;
	b->cache = jmem_zalloc((size_t)1 << CACHE_BITS, sizeof(*b->cache));
	jbuf_init(&b->piece);
	return b;
}

void
tok_bpe_free(struct tok_bpe *b)
{
	if (!b)
		return;
	jmem_free(b->cache);
	jids_release(&b->syms);
	tok_merger_release(&b->merger);
	jbuf_release(&b->piece);
	jmem_free(b);
}

/* --- symbols a word starts from ----------------------------------------------------------------- */

/* Byte tokens of an unknown character, if there is one for each byte. */
static bool
fall_back(const struct jtok *t, const unsigned char *p, size_t n, struct jids *out)
{
	size_t i;

	if (!t->byte_fallback)
		return false;
	for (i = 0; i < n; i++)
		if (t->byte_id[p[i]] < 0)
			return false;
	for (i = 0; i < n; i++)
		jids_add(out, (uint32_t)t->byte_id[p[i]]);
	return true;
}

/* Id of character [p, p + n) of a word, with the prefix or suffix that marks its place. */
static uint32_t
char_id(struct tok_bpe *b, const unsigned char *p, size_t n, bool first, bool last)
{
	const struct jtok *t = b->t;

	if (!t->byte_level && (first || !t->prefix) && (!last || !t->suffix))
		return tok_vocab_find(&t->vocab, p, n);
	jbuf_reset(&b->piece);
	if (!first && t->prefix)
		jbuf_adds(&b->piece, t->prefix);
	if (t->byte_level)
		tok_bytes_to_text((const char *)p, n, &b->piece);
	else
		jbuf_add(&b->piece, p, n);
	if (last && t->suffix)
		jbuf_adds(&b->piece, t->suffix);
	return tok_vocab_find(&t->vocab, b->piece.p, b->piece.n);
}

static void
start_chars(struct tok_bpe *b, const unsigned char *p, size_t n)
{
	const struct jtok *t = b->t;
	bool unk = false;
	size_t i = 0;

	while (i < n) {
		uint32_t c, id;
		int step = t->byte_level ? 1 : jutf8_decode((const char *)p + i, n - i, &c);
		size_t k = step < 0 ? 1 : (size_t)step;

		id = step < 0 ? TOK_NONE : char_id(b, p + i, k, i == 0, i + k == n);
		if (id != TOK_NONE) {
			jids_add(&b->syms, id);
			unk = false;
		} else if (fall_back(t, p + i, k, &b->syms)) {
			unk = false;
		} else if (t->unk != TOK_NONE && !(unk && t->fuse_unk)) {
			jids_add(&b->syms, t->unk);
			unk = true;
		}
		i += k;
	}
}

static void
start(struct tok_bpe *b, const unsigned char *p, size_t n)
{
	const struct jtok *t = b->t;
	size_t i;

	b->syms.n = 0;
	if (!t->byte_level || t->suffix || t->prefix) {
		start_chars(b, p, n);
		return;
	}
	for (i = 0; i < n; i++) {
		if (t->byte_id[p[i]] >= 0)
			jids_add(&b->syms, (uint32_t)t->byte_id[p[i]]);
		else if (t->unk != TOK_NONE && !(t->fuse_unk && b->syms.n && b->syms.v[b->syms.n - 1] == t->unk))
			jids_add(&b->syms, t->unk);
	}
}

/* --- a word -------------------------------------------------------------------------------------- */

/* Characters that only occur inside tokens were symbols; alone they are unknown after all. */
static void
put_pseudo(struct tok_bpe *b, uint32_t id, struct jids *out, size_t first)
{
	const struct jtok *t = b->t;
	size_t n;
	const char *p = tok_vocab_text(&t->vocab, id, &n);

	if (fall_back(t, (const unsigned char *)p, n, out) || t->unk == TOK_NONE)
		return;
	if (!t->fuse_unk || out->n == first || out->v[out->n - 1] != t->unk)
		jids_add(out, t->unk);
}

static void
encode(struct tok_bpe *b, const unsigned char *p, size_t n, struct jids *out)
{
	size_t first = out->n, i;

	if (b->t->ignore_merges) {
		uint32_t id = tok_vocab_find(&b->t->vocab, p, n);

		if (id != TOK_NONE && id < b->t->pseudo) {
			jids_add(out, id);
			return;
		}
	}
	start(b, p, n);
	if (b->syms.n > 1)
		b->syms.n = tok_merge(&b->merger, b->syms.v, b->syms.n);
	for (i = 0; i < b->syms.n; i++) {
		if (b->syms.v[i] >= b->t->pseudo)
			put_pseudo(b, b->syms.v[i], out, first);
		else
			jids_add(out, b->syms.v[i]);
	}
}

/* The word as three numbers; end bounds what may be read. */
static inline void
load_key(const unsigned char *p, size_t n, const unsigned char *end, uint64_t key[3])
{
	size_t i;

	if (end - p >= CACHE_WORD) {
		memcpy(key, p, CACHE_WORD);
		for (i = 0; i < 3; i++) {
			size_t have = n > 8 * i ? n - 8 * i : 0;

			if (have < 8)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
				key[i] &= have ? UINT64_MAX >> (64 - 8 * have) : 0;
#else
				key[i] &= have ? UINT64_MAX << (64 - 8 * have) : 0;
#endif
		}
	} else {
		key[0] = key[1] = key[2] = 0;
		memcpy(key, p, n);
	}
}

void
tok_bpe_word(struct tok_bpe *b, const unsigned char *p, size_t n, const unsigned char *end,
	struct jids *out)
{
	struct cached *c;
	uint64_t key[3], h;
	size_t first = out->n, i;

	if (n > CACHE_WORD) {
		encode(b, p, n, out);
		return;
	}
	load_key(p, n, end, key);
	h = (key[0] ^ key[1] * 0x9E3779B97F4A7C15u ^ key[2] * 0xC2B2AE3D27D4EB4Fu) + n;
	h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
	c = &b->cache[h >> (64 - CACHE_BITS)];
	if (c->len == n && c->key[0] == key[0] && c->key[1] == key[1] && c->key[2] == key[2]) {
		if (out->n + CACHE_IDS > out->cap)
			JMEM_GROW(out->v, out->cap, out->n + CACHE_IDS);
		for (i = 0; i < c->n; i++)
			out->v[out->n + i] = c->id[i];
		out->n += c->n;
		return;
	}
	encode(b, p, n, out);
	if (out->n - first > CACHE_IDS)
		return;
	memcpy(c->key, key, sizeof(key));
	c->len = (uint8_t)n;
	c->n = (uint8_t)(out->n - first);
	for (i = 0; i < c->n; i++)
		c->id[i] = out->v[first + i];
}
