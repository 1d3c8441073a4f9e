/* jinja_filters.c - filters and tests, one function each and a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tok/jinja.h"

static const struct jv undef = { .t = JV_UNDEF };

static struct jv
by_method(struct jctx *c, const char *name, struct jv v, const struct jargs *a)
{
	struct jv s = jv_to_str(c, v);

	return c->failed ? undef : jinja_call(c, jinja_method(c, s, name), a);
}

static struct jv
f_length(struct jctx *c, struct jv v, const struct jargs *a)
{
	switch (v.t) {
	case JV_STR: return jv_int((int64_t)jv_chars(v.u.s));
	case JV_LIST: return jv_int((int64_t)v.u.l->n);
	case JV_DICT: return jv_int((int64_t)v.u.m->n);
	case JV_UNDEF: return jv_int(0);
	default: return jinja_fail(c, "length: a value of this type has none");
	}
}

static struct jv
f_default(struct jctx *c, struct jv v, const struct jargs *a)
{
	bool falsy = jv_true(jargs_get(a, 1, "boolean", undef));

	if (v.t == JV_UNDEF || (falsy && !jv_true(v)))
		return jargs_get(a, 0, "default_value", jv_lit(""));
	return v;
}

static struct jv
f_join(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv l = jv_iterate(c, v), sep = jargs_get(a, 0, "d", jv_lit(""));
	struct jv attr = jargs_get(a, 1, "attribute", undef);
	struct jv_build b;
	size_t i;

	jv_build_init(&b);
	for (i = 0; !c->failed && i < l.u.l->n; i++) {
		struct jv item = l.u.l->v[i];

		if (attr.t == JV_STR)
			item = jinja_item(c, item, attr);
		item = jv_to_str(c, item);
		if (i > 0 && sep.t == JV_STR)
			jv_build_add(&b, sep.u.s);
		if (item.t == JV_STR)
			jv_build_add(&b, item.u.s);
	}
	return jv_build_done(c, &b);
}

static struct jv
f_list(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv l = jv_iterate(c, v), out = jv_list_new(c, false);
	size_t i;

	for (i = 0; !c->failed && i < l.u.l->n; i++)
		jv_list_add(c, out, l.u.l->v[i]);
	return out;
}

static struct jv
f_items(struct jctx *c, struct jv v, const struct jargs *a)
{
	if (v.t == JV_UNDEF)
		return jv_list_new(c, false);
	if (v.t != JV_DICT)
		return jinja_fail(c, "items: value is no mapping");
	return jinja_call(c, jinja_method(c, v, "items"), a);
}

/* The arguments after the first `skip`. */
static struct jargs
rest(const struct jargs *a, size_t skip)
{
	struct jargs r = *a;

	r.v = a->v + (skip < a->n ? skip : a->n);
	r.n = a->n > skip ? a->n - skip : 0;
	return r;
}

/* select, reject (by_attr false) and selectattr, rejectattr. */
static struct jv
choose(struct jctx *c, struct jv v, const struct jargs *a, bool by_attr, bool keep)
{
	struct jv l = jv_iterate(c, jv_true(v) ? v : undef), out = jv_list_new(c, false), x;
	size_t i, at = by_attr ? 1 : 0;
	struct jargs args = rest(a, at + 1);
	bool hit;

	for (i = 0; !c->failed && i < l.u.l->n; i++) {
		x = l.u.l->v[i];
		if (by_attr)
			x = x.t == JV_DICT && a->n > 0 ? jinja_item(c, x, a->v[0]) : undef;
		hit = a->n > at && a->v[at].t == JV_STR ?
			jinja_apply_test(c, jv_cstr(c, a->v[at].u.s), x, &args) : jv_true(x);
		if (hit == keep)
			jv_list_add(c, out, l.u.l->v[i]);
	}
	return out;
}

static struct jv
f_selectattr(struct jctx *c, struct jv v, const struct jargs *a)
{
	return choose(c, v, a, true, true);
}

static struct jv
f_rejectattr(struct jctx *c, struct jv v, const struct jargs *a)
{
	return choose(c, v, a, true, false);
}

static struct jv
f_select(struct jctx *c, struct jv v, const struct jargs *a)
{
	return choose(c, v, a, false, true);
}

static struct jv
f_reject(struct jctx *c, struct jv v, const struct jargs *a)
{
	return choose(c, v, a, false, false);
}

static struct jv
f_map(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv l = jv_iterate(c, jv_true(v) ? v : undef), out = jv_list_new(c, false);
	struct jv attr = jargs_get(a, 99, "attribute", undef);
	struct jv fallback = jargs_get(a, 99, "default", undef), x;
	struct jargs args = rest(a, 1);
	size_t i;

	for (i = 0; !c->failed && i < l.u.l->n; i++) {
		x = l.u.l->v[i];
		if (attr.t != JV_UNDEF) {
			x = jinja_item(c, x, attr);
			x = x.t == JV_UNDEF ? fallback : x;
		} else if (a->n > 0 && a->v[0].t == JV_STR) {
			x = jinja_apply_filter(c, jv_cstr(c, a->v[0].u.s), x, &args);
		}
		jv_list_add(c, out, x);
	}
	return out;
}

static struct jv
f_unique(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv l = jv_iterate(c, v), out = jv_list_new(c, false);
	size_t i;

	for (i = 0; !c->failed && i < l.u.l->n; i++)
		if (!jinja_compare(c, JO_IN, l.u.l->v[i], out))
			jv_list_add(c, out, l.u.l->v[i]);
	return out;
}

/* Insertion sort: stable, lists in templates are short. */
static struct jv
sorted(struct jctx *c, struct jv v, struct jv attr, bool down)
{
	struct jv l = f_list(c, v, NULL);
	size_t i, k;

	for (i = 1; !c->failed && i < l.u.l->n; i++) {
		struct jv x = l.u.l->v[i], kx = attr.t != JV_UNDEF ? jinja_item(c, x, attr) : x;

		for (k = i; k > 0; k--) {
			struct jv y = l.u.l->v[k - 1], ky = attr.t != JV_UNDEF ? jinja_item(c, y, attr) : y;
			int o = jv_order(c, kx, ky);

			if (c->failed || (down ? o <= 0 : o >= 0))
				break;
			l.u.l->v[k] = y;
		}
		l.u.l->v[k] = x;
	}
	return l;
}

static struct jv
f_sort(struct jctx *c, struct jv v, const struct jargs *a)
{
	return sorted(c, v, jargs_get(a, 2, "attribute", undef),
		jv_true(jargs_get(a, 0, "reverse", undef)));
}

static struct jv
f_dictsort(struct jctx *c, struct jv v, const struct jargs *a)
{
	return sorted(c, f_items(c, v, a), jv_int(0), jv_true(jargs_get(a, 2, "reverse", undef)));
}

static struct jv
f_reverse(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv b[3] = { undef, undef, jv_int(-1) };

	return jinja_slice(c, v.t == JV_STR ? v : f_list(c, v, a), b);
}

static struct jv
f_first(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv l = jv_iterate(c, v);

	return !c->failed && l.u.l->n > 0 ? l.u.l->v[0] : undef;
}

static struct jv
f_last(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv l = jv_iterate(c, v);

	return !c->failed && l.u.l->n > 0 ? l.u.l->v[l.u.l->n - 1] : undef;
}

static struct jv
f_indent(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv width = jargs_get(a, 0, "width", jv_int(4)), s = jv_to_str(c, v);
	bool first = jv_true(jargs_get(a, 1, "first", undef));
	bool blank = jv_true(jargs_get(a, 2, "blank", undef));
	struct jv_build b;
	size_t i, w;
	bool start = first;

	if (c->failed || width.t != JV_INT || width.u.i < 0 || width.u.i > 200)
		return jinja_fail(c, "indent: width must be 0..200");
	jv_build_init(&b);
	for (i = 0; i < s.u.s.n; i++) {
		if (start && (blank || s.u.s.p[i] != '\n'))
			for (w = 0; w < (size_t)width.u.i; w++)
				jv_build_adds(&b, " ", 1);
		jv_build_add(&b, (struct jv_str){ s.u.s.p + i, s.u.s.o ? s.u.s.o + i : NULL, 1 });
		start = s.u.s.p[i] == '\n';
	}
	return jv_build_done(c, &b);
}

static struct jv
f_int(struct jctx *c, struct jv v, const struct jargs *a)
{
	char *end;
	int64_t i;

	if (v.t == JV_INT)
		return v;
	if (v.t == JV_BOOL)
		return jv_int(v.u.b);
	if (v.t == JV_FLOAT)
		return jv_int(fabs(v.u.d) < 9e18 ? (int64_t)v.u.d : 0);
	if (v.t == JV_STR && v.u.s.n > 0 && v.u.s.n < 40) {
		char s[40];

		memcpy(s, v.u.s.p, v.u.s.n);
		s[v.u.s.n] = 0;
		i = strtoll(s, &end, 10);
		if (*end == 0)
			return jv_int(i);
	}
	return jargs_get(a, 0, "default", jv_int(0));
}

static struct jv
f_float(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv r = { .t = JV_FLOAT };

	if (v.t == JV_FLOAT)
		return v;
	r.u.d = v.t == JV_INT ? (double)v.u.i : v.t == JV_STR && v.u.s.n < 40 ?
		strtod(jv_cstr(c, v.u.s), NULL) : 0;
	return r;
}

static struct jv
f_abs(struct jctx *c, struct jv v, const struct jargs *a)
{
	return jinja_compare(c, JO_LT, v, jv_int(0)) ? jinja_binary(c, JO_SUB, jv_int(0), v) : v;
}

static struct jv
f_sum(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv l = jv_iterate(c, v), total = jv_int(0);
	size_t i;

	for (i = 0; !c->failed && i < l.u.l->n; i++)
		total = jinja_binary(c, JO_ADD, total, l.u.l->v[i]);
	return total;
}

static struct jv
f_string(struct jctx *c, struct jv v, const struct jargs *a)
{
	return jv_to_str(c, v);
}

static struct jv
f_safe(struct jctx *c, struct jv v, const struct jargs *a)
{
	v = jv_to_str(c, v);
	v.safe = true;
	return v;
}

struct jv
jinja_escape(struct jctx *c, struct jv v)
{
	static const char from[] = "&<>\"'";
	static const char *const to[] = { "&amp;", "&lt;", "&gt;", "&#34;", "&#39;" };
	struct jv s = jv_to_str(c, v);
	struct jv_build b;
	size_t i;

	jv_build_init(&b);
	for (i = 0; !c->failed && i < s.u.s.n; i++) {
		const char *k = s.u.s.p[i] ? strchr(from, s.u.s.p[i]) : NULL;

		if (k)
			jv_build_adds(&b, to[k - from], strlen(to[k - from]));
		else
			jv_build_add(&b, (struct jv_str){ s.u.s.p + i,
				s.u.s.o ? s.u.s.o + i : NULL, 1 });
	}
	return f_safe(c, jv_build_done(c, &b), NULL);
}

static struct jv
f_escape(struct jctx *c, struct jv v, const struct jargs *a)
{
	return v.safe ? v : jinja_escape(c, v);
}

static struct jv
f_format(struct jctx *c, struct jv v, const struct jargs *a)
{
	struct jv arg = a->n_kw ? jv_dict_new(c) : jv_list_new(c, true);
	struct jv s = jv_to_str(c, v);
	size_t i;

	if (a->n_kw && a->n)
		return jinja_fail(c, "can't handle positional and keyword arguments at the same time");
	for (i = 0; i < a->n; i++)
		jv_list_add(c, arg, a->v[i]);
	for (i = 0; i < a->n_kw; i++)
		jv_dict_set(c, arg.u.m, jv_lit(a->names[i]), a->kw[i]);
	return s.t == JV_STR ? jinja_format(c, s.u.s, arg) : v;
}

static const struct filter {
	const char *name;
	jv_fn *fn;
} filters[] = {
	{ "tojson", jv_json }, { "length", f_length }, { "count", f_length },
	{ "default", f_default }, { "d", f_default }, { "join", f_join }, { "list", f_list },
	{ "items", f_items }, { "selectattr", f_selectattr }, { "rejectattr", f_rejectattr },
	{ "select", f_select }, { "reject", f_reject }, { "map", f_map }, { "unique", f_unique },
	{ "sort", f_sort }, { "dictsort", f_dictsort }, { "reverse", f_reverse },
	{ "first", f_first }, { "last", f_last }, { "indent", f_indent }, { "int", f_int },
	{ "float", f_float }, { "abs", f_abs }, { "sum", f_sum }, { "string", f_string },
	{ "format", f_format }, { "safe", f_safe }, { "escape", f_escape }, { "e", f_escape }
};

/* Filters that are a method of str under the same or another name. */
static const char *const str_filters[][2] = {
	{ "trim", "strip" }, { "lower", "lower" }, { "upper", "upper" }, { "title", "title" },
	{ "capitalize", "capitalize" }, { "replace", "replace" }
};

struct jv
jinja_apply_filter(struct jctx *c, const char *name, struct jv v, const struct jargs *a)
{
	size_t i;

	if (c->failed)
		return undef;
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (strcmp(filters[i].name, name) == 0)
			return filters[i].fn(c, v, a);
	for (i = 0; i < sizeof(str_filters) / sizeof(str_filters[0]); i++)
		if (strcmp(str_filters[i][0], name) == 0)
			return by_method(c, str_filters[i][1], v, a);
	return jinja_fail(c, "no filter named '%s'", name);
}

/* --- tests --- */

static bool
type_test(const char *name, struct jv v, bool *result)
{
	static const struct {
		const char *name;
		unsigned types;
	} rows[] = {
		{ "none", 1u << JV_NONE }, { "string", 1u << JV_STR }, { "mapping", 1u << JV_DICT },
		{ "undefined", 1u << JV_UNDEF }, { "boolean", 1u << JV_BOOL },
		{ "integer", 1u << JV_INT }, { "float", 1u << JV_FLOAT },
		{ "number", 1u << JV_INT | 1u << JV_FLOAT | 1u << JV_BOOL },
		{ "sequence", 1u << JV_STR | 1u << JV_LIST | 1u << JV_DICT },
		{ "iterable", 1u << JV_STR | 1u << JV_LIST | 1u << JV_DICT | 1u << JV_UNDEF },
		{ "callable", 1u << JV_FUNC }
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0) {
			*result = rows[i].types >> v.t & 1u;
			return true;
		}
	return false;
}

bool
jinja_apply_test(struct jctx *c, const char *name, struct jv v, const struct jargs *a)
{
	static const struct {
		const char *name;
		enum jn_op op;
	} rows[] = {
		{ "equalto", JO_EQ }, { "eq", JO_EQ }, { "==", JO_EQ }, { "ne", JO_NE }, { "!=", JO_NE },
		{ "in", JO_IN }, { "lt", JO_LT }, { "<", JO_LT }, { "lessthan", JO_LT },
		{ "le", JO_LE }, { "<=", JO_LE }, { "gt", JO_GT }, { ">", JO_GT },
		{ "greaterthan", JO_GT }, { "ge", JO_GE }, { ">=", JO_GE }, { "sameas", JO_EQ }
	};
	bool result;
	size_t i;

	if (c->failed)
		return false;
	if (strcmp(name, "defined") == 0)
		return v.t != JV_UNDEF;
	if (type_test(name, v, &result))
		return result;
	if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
		return v.t == JV_BOOL && v.u.b == (name[0] == 't');
	if ((strcmp(name, "odd") == 0 || strcmp(name, "even") == 0) && v.t == JV_INT)
		return (v.u.i & 1) == (name[0] == 'o');
	if (strcmp(name, "divisibleby") == 0 && v.t == JV_INT && a->n > 0 && a->v[0].t == JV_INT &&
	    a->v[0].u.i != 0)
		return v.u.i % a->v[0].u.i == 0;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			return jinja_compare(c, rows[i].op, v, jargs_get(a, 0, "other", undef));
	jinja_fail(c, "no test named '%s'", name);
	return false;
}
