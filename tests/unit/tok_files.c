/* Formats: saved and loaded again, GGUF, llama2.c, .tiktoken; damaged files; real ones if present. */
#include "t.h"

#include <stdlib.h>

#include "base/jle.h"
#include "conf/jval.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"
#include "t_tmp.h"
#include "tok/tok.h"

static const char *dir;
static const char sample[] = "The quick brown fox doesn't jump;\n\n  12345 \xC3\xA9t\xC3\xA9 \xE3\x81\x82 <|im_end|>\xF0\x9F\x99\x82";

static struct jids
ids_of(const struct jtok *t, const char *p, size_t n, unsigned flags)
{
	struct jtok_state *s = jtok_state_new(t);
	struct jids ids = { 0 };
	struct jerr e = { 0 };

	ok(jtok_encode(s, p, n, flags, &ids, &e) == 0);
	jtok_state_free(s);
	return ids;
}

static int
same(const struct jtok *a, const struct jtok *b, unsigned flags)
{
	struct jids x = ids_of(a, sample, sizeof(sample) - 1, flags);
	struct jids y = ids_of(b, sample, sizeof(sample) - 1, flags);
	int good = x.n == y.n && x.n > 0 && memcmp(x.v, y.v, x.n * sizeof(*x.v)) == 0;

	jids_release(&x);
	jids_release(&y);
	return good;
}

static struct jtok *
load(const char *path)
{
	struct jtok *t = NULL;
	struct jerr e = { 0 };

	if (jtok_load(&t, path, &e))
		printf("# %s\n", e.msg);
	return t;
}

static struct jtok *
load_ref(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "tests/ref/tok/%s.json", name);
	return load(path);
}

static void
save_and_load(const char *name)
{
	struct jtok *a = load_ref(name), *b;
	unsigned char x[32], y[32];
	struct jerr e = { 0 };

	if (!ok(a && jtok_save(a, t_path(dir, name), &e) == 0))
		return;
	b = load(t_path(dir, name));
	if (ok(b != NULL)) {
		jtok_fingerprint(a, x);
		jtok_fingerprint(b, y);
		ok(memcmp(x, y, 32) == 0);
		ok(same(a, b, JTOK_SPECIAL | JTOK_ADD_BOS_EOS));
		eq_int(jtok_vocab_size(a), jtok_vocab_size(b));
	}
	jtok_free(a);
	jtok_free(b);
}

static void
through_gguf(const char *name)
{
	struct jtok *a = load_ref(name), *b;
	const char *path = t_path(dir, "t.gguf");
	struct jgguf_writer *w;
	struct jerr e = { 0 };
	size_t n;

	if (!ok(a && jgguf_create(&w, path, &e) == 0))
		return;
	jgguf_put_str(w, "general.architecture", "llama", 5);
	ok(jtok_save_gguf(a, w, jtok_vocab_size(a) + 3, &e) == 0);
	ok(jgguf_commit(w, &e) == 0);
	b = load(path);
	if (ok(b != NULL)) {
		ok(same(a, b, JTOK_SPECIAL));
		eq_int(jtok_vocab_size(b), jtok_vocab_size(a) + 3);
		ok(jtok_bytes(b, jtok_vocab_size(a) + 1, &n) != NULL);
	}
	jtok_free(a);
	jtok_free(b);
}

static void
no_gguf_name(void)
{
	struct jtok *a = load_ref("split-removed");
	struct jgguf_writer *w;
	struct jerr e = { 0 };

	if (!a || jgguf_create(&w, t_path(dir, "x.gguf"), &e))
		return;
	eq_int(jtok_save_gguf(a, w, jtok_vocab_size(a), &e), JERR_UNSUPPORTED);
	jgguf_abort(w);
	jtok_free(a);
}

static void
put_piece(struct jbuf *b, float score, const char *s, size_t n)
{
	unsigned char head[8];
	uint32_t bits;

	memcpy(&bits, &score, 4);
	jle_put32(head, bits);
	jle_put32(head + 4, (uint32_t)n);
	jbuf_add(b, head, 8);
	jbuf_add(b, s, n);
}

/* llama2.c: 3 special, 256 bytes, then pieces with scores; merged by score, leftmost first. */
static void
llama2c(void)
{
	static const char *pieces[] = { "ab", "bc", "abc", "a", "b", "c", " ", " a", "aa" };
	static const float scores[] = { -2, -1, -3, -10, -11, -12, -13, -4, -5 };
	static const uint32_t want[] = { 259 + 6, 259 + 2, 3 + 'x', 259 + 8, 259 + 0 };
	const char *path = t_path(dir, "tok.bin");
	struct jerr e = { 0 };
	struct jids ids;
	struct jtok *t;
	struct jbuf b;
	size_t i;

	jbuf_init(&b);
	jbuf_add(&b, "\x06\0\0\0", 4);
	put_piece(&b, 0, "<unk>", 5);
	put_piece(&b, 0, "\n<s>\n", 5);
	put_piece(&b, 0, "\n</s>\n", 6);
	for (i = 0; i < 256; i++) {
		char name[8];

		snprintf(name, sizeof(name), "<0x%02X>", (unsigned)i);
		put_piece(&b, 0, name, 6);
	}
	for (i = 0; i < 9; i++)
		put_piece(&b, scores[i], pieces[i], strlen(pieces[i]));
	ok(jout_put(path, b.p, b.n, &e) == 0);
	t = load(path);
	if (ok(t != NULL)) {
		ids = ids_of(t, "abcxaaab", 8, 0);
		eq_int(ids.n, 5);
		ok(ids.n == 5 && memcmp(ids.v, want, sizeof(want)) == 0);
		eq_int(jtok_bos(t), 1);
		ok(jtok_adds_bos(t));
		jids_release(&ids);
		jtok_free(t);
	}
	ok(jout_put(path, b.p, b.n - 1, &e) == 0);
	eq_int(jtok_load(&t, path, &e), JERR_FORMAT);
	jbuf_release(&b);
}

static void
damaged(void)
{
	static const char *bad[] = {
		"{}", "{\"model\":{}}", "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}",
		"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":4000000000},\"merges\":[]}}",
		"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}",
		"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]}}",
		"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}",
		"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},\"normalizer\":{\"type\":\"No\"}}",
		"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},\"pre_tokenizer\":{\"type\":\"Split\","
			"\"pattern\":{\"Regex\":\"(\"},\"behavior\":\"Isolated\",\"invert\":false}}",
		"{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}", "YQ== x\n", "YQ== 0\nYg== 0\n", "",
	};
	const char *path = t_path(dir, "bad.json");
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct jerr e = { 0 };
		struct jtok *t;

		ok(jout_put(path, bad[i], strlen(bad[i]), &e) == 0);
		if (!ok(jtok_load(&t, path, &e) < 0 && e.msg[0]))
			printf("# taken: %s\n", bad[i]);
	}
}

/* Reference ids that came with the real vocabularies. */
static void
real(const char *expected, const char *tok, unsigned flags)
{
	const char *shared = getenv("J_TEST_SHARED");
	char path[1024];
	struct jerr e = { 0 };
	struct jarena a;
	struct jval *v;
	struct jtok *t;
	struct jids ids;
	size_t i, bad = 0;

	shared = shared && *shared ? shared : "../shared";
	snprintf(path, sizeof(path), "%s/data/tokenizers/expected/%s.json", shared, expected);
	jarena_init(&a, 0);
	if (!jfs_exists(path) || jval_load_json(&v, path, &a, &e)) {
		t_skip("no shared data: see J_TEST_SHARED");
		jarena_release(&a);
		return;
	}
	snprintf(path, sizeof(path), "%s/data/tokenizers/%s", shared, tok);
	t = load(path);
	if (ok(t != NULL)) {
		const struct jval *text = jval_get(v, "text"), *want = jval_get(v, "token_ids");

		ids = ids_of(t, text->u.s.p, text->u.s.n, flags);
		eq_int(ids.n, want->u.a.n);
		for (i = 0; i < ids.n && i < want->u.a.n; i++)
			bad += want->u.a.v[i]->u.i != (int64_t)ids.v[i];
		eq_int(bad, 0);
		jids_release(&ids);
		jtok_free(t);
	}
	jarena_release(&a);
}

int
main(void)
{
	static const char *all[] = { "gpt2", "gpt2-prefix", "llama3", "qwen2", "o200k", "spm", "metaspace",
		"suffix", "bert", "unigram", "norms", NULL };
	struct jerr e = { 0 };
	int i;

	dir = t_tmpdir();
	for (i = 0; all[i]; i++)
		save_and_load(all[i]);
	through_gguf("gpt2");
	through_gguf("llama3");
	through_gguf("qwen2");
	through_gguf("spm");
	no_gguf_name();
	llama2c();
	damaged();
	real("gpt2_encoded_tokens", "gpt2", 0);
	real("llama_encoded", "llama2/tokenizer.json", JTOK_ADD_BOS_EOS);
	real("llama_3.2_encoded", "llama3", JTOK_ADD_BOS_EOS);
	real("bert_uncased_encoded", "bert/vocab.txt", JTOK_ADD_BOS_EOS);
	jfs_remove_tree(dir, &e);
	return t_done();
}
