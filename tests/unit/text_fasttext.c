/* fastText models of our own: trained, written, read again; damaged files are refused. */
#include "t.h"

#include <stdio.h>

#include "base/jmem.h"
#include "text/jfasttext.h"

static void
train(struct jfasttext **m, uint64_t seed)
{
	static const char *const good[] = { "the function returns a list", "an error is raised if it fails",
		"the value of the option is a number", "call it with the name of a file" };
	static const char *const bad[] = { "buy cheap pills now now", "click here to win money",
		"best casino bonus online", "cheap money click now" };
	struct jfasttext_opts o = JFASTTEXT_OPTS_INIT;
	struct jfasttext_trainer *t;
	int i;

	o.dim = 8;
	o.buckets = 100;
	o.epochs = 50;
	o.rate = 0.5;
	o.seed = seed;
	ok(jfasttext_train_open(&t, &o, NULL) == 0);
	for (i = 0; i < 4; i++) {
		ok(jfasttext_train_add(t, "good", good[i], strlen(good[i]), NULL) == 0);
		ok(jfasttext_train_add(t, "bad", bad[i], strlen(bad[i]), NULL) == 0);
	}
	ok(jfasttext_train_finish(t, m, NULL) == 0);
}

static void
round_trip(struct jbuf *file)
{
	struct jfasttext_bench *b = jfasttext_bench_new();
	struct jfasttext *m, *again, *other;
	struct jfasttext_guess g[2], h[2];
	struct jbuf same;

	train(&m, 1);
	jfasttext_write(m, file);
	eq_int(jfasttext_labels(m), 2);
	ok(jfasttext_find_label(m, "good") >= 0 && jfasttext_find_label(m, "none") == -1);
	ok(jfasttext_open_mem(&again, file->p, file->n, "m", NULL) == 0);
	eq_int(jfasttext_predict(m, b, "the name of the option", 22, 2, g), 2);
	eq_int(jfasttext_predict(again, b, "the name of the option", 22, 2, h), 2);
	eq_str(jfasttext_label(m, (size_t)g[0].label), "good");
	ok(g[0].p == h[0].p && g[0].p > 0.8);
	near(g[0].p + g[1].p, 1, 1e-4);
	ok(jfasttext_probability(m, b, "cheap casino money", 18, jfasttext_find_label(m, "bad")) > 0.8);
	/* Line ends and blanks are one thing. */
	jfasttext_predict(m, b, "\tthe name\nof  the option\r\n", 26, 2, h);
	ok(g[0].p == h[0].p);
	train(&other, 1);
	jbuf_init(&same);
	jfasttext_write(other, &same);
	ok(same.n == file->n && memcmp(same.p, file->p, same.n) == 0);
	jbuf_release(&same);
	jfasttext_free(m);
	jfasttext_free(again);
	jfasttext_free(other);
	jfasttext_bench_free(b);
}

static void
damaged(const struct jbuf *file)
{
	struct jfasttext *m;
	struct jerr e = { 0 };
	char *copy = jmem_alloc(file->n, 1);
	size_t n, refused = 0, tries = 0;

	for (n = 0; n < file->n; n += 1 + n / 16, tries++)
		refused += jfasttext_open_mem(&m, file->p, n, "m", NULL) < 0;
	eq_int(refused, tries);
	memcpy(copy, file->p, file->n);
	copy[8] = (char)0xff;		/* dim */
	copy[11] = (char)0xff;
	ok(jfasttext_open_mem(&m, copy, file->n, "m", &e) == JERR_FORMAT && strstr(e.msg, "dim"));
	ok(jfasttext_open_mem(&m, "not a model at all, no", 22, "m", NULL) == JERR_FORMAT);
	jmem_free(copy);
}

static void
refused_options(void)
{
	struct jfasttext_opts o = JFASTTEXT_OPTS_INIT;
	struct jfasttext_trainer *t;
	struct jfasttext *m;

	ok(jfasttext_train_open(&t, &o, NULL) == 0);
	ok(jfasttext_train_add(t, "two words", "x", 1, NULL) == JERR_ARG);
	ok(jfasttext_train_add(t, "a", "x", 1, NULL) == 0);
	ok(jfasttext_train_finish(t, &m, NULL) == JERR_ARG);
	o.rate = 0;
	ok(jfasttext_train_open(&t, &o, NULL) == JERR_ARG);
}

/* What does not fit is refused, and the refusal says what would fit. */
static void
bounded(void)
{
	struct jfasttext_opts o = JFASTTEXT_OPTS_INIT;
	struct jfasttext_trainer *t;
	struct jfasttext *m;
	struct jerr e = { 0 };
	char text[64];
	int i, rc = 0;

	o.memory = 16 << 20;		/* 2^18 buckets of 32 numbers are 32 MiB */
	ok(jfasttext_train_open(&t, &o, &e) == 0);
	ok(jfasttext_train_add(t, "a", "one two", 7, &e) == 0);
	ok(jfasttext_train_add(t, "b", "two three", 9, &e) == 0);
	ok(jfasttext_train_finish(t, &m, &e) == JERR_LIMIT && strstr(e.msg, "buckets would"));
	o.buckets = 1000;
	o.memory = 1 << 20;
	o.epochs = 1;
	e.code = 0;
	ok(jfasttext_train_open(&t, &o, &e) == 0);
	for (i = 0; i < 100000 && rc == 0; i++) {
		snprintf(text, sizeof(text), "word%d and word%d of a text", i, i / 2);
		rc = jfasttext_train_add(t, i % 2 ? "a" : "b", text, strlen(text), &e);
	}
	ok(rc == JERR_LIMIT && i > 100 && strstr(e.msg, "different words"));
	jfasttext_train_abort(t);
}

int
main(void)
{
	struct jbuf file;

	jbuf_init(&file);
	round_trip(&file);
	damaged(&file);
	refused_options();
	bounded();
	jbuf_release(&file);
	return t_done();
}
