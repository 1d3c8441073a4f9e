/* Whole runs through the library: shards that do not belong, broken files, checkpoints. */
#include "t.h"

#include <stdlib.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "shard/jshard.h"
#include "t_tmp.h"
#include "tok/jtok.h"
#include "train/train_internal.h"

static const char *dir;
static char *kept[32];
static int n_kept;

/* A path below the folder of the test that stays. */
static const char *
path_of(const char *name)
{
	return n_kept < 32 ? kept[n_kept++] = jmem_strdup(t_path(dir, name)) : NULL;
}

static const char *tokenizer = "tests/ref/bytetok";

/* A shard of 20 documents; a tokenizer's fingerprint with one bit changed if foreign. */
static const char *
make_shard(const char *name, bool foreign)
{
	struct jshard_info info = { .token_width = 2 };
	const char *path = path_of(name);
	struct jshard_writer *w;
	struct jerr e = { 0 };
	struct jtok *t;
	uint32_t ids[40];
	int d, i;

	if (jtok_load(&t, tokenizer, &e) < 0)
		return NULL;
	info.vocab_size = jtok_vocab_size(t);
	jtok_fingerprint(t, info.fingerprint);
	info.fingerprint[3] ^= foreign;
	jshard_create(&w, path, &info, &e);
	for (d = 0; d < 20; d++) {
		for (i = 0; i < 40; i++)
			ids[i] = (uint32_t)(60 + (d * i) % 50);
		ids[39] = (uint32_t)jtok_eos(t);
		jshard_add(w, ids, NULL, 40, 39, &e);
	}
	jshard_commit(w, "{}", &e);
	jtok_free(t);
	return path;
}

static struct jtrain_opts
options(const char *const *shard, const char *out)
{
	struct jtrain_opts o = JTRAIN_OPTS_INIT;

	o.objective = "pretrain";
	o.model = "nano";
	o.tokenizer = tokenizer;
	o.data = shard;
	o.n_data = 1;
	o.out = path_of(out);
	o.batch = 2;
	o.seq = 16;
	o.steps = 3;
	o.save_every = 1;
	o.memory = 1 << 30;
	return o;
}

static int
run(const struct jtrain_opts *o, struct jerr *e)
{
	struct jtrain_hooks h = { 0 };

	jerr_clear(e);
	return jtrain_run(o, &h, e);
}

/* The run fails with the code, its message has the word, and no model is there. */
static void
fails(const struct jtrain_opts *o, int code, const char *word)
{
	struct jerr e;

	eq_int(run(o, &e), code);
	if (!ok(strstr(e.msg, word) != NULL))
		printf("# \"%s\" does not say \"%s\"\n", e.msg, word);
	ok(!jfs_exists(t_path(o->out, "config.json")));
}

static void
cut(const char *path, const char *to, size_t keep)
{
	struct jmapped m;
	struct jerr e = { 0 };

	if (jfs_map(&m, path, &e) < 0)
		return;
	ok(keep < m.n && jout_put(to, m.p, keep, &e) == 0);
	jfs_unmap(&m);
}

static void
shards(void)
{
	const char *shard = make_shard("good.jsh", false), *bad;
	struct jtrain_opts o = options(&shard, "good");
	struct jerr e;

	if (!ok(run(&o, &e) == 0))
		printf("# %s\n", e.msg);
	ok(jfs_exists(t_path(o.out, "model.safetensors")));
	bad = make_shard("foreign.jsh", true);
	o = options(&bad, "foreign");
	fails(&o, JERR_ARG, "another tokenizer");
	bad = path_of("short.jsh");
	cut(shard, bad, (size_t)jfs_size(shard) / 2);
	o = options(&bad, "short");
	fails(&o, JERR_FORMAT, "short.jsh");
	o = options(&shard, "vocabulary");
	o.model = "tests/ref/llama/gqa";
	fails(&o, JERR_ARG, "vocabulary of 96");
	o = options(&shard, "long");
	o.model = path_of("good");
	o.seq = 32;
	fails(&o, JERR_ARG, "context");
}

/* A checkpoint whose optimizer file is cut short is refused by name; the one before still serves. */
static void
broken_checkpoint(void)
{
	const char *shard = make_shard("good.jsh", false);
	struct jtrain_opts o = options(&shard, "broken");
	char file[600];
	struct jerr e;

	ok(run(&o, &e) == 0);
	jfs_remove_tree(t_path(o.out, "config.json"), &e);
	jfs_remove_tree(t_path(o.out, "trainer_state.json"), &e);
	snprintf(file, sizeof(file), "%s/checkpoint-000000003/optimizer.safetensors", o.out);
	cut(file, file, (size_t)jfs_size(file) - 100);
	o.resume = true;
	fails(&o, JERR_FORMAT, "optimizer.safetensors");
	snprintf(file, sizeof(file), "%s/checkpoint-000000003", o.out);
	jfs_remove_tree(file, &e);
	ok(run(&o, &e) == 0);
	ok(jfs_exists(t_path(o.out, "config.json")));
}

static void
plans(void)
{
	const char *shard = make_shard("good.jsh", false);
	struct jtrain_opts o = options(&shard, "plan");
	struct jtrain_hooks h = { 0 };
	struct jtrain_plan p, q;
	struct jerr e = { 0 };

	ok(jtrain_plan(&o, &h, &p, &e) == 0);
	eq_int(p.weights, p.params * 4);
	eq_int(p.grads, p.weights);
	eq_int(p.optimizer, 2 * p.weights);
	eq_int(p.tokens_per_step, 32);
	eq_int(p.tokens, 800);
	ok(p.peak > 0 && p.unit_s > 0);
	ok(!jfs_exists(o.out));
	/* Just too little: recomputation makes it fit. */
	o.seq = 512;
	o.batch = 4;
	ok(jtrain_plan(&o, &h, &p, &e) == 0 && !p.recompute);
	o.memory = p.total - 1;
	ok(jtrain_plan(&o, &h, &q, &e) == 0 && q.recompute);
	ok(q.activations < p.activations);
	o.recompute = 0;
	ok(jtrain_plan(&o, &h, &q, &e) == JERR_LIMIT);
	ok(strstr(e.msg, "--seq 256") != NULL);
	eq_int(q.total - q.program, p.total - p.program);
}

int
main(void)
{
	struct jerr e = { 0 };

	dir = t_tmpdir();
	shards();
	broken_checkpoint();
	plans();
	jfs_remove_tree(dir, &e);
	while (n_kept > 0)
		jmem_free(kept[--n_kept]);
	return t_done();
}
