/*
 * The tokenizer.ggml.* keys.  A pre-tokenizer without a GGUF name is refused here, at conversion,
 * and not by the program that loads the file.
 */
#include <string.h>

#include "io/jgguf.h"
#include "tok.h"

static enum tok_type
type_of(const struct jtok *t, uint32_t id)
{
	size_t i, n;

	for (i = 0; !t->byte_level && t->byte_fallback && i < 256; i++)
		if (t->byte_id[i] == (int32_t)id)
			return TYPE_BYTE;
	for (i = 0; i < t->n_added; i++)
		if (t->added[i].id == id)
			return id == t->unk ? TYPE_UNKNOWN : t->added[i].special ? TYPE_CONTROL : TYPE_USER;
	if (!tok_vocab_text(&t->vocab, id, &n) || id >= t->pseudo)
		return TYPE_UNUSED;
	if (t->types && id < t->scores_n)
		return (enum tok_type)t->types[id];
	return TYPE_NORMAL;
}

/* Text of a token as GGUF has it: printable for byte-level models. */
static void
token_text(const struct jtok *t, uint32_t id, struct jbuf *b)
{
	size_t n;
	const char *p = id < t->pseudo ? tok_vocab_text(&t->vocab, id, &n) : NULL;

	jbuf_reset(b);
	if (p && t->byte_level && tok_vocab_find(&t->vocab, p, n) == id)
		tok_bytes_to_text(p, n, b);
	else if (p || (p = jtok_bytes(t, id, &n)) != NULL)
		jbuf_add(b, p, n);
	else
		jbuf_printf(b, "[PAD%u]", (unsigned)id);
}

/* Scores of sentencepiece models that came without: the rank of the merge that makes the token. */
static void
put_scores(const struct jtok *t, struct jgguf_writer *w, uint32_t n)
{
	float *score = jmem_zalloc(n, sizeof(*score));
	uint32_t id;
	size_t i;

	for (id = 0; t->scores && id < n && id < t->scores_n; id++)
		score[id] = t->scores[id];
	for (i = t->merges.n / 3; !t->scores && i-- > 0; )
		if (t->merges.v[3 * i + 2] < n)
			score[t->merges.v[3 * i + 2]] = -(float)i;
	jgguf_put_arr(w, "tokenizer.ggml.scores", JGGUF_F32, n);
	for (id = 0; id < n; id++)
		jgguf_arr_add_f32(w, score[id]);
	jmem_free(score);
}

static void
put_merges(const struct jtok *t, struct jgguf_writer *w, struct jbuf *b)
{
	struct jbuf line;
	size_t i;

	jbuf_init(&line);
	jgguf_put_arr(w, "tokenizer.ggml.merges", JGGUF_STR, t->merges.n / 3);
	for (i = 0; i + 2 < t->merges.n; i += 3) {
		token_text(t, t->merges.v[i], b);
		jbuf_reset(&line);
		jbuf_add(&line, b->p, b->n);
		jbuf_addc(&line, ' ');
		token_text(t, t->merges.v[i + 1], b);
		jbuf_add(&line, b->p, b->n);
		jgguf_arr_add_str(w, line.p, line.n);
	}
	jbuf_release(&line);
}

static void
put_roles(const struct jtok *t, struct jgguf_writer *w)
{
	const struct { const char *key; int64_t id; } roles[] = {
		{ "tokenizer.ggml.bos_token_id", t->bos }, { "tokenizer.ggml.eos_token_id", t->eos },
		{ "tokenizer.ggml.padding_token_id", t->pad },
		{ "tokenizer.ggml.unknown_token_id", t->unk == TOK_NONE ? -1 : (int64_t)t->unk },
		{ "tokenizer.ggml.eot_token_id", jtok_id(t, "<|im_end|>") },
	};
	size_t i;

	for (i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (roles[i].id >= 0)
			jgguf_put_u32(w, roles[i].key, (uint32_t)roles[i].id);
	jgguf_put_bool(w, "tokenizer.ggml.add_bos_token", jtok_adds_bos(t));
	jgguf_put_bool(w, "tokenizer.ggml.add_eos_token", t->eos >= 0 && t->after.n &&
		t->after.v[0] == (uint32_t)t->eos);
	if (!t->byte_level)
		jgguf_put_bool(w, "tokenizer.ggml.add_space_prefix",
			t->cfg[CFG_NORM] && strstr(t->cfg[CFG_NORM], "\"Prepend\"") != NULL);
	if (t->chat_template)
		jgguf_put_str(w, "tokenizer.chat_template", t->chat_template, strlen(t->chat_template));
}

/*
 * WordPiece as llama.cpp has it: U+2581 before the beginnings of words, nothing before what continues
 * them, specials as they are.  Its normaliser is that of uncased BERT, so no other can be written.
 */
static int
save_wordpiece(const struct jtok *t, struct jgguf_writer *w, uint32_t vocab_size, struct jerr *e)
{
	static const struct { const char *token, *key; } roles[] = {
		{ "[CLS]", "bos" }, { "[CLS]", "cls" }, { "[SEP]", "eos" }, { "[SEP]", "seperator" },
		{ "[PAD]", "padding" }, { "[UNK]", "unknown" }, { "[MASK]", "mask" },
	};
	const char *norm = t->cfg[CFG_NORM];
	struct jbuf b;

	if (!norm || !strstr(norm, "BertNormalizer") || strstr(norm, "\"lowercase\":false")
	    || strstr(norm, "\"lowercase\": false") || strcmp(t->prefix ? t->prefix : "", "##") != 0)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: GGUF knows WordPiece of uncased BERT alone", t->name);
	jbuf_init(&b);
	jgguf_put_str(w, "tokenizer.ggml.model", "bert", 4);
	jgguf_put_arr(w, "tokenizer.ggml.tokens", JGGUF_STR, vocab_size);
	for (uint32_t id = 0; id < vocab_size; id++) {
		bool plain = type_of(t, id) == TYPE_NORMAL;
		bool goes_on;

		token_text(t, id, &b);
		goes_on = b.n > 2 && memcmp(b.p, "##", 2) == 0;
		if (plain && !goes_on) {
			jbuf_reset(&b);
			jbuf_adds(&b, "\xe2\x96\x81");
			jbuf_add(&b, t->vocab.text.p + t->vocab.v[id].at, t->vocab.v[id].n);
		}
		jgguf_arr_add_str(w, b.p + (plain && goes_on ? 2 : 0), b.n - (plain && goes_on ? 2 : 0));
	}
	jgguf_put_arr(w, "tokenizer.ggml.token_type", JGGUF_I32, vocab_size);
	for (uint32_t id = 0; id < vocab_size; id++)
		jgguf_arr_add_i32(w, (int32_t)type_of(t, id));
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		int64_t id = jtok_id(t, roles[i].token);

		jbuf_reset(&b);
		jbuf_printf(&b, "tokenizer.ggml.%s_token_id", roles[i].key);
		if (id >= 0)
			jgguf_put_u32(w, b.p, (uint32_t)id);
	}
	jbuf_release(&b);
	return 0;
}

int
jtok_save_gguf(const struct jtok *t, struct jgguf_writer *w, uint32_t vocab_size, struct jerr *e)
{
	const char *pre = jtok_pre_name(t);
	struct jbuf b;
	uint32_t id;

	if (t->model != TOK_WORDPIECE && (t->model != TOK_BPE || t->suffix || t->prefix))
		return jerr_set(e, JERR_UNSUPPORTED, "%s: only BPE and WordPiece tokenizers can be written to "
			"GGUF", t->name);
	if (t->byte_level && !pre)
		return jerr_set(e, JERR_UNSUPPORTED, "%s: GGUF has no name for this pre-tokenizer", t->name);
	if (vocab_size < t->n_ids)
		return jerr_set(e, JERR_ARG, "%s: %u tokens do not fit an embedding of %u rows", t->name,
			(unsigned)t->n_ids, (unsigned)vocab_size);
	if (t->model == TOK_WORDPIECE)
		return save_wordpiece(t, w, vocab_size, e);
	jbuf_init(&b);
	jgguf_put_str(w, "tokenizer.ggml.model", t->byte_level ? "gpt2" : "llama", t->byte_level ? 4 : 5);
	if (pre)
		jgguf_put_str(w, "tokenizer.ggml.pre", pre, strlen(pre));
	jgguf_put_arr(w, "tokenizer.ggml.tokens", JGGUF_STR, vocab_size);
	for (id = 0; id < vocab_size; id++) {
		token_text(t, id, &b);
		jgguf_arr_add_str(w, b.p, b.n);
	}
	if (!t->byte_level)
		put_scores(t, w, vocab_size);
	jgguf_put_arr(w, "tokenizer.ggml.token_type", JGGUF_I32, vocab_size);
	for (id = 0; id < vocab_size; id++)
		jgguf_arr_add_i32(w, (int32_t)type_of(t, id));
	if (t->byte_level)
		put_merges(t, w, &b);
	put_roles(t, w);
	jbuf_release(&b);
	return 0;
}
