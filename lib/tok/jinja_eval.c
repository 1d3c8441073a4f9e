/* jinja_eval.c - expressions. */
#include <math.h>
#include <string.h>

#include "tok/jinja.h"

static const struct jv undef = { .t = JV_UNDEF };

static struct jv
lookup(struct jctx *c, const char *name)
{
	struct jscope *s;

	for (s = c->scope; s; s = s->up) {
		const struct jv *v = jv_dict_find(&s->vars, name);

		if (v)
			return *v;
	}
	return undef;
}

struct jv
jinja_attr(struct jctx *c, struct jv v, const char *name)
{
	struct jv m;
	const struct jv *w;

	if (v.t == JV_UNDEF)
		return jinja_fail(c, "'%s' is asked of an undefined value", name);
	m = jinja_method(c, v, name);
	if (m.t != JV_UNDEF)
		return m;
	if (v.t != JV_DICT)
		return undef;
	w = jv_dict_find(v.u.m, name);
	return w ? *w : undef;
}

/* Byte offset of code point i. */
static size_t
char_at(struct jv_str s, size_t i)
{
	size_t at = 0;

	while (at < s.n && i > 0) {
		for (at++; at < s.n && ((unsigned char)s.p[at] & 0xc0) == 0x80; at++)
			;
		i--;
	}
	return at;
}

struct jv
jinja_item(struct jctx *c, struct jv v, struct jv key)
{
	int64_t n, i;

	if (v.t == JV_UNDEF)
		return jinja_fail(c, "an item is asked of an undefined value");
	if (v.t == JV_DICT) {
		const struct jv *w = jv_dict_get(v.u.m, key);

		return w ? *w : undef;
	}
	if (key.t == JV_STR)
		return jinja_method(c, v, jv_cstr(c, key.u.s));
	if (key.t != JV_INT || (v.t != JV_LIST && v.t != JV_STR))
		return undef;
	n = v.t == JV_LIST ? (int64_t)v.u.l->n : (int64_t)jv_chars(v.u.s);
	i = key.u.i < 0 ? key.u.i + n : key.u.i;
	if (i < 0 || i >= n)
		return undef;
	if (v.t == JV_LIST)
		return v.u.l->v[i];
	return jinja_slice(c, v, (struct jv[3]){ jv_int(i), jv_int(i + 1), undef });
}

/* Clamped bounds of a Python slice. */
static int64_t
bound(struct jv v, int64_t n, int64_t fallback, int64_t step)
{
	int64_t i;

	if (v.t != JV_INT)
		return fallback;
	i = v.u.i < 0 ? v.u.i + n : v.u.i;
	if (step > 0)
		return i < 0 ? 0 : i > n ? n : i;
	return i < 0 ? -1 : i >= n ? n - 1 : i;
}

struct jv
jinja_slice(struct jctx *c, struct jv v, const struct jv b[3])
{
	int64_t step = b[2].t == JV_INT ? b[2].u.i : 1, n, from, to, i;
	struct jv out;
	struct jv_build s;

	if (v.t != JV_LIST && v.t != JV_STR)
		return jinja_fail(c, "only lists and strings can be sliced");
	if (step == 0)
		return jinja_fail(c, "a slice needs a step other than 0");
	n = v.t == JV_LIST ? (int64_t)v.u.l->n : (int64_t)jv_chars(v.u.s);
	from = bound(b[0], n, step > 0 ? 0 : n - 1, step);
	to = bound(b[1], n, step > 0 ? n : -1, step);
	if (v.t == JV_STR && step == 1) {
		size_t p = char_at(v.u.s, (size_t)from), q = char_at(v.u.s, (size_t)to);

		return jv_bytes(v.u.s.p + p, q > p ? q - p : 0, v.u.s.o ? v.u.s.o + p : NULL);
	}
	if (v.t == JV_STR) {
		jv_build_init(&s);
		for (i = from; step > 0 ? i < to : i > to; i += step) {
			size_t p = char_at(v.u.s, (size_t)i), q = char_at(v.u.s, (size_t)i + 1);

			jv_build_add(&s, (struct jv_str){ v.u.s.p + p,
				v.u.s.o ? v.u.s.o + p : NULL, q - p });
		}
		return jv_build_done(c, &s);
	}
	out = jv_list_new(c, v.u.l->tuple);
	for (i = from; step > 0 ? i < to : i > to; i += step)
		jv_list_add(c, out, v.u.l->v[i]);
	return out;
}

static bool
to_double(struct jv v, double *d, bool *real)
{
	if (v.t == JV_FLOAT) {
		*d = v.u.d;
		*real = true;
	} else if (v.t == JV_INT) {
		*d = (double)v.u.i;
	} else if (v.t == JV_BOOL) {
		*d = v.u.b;
	} else {
		return false;
	}
	return true;
}

static struct jv
arithmetic(struct jctx *c, enum jn_op op, struct jv a, struct jv b)
{
	double x, y, r = 0;
	bool real = false;
	int64_t i, j;

	if (!to_double(a, &x, &real) || !to_double(b, &y, &real))
		return jinja_fail(c, "unsupported operand types");
	if ((op == JO_DIV || op == JO_FLOORDIV || op == JO_MOD) && y == 0)
		return jinja_fail(c, "division by zero");
	i = a.t == JV_INT ? a.u.i : (int64_t)x;
	j = b.t == JV_INT ? b.u.i : (int64_t)y;
	switch (op) {
	case JO_ADD: r = x + y; i = (int64_t)((uint64_t)i + (uint64_t)j); break;
	case JO_SUB: r = x - y; i = (int64_t)((uint64_t)i - (uint64_t)j); break;
	case JO_MUL: r = x * y; i = (int64_t)((uint64_t)i * (uint64_t)j); break;
	case JO_DIV: r = x / y; real = true; break;
	case JO_POW: r = pow(x, y); i = (int64_t)(fabs(r) < 9e18 ? r : 0); real |= y < 0; break;
	case JO_FLOORDIV: r = floor(x / y); i = (int64_t)r; break;
	default: r = x - floor(x / y) * y; i = (int64_t)r; break;
	}
	return real ? (struct jv){ .t = JV_FLOAT, .u.d = r } : jv_int(i);
}

static struct jv
join2(struct jctx *c, struct jv a, struct jv b)
{
	struct jv_build s;

	jv_build_init(&s);
	a = jv_to_str(c, a);
	b = jv_to_str(c, b);
	if (a.t == JV_STR && b.t == JV_STR) {
		jv_build_add(&s, a.u.s);
		jv_build_add(&s, b.u.s);
	}
	return jv_build_done(c, &s);
}

static struct jv
repeat(struct jctx *c, struct jv v, int64_t times)
{
	struct jv_build b;
	struct jv out;
	int64_t i;
	size_t k;

	if (v.t == JV_LIST) {
		out = jv_list_new(c, v.u.l->tuple);
		for (i = 0; i < times && !c->failed; i++)
			for (k = 0; k < v.u.l->n; k++)
				jv_list_add(c, out, v.u.l->v[k]);
		return out;
	}
	if (times > 0 && v.u.s.n > c->bytes / (uint64_t)times)
		return jinja_fail(c, "needs more memory than a template may use");
	jv_build_init(&b);
	for (i = 0; i < times; i++)
		jv_build_add(&b, v.u.s);
	return jv_build_done(c, &b);
}

struct jv
jinja_binary(struct jctx *c, enum jn_op op, struct jv a, struct jv b)
{
	struct jv out;
	size_t i;

	if (c->failed)
		return undef;
	if (op == JO_CONCAT)
		return join2(c, a, b);
	if (op == JO_ADD && a.t == JV_STR && b.t == JV_STR) {	/* as markupsafe joins */
		bool safe = a.safe || b.safe;

		out = join2(c, safe && !a.safe ? jinja_escape(c, a) : a,
			safe && !b.safe ? jinja_escape(c, b) : b);
		out.safe = safe;
		return out;
	}
	if (op == JO_ADD && a.t == JV_LIST && b.t == JV_LIST) {
		out = jv_list_new(c, a.u.l->tuple);
		for (i = 0; i < a.u.l->n; i++)
			jv_list_add(c, out, a.u.l->v[i]);
		for (i = 0; i < b.u.l->n; i++)
			jv_list_add(c, out, b.u.l->v[i]);
		return out;
	}
	if (op == JO_MUL && (a.t == JV_STR || a.t == JV_LIST) && b.t == JV_INT)
		return repeat(c, a, b.u.i);
	if (op == JO_MUL && (b.t == JV_STR || b.t == JV_LIST) && a.t == JV_INT)
		return repeat(c, b, a.u.i);
	if (op == JO_MOD && a.t == JV_STR)
		return jinja_format(c, a.u.s, b);
	if (a.t == JV_UNDEF || b.t == JV_UNDEF)
		return jinja_fail(c, "an undefined value in an expression");
	return arithmetic(c, op, a, b);
}

static bool
contains(struct jctx *c, struct jv in, struct jv v)
{
	size_t i;

	if (in.t == JV_DICT)
		return jv_dict_get(in.u.m, v) != NULL;
	if (in.t == JV_LIST) {
		for (i = 0; i < in.u.l->n; i++)
			if (jv_equal(in.u.l->v[i], v))
				return true;
		return false;
	}
	if (in.t == JV_STR && v.t == JV_STR) {
		for (i = 0; i + v.u.s.n <= in.u.s.n; i++)
			if (memcmp(in.u.s.p + i, v.u.s.p, v.u.s.n) == 0)
				return true;
		return false;
	}
	if (in.t != JV_UNDEF)
		jinja_fail(c, "'in' needs a string, a list or a dict");
	return false;
}

bool
jinja_compare(struct jctx *c, enum jn_op op, struct jv a, struct jv b)
{
	switch (op) {
	case JO_EQ: return jv_equal(a, b);
	case JO_NE: return !jv_equal(a, b);
	case JO_IN: return contains(c, b, a);
	case JO_NOTIN: return !contains(c, b, a);
	case JO_LT: return jv_order(c, a, b) < 0;
	case JO_LE: return jv_order(c, a, b) <= 0;
	case JO_GT: return jv_order(c, a, b) > 0;
	default: return jv_order(c, a, b) >= 0;
	}
}

static void
eval_args(struct jctx *c, const struct jn *n, struct jargs *a)
{
	size_t i;

	memset(a, 0, sizeof(*a));
	if (n->n == 0)
		return;
	a->v = jinja_alloc(c, n->n, sizeof(struct jv));
	a->kw = jinja_alloc(c, n->n, sizeof(struct jv));
	a->names = jinja_alloc(c, n->n, sizeof(char *));
	for (i = 0; i < n->n && !c->failed; i++) {
		const struct jn *k = n->kids[i];

		if (k->type == JN_KEYWORD) {
			a->names[a->n_kw] = k->name;
			a->kw[a->n_kw++] = jinja_eval(c, k->a);
		} else {
			a->v[a->n++] = jinja_eval(c, k);
		}
	}
}

struct jv
jinja_call(struct jctx *c, struct jv f, const struct jargs *a)
{
	struct jv out;

	if (c->failed)
		return undef;
	if (f.t != JV_FUNC)
		return jinja_fail(c, "a value that is no function is called");
	if (++c->depth > 60)
		return jinja_fail(c, "calls nested deeper than 60");
	out = f.u.f->fn ? f.u.f->fn(c, f.u.f->self, a) : jinja_macro(c, f.u.f, a);
	c->depth--;
	return out;
}

static struct jv
eval_collection(struct jctx *c, const struct jn *n)
{
	struct jv v;
	size_t i;

	if (n->type == JN_DICT) {
		v = jv_dict_new(c);
		for (i = 0; i < n->n && !c->failed; i++)
			jv_dict_set(c, v.u.m, jinja_eval(c, n->kids[i]), jinja_eval(c, n->other[i]));
		return v;
	}
	v = jv_list_new(c, n->type == JN_TUPLE);
	for (i = 0; i < n->n && !c->failed; i++)
		jv_list_add(c, v, jinja_eval(c, n->kids[i]));
	return v;
}

static struct jv
eval_compare(struct jctx *c, const struct jn *n)
{
	struct jv left = jinja_eval(c, n->a), right;
	size_t i;

	for (i = 0; i < n->n && !c->failed; i++) {
		right = jinja_eval(c, n->kids[i]->b);
		if (!jinja_compare(c, n->kids[i]->op, left, right))
			return jv_bool(false);
		left = right;
	}
	return jv_bool(true);
}

static struct jv
eval_negative(struct jctx *c, const struct jn *n)
{
	struct jv v = jinja_eval(c, n->a);

	return n->type == JN_POS ? v : jinja_binary(c, JO_SUB, jv_int(0), v);
}

static struct jv
eval_access(struct jctx *c, const struct jn *n)
{
	struct jv v = jinja_eval(c, n->a), b[3];
	int i;

	if (c->failed)
		return undef;
	if (n->type == JN_ATTR)
		return jinja_attr(c, v, n->name);
	if (n->type == JN_ITEM)
		return n->b ? jinja_item(c, v, jinja_eval(c, n->b)) : undef;
	for (i = 0; i < 3; i++)
		b[i] = n->kids[i] ? jinja_eval(c, n->kids[i]) : undef;
	return jinja_slice(c, v, b);
}

static struct jv
eval_applied(struct jctx *c, const struct jn *n)
{
	struct jv v = jinja_eval(c, n->a);
	struct jargs a;

	eval_args(c, n, &a);
	if (c->failed)
		return undef;
	if (n->type == JN_CALL)
		return jinja_call(c, v, &a);
	if (n->type == JN_FILTER)
		return jinja_apply_filter(c, n->name, v, &a);
	return jv_bool(jinja_apply_test(c, n->name, v, &a));
}

struct jv
jinja_eval(struct jctx *c, const struct jn *n)
{
	struct jv v;

	if (c->failed)
		return undef;
	if (c->steps-- == 0)
		return jinja_fail(c, "takes more steps than a template may");
	switch (n->type) {
	case JN_CONST: return n->value;
	case JN_NAME: return lookup(c, n->name);
	case JN_LIST:
	case JN_TUPLE:
	case JN_DICT: return eval_collection(c, n);
	case JN_ATTR:
	case JN_ITEM:
	case JN_SLICE: return eval_access(c, n);
	case JN_CALL:
	case JN_FILTER:
	case JN_TEST: return eval_applied(c, n);
	case JN_NOT: return jv_bool(!jv_true(jinja_eval(c, n->a)));
	case JN_NEG:
	case JN_POS: return eval_negative(c, n);
	case JN_AND:
		v = jinja_eval(c, n->a);
		return jv_true(v) ? jinja_eval(c, n->b) : v;
	case JN_OR:
		v = jinja_eval(c, n->a);
		return jv_true(v) ? v : jinja_eval(c, n->b);
	case JN_COND:
		if (jv_true(jinja_eval(c, n->b)))
			return jinja_eval(c, n->a);
		return n->c ? jinja_eval(c, n->c) : undef;
	case JN_BINARY:
		v = jinja_eval(c, n->a);
		return jinja_binary(c, n->op, v, jinja_eval(c, n->b));
	case JN_COMPARE: return eval_compare(c, n);
	default: return jinja_fail(c, "line %d: not an expression", n->line);
	}
}
