/* dedupsign.c - the first pass: what is compared of every record, to a file of signatures. */
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "dedupfiles.h"
#include "dedupunits.h"
#include "recordtext.h"
#include "text/junicode.h"

/* Unsigned order of the result = order of the doubles. */
static uint64_t
ordered_bits(double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

/* Smaller is better.  For --keep first the merge puts the ordinal here. */
static uint64_t
rank_key(const struct dedup *d, const struct jrec *r, size_t text_n)
{
	struct jrec scores;
	double v;

	if (strcmp(d->opts->keep, "longest") == 0)
		return ~(uint64_t)text_n;
	if (strcmp(d->opts->keep, "first") == 0)
		return 0;
	if (jrec_obj(r, "scores", &scores) && jrec_num(&scores, d->opts->keep + 6, &v))
		return ~ordered_bits(v);
	return UINT64_MAX;
}

struct sign_text {			/* a record as it is signed */
	const struct jrec *r;
	const char *text;
	size_t n;
	uint64_t line;
};

static void
put_head(struct dedup_pass *p, struct dedup_bench *w, const struct sign_text *t, struct jbuf *out)
{
	struct jhash128 exact = jhash128(w->flat.p, w->flat.n);
	unsigned char head[DEDUP_HEAD - 1];
	const char *id;
	size_t id_n;

	id = record_id(t->r, t->text, t->n, &id_n);
	dedup_put64(head, t->line);
	dedup_put64(head + 8, rank_key(p->d, t->r, t->n));
	dedup_put64(head + 16, exact.hi);
	dedup_put64(head + 24, exact.lo);
	dedup_put64(head + 32, jhash64(t->r->line, t->r->line_n, 0));
	jle_put32(head + 40, (uint32_t)w->shingles.n);
	jle_put32(head + 44, (uint32_t)id_n);
	jbuf_add(out, head, sizeof(head));
	jbuf_add(out, id, id_n);
}

static void
put_bands(const struct dedup *d, const struct jshingles *s, struct jbuf *out)
{
	uint32_t sig[JMINHASH_MAX];
	uint64_t band[JMINHASH_MAX];

	if (s->n == 0)
		return;
	jminhash_sign(&d->hash, s->v, s->n, sig);
	jminhash_bands(&d->hash, sig, band);
	jbuf_add(out, band, (size_t)d->hash.bands * sizeof(*band));
}

static void
put_places(const struct dedup *d, struct dedup_bench *w, const struct sign_text *t,
	struct jbuf *out)
{
	size_t least = (size_t)d->opts->min_bytes, k = least / 2, i, at;
	unsigned char place[DEDUP_PLACE];

	jwinnow_pick(&w->places, t->text, t->n, k, least - k + 1);
	if (w->places.n == 0)
		return;
	at = dedup_rec_begin(out, 'A');
	for (i = 0; i < w->places.n; i++) {
		jle_put64(place, w->places.v[i].hash);
		jle_put32(place + 8, (uint32_t)w->places.v[i].at);
		jbuf_add(out, place, sizeof(place));
	}
	dedup_rec_end(out, at);
}

static int
put_doc(struct dedup_pass *p, struct dedup_bench *w, const struct sign_text *t, struct jbuf *out,
	struct jerr *e)
{
	const struct dedup *d = p->d;
	bool cut = d->by != DEDUP_DOCUMENT && jrec_find(t->r, "text");
	size_t at;
	int rc = 0;

	w->shingles.n = 0;
	jbuf_reset(&w->flat);
	if (d->by == DEDUP_DOCUMENT) {
		rc = jtext_flatten(t->text, t->n, &w->flat, e);
		if (rc == 0)
			rc = jshingles_list(&w->shingles, t->text, t->n, (int)d->opts->shingle, e);
	}
	if (rc < 0)
		return rc;
	at = dedup_rec_begin(out, 'D');
	put_head(p, w, t, out);
	put_bands(d, &w->shingles, out);
	dedup_rec_end(out, at);
	if (cut && d->by == DEDUP_SUBSTRING)
		put_places(d, w, t, out);
	else if (cut)
		rc = dedup_put_units(d, w, t->text, t->n, out, e);
	return rc;
}

static int
sign_line(struct dedup_pass *p, struct dedup_bench *w, struct block *b, size_t i, struct jerr *e)
{
	struct jerr why = { 0 };
	struct sign_text t;
	unsigned char line[8];
	const char *rule;
	struct jrec r;
	size_t at;

	if (!dedup_parse(b, i, &w->arena, &r, &rule, &why)) {
		at = dedup_rec_begin(&b->out, 'B');
		dedup_put64(line, b->first + i);
		jbuf_add(&b->out, line, 8);
		dedup_rec_end(&b->out, at);
		return 0;
	}
	t.r = &r;
	t.line = b->first + i;
	record_text(&r, &t.text, &t.n);
	if (t.n > UINT32_MAX)
		return jerr_set(e, JERR_LIMIT, "a text of %zu bytes: expected less than 4 GiB", t.n);
	return put_doc(p, w, &t, &b->out, e);
}

static int
sign_record(struct dedup_pass *p, const unsigned char *rec, size_t n, struct jerr *e)
{
	return jdupfile_add(p->arg, rec, n, e);
}

int
dedup_sign(struct dedup *d, struct jerr *e)
{
	struct dedup_pass p = { .d = d, .line = sign_line, .record = sign_record,
		.unit = "records read" };
	unsigned char end[17] = { 'E' };
	struct dedup_out out;
	int rc;

	rc = dedup_out_open(d, &out, "sign", d->shard, e);
	p.arg = &out.file;
	if (rc == 0)
		rc = dedup_pass_run(&p, e);
	jle_put64(end + 1, p.lines);
	jle_put64(end + 9, p.digest);
	if (rc == 0)
		rc = jdupfile_add(&out.file, end, sizeof(end), e);
	if (rc == 0 && d->opts->work)
		jcli_counts(d->cli)->in = p.lines;
	return dedup_out_close(&out, rc, e);
}
