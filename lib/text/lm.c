/* lm.c - tables, scoring and the binary form; see jlm.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "text/junicode.h"
#include "text/jwords.h"
#include "text/lm_internal.h"

static const unsigned char magic[8] = { 0x89, 'J', 'L', 'M', '\r', '\n', 0x1a, '\n' };
enum { VERSION = 1, HEAD = 16 + 8 * JLM_MAX_ORDER, ENTRY = 16, TAIL = 16 };

uint64_t
lm_word(const char *s, size_t n)
{
	return jhash64(s, n, 0x6a6c6d);
}

/* Key of words[0..n-1], the last word of the n-gram first. */
uint64_t
lm_key(const uint64_t *words, int n)
{
	uint64_t h = words[0];
	int i;

	for (i = 1; i < n; i++)
		h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9) + words[i];
	h = (h ^ h >> 32) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

/* Keys are evenly spread: their high bits say to a few entries where one stands. */
static void
make_first(struct lm_table *t)
{
	size_t slots = 2, k = 0;
	uint64_t i;

	for (t->shift = 63; slots < t->n / 4 && t->shift > 32; t->shift--)
		slots *= 2;
	t->first = jmem_alloc(slots + 1, sizeof(*t->first));
	for (i = 0; i < t->n; i++)
		for (; k <= jle_u64(t->p + i * ENTRY) >> t->shift; k++)
			t->first[k] = i;
	for (; k <= slots; k++)
		t->first[k] = t->n;
}

/* Entry with the key or NULL. */
static const unsigned char *
find(const struct lm_table *t, uint64_t key)
{
	uint64_t lo = t->first[key >> t->shift], hi = t->first[(key >> t->shift) + 1], at;

	while (hi - lo > 8) {
		at = lo + (hi - lo) / 2;
		if (jle_u64(t->p + at * ENTRY) <= key)
			lo = at;
		else
			hi = at;
	}
	for (; lo < hi; lo++)
		if (jle_u64(t->p + lo * ENTRY) == key)
			return t->p + lo * ENTRY;
	return NULL;
}

static int
compare_entry(const void *a, const void *b)
{
	uint64_t x = jle_u64(a), y = jle_u64(b);

	return x < y ? -1 : x > y;
}

int
lm_sort(struct jlm *m, const char *name, struct jerr *e)
{
	int n;
	uint64_t i;

	for (n = 1; n <= m->order; n++) {
		struct lm_table *t = &m->table[n];

		qsort(m->own[n].p, (size_t)(m->own[n].n / ENTRY), ENTRY, compare_entry);
		t->p = (const unsigned char *)m->own[n].p;
		t->n = m->own[n].n / ENTRY;
		for (i = 1; i < t->n; i++)
			if (jle_u64(t->p + i * ENTRY) == jle_u64(t->p + (i - 1) * ENTRY))
				return jerr_set(e, JERR_FORMAT, "%s: the same %d-gram twice", name, n);
	}
	return 0;
}

void
lm_add(struct jlm *m, int n, const uint64_t *words, float p, float back)
{
	unsigned char c[ENTRY];
	uint32_t u;

	jle_put64(c, lm_key(words, n));
	memcpy(&u, &p, 4);
	jle_put32(c + 8, u);
	memcpy(&u, &back, 4);
	jle_put32(c + 12, u);
	jbuf_add(&m->own[n], c, ENTRY);
}

void
lm_ready(struct jlm *m)
{
	uint64_t w[1];
	int k;

	for (k = 1; k <= m->order; k++)
		make_first(&m->table[k]);
	m->bos = lm_word("<s>", 3);
	m->eos = lm_word("</s>", 4);
	w[0] = m->unk = lm_word("<unk>", 5);
	m->has_unk = find(&m->table[1], lm_key(w, 1)) != NULL;
}

static int
open_binary(struct jlm *m, const unsigned char *p, size_t n, const char *name, struct jerr *e)
{
	uint64_t at = HEAD, entries;
	int k;

	if (n < HEAD + TAIL)
		return jerr_set(e, JERR_FORMAT, "%s: %zu bytes are no language model", name, n);
	m->order = (int)jle_u32(p + 12);
	if (jle_u32(p + 8) != VERSION)
		return jerr_set(e, JERR_FORMAT, "%s: language model of version %u: this program reads %d",
			name, jle_u32(p + 8), VERSION);
	if (m->order < 1 || m->order > JLM_MAX_ORDER)
		return jerr_set(e, JERR_FORMAT, "%s: order %d: expected 1 to %d", name, m->order,
			JLM_MAX_ORDER);
	for (k = 1; k <= m->order; k++) {
		entries = jle_u64(p + 8 + 8 * (size_t)k);
		if (entries > (n - at) / ENTRY)
			return jerr_set(e, JERR_FORMAT, "%s: ends in the %d-grams", name, k);
		m->table[k].p = p + at;
		m->table[k].n = entries;
		at += entries * ENTRY;
	}
	if (n != at + TAIL || jle_u64(p + at) != at || jle_u32(p + at + 8) != jcrc32c(0, p, at))
		return jerr_set(e, JERR_FORMAT, "%s: cut off or damaged: length and checksum do not fit",
			name);
	return 0;
}

int
jlm_open_mem(struct jlm **out, const void *p, size_t n, const char *name, struct jerr *e)
{
	struct jlm *m = jmem_zalloc(1, sizeof(*m));
	int rc, k;

	for (k = 0; k <= JLM_MAX_ORDER; k++)
		jbuf_init(&m->own[k]);
	if (n >= sizeof(magic) && memcmp(p, magic, sizeof(magic)) == 0)
		rc = open_binary(m, p, n, name, e);
	else
		rc = lm_read_arpa(m, p, n, name, e);
	if (rc < 0) {
		jlm_free(m);
		return rc;
	}
	lm_ready(m);
	*out = m;
	return 0;
}

int
jlm_open(struct jlm **m, const char *file, struct jerr *e)
{
	struct jmapped map = { NULL, 0 };
	struct jbuf text;
	int rc = jfs_map(&map, file, e);

	if (rc < 0)
		return rc;
	if (map.n >= sizeof(magic) && memcmp(map.p, magic, sizeof(magic)) == 0) {
		rc = jlm_open_mem(m, map.p, map.n, file, e);
		if (rc == 0)
			(*m)->map = map;
		else
			jfs_unmap(&map);
		return rc;
	}
	jfs_unmap(&map);
	jbuf_init(&text);
	rc = jin_slurp(file, &text, e);
	if (rc == 0)
		rc = jlm_open_mem(m, text.p, text.n, file, e);
	jbuf_release(&text);
	return rc;
}

void
jlm_free(struct jlm *m)
{
	int k;

	if (!m)
		return;
	for (k = 0; k <= JLM_MAX_ORDER; k++) {
		jbuf_release(&m->own[k]);
		jmem_free(m->table[k].first);
	}
	if (m->map.p)
		jfs_unmap(&m->map);
	jmem_free(m);
}

int
jlm_order(const struct jlm *m)
{
	return m->order;
}

void
lm_head(struct jbuf *b, int order, const uint64_t entries[])
{
	unsigned char head[HEAD] = { 0 };
	int k;

	memcpy(head, magic, sizeof(magic));
	jle_put32(head + 8, VERSION);
	jle_put32(head + 12, (uint32_t)order);
	for (k = 1; k <= order; k++)
		jle_put64(head + 8 + 8 * (size_t)k, entries[k]);
	jbuf_add(b, head, sizeof(head));
}

void
lm_tail(struct jbuf *b, uint64_t bytes, uint32_t crc)
{
	unsigned char tail[TAIL] = { 0 };

	jle_put64(tail, bytes);
	jle_put32(tail + 8, crc);
	jbuf_add(b, tail, sizeof(tail));
}

void
jlm_write(const struct jlm *m, struct jbuf *b)
{
	uint64_t entries[JLM_MAX_ORDER + 1];
	size_t start = b->n;
	int k;

	for (k = 1; k <= m->order; k++)
		entries[k] = m->table[k].n;
	lm_head(b, m->order, entries);
	for (k = 1; k <= m->order; k++)
		jbuf_add(b, m->table[k].p, (size_t)m->table[k].n * ENTRY);
	lm_tail(b, b->n - start, jcrc32c(0, b->p + start, b->n - start));
}

void
jlm_begin(const struct jlm *m, struct jlm_state *s)
{
	const unsigned char *hit;

	s->word[0] = m->bos;
	s->n = m->order > 1;
	if (s->n == 0)
		return;
	hit = find(&m->table[1], lm_key(s->word, 1));
	s->back[0] = hit ? jle_f32(hit + 12) : 0;
}

/*
 * The longest listed n-gram gives P, the longer contexts their B.  A pruned model may list an n-gram
 * without the shorter ones at its end, so all lengths are asked for.  What is found of them is the B of
 * the contexts of the word that comes next.
 */
static double
score(const struct jlm *m, struct jlm_state *s, uint64_t word)
{
	uint64_t w[JLM_MAX_ORDER + 1];
	float next[JLM_MAX_ORDER + 1];
	const unsigned char *hit;
	double back = 0, p = -100;
	int n, found = 0;

	w[0] = word;
	memcpy(w + 1, s->word, (size_t)s->n * sizeof(*w));
	for (n = 1; n <= s->n + 1; n++) {
		hit = find(&m->table[n], lm_key(w, n));
		next[n - 1] = hit ? jle_f32(hit + 12) : 0;
		if (hit) {
			p = jle_f32(hit + 8);
			found = n;
		}
	}
	for (n = found > 0 ? found : 1; n <= s->n; n++)
		back += s->back[n - 1];
	s->n = s->n + 1 < m->order ? s->n + 1 : m->order - 1;
	memcpy(s->word, w, (size_t)s->n * sizeof(*w));
	memcpy(s->back, next, (size_t)s->n * sizeof(*next));
	return p + back;
}

double
jlm_score(const struct jlm *m, struct jlm_state *s, const char *word, size_t n)
{
	uint64_t w = lm_word(word, n);

	return score(m, s, find(&m->table[1], lm_key(&w, 1)) ? w : m->unk);
}

double
jlm_end(const struct jlm *m, struct jlm_state *s)
{
	return score(m, s, m->eos);
}

size_t
lm_lower(const char *p, const struct jtext_word *w, char out[LM_WORD])
{
	size_t i = 0, n = 0;

	while (i < w->n && n + 4 < LM_WORD) {
		uint32_t cp;
		int k = jutf8_decode(p + w->at + i, w->n - i, &cp);

		i += (size_t)(k > 0 ? k : 1);
		n += (size_t)jutf8_encode(jtext_lower(cp), out + n);
	}
	return n;
}

double
jlm_perplexity(const struct jlm *m, const char *text, size_t n)
{
	struct jtext_span line;
	struct jlm_state s;
	double sum = 0;
	uint64_t count = 0;
	size_t at = 0;

	while (jtext_next_line(text, n, &at, &line)) {
		struct jtext_word w;
		char low[LM_WORD];
		size_t in = 0, words = 0;

		jlm_begin(m, &s);
		for (; jtext_next_word(text + line.at, line.n, &in, &w); words++)
			sum += jlm_score(m, &s, low, lm_lower(text + line.at, &w, low));
		if (words > 0) {
			sum += jlm_end(m, &s);
			count += words + 1;
		}
	}
	return count ? pow(10, -sum / (double)count) : NAN;
}
