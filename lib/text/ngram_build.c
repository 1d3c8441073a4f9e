/* ngram_build.c - counts to probabilities, from the lowest order up. */
#include <stdbool.h>
#include <string.h>

#include "base/jmem.h"
#include "io/jsort.h"
#include "text/ngram_internal.h"

struct child {
	uint32_t word;
	uint64_t count;
};

struct build {
	struct jngram *m;
	struct jsort *counted;
	const unsigned char *rec;	/* the record not yet taken, or NULL at the end */
	struct child *child;		/* of one context */
	size_t children, child_cap;
	uint64_t filled;		/* entries of the level so far */
};

static uint32_t
be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t
be64(const unsigned char *p)
{
	return (uint64_t)be32(p) << 32 | be32(p + 4);
}

static int
advance(struct build *b, struct jerr *e)
{
	const void *p;
	size_t n;
	int rc = jsort_next(b->counted, &p, &n, e);

	b->rec = rc > 0 ? p : NULL;
	return rc < 0 ? rc : 0;
}

/*
 * Modified Kneser-Ney discounts.  Where the counts of counts do not allow the estimate (small
 * texts), KenLM's fall-backs.
 */
static void
set_discounts(double d[4], const struct ngram_counts *c)
{
	static const double fallback[4] = { 0, 0.5, 1, 1.5 };
	double y;
	int i;

	memcpy(d, fallback, sizeof(fallback));
	if (c->of[1] == 0 || c->of[2] == 0 || c->of[3] == 0)
		return;
	y = (double)c->of[1] / ((double)c->of[1] + 2 * (double)c->of[2]);
	for (i = 1; i <= 3; i++) {
		double v = i - (i + 1) * y * (double)c->of[i + 1] / (double)c->of[i];

		if (!(v >= 0 && v <= i)) {
			memcpy(d, fallback, sizeof(fallback));
			return;
		}
		d[i] = v;
	}
}

static double
discounted(const double d[4], uint64_t count)
{
	return (double)count - d[count < 3 ? count : 3];
}

/*
 * The probabilities of the children of `context` (entry `at` of level k, k words), which are
 * appended to level k + 1.
 */
static void
close_context(struct build *b, int k, uint64_t at, const uint32_t *context)
{
	struct jngram *m = b->m;
	struct ngram_level *down = &m->level[k + 1];
	const double *d = m->info.discount[k + 1];
	uint64_t least = k + 1 == m->info.order ? m->info.least_top : 0;
	uint64_t lower = k > 0 ? jngram_find(m, context + 1, k - 1) : 0, hit;
	double total = 0, kept = 0, p, back;
	size_t i;

	for (i = 0; i < b->children; i++) {
		total += (double)b->child[i].count;
		if (b->child[i].count > 0 && b->child[i].count >= least)
			kept += discounted(d, b->child[i].count);
	}
	back = total > 0 ? 1 - kept / total : 1;
	m->level[k].back[at] = (float)back;
	for (i = 0; i < b->children; i++) {
		const struct child *c = &b->child[i];

		if (c->count < least)
			continue;
		p = 1.0 / m->info.vocab;
		if (k > 0) {
			hit = jngram_child(m, k - 1, lower, c->word);
			p = m->level[k].prob[hit];
		}
		p *= back;
		if (c->count > 0)
			p += discounted(d, c->count) / total;
		else
			p = 0;		/* the beginning: a context, never predicted */
		down->word[b->filled] = c->word;
		down->prob[b->filled++] = (float)p;
	}
	b->children = 0;
}

/* Fills child[] of level k for entries `from`..`to`: nothing of level k + 1 is theirs yet. */
static void
mark_children(struct build *b, int k, uint64_t from, uint64_t to)
{
	struct ngram_level *up = &b->m->level[k];

	for (; from <= to; from++) {
		up->child[from] = (uint32_t)b->filled;
		if (from < up->n)
			up->back[from] = 1;
	}
}

static int
build_level(struct build *b, int n, struct jerr *e)
{
	uint32_t context[JNGRAM_MAX_ORDER] = { 0 }, key;
	uint64_t next = 0, at = 0;	/* entries of level n - 1: first without a child[], and ours */
	bool open = false, same;
	int i, rc;

	b->filled = 0;
	while (b->rec && b->rec[0] == n) {
		same = open;
		for (i = 0; i < n - 1; i++) {
			key = be32(b->rec + 1 + 4 * i);
			same = same && key == context[i];
		}
		if (!same) {
			if (open)
				close_context(b, n - 1, at, context);
			for (i = 0; i < n - 1; i++)
				context[i] = be32(b->rec + 1 + 4 * i);
			at = jngram_find(b->m, context, n - 1);
			mark_children(b, n - 1, next, at);
			next = at + 1;
			open = true;
		}
		JMEM_GROW(b->child, b->child_cap, b->children + 1);
		b->child[b->children++] = (struct child){ be32(b->rec + 4 * n - 3),
			be64(b->rec + 1 + 4 * n) };
		rc = advance(b, e);
		if (rc < 0)
			return rc;
	}
	if (open)
		close_context(b, n - 1, at, context);
	mark_children(b, n - 1, next, b->m->level[n - 1].n);
	return 0;
}

static uint64_t
level_bytes(const struct jngram *m, int n)
{
	return m->level[n].n * (n < m->info.order ? 16 : 8) + 16;
}

/* Sizes of the levels; leaves out rare n-grams of the highest order until they fit. */
static int
plan(struct jngram *m, const struct ngram_counts *counts, uint64_t memory, struct jerr *e)
{
	uint64_t bytes = 0;
	int n, order = m->info.order;

	m->info.least_top = 1;
	m->level[0].n = 1;
	for (n = 1; n <= order; n++) {
		m->level[n].n = counts[n].distinct;
		set_discounts(m->info.discount[n], &counts[n]);
	}
	for (n = 0; n <= order; n++)
		bytes += level_bytes(m, n);
	while (bytes > memory / 2 && m->info.least_top <= 3 && order > 1) {
		uint64_t less = counts[order].of[m->info.least_top++];

		m->level[order].n -= less;
		bytes -= less * 8;
	}
	m->info.bytes = bytes;
	if (bytes > memory / 2)
		return jerr_set(e, JERR_LIMIT, "%d-gram model: tables of %llu bytes do not fit half of the "
			"memory of %llu; give more or a lower order", order, (unsigned long long)bytes,
			(unsigned long long)memory);
	for (n = 1; n <= order; n++)
		if (m->level[n].n >= UINT32_MAX)
			return jerr_set(e, JERR_LIMIT, "%llu %d-grams: at most 4294967294",
				(unsigned long long)m->level[n].n, n);
	return 0;
}

static int
allocate(struct jngram *m, struct jerr *e)
{
	int n;

	for (n = 0; n <= m->info.order; n++) {
		struct ngram_level *l = &m->level[n];

		m->info.grams[n] = l->n;
		l->word = jmem_try(l->n + 1, sizeof(*l->word));
		l->prob = jmem_try(l->n + 1, sizeof(*l->prob));
		if (n < m->info.order) {
			l->back = jmem_try(l->n + 1, sizeof(*l->back));
			l->child = jmem_try(l->n + 2, sizeof(*l->child));
		}
		if (!l->word || !l->prob || (n < m->info.order && (!l->back || !l->child)))
			return jerr_set(e, JERR_NOMEM, "no memory for %llu %d-grams",
				(unsigned long long)l->n, n);
	}
	return 0;
}

int
jngram_build(struct jngram *m, struct jsort *counted, const struct ngram_counts *counts,
	uint64_t memory, struct jerr *e)
{
	struct build b = { .m = m, .counted = counted };
	int n, rc;

	rc = plan(m, counts, memory, e);
	if (rc == 0)
		rc = allocate(m, e);
	if (rc == 0)
		rc = advance(&b, e);
	for (n = 1; n <= m->info.order && rc == 0; n++)
		rc = build_level(&b, n, e);
	jmem_free(b.child);
	return rc;
}
