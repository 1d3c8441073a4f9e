/*
 * The tokenizer.ggml.* keys of GGUF.  The file names its pre-tokenizer; a name that we do not know is
 * refused, because guessing gives wrong ids without a sign.
 */
#include <string.h>

#include "io/jgguf.h"
#include "spm.h"
#include "tok.h"

#define JSON_SPLIT(re) "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"" re "\"}," \
	"\"behavior\":\"Isolated\",\"invert\":false},"
#define JSON_BYTES(regex) "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true," \
	"\"use_regex\":" regex "}"
#define JSON_SEQ(list) "{\"type\":\"Sequence\",\"pretokenizers\":[" list "]}"
#define PUNCT "[\\\\p{P}\\\\$\\\\+<=>\\\\^~\\\\|]+"
#define PUNCT_TICK "[\\\\p{P}\\\\$\\\\+<=>\\\\^~\\\\|`]+"
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\\\p{L}+| ?\\\\p{N}+| ?[^\\\\s\\\\p{L}\\\\p{N}]+|\\\\s+(?!\\\\S)"
#define THREE "[0-9][0-9][0-9]"

/* Pre-tokenizers that are more than one pattern, as llama.cpp applies them one after another. */
static const char pre_default[] = JSON_SEQ(JSON_SPLIT(PUNCT) JSON_SPLIT(GPT2) JSON_SPLIT("\\\\p{N}+")
	JSON_SPLIT(THREE) JSON_BYTES("false"));
static const char pre_falcon[] = JSON_SEQ(JSON_SPLIT(PUNCT_TICK) JSON_SPLIT(GPT2) JSON_SPLIT(THREE)
	JSON_BYTES("false"));
static const char pre_digits[] = JSON_SEQ("{\"type\":\"Digits\",\"individual_digits\":true},"
	JSON_BYTES("true"));

static const struct pre_name {
	const char *name;
	enum scan_kind scan;
	bool ignore_merges, nfc;
	const char *json;		/* instead of a scanner */
} pres[] = {
	{ "gpt-2", SCAN_GPT2, false, false, NULL }, { "phi-2", SCAN_GPT2, false, false, NULL },
	{ "jina-es", SCAN_GPT2, false, false, NULL }, { "roberta-bpe", SCAN_GPT2, false, false, NULL },
	{ "mpt", SCAN_GPT2, false, false, NULL }, { "olmo", SCAN_GPT2, false, false, NULL },
	{ "jais", SCAN_GPT2, false, false, NULL }, { "llama-bpe", SCAN_LLAMA3, true, false, NULL },
	{ "llama3", SCAN_LLAMA3, true, false, NULL }, { "llama-v3", SCAN_LLAMA3, true, false, NULL },
	{ "falcon3", SCAN_LLAMA3, true, false, NULL }, { "dbrx", SCAN_LLAMA3, false, false, NULL },
	{ "smaug-bpe", SCAN_LLAMA3, false, false, NULL }, { "qwen2", SCAN_QWEN2, false, true, NULL },
	{ "deepseek-r1-qwen", SCAN_QWEN2, false, true, NULL },
	{ "megrez", SCAN_QWEN2, false, true, NULL }, { "stablelm2", SCAN_QWEN2, false, false, NULL },
	{ "default", SCAN_NONE, false, false, pre_default },
	{ "falcon", SCAN_NONE, false, false, pre_falcon },
	{ "starcoder", SCAN_NONE, false, false, pre_digits },
	{ "refact", SCAN_NONE, false, false, pre_digits },
	{ "command-r", SCAN_NONE, false, false, pre_digits },
	{ "smollm", SCAN_NONE, false, false, pre_digits },
	{ "codeshell", SCAN_NONE, false, false, pre_digits },
	{ "exaone", SCAN_NONE, false, false, pre_digits },
};

static int64_t
key_id(const struct jgguf *g, const char *key)
{
	uint64_t v;

	return jgguf_get_u64(g, key, &v) && v < TOK_MAX_IDS ? (int64_t)v : -1;
}

static enum tok_type
type_of(const struct jgguf *g, uint32_t id)
{
	double v;

	return jgguf_arr_f64(g, "tokenizer.ggml.token_type", id, &v) && v >= TYPE_NORMAL && v <= TYPE_BYTE ?
		(enum tok_type)(int)v : TYPE_NORMAL;
}

static int
token_text(const struct jtok *t, const struct jgguf *g, uint32_t id, struct jgguf_str *s,
	struct jerr *e)
{
	if (!jgguf_arr_str(g, "tokenizer.ggml.tokens", id, s))
		return jerr_set(e, JERR_FORMAT, "%s: token %u is no string", t->name, (unsigned)id);
	return 0;
}

static int
load_pieces(struct jtok *t, const struct jgguf *g, size_t n, struct jerr *e)
{
	uint32_t id;
	int rc = 0;

	for (id = 0; !rc && id < n; id++) {
		struct jgguf_str s;
		double score = 0;

		rc = token_text(t, g, id, &s, e);
		if (rc < 0)
			break;
		jgguf_arr_f64(g, "tokenizer.ggml.scores", id, &score);
		rc = tok_add_piece(t, id, &(struct spm_piece){ s.p, s.n, (float)score, type_of(g, id) }, e);
	}
	return rc;
}

static int
load_sentencepiece(struct jtok *t, const struct jgguf *g, size_t n, struct jerr *e)
{
	uint64_t prefix = 1;
	int rc = load_pieces(t, g, n, e);

	if (rc)
		return rc;
	jgguf_get_u64(g, "tokenizer.ggml.add_space_prefix", &prefix);
	tok_set_sentencepiece(t, prefix != 0, true);
	tok_scores_to_merges(t);
	return 0;
}

/* The beginnings of words have a mark there, what continues them has none; here it has "##". */
static int
load_wordpiece(struct jtok *t, const struct jgguf *g, size_t n, struct jerr *e)
{
	struct jbuf b;
	uint32_t id;
	int rc = 0;

	jbuf_init(&b);
	for (id = 0; !rc && id < n; id++) {
		enum tok_type type = type_of(g, id);
		struct jgguf_str s;
		bool begins;

		rc = token_text(t, g, id, &s, e);
		if (rc < 0)
			break;
		begins = s.n > 3 && memcmp(s.p, "\xe2\x96\x81", 3) == 0;
		jbuf_reset(&b);
		if (type == TYPE_NORMAL && !begins)
			jbuf_adds(&b, "##");
		jbuf_add(&b, s.p + (begins ? 3 : 0), s.n - (begins ? 3 : 0));
		rc = tok_vocab_set(&t->vocab, id, b.p, b.n, type != TYPE_UNUSED, e);
		if (type == TYPE_CONTROL || type == TYPE_UNKNOWN || type == TYPE_USER)
			tok_add_token(t, id, b.p, b.n)->special = type != TYPE_USER;
	}
	jbuf_release(&b);
	if (rc == 0)
		tok_set_wordpiece(t);
	return rc;
}

static int
load_gpt2_tokens(struct jtok *t, const struct jgguf *g, size_t n, struct jerr *e)
{
	struct jbuf b;
	uint32_t id;
	int rc = 0;

	jbuf_init(&b);
	for (id = 0; !rc && id < n; id++) {
		enum tok_type type = type_of(g, id);
		struct jgguf_str s;
		bool find;

		rc = token_text(t, g, id, &s, e);
		if (rc < 0)
			break;
		jbuf_reset(&b);
		/* A user's token is raw text, which may be that of a merge all the same. */
		find = (type == TYPE_NORMAL || type == TYPE_USER) && tok_text_to_bytes(s.p, s.n, &b);
		if (type == TYPE_USER && find)
			find = b.n == s.n && memcmp(b.p, s.p, s.n) == 0;
		if (!find) {
			jbuf_reset(&b);
			jbuf_add(&b, s.p, s.n);
		}
		rc = tok_vocab_set(&t->vocab, id, b.p, b.n, find, e);
		if (type == TYPE_CONTROL || type == TYPE_USER)
			tok_add_token(t, id, s.p, s.n)->special = type == TYPE_CONTROL;
	}
	jbuf_release(&b);
	return rc;
}

static int
load_merge(struct jtok *t, const struct jgguf_str *s, uint32_t rank, struct jbuf *b, struct jerr *e)
{
	const char *gap = s->n > 2 ? memchr(s->p + 1, ' ', s->n - 1) : NULL;
	uint32_t l, r, id;
	size_t n;

	jbuf_reset(b);
	if (!gap || !tok_text_to_bytes(s->p, (size_t)(gap - s->p), b))
		return jerr_set(e, JERR_FORMAT, "%s: merge %u is not two tokens", t->name, (unsigned)rank);
	n = b->n;
	tok_text_to_bytes(gap + 1, s->n - (size_t)(gap + 1 - s->p), b);
	l = tok_vocab_find(&t->vocab, b->p, n);
	r = tok_vocab_find(&t->vocab, b->p + n, b->n - n);
	id = tok_vocab_find(&t->vocab, b->p, b->n);
	if (l == TOK_NONE || r == TOK_NONE || id == TOK_NONE)
		return jerr_set(e, JERR_FORMAT, "%s: merge %u (\"%.*s\") is not of the vocabulary", t->name,
			(unsigned)rank, (int)(s->n < 80 ? s->n : 80), s->p);
	tok_pairs_add(&t->pairs, l, r, rank, id);
	jids_add(&t->merges, l);
	jids_add(&t->merges, r);
	jids_add(&t->merges, id);
	return 0;
}

static int
load_gpt2(struct jtok *t, const struct jgguf *g, size_t n, struct jerr *e)
{
	struct jgguf_str pre = { "default", 7 }, s;
	size_t i, merges;
	struct jbuf b;
	int type, rc;

	jgguf_get_str(g, "tokenizer.ggml.pre", &pre);
	for (i = 0; i < sizeof(pres) / sizeof(*pres); i++)
		if (strlen(pres[i].name) == pre.n && memcmp(pres[i].name, pre.p, pre.n) == 0)
			break;
	if (i == sizeof(pres) / sizeof(*pres))
		return jerr_set(e, JERR_UNSUPPORTED, "%s: pre-tokenizer \"%.*s\" is not known", t->name,
			(int)(pre.n < 60 ? pre.n : 60), pre.p);
	t->byte_level = true;
	t->ignore_merges = pres[i].ignore_merges;
	tok_set_byte_level(t, pres[i].json ? SCAN_GPT2 : pres[i].scan);
	if (pres[i].json)
		t->cfg[CFG_PRE] = pres[i].json;
	if (pres[i].nfc)
		t->cfg[CFG_NORM] = "{\"type\":\"NFC\"}";
	rc = load_gpt2_tokens(t, g, n, e);
	jbuf_init(&b);
	merges = jgguf_arr_len(g, "tokenizer.ggml.merges", &type);
	for (i = 0; !rc && i < merges; i++)
		rc = jgguf_arr_str(g, "tokenizer.ggml.merges", i, &s) ? load_merge(t, &s, (uint32_t)i, &b, e) :
			jerr_set(e, JERR_FORMAT, "%s: merge %zu is no string", t->name, i);
	jbuf_release(&b);
	return rc;
}

static void
load_roles(struct jtok *t, const struct jgguf *g, bool bos_default)
{
	uint64_t add = bos_default;
	struct jgguf_str s;
	struct jbuf b;

	t->bos = key_id(g, "tokenizer.ggml.bos_token_id");
	t->eos = key_id(g, "tokenizer.ggml.eos_token_id");
	t->pad = key_id(g, "tokenizer.ggml.padding_token_id");
	if (key_id(g, "tokenizer.ggml.unknown_token_id") >= 0 && t->unk == TOK_NONE)
		t->unk = (uint32_t)key_id(g, "tokenizer.ggml.unknown_token_id");
	if (key_id(g, "tokenizer.ggml.eot_token_id") >= 0)
		jids_add(&t->stops, (uint32_t)key_id(g, "tokenizer.ggml.eot_token_id"));
	if (jgguf_get_str(g, "tokenizer.chat_template", &s))
		t->chat_template = jarena_strndup(&t->arena, s.p, s.n);
	jgguf_get_u64(g, "tokenizer.ggml.add_bos_token", &add);
	if (!add || t->bos < 0 || t->bos >= (int64_t)t->vocab.n)
		return;
	jbuf_init(&b);
	tok_bos_processor(&b, t->vocab.text.p + t->vocab.v[t->bos].at, t->vocab.v[t->bos].n, t->bos);
	t->cfg[CFG_POST] = jarena_strndup(&t->arena, b.p, b.n);
	jbuf_release(&b);
}

int
tok_load_gguf(struct jtok *t, const struct jgguf *g, struct jerr *e)
{
	struct jgguf_str model;
	int type, rc;
	size_t n = jgguf_arr_len(g, "tokenizer.ggml.tokens", &type);
	bool spm, bert;

	if (!n || n > TOK_MAX_IDS || !jgguf_get_str(g, "tokenizer.ggml.model", &model))
		return jerr_set(e, JERR_FORMAT, "%s: the GGUF file holds no tokenizer", t->name);
	spm = model.n == 5 && memcmp(model.p, "llama", 5) == 0;
	bert = model.n == 4 && memcmp(model.p, "bert", 4) == 0;
	if (!spm && !bert && (model.n != 4 || memcmp(model.p, "gpt2", 4) != 0))
		return jerr_set(e, JERR_UNSUPPORTED, "%s: tokenizer model \"%.*s\" (only gpt2, llama and bert)",
			t->name, (int)(model.n < 60 ? model.n : 60), model.p);
	if (bert) {
		t->pad = key_id(g, "tokenizer.ggml.padding_token_id");
		return load_wordpiece(t, g, n, e);
	}
	rc = spm ? load_sentencepiece(t, g, n, e) : load_gpt2(t, g, n, e);
	if (!rc)
		load_roles(t, g, spm);
	return rc;
}
