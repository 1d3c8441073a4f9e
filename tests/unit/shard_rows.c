/* Packed shards: what was packed is what is read, each token a target once, nothing damaged accepted. */
#include "t.h"

#include <stdlib.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "io/jfs.h"
#include "shard/jrows.h"
#include "t_tmp.h"

#define SEQ 32
#define DOCS 200

static const char *dir;

static uint32_t
doc_len(uint32_t d)
{
	return d * 37 % 131;
}

static int
put_row(void *arg, const struct jrows_piece *v, size_t n, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < n; i++)
		rc = jshard_add(arg, v[i].ids, v[i].mask, v[i].n, v[i].text_bytes, e);
	return rc ? rc : jshard_end_row(arg, e);
}

/* Token t of all documents is t; every fifth does not count.  Returns how many there are. */
static uint32_t
make(const char *path, enum jpack_mode mode, bool order)
{
	struct jshard_info info = { .vocab_size = 1 << 20, .has_mask = true, .row_seq = SEQ, .row_order = order };
	struct jshard_writer *w;
	struct jrows *r;
	struct jerr e = { 0 };
	uint32_t ids[131], d, i, total = 0;
	unsigned char m[131];

	if (!ok(jshard_create(&w, path, &info, &e) == 0))
		return 0;
	ok(jrows_new(&r, mode, SEQ, put_row, w, &e) == 0);
	for (d = 0; d < DOCS; d++) {
		for (i = 0; i < doc_len(d); i++) {
			m[i] = total % 5 != 0;
			ids[i] = total++;
		}
		if (jrows_add(r, ids, m, doc_len(d), 3 * doc_len(d), &e))
			printf("# %s\n", e.msg);
	}
	ok(jrows_finish(r, &e) == 0);
	ok(jshard_commit(w, NULL, &e) == 0);
	jrows_free(r);
	return total;
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

/* Each token but the first of its document, and those masked, is a target once an epoch. */
static uint64_t
wrong_targets(struct jpack *p, uint32_t total, uint64_t epoch)
{
	unsigned char *seen = jmem_zalloc(total, 1);
	uint64_t rows = jpack_rows(p), i, bad = 0;
	uint32_t d, t = 0, k;
	struct rows r;

	for (i = 0; i < rows; i++) {
		bad += get(p, epoch * rows + i, &r) != 0;
		for (k = 0; k < SEQ; k++) {
			if (r.targets[k] < 0)
				continue;
			seen[r.targets[k]]++;
			bad += r.targets[k] != r.ids[k] + 1;
		}
	}
	for (d = 0; d < DOCS; d++)
		for (k = 0; k < doc_len(d); k++, t++)
			bad += seen[t] != (k > 0 && t % 5 != 0);
	jmem_free(seen);
	return bad;
}

static struct jshard_set *
open_set(const char *path, struct jerr *e)
{
	char *paths[1] = { (char *)path };
	struct jshard_set *s = NULL;

	return jshard_open(&s, paths, 1, e) ? NULL : s;
}

static void
packed(enum jpack_mode mode, bool order)
{
	const char *path = t_path(dir, "p.jsh");
	uint32_t total = make(path, mode, order), need = 0, d;
	struct jerr e = { 0 };
	struct jshard_set *s = open_set(path, &e);
	struct jpack *p, *q;
	struct rows a, b;
	uint64_t i, same = 0, text = 0;

	if (!ok(s != NULL)) {
		printf("# %s\n", e.msg);
		return;
	}
	for (d = 0; d < DOCS; d++) {
		need += doc_len(d);
		text += 3 * (doc_len(d) > 1 || mode == JPACK_STREAM ? doc_len(d) : 0);
	}
	eq_int(jshard_info(s)->row_seq, SEQ);
	eq_int(jshard_info(s)->text_bytes, text);
	ok(jshard_verify(s, &e) == 0);
	eq_int(jpack_open(&p, s, mode, SEQ + 1, 5, &e), JERR_ARG);
	ok(jpack_open(&p, s, JPACK_STREAM, SEQ, 5, &e) == 0);
	ok(jpack_open(&q, s, JPACK_BEST_FIT, SEQ, order ? 6 : 5, &e) == 0);
	ok(jpack_rows(p) <= need / SEQ + need / SEQ / 20 + 2);
	eq_int(wrong_targets(p, total, 0), 0);
	eq_int(wrong_targets(p, total, 3), 0);
	for (i = 0; i < jpack_rows(p); i++) {	/* whatever the mode; the seed too, where the order is fixed */
		get(p, i, &a);
		get(q, i, &b);
		same += memcmp(a.ids, b.ids, sizeof(a.ids)) == 0 && memcmp(a.seg, b.seg, sizeof(a.seg)) == 0 &&
			memcmp(a.targets, b.targets, sizeof(a.targets)) == 0;
	}
	eq_int(same, jpack_rows(p));
	get(p, 0, &a);
	get(p, jpack_rows(p), &b);
	eq_int(memcmp(a.ids, b.ids, sizeof(a.ids)) == 0, order);
	jpack_close(p);
	jpack_close(q);
	jshard_close(s);
}

/* Long documents of random lengths, several windows: nothing is lost and rows are nearly full. */
struct sum {
	uint64_t rows, tokens, pieces;
};

static int
count_row(void *arg, const struct jrows_piece *v, size_t n, struct jerr *e)
{
	struct sum *s = arg;
	size_t i;

	s->rows++;
	for (i = 0; i < n; i++, s->pieces++)
		s->tokens += v[i].n;
	return 0;
}

static void
windows(void)
{
	static uint32_t ids[5000];
	struct sum s = { 0 };
	struct jrows *r;
	struct jrand rnd;
	struct jerr e = { 0 };
	uint64_t want = 0, pieces = 0;
	int d;

	jrand_init(&rnd, 1, 1);
	ok(jrows_new(&r, JPACK_BEST_FIT, 255, count_row, &s, &e) == 0);
	for (d = 0; d < 60000; d++) {
		uint64_t n = 2 + jrand_below(&rnd, d % 10 ? 200 : 4998), more = n > 256 ? (n - 2) / 255 : 0;

		jrows_add(r, ids, NULL, (size_t)n, 0, &e);
		want += n + more;
		pieces += 1 + more;
	}
	ok(jrows_finish(r, &e) == 0);
	eq_int(s.tokens, want);
	eq_int(s.pieces, pieces);
	ok(s.rows <= want / 256 + want / 256 / 50);
	jrows_free(r);
}

static void
refused(void)
{
	struct jshard_info info = { .vocab_size = 10, .row_seq = 3 };
	const char *path = t_path(dir, "no.jsh");
	uint32_t ids[5] = { 0 };
	struct jshard_writer *w;
	struct jshard_set *s;
	struct jerr e = { 0 };
	char *paths[2] = { (char *)t_path(dir, "p.jsh"), (char *)path };

	eq_int(jshard_create(&w, path, &info, &e), JERR_ARG);
	jerr_clear(&e);
	info.has_mask = true;
	ok(jshard_create(&w, path, &info, &e) == 0);
	eq_int(jshard_add(w, ids, NULL, 5, 0, &e), JERR_ARG);
	jerr_clear(&e);
	eq_int(jshard_add(w, ids, NULL, 0, 0, &e), JERR_ARG);
	jerr_clear(&e);
	eq_int(jshard_end_row(w, &e), JERR_ARG);
	jerr_clear(&e);
	ok(jshard_add(w, ids, NULL, 3, 0, &e) == 0);
	ok(jshard_commit(w, NULL, &e) == 0);
	s = open_set(path, &e);
	ok(s != NULL);
	eq_int(jshard_info(s)->tokens, 4);
	eq_int(jshard_row_used(s, 0), 3);
	jshard_close(s);
	eq_int(jshard_open(&s, paths, 2, &e), JERR_ARG);
}

int
main(void)
{
	dir = t_tmpdir();
	packed(JPACK_STREAM, false);
	packed(JPACK_STREAM, true);
	packed(JPACK_BEST_FIT, false);
	windows();
	refused();
	jfs_remove_tree(dir, NULL);
	return t_done();
}
