/* deduppairs.c - candidate pairs from shared bands, their true similarity, and who goes. */
#include <string.h>

#include "base/jmem.h"
#include "dedup.h"
#include "par/jpar.h"

enum { BEST = 64, WINDOW = 64, PAIRS = 2048 };

/* (band hash, rank) of every document that is still there. */
static int
add_bands(struct dedup *d, struct jsort *buckets, struct jerr *e)
{
	uint64_t band[JMINHASH_MAX], rank;
	size_t bytes = (size_t)d->hash.bands * sizeof(*band);
	unsigned char rec[16];
	struct dedup_doc doc;
	int i, rc = 0;

	for (rank = 0; rank < d->n && rc == 0; rank++) {
		if (dedup_is_gone(d, rank))
			continue;
		rc = dedup_get(d, rank, &doc, e);
		if (rc < 0 || doc.set_n == 0)
			continue;
		rc = scratch_read(&d->bands, doc.bands_at, band, bytes, e);
		for (i = 0; i < d->hash.bands && rc == 0; i++) {
			dedup_put64(rec, band[i]);
			dedup_put64(rec + 8, rank);
			rc = jsort_add(buckets, rec, sizeof(rec), e);
		}
	}
	return rc;
}

struct bucket {
	uint64_t best[BEST], window[WINDOW];
	uint64_t n;
};

static int
add_pair(struct jsort *pairs, uint64_t a, uint64_t b, struct jerr *e)
{
	unsigned char rec[16];

	dedup_put64(rec, a);
	dedup_put64(rec + 8, b);
	return jsort_add(pairs, rec, sizeof(rec), e);
}

/* Ranks come in rising order: pairs each with the best of the bucket and with those just before. */
static int
meet(struct bucket *k, uint64_t rank, struct jsort *pairs, struct jerr *e)
{
	uint64_t i, from = k->n > WINDOW ? k->n - WINDOW : 0;
	int rc = 0;

	for (i = 0; i < k->n && i < BEST && rc == 0; i++)
		rc = add_pair(pairs, k->best[i], rank, e);
	for (i = from > BEST ? from : BEST; i < k->n && rc == 0; i++)
		rc = add_pair(pairs, k->window[i % WINDOW], rank, e);
	if (k->n < BEST)
		k->best[k->n] = rank;
	k->window[k->n % WINDOW] = rank;
	k->n++;
	return rc;
}

static int
propose(struct jsort *buckets, struct jsort *pairs, struct jerr *e)
{
	unsigned char before[8] = { 0 };
	struct bucket k = { .n = 0 };
	const void *p;
	size_t n;
	int rc;

	while ((rc = jsort_next(buckets, &p, &n, e)) > 0) {
		if (memcmp(before, p, 8) != 0)
			k.n = 0;
		memcpy(before, p, 8);
		rc = meet(&k, dedup_get64((const unsigned char *)p + 8), pairs, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

struct pairs_block {
	uint64_t a[PAIRS], b[PAIRS];
	double similarity[PAIRS];
	size_t n;
};

struct bench {
	uint64_t *a, *b;
	size_t a_cap, b_cap;
};

struct verify {
	struct dedup *d;
	struct jsort *pairs;
	unsigned char before[16];
	bool any;
	struct bench *bench;
};

static int
verify_read(void *arg, void **block, struct jerr *e)
{
	struct verify *v = arg;
	struct pairs_block *k = jmem_alloc(1, sizeof(*k));
	const void *p;
	size_t n;
	int rc = 0;

	k->n = 0;
	while (k->n < PAIRS && (rc = jsort_next(v->pairs, &p, &n, e)) > 0) {
		if (v->any && memcmp(v->before, p, 16) == 0)
			continue;
		v->any = true;
		memcpy(v->before, p, 16);
		k->a[k->n] = dedup_get64(p);
		k->b[k->n++] = dedup_get64((const unsigned char *)p + 8);
	}
	if (rc < 0 || k->n == 0) {
		jmem_free(k);
		return rc < 0 ? rc : 0;
	}
	*block = k;
	return 1;
}

static int
load_set(const struct dedup *d, const struct dedup_doc *doc, uint64_t **v, size_t *cap,
	struct jerr *e)
{
	JMEM_GROW(*v, *cap, doc->set_n);
	return scratch_read(&d->sets, doc->set_at, *v, (size_t)doc->set_n * sizeof(**v), e);
}

static int
verify_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct verify *v = arg;
	struct bench *w = &v->bench[worker];
	struct pairs_block *k = block;
	struct dedup_doc a = { .set_n = 0 }, b;
	size_t i;
	int rc;

	for (i = 0; i < k->n; i++) {
		k->similarity[i] = 0;
		if (i == 0 || k->a[i] != k->a[i - 1]) {
			rc = dedup_get(v->d, k->a[i], &a, e);
			if (rc == 0)
				rc = load_set(v->d, &a, &w->a, &w->a_cap, e);
			if (rc < 0)
				return rc;
		}
		rc = dedup_get(v->d, k->b[i], &b, e);
		if (rc < 0)
			return rc;
		/* The similarity is at most the smaller set over the larger one. */
		if ((a.set_n < b.set_n ? a.set_n : b.set_n) <
		    v->d->opts->threshold * (a.set_n < b.set_n ? b.set_n : a.set_n))
			continue;
		rc = load_set(v->d, &b, &w->b, &w->b_cap, e);
		if (rc < 0)
			return rc;
		k->similarity[i] = jshingles_jaccard(w->a, a.set_n, w->b, b.set_n);
	}
	return 0;
}

/*
 * Pairs come sorted by their better half, so whether a stays is known when its first pair comes:
 * all pairs in which it is the worse half came before.
 */
static int
verify_write(void *arg, void *block, struct jerr *e)
{
	struct verify *v = arg;
	struct pairs_block *k = block;
	struct dedup_doc doc;
	size_t i;
	int rc = 0;

	for (i = 0; i < k->n && rc == 0; i++) {
		if (k->similarity[i] < v->d->opts->threshold || dedup_is_gone(v->d, k->a[i]) ||
		    dedup_is_gone(v->d, k->b[i]))
			continue;
		rc = dedup_get(v->d, k->b[i], &doc, e);
		if (rc < 0)
			break;
		doc.twin = k->a[i];
		doc.similarity = k->similarity[i];
		rc = dedup_put(v->d, k->b[i], &doc, e);
		dedup_set_gone(v->d, k->b[i]);
		v->d->near++;
	}
	jmem_free(k);
	return rc;
}

static void
verify_drop(void *arg, void *block)
{
	jmem_free(block);
}

static int
verify_all(struct dedup *d, struct jsort *pairs, struct jerr *e)
{
	struct verify v = { .d = d, .pairs = pairs };
	const struct jpar_pipe p = { verify_read, verify_work, verify_write, verify_drop, &v };
	int workers = (int)jcli_common(d->cli)->jobs, i, rc;

	v.bench = jmem_zalloc((size_t)workers, sizeof(*v.bench));
	rc = jpar_pipe_run(&p, workers, e);
	for (i = 0; i < workers; i++) {
		jmem_free(v.bench[i].a);
		jmem_free(v.bench[i].b);
	}
	jmem_free(v.bench);
	return rc;
}

int
dedup_pairs(struct dedup *d, struct jerr *e)
{
	struct jsort *buckets = NULL, *pairs = NULL;
	int rc;

	rc = jsort_open(&buckets, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = jsort_open(&pairs, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = add_bands(d, buckets, e);
	if (rc == 0)
		rc = jsort_finish(buckets, e);
	if (rc == 0)
		rc = propose(buckets, pairs, e);
	jsort_close(buckets);
	if (rc == 0)
		rc = jsort_finish(pairs, e);
	if (rc == 0)
		rc = verify_all(d, pairs, e);
	jsort_close(pairs);
	return rc;
}
