/*
 * Saving as tokenizer.json with its two companions, byte for byte a function of the tokenizer.
 */
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "tok.h"

/* Text of a vocabulary entry as tokenizer.json prints it, quoted. */
void
tok_put_token(const struct jtok *t, uint32_t id, struct jbuf *out, struct jbuf *tmp)
{
	size_t n;
	const char *p = tok_vocab_text(&t->vocab, id, &n);

	if (t->byte_level && !t->suffix && !t->prefix && tok_vocab_find(&t->vocab, p, n) == id) {
		jbuf_reset(tmp);
		tok_bytes_to_text(p, n, tmp);
		p = tmp->p;
		n = tmp->n;
	}
	jjson_str(out, p, n);
}

static void
put_bool(struct jbuf *b, const char *key, bool v)
{
	jbuf_printf(b, "\"%s\": %s", key, v ? "true" : "false");
}

static void
put_flags(struct jbuf *b, const struct tok_added *a)
{
	jbuf_adds(b, "\"content\": ");
	jjson_str(b, a->text, a->n);
	jbuf_adds(b, ", ");
	put_bool(b, "single_word", a->single_word);
	jbuf_adds(b, ", ");
	put_bool(b, "lstrip", a->lstrip);
	jbuf_adds(b, ", ");
	put_bool(b, "rstrip", a->rstrip);
	jbuf_adds(b, ", ");
	put_bool(b, "normalized", a->normalized);
	jbuf_adds(b, ", ");
	put_bool(b, "special", a->special);
}

static void
put_added(const struct jtok *t, struct jbuf *b)
{
	size_t i;

	jbuf_adds(b, "  \"added_tokens\": [");
	for (i = 0; i < t->n_added; i++) {
		jbuf_printf(b, "%s\n    {\"id\": %u, ", i ? "," : "", (unsigned)t->added[i].id);
		put_flags(b, &t->added[i]);
		jbuf_addc(b, '}');
	}
	jbuf_adds(b, t->n_added ? "\n  ],\n" : "],\n");
}

static uint32_t
vocab_end(const struct jtok *t)
{
	return t->pseudo < t->vocab.n ? t->pseudo : (uint32_t)t->vocab.n;
}

static void
put_vocab(const struct jtok *t, struct jbuf *b, struct jbuf *tmp)
{
	uint32_t id, end = vocab_end(t);
	const char *sep = "";
	size_t n;

	jbuf_adds(b, t->model == TOK_UNIGRAM ? "    \"vocab\": [" : "    \"vocab\": {");
	for (id = 0; id < end; id++) {
		if (!tok_vocab_text(&t->vocab, id, &n))
			continue;
		jbuf_printf(b, "%s\n      ", sep);
		sep = ",";
		if (t->model == TOK_UNIGRAM)
			jbuf_addc(b, '[');
		tok_put_token(t, id, b, tmp);
		if (t->model == TOK_UNIGRAM) {
			jbuf_adds(b, ", ");
			jjson_num(b, (double)t->scores[id]);
			jbuf_addc(b, ']');
		} else {
			jbuf_printf(b, ": %u", (unsigned)id);
		}
	}
	jbuf_adds(b, t->model == TOK_UNIGRAM ? "\n    ]" : "\n    }");
}

static void
put_merges(const struct jtok *t, struct jbuf *b, struct jbuf *tmp)
{
	const char *sep = "";
	size_t i;

	jbuf_adds(b, ",\n    \"merges\": [");
	for (i = 0; i + 2 < t->merges.n; i += 3) {
		if (t->merges.v[i] >= t->pseudo || t->merges.v[i + 1] >= t->pseudo)
			continue;
		jbuf_printf(b, "%s\n      [", sep);
		sep = ",";
		tok_put_token(t, t->merges.v[i], b, tmp);
		jbuf_adds(b, ", ");
		tok_put_token(t, t->merges.v[i + 1], b, tmp);
		jbuf_addc(b, ']');
	}
	jbuf_adds(b, "\n    ]");
}

static void
put_text_or_null(struct jbuf *b, const char *key, const char *s, size_t n)
{
	jbuf_printf(b, "    \"%s\": ", key);
	if (s)
		jjson_str(b, s, n);
	else
		jbuf_adds(b, "null");
	jbuf_adds(b, ",\n");
}

static void
put_model(const struct jtok *t, struct jbuf *b, struct jbuf *tmp)
{
	size_t n = 0;
	const char *unk = t->unk == TOK_NONE ? NULL : tok_vocab_text(&t->vocab, t->unk, &n);

	jbuf_printf(b, "  \"model\": {\n    \"type\": \"%s\",\n",
		t->model == TOK_BPE ? "BPE" : t->model == TOK_UNIGRAM ? "Unigram" : "WordPiece");
	if (t->model == TOK_UNIGRAM) {
		if (unk)
			jbuf_printf(b, "    \"unk_id\": %u,\n", (unsigned)t->unk);
		jbuf_printf(b, "    \"byte_fallback\": %s,\n", t->byte_fallback ? "true" : "false");
	} else {
		put_text_or_null(b, "unk_token", unk, n);
		put_text_or_null(b, "continuing_subword_prefix", t->prefix, t->prefix ? strlen(t->prefix) : 0);
	}
	if (t->model == TOK_WORDPIECE)
		jbuf_printf(b, "    \"max_input_chars_per_word\": %u,\n", (unsigned)t->max_word);
	if (t->model == TOK_BPE) {
		put_text_or_null(b, "end_of_word_suffix", t->suffix, t->suffix ? strlen(t->suffix) : 0);
		jbuf_adds(b, "    \"dropout\": null,\n");
		jbuf_printf(b, "    \"fuse_unk\": %s,\n    \"byte_fallback\": %s,\n    \"ignore_merges\": %s,\n",
			t->fuse_unk ? "true" : "false", t->byte_fallback ? "true" : "false",
			t->ignore_merges ? "true" : "false");
	}
	put_vocab(t, b, tmp);
	if (t->model == TOK_BPE)
		put_merges(t, b, tmp);
	jbuf_adds(b, "\n  }\n");
}

static void
put_tokenizer(const struct jtok *t, struct jbuf *b)
{
	static const char *keys[CFG_N] = { "normalizer", "pre_tokenizer", "post_processor", "decoder" };
	struct jbuf tmp;
	int i;

	jbuf_init(&tmp);
	jbuf_adds(b, "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n");
	put_added(t, b);
	for (i = 0; i < CFG_N; i++)
		jbuf_printf(b, "  \"%s\": %s,\n", keys[i], t->cfg[i] ? t->cfg[i] : "null");
	put_model(t, b, &tmp);
	jbuf_adds(b, "}\n");
	jbuf_release(&tmp);
}

/* "bos_token": "<s>" for each role there is. */
static void
put_roles(const struct jtok *t, struct jbuf *b)
{
	const struct { const char *key; int64_t id; } roles[] = {
		{ "bos_token", t->bos }, { "eos_token", t->eos }, { "pad_token", t->pad },
		{ "unk_token", t->unk == TOK_NONE ? -1 : (int64_t)t->unk },
	};
	const char *sep = "";
	size_t i, n;

	for (i = 0; i < 4; i++) {
		const char *p = roles[i].id < 0 ? NULL : jtok_bytes(t, (uint32_t)roles[i].id, &n);

		if (!p)
			continue;
		jbuf_printf(b, "%s\n  \"%s\": ", sep, roles[i].key);
		sep = ",";
		jjson_str(b, p, n);
	}
}

static void
put_config(const struct jtok *t, struct jbuf *b)
{
	size_t i;

	jbuf_adds(b, "{\n  \"added_tokens_decoder\": {");
	for (i = 0; i < t->n_added; i++) {
		jbuf_printf(b, "%s\n    \"%u\": {", i ? "," : "", (unsigned)t->added[i].id);
		put_flags(b, &t->added[i]);
		jbuf_addc(b, '}');
	}
	jbuf_adds(b, "\n  },\n  ");
	put_bool(b, "add_bos_token", jtok_adds_bos(t));
	jbuf_adds(b, ",\n  \"clean_up_tokenization_spaces\": false,\n"
		"  \"model_max_length\": 1000000000000000019884624838656,\n"
		"  \"tokenizer_class\": \"PreTrainedTokenizerFast\"");
	if (t->bos >= 0 || t->eos >= 0 || t->pad >= 0 || t->unk != TOK_NONE) {
		jbuf_addc(b, ',');
		put_roles(t, b);
	}
	if (t->chat_template) {
		jbuf_adds(b, ",\n  \"chat_template\": ");
		jjson_str(b, t->chat_template, strlen(t->chat_template));
	}
	jbuf_adds(b, "\n}\n");
}

static void
put_special_map(const struct jtok *t, struct jbuf *b)
{
	jbuf_addc(b, '{');
	put_roles(t, b);
	jbuf_adds(b, "\n}\n");
}

static int
save_one(const struct jtok *t, const char *dir, const char *name,
	void (*put)(const struct jtok *t, struct jbuf *b), struct jerr *e)
{
	struct jarena a;
	struct jbuf b;
	int rc;

	jarena_init(&a, 0);
	jbuf_init(&b);
	put(t, &b);
	rc = jout_put(jfs_join(&a, dir, name), b.p, b.n, e);
	jbuf_release(&b);
	jarena_release(&a);
	return rc;
}

int
jtok_save(const struct jtok *t, const char *dir, struct jerr *e)
{
	int rc = jfs_mkdirs(dir, e);

	if (!rc)
		rc = save_one(t, dir, "tokenizer.json", put_tokenizer, e);
	if (!rc)
		rc = save_one(t, dir, "tokenizer_config.json", put_config, e);
	if (!rc)
		rc = save_one(t, dir, "special_tokens_map.json", put_special_map, e);
	return rc;
}
