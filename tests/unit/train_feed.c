/* What a step takes: stages of ramps, pieces of rows, mixtures; and that a step allocates nothing. */
#include "t.h"

#include <stdlib.h>

#include "io/jfs.h"
#include "shard/jshard.h"
#include "t_tmp.h"
#include "tok/jtok.h"
#include "train/train_internal.h"

#define SEQ 24

static const char *dir;
static const char *tokenizer = "tests/ref/bytetok";
static const struct jtrain_hooks no_hooks;

/* A shard of documents of 5 to 64 tokens. */
static char *
make_shard(const char *name, int docs)
{
	struct jshard_info info = { .token_width = 2 };
	char *path = jmem_strdup(t_path(dir, name));
	struct jshard_writer *w;
	struct jerr e = { 0 };
	struct jtok *t;
	uint32_t ids[64];
	int d, i;

	if (!ok(jtok_load(&t, tokenizer, &e) == 0))
		exit(1);
	info.vocab_size = jtok_vocab_size(t);
	jtok_fingerprint(t, info.fingerprint);
	jshard_create(&w, path, &info, &e);
	for (d = 0; d < docs; d++) {
		int n = 5 + d * 37 % 60;

		for (i = 0; i < n; i++)
			ids[i] = (uint32_t)(3 + (d * 31 + i) % 200);
		jshard_add(w, ids, NULL, (size_t)n, (uint64_t)n, &e);
	}
	ok(jshard_commit(w, "{}", &e) == 0);
	jtok_free(t);
	return path;
}

static struct jtrain_opts
options(char *const *shard)
{
	struct jtrain_opts o = JTRAIN_OPTS_INIT;

	o.objective = "pretrain";
	o.model = "nano";
	o.tokenizer = tokenizer;
	o.data = (const char *const *)shard;
	o.n_data = 1;
	o.out = "";
	o.batch = 6;
	o.seq = SEQ;
	o.steps = 100;
	return o;
}

/* Every step begins where the one before ended, and closed forms agree with counting. */
static void
stages(char *const *shard, const char *batch, const char *seq, const char *by)
{
	struct jtrain_opts o = options(shard);
	struct jerr e = { 0 };
	uint64_t at = 0, tokens = 0;
	struct train t;
	int64_t s;
	int bad = 0;

	o.batch_ramp = batch;
	o.seq_ramp = seq;
	o.ramp_by = by;
	if (!ok(train_open_data(&t, &o, &no_hooks, &e) == 0)) {
		printf("# %s\n", e.msg);
		train_close(&t);
		return;
	}
	for (s = 0; s < 60; s++) {
		const struct stage *g = train_stage(&t, s);
		uint64_t from = train_first_part(&t, s) * (uint64_t)g->seq;

		bad += train_tokens_before(&t, s) != tokens;
		/* Behind the step before, by less than a piece. */
		bad += from < at || from >= at + (uint64_t)g->seq;
		at = from + (uint64_t)(g->batch * g->seq);
		tokens += (uint64_t)(g->batch * g->seq);
	}
	eq_int(bad, 0);
	for (s = 1, bad = 0; s < 60; s++)
		bad += train_steps_for(&t, (double)(train_first_part(&t, s)
			* (uint64_t)train_stage(&t, s)->seq) / SEQ) != s;
	if (t.n_stages == 1)	/* else rounding may lie between */
		eq_int(bad, 0);
	train_close(&t);
}

/* Pieces laid end to end are the row; positions begin at 0 in each, and targets are all there. */
static void
pieces(char *const *shard, int seq)
{
	struct jtrain_opts o = options(shard);
	int32_t whole[4][SEQ], part[4][SEQ];
	struct jpack_row w = { whole[0], whole[1], whole[2], whole[3] };
	struct jpack_row p = { part[0], part[1], part[2], part[3] };
	struct jerr e = { 0 };
	struct train t;
	uint64_t i, rows;
	int k, source, bad = 0;

	if (!ok(train_open_data(&t, &o, &no_hooks, &e) == 0))
		return;
	rows = t.feed.rows;
	for (i = 0; i < 2 * rows * (uint64_t)(SEQ / seq); i++) {
		int from = (int)(i % (uint64_t)(SEQ / seq)) * seq;

		feed_part(&t.feed, i / (uint64_t)(SEQ / seq), SEQ, &w, &source, &e);
		feed_part(&t.feed, i, seq, &p, &source, &e);
		bad += memcmp(p.ids, w.ids + from, (size_t)seq * 4) != 0;
		bad += memcmp(p.targets, w.targets + from, (size_t)seq * 4) != 0;
		bad += p.pos[0] != 0 || p.seg[0] != 0;
		for (k = 1; k < seq; k++) {
			bool same = w.seg[from + k] == w.seg[from + k - 1];

			bad += p.seg[k] != p.seg[k - 1] + !same;
			bad += p.pos[k] != (same ? p.pos[k - 1] + 1 : 0);
		}
	}
	eq_int(bad, 0);
	eq_int(e.code, 0);
	train_close(&t);
}

/* The documents of all pieces of an epoch are all documents. */
static void
documents(char *const *shard, int seq)
{
	struct jtrain_opts o = options(shard);
	struct jerr e = { 0 };
	uint64_t docs[SEQ + 1], i, n;
	struct train t;
	char seen[64] = { 0 };
	size_t k, m;
	int source, missing = 0;

	if (!ok(train_open_data(&t, &o, &no_hooks, &e) == 0))
		return;
	n = jshard_docs(t.feed.v[0].data.set);
	for (i = 0; i < t.feed.rows * (uint64_t)(SEQ / seq); i++) {
		m = feed_docs(&t.feed, i, seq, docs, &source);
		for (k = 0; k < m; k++)
			seen[docs[k]] = 1;
	}
	for (i = 0; i < n; i++)
		missing += !seen[i];
	eq_int(missing, 0);
	train_close(&t);
}

/* --- allocations --- */

struct counts {
	uint64_t at[64];
};

static void
on_progress(void *arg, int64_t step, int64_t steps, const char *extra)
{
	struct counts *c = arg;

	(void)steps;
	(void)extra;
	if (step < 64)
		c->at[step] = jmem_count();
}

/* After the first steps, when all buffers have grown, no step of a run allocates. */
static void
no_allocation(char *const *shard, const char *optimizer, bool mixed)
{
	struct jtrain_opts o = options(shard + 1);	/* the short one: epochs begin within the run */
	struct counts c = { { 0 } };
	struct jtrain_hooks h = { .arg = &c, .progress = on_progress };
	const char *parts[2];
	struct jerr e = { 0 };
	char a[600], b[600];
	int s, bad = 0;

	snprintf(a, sizeof(a), "%s=2", shard[0]);
	snprintf(b, sizeof(b), "%s=1", shard[1]);
	parts[0] = a;
	parts[1] = b;
	o.out = t_path(dir, "run");
	o.optimizer = optimizer;
	o.steps = 12;
	o.batch = 2;
	o.jobs = 2;
	o.ema = 0.9;
	o.outlier_norm = 50;
	o.outlier_window = 4;
	o.memory = 1 << 30;
	if (mixed) {
		o.n_data = 0;
		o.mix = parts;
		o.n_mix = 2;
	}
	if (!ok(jtrain_run(&o, &h, &e) == 0))
		printf("# %s\n", e.msg);
	for (s = 5; s < 12; s++)
		bad += c.at[s] != c.at[s - 1];
	if (!eq_int(bad, 0))
		for (s = 1; s < 12; s++)
			printf("# step %d: %llu\n", s, (unsigned long long)(c.at[s] - c.at[s - 1]));
	jfs_remove_tree(t_path(dir, "run"), &e);
}

int
main(void)
{
	struct jerr e = { 0 };
	char *shard[2];

	dir = t_tmpdir();
	shard[0] = make_shard("a.jsh", 40);
	shard[1] = make_shard("b.jsh", 11);
	stages(shard, NULL, NULL, "steps");
	stages(shard, "2:5,3:9", NULL, "steps");
	stages(shard, "2:5,3:9", "4:3,8:7,12:20", "steps");
	stages(shard, "1:100,5:1k", "2:70,3:400,12:900", "tokens");
	pieces(shard, 24);
	pieces(shard, 8);
	pieces(shard, 2);
	documents(shard, 24);
	documents(shard, 6);
	no_allocation(shard, "adamw", false);
	no_allocation(shard, "muon", true);
	jmem_free(shard[0]);
	jmem_free(shard[1]);
	jfs_remove_tree(dir, &e);
	return t_done();
}
