/*
 * The stream order of an epoch is an array of running token counts over the shuffled documents; a
 * row is found in it by bisection.  The two epochs last used are kept, since workers at the border
 * of two epochs ask for both.
 */
#include "pack.h"

#include <pthread.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jrand.h"

struct epoch {
	uint64_t number;
	uint64_t *ends;		/* [docs] tokens up to and with the i-th shuffled document */
	int users;
	uint64_t used;		/* clock of the last use */
};

/* What a row is put together on; kept for the next row, so that a training step allocates nothing. */
struct desk {
	struct desk *next;
	struct jpack_part *v;	/* [seq + 1] each */
	uint32_t *ids;
	unsigned char *mask;
};

struct jpack {
	const struct jshard_set *s;
	enum jpack_mode mode;
	bool packed;		/* the set is: mode does not matter */
	int seq;
	uint64_t seed, rows, docs;
	struct pack_bins bins;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct epoch cache[2];
	uint64_t clock;
	struct desk *desks;	/* that nobody uses now */
};

static struct desk *
take_desk(struct jpack *p)
{
	size_t cap = (size_t)p->seq + 1;
	struct desk *d;

	pthread_mutex_lock(&p->lock);
	d = p->desks;
	if (d)
		p->desks = d->next;
	pthread_mutex_unlock(&p->lock);
	if (d)
		return d;
	d = jmem_alloc(1, sizeof(*d));
	d->v = jmem_alloc(cap, sizeof(*d->v));
	d->ids = jmem_alloc(cap, sizeof(*d->ids));
	d->mask = jmem_alloc(cap, 1);
	return d;
}

static void
put_desk(struct jpack *p, struct desk *d)
{
	pthread_mutex_lock(&p->lock);
	d->next = p->desks;
	p->desks = d;
	pthread_mutex_unlock(&p->lock);
}

static void
free_desks(struct jpack *p)
{
	struct desk *d;

	while ((d = p->desks)) {
		p->desks = d->next;
		jmem_free(d->v);
		jmem_free(d->ids);
		jmem_free(d->mask);
		jmem_free(d);
	}
}

/* How many rows an epoch has. */
static int
count_rows(struct jpack *p, struct jerr *e)
{
	const struct jshard_info *in = jshard_info(p->s);
	int rc = 0;

	p->packed = in->row_seq > 0;
	if (p->packed && in->row_seq != (uint32_t)p->seq)
		return jerr_set(e, JERR_ARG, "the token shards are packed in rows of %u tokens: rows of %d cannot be had "
			"from them", (unsigned)in->row_seq, p->seq);
	if (p->packed) {
		p->rows = in->tokens / ((uint64_t)p->seq + 1);
	} else if (p->mode == JPACK_BEST_FIT) {
		rc = pack_bins_make(&p->bins, p->s, (uint32_t)p->seq + 1, p->seed, e);
		p->rows = p->bins.rows;
	} else {
		p->rows = in->tokens < 2 ? 0 : (in->tokens - 2) / (uint64_t)p->seq + 1;
	}
	if (!rc && !p->rows)
		rc = jerr_set(e, JERR_ARG, "the token shards hold %llu tokens: nothing to predict",
			(unsigned long long)in->tokens);
	return rc;
}

int
jpack_open(struct jpack **out, const struct jshard_set *s, enum jpack_mode mode, int seq,
	uint64_t seed, struct jerr *e)
{
	struct jpack *p;
	int rc;

	if (seq < 1 || seq > 1 << 24)
		return jerr_set(e, JERR_ARG, "sequence length %d is outside 1 to %d", seq, 1 << 24);
	p = jmem_zalloc(1, sizeof(*p));
	p->s = s;
	p->mode = mode;
	p->seq = seq;
	p->seed = seed;
	p->docs = jshard_docs(s);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->freed, NULL);
	rc = count_rows(p, e);
	if (rc) {
		jpack_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

void
jpack_close(struct jpack *p)
{
	if (!p)
		return;
	jmem_free(p->cache[0].ends);
	jmem_free(p->cache[1].ends);
	free_desks(p);
	pack_bins_release(&p->bins);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->freed);
	jmem_free(p);
}

uint64_t
jpack_rows(const struct jpack *p)
{
	return p->rows;
}

static uint64_t
shuffled(const struct jpack *p, uint64_t i, uint64_t epoch)
{
	return jrand_permute(i, p->docs, p->seed, 2 * epoch);
}

static void
fill_epoch(struct jpack *p, struct epoch *ep, uint64_t number)
{
	bool had = ep->ends != NULL;
	uint64_t i, sum = 0;

	/* Both at the first use, so that a later epoch allocates nothing. */
	for (i = 0; !had && i < 2; i++) {
		p->cache[i].ends = jmem_alloc((size_t)p->docs, sizeof(*ep->ends));
		p->cache[i].number = UINT64_MAX;
	}
	for (i = 0; i < p->docs; i++) {
		uint64_t d = shuffled(p, i, number);

		sum += jshard_doc_start(p->s, d + 1) - jshard_doc_start(p->s, d);
		ep->ends[i] = sum;
	}
	ep->number = number;
}

/* The order of an epoch, pinned until put_epoch(). */
static struct epoch *
get_epoch(struct jpack *p, uint64_t number)
{
	struct epoch *ep = NULL;
	int i;

	pthread_mutex_lock(&p->lock);
	while (!ep) {
		for (i = 0; i < 2; i++)
			if (p->cache[i].ends && p->cache[i].number == number)
				ep = &p->cache[i];
		for (i = 0; !ep && i < 2; i++)
			if (!p->cache[i].users && (p->cache[!i].users || p->cache[i].used <= p->cache[!i].used)) {
				ep = &p->cache[i];
				fill_epoch(p, ep, number);
			}
		if (!ep)
			pthread_cond_wait(&p->freed, &p->lock);
	}
	ep->users++;
	ep->used = ++p->clock;
	pthread_mutex_unlock(&p->lock);
	return ep;
}

static void
put_epoch(struct jpack *p, struct epoch *ep)
{
	pthread_mutex_lock(&p->lock);
	if (!--ep->users)
		pthread_cond_broadcast(&p->freed);
	pthread_mutex_unlock(&p->lock);
}

/* The parts of row r of the stream, at most max; returns how many. */
static size_t
stream_parts(struct jpack *p, uint64_t epoch, uint64_t r, struct jpack_part *v, size_t max)
{
	struct epoch *ep = get_epoch(p, epoch);
	uint64_t at = r * (uint64_t)p->seq, left = (uint64_t)p->seq + 1;
	uint64_t lo = 0, hi = p->docs - 1;
	size_t n = 0;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (ep->ends[mid] > at)
			hi = mid;
		else
			lo = mid + 1;
	}
	for (; lo < p->docs && left && n < max; lo++) {
		uint64_t d = shuffled(p, lo, epoch);
		uint64_t start = lo ? ep->ends[lo - 1] : 0;
		uint64_t have = ep->ends[lo] - at;

		if (!have)
			continue;
		v[n].doc = d;
		v[n].from = jshard_doc_start(p->s, d) + (at - start);
		v[n].n = (size_t)(have < left ? have : left);
		left -= v[n].n;
		at += v[n].n;
		n++;
	}
	put_epoch(p, ep);
	return n;
}

static size_t
bin_parts(struct jpack *p, uint64_t r, struct jpack_part *v, size_t max)
{
	uint64_t i;
	size_t n = 0;

	for (i = p->bins.first[r]; i < p->bins.first[r + 1] && n < max; i++, n++) {
		uint64_t d = p->bins.docs[i];
		uint64_t len = jshard_doc_start(p->s, d + 1) - jshard_doc_start(p->s, d);

		v[n].doc = d;
		v[n].from = jshard_doc_start(p->s, d);
		v[n].n = (size_t)(len > (uint64_t)p->seq + 1 ? (uint64_t)p->seq + 1 : len);
	}
	return n;
}

/* The documents of row r of a packed set; the last ends before the padding. */
static size_t
written_parts(struct jpack *p, uint64_t r, struct jpack_part *v, size_t max)
{
	uint64_t at = r * ((uint64_t)p->seq + 1), end = at + jshard_row_used(p->s, r);
	uint64_t lo = 0, hi = p->docs, stop;
	size_t n;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (jshard_doc_start(p->s, mid) < at)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (n = 0; n < max && lo < p->docs && at < end; lo++, n++) {
		stop = jshard_doc_end(p->s, lo);
		v[n] = (struct jpack_part){ lo, at, (size_t)(stop - at) };
		at = stop;
	}
	return n;
}

size_t
jpack_row_parts(struct jpack *p, uint64_t i, struct jpack_part *v, size_t max)
{
	uint64_t epoch = i / p->rows;
	uint64_t r = i % p->rows;

	if (!jshard_info(p->s)->row_order)
		r = jrand_permute(r, p->rows, p->seed, 2 * epoch + 1);
	if (p->packed)
		return written_parts(p, r, v, max);
	return p->mode == JPACK_STREAM ? stream_parts(p, epoch, r, v, max) : bin_parts(p, r, v, max);
}

/* The tokens of a part as segment seg of the row, from position at on. */
struct segment {
	const uint32_t *ids;
	const unsigned char *mask;
	int n, seg, at;
};

static void
put_segment(struct jpack_row *out, int seq, const struct segment *s)
{
	int k;

	for (k = 0; k < s->n && s->at + k < seq; k++) {
		out->ids[s->at + k] = (int32_t)s->ids[k];
		out->seg[s->at + k] = s->seg;
		out->pos[s->at + k] = k;
		out->targets[s->at + k] = k + 1 < s->n && s->mask[k + 1] ? (int32_t)s->ids[k + 1] : -1;
	}
}

int
jpack_row(struct jpack *p, uint64_t i, struct jpack_row *out, struct jerr *e)
{
	size_t cap = (size_t)p->seq + 1, n, k;
	struct desk *d = take_desk(p);
	int at = 0, rc = 0;

	n = jpack_row_parts(p, i, d->v, cap);
	for (k = 0; !rc && k < n; k++) {
		rc = jshard_get(p->s, d->v[k].from, d->v[k].n, d->ids, d->mask, e);
		if (!rc)
			put_segment(out, p->seq, &(struct segment){ d->ids, d->mask, (int)d->v[k].n,
				(int)k, at });
		at += (int)d->v[k].n;
	}
	for (; !rc && at < p->seq; at++) {
		out->ids[at] = 0;
		out->targets[at] = -1;
		out->seg[at] = out->seg[at - 1];
		out->pos[at] = out->pos[at - 1] + 1;
	}
	put_desk(p, d);
	return rc;
}

size_t
jpack_row_docs(struct jpack *p, uint64_t i, uint64_t *docs, size_t max)
{
	size_t cap = (size_t)p->seq + 1, n, k;
	struct desk *d = take_desk(p);

	n = jpack_row_parts(p, i, d->v, cap);
	for (k = 0; k < n && k < max; k++)
		docs[k] = d->v[k].doc;
	put_desk(p, d);
	return n;
}
