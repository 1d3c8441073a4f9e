/* Packing: every token is a target once an epoch, in an order that is a function of (seed, row). */
#include "t.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/jhash.h"
#include "base/jmem.h"
#include "io/jfs.h"
#include "shard/jpack.h"
#include "t_tmp.h"

#define SEQ 32
#define DOCS 300

static struct jshard_set *set;
static uint64_t total;

static uint32_t
doc_len(uint32_t d)
{
	return d * 37 % 101;
}

/* Token t of the whole set is t itself, so that a row tells where it is from. */
static void
make(const char *path, bool mask)
{
	struct jshard_info info = { .vocab_size = 1 << 20, .has_mask = mask };
	struct jshard_writer *w;
	struct jerr e = { 0 };
	uint32_t ids[128], d, i;
	unsigned char m[128];
	char *paths[1] = { (char *)path };

	if (!ok(jshard_create(&w, path, &info, &e) == 0))
		return;
	for (d = 0, total = 0; d < DOCS; d++) {
		for (i = 0; i < doc_len(d); i++) {
			m[i] = total % 2 == 0;
			ids[i] = (uint32_t)total++;
		}
		jshard_add(w, ids, mask ? m : NULL, doc_len(d), 0, &e);
	}
	ok(jshard_commit(w, NULL, &e) == 0);
	ok(jshard_open(&set, paths, 1, &e) == 0);
}

struct rows {
	int32_t ids[SEQ], targets[SEQ], seg[SEQ], pos[SEQ];
	struct jpack_row row;
};

static int
get(struct jpack *p, uint64_t i, struct rows *r)
{
	struct jerr e = { 0 };

	r->row = (struct jpack_row){ r->ids, r->targets, r->seg, r->pos };
	return jpack_row(p, i, &r->row, &e);
}

/* What must hold of any row: targets follow, segments begin at 0 and count up, positions too. */
static int
row_faults(const struct rows *r)
{
	int i, bad = r->seg[0] != 0 || r->pos[0] != 0;

	for (i = 0; i < SEQ; i++) {
		if (r->targets[i] >= 0)
			bad += r->targets[i] != r->ids[i] + 1;
		if (i == 0)
			continue;
		if (r->seg[i] == r->seg[i - 1])
			bad += r->pos[i] != r->pos[i - 1] + 1;
		else
			bad += r->seg[i] != r->seg[i - 1] + 1 || r->pos[i] != 0 || r->targets[i - 1] != -1;
	}
	return bad;
}

static uint64_t
digest(struct jpack *p, uint64_t from, uint64_t n)
{
	struct rows r;
	uint64_t h = 0, i;

	for (i = from; i < from + n; i++) {
		get(p, i, &r);
		h = jhash64(r.ids, sizeof(r.ids), h);
		h = jhash64(r.targets, sizeof(r.targets), h);
		h = jhash64(r.seg, sizeof(r.seg), h);
	}
	return h;
}

/* In one epoch each token but the first of its document is a target; how often is counted. */
static void
stream_epoch(struct jpack *p, uint64_t epoch)
{
	unsigned char *seen = jmem_zalloc(total, 1);
	uint64_t rows = jpack_rows(p), i, bad = 0, missing = 0, d;
	struct rows r;
	int k;

	for (i = 0; i < rows; i++) {
		bad += get(p, epoch * rows + i, &r) != 0 || row_faults(&r);
		for (k = 0; k < SEQ; k++)
			if (r.targets[k] >= 0)
				seen[r.targets[k]]++;
	}
	eq_int(bad, 0);
	for (d = 0; d < DOCS; d++)
		for (i = jshard_doc_start(set, d); i < jshard_doc_start(set, d + 1); i++)
			missing += seen[i] != (i != jshard_doc_start(set, d));
	eq_int(missing, 0);
	jmem_free(seen);
}

static void
stream(void)
{
	struct jpack *p, *q;
	struct jerr e = { 0 };
	uint64_t n, a, b;

	ok(jpack_open(&p, set, JPACK_STREAM, SEQ, 5, &e) == 0);
	n = jpack_rows(p);
	eq_int(n, (total - 2) / SEQ + 1);
	stream_epoch(p, 0);
	stream_epoch(p, 1);
	stream_epoch(p, 1000000);
	a = digest(p, 10, 2 * n);
	ok(jpack_open(&q, set, JPACK_STREAM, SEQ, 5, &e) == 0);
	b = digest(q, 10, 2 * n);
	ok(a == b);
	ok(digest(q, 0, n) != digest(q, n, n));	/* another epoch, another order */
	jpack_close(q);
	ok(jpack_open(&q, set, JPACK_STREAM, SEQ, 6, &e) == 0);
	ok(digest(p, 0, n) != digest(q, 0, n));
	jpack_close(q);
	jpack_close(p);
}

static void
best_fit(void)
{
	unsigned char *first = jmem_zalloc(total, 1);
	struct jpack *p;
	struct jerr e = { 0 };
	struct rows r;
	uint64_t i, n, bad = 0, used = 0, need = 0, docs[SEQ + 1], d;
	int k;

	ok(jpack_open(&p, set, JPACK_BEST_FIT, SEQ, 5, &e) == 0);
	n = jpack_rows(p);
	for (i = 0; i < n; i++) {
		uint64_t have = 0, j, found = jpack_row_docs(p, i, docs, SEQ + 1);

		bad += get(p, i, &r) != 0 || row_faults(&r);
		for (k = 0; k < SEQ; k++)
			if (r.pos[k] == 0 && (k == 0 || r.seg[k] != r.seg[k - 1]))
				first[r.ids[k]]++;
		for (j = 0; j < found; j++)
			have += doc_len((uint32_t)docs[j]) > SEQ + 1 ? SEQ + 1 : doc_len((uint32_t)docs[j]);
		bad += have > SEQ + 1;
		used += have;
	}
	eq_int(bad, 0);
	for (d = 0; d < DOCS; d++) {		/* whole and once */
		uint64_t len = doc_len((uint32_t)d);

		if (len > 1)
			bad += first[jshard_doc_start(set, d)] != 1;
		need += len < 2 ? 0 : len > SEQ + 1 ? SEQ + 1 : len;
	}
	eq_int(bad, 0);
	eq_int(used, need);
	ok(n <= need / (SEQ + 1) + need / (SEQ + 1) / 20 + 2);	/* nearly full rows */
	jpack_close(p);
	jmem_free(first);
}

struct worker {
	struct jpack *p;
	uint64_t from, sum;
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	uint64_t n = jpack_rows(w->p), i;

	for (i = 0; i < 3 * n; i++)	/* three epochs at once fight for two slots */
		w->sum += digest(w->p, (w->from + i * 7) % (3 * n), 1);
	return NULL;
}

static void
threads(void)
{
	struct worker w[3];
	pthread_t t[3];
	struct jerr e = { 0 };
	struct jpack *p;
	int i;

	ok(jpack_open(&p, set, JPACK_STREAM, SEQ, 9, &e) == 0);
	for (i = 0; i < 3; i++) {
		w[i] = (struct worker){ p, (uint64_t)i * jpack_rows(p), 0 };
		pthread_create(&t[i], NULL, work, &w[i]);
	}
	for (i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	if (3 * jpack_rows(p) % 7)		/* then the walk meets every row once */
		ok(w[0].sum == w[1].sum && w[1].sum == w[2].sum);
	jpack_close(p);
}

static void
masked(void)
{
	struct jpack *p;
	struct jerr e = { 0 };
	struct rows r;
	uint64_t i, bad = 0;
	int k;

	ok(jpack_open(&p, set, JPACK_STREAM, SEQ, 1, &e) == 0);
	for (i = 0; i < jpack_rows(p); i++) {
		get(p, i, &r);
		for (k = 0; k < SEQ; k++)
			bad += r.targets[k] >= 0 && r.targets[k] % 2;
	}
	eq_int(bad, 0);
	jpack_close(p);
}

int
main(void)
{
	const char *dir = t_tmpdir();
	struct jerr e = { 0 };
	struct jpack *p;

	make(t_path(dir, "a.jsh"), false);
	stream();
	best_fit();
	threads();
	eq_int(jpack_open(&p, set, JPACK_STREAM, 0, 1, &e), JERR_ARG);
	jshard_close(set);
	make(t_path(dir, "b.jsh"), true);
	masked();
	jshard_close(set);
	jfs_remove_tree(dir, &e);
	return t_done();
}
