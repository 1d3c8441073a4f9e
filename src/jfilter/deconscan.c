/*
 * deconscan.c - what is found in each record, to x->hits, and how often by source.
 *
 * Records of the pass: B as for dedup; H u64 line, u64 source, u32 hits, and of each u32 item, u32
 * offset, u32 end, u32 answer, u32 runs, runs of (u32, u32); T text of a host.
 */
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "base/jmem.h"
#include "decon.h"
#include "deconhits.h"
#include "dedupfiles.h"
#include "recordtext.h"

static void
put32(struct jbuf *b, size_t v)
{
	unsigned char u[4];

	jle_put32(u, (uint32_t)v);
	jbuf_add(b, u, 4);
}

static void
put64(struct jbuf *b, uint64_t v)
{
	unsigned char u[8];

	jle_put64(u, v);
	jbuf_add(b, u, 8);
}

/* Where a record comes from: its parent, else its address up to the host, package or folder. */
static uint64_t
source_of(const struct jrec *r)
{
	struct jrec source;
	const char *s, *p;
	size_t n;

	if (!jrec_obj(r, "source", &source))
		return 0;
	if (jrec_str(&source, "parent", &s, &n))
		return jhash64(s, n, 0);
	if (!jrec_str(&source, "uri", &s, &n))
		return 0;
	p = strstr(s, "://");
	p = strchr(p ? p + 3 : s, '/');
	return jhash64(s, p ? (size_t)(p - s) : n, 0);
}

static void
put_hit(struct jbuf *out, const struct jevals_hit *h)
{
	size_t i;

	put32(out, h->item);
	put32(out, h->at);
	put32(out, h->end);
	put32(out, h->answer);
	put32(out, h->runs);
	for (i = 0; i < h->runs; i++) {
		put32(out, h->run[i].at);
		put32(out, h->run[i].n);
	}
}

static int
put_bad(struct block *b, size_t i)
{
	size_t at = dedup_rec_begin(&b->out, 'B');

	put64(&b->out, b->first + i);
	dedup_rec_end(&b->out, at);
	return 0;
}

static int
scan_line(struct dedup_pass *p, struct dedup_bench *w, struct block *b, size_t i, struct jerr *e)
{
	const struct decon *x = p->arg;
	const struct jevals_hit *hit;
	struct jerr why = { 0 };
	const char *text, *rule;
	size_t n, hits, k, at, count_at, found = 0;
	struct jrec r;
	double score;

	if (!dedup_parse(b, i, &w->arena, &r, &rule, &why))
		return put_bad(b, i);
	record_text(&r, &text, &n);
	if (n > UINT32_MAX)
		return jerr_set(e, JERR_LIMIT, "a text of %zu bytes: expected less than 4 GiB", n);
	if (!w->evals)
		w->evals = jevals_scan_new();
	hits = jevals_scan(x->sets.evals, w->evals, text, n, &hit);
	at = dedup_rec_begin(&b->out, 'H');
	put64(&b->out, b->first + i);
	put64(&b->out, source_of(&r));
	count_at = b->out.n;
	put32(&b->out, 0);
	for (k = 0; k < hits; k++)
		if (jevals_judge(x->sets.evals, &hit[k], NULL, &x->limits, &score)) {
			put_hit(&b->out, &hit[k]);
			found++;
		}
	jle_put32(b->out.p + count_at, (uint32_t)found);
	dedup_rec_end(&b->out, at);
	if (b->first + i < DECON_HOSTS) {
		at = dedup_rec_begin(&b->out, 'T');
		jbuf_add(&b->out, text, n);
		dedup_rec_end(&b->out, at);
	}
	return 0;
}

/* The slot of the source, or where it belongs. */
static struct decon_source *
source_slot(const struct decon *x, uint64_t source)
{
	size_t i = (size_t)(source * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (x->source_cap - 1);

	while (x->source[i].docs && x->source[i].source != source)
		i = (i + 1) & (x->source_cap - 1);
	return &x->source[i];
}

static void
count_source(struct decon *x, uint64_t source)
{
	struct decon_source *old = x->source, *s;
	size_t had = x->source_cap, i;

	if ((x->sources + 1) * 2 > x->source_cap) {
		x->source_cap = had ? had * 2 : 64;
		x->source = jmem_zalloc(x->source_cap, sizeof(*x->source));
		for (i = 0; i < had; i++)
			if (old[i].docs)
				*source_slot(x, old[i].source) = old[i];
		jmem_free(old);
	}
	s = source_slot(x, source);
	x->sources += s->docs == 0;
	s->source = source;
	s->docs++;
}

uint64_t
decon_docs(const struct decon *x, uint64_t source)
{
	return source_slot(x, source)->docs;
}

static struct decon_count *
count_slot(const struct decon *x, uint64_t source, uint32_t item)
{
	size_t i = (size_t)((source ^ item) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (x->count_cap - 1);

	while (x->count[i].word && (x->count[i].source != source || x->count[i].item != item))
		i = (i + 1) & (x->count_cap - 1);
	return &x->count[i];
}

const struct decon_count *
decon_find_count(const struct decon *x, uint64_t source, uint32_t item)
{
	const struct decon_count *c = x->count_cap ? count_slot(x, source, item) : NULL;

	return c && c->word ? c : NULL;
}

static void
grow_counts(struct decon *x)
{
	struct decon_count *old = x->count;
	size_t had = x->count_cap, i;

	x->count_cap = had ? had * 2 : 1024;
	x->count = jmem_zalloc(x->count_cap, sizeof(*x->count));
	for (i = 0; i < had; i++)
		if (old[i].word)
			*count_slot(x, old[i].source, old[i].item) = old[i];
	jmem_free(old);
}

/* Every word of the hit was in one more document of the source. */
static void
count_hit(struct decon *x, uint64_t source, uint64_t line, const struct jevals_hit *h)
{
	struct decon_count *c;
	size_t i;
	uint32_t k;

	if ((x->counts + 1) * 2 > x->count_cap)
		grow_counts(x);
	c = count_slot(x, source, h->item);
	if (!c->word) {
		c->source = source;
		c->item = h->item;
		c->word = jarena_alloc(&x->arena, jevals_words(x->sets.evals, h->item), sizeof(*c->word));
		x->counts++;
	} else if (c->line == line) {
		return;
	}
	c->line = line;
	for (i = 0; i < h->runs; i++)
		for (k = 0; k < h->run[i].n; k++)
			c->word[h->run[i].at + k]++;
}

static int
scan_record(struct dedup_pass *p, const unsigned char *rec, size_t n, struct jerr *e)
{
	struct decon *x = p->arg;
	struct decon_found f;
	unsigned char len[4];
	size_t at = 0;
	int rc;

	if (rec[0] == 'T') {
		x->host[x->hosts++] = jmem_strndup((const char *)rec + 1, n - 1);
		return 0;
	}
	if (rec[0] == 'H') {
		decon_read_found(&f, rec, n);
		x->docs++;
		count_source(x, f.source);
		if (f.hits == 0)
			return 0;
		while (decon_next_hit(&f, &at))
			count_hit(x, f.source, f.line, &f.hit);
		jmem_free(f.run);
	}
	jle_put32(len, (uint32_t)n);
	rc = scratch_add(&x->hits, len, 4, e);
	return rc < 0 ? rc : scratch_add(&x->hits, rec, n, e);
}

int
decon_scan(struct decon *x, struct jerr *e)
{
	struct dedup_pass p = { .d = &x->d, .line = scan_line, .record = scan_record, .arg = x,
		.unit = "records read", .kept = x->kept };
	int rc = scratch_open(&x->hits, e);

	if (rc == 0)
		rc = dedup_pass_run(&p, e);
	x->lines = p.lines;
	x->digest = p.digest;
	return rc < 0 ? rc : scratch_flush(&x->hits, e);
}

void
decon_read_found(struct decon_found *f, const unsigned char *rec, size_t n)
{
	memset(f, 0, sizeof(*f));
	f->what = rec[0];
	f->line = jle_u64(rec + 1);
	f->p = rec;
	f->n = n;
	if (f->what == 'H') {
		f->source = jle_u64(rec + 9);
		f->hits = jle_u32(rec + 17);
	}
}

bool
decon_next_hit(struct decon_found *f, size_t *at)
{
	const unsigned char *p;
	size_t i, runs;

	if (*at == 0)
		*at = 21;
	if (*at >= f->n)
		return false;
	p = f->p + *at;
	runs = jle_u32(p + 16);
	JMEM_GROW(f->run, f->run_cap, runs + 1);
	for (i = 0; i < runs; i++)
		f->run[i] = (struct jevals_run){ jle_u32(p + 20 + 8 * i), jle_u32(p + 24 + 8 * i) };
	f->hit = (struct jevals_hit){ .item = jle_u32(p), .at = jle_u32(p + 4), .end = jle_u32(p + 8),
		.answer = jle_u32(p + 12) != 0, .run = f->run, .runs = runs };
	*at += 20 + 8 * runs;
	return true;
}
