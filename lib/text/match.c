#include "text/jmatch.h"

#include <stdbool.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "base/jutf8.h"
#include "text/junicode.h"

enum { MAX_BYTES = 64 << 10, NONE = -1 };

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
};

static bool
is_word_char(uint32_t cp)
{
	return cp == '_' || jtext_is_alnum(cp) || jtext_class(cp) == JTEXT_MARK;
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

		if (*to == NONE)
			*to = m->nodes++;
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
	m->nodes = 1;
	for (i = 0; i < m->n; i++)
		insert(m, (int)i, flat[i].p);
	link_up(m);
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

void
jmatch_count(const struct jmatch *m, const char *flat, size_t n, uint32_t *count)
{
	size_t i;
	int at = 0, hit;

	if (m->n == 0)
		return;
	for (i = 0; i < n; i++) {
		at = m->next[at * m->columns + m->class[(unsigned char)flat[i]]];
		for (hit = m->key_at[at] != NONE ? at : m->shorter[at]; hit; hit = m->shorter[hit])
			if (bounded(&m->keys[m->key_at[hit]], flat, n, i + 1))
				count[m->key_at[hit]]++;
	}
	for (i = 0; i < m->n; i++)
		if (m->keys[i].same_as != NONE)
			count[i] = count[m->keys[i].same_as];
}
