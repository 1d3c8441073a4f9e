/*
 * dedupspans.c - equal stretches of at least --min-bytes bytes, wherever they lie.
 *
 * A stretch of N bytes goes when an equal one lies in a better document, or further ahead in its own
 * without overlapping it.  Copies of N bytes have a winnowed place of N/2 bytes in common
 * (jwinnow.h).  Up to 32 documents with equal places meet in pairs: their texts are compared byte by
 * byte from there to both sides.  Where more share a place, each stretch of N bytes around it is
 * hashed to 128 bits and the hashes are sorted, so that boilerplate costs time linear in its copies.
 * The cut is the union of what was found.
 */
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"
#include "deduppairs.h"
#include "dedupplan.h"
#include "recordtext.h"

enum { MEET = 16 };

static int
each_place(struct dedup *d, int (*fn)(void *arg, uint64_t hash, const struct bucket_member *m,
	struct jerr *e), void *arg, struct jerr *e)
{
	struct bucket_member m;
	struct dedup_scan s;
	size_t i;
	int rc;

	dedup_scan_begin(&s, d);
	while ((rc = dedup_scan_next(&s, e)) > 0) {
		if (s.p[0] != 'A')
			continue;
		m.rank = s.rank;
		for (i = 1, rc = 0; i + DEDUP_PLACE <= s.n && rc == 0; i += DEDUP_PLACE) {
			m.at = jle_u32(s.p + i + 8);
			rc = fn(arg, jle_u64(s.p + i), &m, e);
		}
		if (rc < 0)
			break;
	}
	dedup_scan_end(&s);
	return rc;
}

static int
see_place(void *arg, uint64_t hash, const struct bucket_member *m, struct jerr *e)
{
	dedup_seen_add(arg, hash);
	return 0;
}

struct spans {
	struct dedup *d;
	struct jsort *pairs, *dense;	/* who meets; (rank, place) of those that are too many */
	struct scratch pair_list, dense_list;	/* the same, in order */
};

struct places {
	struct dedup_seen seen;
	struct jsort *sort;
};

static int
add_place(void *arg, uint64_t hash, const struct bucket_member *m, struct jerr *e)
{
	struct places *k = arg;
	unsigned char rec[24];

	if (!dedup_seen_twice(&k->seen, hash))
		return 0;
	dedup_put64(rec, hash);
	dedup_put64(rec + 8, m->rank);
	dedup_put64(rec + 16, m->at);
	return jsort_add(k->sort, rec, sizeof(rec), e);
}

/* (rank, better rank, shift of the places, place): along one diagonal places follow each other. */
static int
add_pair(void *arg, const struct bucket_member *a, const struct bucket_member *b, struct jerr *e)
{
	unsigned char rec[32];

	dedup_put64(rec, b->rank);
	dedup_put64(rec + 8, a->rank);
	dedup_put64(rec + 16, ((uint64_t)1 << 32) + b->at - a->at);
	dedup_put64(rec + 24, b->at);
	return jsort_add(arg, rec, sizeof(rec), e);
}

static int
add_dense(struct jsort *dense, const struct bucket_member *m, struct jerr *e)
{
	unsigned char rec[16];

	dedup_put64(rec, m->rank);
	dedup_put64(rec + 8, m->at);
	return jsort_add(dense, rec, sizeof(rec), e);
}

/* Pairs m with those before it, or, once they are too many, sends all of them to dense. */
static int
meet(struct spans *x, struct bucket *k, const struct bucket_member *m, struct jerr *e)
{
	int rc = 0, i;

	if (k->n < 2 * MEET)
		return bucket_meet(k, m, add_pair, x->pairs, e);
	for (i = 0; i < MEET && k->n == 2 * MEET && rc == 0; i++) {
		rc = add_dense(x->dense, &k->best[i], e);
		if (rc == 0)
			rc = add_dense(x->dense, &k->window[i], e);
	}
	k->n++;
	return rc < 0 ? rc : add_dense(x->dense, m, e);
}

static int
propose(struct spans *x, struct jsort *places, struct jerr *e)
{
	struct bucket k = { .width = MEET };
	unsigned char before[8] = { 0 };
	const unsigned char *p;
	struct bucket_member m;
	const void *rec;
	size_t n;
	int rc;

	while ((rc = jsort_next(places, &rec, &n, e)) > 0) {
		p = rec;
		if (memcmp(before, p, 8) != 0)
			k.n = 0;
		memcpy(before, p, 8);
		m.rank = dedup_get64(p + 8);
		m.at = (uint32_t)dedup_get64(p + 16);
		rc = meet(x, &k, &m, e);
		if (rc < 0)
			return rc;
	}
	if (rc == 0)
		rc = jsort_finish(x->pairs, e);
	return rc < 0 ? rc : jsort_finish(x->dense, e);
}

/* What is sorted goes to list, in order; the documents of its first `ranks` numbers are wanted. */
static int
choose(struct dedup *d, struct jsort *sort, int ranks, struct scratch *list, struct jerr *e)
{
	uint64_t last[2] = { DEDUP_KEPT, DEDUP_KEPT }, rank;
	struct dedup_doc doc;
	const void *p;
	size_t n;
	int rc, i;

	while ((rc = jsort_next(sort, &p, &n, e)) > 0) {
		rc = scratch_add(list, p, n, e);
		for (i = 0; i < ranks && rc == 0; i++) {
			rank = dedup_get64((const unsigned char *)p + 8 * i);
			if (rank == last[i])
				continue;
			last[i] = rank;
			rc = dedup_get(d, rank, &doc, e);
			if (rc == 0)
				dedup_set_bit(d->wanted, doc.ordinal);
		}
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : scratch_flush(list, e);
}

static int
text_line(struct dedup_pass *p, struct dedup_bench *w, struct block *b, size_t i, struct jerr *e)
{
	uint64_t ordinal = b->first + i;
	const char *text, *rule;
	unsigned char u[8];
	struct jrec r;
	size_t n, at;

	if (!dedup_bit(p->d->wanted, ordinal) || !dedup_parse(b, i, &w->arena, &r, &rule, NULL))
		return 0;
	record_text(&r, &text, &n);
	at = dedup_rec_begin(&b->out, 'T');
	jle_put64(u, ordinal);
	jbuf_add(&b->out, u, 8);
	jle_put32(u, (uint32_t)n);
	jbuf_add(&b->out, u, 4);
	jbuf_add(&b->out, text, n);
	dedup_rec_end(&b->out, at);
	return 0;
}

static int
text_record(struct dedup_pass *p, const unsigned char *rec, size_t n, struct jerr *e)
{
	return dedup_store_wanted(p->d, jle_u64(rec + 1), rec + 9, n - 9, e);
}

static int
read_texts(struct dedup *d, struct jerr *e)
{
	struct dedup_pass p = { .d = d, .line = text_line, .record = text_record,
		.unit = "candidates read", .check = 1 };
	int rc = scratch_open(&d->sets, e);

	if (rc == 0)
		rc = dedup_pass_run(&p, e);
	return rc < 0 ? rc : scratch_flush(&d->sets, e);
}

struct text {
	uint64_t rank, ordinal;
	char *p;
	size_t n, cap;
};

static int
load_text(const struct dedup *d, uint64_t rank, struct text *t, struct jerr *e)
{
	unsigned char u[4];
	struct dedup_doc doc;
	int rc;

	if (t->p && t->rank == rank)
		return 0;
	rc = dedup_get(d, rank, &doc, e);
	if (rc == 0)
		rc = scratch_read(&d->sets, doc.set_at, u, 4, e);
	if (rc < 0)
		return rc;
	t->n = jle_u32(u);
	JMEM_GROW(t->p, t->cap, t->n + 1);
	t->rank = rank;
	t->ordinal = doc.ordinal;
	return scratch_read(&d->sets, doc.set_at + 4, t->p, t->n, e);
}

struct extend {
	struct dedup *d;
	struct text a, b;		/* the better, and the one that is cut */
	uint64_t pair[3];		/* ranks and shift of the diagonal */
	size_t done;			/* of b on this diagonal, compared */
};

/*
 * The stretch around place y of b (place x of a) in which both are equal.  In one document the copy
 * must not overlap what it is a copy of: it starts at least N behind.
 */
static int
cut_around(struct extend *x, size_t y, struct jerr *e)
{
	const struct text *a = &x->a, *b = &x->b;
	size_t least = (size_t)x->d->opts->min_bytes, i = y - (size_t)(x->pair[2] - ((uint64_t)1 << 32));
	size_t at = y, end = y, before = i;
	struct dedup_cut c = { .twin = NULL };

	if (i > a->n || y > b->n)
		return dedup_changed(e);
	while (at > 0 && before > 0 && a->p[before - 1] == b->p[at - 1])
		at--, before--;
	while (end < b->n && i < a->n && a->p[i] == b->p[end])
		end++, i++;
	x->done = end;
	if (end - at < least || (a->rank == b->rank && at - before < least))
		return 0;
	c.at = (uint32_t)at;
	c.n = (uint32_t)(end - at);
	return dedup_add_cut(x->d, b->ordinal, &c, a->rank, e);
}

static int
take_pair(struct extend *x, const unsigned char *p, struct jerr *e)
{
	uint64_t pair[3] = { dedup_get64(p), dedup_get64(p + 8), dedup_get64(p + 16) };
	size_t y = (size_t)dedup_get64(p + 24);
	int rc;

	if (memcmp(pair, x->pair, sizeof(pair)) == 0 && y < x->done)
		return 0;
	memcpy(x->pair, pair, sizeof(pair));
	rc = load_text(x->d, pair[0], &x->b, e);
	if (rc == 0)
		rc = load_text(x->d, pair[1], &x->a, e);
	return rc < 0 ? rc : cut_around(x, y, e);
}

static int
extend_all(struct dedup *d, const struct scratch *list, struct jerr *e)
{
	struct extend x = { .d = d, .pair = { DEDUP_KEPT } };
	unsigned char buf[32 * 1024];
	uint64_t at, left;
	size_t i, n;
	int rc = 0;

	for (at = 0; at < list->n && rc == 0; at += n) {
		left = list->n - at;
		n = left < sizeof(buf) ? (size_t)left : sizeof(buf);
		rc = scratch_read(list, at, buf, n, e);
		for (i = 0; i < n && rc == 0; i += 32)
			rc = take_pair(&x, buf + i, e);
	}
	jmem_free(x.a.p);
	jmem_free(x.b.p);
	return rc;
}

/* The stretches of N bytes that hold the place at y, from `from` on, with (rank, offset) behind. */
static int
add_stretches(struct dedup *d, const struct text *t, size_t y, size_t *from, struct jsort *sort,
	struct jerr *e)
{
	size_t least = (size_t)d->opts->min_bytes, back = least - least / 2, at;
	unsigned char rec[32];
	struct jhash128 h;
	int rc = 0;

	at = y > back ? y - back : 0;
	for (at = at > *from ? at : *from; at <= y && at + least <= t->n && rc == 0; at++) {
		h = jhash128(t->p + at, least);
		dedup_put64(rec, h.hi);
		dedup_put64(rec + 8, h.lo);
		dedup_put64(rec + 16, t->rank);
		dedup_put64(rec + 24, at);
		rc = jsort_add(sort, rec, sizeof(rec), e);
	}
	*from = at > *from ? at : *from;
	return rc;
}

static int
hash_dense(struct dedup *d, const struct scratch *list, struct jsort *sort, struct jerr *e)
{
	struct text t = { .p = NULL };
	unsigned char place[16];
	uint64_t at, rank;
	size_t from = 0;
	int rc = 0;

	for (at = 0; at < list->n && rc == 0; at += sizeof(place)) {
		rc = scratch_read(list, at, place, sizeof(place), e);
		rank = dedup_get64(place);
		if (!t.p || t.rank != rank)
			from = 0;
		if (rc == 0)
			rc = load_text(d, rank, &t, e);
		if (rc == 0)
			rc = add_stretches(d, &t, (size_t)dedup_get64(place + 8), &from, sort, e);
	}
	jmem_free(t.p);
	return rc < 0 ? rc : jsort_finish(sort, e);
}

/* Of equal stretches the best stays. */
static int
cut_dense(struct dedup *d, struct jsort *sort, struct jerr *e)
{
	struct dedup_cut c = { .n = (uint32_t)d->opts->min_bytes };
	unsigned char best[16];
	uint64_t twin = DEDUP_KEPT, twin_at = 0, rank, at;
	struct dedup_doc doc;
	const unsigned char *p;
	const void *rec;
	size_t n;
	int rc;

	while ((rc = jsort_next(sort, &rec, &n, e)) > 0) {
		p = rec;
		rank = dedup_get64(p + 16);
		at = dedup_get64(p + 24);
		if (twin == DEDUP_KEPT || memcmp(best, p, 16) != 0) {
			memcpy(best, p, 16);
			twin = rank;
			twin_at = at;
			continue;
		}
		if (rank == twin && at < twin_at + c.n)
			continue;
		c.at = (uint32_t)at;
		rc = dedup_get(d, rank, &doc, e);
		if (rc == 0)
			rc = dedup_add_cut(d, doc.ordinal, &c, twin, e);
		if (rc < 0)
			break;
	}
	return rc;
}

static int
take_dense(struct dedup *d, const struct scratch *list, struct jerr *e)
{
	struct jsort *sort;
	int rc;

	if (list->n == 0)
		return 0;
	rc = jsort_open(&sort, d->sort_memory, NULL, e);
	if (rc < 0)
		return rc;
	rc = hash_dense(d, list, sort, e);
	if (rc == 0)
		rc = cut_dense(d, sort, e);
	jsort_close(sort);
	return rc;
}

static int
fill_places(struct dedup *d, struct jsort *sort, struct jerr *e)
{
	struct places k = { .sort = sort };
	int rc = dedup_seen_init(&k.seen, d, e);

	if (rc == 0)
		rc = each_place(d, see_place, &k.seen, e);
	if (rc == 0)
		rc = each_place(d, add_place, &k, e);
	dedup_seen_release(&k.seen);
	return rc < 0 ? rc : jsort_finish(sort, e);
}

static int
candidates(struct spans *x, struct jerr *e)
{
	struct jsort *places = NULL;
	struct dedup *d = x->d;
	int rc = jsort_open(&places, d->sort_memory, NULL, e);

	if (rc == 0)
		rc = fill_places(d, places, e);
	if (rc == 0)
		rc = jsort_open(&x->pairs, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = jsort_open(&x->dense, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = propose(x, places, e);
	jsort_close(places);
	if (rc == 0)
		rc = choose(d, x->pairs, 2, &x->pair_list, e);
	if (rc == 0)
		rc = choose(d, x->dense, 1, &x->dense_list, e);
	jsort_close(x->pairs);
	jsort_close(x->dense);
	return rc;
}

int
dedup_spans(struct dedup *d, struct jerr *e)
{
	struct spans x = { .d = d };
	int rc = scratch_open(&x.pair_list, e);

	if (rc == 0)
		rc = scratch_open(&x.dense_list, e);
	if (rc == 0)
		rc = candidates(&x, e);
	if (rc == 0 && x.pair_list.n + x.dense_list.n > 0)
		rc = read_texts(d, e);
	if (rc == 0)
		rc = extend_all(d, &x.pair_list, e);
	if (rc == 0)
		rc = take_dense(d, &x.dense_list, e);
	scratch_close(&x.pair_list);
	scratch_close(&x.dense_list);
	return rc;
}
