/*
 * Regular expressions (the regular part of ECMA-262, which JSON Schema uses): alternatives, groups,
 * classes, escapes \d \w \s and their negations, greedy and lazy repetitions (the language is the
 * same), anchors at the ends.  What is not regular, or looks around, is refused by name.
 */
#include "infer/grammar.h"

#include <string.h>

#include "base/jutf8.h"

#define DEPTH 200
#define MAX_RANGES 4096

struct regex {
	struct gbuild *b;
	const char *start, *p, *end;
	bool json;
	int depth;
	struct jerr *e;
};

struct ranges {
	struct grange *v;
	size_t n, cap;
};

static int
fail(const struct regex *r, const char *why)
{
	return jerr_set(r->e, JERR_FORMAT, "%s: regular expression \"%.*s\", at character %zu: %s",
		r->b->name, r->end - r->start > 80 ? 80 : (int)(r->end - r->start), r->start,
		(size_t)(r->p - r->start) + 1, why);
}

static void
put(struct ranges *s, uint32_t lo, uint32_t hi)
{
	JMEM_GROW(s->v, s->cap, s->n + 1);
	s->v[s->n++] = (struct grange){ lo, hi };
}

/* \d \w \s; upper case: everything else. */
static bool
put_set(struct ranges *s, char c)
{
	static const struct grange digit[] = { { '0', '9' } };
	static const struct grange word[] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' } };
	static const struct grange white[] = { { '\t', '\r' }, { ' ', ' ' }, { 0xa0, 0xa0 },
		{ 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 }, { 0x202f, 0x202f },
		{ 0x205f, 0x205f }, { 0x3000, 0x3000 }, { 0xfeff, 0xfeff } };
	const struct grange *v = (c | 32) == 'd' ? digit : (c | 32) == 'w' ? word : white;
	size_t n = v == digit ? 1 : v == word ? 4 : 10;
	uint32_t next = 0;

	if ((c | 32) != 'd' && (c | 32) != 'w' && (c | 32) != 's')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (c >= 'a') {
			put(s, v[i].lo, v[i].hi);
		} else {
			if (v[i].lo > next)
				put(s, next, v[i].lo - 1);
			next = v[i].hi + 1;
		}
	}
	if (c < 'a')
		put(s, next, 0x10ffff);
	return true;
}

/* A backslash in front of quotes, backslashes and the controls that have a letter. */
static const struct gx *
json_escaped(struct gbuild *b, uint32_t cp)
{
	static const char letters[] = "\b\t\n\f\r\"\\";
	static const char names[] = "btnfr\"\\";
	const char *at = cp < 128 && cp ? strchr(letters, (int)cp) : NULL;
	char text[8] = "\\u00";

	if (at) {
		text[1] = names[at - letters];
		return gx_bytes(b, text, 2);
	}
	text[4] = "0123456789abcdef"[cp >> 4 & 15];
	text[5] = "0123456789abcdef"[cp & 15];
	return gx_bytes(b, text, 6);
}

static const struct gx *
json_class(struct gbuild *b, const struct gx *set)
{
	struct ranges plain = { 0 };
	struct gx_list l = { 0 };

	for (uint32_t i = 0; i < set->n; i++) {
		uint32_t lo = set->u.ranges[i].lo, hi = set->u.ranges[i].hi;

		for (; lo <= hi && lo <= '\\'; lo++) {
			if (lo < 32 || lo == '"' || lo == '\\')
				gx_push(b, &l, json_escaped(b, lo));
			else
				put(&plain, lo, lo);
		}
		if (lo <= hi)
			put(&plain, lo, hi);
	}
	gx_push(b, &l, gx_class(b, plain.v, plain.n, false));
	jmem_free(plain.v);
	return gx_alt(b, &l);
}

static const struct gx *
make_class(struct regex *r, const struct ranges *s, bool negated)
{
	const struct gx *x = gx_class(r->b, s->v, s->n, negated);

	return r->json ? json_class(r->b, x) : x;
}

static int
hex(struct regex *r, int digits, uint32_t *cp)
{
	*cp = 0;
	for (; digits > 0; digits--, r->p++) {
		char c = r->p < r->end ? *r->p : 0;

		if (c >= '0' && c <= '9')
			*cp = *cp * 16 + (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			*cp = *cp * 16 + (uint32_t)((c | 32) - 'a' + 10);
		else
			return fail(r, "expected a hexadecimal digit");
	}
	return 0;
}

/* The character after a backslash; sets are the caller's business. */
static int
escape(struct regex *r, uint32_t *cp)
{
	static const char from[] = "tnrfv0", to[] = "\t\n\r\f\v";
	char c = *r->p++;
	const char *at = strchr(from, c);

	if (at) {
		*cp = (unsigned char)to[at - from];
		return 0;
	}
	if (c == 'x')
		return hex(r, 2, cp);
	if (c == 'u' && r->p < r->end && *r->p == '{') {
		for (*cp = 0, r->p++; r->p < r->end && *r->p != '}' && *cp <= 0x10ffff;) {
			uint32_t digit;

			if (hex(r, 1, &digit) < 0)
				return r->e->code;
			*cp = *cp * 16 + digit;
		}
		if (r->p == r->end || *cp > 0x10ffff)
			return fail(r, "expected \\u{...} with a character's number");
		r->p++;
		return 0;
	}
	if (c == 'u')
		return hex(r, 4, cp);
	if ((c >= '1' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
		r->p--;
		return fail(r, c <= '9' ? "back references are not regular" :
			"this escape is not offered");
	}
	*cp = (unsigned char)c;
	return 0;
}

static int
one_char(struct regex *r, uint32_t *cp)
{
	int n;

	if (*r->p == '\\') {
		if (++r->p == r->end)
			return fail(r, "a backslash at the end");
		return escape(r, cp);
	}
	n = jutf8_decode(r->p, (size_t)(r->end - r->p), cp);
	if (n < 0)
		return fail(r, "invalid UTF-8");
	r->p += n;
	return 0;
}

static int
class_item(struct regex *r, struct ranges *s)
{
	uint32_t lo, hi;

	if (s->n > MAX_RANGES)
		return fail(r, "a class of too many ranges");
	if (r->end - r->p >= 2 && *r->p == '\\' && put_set(s, r->p[1])) {
		r->p += 2;
		return 0;
	}
	if (r->end - r->p >= 2 && r->p[0] == '\\' && r->p[1] == 'b') {
		r->p += 2;
		put(s, '\b', '\b');
		return 0;
	}
	if (one_char(r, &lo) < 0)
		return r->e->code;
	hi = lo;
	if (r->end - r->p >= 2 && *r->p == '-' && r->p[1] != ']') {
		r->p++;
		if (one_char(r, &hi) < 0)
			return r->e->code;
		if (hi < lo)
			return fail(r, "a range that runs backwards");
	}
	put(s, lo, hi);
	return 0;
}

static int
class(struct regex *r, const struct gx **x)
{
	struct ranges s = { 0 };
	bool negated;
	int rc = 0;

	r->p++;
	negated = r->p < r->end && *r->p == '^';
	r->p += negated;
	while (rc == 0 && r->p < r->end && *r->p != ']')
		rc = class_item(r, &s);
	if (rc == 0 && r->p == r->end)
		rc = fail(r, "expected ']'");
	r->p += rc == 0;
	if (rc == 0)
		*x = make_class(r, &s, negated);
	jmem_free(s.v);
	return rc;
}

static int alternatives(struct regex *r, const struct gx **x);

static int
group(struct regex *r, const struct gx **x)
{
	int rc;

	r->p++;
	if (r->p < r->end && *r->p == '?') {
		if (r->end - r->p >= 2 && r->p[1] == ':')
			r->p += 2;
		else if (r->end - r->p >= 3 && r->p[1] == '<' && r->p[2] != '=' && r->p[2] != '!')
			while (r->p < r->end && *r->p++ != '>')
				;
		else
			return fail(r, "look-around and inline flags are not offered");
	}
	if (++r->depth > DEPTH)
		return fail(r, "groups are nested too deep");
	rc = alternatives(r, x);
	if (rc == 0 && (r->p == r->end || *r->p != ')'))
		rc = fail(r, "expected ')'");
	r->p += rc == 0;
	r->depth--;
	return rc;
}

static bool
count(struct regex *r, const char **at, uint32_t *n)
{
	const char *p = *at;

	for (*n = 0; p < r->end && *p >= '0' && *p <= '9' && *n < 100000000; p++)
		*n = *n * 10 + (uint32_t)(*p - '0');
	if (p == *at)
		return false;
	*at = p;
	return true;
}

/* {m}, {m,} or {m,n}; anything else is ordinary text, as in ECMA-262. */
static bool
braces(struct regex *r, uint32_t *min, uint32_t *max)
{
	const char *p = r->p + 1;

	if (!count(r, &p, min))
		return false;
	*max = *min;
	if (p < r->end && *p == ',') {
		p++;
		if (!count(r, &p, max))
			*max = GX_ANY;
	}
	if (p == r->end || *p != '}')
		return false;
	r->p = p + 1;
	return true;
}

static int
repetition(struct regex *r, const struct gx **x)
{
	uint32_t min = 0, max = GX_ANY;

	if (r->p == r->end || !*r->p || !strchr("*+?{", *r->p))
		return 0;
	if (*r->p == '{') {
		if (!braces(r, &min, &max))
			return 0;
		if (max < min)
			return fail(r, "counts that fall");
	} else {
		min = *r->p == '+';
		max = *r->p == '?' ? 1 : GX_ANY;
		r->p++;
	}
	if (r->p < r->end && *r->p == '?')
		r->p++;			/* lazy: which match, not whether */
	*x = gx_repeat(r->b, *x, min, max);
	if (r->p < r->end && *r->p && strchr("*+", *r->p))
		return fail(r, "nothing to repeat");
	return 0;
}

static int
item(struct regex *r, const struct gx **x)
{
	struct ranges s = { 0 };
	uint32_t cp;
	int rc = 0;

	if (*r->p == '[')
		return class(r, x);
	if (*r->p == '(')
		return group(r, x);
	if (*r->p && strchr("*+?", *r->p))
		return fail(r, "nothing to repeat");
	if (*r->p == '^' || *r->p == '$' || (r->end - r->p >= 2 && r->p[0] == '\\' &&
	    (r->p[1] == 'b' || r->p[1] == 'B')))
		return fail(r, "anchors are offered at the ends alone");
	if (*r->p == '.') {
		r->p++;
		put(&s, '\n', '\n');
		put(&s, '\r', '\r');
		put(&s, 0x2028, 0x2029);
		*x = make_class(r, &s, true);
	} else if (r->end - r->p >= 2 && *r->p == '\\' && put_set(&s, r->p[1])) {
		r->p += 2;
		*x = make_class(r, &s, false);
	} else {
		rc = one_char(r, &cp);
		put(&s, cp, cp);
		if (rc == 0)
			*x = make_class(r, &s, false);
	}
	jmem_free(s.v);
	return rc;
}

static int
sequence(struct regex *r, const struct gx **x)
{
	struct gx_list l = { 0 };
	const struct gx *part = NULL;
	int rc = 0;

	while (rc == 0 && r->p < r->end && *r->p != '|' && *r->p != ')') {
		rc = item(r, &part);
		if (rc == 0)
			rc = repetition(r, &part);
		if (rc == 0)
			gx_push(r->b, &l, part);
	}
	*x = gx_seq(r->b, &l);
	return rc;
}

static int
alternatives(struct regex *r, const struct gx **x)
{
	struct gx_list l = { 0 };
	const struct gx *part;
	int rc;

	for (;;) {
		rc = sequence(r, &part);
		if (rc < 0)
			return rc;
		gx_push(r->b, &l, part);
		if (r->p == r->end || *r->p != '|')
			break;
		r->p++;
	}
	*x = gx_alt(r->b, &l);
	return 0;
}

/* Does the last character stand for itself, a backslash before it being none itself? */
static bool
ends_with_anchor(const char *p, const char *end)
{
	size_t slashes = 0;

	if (p == end || end[-1] != '$')
		return false;
	for (end--; end > p && end[-1] == '\\'; end--)
		slashes++;
	return slashes % 2 == 0;
}

static const struct gx *
anything(struct regex *r)
{
	struct ranges none = { 0 };

	return gx_repeat(r->b, make_class(r, &none, true), 0, GX_ANY);
}

/* A '|' outside groups: an anchor then belongs to one alternative alone. */
static bool
has_alternatives(const char *p, const char *end)
{
	int depth = 0;
	bool class = false;

	for (; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (class)
			class = *p != ']';
		else if (*p == '[')
			class = true;
		else if (*p == '(' || *p == ')')
			depth += *p == '(' ? 1 : -1;
		else if (*p == '|' && depth == 0)
			return true;
	}
	return false;
}

int
gregex_parse(struct gbuild *b, const char *p, size_t n, const struct gregex_opts *o,
	const struct gx **x, struct jerr *e)
{
	struct regex r = { .b = b, .start = p, .p = p, .end = p + n, .json = o->json, .e = e };
	bool begins = n > 0 && *p == '^', ends = ends_with_anchor(p + begins, p + n);
	struct gx_list l = { 0 };
	int rc;

	if ((begins || ends) && has_alternatives(p, p + n))
		return fail(&r, "anchors beside alternatives: put the alternatives in a group");
	r.p += begins;
	r.end -= ends;
	rc = alternatives(&r, x);
	if (rc == 0 && r.p < r.end)
		rc = fail(&r, "a ')' without its '('");
	if (rc < 0)
		return rc;
	if (!begins && !o->whole)
		gx_push(b, &l, anything(&r));
	gx_push(b, &l, *x);
	if (!ends && !o->whole)
		gx_push(b, &l, anything(&r));
	*x = gx_seq(b, &l);
	return 0;
}

int
jgrammar_regex(struct jgrammar **out, const char *text, size_t n, const char *name, struct jerr *e)
{
	const struct gregex_opts o = { .whole = true };
	struct gbuild b;
	const struct gx *x;
	int rc;

	gbuild_init(&b, name);
	rc = gregex_parse(&b, text, n, &o, &x, e);
	if (rc == 0)
		rc = grammar_compile(out, &b, gbuild_anonymous(&b, x), e);
	gbuild_release(&b);
	return rc;
}
