/*
 * repeat.c - the Gopher repetition measures (Rae et al. 2021, table A1) by DCLM's definitions.
 *
 * Lines and paragraphs: all copies of a repeated unit count, over all units; one unit alone is no
 * repetition.  n-grams: over words that start with a letter or number.  The top n-gram is the
 * longest of the most frequent; a dup n-gram covers its words, each of which counts once.
 *
 * An n-gram can only be repeated where the (n-1)-grams at both of its ends are.  So the classes of
 * equal n-grams are refined from those of n-1, and only positions that are still repeated cost
 * anything.
 */
#include <string.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "text/jwords.h"
#include "text/page_internal.h"

struct units {
	double dup, dup_chars, later_chars;
};

/* hash[i] and chars[i] stand for unit i. */
static struct units
measure_units(struct jpage_tables *t, const uint64_t *hash, const uint32_t *chars, size_t n)
{
	uint64_t all = 0, dup = 0, dup_chars = 0, later = 0;
	struct units u = { 0 };
	size_t i;

	if (n <= 1)
		return u;
	jintern_reset(&t->grams, n);
	JMEM_GROW(t->class, t->class_cap, n);
	for (i = 0; i < n; i++) {
		uint32_t seen = t->grams.n;

		t->class[i] = jintern_put(&t->grams, hash[i]);
		all += chars[i];
		if (t->class[i] < seen)
			later += chars[i];
	}
	for (i = 0; i < n; i++) {
		if (t->grams.count[t->class[i]] < 2)
			continue;
		dup++;
		dup_chars += chars[i];
	}
	u.dup = (double)dup / (double)n;
	if (all > 0) {
		u.dup_chars = (double)dup_chars / (double)all;
		u.later_chars = (double)later / (double)all;
	}
	return u;
}

static void
measure_lines(struct jpage *pg)
{
	uint64_t *hash = jmem_alloc(pg->lines + 1, sizeof(*hash));
	uint32_t *chars = jmem_alloc(pg->lines + 1, sizeof(*chars));
	struct units u;
	size_t i, k;

	for (i = 0; i < pg->lines; i++) {
		hash[i] = jhash64(pg->p + pg->line[i].at, pg->line[i].n, 0);
		chars[i] = pg->line[i].chars;
	}
	u = measure_units(pg->t, hash, chars, pg->lines);
	pg->repeat.dup_lines = u.dup;
	pg->repeat.dup_line_chars = u.dup_chars;
	pg->repeat.later_line_chars = u.later_chars;
	for (i = 0; i < pg->paras; i++) {
		const struct jpage_para *para = &pg->para[i];
		uint64_t h = para->lines;
		uint32_t c = 0;

		for (k = 0; k < para->lines; k++) {
			const struct jpage_line *l = &pg->line[para->line + k];

			h = jhash64(pg->p + l->at, l->n, h);
			c += l->chars + (k > 0);
		}
		hash[i] = h;
		chars[i] = c;
	}
	u = measure_units(pg->t, hash, chars, pg->paras);
	pg->repeat.dup_paras = u.dup;
	pg->repeat.dup_para_chars = u.dup_chars;
	jmem_free(hash);
	jmem_free(chars);
}

/* The words that n-grams are made of: class[] = id, gram_chars[] = running sum of their chars. */
static size_t
gather_words(struct jpage *pg)
{
	struct jpage_tables *t = pg->t;
	size_t i, n = 0;

	JMEM_GROW(t->class, t->class_cap, 2 * pg->words + 2);
	JMEM_GROW(t->gram_count, t->gram_count_cap, pg->words + 2);
	JMEM_GROW(t->gram_chars, t->gram_chars_cap, pg->words + 2);
	JMEM_GROW(t->covered, t->covered_cap, pg->words + 2);
	memset(t->gram_count, 0, (pg->words + 2) * sizeof(*t->gram_count));
	t->gram_chars[0] = 0;
	for (i = 0; i < pg->words; i++) {
		if (pg->word[i].flags & JTEXT_W_UNDERSCORE)
			continue;
		t->class[n] = pg->word[i].id;
		t->gram_count[pg->word[i].id]++;
		t->gram_chars[n + 1] = t->gram_chars[n] + pg->word[i].chars;
		n++;
	}
	memcpy(t->class + n, t->class, n * sizeof(*t->class));
	return n;
}

/*
 * Classes of the n-grams at 0..count-1 from those of the (n-1)-grams, in place; id[] are the words.
 * Positions whose n-gram is certainly unique become JINTERN_NONE.
 */
static void
refine(struct jpage_tables *t, const uint32_t *id, size_t count, size_t n)
{
	uint32_t *class = t->class;
	size_t i, active = 0;

	for (i = 0; i < count; i++) {
		if (class[i] == JINTERN_NONE || class[i + 1] == JINTERN_NONE ||
		    t->gram_count[class[i]] < 2 || t->gram_count[class[i + 1]] < 2)
			t->covered[i] = 0;
		else
			active += t->covered[i] = 1;
	}
	jintern_reset(&t->grams, active);
	for (i = 0; i < count; i++)
		class[i] = t->covered[i] ? jintern_put(&t->grams,
			(uint64_t)class[i] << 32 | id[i + n - 1]) : JINTERN_NONE;
	for (; i < count + n - 1; i++)
		class[i] = JINTERN_NONE;
	memcpy(t->gram_count, t->grams.count, t->grams.n * sizeof(*t->gram_count));
}

static double
top_gram(const struct jpage_tables *t, size_t count, size_t n, uint32_t total)
{
	uint32_t best = 0, chars = 0;
	size_t i;

	for (i = 0; i < t->grams.n; i++)
		if (t->gram_count[i] > best)
			best = t->gram_count[i];
	if (best < 2)
		return 0;
	for (i = 0; i < count; i++) {
		uint32_t c = t->gram_chars[i + n] - t->gram_chars[i];

		if (t->class[i] != JINTERN_NONE && t->gram_count[t->class[i]] == best && c > chars)
			chars = c;
	}
	return (double)chars * best / total;
}

static double
dup_grams(const struct jpage_tables *t, size_t count, size_t n, uint32_t total)
{
	uint64_t sum = 0;
	size_t i, done = 0;

	for (i = 0; i < count; i++) {
		size_t from = i > done ? i : done;

		if (t->class[i] == JINTERN_NONE || t->gram_count[t->class[i]] < 2)
			continue;
		sum += t->gram_chars[i + n] - t->gram_chars[from];
		done = i + n;
	}
	return (double)sum / total;
}

static void
measure_grams(struct jpage *pg)
{
	struct jpage_tables *t = pg->t;
	size_t words = gather_words(pg), n;
	const uint32_t *id = t->class + words;
	uint32_t total = t->gram_chars[words];

	for (n = 2; n <= 10 && n <= words; n++) {
		refine(t, id, words - n + 1, n);
		if (n <= 4)
			pg->repeat.top[n] = top_gram(t, words - n + 1, n, total);
		else
			pg->repeat.dup[n] = dup_grams(t, words - n + 1, n, total);
	}
}

const struct jpage_repeat *
jpage_repeat(struct jpage *pg)
{
	if (pg->done & JPAGE_DID_REPEAT)
		return &pg->repeat;
	memset(&pg->repeat, 0, sizeof(pg->repeat));
	measure_lines(pg);
	measure_grams(pg);
	pg->done |= JPAGE_DID_REPEAT;
	return &pg->repeat;
}
