/* dedupwrite.c - the second pass: kept records out, removed ones to the rejects, and the clusters. */
#include <string.h>

#include "base/jmem.h"
#include "dedup.h"
#include "par/jpar.h"

struct bench {
	struct jarena arena;
};

struct second {
	struct dedup *d;
	struct bench *bench;
	struct jsort *removed;		/* (ordinal, rank) of what goes */
	uint64_t ordinal;		/* of the next well-formed record */
	uint64_t next, next_rank;	/* the next one that goes; next = UINT64_MAX: none */
	struct jarena arena;
};

static int
read_id(const struct dedup *d, uint64_t rank, struct jbuf *id, struct jerr *e)
{
	struct dedup_doc doc;
	int rc = dedup_get(d, rank, &doc, e);

	jbuf_reset(id);
	if (rc < 0)
		return rc;
	jbuf_reserve(id, doc.id_n);
	rc = scratch_read(&d->ids, doc.id_at, id->p, doc.id_n, e);
	id->n = doc.id_n;
	id->p[id->n] = 0;
	return rc;
}

/*
 * The survivor and similarity of a document that goes.  One that equals a document that itself goes
 * for a third goes for that third: their shingles are the same.
 */
static int
find_twin(const struct dedup *d, const struct dedup_doc *doc, uint64_t *twin, double *similarity,
	bool *exact, struct jerr *e)
{
	struct dedup_doc best;
	int rc;

	*twin = doc->twin;
	*similarity = doc->similarity;
	*exact = doc->exact != 0;
	if (!doc->exact)
		return 0;
	rc = dedup_get(d, doc->twin, &best, e);
	if (rc == 0 && best.twin != DEDUP_KEPT) {
		*twin = best.twin;
		*similarity = best.similarity;
		*exact = false;
	}
	return rc;
}

static int
put_removed(struct second *s, struct block *b, const struct jrec *r, struct jerr *e)
{
	struct jrec_edit ed = { .key = "drop" };
	struct dedup_doc doc;
	struct jbuf drop, id;
	const char *rule;
	double similarity = 0;
	uint64_t twin = 0;
	bool exact = false;
	int rc;

	jbuf_init(&drop);
	jbuf_init(&id);
	rc = dedup_get(s->d, s->next_rank, &doc, e);
	if (rc == 0)
		rc = find_twin(s->d, &doc, &twin, &similarity, &exact, e);
	if (rc == 0)
		rc = read_id(s->d, twin, &id, e);
	if (rc == 0) {
		rule = exact ? "duplicate" : "near_duplicate";
		jrec_begin(&drop);
		jrec_put_str(&drop, "rule", rule, strlen(rule));
		jrec_put_num(&drop, "value", similarity);
		jrec_put_num(&drop, "limit", s->d->opts->threshold);
		jrec_put_str(&drop, "twin", id.p, id.n);
		jrec_end(&drop);
		jbuf_trim(&drop);
		ed.val = drop.p;
		ed.val_n = drop.n;
		jrec_write_edits(r, &ed, 1, &b->rejects);
		block_reject(b, rule);
	}
	jbuf_release(&drop);
	jbuf_release(&id);
	return rc;
}

static int
next_removed(struct second *s, struct jerr *e)
{
	const void *p;
	size_t n;
	int rc = jsort_next(s->removed, &p, &n, e);

	s->next = UINT64_MAX;
	if (rc > 0) {
		s->next = dedup_get64(p);
		s->next_rank = dedup_get64((const unsigned char *)p + 8);
	}
	return rc < 0 ? rc : 0;
}

/* Checks the lines; which of them go is decided in reading order, by pipe_write(). */
static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct second *s = arg;
	struct bench *w = &s->bench[worker];
	struct block *b = block;
	size_t i;

	for (i = 0; i < b->n; i++) {
		struct jerr why = { 0 };
		const char *rule;
		struct jrec r;

		jarena_reset(&w->arena);
		b->v[i].bad = !dedup_parse(b, i, &w->arena, &r, &rule, &why);
		if (b->v[i].bad)
			block_malformed(b, i, rule, why.msg);
	}
	return 0;
}

static int
write_line(struct second *s, struct block *b, size_t i, struct jerr *e)
{
	const struct line *l = &b->v[i];
	struct jrec r;
	int rc;

	if (l->bad)
		return 0;
	if (s->ordinal++ != s->next) {
		b->kept++;
		jbuf_add(&b->out, b->bytes.p + l->at, l->n);
		jbuf_addc(&b->out, '\n');
		return 0;
	}
	jarena_reset(&s->arena);
	rc = jrec_parse(&r, b->bytes.p + l->at, l->n, &s->arena, e);
	if (rc == 0)
		rc = put_removed(s, b, &r, e);
	return rc < 0 ? rc : next_removed(s, e);
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct second *s = arg;
	struct block *b = block;
	size_t i;
	int rc;

	for (i = 0; i < b->n; i++) {
		rc = write_line(s, b, i, e);
		if (rc < 0) {
			block_free(b);
			return rc;
		}
	}
	return lines_write(&s->d->lines, b, e);
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct second *s = arg;
	struct block *b = NULL;
	int rc = lines_read(&s->d->lines, &b, e);

	*block = b;
	return rc;
}

static void
pipe_drop(void *arg, void *block)
{
	block_free(block);
}

/* (ordinal, rank) of what goes to removed; (survivor, rank) to clusters if wanted. */
static int
collect(struct dedup *d, struct jsort *removed, struct jsort *clusters, struct jerr *e)
{
	unsigned char rec[16];
	struct dedup_doc doc;
	double similarity = 0;
	uint64_t rank, twin = 0;
	bool exact = false;
	int rc = 0;

	for (rank = 0; rank < d->n && rc == 0; rank++) {
		if (!dedup_is_gone(d, rank))
			continue;
		rc = dedup_get(d, rank, &doc, e);
		if (rc < 0)
			break;
		dedup_put64(rec, doc.ordinal);
		dedup_put64(rec + 8, rank);
		rc = jsort_add(removed, rec, sizeof(rec), e);
		if (rc < 0 || !clusters)
			continue;
		rc = find_twin(d, &doc, &twin, &similarity, &exact, e);
		dedup_put64(rec, twin);
		if (rc == 0)
			rc = jsort_add(clusters, rec, sizeof(rec), e);
	}
	return rc;
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
		rc = find_twin(d, &doc, &twin, &similarity, &exact, e);
	if (rc == 0)
		rc = read_id(d, rank, id, e);
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
	rc = read_id(d, survivor, &id, e);
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

static int
clusters_file(struct dedup *d, struct jsort *clusters, struct jerr *e)
{
	struct jout *out;
	int rc;

	rc = jsort_finish(clusters, e);
	if (rc == 0)
		rc = jout_open(&out, d->opts->clusters, e);
	if (rc < 0)
		return rc;
	rc = write_clusters(d, clusters, out, e);
	if (rc < 0) {
		jout_abort(out);
		return rc;
	}
	return jout_commit(out, e);
}

static int
run_second(struct second *s, struct jerr *e)
{
	const struct jpar_pipe p = { pipe_read, pipe_work, pipe_write, pipe_drop, s };
	int workers = (int)jcli_common(s->d->cli)->jobs, i, rc;

	rc = jsort_finish(s->removed, e);
	if (rc == 0)
		rc = next_removed(s, e);
	if (rc == 0)
		rc = dedup_open_input(s->d, e);
	if (rc < 0)
		return rc;
	s->bench = jmem_zalloc((size_t)workers, sizeof(*s->bench));
	for (i = 0; i < workers; i++)
		jarena_init(&s->bench[i].arena, 0);
	jarena_init(&s->arena, 0);
	rc = lines_open_output(&s->d->lines, e);
	if (rc == 0)
		rc = jpar_pipe_run(&p, workers, e);
	if (rc == 0 && (s->ordinal != s->d->n || s->next != UINT64_MAX))
		rc = jerr_set(e, JERR_IO, "the input changed while it was read: %llu documents first, "
			"then %llu", (unsigned long long)s->d->n, (unsigned long long)s->ordinal);
	rc = lines_close(&s->d->lines, rc, e);
	for (i = 0; i < workers; i++)
		jarena_release(&s->bench[i].arena);
	jmem_free(s->bench);
	jarena_release(&s->arena);
	return rc;
}

int
dedup_write(struct dedup *d, struct jerr *e)
{
	struct second s = { .d = d };
	struct jsort *clusters = NULL;
	int rc;

	rc = jsort_open(&s.removed, d->sort_memory, NULL, e);
	if (rc == 0 && d->opts->clusters)
		rc = jsort_open(&clusters, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = collect(d, s.removed, clusters, e);
	if (rc == 0)
		rc = run_second(&s, e);
	if (rc == 0 && clusters)
		rc = clusters_file(d, clusters, e);
	jsort_close(s.removed);
	jsort_close(clusters);
	return rc;
}
