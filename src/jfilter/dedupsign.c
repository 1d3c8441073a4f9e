/* dedupsign.c - the first pass: every document's text hash, shingle set, bands and rank key. */
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "dedup.h"
#include "par/jpar.h"
#include "recordtext.h"
#include "text/junicode.h"

/*
 * Workers put each document into block.out: 8 bytes rank key, 16 text hash, 8 line hash, 4 length of
 * the id, 4 shingles, the id, the bands (none without shingles), the shingles.
 */
enum { HEAD = 8 + 16 + 8 + 4 + 4 };

struct bench {
	struct jarena arena;
	struct jshingles shingles;
	struct jbuf flat;
	uint64_t sig[JMINHASH_MAX];
};

struct sign {
	struct dedup *d;
	struct bench *bench;
	uint64_t ordinal;
};

/* Unsigned order of the result = order of the doubles. */
static uint64_t
ordered_bits(double v)
{
	uint64_t u;

	memcpy(&u, &v, sizeof(u));
	return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

/* Smaller is better. */
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

static void
put_doc(const struct dedup *d, struct bench *w, const struct jrec *r, const char *text, size_t n,
	struct jbuf *out)
{
	struct jhash128 exact = jhash128(w->flat.p, w->flat.n);
	struct jshingles *s = &w->shingles;
	uint64_t band[JMINHASH_MAX];
	unsigned char head[HEAD];
	const char *id;
	size_t id_n;

	id = record_id(r, text, n, &id_n);
	dedup_put64(head, rank_key(d, r, n));
	dedup_put64(head + 8, exact.hi);
	dedup_put64(head + 16, exact.lo);
	dedup_put64(head + 24, jhash64(r->line, r->line_n, 0));
	jle_put32(head + 32, (uint32_t)id_n);
	jle_put32(head + 36, (uint32_t)s->n);
	jbuf_add(out, head, sizeof(head));
	jbuf_add(out, id, id_n);
	if (s->n == 0)
		return;
	jminhash_sign(&d->hash, s->v, s->n, w->sig);
	jminhash_bands(&d->hash, w->sig, band);
	jbuf_add(out, band, (size_t)d->hash.bands * sizeof(*band));
	jbuf_add(out, s->v, s->n * sizeof(*s->v));
}

static int
work_line(struct sign *g, struct bench *w, struct block *b, size_t i, struct jerr *e)
{
	struct jerr why = { 0 };
	const char *text, *rule;
	struct jrec r;
	size_t n;
	int rc;

	jarena_reset(&w->arena);
	if (!dedup_parse(b, i, &w->arena, &r, &rule, &why))
		return 0;
	record_text(&r, &text, &n);
	jbuf_reset(&w->flat);
	rc = jtext_flatten(text, n, &w->flat, e);
	if (rc == 0)
		rc = jshingles_read(&w->shingles, text, n, (int)g->d->opts->shingle, e);
	if (rc == 0)
		put_doc(g->d, w, &r, text, n, &b->out);
	return rc;
}

static int
pipe_work(void *arg, void *block, int worker, struct jerr *e)
{
	struct sign *g = arg;
	struct block *b = block;
	size_t i;
	int rc = 0;

	for (i = 0; i < b->n && rc == 0; i++)
		rc = work_line(g, &g->bench[worker], b, i, e);
	return rc;
}

static int
pipe_read(void *arg, void **block, struct jerr *e)
{
	struct sign *g = arg;
	struct block *b = NULL;
	int rc = lines_read(&g->d->lines, &b, e);

	*block = b;
	return rc;
}

/* Key, id, 0, text hash, line hash, ordinal, and where the parts are. */
static int
add_rank(struct sign *g, const unsigned char *head, const unsigned char *id,
	const struct dedup_doc *doc, struct jerr *e)
{
	size_t id_n = doc->id_n, n = 8 + id_n + 1 + 24 + sizeof(*doc);
	unsigned char *rec = jmem_alloc(n, 1), *p = rec;
	int rc;

	memcpy(p, head, 8);
	if (strcmp(g->d->opts->keep, "first") == 0)
		dedup_put64(p, doc->ordinal);
	memcpy(p += 8, id, id_n);
	*(p += id_n) = 0;
	memcpy(p += 1, head + 8, 24);
	memcpy(p += 24, doc, sizeof(*doc));
	rc = jsort_add(g->d->ranks, rec, n, e);
	jmem_free(rec);
	return rc;
}

static int
store(struct sign *g, const unsigned char *p, size_t *used, struct jerr *e)
{
	struct dedup *d = g->d;
	const unsigned char *id = p + HEAD, *bands;
	struct dedup_doc doc = { .ordinal = g->ordinal, .twin = DEDUP_KEPT,
		.id_n = jle_u32(p + 32), .set_n = jle_u32(p + 36), .set_at = d->sets.n,
		.id_at = d->ids.n, .bands_at = d->bands.n };
	size_t bands_n = doc.set_n ? (size_t)d->hash.bands * 8 : 0;
	int rc;

	bands = id + doc.id_n;
	rc = scratch_add(&d->ids, id, doc.id_n, e);
	if (rc == 0)
		rc = scratch_add(&d->bands, bands, bands_n, e);
	if (rc == 0)
		rc = scratch_add(&d->sets, bands + bands_n, (size_t)doc.set_n * 8, e);
	if (rc == 0)
		rc = add_rank(g, p, id, &doc, e);
	*used = HEAD + doc.id_n + bands_n + (size_t)doc.set_n * 8;
	g->ordinal++;
	return rc;
}

static int
pipe_write(void *arg, void *block, struct jerr *e)
{
	struct sign *g = arg;
	struct block *b = block;
	size_t at = 0, used;
	int rc = 0;

	while (at < b->out.n && rc == 0) {
		rc = store(g, (const unsigned char *)b->out.p + at, &used, e);
		at += used;
	}
	jcli_progress(g->d->cli, "records read", b->first + b->n, 0, NULL);
	block_free(b);
	return rc;
}

static void
pipe_drop(void *arg, void *block)
{
	block_free(block);
}

int
dedup_sign(struct dedup *d, struct jerr *e)
{
	struct sign g = { .d = d };
	const struct jpar_pipe p = { pipe_read, pipe_work, pipe_write, pipe_drop, &g };
	int workers = (int)jcli_common(d->cli)->jobs, i, rc;

	rc = dedup_open_input(d, e);
	if (rc < 0)
		return rc;
	g.bench = jmem_zalloc((size_t)workers, sizeof(*g.bench));
	for (i = 0; i < workers; i++) {
		jarena_init(&g.bench[i].arena, 0);
		jbuf_init(&g.bench[i].flat);
	}
	rc = scratch_open(&d->sets, e);
	if (rc == 0)
		rc = scratch_open(&d->ids, e);
	if (rc == 0)
		rc = scratch_open(&d->bands, e);
	if (rc == 0)
		rc = jsort_open(&d->ranks, d->sort_memory, NULL, e);
	if (rc == 0)
		rc = jpar_pipe_run(&p, workers, e);
	rc = lines_close(&d->lines, rc, e);
	for (i = 0; i < workers; i++) {
		jarena_release(&g.bench[i].arena);
		jshingles_release(&g.bench[i].shingles);
		jbuf_release(&g.bench[i].flat);
	}
	jmem_free(g.bench);
	d->n = g.ordinal;
	if (rc == 0)
		rc = scratch_flush(&d->sets, e);
	if (rc == 0)
		rc = scratch_flush(&d->ids, e);
	return rc < 0 ? rc : scratch_flush(&d->bands, e);
}
