/*
 * Pre-tokenizers as tokenizer.json writes them.
 */
#include "pre.h"

#include <string.h>

static struct tok_pre *
add(struct jtok *t, enum pre_kind kind)
{
	struct tok_pre *s;

	t->pre = jmem_realloc(t->pre, t->n_pre + 1, sizeof(*t->pre));
	s = &t->pre[t->n_pre++];
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->behavior = PRE_ISOLATED;
	return s;
}

static int
behavior(struct tok_pre *s, const struct jval *v, const char *fallback, struct jerr *e)
{
	static const char *names[] = { "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
		"Contiguous" };
	const char *name = jval_str(v, "behavior", fallback);
	int i;

	for (i = 0; i < 5; i++)
		if (strcmp(name, names[i]) == 0) {
			s->behavior = (enum pre_behavior)i;
			return 0;
		}
	return jerr_set(e, JERR_FORMAT, "pre-tokenizer behaviour \"%s\" is not known", name);
}

static int
parse_split(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const struct jval *p = jval_get(v, "pattern");
	const struct jval *x = p ? jval_get(p, "Regex") : NULL;
	bool literal = !x;
	struct tok_pre *s = add(t, PRE_SPLIT);
	int rc = behavior(s, v, "Isolated", e);

	s->invert = jval_bool(v, "invert", false);
	if (literal)
		x = p ? jval_get(p, "String") : NULL;
	if (rc)
		return rc;
	if (!x || x->type != JVAL_STR)
		return jerr_set(e, JERR_FORMAT, "pre-tokenizer Split without a pattern");
	s->scan = literal ? SCAN_NONE : scan_by_pattern(x->u.s.p, x->u.s.n);
	/* The known patterns match every character, so removing what does not match is isolating. */
	if (s->scan != SCAN_NONE && ((s->behavior == PRE_ISOLATED && !s->invert) ||
	    (s->behavior == PRE_REMOVED && s->invert))) {
		s->kind = PRE_SCAN;
		s->behavior = PRE_ISOLATED;
		s->invert = false;
		return 0;
	}
	return rx_compile(&s->rx, x->u.s.p, x->u.s.n, literal, e);
}

static int
parse_byte_level(struct jtok *t, const struct jval *v)
{
	if (jval_bool(v, "add_prefix_space", true))
		add(t, PRE_PREFIX_SPACE);
	if (jval_bool(v, "use_regex", true))
		add(t, PRE_SCAN)->scan = SCAN_GPT2;
	return 0;
}

static int
parse_metaspace(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const char *mark = jval_str(v, "replacement", "\xE2\x96\x81");
	const char *scheme = jval_str(v, "prepend_scheme",
		jval_bool(v, "add_prefix_space", true) ? "always" : "never");
	struct tok_pre *s = add(t, PRE_METASPACE);

	s->mark_n = strlen(mark);
	s->mark = jarena_strndup(&t->arena, mark, s->mark_n);
	s->split = jval_bool(v, "split", true);
	s->prepend = strcmp(scheme, "always") == 0 ? PREPEND_ALWAYS :
		strcmp(scheme, "first") == 0 ? PREPEND_FIRST : PREPEND_NEVER;
	if (!s->mark_n)
		return jerr_set(e, JERR_FORMAT, "pre-tokenizer Metaspace with an empty replacement");
	return 0;
}

static int
parse_simple(struct jtok *t, const char *type, const struct jval *v, struct jerr *e)
{
	struct tok_pre *s;

	if (strcmp(type, "Digits") == 0) {
		s = add(t, PRE_DIGITS);
		s->individual = jval_bool(v, "individual_digits", false);
	} else if (strcmp(type, "Punctuation") == 0) {
		return behavior(add(t, PRE_PUNCT), v, "Isolated", e);
	} else if (strcmp(type, "Whitespace") == 0) {
		s = add(t, PRE_WHITESPACE);
		s->behavior = PRE_REMOVED;
		s->invert = true;
	} else if (strcmp(type, "WhitespaceSplit") == 0) {
		add(t, PRE_SPACE_SPLIT)->behavior = PRE_REMOVED;
	} else if (strcmp(type, "BertPreTokenizer") == 0) {
		add(t, PRE_SPACE_SPLIT)->behavior = PRE_REMOVED;
		add(t, PRE_PUNCT);
	} else if (strcmp(type, "CharDelimiterSplit") == 0) {
		const char *d = jval_str(v, "delimiter", " ");

		s = add(t, PRE_CHAR_SPLIT);
		s->behavior = PRE_REMOVED;
		s->mark_n = strlen(d);
		s->mark = jarena_strndup(&t->arena, d, s->mark_n);
	} else if (strcmp(type, "FixedLength") == 0) {
		int64_t n = jval_int(v, "length", 5);

		if (n < 1)
			return jerr_set(e, JERR_FORMAT, "pre-tokenizer FixedLength of %lld", (long long)n);
		add(t, PRE_FIXED)->length = (size_t)n;
	} else {
		return jerr_set(e, JERR_UNSUPPORTED, "pre-tokenizer \"%s\" is not known", type);
	}
	return 0;
}

int
pre_parse(struct jtok *t, const struct jval *v, struct jerr *e)
{
	const char *type = jval_str(v, "type", "");
	const struct jval *l;
	size_t i;
	int rc = 0;

	if (!v || v->type == JVAL_NULL)
		return 0;
	if (strcmp(type, "Sequence") == 0) {
		l = jval_get(v, "pretokenizers");
		for (i = 0; !rc && l && l->type == JVAL_ARR && i < l->u.a.n; i++)
			rc = pre_parse(t, l->u.a.v[i], e);
		return rc;
	}
	if (strcmp(type, "Split") == 0)
		return parse_split(t, v, e);
	if (strcmp(type, "ByteLevel") == 0)
		return parse_byte_level(t, v);
	if (strcmp(type, "Metaspace") == 0)
		return parse_metaspace(t, v, e);
	return parse_simple(t, type, v, e);
}

void
pre_release(struct jtok *t)
{
	size_t i;

	for (i = 0; i < t->n_pre; i++)
		rx_free(t->pre[i].rx);
	jmem_free(t->pre);
}
