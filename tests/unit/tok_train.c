/* Training makes the merges that Hugging Face's trainer makes (tests/ref/make_tok.py fixtures). */
#include "t.h"

#include <stdlib.h>

#include "io/jio.h"
#include "tok/jtoktrain.h"
#include "tok/tok.h"

static struct jbuf text;

static uint64_t
merge_lines(struct jtok_trainer *tr, const char *pre, size_t tables, struct jerr *e)
{
	struct jtok_count *c[8];
	size_t i, from = 0, k = 0;

	for (i = 0; i < tables; i++)
		c[i] = jtok_count_new(pre);
	while (from < text.n) {
		const char *end = memchr(text.p + from, '\n', text.n - from);
		size_t n = end ? (size_t)(end + 1 - (text.p + from)) : text.n - from;

		jtok_count_text(c[k++ % tables], text.p + from, n);
		from += n;
		if (k % 50 == 0)
			for (i = 0; i < tables; i++)
				if (jtok_trainer_add(tr, c[i], e))
					return 0;
	}
	for (i = 0; i < tables; i++) {
		if (jtok_trainer_add(tr, c[i], e))
			return 0;
		jtok_count_free(c[i]);
	}
	return k;
}

static struct jtok *
train(const char *pre, size_t tables, uint64_t memory, struct jerr *e)
{
	struct jtok_train_opts o = { 1500, 2, memory, pre, jtok_default_special, 4 };
	struct jtok_trainer *tr;
	struct jtok *t = NULL;

	if (jtok_trainer_new(&tr, &o, e))
		return NULL;
	if (merge_lines(tr, pre, tables, e))
		jtok_trainer_run(tr, &t, NULL, NULL, e);
	jtok_trainer_free(tr);
	return t;
}

/* Differing merges between t and the file, and whether their number is the same. */
static int
differing(const struct jtok *t, const char *pre)
{
	struct jerr e = { 0 };
	struct jin *in;
	struct jbuf line;
	char path[128], *p;
	size_t n, i = 0;
	int bad = 0;

	snprintf(path, sizeof(path), "tests/ref/tok/merges-%s.txt", pre);
	if (jin_open(&in, path, &e))
		return -1;
	jbuf_init(&line);
	for (; jin_line(in, &p, &n, &e) == 1; i += 3) {
		size_t k, len;

		if (i >= t->merges.n) {
			bad++;
			continue;
		}
		jbuf_reset(&line);
		for (k = 0; k < 2; k++) {
			const char *s = tok_vocab_text(&t->vocab, t->merges.v[i + k], &len);

			tok_bytes_to_text(s, len, &line);
			if (!k)
				jbuf_addc(&line, ' ');
		}
		if (line.n != n || memcmp(line.p, p, n) != 0)
			bad++;
	}
	jin_close(in);
	jbuf_release(&line);
	return bad + (i != t->merges.n);
}

static void
like_hugging_face(const char *pre)
{
	struct jerr e = { 0 };
	struct jtok *one = train(pre, 1, 64 << 20, &e), *many, *tight;
	unsigned char a[32], b[32];

	if (!ok(one != NULL)) {
		printf("# %s\n", e.msg);
		return;
	}
	eq_int(differing(one, pre), 0);
	jtok_fingerprint(one, a);
	many = train(pre, 5, 64 << 20, &e);
	ok(many != NULL);
	jtok_fingerprint(many, b);
	ok(memcmp(a, b, 32) == 0);
	tight = train(pre, 2, 8 << 10, &e);	/* counting has to spill, words go to files */
	if (ok(tight != NULL)) {
		jtok_fingerprint(tight, b);
		ok(memcmp(a, b, 32) == 0);
	} else {
		printf("# %s\n", e.msg);
	}
	eq_int(jtok_eos(one), 0);
	eq_int(jtok_pad(one), 3);
	ok(jtok_is_special(one, 1) && !jtok_is_special(one, 4));
	ok(jtok_chat_template(one) != NULL);
	jtok_free(one);
	jtok_free(many);
	jtok_free(tight);
}

static void
refused(void)
{
	struct jtok_train_opts o = { 200, 2, 1 << 20, "llama3", jtok_default_special, 4 };
	struct jtok_trainer *tr;
	struct jerr e = { 0 };

	eq_int(jtok_trainer_new(&tr, &o, &e), JERR_ARG);
	ok(strstr(e.msg, "at least 260") != NULL);
	jerr_clear(&e);
	o.vocab_size = 1500;
	o.pre = "words";
	eq_int(jtok_trainer_new(&tr, &o, &e), JERR_ARG);
	jerr_clear(&e);
	setenv("J_WORK", "/nonexistent", 1);
	ok(train("llama3", 1, 8 << 10, &e) == NULL);
	eq_int(e.code, JERR_IO);
	unsetenv("J_WORK");
}

int
main(void)
{
	struct jerr e = { 0 };

	jbuf_init(&text);
	if (!ok(jin_slurp("tests/ref/tok/train.txt", &text, &e) == 0))
		return t_done();
	like_hugging_face("gpt2");
	like_hugging_face("llama3");
	like_hugging_face("qwen2");
	refused();
	jbuf_release(&text);
	return t_done();
}
