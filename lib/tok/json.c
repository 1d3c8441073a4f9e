/*
 * tokenizer.json of Hugging Face tokenizers; and the older vocab.json with merges.txt.
 */
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "tok.h"

#define MAX_FILE ((size_t)256 << 20)
#define MAX_WORD 1000		/* characters of a WordPiece word, which costs their square */

struct text {
	const char *p;
	size_t n;
};

struct loader {
	struct jtok *t;
	struct jbuf a, b, c;		/* scratch: token texts as bytes */
};

static void
loader_init(struct loader *l, struct jtok *t)
{
	l->t = t;
	jbuf_init(&l->a);
	jbuf_init(&l->b);
	jbuf_init(&l->c);
}

static void
loader_release(struct loader *l)
{
	jbuf_release(&l->a);
	jbuf_release(&l->b);
	jbuf_release(&l->c);
}

/* Are tokens kept as the bytes they stand for? */
static bool
as_bytes(const struct jtok *t)
{
	return t->byte_level && !t->suffix && !t->prefix;
}

/* Token text of the file as we keep it, into out; false where it stays printable. */
static bool
inner_text(const struct jtok *t, const char *p, size_t n, struct jbuf *out)
{
	jbuf_reset(out);
	if (as_bytes(t) && !tok_text_to_bytes(p, n, out)) {
		jbuf_add(out, p, n);
		return false;
	}
	if (!as_bytes(t))
		jbuf_add(out, p, n);
	return true;
}

static int
add_vocab(struct loader *l, int64_t id, const char *p, size_t n, struct jerr *e)
{
	bool find = inner_text(l->t, p, n, &l->a);

	if (id < 0 || id >= (int64_t)TOK_MAX_IDS)
		return jerr_set(e, JERR_FORMAT, "%s: token \"%.*s\" has id %lld", l->t->name,
			(int)(n < 60 ? n : 60), p, (long long)id);
	return tok_vocab_set(&l->t->vocab, (uint32_t)id, l->a.p, l->a.n, find, e);
}

static int
load_vocab(struct loader *l, const struct jval *v, struct jerr *e)
{
	size_t i;
	int rc = 0;

	if (!v || v->type != JVAL_OBJ)
		return jerr_set(e, JERR_FORMAT, "%s: the model has no vocabulary", l->t->name);
	for (i = 0; !rc && i < v->u.o.n; i++) {
		if (v->u.o.v[i]->type != JVAL_INT)
			return jerr_set(e, JERR_FORMAT, "%s: the id of token \"%.60s\" is no number", l->t->name,
				v->u.o.k[i]);
		rc = add_vocab(l, v->u.o.v[i]->u.i, v->u.o.k[i], strlen(v->u.o.k[i]), e);
	}
	return rc;
}

static int
add_merge(struct loader *l, uint32_t rank, struct text left, struct text right, struct jerr *e)
{
	struct jtok *t = l->t;
	size_t skip = t->prefix ? strlen(t->prefix) : 0;
	uint32_t x, y, z;

	inner_text(t, left.p, left.n, &l->a);
	inner_text(t, right.p, right.n, &l->b);
	jbuf_reset(&l->c);
	jbuf_add(&l->c, l->a.p, l->a.n);
	if (skip && (l->b.n < skip || memcmp(l->b.p, t->prefix, skip) != 0))
		skip = 0;
	jbuf_add(&l->c, l->b.p + skip, l->b.n - skip);
	x = tok_vocab_find(&t->vocab, l->a.p, l->a.n);
	y = tok_vocab_find(&t->vocab, l->b.p, l->b.n);
	z = tok_vocab_find(&t->vocab, l->c.p, l->c.n);
	if (x == TOK_NONE || y == TOK_NONE || z == TOK_NONE)
		return jerr_set(e, JERR_FORMAT, "%s: merge %u (\"%.*s\" \"%.*s\") is not of the vocabulary",
			t->name, (unsigned)rank, (int)(left.n < 60 ? left.n : 60), left.p,
			(int)(right.n < 60 ? right.n : 60), right.p);
	tok_pairs_add(&t->pairs, x, y, rank, z);
	jids_add(&t->merges, x);
	jids_add(&t->merges, y);
	jids_add(&t->merges, z);
	return 0;
}

/* "a b"; a token may not hold a space there. */
static int
add_merge_line(struct loader *l, uint32_t rank, const char *p, size_t n, struct jerr *e)
{
	const char *gap = memchr(p, ' ', n);
	size_t at = gap ? (size_t)(gap - p) : 0;

	if (!gap || at == 0 || at + 1 >= n || memchr(gap + 1, ' ', n - at - 1))
		return jerr_set(e, JERR_FORMAT, "%s: merge %u is \"%.*s\", expected two tokens", l->t->name,
			(unsigned)rank, (int)(n < 60 ? n : 60), p);
	return add_merge(l, rank, (struct text){ p, at }, (struct text){ gap + 1, n - at - 1 }, e);
}

static int
load_merges(struct loader *l, const struct jval *v, struct jerr *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && v && v->type == JVAL_ARR && i < v->u.a.n; i++) {
		const struct jval *m = v->u.a.v[i];

		if (m->type == JVAL_STR)
			rc = add_merge_line(l, (uint32_t)i, m->u.s.p, m->u.s.n, e);
		else if (m->type == JVAL_ARR && m->u.a.n == 2 && m->u.a.v[0]->type == JVAL_STR &&
		    m->u.a.v[1]->type == JVAL_STR)
			rc = add_merge(l, (uint32_t)i, (struct text){ m->u.a.v[0]->u.s.p, m->u.a.v[0]->u.s.n },
				(struct text){ m->u.a.v[1]->u.s.p, m->u.a.v[1]->u.s.n }, e);
		else
			rc = jerr_set(e, JERR_FORMAT, "%s: merge %zu is no pair", l->t->name, i);
	}
	return rc;
}

static const char *
keep(struct jtok *t, const char *s)
{
	return s && *s ? jarena_strndup(&t->arena, s, strlen(s)) : NULL;
}

static int
load_bpe(struct loader *l, const struct jval *m, struct jerr *e)
{
	struct jtok *t = l->t;
	const char *unk = jval_str(m, "unk_token", NULL);
	int rc;

	t->model = TOK_BPE;
	t->suffix = keep(t, jval_str(m, "end_of_word_suffix", NULL));
	t->prefix = keep(t, jval_str(m, "continuing_subword_prefix", NULL));
	t->fuse_unk = jval_bool(m, "fuse_unk", false);
	t->byte_fallback = jval_bool(m, "byte_fallback", false);
	t->ignore_merges = jval_bool(m, "ignore_merges", false);
	if (jval_num(m, "dropout", 0) != 0)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: BPE dropout is not offered", t->name);
	rc = load_vocab(l, jval_get(m, "vocab"), e);
	if (!rc)
		rc = load_merges(l, jval_get(m, "merges"), e);
	if (!rc && unk)
		t->unk = tok_vocab_find(&t->vocab, unk, strlen(unk));
	return rc;
}

static int
load_wordpiece(struct loader *l, const struct jval *m, struct jerr *e)
{
	struct jtok *t = l->t;
	const char *unk = jval_str(m, "unk_token", "[UNK]");
	int64_t chars;
	int rc = load_vocab(l, jval_get(m, "vocab"), e);

	t->model = TOK_WORDPIECE;
	t->prefix = keep(t, jval_str(m, "continuing_subword_prefix", "##"));
	chars = jval_int(m, "max_input_chars_per_word", 100);
	t->max_word = chars < 0 || chars > MAX_WORD ? MAX_WORD : (uint32_t)chars;
	t->unk = tok_vocab_find(&t->vocab, unk, strlen(unk));
	return rc;
}

static int
load_unigram(struct loader *l, const struct jval *m, struct jerr *e)
{
	struct jtok *t = l->t;
	const struct jval *v = jval_get(m, "vocab");
	int64_t unk = jval_int(m, "unk_id", -1);
	size_t i;
	int rc = 0;

	t->model = TOK_UNIGRAM;
	t->byte_fallback = jval_bool(m, "byte_fallback", false);
	t->fuse_unk = true;
	if (!v || v->type != JVAL_ARR || v->u.a.n > TOK_MAX_IDS)
		return jerr_set(e, JERR_FORMAT, "%s: the model has no vocabulary", t->name);
	t->scores = jmem_zalloc(v->u.a.n + 1, sizeof(*t->scores));
	t->scores_n = v->u.a.n;
	for (i = 0; !rc && i < v->u.a.n; i++) {
		const struct jval *x = v->u.a.v[i];

		if (x->type != JVAL_ARR || x->u.a.n != 2 || x->u.a.v[0]->type != JVAL_STR)
			return jerr_set(e, JERR_FORMAT, "%s: entry %zu of the vocabulary is no [piece, score]",
				t->name, i);
		t->scores[i] = x->u.a.v[1]->type == JVAL_DOUBLE ? (float)x->u.a.v[1]->u.d :
			x->u.a.v[1]->type == JVAL_INT ? (float)x->u.a.v[1]->u.i : 0;
		rc = add_vocab(l, (int64_t)i, x->u.a.v[0]->u.s.p, x->u.a.v[0]->u.s.n, e);
	}
	if (unk >= 0 && unk < (int64_t)t->vocab.n)
		t->unk = (uint32_t)unk;
	return rc;
}

static int
load_added(struct jtok *t, const struct jval *v, struct jerr *e)
{
	size_t i;

	for (i = 0; v && v->type == JVAL_ARR && i < v->u.a.n; i++) {
		const struct jval *x = v->u.a.v[i], *content = jval_get(x, "content");
		int64_t id = jval_int(x, "id", -1);
		struct tok_added *a;

		if (id < 0 || id >= (int64_t)TOK_MAX_IDS || !content || content->type != JVAL_STR)
			return jerr_set(e, JERR_FORMAT, "%s: added token %zu has no usable id or content", t->name, i);
		a = tok_add_token(t, (uint32_t)id, content->u.s.p, content->u.s.n);
		a->single_word = jval_bool(x, "single_word", false);
		a->lstrip = jval_bool(x, "lstrip", false);
		a->rstrip = jval_bool(x, "rstrip", false);
		a->special = jval_bool(x, "special", false);
		a->normalized = jval_bool(x, "normalized", !a->special);
	}
	return 0;
}

static void
keep_cfg(struct jtok *t, enum tok_cfg which, const struct jval *v)
{
	struct jbuf b;

	if (!v || v->type == JVAL_NULL)
		return;
	jbuf_init(&b);
	jjson_val(&b, v);
	t->cfg[which] = jarena_strndup(&t->arena, b.p, b.n);
	jbuf_release(&b);
}

static bool
says_byte_level(const char *cfg)
{
	return cfg && strstr(cfg, "\"type\":\"ByteLevel\"") != NULL;
}

static int
load_model(struct loader *l, const struct jval *m, struct jerr *e)
{
	const char *type = jval_str(m, "type", NULL);
	const struct jval *vocab = m ? jval_get(m, "vocab") : NULL;

	if (!type)	/* files of before 2021 */
		type = vocab && vocab->type == JVAL_ARR ? "Unigram" : jval_get(m, "merges") ? "BPE" : "WordPiece";
	if (strcmp(type, "BPE") == 0)
		return load_bpe(l, m, e);
	if (strcmp(type, "WordPiece") == 0)
		return load_wordpiece(l, m, e);
	if (strcmp(type, "Unigram") == 0)
		return load_unigram(l, m, e);
	return jerr_set(e, JERR_UNSUPPORTED, "%s: model type \"%s\" is not known", l->t->name, type);
}

int
tok_load_json(struct jtok *t, const char *path, struct jerr *e)
{
	struct jarena a;
	struct jval *v;
	struct loader l;
	int rc;

	if (jfs_size(path) > (int64_t)MAX_FILE)
		return jerr_set(e, JERR_LIMIT, "%s: over %zu bytes", path, MAX_FILE);
	jarena_init(&a, 1 << 20);
	loader_init(&l, t);
	rc = jval_load_json(&v, path, &a, e);
	if (!rc && !jval_get(v, "model"))
		rc = jerr_set(e, JERR_FORMAT, "%s: no \"model\": not a tokenizer.json", path);
	if (!rc) {
		keep_cfg(t, CFG_NORM, jval_get(v, "normalizer"));
		keep_cfg(t, CFG_PRE, jval_get(v, "pre_tokenizer"));
		keep_cfg(t, CFG_POST, jval_get(v, "post_processor"));
		keep_cfg(t, CFG_DEC, jval_get(v, "decoder"));
		t->byte_level = says_byte_level(t->cfg[CFG_PRE]) || says_byte_level(t->cfg[CFG_DEC]);
		rc = load_model(&l, jval_get(v, "model"), e);
	}
	if (!rc)
		rc = load_added(t, jval_get(v, "added_tokens"), e);
	loader_release(&l);
	jarena_release(&a);
	return rc;
}

/* merges.txt: "#version" line, then "a b" lines. */
static int
read_merges(struct loader *l, const char *path, struct jerr *e)
{
	struct jin *in;
	char *line;
	size_t n;
	uint32_t rank = 0;
	int rc = jin_open(&in, path, e);

	while (!rc && (rc = jin_line(in, &line, &n, e)) == 1) {
		rc = 0;
		while (n && line[n - 1] == '\r')
			n--;
		if (!n || (jin_lineno(in) == 1 && line[0] == '#'))
			continue;
		rc = add_merge_line(l, rank++, line, n, e);
	}
	jin_close(in);
	return rc == 2 ? jerr_set(e, JERR_LIMIT, "%s: a line is too long", path) : rc;
}

int
tok_load_merges(struct jtok *t, const char *vocab, const char *merges, struct jerr *e)
{
	struct jarena a;
	struct jval *v;
	struct loader l;
	int rc;

	jarena_init(&a, 1 << 20);
	loader_init(&l, t);
	t->byte_level = true;
	rc = jval_load_json(&v, vocab, &a, e);
	if (!rc)
		rc = load_vocab(&l, v, e);
	if (!rc)
		rc = read_merges(&l, merges, e);
	loader_release(&l);
	jarena_release(&a);
	return rc;
}
