#include "text/jmatch.h"

#include <stdbool.h>
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "base/jutf8.h"
#include "text/junicode.h"

#define EVERY_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

enum { MAX_BYTES = 64 << 10, NONE = -1, HEADS = 12 };

struct key {
	char *given;
	size_t flat_n;
	int same_as;		/* an earlier key with the same flattened form, else NONE */
	bool word_start, word_end, plural;
};

struct jmatch {
	struct key *keys;
	size_t n;
	unsigned char class[256];	/* byte -> column; 0 = a byte that no keyword has */
	int columns, nodes;
	int *next;			/* [nodes][columns]: complete transition table */
	int *fail;
	int *key_at;			/* key that ends at the node, or NONE */
	int *shorter;			/* nearest suffix node at which a key ends, or 0 */
	/* All keywords start with a word character: only the beginnings of words are looked at. */
	bool at_words;
	int *depth;			/* of a node */
	uint64_t head_mask;		/* the bytes that every keyword has, at most eight */
	bool head[1 << HEADS];		/* may a keyword start with these bytes? */
};

/* Where words are not spaced every character may be a neighbour. */
static bool
is_word_char(uint32_t cp)
{
	return cp == '_' || ((jtext_is_alnum(cp) || jtext_class(cp) == JTEXT_MARK) && !jtext_is_unspaced(cp));
}

static bool
starts_word(const char *p, size_t n)
{
	uint32_t cp;

	return n > 0 && (jutf8_decode(p, n, &cp), is_word_char(cp));
}

static bool
ends_word(const char *p, size_t n)
{
	size_t back = 1;
	uint32_t cp;

	if (n == 0)
		return false;
	while (back < n && back < 4 && ((unsigned char)p[n - back] & 0xc0) == 0x80)
		back++;
	jutf8_decode(p + n - back, back, &cp);
	return is_word_char(cp);
}

static void
describe(struct key *k, const char *flat, size_t n)
{
	size_t i, letters = 0;

	k->flat_n = n;
	k->word_start = starts_word(flat, n);
	k->word_end = ends_word(flat, n);
	for (i = n; i > 0 && flat[i - 1] >= 'a' && flat[i - 1] <= 'z'; i--)
		letters++;
	k->plural = letters >= 4 && flat[n - 1] != 's';
}

static void
insert(struct jmatch *m, int i, const char *flat)
{
	struct key *k = &m->keys[i];
	int at = 0;
	size_t j;

	for (j = 0; j < k->flat_n; j++) {
		int *to = &m->next[at * m->columns + m->class[(unsigned char)flat[j]]];

		if (*to == NONE) {
			m->depth[m->nodes] = (int)j + 1;
			*to = m->nodes++;
		}
		at = *to;
	}
	k->same_as = m->key_at[at];
	if (m->key_at[at] == NONE)
		m->key_at[at] = i;
}

/* Breadth first: failure links, then the missing transitions through them. */
static void
link_up(struct jmatch *m)
{
	int *queue = jmem_alloc((size_t)m->nodes, sizeof(*queue)), head = 0, tail = 0, c;

	for (c = 0; c < m->columns; c++) {
		int *to = &m->next[c];

		if (*to == NONE)
			*to = 0;
		else
			queue[tail++] = *to;
	}
	while (head < tail) {
		int at = queue[head++], f = m->fail[at];

		m->shorter[at] = m->key_at[f] != NONE ? f : m->shorter[f];
		for (c = 0; c < m->columns; c++) {
			int *to = &m->next[at * m->columns + c];

			if (*to == NONE) {
				*to = m->next[f * m->columns + c];
				continue;
			}
			m->fail[*to] = m->next[f * m->columns + c];
			queue[tail++] = *to;
		}
	}
	jmem_free(queue);
}

static size_t
head_of(const struct jmatch *m, const char *p)
{
	return (size_t)((jle_u64(p) & m->head_mask) * UINT64_C(0x9e3779b97f4a7c15) >> (64 - HEADS));
}

static void
note_heads(struct jmatch *m, const struct jbuf *flat)
{
	size_t i, least = 8;

	m->at_words = true;
	for (i = 0; i < m->n; i++) {
		m->at_words = m->at_words && m->keys[i].word_start;
		least = flat[i].n < least ? flat[i].n : least;
	}
	m->head_mask = UINT64_MAX >> 8 * (8 - least);
	for (i = 0; i < m->n; i++) {
		char eight[8] = { 0 };

		memcpy(eight, flat[i].p, least);
		m->head[head_of(m, eight)] = true;
	}
}

static int
build(struct jmatch *m, struct jbuf *flat, struct jerr *e)
{
	size_t i, j, total = 0;

	m->columns = 1;
	for (i = 0; i < m->n; i++) {
		if (flat[i].n == 0)
			return jerr_set(e, JERR_ARG, "keyword %zu is empty: expected at least one character",
				i + 1);
		total += flat[i].n;
		describe(&m->keys[i], flat[i].p, flat[i].n);
		for (j = 0; j < flat[i].n; j++) {
			unsigned char *class = &m->class[(unsigned char)flat[i].p[j]];

			if (*class == 0)
				*class = (unsigned char)m->columns++;
		}
	}
	if (total > MAX_BYTES)
		return jerr_set(e, JERR_ARG, "keywords of %zu bytes in all: at most %d", total, MAX_BYTES);
	m->next = jmem_alloc((total + 1) * (size_t)m->columns, sizeof(*m->next));
	memset(m->next, 0xff, (total + 1) * (size_t)m->columns * sizeof(*m->next));
	m->key_at = jmem_alloc(total + 1, sizeof(*m->key_at));
	memset(m->key_at, 0xff, (total + 1) * sizeof(*m->key_at));
	m->fail = jmem_zalloc(total + 1, sizeof(*m->fail));
	m->shorter = jmem_zalloc(total + 1, sizeof(*m->shorter));
	m->depth = jmem_zalloc(total + 1, sizeof(*m->depth));
	m->nodes = 1;
	for (i = 0; i < m->n; i++)
		insert(m, (int)i, flat[i].p);
	link_up(m);
	note_heads(m, flat);
	return 0;
}

int
jmatch_new(struct jmatch **out, const char *const *keys, size_t n, struct jerr *e)
{
	struct jmatch *m = jmem_zalloc(1, sizeof(*m));
	struct jbuf *flat = jmem_zalloc(n ? n : 1, sizeof(*flat));
	size_t i;
	int rc = 0;

	m->keys = jmem_zalloc(n ? n : 1, sizeof(*m->keys));
	m->n = n;
	for (i = 0; i < n; i++) {
		m->keys[i].given = jmem_strdup(keys[i]);
		jbuf_init(&flat[i]);
		if (rc == 0)
			rc = jtext_flatten(keys[i], strlen(keys[i]), &flat[i], e);
	}
	if (rc == 0)
		rc = build(m, flat, e);
	for (i = 0; i < n; i++)
		jbuf_release(&flat[i]);
	jmem_free(flat);
	if (rc < 0) {
		jmatch_free(m);
		return rc;
	}
	*out = m;
	return 0;
}

void
jmatch_free(struct jmatch *m)
{
	size_t i;

	if (!m)
		return;
	for (i = 0; i < m->n; i++)
		jmem_free(m->keys[i].given);
	jmem_free(m->keys);
	jmem_free(m->next);
	jmem_free(m->fail);
	jmem_free(m->key_at);
	jmem_free(m->shorter);
	jmem_free(m->depth);
	jmem_free(m);
}

size_t
jmatch_size(const struct jmatch *m)
{
	return m->n;
}

const char *
jmatch_key(const struct jmatch *m, size_t i)
{
	return m->keys[i].given;
}

/* The key stands in flat with its last byte before `end`: is it a word there? */
static bool
bounded(const struct key *k, const char *flat, size_t n, size_t end)
{
	if (k->word_start && ends_word(flat, end - k->flat_n))
		return false;
	if (!k->word_end || !starts_word(flat + end, n - end))
		return true;
	return k->plural && flat[end] == 's' && !starts_word(flat + end + 1, n - end - 1);
}

/* Counts every keyword of the automaton, wherever it starts. */
static void
count_anywhere(const struct jmatch *m, const char *flat, size_t n, uint32_t *count)
{
	size_t i;
	int at = 0, hit;

	for (i = 0; i < n; i++) {
		at = m->next[at * m->columns + m->class[(unsigned char)flat[i]]];
		for (hit = m->key_at[at] != NONE ? at : m->shorter[at]; hit; hit = m->shorter[hit])
			if (bounded(&m->keys[m->key_at[hit]], flat, n, i + 1))
				count[m->key_at[hit]]++;
	}
}

/* Counts the keywords that start at byte i. */
static void
count_here(const struct jmatch *m, const char *flat, size_t n, size_t i, uint32_t *count)
{
	int at = 0, to;

	for (; i < n; i++, at = to) {
		to = m->next[at * m->columns + m->class[(unsigned char)flat[i]]];
		if (m->depth[to] != m->depth[at] + 1)
			break;
		if (m->key_at[to] != NONE && bounded(&m->keys[m->key_at[to]], flat, n, i + 1))
			count[m->key_at[to]]++;
	}
}

/* Bit i: byte i of the eight in x, which is at the lowest end, is part of an ASCII word. */
static inline uint64_t
word_bits(uint64_t x)
{
	uint64_t c = x & EVERY_BYTE(0x7f), low = c | EVERY_BYTE(0x20), under = c ^ EVERY_BYTE('_');
	uint64_t letter = (low + EVERY_BYTE(0x80 - 'a')) & ~(low + EVERY_BYTE(0x80 - 'z' - 1));
	uint64_t digit = (c + EVERY_BYTE(0x80 - '0')) & ~(c + EVERY_BYTE(0x80 - '9' - 1));
	uint64_t hit = (letter | digit | ~(under + EVERY_BYTE(0x7f))) & ~x & EVERY_BYTE(0x80);

	return (hit >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

/* Bit i: byte i is not ASCII. */
static inline uint64_t
high_bits(uint64_t x)
{
	return (x >> 7 & EVERY_BYTE(1)) * UINT64_C(0x0102040810204080) >> 56;
}

/* Where the 64 bytes at p may start a word, a bit a byte; *before: bit 0, the last byte was part of one. */
static inline uint64_t
word_starts(const char *p, uint64_t *before)
{
	uint64_t word = 0, high = 0, starts;
	int i;

	for (i = 0; i < 64; i += 8) {
		uint64_t x = jle_u64(p + i);

		word |= word_bits(x) << i;
		high |= high_bits(x) << i;
	}
	starts = (word | high) & ~(word << 1 | *before);
	*before = word >> 63;
	return starts;
}

static void
count_at_words(const struct jmatch *m, const char *flat, size_t n, uint32_t *count)
{
	uint64_t before = 0, starts;
	char last[64];
	size_t from, i;

	for (from = 0; from < n; from += 64) {
		const char *p = flat + from;

		if (n - from < 64) {
			memset(last, 0, sizeof(last));
			p = memcpy(last, p, n - from);
		}
		for (starts = word_starts(p, &before); starts; starts &= starts - 1) {
			i = from + (size_t)__builtin_ctzll(starts);
			if (n - i < 8 || m->head[head_of(m, flat + i)])
				count_here(m, flat, n, i, count);
		}
	}
}

void
jmatch_count(const struct jmatch *m, const char *flat, size_t n, uint32_t *count)
{
	size_t i;

	if (m->n == 0)
		return;
	if (m->at_words)
		count_at_words(m, flat, n, count);
	else
		count_anywhere(m, flat, n, count);
	for (i = 0; i < m->n; i++)
		if (m->keys[i].same_as != NONE)
			count[i] = count[m->keys[i].same_as];
}
