/* deduprank.c - who would survive whom, and documents with the same flattened text. */
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"

/*
 * A document to be ranked: 0 if it is of the index, else 1; key, id, 0, hash of the text, hash of the
 * line; all that in order.  Then ordinal, shingles and length of the id, which decide nothing
 * unless everything before is equal.
 */
enum { TAIL = 16 + 8 + 8 + 4 + 4 };

static int
add_rank(struct dedup_scan *s, struct jsort *ranks, struct jbuf *rec, struct jerr *e)
{
	const struct dedup_head *h = &s->head;
	unsigned char u[TAIL];

	jbuf_reset(rec);
	jbuf_addc(rec, s->part > 0);
	dedup_put64(u, strcmp(s->d->opts->keep, "first") == 0 ? s->ordinal : h->key);
	jbuf_add(rec, u, 8);
	jbuf_add(rec, h->id, h->id_n);
	jbuf_addc(rec, 0);
	memcpy(u, h->text_hash, 16);
	dedup_put64(u + 16, h->line_hash);
	dedup_put64(u + 24, s->ordinal);
	jle_put32(u + 32, h->set_n);
	jle_put32(u + 36, h->id_n);
	jbuf_add(rec, u, TAIL);
	return jsort_add(ranks, rec->p, rec->n, e);
}

/* All documents to ranks. */
static int
scan_docs(struct dedup *d, struct jsort *ranks, struct jerr *e)
{
	struct dedup_scan s;
	struct jbuf rec;
	int rc;

	jbuf_init(&rec);
	dedup_scan_begin(&s, d);
	while ((rc = dedup_scan_next(&s, e)) > 0) {
		if (s.p[0] == 'U' || s.p[0] == 'A')
			d->items += (s.n - 1) / (s.p[0] == 'U' ? DEDUP_UNIT : DEDUP_PLACE);
		if (s.p[0] != 'D')
			continue;
		d->n++;
		d->items += s.head.bands_n / 8;
		rc = add_rank(&s, ranks, &rec, e);
		if (rc < 0)
			break;
	}
	d->ordinals = s.base;
	dedup_scan_end(&s);
	jbuf_release(&rec);
	return rc;
}

/* Documents in the order of their ranks to d->docs; (ordinal, rank) to places. */
static int
write_docs(struct dedup *d, struct jsort *ranks, struct jsort *places, struct jerr *e)
{
	struct dedup_doc doc = { .twin = DEDUP_KEPT };
	unsigned char pair[16];
	const void *p;
	uint64_t rank = 0;
	size_t n;
	int rc;

	while ((rc = jsort_next(ranks, &p, &n, e)) > 0) {
		const unsigned char *tail = (const unsigned char *)p + n - TAIL;

		doc.ordinal = dedup_get64(tail + 24);
		doc.set_n = jle_u32(tail + 32);
		doc.id_n = jle_u32(tail + 36);
		doc.id_at = d->ids.n;
		rc = scratch_add(&d->docs, &doc, sizeof(doc), e);
		if (rc == 0)
			rc = scratch_add(&d->ids, (const unsigned char *)p + 9, doc.id_n, e);
		dedup_put64(pair, doc.ordinal);
		dedup_put64(pair + 8, rank++);
		if (rc == 0)
			rc = jsort_add(places, pair, sizeof(pair), e);
		if (rc < 0)
			return rc;
	}
	if (rc == 0)
		rc = scratch_flush(&d->docs, e);
	return rc < 0 ? rc : scratch_flush(&d->ids, e);
}

/* The rank of each ordinal, DEDUP_KEPT where a line is no document. */
static int
write_places(struct dedup *d, struct jsort *places, struct jerr *e)
{
	const uint64_t none = DEDUP_KEPT;
	uint64_t at = 0, ordinal, rank;
	const void *p;
	size_t n;
	int rc;

	while ((rc = jsort_next(places, &p, &n, e)) > 0) {
		ordinal = dedup_get64(p);
		rank = dedup_get64((const unsigned char *)p + 8);
		for (rc = 0; at < ordinal && rc == 0; at++)
			rc = scratch_add(&d->rank_of, &none, sizeof(none), e);
		if (rc == 0)
			rc = scratch_add(&d->rank_of, &rank, sizeof(rank), e);
		if (rc < 0)
			return rc;
		at++;
	}
	for (; rc == 0 && at < d->ordinals; at++)
		rc = scratch_add(&d->rank_of, &none, sizeof(none), e);
	return rc < 0 ? rc : scratch_flush(&d->rank_of, e);
}

static int
rank_all(struct dedup *d, struct jsort *ranks, struct jsort *places, struct jerr *e)
{
	int rc = scan_docs(d, ranks, e);

	if (rc == 0)
		rc = jsort_finish(ranks, e);
	if (rc == 0)
		rc = scratch_open(&d->docs, e);
	if (rc == 0)
		rc = scratch_open(&d->ids, e);
	if (rc == 0)
		rc = write_docs(d, ranks, places, e);
	if (rc == 0)
		rc = jsort_finish(places, e);
	if (rc == 0)
		rc = scratch_open(&d->rank_of, e);
	if (rc == 0)
		rc = write_places(d, places, e);
	if (rc == 0)
		rc = dedup_bits(&d->gone, d->n, e);
	return rc < 0 ? rc : dedup_bits(&d->wanted, d->ordinals, e);
}

int
dedup_rank(struct dedup *d, struct jerr *e)
{
	struct jsort *ranks = NULL, *places = NULL;
	int rc;

	d->part = jmem_zalloc((size_t)d->shards + 1, sizeof(*d->part));
	rc = jsort_open(&ranks, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = jsort_open(&places, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = rank_all(d, ranks, places, e);
	jsort_close(ranks);
	jsort_close(places);
	return rc;
}

/* (hash of the text, rank) of every document. */
static int
add_texts(struct dedup *d, struct jsort *same, struct jerr *e)
{
	unsigned char rec[24];
	struct dedup_scan s;
	int rc;

	dedup_scan_begin(&s, d);
	while ((rc = dedup_scan_next(&s, e)) > 0) {
		if (s.p[0] != 'D')
			continue;
		memcpy(rec, s.head.text_hash, 16);
		dedup_put64(rec + 16, s.rank);
		rc = jsort_add(same, rec, sizeof(rec), e);
		if (rc < 0)
			break;
	}
	dedup_scan_end(&s);
	return rc < 0 ? rc : jsort_finish(same, e);
}

static int
remove_equal(struct dedup *d, struct jsort *same, struct jerr *e)
{
	unsigned char before[16];
	struct dedup_doc doc;
	uint64_t best = DEDUP_KEPT, rank;
	const void *p;
	size_t n;
	int rc;

	while ((rc = jsort_next(same, &p, &n, e)) > 0) {
		rank = dedup_get64((const unsigned char *)p + 16);
		if (best == DEDUP_KEPT || memcmp(before, p, 16) != 0) {
			memcpy(before, p, 16);
			best = rank;
			continue;
		}
		rc = dedup_get(d, rank, &doc, e);
		if (rc < 0)
			return rc;
		doc.twin = best;
		doc.similarity = 1;
		doc.exact = 1;
		rc = dedup_put(d, rank, &doc, e);
		if (rc < 0)
			return rc;
		dedup_set_bit(d->gone, rank);
		d->exact++;
	}
	return rc;
}

int
dedup_exact(struct dedup *d, struct jerr *e)
{
	struct jsort *same;
	int rc = jsort_open(&same, d->sort_memory, NULL, e);

	if (rc < 0)
		return rc;
	rc = add_texts(d, same, e);
	if (rc == 0)
		rc = remove_equal(d, same, e);
	jsort_close(same);
	return rc;
}
