/*
 * repeat.c - the Gopher repetition measures (Rae et al. 2021, table A1) by DCLM's definitions.
 *
 * Lines and paragraphs: all copies of a repeated unit count, over all units; one unit alone is no
 * repetition.  n-grams: over words that start with a letter or number.  The top n-gram is the
 * longest of the most frequent; a dup n-gram covers its words, each of which counts once.
 *
 * An n-gram can only be repeated where the (n-1)-grams at both of its ends are.  So the list of the
 * places whose n-gram is repeated is made from that of n-1, and only those places cost anything.
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
	for (i = 0; i < n && t->grams.n < n; i++) {
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
	struct jpage_tables *t = pg->t;
	struct units u;
	size_t i, k;

	JMEM_GROW(t->unit_hash, t->unit_hash_cap, pg->lines + 1);
	JMEM_GROW(t->unit_chars, t->unit_chars_cap, pg->lines + 1);
	for (i = 0; i < pg->lines; i++) {
		t->unit_hash[i] = jhash64(pg->p + pg->line[i].at, pg->line[i].n, 0);
		t->unit_chars[i] = pg->line[i].chars;
	}
	u = measure_units(t, t->unit_hash, t->unit_chars, pg->lines);
	pg->repeat.dup_lines = u.dup;
	pg->repeat.dup_line_chars = u.dup_chars;
	pg->repeat.later_line_chars = u.later_chars;
	/* A paragraph's hash takes the place of that of its first line at most, so none is lost. */
	for (i = 0; i < pg->paras; i++) {
		const struct jpage_para *para = &pg->para[i];
		uint64_t h = para->lines;
		uint32_t c = para->lines - 1;

		for (k = para->line; k < para->line + para->lines; k++) {
			h = (h ^ t->unit_hash[k]) * UINT64_C(0x9fb21c651e98df25);
			h ^= h >> 32;
			c += pg->line[k].chars;
		}
		t->unit_hash[i] = h;
		t->unit_chars[i] = c;
	}
	u = measure_units(t, t->unit_hash, t->unit_chars, pg->paras);
	pg->repeat.dup_paras = u.dup;
	pg->repeat.dup_para_chars = u.dup_chars;
}

/* The words that n-grams are made of: gram_id[], and gram_chars[] = running sum of their chars. */
static size_t
gather_words(struct jpage *pg)
{
	struct jpage_tables *t = pg->t;
	uint32_t chars = 0;
	size_t i, n = 0;

	JMEM_GROW(t->gram_id, t->gram_id_cap, pg->words + 2);
	JMEM_GROW(t->gram_chars, t->gram_chars_cap, pg->words + 2);
	JMEM_GROW(t->class, t->class_cap, pg->words + 2);
	JMEM_GROW(t->place, t->place_cap, pg->words + 2);
	t->gram_chars[0] = 0;
	for (i = 0; i < pg->words; i++) {
		const struct jpage_word *w = &pg->word[i];
		bool in = !(w->flags & JTEXT_W_UNDERSCORE);

		t->gram_id[n] = w->id;
		t->gram_chars[n + in] = chars += in ? w->chars : 0;
		n += in;
	}
	return n;
}

/* The list of repeated words: place[i] is a word, class[i] its id.  Returns how many. */
static size_t
repeated_words(const struct jpage_tables *t, size_t words)
{
	size_t i, n = 0;

	for (i = 0; i < words; i++) {
		t->place[n] = (uint32_t)i;
		t->class[n] = t->gram_id[i];
		n += t->words.count[t->gram_id[i]] >= 2;
	}
	return n;
}

/*
 * The list of the places of repeated n-grams from that of the (n-1)-grams, of `places`.  Returns how
 * many there are; t->grams counts each class.
 */
static size_t
refine(struct jpage_tables *t, size_t places, size_t n)
{
	const uint32_t *id = t->gram_id;
	size_t i, both = 0, kept = 0;

	for (i = 0; i + 1 < places; i++) {
		bool next = t->place[i] + 1 == t->place[i + 1];

		t->place[both] = t->place[i];
		t->class[both] = t->class[i];
		both += next;
	}
	jintern_reset(&t->grams, both);
	for (i = 0; i < both; i++)
		t->class[i] = jintern_put(&t->grams,
			(uint64_t)t->class[i] << 32 | id[t->place[i] + n - 1]);
	for (i = 0; i < both; i++) {
		t->place[kept] = t->place[i];
		t->class[kept] = t->class[i];
		kept += t->grams.count[t->class[i]] >= 2;
	}
	return kept;
}

static double
top_gram(const struct jpage_tables *t, size_t places, size_t n, uint32_t total)
{
	uint32_t best = 0, chars = 0;
	size_t i;

	for (i = 0; i < places; i++)
		if (t->grams.count[t->class[i]] > best)
			best = t->grams.count[t->class[i]];
	for (i = 0; i < places; i++) {
		uint32_t at = t->place[i], c = t->gram_chars[at + n] - t->gram_chars[at];

		if (t->grams.count[t->class[i]] == best && c > chars)
			chars = c;
	}
	return (double)chars * best / total;
}

static double
dup_grams(const struct jpage_tables *t, size_t places, size_t n, uint32_t total)
{
	uint64_t sum = 0;
	size_t i, done = 0;

	for (i = 0; i < places; i++) {
		size_t at = t->place[i], from = at > done ? at : done;

		done = at + n;
		sum += t->gram_chars[done] - t->gram_chars[from];
	}
	return (double)sum / total;
}

static void
measure_grams(struct jpage *pg)
{
	struct jpage_tables *t = pg->t;
	size_t words = gather_words(pg), places = repeated_words(t, words), n;
	uint32_t total = t->gram_chars[words];

	for (n = 2; n <= 10 && places > 0; n++) {
		places = refine(t, places, n);
		if (n <= 4)
			pg->repeat.top[n] = top_gram(t, places, n, total);
		else
			pg->repeat.dup[n] = dup_grams(t, places, n, total);
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
