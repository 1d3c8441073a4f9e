/* Long words: window by window gives what one heap over the whole word gives. */
#include "t.h"

#include <stdint.h>
#include <string.h>

#include "base/jrand.h"
#include "tok/merge.h"

#define MAX_N 6000

/* A table of merges over few letters; ranks grow with the ids, or are in no order at all. */
static void
make_pairs(struct tok_pairs *p, struct jrand *r, uint32_t letters, uint32_t merges, bool ordered)
{
	uint32_t i;

	for (i = 0; i < merges; i++) {
		uint32_t have = letters + i, left = (uint32_t)jrand_below(r, have), right;

		/* Half of them double a token, so that runs make long ones. */
		right = jrand_below(r, 2) ? left : (uint32_t)jrand_below(r, have);
		tok_pairs_add(p, left, right, ordered ? i : (uint32_t)jrand_below(r, 1u << 30), have);
	}
}

static size_t
make_word(uint32_t *ids, struct jrand *r, uint32_t letters)
{
	size_t n = 1 + (size_t)jrand_below(r, MAX_N), i;
	size_t period = 1 + (size_t)jrand_below(r, 40);
	uint64_t noise = jrand_below(r, 4);	/* 0: all random */

	for (i = 0; i < n; i++)
		ids[i] = noise && i >= period && jrand_below(r, 50 * noise * noise) ? ids[i - period] :
			(uint32_t)jrand_below(r, letters);
	return n;
}

static int
differences(uint64_t seed, int rounds, bool ordered)
{
	static uint32_t a[MAX_N], b[MAX_N], c[MAX_N];
	struct jrand r;
	int bad = 0, i, k;

	jrand_init(&r, seed, 0);
	for (i = 0; i < rounds; i++) {
		struct tok_pairs pairs = { NULL, 0, 0 };
		struct tok_merger m = { .pairs = &pairs };
		uint32_t letters = 1 + (uint32_t)jrand_below(&r, 5);

		make_pairs(&pairs, &r, letters, 1 + (uint32_t)jrand_below(&r, 60), ordered);
		for (k = 0; k < 8; k++) {
			size_t n = make_word(a, &r, letters), nb, nc, na;

			memcpy(b, a, n * sizeof(*a));
			memcpy(c, a, n * sizeof(*a));
			nb = tok_merge_whole(&m, b, n);
			nc = tok_merge_windows(&m, c, n);
			na = tok_merge(&m, a, n);
			bad += nb != nc || nb != na || memcmp(b, c, nb * sizeof(*b)) != 0 ||
				memcmp(a, b, nb * sizeof(*b)) != 0;
		}
		tok_merger_release(&m);
		tok_pairs_release(&pairs);
	}
	return bad;
}

int
main(void)
{
	eq_int(differences(1, 150, true), 0);
	eq_int(differences(2, 150, false), 0);
	return t_done();
}
