/* jinja_methods.c - the methods of Python's str and dict that templates call. */
#include <ctype.h>
#include <string.h>

#include "tok/jinja.h"

static const struct jv undef = { .t = JV_UNDEF };

static struct jv
part(struct jv_str s, size_t from, size_t to)
{
	return jv_bytes(s.p + from, to - from, s.o ? s.o + from : NULL);
}

static bool
in_set(struct jv_str set, bool all_space, char ch)
{
	if (all_space)
		return ch == ' ' || (ch >= 9 && ch <= 13) || (ch >= 0x1c && ch <= 0x1f);
	return set.n > 0 && memchr(set.p, ch, set.n) != NULL;
}

static struct jv
strip(struct jv self, const struct jargs *a, bool left, bool right)
{
	struct jv chars = jargs_get(a, 0, "chars", undef);
	struct jv_str s = self.u.s, set = { "", NULL, 0 };
	bool space = chars.t != JV_STR;
	size_t from = 0, to = s.n;

	if (!space)
		set = chars.u.s;
	while (left && from < to && in_set(set, space, s.p[from]))
		from++;
	while (right && to > from && in_set(set, space, s.p[to - 1]))
		to--;
	return part(s, from, to);
}

static struct jv
m_strip(struct jctx *c, struct jv self, const struct jargs *a)
{
	return strip(self, a, true, true);
}

static struct jv
m_lstrip(struct jctx *c, struct jv self, const struct jargs *a)
{
	return strip(self, a, true, false);
}

static struct jv
m_rstrip(struct jctx *c, struct jv self, const struct jargs *a)
{
	return strip(self, a, false, true);
}

static size_t
find(struct jv_str s, struct jv_str what, size_t from)
{
	for (; from + what.n <= s.n; from++)
		if (memcmp(s.p + from, what.p, what.n) == 0)
			return from;
	return (size_t)-1;
}

/* split() on white space runs, or split(sep[, max]). */
static struct jv
m_split(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv sep = jargs_get(a, 0, "sep", undef), max = jargs_get(a, 1, "maxsplit", jv_int(-1));
	struct jv out = jv_list_new(c, false);
	struct jv_str s = self.u.s, none = { "", NULL, 0 };
	int64_t left = max.t == JV_INT ? max.u.i : -1;
	size_t at = 0, hit;

	if (sep.t == JV_STR && sep.u.s.n == 0)
		return jinja_fail(c, "split(): empty separator");
	if (sep.t == JV_STR) {
		while (left-- != 0 && (hit = find(s, sep.u.s, at)) != (size_t)-1) {
			jv_list_add(c, out, part(s, at, hit));
			at = hit + sep.u.s.n;
		}
		jv_list_add(c, out, part(s, at, s.n));
		return out;
	}
	for (;;) {
		while (at < s.n && in_set(none, true, s.p[at]))
			at++;
		if (at >= s.n)
			return out;
		for (hit = at; hit < s.n && (left == 0 || !in_set(none, true, s.p[hit])); hit++)
			;
		jv_list_add(c, out, part(s, at, hit));
		at = hit;
		left--;
	}
}

static struct jv
m_rsplit(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv sep = jargs_get(a, 0, "sep", undef), max = jargs_get(a, 1, "maxsplit", jv_int(-1));
	struct jv all, out;
	struct jv_list *l;
	size_t i, lead;

	if (sep.t != JV_STR || max.t != JV_INT || max.u.i < 0)
		return m_split(c, self, a);
	all = m_split(c, self, &(struct jargs){ .v = &sep, .n = 1 });
	if (c->failed)
		return undef;
	l = all.u.l;
	if (l->n <= (size_t)max.u.i + 1)
		return all;
	lead = l->n - (size_t)max.u.i;	/* pieces that stay joined */
	out = jv_list_new(c, false);
	jv_list_add(c, out, part(self.u.s, 0,
		(size_t)(l->v[lead - 1].u.s.p - self.u.s.p) + l->v[lead - 1].u.s.n));
	for (i = lead; i < l->n; i++)
		jv_list_add(c, out, l->v[i]);
	return out;
}

static bool
affix(struct jv_str s, struct jv v, bool end)
{
	size_t i;

	if (v.t == JV_LIST) {
		for (i = 0; i < v.u.l->n; i++)
			if (affix(s, v.u.l->v[i], end))
				return true;
		return false;
	}
	if (v.t != JV_STR || v.u.s.n > s.n)
		return false;
	return memcmp(s.p + (end ? s.n - v.u.s.n : 0), v.u.s.p, v.u.s.n) == 0;
}

static struct jv
m_startswith(struct jctx *c, struct jv self, const struct jargs *a)
{
	return jv_bool(affix(self.u.s, jargs_get(a, 0, "prefix", undef), false));
}

static struct jv
m_endswith(struct jctx *c, struct jv self, const struct jargs *a)
{
	return jv_bool(affix(self.u.s, jargs_get(a, 0, "suffix", undef), true));
}

enum letter_case { LOWER, UPPER, CAPITAL, TITLE };

/* ASCII letters only; others stay as they are. */
static struct jv
recase(struct jctx *c, struct jv self, enum letter_case how)
{
	struct jv_str s = self.u.s;
	char *p = jinja_alloc(c, s.n + 1, 1);
	size_t i;
	bool start = true;

	if (c->failed)
		return undef;
	for (i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		bool up = how == UPPER || ((how == CAPITAL || how == TITLE) && start);

		p[i] = ch < 128 ? (char)(up ? toupper(ch) : tolower(ch)) : s.p[i];
		start = how == TITLE && !isalpha(ch) && ch < 128 ? true : false;
	}
	return jv_bytes(p, s.n, s.o);
}

static struct jv
m_lower(struct jctx *c, struct jv self, const struct jargs *a)
{
	return recase(c, self, LOWER);
}

static struct jv
m_upper(struct jctx *c, struct jv self, const struct jargs *a)
{
	return recase(c, self, UPPER);
}

static struct jv
m_capitalize(struct jctx *c, struct jv self, const struct jargs *a)
{
	return recase(c, self, CAPITAL);
}

static struct jv
m_title(struct jctx *c, struct jv self, const struct jargs *a)
{
	return recase(c, self, TITLE);
}

static struct jv
m_replace(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv from = jargs_get(a, 0, "old", undef), to = jargs_get(a, 1, "new", undef);
	struct jv max = jargs_get(a, 2, "count", jv_int(-1));
	struct jv_str s = self.u.s;
	struct jv_build b;
	size_t at = 0, hit;
	int64_t left = max.t == JV_INT ? max.u.i : -1;

	if (from.t != JV_STR || to.t != JV_STR || from.u.s.n == 0)
		return jinja_fail(c, "replace() needs two strings, the first not empty");
	jv_build_init(&b);
	while (left-- != 0 && (hit = find(s, from.u.s, at)) != (size_t)-1) {
		jv_build_add(&b, part(s, at, hit).u.s);
		jv_build_add(&b, to.u.s);
		at = hit + from.u.s.n;
	}
	jv_build_add(&b, part(s, at, s.n).u.s);
	return jv_build_done(c, &b);
}

static struct jv
m_find(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv what = jargs_get(a, 0, "sub", undef);
	size_t hit = what.t == JV_STR ? find(self.u.s, what.u.s, 0) : (size_t)-1;

	if (hit == (size_t)-1)
		return jv_int(-1);
	return jv_int((int64_t)jv_chars((struct jv_str){ self.u.s.p, NULL, hit }));
}

static struct jv
m_isdigit(struct jctx *c, struct jv self, const struct jargs *a)
{
	size_t i;

	for (i = 0; i < self.u.s.n; i++)
		if (!isdigit((unsigned char)self.u.s.p[i]))
			return jv_bool(false);
	return jv_bool(self.u.s.n > 0);
}

static struct jv
m_join(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv l = jv_iterate(c, jargs_get(a, 0, "iterable", undef));
	struct jv_build b;
	size_t i;

	jv_build_init(&b);
	for (i = 0; !c->failed && i < l.u.l->n; i++) {
		if (i > 0)
			jv_build_add(&b, self.u.s);
		if (l.u.l->v[i].t == JV_STR)
			jv_build_add(&b, l.u.l->v[i].u.s);
		else
			jinja_fail(c, "join(): an item is no string");
	}
	return jv_build_done(c, &b);
}

static struct jv
m_splitlines(struct jctx *c, struct jv self, const struct jargs *a)
{
	struct jv out = jv_list_new(c, false);
	size_t at, end;

	for (at = 0; at < self.u.s.n && !c->failed; at = end + 1) {
		for (end = at; end < self.u.s.n && self.u.s.p[end] != '\n'; end++)
			;
		jv_list_add(c, out, part(self.u.s, at,
			end > at && self.u.s.p[end - 1] == '\r' ? end - 1 : end));
	}
	return out;
}

static struct jv
m_get(struct jctx *c, struct jv self, const struct jargs *a)
{
	const struct jv *v;

	if (a->n == 0)
		return jinja_fail(c, "get() needs a key");
	v = jv_dict_get(self.u.m, a->v[0]);
	return v ? *v : jargs_get(a, 1, "default", jv_none());
}

/* items(), keys(), values(): what = 0, 1, 2. */
static struct jv
dict_list(struct jctx *c, struct jv self, int what)
{
	struct jv out = jv_list_new(c, false), pair;
	size_t i;

	for (i = 0; i < self.u.m->n && !c->failed; i++) {
		const struct jv_pair *p = &self.u.m->v[i];

		pair = what == 1 ? p->key : p->val;
		if (what == 0) {
			pair = jv_list_new(c, true);
			jv_list_add(c, pair, p->key);
			jv_list_add(c, pair, p->val);
		}
		jv_list_add(c, out, pair);
	}
	return out;
}

static struct jv
m_items(struct jctx *c, struct jv self, const struct jargs *a)
{
	return dict_list(c, self, 0);
}

static struct jv
m_keys(struct jctx *c, struct jv self, const struct jargs *a)
{
	return dict_list(c, self, 1);
}

static struct jv
m_values(struct jctx *c, struct jv self, const struct jargs *a)
{
	return dict_list(c, self, 2);
}

static const struct method {
	enum jv_type of;
	const char *name;
	jv_fn *fn;
} methods[] = {
	{ JV_STR, "strip", m_strip }, { JV_STR, "lstrip", m_lstrip }, { JV_STR, "rstrip", m_rstrip },
	{ JV_STR, "split", m_split }, { JV_STR, "rsplit", m_rsplit },
	{ JV_STR, "startswith", m_startswith }, { JV_STR, "endswith", m_endswith },
	{ JV_STR, "lower", m_lower }, { JV_STR, "upper", m_upper },
	{ JV_STR, "capitalize", m_capitalize }, { JV_STR, "title", m_title },
	{ JV_STR, "replace", m_replace }, { JV_STR, "find", m_find },
	{ JV_STR, "isdigit", m_isdigit }, { JV_STR, "join", m_join },
	{ JV_STR, "splitlines", m_splitlines },
	{ JV_DICT, "get", m_get }, { JV_DICT, "items", m_items }, { JV_DICT, "keys", m_keys },
	{ JV_DICT, "values", m_values }
};

struct jv
jinja_method(struct jctx *c, struct jv v, const char *name)
{
	struct jv f = { .t = JV_FUNC };
	size_t i;

	if (v.t == JV_DICT && v.u.m->name_space)
		return undef;
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i].of == v.t && strcmp(methods[i].name, name) == 0) {
			f.u.f = jinja_alloc(c, 1, sizeof(*f.u.f));
			f.u.f->fn = methods[i].fn;
			f.u.f->self = v;
			return f;
		}
	return undef;
}
