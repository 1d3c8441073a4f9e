/*
 * From what a loader gathered to a tokenizer that works: steps, tables, roles, fingerprint.
 */
#include <string.h>

#include "base/jhash.h"
#include "base/jle.h"
#include "norm.h"
#include "pre.h"
#include "tok.h"

struct jtok *
tok_new(const char *name)
{
	struct jtok *t = jmem_zalloc(1, sizeof(*t));
	int i;

	jarena_init(&t->arena, 0);
	t->name = jarena_strndup(&t->arena, name, strlen(name));
	tok_vocab_init(&t->vocab);
	tok_vocab_init(&t->shown);
	tok_trie_init(&t->raw);
	tok_trie_init(&t->normed);
	for (i = 0; i < 256; i++)
		t->byte_id[i] = -1;
	t->unk = t->pseudo = TOK_NONE;
	t->bos = t->eos = t->pad = -1;
	return t;
}

void
jtok_free(struct jtok *t)
{
	if (!t)
		return;
	tok_vocab_release(&t->vocab);
	tok_vocab_release(&t->shown);
	tok_pairs_release(&t->pairs);
	tok_trie_release(&t->raw);
	tok_trie_release(&t->normed);
	norm_release(t);
	pre_release(t);
	jids_release(&t->merges);
	jids_release(&t->before);
	jids_release(&t->after);
	jids_release(&t->stops);
	jmem_free(t->scores);
	jmem_free(t->types);
	jmem_free(t->special);
	jmem_free(t->added);
	jmem_free(t->dec);
	jarena_release(&t->arena);
	jmem_free(t);
}

/* A second token with the same text changes the first, as a config file beside may. */
struct tok_added *
tok_add_token(struct jtok *t, uint32_t id, const char *p, size_t n)
{
	struct tok_added *a;
	size_t i;

	for (i = 0; i < t->n_added; i++)
		if (t->added[i].id == id && t->added[i].n == n && memcmp(t->added[i].text, p, n) == 0)
			return &t->added[i];
	JMEM_GROW(t->added, t->added_cap, t->n_added + 1);
	a = &t->added[t->n_added++];
	memset(a, 0, sizeof(*a));
	a->id = id;
	a->text = jarena_strndup(&t->arena, p, n);
	a->n = n;
	return a;
}

static int
parse_cfg(struct jtok *t, enum tok_cfg which, struct jval **v, struct jerr *e)
{
	*v = NULL;
	if (!t->cfg[which])
		return 0;
	return jval_parse_json(v, t->cfg[which], strlen(t->cfg[which]), t->name, &t->arena, e);
}

/* Do merges ever put U+2581 behind another character?  If not, a text may be cut before it. */
static bool
merges_keep_spaces_apart(const struct jtok *t)
{
	static const char mark[] = "\xE2\x96\x81";
	size_t i;

	for (i = 0; i + 2 < t->merges.n; i += 3) {
		size_t ln, rn;
		const char *l = tok_vocab_text(&t->vocab, t->merges.v[i], &ln);
		const char *r = tok_vocab_text(&t->vocab, t->merges.v[i + 1], &rn);

		if (l && r && rn >= 3 && memcmp(r, mark, 3) == 0 &&
		    (ln < 3 || memcmp(l + ln - 3, mark, 3) != 0))
			return false;
	}
	return true;
}

static void
choose_fast_path(struct jtok *t)
{
	t->fast = SCAN_NONE;
	t->cut_spaces = t->model == TOK_BPE && !t->byte_level && !t->suffix && !t->prefix &&
		!t->ignore_merges && merges_keep_spaces_apart(t);
	if (t->n_pre == 0)
		t->fast = t->cut_spaces ? SCAN_SPACES : SCAN_WHOLE;
	else if (t->n_pre == 1 && t->pre[0].kind == PRE_SCAN && !t->cut_spaces)
		t->fast = t->pre[0].scan;
}

static void
find_byte_ids(struct jtok *t)
{
	int b;

	for (b = 0; b < 256; b++) {
		char name[8] = { (char)b, 0 };
		size_t n = 1;
		uint32_t id;

		if (!t->byte_level) {
			static const char *hex = "0123456789ABCDEF";
			const char text[] = { '<', '0', 'x', hex[b >> 4], hex[b & 15], '>', 0 };

			memcpy(name, text, sizeof(text));
			n = 6;
		}
		id = tok_vocab_find(&t->vocab, name, n);
		t->byte_id[b] = id == TOK_NONE ? -1 : (int32_t)id;
	}
}

static int
build_tries(struct jtok *t, struct jerr *e)
{
	struct jbuf a, b;
	size_t i;
	int rc = 0;

	jbuf_init(&a);
	jbuf_init(&b);
	for (i = 0; !rc && i < t->n_added; i++) {
		struct tok_added *x = &t->added[i];

		if (!x->normalized) {
			tok_trie_add(&t->raw, x->text, x->n, (uint32_t)i);
			continue;
		}
		jbuf_reset(&a);
		jbuf_add(&a, x->text, x->n);
		rc = norm_apply(t, &a, &b, e);
		x->normed = jarena_strndup(&t->arena, a.p, a.n);
		x->normed_n = a.n;
		if (!rc)
			tok_trie_add(&t->normed, a.p, a.n, (uint32_t)i);
	}
	jbuf_release(&a);
	jbuf_release(&b);
	return rc;
}

/* Id of a special token that a post-processor names {"id": "<s>", ...}. */
static int
post_token(struct jtok *t, const struct jval *special, const char *name, struct jids *to,
	struct jerr *e)
{
	const struct jval *s = special ? jval_get(special, name) : NULL;
	const struct jval *ids = s ? jval_get(s, "ids") : NULL;
	size_t i;

	if (ids && ids->type == JVAL_ARR) {
		for (i = 0; i < ids->u.a.n; i++)
			if (ids->u.a.v[i]->type == JVAL_INT && ids->u.a.v[i]->u.i >= 0)
				jids_add(to, (uint32_t)ids->u.a.v[i]->u.i);
		return 0;
	}
	return jerr_set(e, JERR_FORMAT, "post-processor names the unknown token \"%s\"", name);
}

static int
parse_template(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const struct jval *l = jval_get(v, "single");
	struct jids *to = &t->before;
	size_t i;

	for (i = 0; l && l->type == JVAL_ARR && i < l->u.a.n; i++) {
		const struct jval *s = jval_get(l->u.a.v[i], "SpecialToken");
		int rc;

		if (!s) {
			to = &t->after;
			continue;
		}
		rc = post_token(t, jval_get(v, "special_tokens"), jval_str(s, "id", ""), to, e);
		if (rc)
			return rc;
	}
	return 0;
}

static void
parse_pair(struct jids *to, const struct jval *pair)
{
	if (pair && pair->type == JVAL_ARR && pair->u.a.n == 2 && pair->u.a.v[1]->type == JVAL_INT &&
	    pair->u.a.v[1]->u.i >= 0)
		jids_add(to, (uint32_t)pair->u.a.v[1]->u.i);
}

static int
parse_post(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const char *type = jval_str(v, "type", "");
	const struct jval *l;
	size_t i;
	int rc = 0;

	if (!v || v->type == JVAL_NULL || strcmp(type, "ByteLevel") == 0)
		return 0;
	if (strcmp(type, "TemplateProcessing") == 0)
		return parse_template(t, v, e);
	if (strcmp(type, "BertProcessing") == 0 || strcmp(type, "RobertaProcessing") == 0) {
		parse_pair(&t->before, jval_get(v, "cls"));
		parse_pair(&t->after, jval_get(v, "sep"));
		return 0;
	}
	if (strcmp(type, "Sequence") != 0)
		return jerr_set(e, JERR_UNSUPPORTED, "post-processor \"%s\" is not known", type);
	l = jval_get(v, "processors");
	for (i = 0; !rc && l && l->type == JVAL_ARR && i < l->u.a.n; i++)
		rc = parse_post(t, l->u.a.v[i], e);
	return rc;
}

static void
add_stop(struct jtok *t, int64_t id)
{
	size_t i;

	for (i = 0; i < t->stops.n; i++)
		if ((int64_t)t->stops.v[i] == id)
			return;
	if (id >= 0 && id < t->n_ids)
		jids_add(&t->stops, (uint32_t)id);
}

/* Roles that no file told, by the names that the field gives them. */
static void
find_roles(struct jtok *t)
{
	static const char *turn_ends[] = { "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>",
		"<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<|return|>", NULL };
	static const char *ends[] = { "<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>", NULL };
	static const char *begins[] = { "<s>", "<|begin_of_text|>", "<bos>", NULL };
	size_t k, n = 0;
	int i;

	for (k = 0; k < t->stops.n; k++)
		if (t->stops.v[k] < t->n_ids)
			t->stops.v[n++] = t->stops.v[k];
	t->stops.n = n;
	for (i = 0; ends[i] && t->eos < 0; i++)
		t->eos = jtok_id(t, ends[i]);
	for (i = 0; begins[i] && t->bos < 0; i++)
		t->bos = jtok_id(t, begins[i]);
	add_stop(t, t->eos);
	for (i = 0; turn_ends[i]; i++) {
		int64_t id = jtok_id(t, turn_ends[i]);

		if (id >= 0 && jtok_is_special(t, (uint32_t)id))
			add_stop(t, id);
	}
}

static void
hash_part(struct jsha256 *h, uint32_t id, const char *p, size_t n)
{
	unsigned char head[8];

	jle_put32(head, id);
	jle_put32(head + 4, (uint32_t)n);
	jsha256_add(h, head, 8);
	jsha256_add(h, p, n);
}

static void
fingerprint(struct jtok *t)
{
	struct jsha256 h;
	unsigned char four[4];
	uint32_t id;
	size_t i, n;

	jsha256_init(&h);
	for (id = 0; id < t->vocab.n && id < t->pseudo; id++) {
		const char *p = tok_vocab_text(&t->vocab, id, &n);

		if (p)
			hash_part(&h, id, p, n);
	}
	for (i = 0; i < t->merges.n; i++) {
		jle_put32(four, t->merges.v[i]);
		jsha256_add(&h, four, 4);
	}
	for (i = 0; t->model == TOK_UNIGRAM && i < t->scores_n; i++) {
		memcpy(&id, &t->scores[i], 4);
		jle_put32(four, id);
		jsha256_add(&h, four, 4);
	}
	for (i = 0; i < t->n_added; i++)
		hash_part(&h, t->added[i].id, t->added[i].text, t->added[i].n);
	for (i = CFG_NORM; i <= CFG_PRE; i++)
		if (t->cfg[i])
			hash_part(&h, (uint32_t)i, t->cfg[i], strlen(t->cfg[i]));
	jsha256_done(&h, t->print);
}

static int
parse_steps(struct jtok *t, struct jerr *e)
{
	struct jval *v;
	int rc = parse_cfg(t, CFG_NORM, &v, e);

	if (!rc)
		rc = norm_parse(t, v, e);
	if (!rc)
		rc = parse_cfg(t, CFG_PRE, &v, e);
	if (!rc)
		rc = pre_parse(t, v, e);
	if (!rc)
		rc = parse_cfg(t, CFG_POST, &v, e);
	if (!rc)
		rc = parse_post(t, v, e);
	if (!rc)
		rc = build_tries(t, e);
	return rc ? rc : tok_decoder_build(t, e);
}

/* How many ids there are; foreign ids of roles beyond that are none. */
static int
bound_ids(struct jtok *t, struct jerr *e)
{
	size_t i;

	t->n_ids = (uint32_t)(t->pseudo < t->vocab.n ? t->pseudo : t->vocab.n);
	for (i = 0; i < t->n_added; i++)
		if (t->added[i].id >= t->n_ids)
			t->n_ids = t->added[i].id + 1;
	if (!t->n_ids)
		return jerr_set(e, JERR_FORMAT, "%s: the vocabulary is empty", t->name);
	for (i = 0; i < t->before.n + t->after.n; i++)
		if ((i < t->before.n ? t->before.v[i] : t->after.v[i - t->before.n]) >= t->n_ids)
			return jerr_set(e, JERR_FORMAT, "%s: the post-processor adds an id beyond the vocabulary",
				t->name);
	t->bos = t->bos < (int64_t)t->n_ids ? t->bos : -1;
	t->eos = t->eos < (int64_t)t->n_ids ? t->eos : -1;
	t->pad = t->pad < (int64_t)t->n_ids ? t->pad : -1;
	t->unk = t->unk < t->n_ids ? t->unk : TOK_NONE;
	t->special = jmem_zalloc(t->n_ids, 1);
	for (i = 0; i < t->n_added; i++)
		t->special[t->added[i].id] |= t->added[i].special;
	return 0;
}

int
tok_finish(struct jtok *t, struct jerr *e)
{
	int rc = parse_steps(t, e);

	if (!rc)
		rc = bound_ids(t, e);
	if (rc)
		return rc;
	find_byte_ids(t);
	choose_fast_path(t);
	find_roles(t);
	fingerprint(t);
	return 0;
}
