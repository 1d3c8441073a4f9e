/*
 * Guesses: prompt lookup (Saxena 2023), and greedy drafts of a small model (Leviathan et al. 2023).
 */
#include "infer/draft.h"

#include <string.h>

#define LONGEST 4		/* tokens that must agree, where so many do */
#define SHORTEST 2
#define REACH 16384		/* tokens looked back at */

size_t
draft_lookup(const struct jids *ids, size_t max, uint32_t *out)
{
	size_t from = ids->n > REACH ? ids->n - REACH : 0;

	for (size_t m = LONGEST; m >= SHORTEST; m--) {
		const uint32_t *end;

		if (ids->n < from + m + 1)
			continue;
		end = ids->v + ids->n - m;
		for (size_t at = ids->n - m; at-- > from;) {
			size_t n = ids->n - (at + m);

			if (memcmp(ids->v + at, end, m * sizeof(*end)) != 0)
				continue;
			n = n < max ? n : max;
			memcpy(out, ids->v + at + m, n * sizeof(*out));
			return n;
		}
	}
	return 0;
}

static uint32_t
likeliest(const float *logits, int64_t V)
{
	int64_t best = 0;

	for (int64_t i = 1; i < V; i++)
		if (logits[i] > logits[best])
			best = i;
	return (uint32_t)best;
}

int
draft_model(const struct draft_model *d, const struct jids *ids, size_t max, uint32_t *out,
	size_t *n, struct jerr *e)
{
	struct jinfer_feed f = { .slot = d->slot, .logits = d->logits };
	size_t have = jinfer_length(d->inf, d->slot), room = (size_t)jinfer_capacity(d->inf);

	*n = 0;
	if (ids->n >= room)
		return 0;
	/* The last token is fed anew even if it is there: its logits are wanted. */
	if (have >= ids->n) {
		have = ids->n - 1;
		jinfer_truncate(d->inf, d->slot, have);
	}
	f.ids = ids->v + have;
	f.n = ids->n - have;
	while (*n < max && ids->n + *n < room && jinfer_need(d->inf, d->slot, f.n)
			<= jinfer_available(d->inf)) {
		int rc = jinfer_feed(d->inf, &f, 1, e);

		if (rc < 0)
			return rc;
		out[*n] = likeliest(d->logits, jinfer_config(d->inf)->vocab_size);
		f.ids = &out[*n];
		f.n = 1;
		++*n;
	}
	return 0;
}
