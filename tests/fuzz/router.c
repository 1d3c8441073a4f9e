/*
 * Saved routers: what is read sees any text without harm, and what it sees, where that is numbers, becomes
 * probabilities.  A whole router is megabytes of weights: the input is a file that lacks its end, which is
 * filled with zeros up to the largest number in its header.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jle.h"
#include "swarm/router_file.h"

#define MOST ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Bytes of the whole file that such a header describes. */
static size_t
whole_size(const uint8_t *p, size_t n)
{
	uint64_t header = n >= 8 ? jle_u64(p) : 0, most = 0, v = 0;

	if (header > n - 8 || n < 8)
		return n;
	for (size_t i = 8; i < 8 + header; i++) {
		v = p[i] >= '0' && p[i] <= '9' && v < MOST ? v * 10 + (p[i] - '0') : 0;
		if (v > most && v < MOST)
			most = v;
	}
	most += 8 + header;
	return most > n ? (size_t)most : n;
}

static void
use(const struct trained *t, const char *text, size_t n)
{
	const double keyword[2] = { 0.5, 0 };
	float *vector = jmem_zalloc(t->e.width + 1, sizeof(*vector));
	struct features f = { 0 };
	struct text_seen q = { &f, keyword, NULL, SIZE_MAX };
	struct sight s;

	features_make(&f, text, n);
	features_weigh(&f, t->w.idf);
	for (size_t i = 0; i < t->e.width; i++)
		vector[i] = 1 / (float)(i + 1);
	sight_init(&s, t);
	for (int k = 0; k < 2; k++) {
		q.vector = k && trained_embeds(t) ? vector : NULL;
		sight_see(&s, t, &q);
		for (int how = 0; how < STRATEGIES && sight_is_finite(&s, t); how++) {
			double p[2], a = sight_acceptance(&s, t);

			sight_probabilities(&s, t, (enum jroute_strategy)how, p);
			if (!(p[0] >= 0 && p[1] >= 0 && fabs(p[0] + p[1] - 1) < 1e-6 && a >= 0 && a <= 1))
				abort();
		}
	}
	sight_release(&s);
	features_release(&f);
	jmem_free(vector);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct jexpert v[2] = { { .name = "bread" }, { .name = "code" } };
	struct jexperts x = { .v = v, .n = 2 };
	struct jmapped file = { NULL, whole_size(p, n) };
	unsigned char *all = jmem_zalloc(file.n + 1, 1);
	struct trained t = { 0 };
	struct jerr e = { 0 };

	memcpy(all, p, n);
	file.p = all;
	if (router_load_mem(&t, &x, &file, "input", &e) == 0) {
		use(&t, "How is the yeast fed, and what does zip() return?", 49);
		use(&t, (const char *)p, n < 200 ? n : 200);
		trained_release(&t);
	} else if (e.code == 0) {
		abort();
	}
	jmem_free(all);
	return 0;
}
