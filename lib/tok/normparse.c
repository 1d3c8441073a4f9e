/*
 * Normalizers as tokenizer.json writes them.
 */
#include "norm.h"

#include <string.h>

static void
bert_options(struct tok_norm *s, const struct jval *v)
{
	const struct jval *accents = jval_get(v, "strip_accents");

	s->clean = jval_bool(v, "clean_text", true);
	s->chinese = jval_bool(v, "handle_chinese_chars", true);
	s->lower = jval_bool(v, "lowercase", true);
	s->accents = accents && accents->type == JVAL_BOOL ? accents->u.b : s->lower;
}

static int
replace_options(struct jtok *t, struct tok_norm *s, const struct jval *v, struct jerr *e)
{
	const struct jval *p = jval_get(v, "pattern");
	const struct jval *x = p ? jval_get(p, "String") : NULL;
	const char *to = jval_str(v, "content", "");

	s->to_n = strlen(to);
	s->to = jarena_strndup(&t->arena, to, s->to_n);
	if (x && x->type == JVAL_STR) {
		s->from_n = x->u.s.n;
		s->from = jarena_strndup(&t->arena, x->u.s.p, s->from_n);
		return 0;
	}
	x = p ? jval_get(p, "Regex") : NULL;
	if (!x || x->type != JVAL_STR)
		return jerr_set(e, JERR_FORMAT, "normalizer Replace without a pattern");
	s->kind = NORM_REPLACE_RX;
	return rx_compile(&s->rx, x->u.s.p, x->u.s.n, 0, e);
}

static int
sequence(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const struct jval *l = jval_get(v, "normalizers");
	size_t i;
	int rc = 0;

	for (i = 0; !rc && l && l->type == JVAL_ARR && i < l->u.a.n; i++)
		rc = norm_parse(t, l->u.a.v[i], e);
	return rc;
}

static const struct { const char *name; enum norm_kind kind; } kinds[] = {
	{ "NFC", NORM_NFC }, { "NFD", NORM_NFD }, { "NFKC", NORM_NFKC }, { "NFKD", NORM_NFKD },
	{ "Lowercase", NORM_LOWER }, { "StripAccents", NORM_STRIP_ACCENTS }, { "Strip", NORM_STRIP },
	{ "Replace", NORM_REPLACE }, { "Prepend", NORM_PREPEND }, { "BertNormalizer", NORM_BERT },
	{ "Nmt", NORM_NMT }, { "Precompiled", NORM_CHARSMAP },
};

static int
options(struct jtok *t, struct tok_norm *s, const struct jval *v, struct jerr *e)
{
	const struct jval *x;

	switch (s->kind) {
	case NORM_STRIP:
		s->left = jval_bool(v, "strip_left", true);
		s->right = jval_bool(v, "strip_right", true);
		return 0;
	case NORM_REPLACE:
		return replace_options(t, s, v, e);
	case NORM_PREPEND:
		s->to = jarena_strndup(&t->arena, jval_str(v, "prepend", ""), strlen(jval_str(v, "prepend", "")));
		s->to_n = strlen(s->to);
		return 0;
	case NORM_BERT:
		bert_options(s, v);
		return 0;
	case NORM_CHARSMAP:
		x = jval_get(v, "precompiled_charsmap");
		if (!x || x->type != JVAL_STR)
			return jerr_set(e, JERR_FORMAT, "normalizer Precompiled without its table");
		return norm_map_new(&s->map, x->u.s.p, x->u.s.n, e);
	default:
		return 0;
	}
}

int
norm_parse(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const char *type = jval_str(v, "type", "");
	size_t i;

	if (!v || v->type == JVAL_NULL)
		return 0;
	if (strcmp(type, "Sequence") == 0)
		return sequence(t, v, e);
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(type, kinds[i].name) == 0)
			break;
	if (i == sizeof(kinds) / sizeof(*kinds))
		return jerr_set(e, JERR_UNSUPPORTED, "normalizer \"%s\" is not known", type);
	t->norm = jmem_realloc(t->norm, t->n_norm + 1, sizeof(*t->norm));
	memset(&t->norm[t->n_norm], 0, sizeof(*t->norm));
	t->norm[t->n_norm].kind = kinds[i].kind;
	return options(t, &t->norm[t->n_norm++], v, e);
}

void
norm_release(struct jtok *t)
{
	size_t i;

	for (i = 0; i < t->n_norm; i++) {
		rx_free(t->norm[i].rx);
		norm_map_free(t->norm[i].map);
	}
	jmem_free(t->norm);
}
