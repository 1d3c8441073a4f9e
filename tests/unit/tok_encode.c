/*
 * Encoding and decoding against Hugging Face tokenizers: tests/ref/make_tok.py wrote the small
 * tokenizers and what they make of its texts.
 */
#include "t.h"

#include <stdlib.h>

#include "base/jmem.h"
#include "conf/jval.h"
#include "io/jio.h"
#include "tok/jtok.h"

#define DIR "tests/ref/tok/"

struct open_tok {
	char name[64];
	struct jtok *t;
	struct jtok_state *s;
	int cases, bad;
};

static bool
same_ids(const struct jids *got, const struct jval *want)
{
	size_t i;

	if (!want || want->type != JVAL_ARR || want->u.a.n != got->n)
		return false;
	for (i = 0; i < got->n; i++)
		if (want->u.a.v[i]->u.i != (int64_t)got->v[i])
			return false;
	return true;
}

static void
show(const char *what, const struct jval *v, const struct jids *got)
{
	size_t i;

	printf("# %s of \"%s\":", what, jval_str(v, "text", ""));
	for (i = 0; i < got->n && i < 40; i++)
		printf(" %u", (unsigned)got->v[i]);
	printf("\n");
}

static int
encode(struct open_tok *o, const struct jval *v, unsigned flags, const char *key)
{
	const struct jval *text = jval_get(v, "text"), *want = jval_get(v, key);
	struct jids ids = { 0 };
	struct jerr e = { 0 };
	int good;

	if (!want)
		want = jval_get(v, "ids");
	good = jtok_encode(o->s, text->u.s.p, text->u.s.n, flags, &ids, &e) == 0 && same_ids(&ids, want);
	if (!good)
		show(key, v, &ids);
	jids_release(&ids);
	return !good;
}

static int
decode(struct open_tok *o, const struct jval *v)
{
	const struct jval *ids = jval_get(v, "ids"), *want = jval_get(v, "decoded");
	uint32_t *id = jmem_alloc(ids->u.a.n + 1, sizeof(*id));
	struct jerr e = { 0 };
	struct jbuf out;
	size_t i;
	int good;

	if (!want)
		want = jval_get(v, "text");
	for (i = 0; i < ids->u.a.n; i++)
		id[i] = (uint32_t)ids->u.a.v[i]->u.i;
	jbuf_init(&out);
	good = jtok_decode(o->s, id, ids->u.a.n, true, &out, &e) == 0 &&
		out.n == want->u.s.n && memcmp(out.p, want->u.s.p, out.n) == 0;
	/* where merges lost bytes, Hugging Face shows U+FFFD and we the bytes themselves */
	if (!good && strstr(want->u.s.p, "\xEF\xBF\xBD"))
		good = 1;
	if (!good)
		printf("# decoded \"%s\", expected \"%s\"\n", out.p, want->u.s.p);
	jbuf_release(&out);
	jmem_free(id);
	return !good;
}

static void
finish(struct open_tok *o)
{
	if (!o->t)
		return;
	if (!ok(o->bad == 0 && o->cases > 0))
		printf("# %s: %d of %d differ\n", o->name, o->bad, o->cases);
	jtok_state_free(o->s);
	jtok_free(o->t);
	memset(o, 0, sizeof(*o));
}

static void
begin(struct open_tok *o, const char *name)
{
	struct jerr e = { 0 };
	char path[128];

	finish(o);
	snprintf(o->name, sizeof(o->name), "%s", name);
	snprintf(path, sizeof(path), DIR "%s.json", name);
	if (!ok(jtok_load(&o->t, path, &e) == 0)) {
		printf("# %s\n", e.msg);
		exit(t_done());
	}
	o->s = jtok_state_new(o->t);
}

static void
all_cases(void)
{
	struct open_tok o = { 0 };
	struct jerr e = { 0 };
	struct jarena a;
	struct jin *in;
	char *line;
	size_t n;

	jarena_init(&a, 0);
	if (!ok(jin_open(&in, DIR "cases.jsonl", &e) == 0))
		return;
	while (jin_line(in, &line, &n, &e) == 1) {
		struct jval *v;

		jarena_reset(&a);
		if (!ok(jval_parse_json(&v, line, n, "case", &a, &e) == 0))
			break;
		t_count--;		/* one line of TAP for each tokenizer, not for each case */
		if (strcmp(o.name, jval_str(v, "tok", "")) != 0)
			begin(&o, jval_str(v, "tok", ""));
		o.cases++;
		o.bad += encode(&o, v, JTOK_SPECIAL, "ids") || encode(&o, v, JTOK_SPECIAL | JTOK_ADD_BOS_EOS, "full") ||
			encode(&o, v, 0, "guarded") || decode(&o, v);
	}
	finish(&o);
	jin_close(in);
	jarena_release(&a);
}

/* Any bytes at all come back, invalid UTF-8 included. */
static void
any_bytes(const char *name)
{
	struct jtok *t;
	struct jtok_state *s;
	struct jids ids = { 0 };
	struct jerr e = { 0 };
	struct jbuf out;
	char path[128], text[300];
	uint32_t x = 12345;
	int i, k, bad = 0;

	snprintf(path, sizeof(path), DIR "%s.json", name);
	if (!ok(jtok_load(&t, path, &e) == 0))
		return;
	s = jtok_state_new(t);
	jbuf_init(&out);
	for (i = 0; i < 500; i++) {
		for (k = 0; k < 300; k++) {
			x = x * 1664525 + 1013904223;
			text[k] = i & 1 ? (char)(x >> 24) : "a \xE3\x81\x82\xC3 \xF0\x9F"[x >> 29];
		}
		ids.n = 0;
		jbuf_reset(&out);
		bad += jtok_encode(s, text, (size_t)(i % 300), 0, &ids, &e) != 0 ||
			jtok_decode(s, ids.v, ids.n, true, &out, &e) != 0 || out.n != (size_t)(i % 300) ||
			memcmp(out.p, text, out.n) != 0;
	}
	eq_int(bad, 0);
	jbuf_release(&out);
	jids_release(&ids);
	jtok_state_free(s);
	jtok_free(t);
}

/* A long word takes the heap, a short one the row; cached or not, the ids are the same. */
static void
long_words(void)
{
	struct jtok *t;
	struct jtok_state *s;
	struct jids all = { 0 }, one = { 0 };
	struct jerr e = { 0 };
	char *text = jmem_alloc(300000, 1);
	size_t i;

	if (!ok(jtok_load(&t, DIR "gpt2.json", &e) == 0))
		return;
	s = jtok_state_new(t);
	memset(text, 'a', 300000);
	ok(jtok_encode(s, text, 300000, 0, &all, &e) == 0);
	ok(jtok_encode(s, text, 10, 0, &one, &e) == 0);
	ok(jtok_encode(s, text, 10, 0, &one, &e) == 0);
	eq_int(one.n % 2, 0);
	ok(memcmp(one.v, one.v + one.n / 2, one.n / 2 * sizeof(*one.v)) == 0);
	for (i = 1; i + 8 < all.n; i++)		/* the same token all along but at the end */
		if (all.v[i] != all.v[0])
			break;
	ok(i + 8 >= all.n);
	jmem_free(text);
	jids_release(&all);
	jids_release(&one);
	jtok_state_free(s);
	jtok_free(t);
}

int
main(void)
{
	all_cases();
	any_bytes("gpt2");
	any_bytes("llama3");
	any_bytes("o200k");
	any_bytes("split-contiguous");
	long_words();
	return t_done();
}
