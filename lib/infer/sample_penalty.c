/*
 * Penalties on what was said before: repetition (Keskar et al. 2019), presence and frequency, and DRY
 * ("don't repeat yourself", p-e-w 2024), which looks for the longest repetition that a token would
 * go on with.
 */
#include "infer/sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/jmem.h"

#define LONGEST 1000		/* of a repetition: the power beyond is infinite anyway */

static int
by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Positive logits divided, others multiplied; then what presence and frequency take off. */
static void
one(float *logit, const struct jsample_opts *o, size_t times)
{
	if (*logit > 0)
		*logit /= (float)o->repeat_penalty;
	else
		*logit *= (float)o->repeat_penalty;
	*logit -= (float)times * (float)o->frequency_penalty + (float)o->presence_penalty;
}

static void
repetition(struct jsampler *s, float *logits, const struct jsample_opts *o, const uint32_t *recent,
	size_t n)
{
	size_t from = o->repeat_last >= 0 && n > (size_t)o->repeat_last ?
		n - (size_t)o->repeat_last : 0, end;

	if (o->repeat_penalty == 1 && o->presence_penalty == 0 && o->frequency_penalty == 0)
		return;
	n -= from;
	JMEM_GROW(s->work, s->cap_work, n + 1);
	for (size_t i = 0; i < n; i++)
		s->work[i] = recent[from + i];
	qsort(s->work, n, sizeof(*s->work), by_id);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && s->work[end] == s->work[i]; end++)
			;
		if (s->work[i] < s->vocab)
			one(&logits[s->work[i]], o, end - i);
	}
}

/* z[i]: how many tokens of t[i..] equal those from the start (Gusfield's Z algorithm). */
static void
z_lengths(const uint32_t *t, uint32_t *z, size_t n)
{
	size_t left = 0, right = 0;

	for (size_t i = 1; i < n; i++) {
		size_t k = i < right ? (z[i - left] < right - i ? z[i - left] : right - i) : 0;

		while (i + k < n && t[k] == t[i + k])
			k++;
		z[i] = (uint32_t)k;
		if (i + k > right) {
			left = i;
			right = i + k;
		}
	}
}

/* Once for each token: what it would go on with is forgotten again. */
static void
put_penalty(struct jsampler *s, float *logits, const struct jsample_opts *o, uint32_t id)
{
	uint32_t longest = s->longest[id];

	s->longest[id] = 0;
	if (longest > 0 && longest >= (uint32_t)o->dry_allowed)
		logits[id] -= (float)(o->dry_multiplier * pow(o->dry_base,
			(double)(longest - (uint32_t)o->dry_allowed)));
}

/*
 * Read backwards, the end of the text is the beginning of t.  Where t[i..] repeats it, t[i - 1] is
 * the token that came next then, and would go on with the repetition now.
 */
static void
dry(struct jsampler *s, float *logits, const struct jsample_opts *o, const uint32_t *recent,
	size_t n)
{
	size_t reach = n;

	if (o->dry_multiplier == 0 || n < 2)
		return;
	if (o->dry_last > 0 && n > (size_t)o->dry_last) {
		recent += n - (size_t)o->dry_last;
		n = (size_t)o->dry_last;
	}
	JMEM_GROW(s->work, s->cap_work, n);
	JMEM_GROW(s->lengths, s->cap_lengths, n);
	for (size_t i = 0; i < n; i++) {
		s->work[i] = recent[n - 1 - i];
		if (reach > i && o->dry_breaks && s->work[i] < s->vocab && o->dry_breaks[s->work[i]])
			reach = i;	/* the repetition lies behind the last break */
	}
	z_lengths(s->work, s->lengths, n);
	if (!s->longest)
		s->longest = jmem_zalloc((size_t)s->vocab, sizeof(*s->longest));
	for (size_t i = 1; i < n; i++) {
		size_t length = s->lengths[i] < reach ? s->lengths[i] : reach;

		if (s->work[i - 1] < s->vocab && length > s->longest[s->work[i - 1]])
			s->longest[s->work[i - 1]] = (uint32_t)(length < LONGEST ? length : LONGEST);
	}
	for (size_t i = 1; i < n; i++)
		if (s->work[i - 1] < s->vocab)
			put_penalty(s, logits, o, s->work[i - 1]);
}

void
jsample_penalise(struct jsampler *s, float *logits, const struct jsample_opts *o,
	const uint32_t *recent, size_t n_recent)
{
	for (size_t i = 0; i < o->n_bias; i++)
		if (o->bias[i].id < s->vocab)
			logits[o->bias[i].id] += o->bias[i].add;
	repetition(s, logits, o, recent, n_recent);
	dry(s, logits, o, recent, n_recent);
}
