/*
 * JSON Schema: strings and numbers, and the rules of plain JSON (RFC 8259).
 *
 * Numbers with bounds are written as decimal digits that lie between them; with a fraction only
 * where the whole part keeps the fraction inside, so every text is valid, though not every valid
 * number can be written.
 */
#include "infer/grammar_schema.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct gx *
schema_sign(struct schema *s, const char *sign)
{
	return gx_seq2(s->b, gx_str(s->b, sign), gx_ref(s->b, s->ws));
}

static const struct gx *
regex(struct gbuild *b, const char *p)
{
	const struct gregex_opts o = { .whole = true };
	struct jerr e = { 0 };
	const struct gx *x = NULL;

	if (gregex_parse(b, p, strlen(p), &o, &x, &e) < 0)
		jbug("%s", e.msg);
	return x;
}

/* Anything but quotes, backslashes and controls, or an escape; a lone surrogate is no character. */
const struct gx *
schema_char(struct gbuild *b)
{
	return regex(b, "[^\"\\\\\\x00-\\x1f]|\\\\([\"\\\\/bfnrt]|u([0-9a-cefA-CEF][0-9a-fA-F]{3}"
		"|[dD][0-7][0-9a-fA-F]{2}))");
}

const struct gx *
schema_any_number(struct gbuild *b, bool integer)
{
	return regex(b, integer ? "-?(0|[1-9][0-9]{0,14})" :
		"-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?");
}

/* open (item ("," item)*)? close */
static const struct gx *
bracketed(struct schema *s, const char *open, const struct gx *item, const char *close)
{
	const struct gx *more = gx_seq2(s->b, schema_sign(s, ","), item);
	struct gx_list l = { 0 };

	gx_push(s->b, &l, schema_sign(s, open));
	gx_push(s->b, &l, gx_repeat(s->b, gx_seq2(s->b, item, gx_repeat(s->b, more, 0, GX_ANY)), 0, 1));
	gx_push(s->b, &l, gx_ref(s->b, s->ws));
	gx_push(s->b, &l, gx_str(s->b, close));
	return gx_seq(s->b, &l);
}

void
schema_json_rules(struct schema *s)
{
	struct gbuild *b = s->b;
	struct gx_list l = { 0 }, pair = { 0 };

	s->ws = gbuild_anonymous(b, regex(b, "|[ ]|\\n[ ]{0,20}"));
	s->string = gbuild_anonymous(b, NULL);
	s->value = gbuild_anonymous(b, NULL);
	gx_push(b, &l, gx_str(b, "\""));
	gx_push(b, &l, gx_repeat(b, schema_char(b), 0, GX_ANY));
	gx_push(b, &l, gx_str(b, "\""));
	b->rules[s->string].x = gx_seq(b, &l);
	l = (struct gx_list){ 0 };
	gx_push(b, &pair, gx_ref(b, s->string));
	gx_push(b, &pair, schema_sign(s, ":"));
	gx_push(b, &pair, gx_ref(b, s->value));
	gx_push(b, &l, bracketed(s, "{", gx_seq(b, &pair), "}"));
	gx_push(b, &l, bracketed(s, "[", gx_ref(b, s->value), "]"));
	gx_push(b, &l, gx_ref(b, s->string));
	gx_push(b, &l, schema_any_number(b, false));
	gx_push(b, &l, regex(b, "true|false|null"));
	b->rules[s->value].x = gx_alt(b, &l);
}

/* --- strings --- */
#define OCTET "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define LABEL "[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?"
#define DATE "[12][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)" \
	"|02-(0[1-9]|1[0-9]|2[0-8]))"
#define TIME "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"

/* RFC 3339, 4122, 2673, 5321, 1123, 3986: forms that every validator takes, not all that exist. */
static const struct { const char *name, *regex; } formats[] = {
	{ "date", DATE },
	{ "time", TIME },
	{ "date-time", DATE "T" TIME },
	{ "uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}" },
	{ "ipv4", OCTET "(\\." OCTET "){3}" },
	{ "ipv6", "([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}" },
	{ "email", "[a-z0-9]+([._+-][a-z0-9]+)*@" LABEL "(\\." LABEL "){1,3}" },
	{ "hostname", LABEL "(\\." LABEL "){0,3}" },
	{ "uri", "https?://" LABEL "(\\." LABEL "){0,3}(/[A-Za-z0-9._~-]*)*" },
};

static int
string_format(struct schema *s, const struct jval *v, const struct gx **x)
{
	for (size_t i = 0; v->type == JVAL_STR && i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(v->u.s.p, formats[i].name) == 0) {
			*x = regex(s->b, formats[i].regex);
			return 0;
		}
	}
	*x = NULL;		/* by the standard an annotation */
	return 0;
}

int
schema_string(struct schema *s, const struct view *w, const struct gx **x)
{
	const struct gregex_opts o = { .json = true };
	const struct jval *pattern, *format;
	struct gx_list l = { 0 };
	const struct gx *body = NULL;
	uint32_t min = 0, max = GX_ANY;
	int rc = view_get(s, w, "pattern", &pattern);

	if (rc == 0)
		rc = view_get(s, w, "format", &format);
	if (rc == 0)
		rc = schema_count(s, w, "minLength", 0, &min);
	if (rc == 0)
		rc = schema_count(s, w, "maxLength", GX_ANY, &max);
	if (rc < 0)
		return rc;
	if (format && !pattern)
		rc = string_format(s, format, &body);
	if (pattern && pattern->type != JVAL_STR)
		rc = schema_fail(s, pattern, "pattern: expected a string");
	else if (pattern)
		rc = gregex_parse(s->b, pattern->u.s.p, pattern->u.s.n, &o, &body, s->e);
	if (rc < 0)
		return rc;
	if (body && (min > 0 || max != GX_ANY))
		return schema_fail(s, pattern ? pattern : format, "minLength or maxLength beside a pattern or a "
			"format: say the length in the pattern");
	if (max < min)
		return schema_fail(s, w->v[0], "maxLength below minLength");
	if (!body && min == 0 && max == GX_ANY) {
		*x = gx_ref(s->b, s->string);
		return 0;
	}
	if (!body)
		body = gx_repeat(s->b, schema_char(s->b), min, max);
	gx_push(s->b, &l, gx_str(s->b, "\""));
	gx_push(s->b, &l, body);
	gx_push(s->b, &l, gx_str(s->b, "\""));
	*x = gx_seq(s->b, &l);
	return 0;
}

/* --- numbers --- */
static const struct gx *
digit(struct gbuild *b, char lo, char hi)
{
	const struct grange r = { (unsigned char)lo, (unsigned char)hi };

	return gx_class(b, &r, 1, false);
}

static const struct gx *
any_digits(struct gbuild *b, size_t n)
{
	return gx_repeat(b, digit(b, '0', '9'), (uint32_t)n, (uint32_t)n);
}

/* Digit strings of the length of s that are at least (up) or at most s. */
static const struct gx *
bounded(struct gbuild *b, const char *s, bool up)
{
	struct gx_list l = { 0 };
	size_t n = strlen(s);

	if (n == 0)
		return gx_empty(b);
	gx_push(b, &l, gx_seq2(b, digit(b, *s, *s), bounded(b, s + 1, up)));
	if (up ? *s < '9' : *s > '0')
		gx_push(b, &l, gx_seq2(b, up ? digit(b, (char)(*s + 1), '9') :
			digit(b, '0', (char)(*s - 1)), any_digits(b, n - 1)));
	return gx_alt(b, &l);
}

/* Digit strings from lo to hi, which have the same length. */
static const struct gx *
between(struct gbuild *b, const char *lo, const char *hi)
{
	struct gx_list l = { 0 };
	size_t n = strlen(lo);

	if (n == 0)
		return gx_empty(b);
	if (*lo == *hi)
		return gx_seq2(b, digit(b, *lo, *lo), between(b, lo + 1, hi + 1));
	gx_push(b, &l, gx_seq2(b, digit(b, *lo, *lo), bounded(b, lo + 1, true)));
	if (*lo + 1 < *hi)
		gx_push(b, &l, gx_seq2(b, digit(b, (char)(*lo + 1), (char)(*hi - 1)),
			any_digits(b, n - 1)));
	gx_push(b, &l, gx_seq2(b, digit(b, *hi, *hi), bounded(b, hi + 1, false)));
	return gx_alt(b, &l);
}

/* Whole numbers lo..hi without a sign; 0 <= lo. */
static void
naturals(struct gbuild *b, int64_t lo, int64_t hi, struct gx_list *l)
{
	for (int64_t low = lo, top = 9; low <= hi; top = top * 10 + 9) {
		char from[24], to[24];

		if (low > top)
			continue;
		snprintf(from, sizeof(from), "%lld", (long long)low);
		snprintf(to, sizeof(to), "%lld", (long long)(hi < top ? hi : top));
		gx_push(b, l, between(b, from, to));
		low = top + 1;
	}
}

/* Whole numbers lo..hi. */
static void
integers(struct gbuild *b, int64_t lo, int64_t hi, struct gx_list *out)
{
	struct gx_list pos = { 0 }, neg = { 0 };

	if (hi >= 0)
		naturals(b, lo > 0 ? lo : 0, hi, &pos);
	if (lo < 0)
		naturals(b, hi < 0 ? -hi : 1, -lo, &neg);
	if (pos.n)
		gx_push(b, out, gx_alt(b, &pos));
	if (neg.n)
		gx_push(b, out, gx_seq2(b, gx_str(b, "-"), gx_alt(b, &neg)));
}

struct bounds {
	double lo, hi;
	bool over, under;		/* the bound itself is out */
};

static int
one_bound(struct schema *s, const struct view *w, const char *key, double *v, bool *found)
{
	const struct jval *j;
	int rc = view_get(s, w, key, &j);

	*found = false;
	if (rc < 0 || !j || j->type == JVAL_BOOL)
		return rc;
	if (j->type != JVAL_INT && j->type != JVAL_DOUBLE)
		return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected a number", s->b->name, j->line, key);
	*v = j->type == JVAL_INT ? (double)j->u.i : j->u.d;
	*found = true;
	return 0;
}

static int
get_bounds(struct schema *s, const struct view *w, struct bounds *b, bool *any)
{
	double v;
	bool lo, hi, found;
	int rc = one_bound(s, w, "minimum", &b->lo, &lo);

	if (rc == 0)
		rc = one_bound(s, w, "maximum", &b->hi, &hi);
	if (rc == 0)
		rc = one_bound(s, w, "exclusiveMinimum", &v, &found);
	if (rc == 0 && found && (!lo || v >= b->lo)) {
		b->lo = v;
		b->over = lo = true;
	}
	if (rc == 0)
		rc = one_bound(s, w, "exclusiveMaximum", &v, &found);
	if (rc == 0 && found && (!hi || v <= b->hi)) {
		b->hi = v;
		b->under = hi = true;
	}
	if (rc < 0)
		return rc;
	/* Draft 4: the exclusive keywords are flags. */
	for (size_t i = 0; i < w->n; i++) {
		b->over |= jval_bool(w->v[i], "exclusiveMinimum", false) && lo;
		b->under |= jval_bool(w->v[i], "exclusiveMaximum", false) && hi;
	}
	*any = lo || hi;
	if (!lo)
		b->lo = -1e15 + 1;
	if (!hi)
		b->hi = 1e15 - 1;
	return 0;
}

/* Whole numbers inside the bounds, and the bounds themselves rounded inwards. */
struct whole {
	int64_t lo, hi, least, most;
};

/*
 * Fractions: n.f lies from n to below n + 1, so above zero n runs from the least whole number inside
 * to before the upper bound; below zero the other way round.  -0.f needs the whole part 0 with a sign.
 */
static void
fractions(struct gbuild *b, const struct whole *w, struct gx_list *out)
{
	const struct gx *tail = regex(b, "\\.[0-9]{1,15}");
	struct gx_list pos = { 0 }, neg = { 0 };

	naturals(b, w->lo > 0 ? w->lo : 0, w->most - 1, &pos);
	naturals(b, w->hi < 0 ? -w->hi : 0, -w->least - 1, &neg);
	if (pos.n)
		gx_push(b, out, gx_seq2(b, gx_alt(b, &pos), tail));
	if (neg.n)
		gx_push(b, out, gx_seq2(b, gx_str(b, "-"), gx_seq2(b, gx_alt(b, &neg), tail)));
}

int
schema_number(struct schema *s, const struct view *w, bool integer, const struct gx **x)
{
	struct bounds d = { 0 };
	struct gx_list l = { 0 };
	double lo, hi;
	bool is_bounded;
	int rc = get_bounds(s, w, &d, &is_bounded);

	if (rc < 0)
		return rc;
	if (!is_bounded) {
		*x = schema_any_number(s->b, integer);
		return 0;
	}
	lo = ceil(d.lo);
	hi = floor(d.hi);
	lo += d.over && lo == d.lo;
	hi -= d.under && hi == d.hi;
	if (!(lo >= -9e15 && hi <= 9e15 && lo <= 9e15 && hi >= -9e15))
		return schema_fail(s, w->v[0], "bounds of numbers are offered up to 9e15");
	if (lo > hi)
		return schema_fail(s, w->v[0], integer ? "no whole number lies between the bounds" :
			"bounds of numbers are offered where a whole number lies between them");
	integers(s->b, (int64_t)lo, (int64_t)hi, &l);
	if (!integer)
		fractions(s->b, &(struct whole){ (int64_t)lo, (int64_t)hi, (int64_t)ceil(d.lo),
			(int64_t)floor(d.hi) }, &l);
	*x = gx_alt(s->b, &l);
	return 0;
}
