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

struct jpack {
	const struct jshard_set *s;
	enum jpack_mode mode;
	int seq;
	uint64_t seed, rows, docs, tokens;
	struct pack_bins bins;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct epoch cache[2];
	uint64_t clock;
};

/* A piece of one document that lies in a row. */
struct part {
	uint64_t doc, from;	/* global token index */
	size_t n;
};

int
jpack_open(struct jpack **out, const struct jshard_set *s, enum jpack_mode mode, int seq,
	uint64_t seed, struct jerr *e)
{
	uint64_t tokens = jshard_info(s)->tokens;
	struct jpack *p;
	int rc = 0;

	if (seq < 1 || seq > 1 << 24)
		return jerr_set(e, JERR_ARG, "sequence length %d is outside 1 to %d", seq, 1 << 24);
	p = jmem_zalloc(1, sizeof(*p));
	p->s = s;
	p->mode = mode;
	p->seq = seq;
	p->seed = seed;
	p->docs = jshard_docs(s);
	p->tokens = tokens;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->freed, NULL);
	if (mode == JPACK_BEST_FIT)
		rc = pack_bins_make(&p->bins, s, (uint32_t)seq + 1, seed, e);
	p->rows = mode == JPACK_BEST_FIT ? p->bins.rows :
		tokens < 2 ? 0 : (tokens - 2) / (uint64_t)seq + 1;
	if (!rc && !p->rows)
		rc = jerr_set(e, JERR_ARG, "the token shards hold %llu tokens: nothing to predict",
			(unsigned long long)tokens);
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
fill_epoch(const struct jpack *p, struct epoch *ep, uint64_t number)
{
	uint64_t i, sum = 0;

	if (!ep->ends)
		ep->ends = jmem_alloc((size_t)p->docs, sizeof(*ep->ends));
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
stream_parts(struct jpack *p, uint64_t epoch, uint64_t r, struct part *v, size_t max)
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
bin_parts(struct jpack *p, uint64_t r, struct part *v, size_t max)
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

static size_t
row_parts(struct jpack *p, uint64_t i, struct part *v, size_t max)
{
	uint64_t epoch = i / p->rows;
	uint64_t r = jrand_permute(i % p->rows, p->rows, p->seed, 2 * epoch + 1);

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
	struct part *v = jmem_alloc(cap, sizeof(*v));
	uint32_t *ids = jmem_alloc(cap, sizeof(*ids));
	unsigned char *mask = jmem_alloc(cap, 1);
	int at = 0, rc = 0;

	n = row_parts(p, i, v, cap);
	for (k = 0; !rc && k < n; k++) {
		rc = jshard_get(p->s, v[k].from, v[k].n, ids, mask, e);
		if (!rc)
			put_segment(out, p->seq, &(struct segment){ ids, mask, (int)v[k].n, (int)k, at });
		at += (int)v[k].n;
	}
	for (; !rc && at < p->seq; at++) {
		out->ids[at] = 0;
		out->targets[at] = -1;
		out->seg[at] = out->seg[at - 1];
		out->pos[at] = out->pos[at - 1] + 1;
	}
	jmem_free(v);
	jmem_free(ids);
	jmem_free(mask);
	return rc;
}

size_t
jpack_row_docs(struct jpack *p, uint64_t i, uint64_t *docs, size_t max)
{
	size_t cap = (size_t)p->seq + 1, n, k;
	struct part *v = jmem_alloc(cap, sizeof(*v));

	n = row_parts(p, i, v, cap);
	for (k = 0; k < n && k < max; k++)
		docs[k] = v[k].doc;
	jmem_free(v);
	return n;
}
