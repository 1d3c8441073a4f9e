/*
 * The n-gram model against a second implementation that works straight from the definition: it
 * counts by scanning the text anew for every question.
 */
#include "t.h"

#include <stdlib.h>

#include "base/jrand.h"
#include "text/jngram.h"

enum { VOCAB = 7, BOS = VOCAB, MAX_GRAMS = 20000 };

struct gram {
	uint32_t w[8];
	int n;
	double count;
};

static uint32_t text[4000];
static size_t start[64], docs;	/* documents: text[start[i]] .. text[start[i + 1]] */
static struct gram gram[MAX_GRAMS];
static size_t grams;

static struct gram *
find(const uint32_t *w, int n)
{
	size_t i;

	for (i = 0; i < grams; i++)
		if (gram[i].n == n && memcmp(gram[i].w, w, (size_t)n * sizeof(*w)) == 0)
			return &gram[i];
	return NULL;
}

static struct gram *
intern(const uint32_t *w, int n)
{
	struct gram *g = find(w, n);

	if (g)
		return g;
	g = &gram[grams++];
	memcpy(g->w, w, (size_t)n * sizeof(*w));
	g->n = n;
	g->count = 0;
	return g;
}

/* Adjusted counts of all orders, from the definition. */
static void
count(int order)
{
	uint32_t padded[4001];
	size_t d, i, len, before;
	int n;

	grams = 0;
	for (n = order; n >= 1; n--)
		for (d = 0; d < docs; d++) {
			len = start[d + 1] - start[d];
			padded[0] = BOS;
			memcpy(padded + 1, text + start[d], len * sizeof(*text));
			for (i = 0; i + (size_t)n <= len + 1; i++)
				if (n > 1 || i > 0)
					if (n == order || (i == 0 && n > 1))
						intern(padded + i, n)->count++;
		}
	for (n = order - 1; n >= 1; n--) {
		before = grams;
		for (i = 0; i < before; i++)
			if (gram[i].n == n + 1)
				intern(gram[i].w + 1, n)->count++;
	}
}

static void
discounts(int n, double d[4])
{
	double of[5] = { 0 }, y;
	size_t i;
	int k;

	for (i = 0; i < grams; i++)
		if (gram[i].n == n && gram[i].count <= 4)
			of[(int)gram[i].count]++;
	d[1] = 0.5, d[2] = 1, d[3] = 1.5;
	if (of[1] == 0 || of[2] == 0 || of[3] == 0)
		return;
	y = of[1] / (of[1] + 2 * of[2]);
	for (k = 1; k <= 3; k++)
		if (k - (k + 1) * y * of[k + 1] / of[k] < 0 || k - (k + 1) * y * of[k + 1] / of[k] > k)
			return;
	for (k = 1; k <= 3; k++)
		d[k] = k - (k + 1) * y * of[k + 1] / of[k];
}

/* p(w | n - 1 context words), recursively. */
static double
reference(const uint32_t *context, int n, uint32_t w)
{
	double total = 0, own = 0, taken = 0, lower, d[4];
	uint32_t key[8];
	size_t i;

	if (n == 0)
		return 1.0 / VOCAB;
	lower = reference(context + 1, n - 1, w);
	discounts(n, d);
	memcpy(key, context, (size_t)(n - 1) * sizeof(*key));
	key[n - 1] = w;
	for (i = 0; i < grams; i++) {
		double c = gram[i].count;

		if (gram[i].n != n || memcmp(gram[i].w, context, (size_t)(n - 1) * sizeof(*key)) != 0)
			continue;
		total += c;
		taken += d[c < 3 ? (int)c : 3];
		if (gram[i].w[n - 1] == w)
			own = c - d[c < 3 ? (int)c : 3];
	}
	return total == 0 ? lower : own / total + taken / total * lower;
}

/* A text with structure: a random walk whose steps repeat. */
static void
make_text(uint64_t seed)
{
	struct jrand r;
	size_t i, n = 0, len;

	jrand_init(&r, seed, 0);
	for (docs = 0; docs < 12; docs++) {
		start[docs] = n;
		len = 1 + jrand_below(&r, 40);
		for (i = 0; i < len; i++, n++)
			text[n] = i < 2 || jrand_below(&r, 4) == 0 ? (uint32_t)jrand_below(&r, VOCAB - 1) :
				(text[n - 1] + text[n - 2]) % (VOCAB - 1);	/* id VOCAB - 1 never occurs */
	}
	start[docs] = n;
}

static struct jngram *
train(int order, uint64_t memory, struct jerr *e)
{
	const struct jngram_opts o = { order, VOCAB, memory };
	struct jngram_trainer *t;
	struct jngram *m = NULL;
	size_t d;

	if (jngram_train_open(&t, &o, e) < 0)
		return NULL;
	for (d = 0; d < docs; d++)
		if (jngram_train_add(t, text + start[d], start[d + 1] - start[d], e) < 0) {
			jngram_train_abort(t);
			return NULL;
		}
	return jngram_train_finish(t, &m, e) < 0 ? NULL : m;
}

/* Every token of the text in its context, and every other token there. */
static void
compare(int order)
{
	double worst = 0, worst_sum = 0;
	struct jerr e = { 0 };
	struct jngram *m = train(order, 64 << 20, &e);
	uint32_t context[8], doc[64];
	size_t d, i, k, len;

	if (!ok(m != NULL))
		return;
	count(order);
	for (d = 0; d < docs; d++) {
		len = start[d + 1] - start[d];
		memcpy(doc, text + start[d], len * sizeof(*doc));
		for (i = 0; i < len; i++) {
			size_t have = i + 1 < (size_t)order ? i + 1 : (size_t)order - 1;
			double sum = 0;
			uint32_t w, keep = doc[i];

			for (k = 0; k < have; k++)
				context[k] = i + k < have ? BOS : doc[i + k - have];
			for (w = 0; w < VOCAB; w++) {
				double p, q = reference(context, (int)have + 1, w);

				doc[i] = w;
				p = exp2(jngram_log2(m, doc, i));
				sum += p;
				if (fabs(p - q) > worst)
					worst = fabs(p - q);
			}
			doc[i] = keep;
			if (fabs(sum - 1) > worst_sum)
				worst_sum = fabs(sum - 1);
		}
	}
	near(worst, 0, 1e-6);
	near(worst_sum, 0, 1e-6);
	jngram_free(m);
}

/*
 * Worked by hand: bigrams over {a, b}, one document "a b a b".
 * Bigrams: <s>a 1, ab 2, ba 1.  n1 = 2, n2 = 1, n3 = 0: fall-back discounts 0.5 1 1.5.
 * Unigrams by words before: a 2 (<s>, b), b 1 (a); n1 = 1, n2 = 1, n3 = 0: the same discounts.
 * p(a) = (2 - 1)/3 + (1 + 0.5)/3 / 2 = 0.583333, p(b) = 0.5/3 + 0.25 = 0.416667.
 * p(b|a) = (2 - 1)/2 + 1/2 p(b) = 0.708333; p(a|b) = 0.5 + 0.5 p(a) = 0.791667.
 */
static void
by_hand(void)
{
	const struct jngram_opts o = { 2, 2, 1 << 20 };
	const uint32_t doc[] = { 0, 1, 0, 1 }, other[] = { 1 }, aa[] = { 0, 0 };
	struct jngram_trainer *t;
	struct jngram *m;
	struct jerr e = { 0 };

	eq_int(jngram_train_open(&t, &o, &e), 0);
	eq_int(jngram_train_add(t, doc, 4, &e), 0);
	if (!ok(jngram_train_finish(t, &m, &e) == 0))
		return;
	near(exp2(jngram_log2(m, doc, 1)), 0.7083333, 1e-6);
	near(exp2(jngram_log2(m, doc, 2)), 0.7916667, 1e-6);
	near(exp2(jngram_log2(m, doc, 0)), 0.5 + 0.5 * 0.5833333, 1e-6);
	near(exp2(jngram_log2(m, other, 0)), 0.5 * 0.4166667, 1e-6);
	near(exp2(jngram_log2(m, aa, 1)), 1 - 0.7083333, 1e-6);
	near(jngram_log2_sum(m, doc, 2), log2(0.7916667) + log2(0.7083333), 1e-6);
	jngram_free(m);
}

static void
limits(void)
{
	struct jngram_opts o = { 0, 10, 1 << 20 };
	const uint32_t bad[] = { 10 };
	struct jngram_trainer *t;
	struct jngram *m;
	struct jngram_info a, b;
	struct jerr e = { 0 };

	eq_int(jngram_train_open(&t, &o, &e), JERR_ARG);
	jerr_clear(&e);
	o.order = 3;
	eq_int(jngram_train_open(&t, &o, &e), 0);
	eq_int(jngram_train_add(t, bad, 1, &e), JERR_ARG);
	jerr_clear(&e);
	eq_int(jngram_train_finish(t, &m, &e), JERR_ARG);	/* nothing was added */
	jerr_clear(&e);

	m = train(4, 64 << 20, &e);
	if (!ok(m != NULL))
		return;
	jngram_describe(m, &a);
	eq_int(a.tokens, start[docs]);
	eq_int(a.documents, docs);
	eq_int(a.least_top, 1);
	jngram_free(m);
	/* Just too little for all: the rarest of the highest order go, and it still adds up to 1. */
	m = train(4, 2 * a.bytes - 16, &e);
	if (ok(m != NULL)) {
		uint32_t doc[8];
		double sum = 0;
		uint32_t w;

		jngram_describe(m, &b);
		ok(b.least_top > 1 && b.grams[4] < a.grams[4] && b.grams[3] == a.grams[3]);
		memcpy(doc, text, sizeof(doc));
		for (w = 0; w < VOCAB; w++) {
			doc[5] = w;
			sum += exp2(jngram_log2(m, doc, 5));
		}
		near(sum, 1, 1e-6);
		jngram_free(m);
	}
	ok(train(4, 2048, &e) == NULL && e.code == JERR_LIMIT);
}

int
main(void)
{
	int order;

	by_hand();
	make_text(1);
	for (order = 1; order <= 5; order++)
		compare(order);
	limits();
	return t_done();
}
