/* compat_grams.c - the n-gram measures of jcompat.h. */
#include <math.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jutf8.h"
#include "text/compat_internal.h"

static double
gram_chars(const struct compat *c, size_t i, int n)
{
	double sum = 0;
	int k;

	for (k = 0; k < n; k++)
		sum += c->word[i + (size_t)k].chars;
	return sum;
}

/* Numbers the n-grams by first sight; c->seen counts them.  Returns how many there are. */
static size_t
number_grams(struct compat *c, int n)
{
	size_t grams = c->words >= (size_t)n ? c->words - (size_t)n + 1 : 0, i;
	int k;

	JMEM_GROW(c->gram, c->gram_cap, grams + 1);
	jintern_reset(&c->seen, grams + 1);
	for (i = 0; i < grams; i++) {
		uint64_t h = (uint64_t)n;

		for (k = 0; k < n; k++)
			h = (h ^ h >> 31) * UINT64_C(0xbf58476d1ce4e5b9) + c->word[i + (size_t)k].hash;
		c->gram[i] = jintern_put(&c->seen, h);
	}
	return grams;
}

/* Characters that a search for the words joined by single spaces would take out of the text. */
static double
replaced_chars(const struct compat *c, size_t i, int n)
{
	struct jbuf b;
	size_t at = 0;
	double sum = 0, chars;
	int k;

	jbuf_init(&b);
	for (k = 0; k < n; k++) {
		jbuf_adds(&b, k ? " " : "");
		jbuf_add(&b, c->p + c->word[i + (size_t)k].at, c->word[i + (size_t)k].n);
	}
	chars = (double)jutf8_count(b.p, b.n);
	while (b.n > 0 && at + b.n <= c->n) {
		const char *hit = memchr(c->p + at, b.p[0], c->n - at - b.n + 1);

		if (!hit)
			break;
		at = (size_t)(hit - c->p);
		if (memcmp(hit, b.p, b.n) == 0) {
			sum += chars;
			at += b.n;
		} else {
			at++;
		}
	}
	jbuf_release(&b);
	return sum;
}

static double
top_gram(struct compat *c, enum jcompat which, int n)
{
	size_t grams = number_grams(c, n), i, best = 0;
	uint32_t most;

	if (grams == 0)
		return 0;
	for (i = 1; i < grams; i++)
		if (c->seen.count[c->gram[i]] > c->seen.count[c->gram[best]])
			best = i;
	most = c->seen.count[c->gram[best]];
	if (which == JCOMPAT_RPV2 && most < 2)
		return 0;
	if (which == JCOMPAT_CURATOR)
		return replaced_chars(c, best, n);
	return most * (gram_chars(c, best, n) + (which == JCOMPAT_DATATROVE ? n - 1 : 0));
}

/* Later copies, the scan going on behind each. */
static double
dup_jump(struct compat *c, int n)
{
	size_t grams = number_grams(c, n), i = 0;
	double sum = 0;

	JMEM_GROW(c->covered, c->covered_cap, grams + 1);
	memset(c->covered, 0, grams + 1);	/* by number: seen by the scan */
	while (i < grams) {
		if (c->covered[c->gram[i]]) {
			sum += gram_chars(c, i, n);
			i += (size_t)n;
		} else {
			c->covered[c->gram[i++]] = 1;
		}
	}
	return sum;
}

/* Later copies with their spaces; of one that overlaps the last only what is new. */
static double
dup_later(struct compat *c, int n)
{
	size_t grams = number_grams(c, n), i, end = 0, k;
	uint32_t next = 0;
	double sum = 0;

	for (i = 0; i < grams; i++) {
		if (c->gram[i] == next) {
			next++;
			continue;
		}
		for (k = i > end ? i : end; k < i + (size_t)n; k++)
			sum += c->word[k].chars + (k > i);
		end = i + (size_t)n;
	}
	return sum;
}

static double
dup_share(struct compat *c, int n)
{
	size_t grams = number_grams(c, n), i;
	double sum = 0, all = 0;

	for (i = 0; i < grams; i++) {
		double chars = gram_chars(c, i, n);

		all += chars;
		sum += c->seen.count[c->gram[i]] > 1 ? chars : 0;
	}
	return all > 0 ? sum / all : 0;
}

static double
dup_cover(struct compat *c, int n)
{
	size_t grams = number_grams(c, n), i;
	double sum = 0;

	JMEM_GROW(c->covered, c->covered_cap, c->words + 1);
	memset(c->covered, 0, c->words + 1);
	for (i = 0; i < grams; i++)
		if (c->seen.count[c->gram[i]] > 1)
			memset(c->covered + i, 1, (size_t)n);
	for (i = 0; i < c->words; i++)
		sum += c->covered[i] ? c->word[i].chars : 0;
	return sum;
}

void
compat_grams(struct compat *c, enum jcompat which, struct jcompat_values *v)
{
	bool text = which == JCOMPAT_DATATROVE || which == JCOMPAT_CURATOR;
	double whole = text ? (double)jutf8_count(c->text, c->text_n) : c->word_chars;
	int n;

	for (n = 2; n <= 4; n++)
		v->top[n] = which == JCOMPAT_CURATOR && c->words < (size_t)n ? 1 :
			whole > 0 ? top_gram(c, which, n) / whole : NAN;
	for (n = 5; n <= 10; n++) {
		if (which == JCOMPAT_CURATOR && c->words < (size_t)n)
			v->dup[n] = 1;		/* too few words to form one: it is dropped there */
		else if (which == JCOMPAT_DOLMA)
			v->dup[n] = dup_share(c, n);
		else
			v->dup[n] = whole > 0 ? (which == JCOMPAT_DATATROVE ? dup_jump(c, n) :
				which == JCOMPAT_RPV2 ? dup_cover(c, n) : dup_later(c, n)) / whole : NAN;
	}
}
