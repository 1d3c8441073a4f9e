/*
 * synth.c - putting texts together: which, how much of each, cut where.
 */
#include "swarm/jsynth.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "text/jwords.h"

size_t
jsynth_best(const struct jsynth_answer *a, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (a[i].score > a[best].score)
			best = i;
	return best;
}

void
jsynth_weigh(struct jsynth_answer *a, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i].score > 0 ? a[i].score : 0;
	for (size_t i = 0; i < n; i++)
		a[i].weight = sum > 0 ? (a[i].score > 0 ? a[i].score : 0) / sum : 1 / (double)n;
}

void
jsynth_select(struct jsynth_answer *a, size_t n, struct jbuf *out)
{
	size_t best = jsynth_best(a, n);

	for (size_t i = 0; i < n; i++)
		a[i].weight = i == best;
	jbuf_add(out, a[best].text, a[best].n);
}

/* Positions in falling order of scores; equal ones keep theirs.  The caller frees it. */
static size_t *
by_score(const struct jsynth_answer *a, size_t n)
{
	size_t *order = jmem_alloc(n ? n : 1, sizeof(*order));

	for (size_t i = 0; i < n; i++) {
		size_t at = i;

		for (; at > 0 && a[order[at - 1]].score < a[i].score; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
	return order;
}

static void
put_part(struct jbuf *out, const struct jsynth_answer *a, size_t n, bool attribution)
{
	if (out->n > 0)
		jbuf_adds(out, "\n\n");
	if (attribution)
		jbuf_printf(out, "## %s\n\n", a->expert);
	while (n > 0 && isspace((unsigned char)a->text[n - 1]))
		n--;
	jbuf_add(out, a->text, n);
}

void
jsynth_concatenate(struct jsynth_answer *a, size_t n, bool attribution, struct jbuf *out)
{
	size_t *order = by_score(a, n);

	for (size_t i = 0; i < n; i++) {
		put_part(out, &a[order[i]], a[order[i]].n, attribution);
		a[i].weight = 1 / (double)n;
	}
	jmem_free(order);
}

/* Length of the line at p, its end included. */
static size_t
line_length(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);

	return lf ? (size_t)(lf - p) + 1 : n;
}

/* The fence that a line opens or closes: its character, or 0; *len is how many there are. */
static int
fence_of(const char *p, size_t n, size_t *len)
{
	size_t at = 0, k = 0;

	while (at < n && at < 3 && p[at] == ' ')
		at++;
	if (at == n || (p[at] != '`' && p[at] != '~'))
		return 0;
	while (at + k < n && p[at + k] == p[at])
		k++;
	*len = k;
	return k >= 3 ? p[at] : 0;
}

static bool
is_blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isspace((unsigned char)p[i]))
			return false;
	return true;
}

/* Bytes of the fenced code that begins at p; all where it never ends. */
static size_t
fenced(const char *p, size_t n, int mark, size_t len)
{
	size_t at = line_length(p, n), k = 0;

	while (at < n) {
		size_t line = line_length(p + at, n - at);
		bool ends = fence_of(p + at, line, &k) == mark && k >= len;

		at += line;
		if (ends)
			break;
	}
	return at;
}

/* Bytes of the block at p: blank lines before it, then fenced or indented code, or a paragraph. */
static size_t
block_length(const char *p, size_t n, bool *code)
{
	size_t at = 0, line, len = 0;
	int mark;

	while (at < n && (line = line_length(p + at, n - at), is_blank(p + at, line)))
		at += line;
	*code = false;
	if (at == n)
		return n;
	mark = fence_of(p + at, line_length(p + at, n - at), &len);
	if (mark) {
		*code = true;
		return at + fenced(p + at, n - at, mark, len);
	}
	*code = p[at] == '\t' || (n - at > 4 && strncmp(p + at, "    ", 4) == 0);
	while (at < n) {
		line = line_length(p + at, n - at);
		if (is_blank(p + at, line) || fence_of(p + at, line, &len))
			break;
		at += line;
	}
	return at;
}

/* Behind the last sentence that ends within max bytes; 0 if none does. */
static size_t
sentence_end(const char *p, size_t n, size_t max)
{
	size_t end = 0;

	for (size_t i = 0; i + 1 < n && i < max; i++)
		if (strchr(".!?", p[i]) && p[i] && isspace((unsigned char)p[i + 1]))
			end = i + 1;
	return end;
}

size_t
jsynth_cut(const char *text, size_t n, size_t max)
{
	size_t at = 0;

	if (n <= max)
		return n;
	for (;;) {
		bool code;
		size_t block = block_length(text + at, n - at, &code);

		if (at + block <= max) {
			at += block;
			continue;
		}
		return code ? at : at + sentence_end(text + at, block, max - at);
	}
}

void
jsynth_weighted(struct jsynth_answer *a, size_t n, const struct jsynth_weighted *o, struct jbuf *out)
{
	size_t *order = by_score(a, n), kept = 0, taken = 0, *part = jmem_zalloc(n + 1, sizeof(*part));
	double sum = 0;

	while (kept < n && (kept == 0 || a[order[kept]].score >= o->threshold))
		sum += a[order[kept++]].score;
	for (size_t i = 0; i < kept; i++) {
		struct jsynth_answer *x = &a[order[i]];
		double share = sum > 0 ? x->score / sum : 1 / (double)kept;

		part[i] = jsynth_cut(x->text, x->n, (size_t)(share * (double)o->max_bytes));
		taken += part[i];
	}
	for (size_t i = 0; i < kept; i++) {	/* what one does not use, the others may */
		struct jsynth_answer *x = &a[order[i]];
		size_t more = jsynth_cut(x->text, x->n, part[i] + (o->max_bytes > taken ?
			o->max_bytes - taken : 0));

		taken += more - part[i];
		part[i] = more;
	}
	for (size_t i = 0; i < n; i++)
		a[order[i]].weight = taken > 0 ? (double)part[i] / (double)taken : i == 0;
	for (size_t i = 0; i < kept; i++)
		if (part[i] > 0)
			put_part(out, &a[order[i]], part[i], o->attribution);
	jmem_free(order);
	jmem_free(part);
}

/* Hashes of the words of a text and of pairs of neighbours, rising. */
struct bag {
	uint64_t *v;
	size_t n, cap;
};

static int
by_hash(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void
fill(struct bag *b, const char *text, size_t n)
{
	struct jtext_word w;
	uint64_t before = 0;
	size_t at = 0;

	while (jtext_next_word(text, n, &at, &w)) {
		uint64_t hash = jtext_word_hash(text, &w), pair[2] = { before, hash };

		JMEM_GROW(b->v, b->cap, b->n + 2);
		b->v[b->n++] = hash;
		if (before)
			b->v[b->n++] = jhash64(pair, sizeof(pair), 0);
		before = hash;
	}
	if (b->n > 0)
		qsort(b->v, b->n, sizeof(*b->v), by_hash);
}

/* 1 + log of how often the hash at *at occurs; *at moves behind it. */
static double
next_count(const struct bag *b, size_t *at)
{
	size_t from = *at;

	while (*at < b->n && b->v[*at] == b->v[from])
		++*at;
	return 1 + log((double)(*at - from));
}

static double
cosine(const struct bag *a, const struct bag *b)
{
	double dot = 0, aa = 0, bb = 0;
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		bool left = j == b->n || (i < a->n && a->v[i] <= b->v[j]);
		bool right = i == a->n || (j < b->n && b->v[j] <= a->v[i]);
		double x = left ? next_count(a, &i) : 0, y = right ? next_count(b, &j) : 0;

		dot += x * y;
		aa += x * x;
		bb += y * y;
	}
	return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : 0;
}

double
jsynth_similarity(const char *a, size_t an, const char *b, size_t bn)
{
	struct bag x = { 0 }, y = { 0 };
	double s;

	if (an == bn && memcmp(a, b, an) == 0)
		return 1;
	fill(&x, a, an);
	fill(&y, b, bn);
	s = cosine(&x, &y);
	jmem_free(x.v);
	jmem_free(y.v);
	return s;
}

double
jsynth_agreement(const struct jsynth_answer *a, size_t n, double *agree)
{
	double all = 0;

	for (size_t i = 0; i < n; i++)
		agree[i] = n == 1;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++) {
			double s = jsynth_similarity(a[i].text, a[i].n, a[j].text, a[j].n);

			agree[i] += s / (double)(n - 1);
			agree[j] += s / (double)(n - 1);
		}
	for (size_t i = 0; i < n; i++)
		all += agree[i] / (double)n;
	return all;
}
