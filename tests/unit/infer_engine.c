/*
 * The engine: what a sequence computes does not depend on how its tokens were fed, on the sequences
 * beside it, or on the number of threads; scoring agrees with torch; completions stop where they
 * must.
 */
#include "t.h"

#include "base/jle.h"
#include "infer/jinfer.h"
#include "infer/jnll.h"
#include "model/jsafetensors.h"

#define MAX_V 512

static struct jmodel *
load(const char *path)
{
	struct jmodel *m = NULL;
	struct jerr e = { 0 };

	if (!ok(jmodel_load(&m, path, &e) == 0))
		printf("# %s\n", e.msg);
	return m;
}

/* Logits of the last of n tokens, fed `step` at a time. */
static void
feed(struct jinfer *inf, int slot, const uint32_t *ids, size_t n, size_t step, float *logits)
{
	struct jerr e = { 0 };

	jinfer_reset(inf, slot);
	for (size_t at = 0; at < n; at += step) {
		struct jinfer_feed f = { .slot = slot, .ids = ids + at, .logits = logits };

		f.n = n - at < step ? n - at : step;
		ok(jinfer_feed(inf, &f, 1, &e) == 0);
	}
	eq_int(jinfer_length(inf, slot), n);
}

static void
invariance(const char *path)
{
	static const size_t lengths[4] = { 37, 1, 12, 60 };
	struct jmodel *m = load(path);
	struct jpar *pool = jpar_new(3);
	struct jinfer *one, *many;
	uint32_t ids[4][64];
	float alone[4][MAX_V], other[4][MAX_V];
	struct jinfer_feed f[4];
	struct jrand r;
	struct jerr e = { 0 };
	size_t bytes = (size_t)m->cfg.vocab_size * sizeof(float);

	ok(jinfer_new(&one, m, NULL, 1, 64, &e) == 0);
	ok(jinfer_new(&many, m, pool, 4, 64, &e) == 0);
	jrand_init(&r, 1, 2);
	memset(f, 0, sizeof(f));
	for (int s = 0; s < 4; s++) {
		for (size_t i = 0; i < lengths[s]; i++)
			ids[s][i] = (uint32_t)jrand_below(&r, (uint64_t)m->cfg.vocab_size);
		feed(one, 0, ids[s], lengths[s], 64, alone[s]);
		feed(one, 0, ids[s], lengths[s], 1, other[s]);
		ok(memcmp(alone[s], other[s], bytes) == 0);
		feed(one, 0, ids[s], lengths[s], 7, other[s]);
		ok(memcmp(alone[s], other[s], bytes) == 0);
		f[s] = (struct jinfer_feed){ .slot = s, .ids = ids[s], .n = lengths[s],
			.logits = other[s] };
	}
	ok(jinfer_feed(many, f, 4, &e) == 0);	/* 110 rows: several chunks across borders */
	for (int s = 0; s < 4; s++)
		ok(memcmp(alone[s], other[s], bytes) == 0);
	f[0].n = 64;
	eq_int(jinfer_feed(many, f, 1, &e), JERR_LIMIT);
	ids[1][0] = 9999;
	e.code = 0;
	eq_int(jinfer_feed(many, &f[1], 1, &e), JERR_ARG);
	jinfer_free(one);
	jinfer_free(many);
	jpar_free(pool);
	jmodel_free(m);
}

static void
scoring(const char *name)
{
	char path[256];
	struct jmodel *m;
	struct jst *o;
	struct jerr e = { 0 };
	const struct jst_tensor *ids, *want;
	uint32_t seq[64];
	struct jids all = { seq, 0, 0 }, some = { seq + 4, 7, 0 };
	double nll[64], diff = 0, windowed[64];
	size_t T;

	snprintf(path, sizeof(path), "tests/ref/%s", name);
	m = load(path);
	snprintf(path, sizeof(path), "tests/ref/%s.oracle.safetensors", name);
	if (!m || !ok(jst_open(&o, path, &e) == 0))
		return;
	ids = jst_find(o, "ids");
	want = jst_find(o, "nll");
	T = (size_t)ids->shape[1];
	for (size_t t = 0; t < T; t++)
		seq[t] = jle_u32(ids->data + 4 * t);
	all.n = T;
	ok(jinfer_nll(m, NULL, &all, (int)m->cfg.context, nll, &e) == 0);
	near(nll[0], 0, 0);
	for (size_t t = 1; t < T; t++)
		diff = fmax(diff, fabs(nll[t] - (double)jle_f32(want->data + 4 * (t - 1))));
	near(diff, 0, 1e-5);
	/* windows of 8, moved by 4: the first 8 targets see all that stands before them */
	ok(jinfer_nll(m, NULL, &all, 8, windowed, &e) == 0);
	for (size_t t = 1; t <= 8; t++)
		near(windowed[t], nll[t], 1e-6);
	/* target 10 sees tokens 4 to 9 */
	ok(jinfer_nll(m, NULL, &some, 8, nll, &e) == 0);
	near(windowed[10], nll[6], 1e-5);
	jst_close(o);
	jmodel_free(m);
}

struct pieces {
	struct jbuf all;
	size_t n;
	int stop_after;
};

static int
on_text(void *arg, const char *p, size_t n)
{
	struct pieces *ps = arg;

	jbuf_add(&ps->all, p, n);
	ps->n++;
	return ps->stop_after && ps->n >= (size_t)ps->stop_after;
}

struct bench {
	struct jmodel *m;
	struct jtok *t;
	struct jtok_state *state;
	struct jinfer *inf;
};

static void
task(const struct bench *b, struct jgen_task *t, int slot)
{
	memset(t, 0, sizeof(*t));
	t->inf = b->inf;
	t->slot = slot;
	t->tok = b->t;
	t->state = b->state;
}

static void
complete(struct bench *b, const struct jgen_opts *o, struct jgen_result *r)
{
	static const uint32_t prompt[] = { 40, 41 };
	struct jgen_task t;
	struct jerr e = { 0 };

	jgen_result_init(r);
	task(b, &t, 0);
	t.prompt = prompt;
	t.n = 2;
	t.opts = o;
	t.result = r;
	if (!ok(jinfer_complete(&t, &e) == 0))
		printf("# %s\n", e.msg);
}

/* A random model over the 259 ids of the byte-level test tokenizer. */
static bool
open_bench(struct bench *b)
{
	struct jmodel_config c;
	struct jerr e = { 0 };

	memset(b, 0, sizeof(*b));
	ok(jmodel_preset(&c, "nano", &e) == 0);
	c.layers = 1;
	c.context = 48;
	c.init_std = 0.3;
	if (!ok(jtok_load(&b->t, "tests/ref/bytetok", &e) == 0)) {
		printf("# %s\n", e.msg);
		return false;
	}
	c.vocab_size = jtok_vocab_size(b->t);
	ok(jmodel_new(&b->m, &c, &e) == 0);
	jmodel_init_weights(b->m, 5);
	b->state = jtok_state_new(b->t);
	return ok(jinfer_new(&b->inf, b->m, NULL, 3, 48, &e) == 0);
}

static void
close_bench(struct bench *b)
{
	jinfer_free(b->inf);
	jtok_state_free(b->state);
	jtok_free(b->t);
	jmodel_free(b->m);
}

static void
stopping(struct bench *b)
{
	struct pieces ps = { .n = 0 };
	struct jgen_opts o = { .sample = JSAMPLE_OPTS_INIT, .max_tokens = 20, .ignore_eos = true,
		.on_text = on_text, .arg = &ps };
	struct jgen_result full, r;
	const char *stop[] = { "never there", NULL, NULL };
	char needle[4] = "";

	jbuf_init(&ps.all);
	complete(b, &o, &full);
	eq_str(full.finish, "length");
	eq_int(full.ids.n, 20);
	ok(ps.all.n == full.text.n && memcmp(ps.all.p, full.text.p, full.text.n) == 0);
	if (!ok(full.text.n >= 12))
		return;
	memcpy(needle, full.text.p + 7, 3);	/* three tokens of one byte each */
	stop[1] = needle;
	o.stop = stop;
	jbuf_reset(&ps.all);
	complete(b, &o, &r);
	eq_str(r.finish, "stop");
	ok(r.text.n <= 7 && memcmp(r.text.p, full.text.p, r.text.n) == 0);
	ok(ps.all.n == r.text.n && memcmp(ps.all.p, r.text.p, r.text.n) == 0);
	jgen_result_release(&r);
	o.stop = NULL;
	o.max_tokens = 1000;
	complete(b, &o, &r);
	eq_str(r.finish, "context");
	eq_int(r.ids.n, 48 - 2 + 1);	/* the last one needs no place of its own */
	jgen_result_release(&r);
	ps.n = 0;
	ps.stop_after = 3;
	complete(b, &o, &r);
	eq_str(r.finish, "stop");
	jgen_result_release(&r);
	o.max_tokens = 0;
	complete(b, &o, &r);
	eq_int(r.ids.n, 0);
	eq_str(r.finish, "length");
	jgen_result_release(&r);
	jgen_result_release(&full);
	jbuf_release(&ps.all);
}

/* Three sequences together give what each gives alone. */
static void
together(struct bench *b)
{
	static const uint32_t prompt[3][3] = { { 40, 41, 42 }, { 7, 8, 9 }, { 100, 3, 5 } };
	struct jgen_opts o[3];
	struct jgen_result alone[3], joint[3];
	struct jgen *g[3];
	struct jgen_task t, late[3];
	struct jerr e = { 0 };
	bool all_done = false;

	for (int i = 0; i < 3; i++) {
		o[i] = (struct jgen_opts){ .sample = JSAMPLE_OPTS_INIT, .max_tokens = 5 + 9 * i,
			.ignore_eos = true, .seed = 4, .key = (uint64_t)i };
		jgen_result_init(&alone[i]);
		jgen_result_init(&joint[i]);
		task(b, &t, 0);
		t.prompt = prompt[i];
		t.n = (size_t)i + 1;
		t.opts = &o[i];
		t.result = &alone[i];
		ok(jinfer_complete(&t, &e) == 0);
		t.slot = i;
		t.result = &joint[i];
		late[i] = t;
	}
	for (int i = 0; i < 3; i++)
		ok(jgen_start(&g[i], &late[i], &e) == 0);
	while (!all_done) {
		ok(jgen_step(g, 3, &e) == 0);
		all_done = jgen_done(g[0]) && jgen_done(g[1]) && jgen_done(g[2]);
	}
	for (int i = 0; i < 3; i++) {
		eq_int(joint[i].ids.n, alone[i].ids.n);
		ok(memcmp(joint[i].ids.v, alone[i].ids.v, alone[i].ids.n * sizeof(uint32_t)) == 0);
		jgen_free(g[i]);
		jgen_result_release(&alone[i]);
		jgen_result_release(&joint[i]);
	}
}

/* Text comes in whole characters: a model that writes nothing but first bytes of two. */
static void
characters(struct bench *b)
{
	struct jgen_opts o = { .max_tokens = 9, .ignore_eos = true };
	struct jgen *g;
	struct jgen_task t;
	struct jgen_result r;
	struct pieces ps = { .n = 0 };
	struct jerr e = { 0 };
	const uint32_t prompt[] = { 0 };
	struct jparam *embed = &b->m->params[0];
	int64_t C = b->m->cfg.hidden, first = jtok_id(b->t, "\xc3\x83");	/* byte C3 */

	if (!ok(first >= 0))
		return;
	for (size_t i = 1; i < b->m->n_params; i++)	/* the block adds nothing */
		if (b->m->params[i].n_dims == 2)
			memset(b->m->params[i].value, 0, (size_t)(b->m->params[i].shape[0] *
				b->m->params[i].shape[1]) * sizeof(float));
	memset(embed->value, 0, (size_t)(embed->shape[0] * C) * sizeof(float));
	embed->value[0] = 1;	/* what follows looks like column 0: `first` most of all */
	embed->value[first * C] = 3;
	o.on_text = on_text;
	o.arg = &ps;
	o.sample = (struct jsample_opts){ .temperature = 0, .top_p = 1, .repeat_penalty = 1 };
	jbuf_init(&ps.all);
	jgen_result_init(&r);
	task(b, &t, 0);
	t.prompt = prompt;
	t.n = 1;
	t.opts = &o;
	t.result = &r;
	ok(jgen_start(&g, &t, &e) == 0);
	while (!jgen_done(g)) {
		ok(jgen_step(&g, 1, &e) == 0);
		if (!jgen_done(g))	/* the last C3 may be the start of a character */
			eq_int(ps.all.n, r.text.n - 1);
	}
	eq_int(r.text.n, 9);
	ok(ps.all.n == 9 && (unsigned char)ps.all.p[0] == 0xc3);
	jgen_free(g);
	jgen_result_release(&r);
	jbuf_release(&ps.all);
}

int
main(void)
{
	struct bench b;

	invariance("tests/ref/llama/gqa");
	invariance("tests/ref/qwen3/tied");
	scoring("llama/gqa");
	scoring("llama/scaled");
	scoring("qwen3/untied");
	if (open_bench(&b)) {
		stopping(&b);
		together(&b);
		characters(&b);
	}
	close_bench(&b);
	return t_done();
}
