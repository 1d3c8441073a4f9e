/* deduppairs.c - candidate pairs from shared bands, their true similarity, and who goes. */
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"
#include "deduppairs.h"
#include "par/jpar.h"
#include "recordtext.h"

enum { BEST = 64, PAIRS = 2048 };

/* Calls fn for every band of every document that is still there. */
static int
each_band(struct dedup *d, int (*fn)(void *arg, uint64_t band, uint64_t rank, struct jerr *e),
	void *arg, struct jerr *e)
{
	struct dedup_scan s;
	size_t i;
	int rc;

	dedup_scan_begin(&s, d);
	while ((rc = dedup_scan_next(&s, e)) > 0) {
		if (s.p[0] != 'D' || dedup_bit(d->gone, s.rank))
			continue;
		for (i = 0, rc = 0; i < s.head.bands_n && rc == 0; i += 8)
			rc = fn(arg, jle_u64(s.head.bands + i), s.rank, e);
		if (rc < 0)
			break;
	}
	dedup_scan_end(&s);
	return rc;
}

static int
see_band(void *arg, uint64_t band, uint64_t rank, struct jerr *e)
{
	dedup_seen_add(arg, band);
	return 0;
}

struct buckets {
	struct dedup_seen seen;
	struct jsort *sort;
};

static int
add_band(void *arg, uint64_t band, uint64_t rank, struct jerr *e)
{
	struct buckets *k = arg;
	unsigned char rec[16];

	if (!dedup_seen_twice(&k->seen, band))
		return 0;
	dedup_put64(rec, band);
	dedup_put64(rec + 8, rank);
	return jsort_add(k->sort, rec, sizeof(rec), e);
}

static int
fill_buckets(struct dedup *d, struct jsort *sort, struct jerr *e)
{
	struct buckets k = { .sort = sort };
	int rc = dedup_seen_init(&k.seen, d, e);

	if (rc == 0)
		rc = each_band(d, see_band, &k.seen, e);
	if (rc == 0)
		rc = each_band(d, add_band, &k, e);
	dedup_seen_release(&k.seen);
	return rc < 0 ? rc : jsort_finish(sort, e);
}

static int
add_pair(void *arg, const struct bucket_member *a, const struct bucket_member *b, struct jerr *e)
{
	unsigned char rec[16];

	dedup_put64(rec, a->rank);
	dedup_put64(rec + 8, b->rank);
	return jsort_add(arg, rec, sizeof(rec), e);
}

int
bucket_meet(struct bucket *k, const struct bucket_member *m, int (*pair)(void *arg,
	const struct bucket_member *a, const struct bucket_member *b, struct jerr *e), void *arg,
	struct jerr *e)
{
	uint64_t best = k->width, i, from = k->n > best ? k->n - best : 0;
	int rc = 0;

	for (i = 0; i < k->n && i < best && rc == 0; i++)
		rc = pair(arg, &k->best[i], m, e);
	for (i = from > best ? from : best; i < k->n && rc == 0; i++)
		rc = pair(arg, &k->window[i % best], m, e);
	if (k->n < best)
		k->best[k->n] = *m;
	k->window[k->n % best] = *m;
	k->n++;
	return rc;
}

static int
propose(struct jsort *buckets, struct jsort *pairs, struct jerr *e)
{
	unsigned char before[8] = { 0 };
	struct bucket k = { .width = BEST };
	struct bucket_member m = { .at = 0 };
	const void *p;
	size_t n;
	int rc;

	while ((rc = jsort_next(buckets, &p, &n, e)) > 0) {
		if (memcmp(before, p, 8) != 0)
			k.n = 0;
		memcpy(before, p, 8);
		m.rank = dedup_get64((const unsigned char *)p + 8);
		rc = bucket_meet(&k, &m, add_pair, pairs, e);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : jsort_finish(pairs, e);
}

/* The similarity is at most the smaller set over the larger one. */
static bool
can_be_similar(const struct dedup *d, const struct dedup_doc *a, const struct dedup_doc *b)
{
	uint32_t least = a->set_n < b->set_n ? a->set_n : b->set_n;
	uint32_t most = a->set_n < b->set_n ? b->set_n : a->set_n;

	return least >= d->opts->threshold * most;
}

static int
want(struct dedup *d, uint64_t rank, struct jerr *e)
{
	struct dedup_doc doc;
	int rc = dedup_get(d, rank, &doc, e);

	if (rc == 0)
		dedup_set_bit(d->wanted, doc.ordinal);
	return rc;
}

/* Each pair once to list; both of its documents are wanted. */
static int
choose_pairs(struct dedup *d, struct jsort *pairs, struct scratch *list, struct jerr *e)
{
	uint64_t last[2] = { DEDUP_KEPT, DEDUP_KEPT }, pair[2];
	uint64_t index = d->part[0].lines;
	const void *p;
	size_t n;
	int rc;

	while ((rc = jsort_next(pairs, &p, &n, e)) > 0) {
		pair[0] = dedup_get64(p);
		pair[1] = dedup_get64((const unsigned char *)p + 8);
		/* The ranks of the index come first; its documents are settled. */
		if (memcmp(pair, last, sizeof(pair)) == 0 || pair[1] < index)
			continue;
		rc = pair[0] == last[0] ? 0 : want(d, pair[0], e);
		memcpy(last, pair, sizeof(pair));
		if (rc == 0)
			rc = want(d, pair[1], e);
		if (rc == 0)
			rc = scratch_add(list, pair, sizeof(pair), e);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : scratch_flush(list, e);
}

static int
set_line(struct dedup_pass *p, struct dedup_bench *w, struct block *b, size_t i, struct jerr *e)
{
	const struct dedup *d = p->d;
	uint64_t ordinal = d->part[0].lines + b->first + i;
	unsigned char u[8];
	const char *text, *rule;
	struct jrec r;
	size_t n, at;
	int rc;

	if (!dedup_bit(d->wanted, ordinal) || !dedup_parse(b, i, &w->arena, &r, &rule, NULL))
		return 0;
	record_text(&r, &text, &n);
	rc = jshingles_read(&w->shingles, text, n, (int)d->opts->shingle, e);
	if (rc < 0)
		return rc;
	at = dedup_rec_begin(&b->out, 'S');
	jle_put64(u, ordinal);
	jbuf_add(&b->out, u, 8);
	jbuf_add(&b->out, w->shingles.v, w->shingles.n * sizeof(*w->shingles.v));
	dedup_rec_end(&b->out, at);
	return 0;
}

int
dedup_store_wanted(struct dedup *d, uint64_t ordinal, const void *p, size_t n, struct jerr *e)
{
	struct dedup_doc doc;
	uint64_t rank;
	int rc = scratch_read(&d->rank_of, ordinal * 8, &rank, 8, e);

	if (rc < 0)
		return rc;
	if (rank >= d->n)
		return dedup_changed(e);
	rc = dedup_get(d, rank, &doc, e);
	doc.set_at = d->sets.n;
	if (d->by == DEDUP_DOCUMENT)
		doc.set_n = (uint32_t)(n / 8);
	if (rc == 0)
		rc = dedup_put(d, rank, &doc, e);
	return rc < 0 ? rc : scratch_add(&d->sets, p, n, e);
}

static int
set_record(struct dedup_pass *p, const unsigned char *rec, size_t n, struct jerr *e)
{
	return dedup_store_wanted(p->d, jle_u64(rec + 1), rec + 9, n - 9, e);
}

/* The sets that the index holds itself. */
static int
sets_of_index(struct dedup *d, struct jerr *e)
{
	struct dedup_scan s;
	int rc;

	dedup_scan_begin(&s, d);
	while ((rc = dedup_scan_next(&s, e)) > 0 && s.part == 0) {
		if (s.p[0] != 'S' || !dedup_bit(d->wanted, s.ordinal))
			continue;
		rc = dedup_store_wanted(d, s.ordinal, s.p + 1, s.n - 1, e);
		if (rc < 0)
			break;
	}
	dedup_scan_end(&s);
	return rc < 0 ? rc : 0;
}

static int
read_sets(struct dedup *d, struct jerr *e)
{
	struct dedup_pass p = { .d = d, .line = set_line, .record = set_record,
		.unit = "candidates read", .check = 1 };
	int rc = scratch_open(&d->sets, e);

	if (rc == 0 && d->part[0].lines > 0)
		rc = sets_of_index(d, e);
	if (rc == 0)
		rc = dedup_pass_run(&p, e);
	return rc < 0 ? rc : scratch_flush(&d->sets, e);
}

struct pairs_block {
	uint64_t pair[PAIRS][2];
	double similarity[PAIRS];
	size_t n;
};

struct bench {
	uint64_t *a, *b;
	size_t a_cap, b_cap;
};

struct verify {
	struct dedup *d;
	const struct scratch *list;
	uint64_t at;			/* in list */
	struct bench *bench;
};

static int
verify_read(void *arg, void **block, struct jerr *e)
{
	struct verify *v = arg;
	struct pairs_block *k;
	uint64_t left = v->list->n - v->at;
	int rc;

	if (left == 0)
		return 0;
	k = jmem_alloc(1, sizeof(*k));
	k->n = left < sizeof(k->pair) ? (size_t)left / sizeof(k->pair[0]) : PAIRS;
	rc = scratch_read(v->list, v->at, k->pair, k->n * sizeof(k->pair[0]), e);
	v->at += k->n * sizeof(k->pair[0]);
	if (rc < 0)
		jmem_free(k);
	else
		*block = k;
	return rc < 0 ? rc : 1;
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
		if (i == 0 || k->pair[i][0] != k->pair[i - 1][0]) {
			rc = dedup_get(v->d, k->pair[i][0], &a, e);
			if (rc == 0)
				rc = load_set(v->d, &a, &w->a, &w->a_cap, e);
			if (rc < 0)
				return rc;
		}
		k->similarity[i] = 0;
		rc = dedup_get(v->d, k->pair[i][1], &b, e);
		if (rc == 0 && !can_be_similar(v->d, &a, &b))
			continue;
		if (rc == 0)
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
	unsigned char *gone = v->d->gone;
	struct dedup_doc doc;
	size_t i;
	int rc = 0;

	for (i = 0; i < k->n && rc == 0; i++) {
		if (k->similarity[i] < v->d->opts->threshold || dedup_bit(gone, k->pair[i][0]) ||
		    dedup_bit(gone, k->pair[i][1]))
			continue;
		rc = dedup_get(v->d, k->pair[i][1], &doc, e);
		if (rc < 0)
			break;
		doc.twin = k->pair[i][0];
		doc.similarity = k->similarity[i];
		rc = dedup_put(v->d, k->pair[i][1], &doc, e);
		dedup_set_bit(gone, k->pair[i][1]);
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
verify_all(struct dedup *d, const struct scratch *list, struct jerr *e)
{
	struct verify v = { .d = d, .list = list };
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

static int
candidates(struct dedup *d, struct scratch *list, struct jerr *e)
{
	struct jsort *buckets = NULL, *pairs = NULL;
	int rc;

	rc = jsort_open(&buckets, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = fill_buckets(d, buckets, e);
	if (rc == 0)
		rc = jsort_open(&pairs, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = propose(buckets, pairs, e);
	jsort_close(buckets);
	if (rc == 0)
		rc = choose_pairs(d, pairs, list, e);
	jsort_close(pairs);
	return rc;
}

int
dedup_pairs(struct dedup *d, struct jerr *e)
{
	bool all = d->opts->index && d->opts->add;
	struct scratch list;
	uint64_t i;
	int rc = scratch_open(&list, e);

	if (rc < 0)
		return rc;
	rc = candidates(d, &list, e);
	/* The index takes the sets of all that stays. */
	for (i = d->part[0].lines; all && i < d->ordinals; i++)
		dedup_set_bit(d->wanted, i);
	if (rc == 0 && (list.n > 0 || all))
		rc = read_sets(d, e);
	if (rc == 0)
		rc = verify_all(d, &list, e);
	scratch_close(&list);
	return rc;
}
