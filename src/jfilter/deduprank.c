/* deduprank.c - who would survive whom, and documents with the same flattened text. */
#include <string.h>

#include "base/jmem.h"
#include "dedup.h"

/* Documents in the order of their ranks to d->docs; (text hash, rank) to same. */
static int
write_docs(struct dedup *d, struct jsort *same, struct jerr *e)
{
	unsigned char rec[16 + 8];
	struct dedup_doc doc;
	const void *p;
	uint64_t rank = 0;
	size_t n;
	int rc;

	while ((rc = jsort_next(d->ranks, &p, &n, e)) > 0) {
		const unsigned char *end = (const unsigned char *)p + n;

		memcpy(&doc, end - sizeof(doc), sizeof(doc));
		rc = scratch_add(&d->docs, &doc, sizeof(doc), e);
		if (rc < 0)
			return rc;
		memcpy(rec, end - sizeof(doc) - 24, 16);
		dedup_put64(rec + 16, rank++);
		rc = jsort_add(same, rec, sizeof(rec), e);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : scratch_flush(&d->docs, e);
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
		dedup_set_gone(d, rank);
		d->exact++;
	}
	return rc;
}

int
dedup_rank(struct dedup *d, struct jerr *e)
{
	struct jsort *same;
	int rc;

	d->gone = jmem_try((size_t)(d->n / 8 + 1), 1);
	if (!d->gone)
		return jerr_set(e, JERR_NOMEM, "no memory for %llu documents",
			(unsigned long long)d->n);
	memset(d->gone, 0, (size_t)(d->n / 8 + 1));
	rc = scratch_open(&d->docs, e);
	if (rc == 0)
		rc = jsort_finish(d->ranks, e);
	if (rc < 0)
		return rc;
	rc = jsort_open(&same, d->sort_memory, NULL, e);
	if (rc < 0)
		return rc;
	rc = write_docs(d, same, e);
	jsort_close(d->ranks);
	d->ranks = NULL;
	if (rc == 0)
		rc = jsort_finish(same, e);
	if (rc == 0)
		rc = remove_equal(d, same, e);
	jsort_close(same);
	return rc;
}
