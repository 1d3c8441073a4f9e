/* Language models: KenLM's scores, ARPA and binary, damage, training that adds up to one. */
#include "t.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/jmem.h"
#include "io/jio.h"
#include "text/jlm.h"

static double
sentence(const struct jlm *m, char *s)
{
	struct jlm_state state;
	double sum = 0;
	char *w;

	jlm_begin(m, &state);
	for (w = strtok(s, " "); w; w = strtok(NULL, " "))
		sum += jlm_score(m, &state, w, strlen(w));
	return sum + jlm_end(m, &state);
}

static void
same_as_kenlm(const struct jlm *m)
{
	struct jin *in;
	char *line, *tab;
	double want;
	size_t n;

	if (!ok(jin_open(&in, "tests/ref/lm/kenlm.tsv", NULL) == 0))
		return;
	while (jin_line(in, &line, &n, NULL) == 1) {
		tab = strchr(line, '\t');
		*tab = 0;
		want = strtod(tab + 1, NULL);
		near(sentence(m, line), want, 2e-5);
	}
	jin_close(in);
}

static void
binary(struct jbuf *file)
{
	struct jlm *m;
	struct jerr e = { 0 };
	size_t n, refused = 0, tries = 0;

	ok(jlm_open_mem(&m, file->p, file->n, "m", NULL) == 0);
	same_as_kenlm(m);
	eq_int(jlm_order(m), 3);
	jlm_free(m);
	for (n = 8; n < file->n; n += 7, tries++)
		refused += jlm_open_mem(&m, file->p, n, "m", NULL) < 0;
	eq_int(refused, tries);
	file->p[200] ^= 1;
	ok(jlm_open_mem(&m, file->p, file->n, "m", &e) == JERR_FORMAT && strstr(e.msg, "checksum"));
}

static void
bad_arpa(void)
{
	static const char *const bad[] = {
		"", "\\data\\\n", "\\data\\\nngram 1=1\n", "\\data\\\nngram 2=1\n\\1-grams:\n",
		"\\data\\\nngram 1=2\n\n\\1-grams:\n-1\ta\n\n\\end\\\n",
		"\\data\\\nngram 1=1\n\n\\1-grams:\nx\ta\n\n\\end\\\n",
		"\\data\\\nngram 1=1\n\n\\1-grams:\n0.5\ta\n\n\\end\\\n",
		"\\data\\\nngram 1=2\n\n\\1-grams:\n-1\ta\n-2\ta\n\n\\end\\\n",
		"\\data\\\nngram 1=1\nngram 2=1\n\n\\1-grams:\n-1\ta\n\n\\2-grams:\n-1\ta\n\n\\end\\\n",
		"\\data\\\nngram 1=1\n\n\\1-grams:\n-1\ta\n"
	};
	struct jlm *m;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		eq_int(jlm_open_mem(&m, bad[i], strlen(bad[i]), "m", NULL), JERR_FORMAT);
}

/* A pruned model may list an n-gram without the shorter ones at its end. */
static void
holes(void)
{
	static const char text[] = "\\data\\\nngram 1=4\nngram 2=1\nngram 3=1\n\n\\1-grams:\n-1\t<s>\t-0.5\n"
		"-1\t</s>\n-1\ta\t-0.25\n-1\tb\t-0.125\n\n\\2-grams:\n-0.5\t<s> a\t-0.0625\n\n"
		"\\3-grams:\n-0.03125\t<s> a b\n\n\\end\\\n";
	struct jlm *m;
	char s[] = "a b", unknown[] = "c";

	if (!ok(jlm_open_mem(&m, text, sizeof(text) - 1, "m", NULL) == 0))
		return;
	near(sentence(m, s), -0.5 - 0.03125 - 0.125 - 1, 1e-6);
	near(sentence(m, unknown), -100 - 0.5 - 1, 1e-5);
	jlm_free(m);
}

static int
keep(void *arg, const void *p, size_t n, struct jerr *e)
{
	(void)e;
	jbuf_add(arg, p, n);
	return 0;
}

static int
train_words(struct jbuf *out, const struct jlm_opts *o, int words, struct jerr *e)
{
	const struct jlm_sink sink = { keep, out };
	struct jlm_trainer *t;
	char line[256];
	int i, k, rc;

	jbuf_reset(out);
	rc = jlm_train_open(&t, o, e);
	for (i = 0; i < words && rc == 0; i++) {
		k = i * 7919 % words;
		snprintf(line, sizeof(line), "Word%d follows word%d and\nword%d.\n", k, k / 3, i % 17);
		rc = jlm_train_add(t, line, strlen(line), e);
	}
	if (rc == 0)
		return jlm_train_finish(t, &sink, e);
	jlm_train_abort(t);
	return rc;
}

/* The memory changes where numbers wait, not what comes out; the binary is that of the ARPA file. */
static void
bounded(void)
{
	struct jlm_opts o = { .order = 3, .min_count = 1, .memory = 256 << 20 };
	struct jbuf wide, small, file, made;
	struct jerr e = { 0 };
	struct jlm *m;

	jbuf_init(&wide);
	jbuf_init(&small);
	jbuf_init(&file);
	jbuf_init(&made);
	eq_int(train_words(&wide, &o, 20000, &e), 0);
	o.memory = 16 << 20;
	eq_int(train_words(&small, &o, 20000, &e), 0);
	ok(wide.n == small.n && memcmp(wide.p, small.p, wide.n) == 0);
	o.binary = true;
	eq_int(train_words(&made, &o, 20000, &e), 0);
	if (ok(jlm_open_mem(&m, wide.p, wide.n, "arpa", &e) == 0)) {
		jlm_write(m, &file);
		jlm_free(m);
	}
	ok(file.n == made.n && memcmp(file.p, made.p, file.n) == 0);
	o.memory = 1 << 20;
	eq_int(train_words(&small, &o, 20000, &e), JERR_LIMIT);
	ok(strstr(e.msg, "different words") != NULL);
	/* More words than the first table has room for, by far. */
	o.memory = 256 << 20;
	o.order = 1;
	eq_int(train_words(&small, &o, 120000, &e), 0);
	jbuf_release(&wide);
	jbuf_release(&small);
	jbuf_release(&file);
	jbuf_release(&made);
}

static void
trained(void)
{
	const struct jlm_opts o = { .order = 3, .min_count = 1, .memory = 64 << 20 };
	static const char text[] = "The cat sat.\nThe dog sat.\n\nA cat saw a dog and the dog saw a cat.\n";
	static const char *const words[] = { "the", "cat", "sat", "dog", "a", "saw", "and", "<unk>" };
	struct jlm_trainer *t;
	struct jlm_state s, after;
	struct jbuf arpa;
	const struct jlm_sink sink = { keep, &arpa };
	struct jlm *m;
	double sum, one, two;
	size_t i;

	jbuf_init(&arpa);
	ok(jlm_train_open(&t, &o, NULL) == 0);
	ok(jlm_train_add(t, text, sizeof(text) - 1, NULL) == 0);
	ok(jlm_train_finish(t, &sink, NULL) == 0);
	if (!ok(jlm_open_mem(&m, arpa.p, arpa.n, "trained", NULL) == 0))
		return;
	jlm_begin(m, &s);
	jlm_score(m, &s, "the", 3);
	after = s;
	sum = pow(10, jlm_end(m, &after));
	for (i = 0; i < 8; i++) {
		after = s;
		sum += pow(10, jlm_score(m, &after, words[i], strlen(words[i])));
	}
	near(sum, 1, 1e-5);
	one = jlm_perplexity(m, text, sizeof(text) - 1);
	two = jlm_perplexity(m, "THE CAT\r\nSAT", 12);
	ok(one > 1 && one < 10 && two > one && isnan(jlm_perplexity(m, "\n!\n", 3)));
	jlm_free(m);
	jbuf_release(&arpa);
}

int
main(void)
{
	struct jlm *m;
	struct jbuf file;

	jbuf_init(&file);
	if (ok(jlm_open(&m, "tests/ref/lm/toy.arpa", NULL) == 0)) {
		same_as_kenlm(m);
		jlm_write(m, &file);
		jlm_free(m);
		binary(&file);
	}
	bad_arpa();
	holes();
	trained();
	bounded();
	jbuf_release(&file);
	return t_done();
}
