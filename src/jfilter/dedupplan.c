/* dedupplan.c - the plan of each shard: written by the merge, read when it is applied. */
#include "dedupplan.h"

#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"

static void
put32(struct jbuf *b, uint32_t v)
{
	unsigned char u[4];

	jle_put32(u, v);
	jbuf_add(b, u, 4);
}

static void
put64(struct jbuf *b, uint64_t v)
{
	unsigned char u[8];

	jle_put64(u, v);
	jbuf_add(b, u, 8);
}

static void
begin_step(struct jbuf *b, uint64_t ordinal, int what)
{
	unsigned char u[8];

	jbuf_reset(b);
	dedup_put64(u, ordinal);
	jbuf_add(b, u, 8);
	jbuf_addc(b, what);
}

/* Lines that are no records. */
static int
add_bad(struct dedup *d, struct jbuf *rec, struct jerr *e)
{
	struct dedup_scan s;
	int rc;

	dedup_scan_begin(&s, d);
	while ((rc = dedup_scan_next(&s, e)) > 0) {
		if (s.p[0] != 'B' || s.n != 9)
			continue;
		begin_step(rec, s.base + dedup_get64(s.p + 1), 'B');
		rc = jsort_add(d->plans, rec->p, rec->n, e);
		if (rc < 0)
			break;
	}
	dedup_scan_end(&s);
	return rc;
}

static int
add_removed(struct dedup *d, struct jbuf *rec, struct jbuf *id, struct jerr *e)
{
	struct dedup_doc doc;
	double similarity = 0;
	uint64_t rank, twin = 0, bits;
	bool exact = false;
	int rc = 0;

	for (rank = 0; rank < d->n && rc == 0; rank++) {
		if (!dedup_bit(d->gone, rank))
			continue;
		rc = dedup_get(d, rank, &doc, e);
		if (rc == 0)
			rc = dedup_find_twin(d, &doc, &twin, &similarity, &exact, e);
		if (rc == 0)
			rc = dedup_read_id(d, twin, id, e);
		if (rc < 0)
			break;
		begin_step(rec, doc.ordinal, 'R');
		jbuf_addc(rec, exact);
		memcpy(&bits, &similarity, sizeof(bits));
		put64(rec, bits);
		jbuf_add(rec, id->p, id->n);
		rc = jsort_add(d->plans, rec->p, rec->n, e);
	}
	return rc;
}

int
dedup_add_cut(struct dedup *d, uint64_t ordinal, const struct dedup_cut *c, uint64_t twin,
	struct jerr *e)
{
	unsigned char rec[24];

	dedup_put64(rec, ordinal);
	dedup_put64(rec + 8, (uint64_t)c->at << 32 | c->n);
	dedup_put64(rec + 16, twin);
	return jsort_add(d->cuts, rec, sizeof(rec), e);
}

struct cuts {				/* of one document, being collected */
	uint64_t ordinal, twin;
	uint32_t at, end;		/* the cut that may still grow */
	uint32_t n;
	struct jbuf body;
};

static int
end_cut(struct dedup *d, struct cuts *c, struct jbuf *id, struct jerr *e)
{
	int rc = dedup_read_id(d, c->twin, id, e);

	if (rc < 0)
		return rc;
	put32(&c->body, c->at);
	put32(&c->body, c->end - c->at);
	put32(&c->body, (uint32_t)id->n);
	jbuf_add(&c->body, id->p, id->n);
	c->n++;
	return 0;
}

static int
end_document(struct dedup *d, struct cuts *c, struct jbuf *rec, struct jerr *e)
{
	int rc;

	begin_step(rec, c->ordinal, 'C');
	put32(rec, c->n);
	jbuf_add(rec, c->body.p, c->body.n);
	rc = jsort_add(d->plans, rec->p, rec->n, e);
	jbuf_reset(&c->body);
	c->n = 0;
	return rc;
}

/*
 * One of d->cuts, sorted: joins the open cut if they overlap, or touch and have one twin.  Substrings
 * join whenever they touch, as a character may lie across.
 */
static int
take_cut(struct dedup *d, struct cuts *c, const unsigned char *p, struct jbuf *scratch,
	struct jerr *e)
{
	uint64_t ordinal = dedup_get64(p), span = dedup_get64(p + 8), twin = dedup_get64(p + 16);
	uint32_t at = (uint32_t)(span >> 32), end = at + (uint32_t)span;
	bool open = c->ordinal != DEDUP_KEPT;
	int rc = 0;

	if (open && ordinal == c->ordinal &&
	    (at < c->end || (at == c->end && (twin == c->twin || d->by == DEDUP_SUBSTRING)))) {
		c->end = end > c->end ? end : c->end;
		return 0;
	}
	if (open)
		rc = end_cut(d, c, scratch, e);
	if (rc == 0 && open && ordinal != c->ordinal)
		rc = end_document(d, c, scratch, e);
	c->ordinal = ordinal;
	c->twin = twin;
	c->at = at;
	c->end = end;
	return rc;
}

static int
add_cuts(struct dedup *d, struct jbuf *scratch, struct jerr *e)
{
	struct cuts c = { .ordinal = DEDUP_KEPT };
	const void *p;
	size_t n;
	int rc = jsort_finish(d->cuts, e);

	jbuf_init(&c.body);
	while (rc >= 0 && (rc = jsort_next(d->cuts, &p, &n, e)) > 0)
		rc = take_cut(d, &c, p, scratch, e);
	if (rc == 0 && c.ordinal != DEDUP_KEPT) {
		rc = end_cut(d, &c, scratch, e);
		if (rc == 0)
			rc = end_document(d, &c, scratch, e);
	}
	jbuf_release(&c.body);
	return rc;
}

/* The steps of one shard, whose first ordinal is base: *more is the first step behind them. */
static int
write_part(struct dedup *d, int shard, uint64_t base, const unsigned char **more, size_t *n,
	struct jerr *e)
{
	uint64_t end = base + d->part[shard].lines, ordinal;
	struct dedup_out out;
	struct jbuf rec;
	const void *p;
	int rc = dedup_out_open(d, &out, "plan", shard, e), got = 1;

	jbuf_init(&rec);
	while (rc == 0 && *more) {
		ordinal = dedup_get64(*more);
		if (ordinal >= end)
			break;
		jbuf_reset(&rec);
		jbuf_add(&rec, *more, *n);
		dedup_put64((unsigned char *)rec.p, ordinal - base);
		rc = jdupfile_add(&out.file, rec.p, rec.n, e);
		got = rc == 0 ? jsort_next(d->plans, &p, n, e) : rc;
		*more = got > 0 ? p : NULL;
		rc = got < 0 ? got : rc;
	}
	jbuf_reset(&rec);
	begin_step(&rec, d->part[shard].lines, 'E');
	put64(&rec, d->part[shard].digest);
	if (rc == 0)
		rc = jdupfile_add(&out.file, rec.p, rec.n, e);
	jbuf_release(&rec);
	return dedup_out_close(&out, rc, e);
}

static int
write_parts(struct dedup *d, struct jerr *e)
{
	uint64_t base = d->part[0].lines;
	const unsigned char *more = NULL;
	const void *p;
	size_t n = 0;
	int rc = jsort_finish(d->plans, e), i;

	if (rc == 0)
		rc = jsort_next(d->plans, &p, &n, e);
	if (rc > 0)
		more = p;
	for (i = 1; i <= d->shards && rc >= 0; i++) {
		rc = write_part(d, i, base, &more, &n, e);
		base += d->part[i].lines;
	}
	return rc < 0 ? rc : 0;
}

int
dedup_plan(struct dedup *d, struct jerr *e)
{
	struct jbuf a, b;
	int rc;

	jbuf_init(&a);
	jbuf_init(&b);
	rc = add_bad(d, &a, e);
	if (rc == 0)
		rc = add_removed(d, &a, &b, e);
	if (rc == 0)
		rc = add_cuts(d, &a, e);
	if (rc == 0)
		rc = write_parts(d, e);
	jbuf_release(&a);
	jbuf_release(&b);
	return rc;
}

static int
bad_step(struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "a record of the plan is not what was expected");
}

int
dedup_read_step(struct dedup_step *s, const unsigned char *p, size_t n, struct jerr *e)
{
	uint64_t bits;

	memset(s, 0, sizeof(*s));
	if (n < 9)
		return bad_step(e);
	s->line = dedup_get64(p);
	s->what = p[8];
	p += 9;
	n -= 9;
	if (s->what == 'R' && n >= 9) {
		s->exact = p[0] != 0;
		bits = jle_u64(p + 1);
		memcpy(&s->similarity, &bits, sizeof(bits));
		s->twin = (const char *)p + 9;
		s->twin_n = n - 9;
	} else if (s->what == 'C' && n >= 4) {
		s->cuts = p + 4;
		s->cuts_n = n - 4;
	} else if (s->what == 'E' && n == 8) {
		s->digest = jle_u64(p);
	} else if (s->what != 'B') {
		return bad_step(e);
	}
	return 0;
}

int
dedup_next_cut(const struct dedup_step *s, size_t *at, struct dedup_cut *c, struct jerr *e)
{
	size_t left = s->cuts_n - *at;

	if (left == 0)
		return 0;
	if (left < 12 || jle_u32(s->cuts + *at + 8) > left - 12)
		return bad_step(e);
	c->at = jle_u32(s->cuts + *at);
	c->n = jle_u32(s->cuts + *at + 4);
	c->twin_n = jle_u32(s->cuts + *at + 8);
	c->twin = (const char *)s->cuts + *at + 12;
	*at += 12 + (size_t)c->twin_n;
	return 1;
}
