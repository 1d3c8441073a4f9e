/*
 * The paged cache: what is shared, copied, put off or taken from a file changes no bit of what a
 * sequence computes; pages come back; what cannot fit is told with numbers.
 */
#include "t.h"

#include "base/jmem.h"
#include "base/jrand.h"
#include "infer/jinfer.h"
#include "infer/pages.h"
#include "io/jfs.h"
#include "io/jio.h"
#include "t_tmp.h"

enum { CONTEXT = 320, V = 61, SLOTS = 6 };

static struct jmodel *
tiny(uint64_t seed)
{
	struct jmodel_config c;
	struct jmodel *m;
	struct jerr e = { 0 };

	ok(jmodel_preset(&c, "nano", &e) == 0);
	c.layers = 2;
	c.hidden = 32;
	c.ffn = 48;
	c.context = CONTEXT;
	c.vocab_size = V;
	c.init_std = 0.3;
	ok(jmodel_new(&m, &c, &e) == 0);
	jmodel_init_weights(m, seed);
	return m;
}

static struct jinfer *
engine(struct jmodel *m, enum jdtype type, int slots, uint64_t pages)
{
	const struct jinfer_opts o = { .slots = slots, .capacity = CONTEXT, .k_type = type,
		.v_type = type, .cache_bytes = pages * jinfer_page_bytes(&m->cfg, type, type) };
	struct jinfer *inf = NULL;
	struct jerr e = { 0 };

	if (!ok(jinfer_make(&inf, m, NULL, &o, &e) == 0))
		printf("# %s\n", e.msg);
	return inf;
}

static void
random_ids(uint32_t *ids, size_t n, uint64_t key)
{
	struct jrand r;

	jrand_init(&r, 5, key);
	for (size_t i = 0; i < n; i++)
		ids[i] = (uint32_t)jrand_below(&r, V);
}

static void
feed(struct jinfer *inf, int slot, const uint32_t *ids, size_t n, float *logits)
{
	struct jinfer_feed f = { .slot = slot, .ids = ids, .n = n, .logits = logits };
	struct jerr e = { 0 };

	if (!ok(jinfer_feed(inf, &f, 1, &e) == 0))
		printf("# %s\n", e.msg);
}

/* Logits behind all of ids, computed from nothing. */
static void
afresh(struct jmodel *m, enum jdtype type, const uint32_t *ids, size_t n, float *logits)
{
	struct jinfer *inf = engine(m, type, 1, 0);

	feed(inf, 0, ids, n, logits);
	jinfer_free(inf);
}

static bool
same(const float *a, const float *b)
{
	return memcmp(a, b, V * sizeof(*a)) == 0;
}

/* Prefixes, within a page and across pages, of sequences that run and that are over. */
static void
sharing(struct jmodel *m, enum jdtype type)
{
	struct jinfer *inf = engine(m, type, 3, 0);
	struct jinfer_stats s;
	uint32_t a[200], b[200];
	float want[V], got[V];

	random_ids(a, 200, 1);
	memcpy(b, a, sizeof(a));
	for (int i = 150; i < 200; i++)
		b[i] = (a[i] + 1) % V;
	eq_int(jinfer_begin(inf, 0, 0, a, 200), 0);
	feed(inf, 0, a, 200, got);
	eq_int(jinfer_begin(inf, 1, 0, b, 200), 150);	/* two whole pages and part of the third */
	jinfer_stats(inf, &s);
	eq_int(s.used, 4);
	feed(inf, 1, b + 150, 50, got);
	afresh(m, type, b, 200, want);
	ok(same(got, want));
	jinfer_stats(inf, &s);
	eq_int(s.used, 6);		/* the third was copied */
	eq_int(s.copied, 1);
	jinfer_reset(inf, 0);
	jinfer_reset(inf, 1);
	jinfer_stats(inf, &s);
	eq_int(s.used, 0);
	eq_int(s.known, 6);
	eq_int(jinfer_begin(inf, 2, 0, a, 200), 199);	/* the last token is always fed */
	feed(inf, 2, a + 199, 1, got);
	afresh(m, type, a, 200, want);
	ok(same(got, want));
	jinfer_truncate(inf, 2, 70);		/* and on in another direction */
	feed(inf, 2, b + 190, 10, got);
	memcpy(a + 70, b + 190, 10 * sizeof(*a));
	afresh(m, type, a, 80, want);
	ok(same(got, want));
	eq_int(jinfer_begin(inf, 0, 0, b, 200), 199);	/* which others do not see */
	feed(inf, 0, b + 199, 1, got);
	afresh(m, type, b, 200, want);
	ok(same(got, want));
	jinfer_free(inf);
}

static void
forking(struct jmodel *m)
{
	struct jinfer *inf = engine(m, JDT_F32, 3, 0);
	struct jinfer_stats s;
	uint32_t a[110], more[2][40];
	float want[V], got[V];

	random_ids(a, 110, 3);
	random_ids(more[0], 40, 4);
	random_ids(more[1], 40, 5);
	feed(inf, 0, a, 70, got);
	jinfer_fork(inf, 0, 1);
	jinfer_fork(inf, 1, 2);
	jinfer_stats(inf, &s);
	eq_int(s.used, 2);
	for (int i = 0; i < 2; i++) {
		feed(inf, i, more[i], 40, got);
		memcpy(a + 70, more[i], sizeof(more[i]));
		afresh(m, JDT_F32, a, 110, want);
		ok(same(got, want));
	}
	eq_int(jinfer_length(inf, 2), 70);
	feed(inf, 2, more[1], 40, got);		/* alone with the page by now */
	ok(same(got, want));
	jinfer_stats(inf, &s);
	eq_int(s.copied, 2);
	jinfer_free(inf);
}

/* Too few pages: an error before anything has happened. */
static void
shortage(struct jmodel *m)
{
	struct jinfer *inf = engine(m, JDT_F32, 2, 3);
	struct jinfer_feed f[2] = { { .slot = 0, .n = 100 }, { .slot = 1, .n = 100 } };
	struct jinfer_opts o = { .slots = 1, .capacity = 64, .cache_bytes = 100 };
	uint32_t ids[100];
	float got[V], want[V];
	struct jerr e = { 0 };

	random_ids(ids, 100, 6);
	f[0].ids = f[1].ids = ids;
	eq_int(jinfer_feed(inf, f, 2, &e), JERR_LIMIT);
	eq_int(jinfer_available(inf), 3);
	eq_int(jinfer_length(inf, 0), 0);
	feed(inf, 0, ids, 100, got);
	afresh(m, JDT_F32, ids, 100, want);
	ok(same(got, want));
	e.code = 0;
	eq_int(jinfer_feed(inf, f + 1, 1, &e), JERR_LIMIT);
	jinfer_reset(inf, 0);
	e.code = 0;
	feed(inf, 1, ids, 100, got);
	ok(same(got, want));
	jinfer_free(inf);
	eq_int(jinfer_make(&inf, m, NULL, &o, &e), JERR_LIMIT);
	o.k_type = JDT_Q4_0;
	e.code = 0;
	eq_int(jinfer_make(&inf, m, NULL, &o, &e), JERR_ARG);
}

struct crowd {
	uint32_t prompt[SLOTS][200];
	size_t n[SLOTS];
	struct jgen_opts o[SLOTS];
	struct jgen_result r[SLOTS];
};

static void
start_crowd(struct crowd *c, int speculate)
{
	for (int i = 0; i < SLOTS; i++) {
		random_ids(c->prompt[i], 200, i < 3 ? 9 : 20 + (uint64_t)i);
		c->n[i] = 10 + 37 * (size_t)i;
		c->o[i] = (struct jgen_opts){ .sample = { .temperature = i % 2 ? 0.9 : 0, .top_p = 1,
			.repeat_penalty = 1 }, .max_tokens = 90, .ignore_eos = true, .seed = 3,
			.key = (uint64_t)i, .speculate = speculate };
		jgen_result_init(&c->r[i]);
	}
}

/* Runs them together, or one by one. */
static void
run_crowd(struct crowd *c, struct jinfer *inf, bool together)
{
	struct jgen *g[SLOTS] = { NULL };
	struct jerr e = { 0 };
	int left = SLOTS;

	for (int i = 0; i < SLOTS; i++) {
		const struct jgen_task t = { .inf = inf, .slot = together ? i : 0, .prompt = c->prompt[i],
			.n = c->n[i], .opts = &c->o[i], .result = &c->r[i] };

		if (!together)
			ok(jinfer_complete(&t, &e) == 0);
		else
			ok(jgen_start(&g[i], &t, &e) == 0);
	}
	while (together && left > 0) {
		left = 0;
		if (!ok(jgen_step(g, SLOTS, &e) == 0))
			break;
		for (int i = 0; i < SLOTS; i++)
			left += !jgen_done(g[i]);
	}
	for (int i = 0; i < SLOTS; i++)
		jgen_free(g[i]);
}

static void
end_crowd(struct crowd *c)
{
	for (int i = 0; i < SLOTS; i++)
		jgen_result_release(&c->r[i]);
}

/* Six sequences of up to 5 pages in a pool of 6: some wait, some are put off; all say the same. */
static void
crowded(struct jmodel *m, enum jdtype type, int speculate)
{
	struct jinfer *roomy = engine(m, type, SLOTS, 0), *tight = engine(m, type, SLOTS, 6);
	struct crowd alone, joint;
	struct jinfer_stats s;

	start_crowd(&alone, 0);
	start_crowd(&joint, speculate);
	run_crowd(&alone, roomy, false);
	run_crowd(&joint, tight, true);
	for (int i = 0; i < SLOTS; i++) {
		eq_str(joint.r[i].finish, "length");
		ok(alone.r[i].ids.n == 90 && joint.r[i].ids.n == 90 && memcmp(alone.r[i].ids.v,
			joint.r[i].ids.v, 90 * sizeof(uint32_t)) == 0);
	}
	jinfer_stats(tight, &s);
	ok(s.preempted > 0 && s.most <= 6);
	eq_int(s.used, 0);
	end_crowd(&alone);
	end_crowd(&joint);
	jinfer_free(roomy);
	jinfer_free(tight);
}

/* One that never fits ends with numbers; the others do not notice. */
static void
too_long(struct jmodel *m)
{
	struct jinfer *inf = engine(m, JDT_F32, SLOTS, 3);
	struct crowd c;
	struct jgen *g[2];
	struct jerr e = { 0 };

	start_crowd(&c, 4);
	for (int i = 0; i < 2; i++) {
		const struct jgen_task t = { .inf = inf, .slot = i, .prompt = c.prompt[5 * i],
			.n = c.n[5 * i], .opts = &c.o[5 * i], .result = &c.r[5 * i] };

		ok(jgen_start(&g[i], &t, &e) == 0);	/* 10 + 90 and 195 + 90 tokens: 2 and 5 pages */
	}
	while (!jgen_done(g[0]) || !jgen_done(g[1]))
		ok(jgen_step(g, 2, &e) == 0);
	eq_str(c.r[0].finish, "length");
	eq_str(c.r[5].finish, "memory");
	ok(!jgen_failed(g[0]) && jgen_failed(g[1]) && strstr(jgen_failed(g[1]), "195 tokens"));
	jgen_free(g[0]);
	jgen_free(g[1]);
	end_crowd(&c);
	jinfer_free(inf);
}

static char *
inside(struct jbuf *b, const char *text)
{
	for (size_t i = 0; i + strlen(text) <= b->n; i++)
		if (memcmp(b->p + i, text, strlen(text)) == 0)
			return b->p + i;
	return NULL;
}

/* Another version, a token beyond the vocabulary, half a file. */
static void
damaged(struct jinfer *inf, const char *path)
{
	struct jerr e = { 0 };
	struct jbuf b;
	char *at;

	jbuf_init_max(&b, 1 << 24);
	ok(jin_slurp(path, &b, &e) == 0);
	ok(jinfer_restore_mem(inf, 0, b.p, b.n, "x", &e) == 0);
	ok((at = inside(&b, "\"kv_cache\":\"2\"")) != NULL);
	at[12] = '1';
	eq_int(jinfer_restore_mem(inf, 0, b.p, b.n, "x", &e), JERR_FORMAT);
	eq_str(e.msg, "x: a saved cache of version 1, expected 2: remove it, it is made again");
	at[12] = '2';
	e.code = 0;
	eq_int(jinfer_restore_mem(inf, 0, b.p, b.n / 2, "x", &e), JERR_FORMAT);
	b.p[8 + (unsigned char)b.p[0] + 256 * (unsigned char)b.p[1] + 3] = 1;	/* the first token */
	e.code = 0;
	eq_int(jinfer_restore_mem(inf, 0, b.p, b.n, "x", &e), JERR_FORMAT);
	ok(strstr(e.msg, "vocabulary") != NULL);
	eq_int(jinfer_length(inf, 0), 0);
	jbuf_release(&b);
}

static void
saving(struct jmodel *m, enum jdtype type, const char *dir)
{
	struct jinfer *a = engine(m, type, 1, 0), *b = engine(m, type, 2, 0), *other;
	struct jmodel *m2 = tiny(9);
	uint32_t ids[150];
	float want[V], got[V];
	struct jerr e = { 0 };
	const char *path = t_path(dir, "cache");

	random_ids(ids, 150, 8);
	ok(jinfer_save(a, 0, path, &e) < 0);
	e.code = 0;
	feed(a, 0, ids, 130, got);
	ok(jinfer_save(a, 0, path, &e) == 0);
	feed(a, 0, ids + 130, 20, want);
	if (!ok(jinfer_restore(b, 1, path, &e) == 0))
		printf("# %s\n", e.msg);
	eq_int(jinfer_length(b, 1), 130);
	eq_int(jinfer_begin(b, 0, 0, ids, 150), 130);	/* shared like any other */
	feed(b, 0, ids + 130, 20, got);
	ok(same(got, want));
	e.code = 0;
	other = engine(m2, type, 1, 0);
	eq_int(jinfer_restore(other, 0, path, &e), JERR_ARG);
	jinfer_free(other);
	other = engine(m, type == JDT_F32 ? JDT_F16 : JDT_F32, 1, 0);
	e.code = 0;
	eq_int(jinfer_restore(other, 0, path, &e), JERR_ARG);
	ok(strstr(e.msg, "--cache-type") != NULL);
	jinfer_free(other);
	other = engine(m, type, 1, 2);
	e.code = 0;
	eq_int(jinfer_restore(other, 0, path, &e), JERR_LIMIT);
	eq_int(jinfer_available(other), 2);
	jinfer_free(other);
	damaged(b, path);
	jinfer_free(a);
	jinfer_free(b);
	jmodel_free(m2);
}

/* How far the logits of a rounded cache are from those of f32, and how much smaller it is. */
static void
rounding(struct jmodel *m, enum jdtype type, double far, double share)
{
	uint32_t ids[300];
	float want[V], got[V];
	double worst = 0, top = 0;

	random_ids(ids, 300, 12);
	afresh(m, JDT_F32, ids, 300, want);
	afresh(m, type, ids, 300, got);
	for (int i = 0; i < V; i++) {
		worst = fmax(worst, fabs((double)(got[i] - want[i])));
		top = fmax(top, fabs((double)want[i]));
	}
	printf("# %s: %.2g of the largest logit\n", jdtype_name(type), worst / top);
	ok(worst > 0 && worst / top < far);
	near((double)jinfer_page_bytes(&m->cfg, type, type)
		/ (double)jinfer_page_bytes(&m->cfg, JDT_F32, JDT_F32), share, 0.001);
}

/* The tree alone: the oldest page goes first, and never one that another stands on. */
static void
tree(void)
{
	uint32_t ids[3][JKV_PAGE];
	struct pages p;
	size_t k;
	int32_t a, b;

	for (int i = 0; i < 3; i++)
		random_ids(ids[i], JKV_PAGE, 30 + (uint64_t)i);
	ok(pages_init(&p, 3));
	a = pages_take(&p, -1, 7);
	pages_know(&p, a, 0, ids[0], JKV_PAGE);
	b = pages_take(&p, a, 7);
	pages_know(&p, b, 0, ids[1], 5);
	eq_int(pages_find(&p, -1, 7, ids[0], 10, &k), a);
	eq_int(k, 10);
	eq_int(pages_find(&p, -1, 8, ids[0], 10, &k), -1);
	eq_int(pages_find(&p, a, 7, ids[1], 10, &k), b);
	eq_int(k, 5);
	ok(!pages_own(&p, a) && pages_own(&p, b));
	pages_unref(&p, b, false);
	pages_unref(&p, a, false);
	eq_int(pages_available(&p), 3);
	ok(pages_take(&p, -1, 7) != b);		/* the free one */
	eq_int(pages_take(&p, -1, 7), b);	/* then the leaf */
	eq_int(pages_take(&p, -1, 7), a);
	eq_int(pages_find(&p, -1, 7, ids[0], 10, &k), -1);
	eq_int(pages_available(&p), 0);
	pages_release(&p);
}

int
main(void)
{
	static const enum jdtype types[] = { JDT_F32, JDT_F16, JDT_Q8_0 };
	struct jmodel *m = tiny(1);
	const char *dir = t_tmpdir();
	struct jerr e = { 0 };

	tree();
	for (int i = 0; i < 3; i++) {
		sharing(m, types[i]);
		crowded(m, types[i], 0);
		saving(m, types[i], dir);
	}
	crowded(m, JDT_F32, 5);
	forking(m);
	shortage(m);
	too_long(m);
	rounding(m, JDT_F16, 1e-3, 0.5);
	rounding(m, JDT_Q8_0, 3e-2, 34.0 / 128);
	jmodel_free(m);
	ok(jfs_remove_tree(dir, &e) == 0);
	return t_done();
}
