/* dedupclusters.c - who went for whom, for people and for those who want to choose again. */
#include <string.h>

#include "dedup.h"

/* (survivor, rank) of all that goes. */
static int
collect(struct dedup *d, struct jsort *clusters, struct jerr *e)
{
	unsigned char rec[16];
	struct dedup_doc doc;
	double similarity = 0;
	uint64_t rank, twin = 0;
	bool exact = false;
	int rc = 0;

	for (rank = 0; rank < d->n && rc == 0; rank++) {
		if (!dedup_bit(d->gone, rank))
			continue;
		rc = dedup_get(d, rank, &doc, e);
		if (rc == 0)
			rc = dedup_find_twin(d, &doc, &twin, &similarity, &exact, e);
		dedup_put64(rec, twin);
		dedup_put64(rec + 8, rank);
		if (rc == 0)
			rc = jsort_add(clusters, rec, sizeof(rec), e);
	}
	return rc < 0 ? rc : jsort_finish(clusters, e);
}

static int
put_member(struct dedup *d, uint64_t rank, struct jbuf *id, struct jbuf *members, struct jerr *e)
{
	struct dedup_doc doc;
	double similarity = 0;
	uint64_t twin = 0;
	bool exact = false;
	int rc = dedup_get(d, rank, &doc, e);

	if (rc == 0)
		rc = dedup_find_twin(d, &doc, &twin, &similarity, &exact, e);
	if (rc == 0)
		rc = dedup_read_id(d, rank, id, e);
	if (rc < 0)
		return rc;
	jbuf_adds(members, members->n > 1 ? "," : "");
	jrec_begin(members);
	jrec_put_str(members, "id", id->p, id->n);
	jrec_put_num(members, "similarity", similarity);
	jrec_put_bool(members, "exact", exact);
	jrec_end(members);
	jbuf_trim(members);
	return 0;
}

/* Writes {"survivor", "size", "members"} once the survivor changes. */
static int
put_cluster(struct dedup *d, struct jout *out, uint64_t survivor, uint64_t size,
	struct jbuf *members, struct jerr *e)
{
	struct jbuf line, id;
	int rc;

	jbuf_init(&line);
	jbuf_init(&id);
	rc = dedup_read_id(d, survivor, &id, e);
	if (rc == 0) {
		jbuf_addc(members, ']');
		jrec_begin(&line);
		jrec_put_str(&line, "survivor", id.p, id.n);
		jrec_put_int(&line, "size", (int64_t)size);
		jrec_put_raw(&line, "members", members->p, members->n);
		jrec_end(&line);
		rc = jout_write(out, line.p, line.n, e);
	}
	jbuf_reset(members);
	jbuf_addc(members, '[');
	jbuf_release(&line);
	jbuf_release(&id);
	return rc < 0 ? rc : 0;
}

static int
write_clusters(struct dedup *d, struct jsort *clusters, struct jout *out, struct jerr *e)
{
	uint64_t survivor = DEDUP_KEPT, size = 1, twin;
	struct jbuf members, id;
	const void *p;
	size_t n;
	int rc;

	jbuf_init(&members);
	jbuf_init(&id);
	jbuf_addc(&members, '[');
	while ((rc = jsort_next(clusters, &p, &n, e)) > 0) {
		twin = dedup_get64(p);
		if (twin != survivor && survivor != DEDUP_KEPT) {
			rc = put_cluster(d, out, survivor, size, &members, e);
			if (rc < 0)
				break;
			size = 1;
		}
		survivor = twin;
		size++;
		rc = put_member(d, dedup_get64((const unsigned char *)p + 8), &id, &members, e);
		if (rc < 0)
			break;
	}
	if (rc == 0 && survivor != DEDUP_KEPT)
		rc = put_cluster(d, out, survivor, size, &members, e);
	jbuf_release(&members);
	jbuf_release(&id);
	return rc;
}

int
dedup_clusters(struct dedup *d, struct jerr *e)
{
	struct jsort *clusters;
	struct jout *out = NULL;
	int rc = jsort_open(&clusters, d->sort_memory, NULL, e);

	if (rc < 0)
		return rc;
	rc = collect(d, clusters, e);
	if (rc == 0)
		rc = jout_open(&out, d->opts->clusters, e);
	if (rc == 0)
		rc = write_clusters(d, clusters, out, e);
	if (rc == 0)
		rc = jout_commit(out, e);
	else
		jout_abort(out);
	jsort_close(clusters);
	return rc;
}
