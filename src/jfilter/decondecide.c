/* decondecide.c - what of the hits is contamination, and the plan of what becomes of each record. */
#include <stdlib.h>
#include <string.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "decon.h"
#include "deconhits.h"
#include "dedupfiles.h"

struct span {
	uint32_t at, end;
	uint32_t item;
};

struct decide {
	struct decon *x;
	unsigned char *common;		/* by word of an item */
	size_t common_cap;
	struct span *span;		/* of one record */
	size_t spans, span_cap;
	double score;			/* the best */
	uint32_t item;
	struct jbuf rec;
	struct dedup_out out;
};

/* Marks the words of the item that too many documents of the source have. */
static const unsigned char *
mark_common(struct decide *k, uint64_t source, uint32_t item)
{
	const struct decon_count *c = decon_find_count(k->x, source, item);
	double docs = (double)decon_docs(k->x, source);
	size_t n = jevals_words(k->x->sets.evals, item), i;

	JMEM_GROW(k->common, k->common_cap, n);
	for (i = 0; i < n; i++)
		k->common[i] = c && c->word[i] >= DECON_LEAST_COMMON &&
			c->word[i] > k->x->common * docs;
	return k->common;
}

static void
take_hits(struct decide *k, struct decon_found *f)
{
	struct decon *x = k->x;
	double score;
	size_t at = 0;

	k->spans = 0;
	k->score = -1;
	while (decon_next_hit(f, &at)) {
		const struct jevals_hit *h = &f->hit;

		if (!jevals_judge(x->sets.evals, h, mark_common(k, f->source, h->item), &x->limits,
		    &score)) {
			x->boilerplate++;
			continue;
		}
		x->found[h->item]++;
		JMEM_GROW(k->span, k->span_cap, k->spans + 1);
		k->span[k->spans++] = (struct span){ (uint32_t)h->at, (uint32_t)h->end, h->item };
		if (score > k->score) {
			k->score = score;
			k->item = h->item;
		}
	}
}

static int
by_place(const void *x, const void *y)
{
	const struct span *a = x, *b = y;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return a->item < b->item ? -1 : a->item > b->item;
}

static void
put32(struct jbuf *b, uint32_t v)
{
	unsigned char u[4];

	jle_put32(u, v);
	jbuf_add(b, u, 4);
}

/* The spans, those that overlap as one under the name of the first. */
static void
put_cuts(struct decide *k)
{
	const char *name;
	size_t i, j, count_at = k->rec.n;
	uint32_t end, n = 0;

	qsort(k->span, k->spans, sizeof(*k->span), by_place);
	put32(&k->rec, 0);
	for (i = 0; i < k->spans; i = j) {
		end = k->span[i].end;
		for (j = i + 1; j < k->spans && k->span[j].at < end; j++)
			end = k->span[j].end > end ? k->span[j].end : end;
		name = jevals_name(k->x->sets.evals, k->span[i].item);
		put32(&k->rec, k->span[i].at);
		put32(&k->rec, end - k->span[i].at);
		put32(&k->rec, (uint32_t)strlen(name));
		jbuf_adds(&k->rec, name);
		n++;
	}
	jle_put32(k->rec.p + count_at, n);
}

static void
put_removed(struct decide *k)
{
	unsigned char u[8];
	uint64_t bits;

	memcpy(&bits, &k->score, sizeof(bits));
	jle_put64(u, bits);
	jbuf_addc(&k->rec, 0);
	jbuf_add(&k->rec, u, 8);
	jbuf_adds(&k->rec, jevals_name(k->x->sets.evals, k->item));
}

static int
put_step(struct decide *k, struct decon_found *f, struct jerr *e)
{
	bool cut = strcmp(k->x->opts->action, "cut") == 0;
	unsigned char u[8];

	k->spans = 0;
	if (f->what == 'H')
		take_hits(k, f);
	if (f->what == 'H' && k->spans == 0)
		return 0;
	jbuf_reset(&k->rec);
	dedup_put64(u, f->line);
	jbuf_add(&k->rec, u, 8);
	jbuf_addc(&k->rec, f->what == 'B' ? 'B' : cut ? 'C' : 'R');
	if (f->what == 'H') {
		k->x->flagged++;
		if (cut)
			put_cuts(k);
		else
			put_removed(k);
	}
	return jdupfile_add(&k->out.file, k->rec.p, k->rec.n, e);
}

static int
put_end(struct decide *k, struct jerr *e)
{
	unsigned char u[8];

	jbuf_reset(&k->rec);
	dedup_put64(u, k->x->lines);
	jbuf_add(&k->rec, u, 8);
	jbuf_addc(&k->rec, 'E');
	jle_put64(u, k->x->digest);
	jbuf_add(&k->rec, u, 8);
	return jdupfile_add(&k->out.file, k->rec.p, k->rec.n, e);
}

static int
all_steps(struct decide *k, struct jerr *e)
{
	struct decon_found f = { .run = NULL };
	const struct scratch *s = &k->x->hits;
	unsigned char u[4], *p = NULL;
	uint64_t at;
	size_t cap = 0, n = 0;
	int rc = 0;

	for (at = 0; at < s->n && rc == 0; at += 4 + n) {
		struct jevals_run *run = f.run;
		size_t run_cap = f.run_cap;

		rc = scratch_read(s, at, u, 4, e);
		n = jle_u32(u);
		JMEM_GROW(p, cap, n);
		if (rc == 0)
			rc = scratch_read(s, at + 4, p, n, e);
		if (rc < 0)
			break;
		decon_read_found(&f, p, n);
		f.run = run;
		f.run_cap = run_cap;
		rc = put_step(k, &f, e);
	}
	jmem_free(f.run);
	jmem_free(p);
	return rc < 0 ? rc : put_end(k, e);
}

int
decon_decide(struct decon *x, struct jerr *e)
{
	struct decide k = { .x = x };
	int rc = dedup_out_open(&x->d, &k.out, "plan", 1, e);

	x->found = jmem_zalloc(jevals_size(x->sets.evals) + 1, sizeof(*x->found));
	jbuf_init(&k.rec);
	if (rc == 0)
		rc = all_steps(&k, e);
	rc = dedup_out_close(&k.out, rc, e);
	jbuf_release(&k.rec);
	jmem_free(k.common);
	jmem_free(k.span);
	return rc;
}
