/*
 * GBNF, the grammar notation of llama.cpp (grammars/README.md there): rules `name ::= ...` with "text",
 * [classes], . (any character), groups, | and the repetitions * + ? {m} {m,} {m,n}.
 *
 * A line feed ends a rule unless it stands inside parentheses or where something must follow.
 */
#include "infer/grammar.h"

#include <string.h>

#include "base/jutf8.h"

#define DEPTH 200

struct gbnf {
	struct gbuild *b;
	const char *p, *end;
	int line, depth;
	struct jerr *e;
};

static int
fail(struct gbnf *g, const char *expected)
{
	char what[16] = "the end";

	if (g->p < g->end) {
		what[0] = '\'';
		what[1] = *g->p >= 32 && *g->p < 127 ? *g->p : '?';
		what[2] = '\'';
		what[3] = '\0';
	}
	return jerr_set(g->e, JERR_FORMAT, "%s:%d: expected %s, found %s", g->b->name, g->line,
		expected, what);
}

static void
space(struct gbnf *g, bool lines)
{
	for (; g->p < g->end; g->p++) {
		if (*g->p == '#')
			while (g->p + 1 < g->end && g->p[1] != '\n')
				g->p++;
		else if (*g->p == '\n' && lines)
			g->line++;
		else if (*g->p != ' ' && *g->p != '\t' && *g->p != '\r')
			return;
	}
}

static bool
word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '-' || c == '_';
}

static size_t
word(struct gbnf *g, const char **at)
{
	*at = g->p;
	while (g->p < g->end && word_char(*g->p))
		g->p++;
	return (size_t)(g->p - *at);
}

static int
hex(struct gbnf *g, int digits, uint32_t *cp)
{
	*cp = 0;
	for (; digits > 0; digits--, g->p++) {
		char c = g->p < g->end ? *g->p : 0;

		if (c >= '0' && c <= '9')
			*cp = *cp * 16 + (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			*cp = *cp * 16 + (uint32_t)((c | 32) - 'a' + 10);
		else
			return fail(g, "a hexadecimal digit");
	}
	if (*cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return jerr_set(g->e, JERR_FORMAT, "%s:%d: U+%X is not a character", g->b->name, g->line,
			(unsigned)*cp);
	return 0;
}

/* One character of a text or a class, escapes resolved. */
static int
character(struct gbnf *g, uint32_t *cp)
{
	int n;
	char c;

	if (*g->p != '\\') {
		n = jutf8_decode(g->p, (size_t)(g->end - g->p), cp);
		if (n < 0)
			return fail(g, "valid UTF-8");
		g->line += *cp == '\n';
		g->p += n;
		return 0;
	}
	if (++g->p == g->end)
		return fail(g, "an escaped character");
	c = *g->p++;
	switch (c) {
	case 'n': *cp = '\n'; return 0;
	case 'r': *cp = '\r'; return 0;
	case 't': *cp = '\t'; return 0;
	case 'x': return hex(g, 2, cp);
	case 'u': return hex(g, 4, cp);
	case 'U': return hex(g, 8, cp);
	case '\\': case '"': case '[': case ']': case '-': case '^':
		*cp = (unsigned char)c;
		return 0;
	}
	g->p--;
	return fail(g, "one of n r t x u U \\ \" [ ] - ^ after a backslash");
}

static int
text(struct gbnf *g, const struct gx **x)
{
	struct jbuf b;
	int rc = 0;

	jbuf_init(&b);
	g->p++;
	while (rc == 0 && g->p < g->end && *g->p != '"') {
		char utf8[4];
		uint32_t cp;

		rc = character(g, &cp);
		if (rc == 0)
			jbuf_add(&b, utf8, (size_t)jutf8_encode(cp, utf8));
	}
	if (rc == 0 && g->p == g->end)
		rc = fail(g, "'\"'");
	if (rc == 0) {
		g->p++;
		*x = gx_bytes(g->b, b.p, b.n);
	}
	jbuf_release(&b);
	return rc;
}

static int
class(struct gbnf *g, const struct gx **x)
{
	struct grange *r = NULL;
	size_t n = 0, cap = 0;
	bool negated;
	int rc = 0;

	g->p++;
	negated = g->p < g->end && *g->p == '^';
	g->p += negated;
	while (rc == 0 && g->p < g->end && *g->p != ']') {
		JMEM_GROW(r, cap, n + 1);
		rc = character(g, &r[n].lo);
		r[n].hi = r[n].lo;
		if (rc == 0 && g->end - g->p >= 2 && *g->p == '-' && g->p[1] != ']') {
			g->p++;
			rc = character(g, &r[n].hi);
			if (rc == 0 && r[n].hi < r[n].lo)
				rc = fail(g, "a range whose end is not before its beginning, before");
		}
		n++;
	}
	if (rc == 0 && g->p == g->end)
		rc = fail(g, "']'");
	if (rc == 0) {
		g->p++;
		*x = gx_class(g->b, r, n, negated);
	}
	jmem_free(r);
	return rc;
}

static int alternatives(struct gbnf *g, const struct gx **x, bool group);

static int
group(struct gbnf *g, const struct gx **x)
{
	int rc;

	if (++g->depth > DEPTH)
		return jerr_set(g->e, JERR_LIMIT, "%s:%d: groups are nested deeper than %d", g->b->name,
			g->line, DEPTH);
	g->p++;
	space(g, true);
	rc = alternatives(g, x, true);
	if (rc == 0 && (g->p == g->end || *g->p != ')'))
		return fail(g, "')'");
	if (rc == 0)
		g->p++;
	g->depth--;
	return rc;
}

static int
number(struct gbnf *g, uint32_t *n)
{
	const char *at = g->p;

	for (*n = 0; g->p < g->end && *g->p >= '0' && *g->p <= '9'; g->p++) {
		if (*n > 100000000)
			return fail(g, "a smaller count");
		*n = *n * 10 + (uint32_t)(*g->p - '0');
	}
	return g->p == at ? fail(g, "a count") : 0;
}

static int
braces(struct gbnf *g, uint32_t *min, uint32_t *max)
{
	int rc;

	g->p++;
	space(g, true);
	rc = number(g, min);
	*max = *min;
	space(g, true);
	if (rc == 0 && g->p < g->end && *g->p == ',') {
		g->p++;
		space(g, true);
		*max = GX_ANY;
		if (g->p < g->end && *g->p != '}')
			rc = number(g, max);
		space(g, true);
	}
	if (rc == 0 && (g->p == g->end || *g->p != '}'))
		rc = fail(g, "'}'");
	if (rc == 0 && *max < *min)
		rc = fail(g, "counts in rising order before");
	if (rc == 0)
		g->p++;
	return rc;
}

static int
repetition(struct gbnf *g, const struct gx **x, bool in_group)
{
	int rc = 0;

	for (;;) {
		uint32_t min = 0, max = GX_ANY;

		space(g, in_group);
		if (g->p == g->end || !strchr("*+?{", *g->p) || *g->p == '\0')
			return 0;
		if (*g->p == '{') {
			rc = braces(g, &min, &max);
		} else {
			min = *g->p == '+';
			max = *g->p == '?' ? 1 : GX_ANY;
			g->p++;
		}
		if (rc < 0)
			return rc;
		*x = gx_repeat(g->b, *x, min, max);
	}
}

/* One item: 1 where there was one, 0 at the end of the sequence. */
static int
item(struct gbnf *g, const struct gx **x, bool in_group)
{
	const char *name;
	size_t n;
	int rc = 0;

	if (g->p == g->end)
		return 0;
	if (*g->p == '"') {
		rc = text(g, x);
	} else if (*g->p == '[') {
		rc = class(g, x);
	} else if (*g->p == '(') {
		rc = group(g, x);
	} else if (*g->p == '.') {
		g->p++;
		*x = gx_class(g->b, NULL, 0, true);
	} else if (word_char(*g->p)) {
		n = word(g, &name);
		*x = gx_ref(g->b, gbuild_rule(g->b, name, n, g->line));
	} else {
		return 0;
	}
	if (rc == 0)
		rc = repetition(g, x, in_group);
	return rc < 0 ? rc : 1;
}

static int
sequence(struct gbnf *g, const struct gx **x, bool in_group)
{
	struct gx_list l = { 0 };
	const struct gx *part;
	int rc;

	while ((rc = item(g, &part, in_group)) == 1) {
		gx_push(g->b, &l, part);
		space(g, in_group);
	}
	*x = gx_seq(g->b, &l);
	return rc;
}

static int
alternatives(struct gbnf *g, const struct gx **x, bool in_group)
{
	struct gx_list l = { 0 };
	const struct gx *part;
	int rc;

	for (;;) {
		rc = sequence(g, &part, in_group);
		if (rc < 0)
			return rc;
		gx_push(g->b, &l, part);
		space(g, in_group);
		if (g->p == g->end || *g->p != '|')
			break;
		g->p++;
		space(g, true);
	}
	*x = gx_alt(g->b, &l);
	return 0;
}

static int
rule(struct gbnf *g)
{
	const char *name;
	size_t n = word(g, &name);
	int line = g->line, rc;
	uint32_t r;
	const struct gx *x;

	if (n == 0)
		return fail(g, "the name of a rule");
	space(g, false);
	if (g->end - g->p < 3 || memcmp(g->p, "::=", 3) != 0)
		return fail(g, "\"::=\"");
	g->p += 3;
	space(g, true);
	rc = alternatives(g, &x, false);
	if (rc < 0)
		return rc;
	if (g->p < g->end && *g->p != '\n')
		return fail(g, "the end of the line");
	r = gbuild_rule(g->b, name, n, line);
	if (g->b->rules[r].x)
		return jerr_set(g->e, JERR_FORMAT, "%s:%d: the rule \"%s\" is defined a second time",
			g->b->name, line, g->b->rules[r].name);
	g->b->rules[r].x = x;
	g->b->rules[r].line = line;
	return 0;
}

int
jgrammar_gbnf(struct jgrammar **out, const char *input, size_t n, const char *name, struct jerr *e)
{
	struct gbuild b;
	struct gbnf g = { .b = &b, .p = input, .end = input + n, .line = 1, .e = e };
	int rc = 0;

	gbuild_init(&b, name);
	for (space(&g, true); rc == 0 && g.p < g.end; space(&g, true))
		rc = rule(&g);
	if (rc == 0)
		rc = grammar_compile(out, &b, gbuild_rule(&b, "root", 4, g.line), e);
	gbuild_release(&b);
	return rc;
}
