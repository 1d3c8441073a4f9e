/*
 * The files beside a tokenizer: tokenizer_config.json, chat_template.jinja, added_tokens.json,
 * generation_config.json; and the settings that every byte-level or sentencepiece model shares.
 */
#include <stdlib.h>
#include <string.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "tok.h"

#define MAX_TEMPLATE ((size_t)1 << 20)

void
tok_set_byte_level(struct jtok *t, enum scan_kind scan)
{
	struct jbuf b;

	t->cfg[CFG_DEC] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,"
		"\"use_regex\":true}";
	if (scan == SCAN_GPT2) {
		t->cfg[CFG_PRE] = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,"
			"\"use_regex\":true}";
		return;
	}
	jbuf_init(&b);
	jbuf_adds(&b, "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":");
	jjson_str(&b, scan_pattern(scan), strlen(scan_pattern(scan)));
	jbuf_adds(&b, "},\"behavior\":\"Isolated\",\"invert\":false},{\"type\":\"ByteLevel\","
		"\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":false}]}");
	t->cfg[CFG_PRE] = jarena_strndup(&t->arena, b.p, b.n);
	jbuf_release(&b);
}

void
tok_set_sentencepiece(struct jtok *t, bool prefix, bool byte_fallback)
{
	t->cfg[CFG_NORM] = prefix ? "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\","
		"\"prepend\":\"\xE2\x96\x81\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},"
		"\"content\":\"\xE2\x96\x81\"}]}" :
		"{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xE2\x96\x81\"}";
	t->cfg[CFG_DEC] = prefix ? "{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":"
		"{\"String\":\"\xE2\x96\x81\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
		"{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}" :
		"{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":"
		"{\"String\":\"\xE2\x96\x81\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}";
	t->byte_fallback = byte_fallback;
	t->fuse_unk = true;
}

/* "<s>" or {"content": "<s>"} */
static const char *
token_text(const struct jval *cfg, const char *key)
{
	const struct jval *v = jval_get(cfg, key);

	return v && v->type == JVAL_STR ? v->u.s.p : v ? jval_str(v, "content", NULL) : NULL;
}

/* add: the token is special, which the vocabulary itself does not say. */
static void
set_role(struct jtok *t, const struct jval *cfg, const char *key, bool add, int64_t *role)
{
	const char *s = token_text(cfg, key);
	int64_t id = s ? jtok_id(t, s) : -1;

	if (id < 0)
		return;
	*role = id;
	if (add)
		tok_add_token(t, (uint32_t)id, s, strlen(s))->special = true;
}

static void
set_flags(struct tok_added *a, const struct jval *v)
{
	a->single_word = jval_bool(v, "single_word", false);
	a->lstrip = jval_bool(v, "lstrip", false);
	a->rstrip = jval_bool(v, "rstrip", false);
	a->special = jval_bool(v, "special", true);
	a->normalized = jval_bool(v, "normalized", false);
}

/* {"128000": {"content": ...}}: for formats that do not hold the added tokens themselves. */
static void
add_tokens(struct jtok *t, const struct jval *v)
{
	size_t i;

	for (i = 0; v && v->type == JVAL_OBJ && i < v->u.o.n; i++) {
		const struct jval *x = v->u.o.v[i], *content = jval_get(x, "content");
		int64_t id;

		if (jstr_to_i64(v->u.o.k[i], &id) || id < 0 || id >= (int64_t)TOK_MAX_IDS || !content ||
		    content->type != JVAL_STR)
			continue;
		set_flags(tok_add_token(t, (uint32_t)id, content->u.s.p, content->u.s.n), x);
	}
}

/* {"<text>": id}: added_tokens.json, older than the above and without flags. */
static void
add_plain_tokens(struct jtok *t, const struct jval *v)
{
	size_t i, n = t->n_added;

	for (i = 0; v && v->type == JVAL_OBJ && i < v->u.o.n; i++) {
		int64_t id = v->u.o.v[i]->type == JVAL_INT ? v->u.o.v[i]->u.i : -1;
		struct tok_added *a;

		if (id < 0 || id >= (int64_t)TOK_MAX_IDS)
			continue;
		a = tok_add_token(t, (uint32_t)id, v->u.o.k[i], strlen(v->u.o.k[i]));
		if (t->n_added > n)
			a->special = true;
		n = t->n_added;
	}
}

static void
set_chat_template(struct jtok *t, const struct jval *v)
{
	size_t i;

	if (v && v->type == JVAL_STR)
		t->chat_template = jarena_strndup(&t->arena, v->u.s.p, v->u.s.n);
	for (i = 0; v && v->type == JVAL_ARR && i < v->u.a.n; i++) {
		const struct jval *x = jval_get(v->u.a.v[i], "template");

		if (x && x->type == JVAL_STR && strcmp(jval_str(v->u.a.v[i], "name", ""), "default") == 0)
			t->chat_template = jarena_strndup(&t->arena, x->u.s.p, x->u.s.n);
	}
}

/* What the class of a Python tokenizer means for a vocabulary that says nothing itself. */
static void
apply_class(struct jtok *t, const char *class)
{
	if (!t->byte_level || t->cfg[CFG_PRE])
		return;
	if (strncmp(class, "Qwen2", 5) == 0 || strncmp(class, "InternLM", 8) == 0) {
		t->cfg[CFG_NORM] = "{\"type\":\"NFC\"}";
		tok_set_byte_level(t, SCAN_QWEN2);
	} else if (strncmp(class, "PreTrainedTokenizerFast", 23) == 0 || strncmp(class, "Llama", 5) == 0) {
		tok_set_byte_level(t, SCAN_LLAMA3);
	} else {
		tok_set_byte_level(t, SCAN_GPT2);
	}
}

static int
optional_json(struct jval **v, const char *dir, const char *name, struct jarena *a, struct jerr *e)
{
	char *path = jfs_join(a, dir, name);

	*v = NULL;
	return jfs_exists(path) ? jval_load_json(v, path, a, e) : 0;
}

/*
 * A BOS where the post-processor does not say: formats that have none, of families that begin every
 * text with it (Llama 2 and 3).
 */
static void
apply_add_bos(struct jtok *t, const struct jval *cfg)
{
	const char *s = token_text(cfg, "bos_token"), *class = jval_str(cfg, "tokenizer_class", "");
	size_t n = s ? strlen(s) : 0;
	bool family = n && (strcmp(s, "<|begin_of_text|>") == 0 || strncmp(class, "Llama", 5) == 0);
	struct jbuf b;

	if (t->cfg[CFG_POST] || !jval_bool(cfg, "add_bos_token", family) || t->bos < 0 || !n)
		return;
	jbuf_init(&b);
	tok_bos_processor(&b, s, n, t->bos);
	t->cfg[CFG_POST] = jarena_strndup(&t->arena, b.p, b.n);
	jbuf_release(&b);
}

void
tok_bos_processor(struct jbuf *b, const char *token, size_t n, int64_t id)
{
	jbuf_adds(b, "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":");
	jjson_str(b, token, n);
	jbuf_adds(b, ",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],\"pair\":[{\"SpecialToken\":"
		"{\"id\":");
	jjson_str(b, token, n);
	jbuf_adds(b, ",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":");
	jjson_str(b, token, n);
	jbuf_adds(b, ",\"type_id\":1}},{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],\"special_tokens\":{");
	jjson_str(b, token, n);
	jbuf_adds(b, ":{\"id\":");
	jjson_str(b, token, n);
	jbuf_printf(b, ",\"ids\":[%lld],\"tokens\":[", (long long)id);
	jjson_str(b, token, n);
	jbuf_adds(b, "]}}}");
}

static int
load_generation(struct jtok *t, const char *dir, struct jarena *a, struct jerr *e)
{
	const struct jval *eos;
	struct jval *v;
	size_t i;
	int rc = optional_json(&v, dir, "generation_config.json", a, e);

	if (rc || !v)
		return rc;
	eos = jval_get(v, "eos_token_id");
	if (eos && eos->type == JVAL_INT && eos->u.i >= 0)
		jids_add(&t->stops, (uint32_t)eos->u.i);
	for (i = 0; eos && eos->type == JVAL_ARR && i < eos->u.a.n; i++)
		if (eos->u.a.v[i]->type == JVAL_INT && eos->u.a.v[i]->u.i >= 0)
			jids_add(&t->stops, (uint32_t)eos->u.a.v[i]->u.i);
	return 0;
}

static int
load_template_file(struct jtok *t, const char *dir, struct jarena *a, struct jerr *e)
{
	const char *path = jfs_join(a, dir, "chat_template.jinja");
	struct jbuf b;
	int rc = 0;

	if (!jfs_exists(path))
		return 0;
	jbuf_init_max(&b, MAX_TEMPLATE);
	rc = jin_slurp(path, &b, e);
	if (!rc && b.over)
		rc = jerr_set(e, JERR_LIMIT, "%s: over %zu bytes", path, MAX_TEMPLATE);
	if (!rc)
		t->chat_template = jarena_strndup(&t->arena, b.p, b.n);
	jbuf_release(&b);
	return rc;
}

int
tok_load_config(struct jtok *t, const char *dir, bool add, struct jerr *e)
{
	struct jarena a;
	struct jval *cfg, *plain;
	int rc;

	jarena_init(&a, 0);
	rc = optional_json(&cfg, dir, "tokenizer_config.json", &a, e);
	if (!rc)
		rc = optional_json(&plain, dir, "added_tokens.json", &a, e);
	if (!rc && add) {
		if (cfg)
			add_tokens(t, jval_get(cfg, "added_tokens_decoder"));
		add_plain_tokens(t, plain);
	}
	if (!rc && cfg) {
		apply_class(t, jval_str(cfg, "tokenizer_class", ""));
		set_role(t, cfg, "bos_token", add, &t->bos);
		set_role(t, cfg, "eos_token", add, &t->eos);
		set_role(t, cfg, "pad_token", add, &t->pad);
		set_chat_template(t, jval_get(cfg, "chat_template"));
		apply_add_bos(t, cfg);
	}
	if (!rc)
		rc = load_template_file(t, dir, &a, e);
	if (!rc)
		rc = load_generation(t, dir, &a, e);
	jarena_release(&a);
	return rc;
}
