/* jinja_value.c - values: construction, comparison, Python's str() and json.dumps(). */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jutf8.h"
#include "conf/jval.h"
#include "tok/jinja.h"

struct jv
jinja_fail(struct jctx *c, const char *fmt, ...)
{
	struct jv v = { .t = JV_UNDEF };
	char msg[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	jerr_set(c->e, JERR_FORMAT, "chat template: %s", msg);
	c->failed = true;
	return v;
}

void *
jinja_alloc(struct jctx *c, size_t n, size_t size)
{
	if (n > c->bytes / (size ? size : 1)) {
		jinja_fail(c, "needs more memory than a template may use");
		n = 1;		/* enough to unwind with */
		size = size > 4096 ? size : 4096;
	} else {
		c->bytes -= n * size;
	}
	return jarena_alloc(c->arena, n ? n : 1, size);
}

struct jv
jv_bool(bool b)
{
	return (struct jv){ .t = JV_BOOL, .u.b = b };
}

struct jv
jv_int(int64_t i)
{
	return (struct jv){ .t = JV_INT, .u.i = i };
}

struct jv
jv_none(void)
{
	return (struct jv){ .t = JV_NONE };
}

struct jv
jv_bytes(const char *p, size_t n, const unsigned char *o)
{
	return (struct jv){ .t = JV_STR, .u.s = { p, o, n } };
}

struct jv
jv_lit(const char *s)
{
	return jv_bytes(s, strlen(s), NULL);
}

struct jv
jv_list_new(struct jctx *c, bool tuple)
{
	struct jv v = { .t = JV_LIST };

	v.u.l = jinja_alloc(c, 1, sizeof(*v.u.l));
	v.u.l->tuple = tuple;
	return v;
}

void
jv_list_add(struct jctx *c, struct jv list, struct jv v)
{
	struct jv_list *l = list.u.l;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 8;
		struct jv *w = jinja_alloc(c, cap, sizeof(*w));

		if (c->failed)
			return;
		if (l->n > 0)
			memcpy(w, l->v, l->n * sizeof(*w));
		l->v = w;
		l->cap = cap;
	}
	l->v[l->n++] = v;
}

struct jv
jv_dict_new(struct jctx *c)
{
	struct jv v = { .t = JV_DICT };

	v.u.m = jinja_alloc(c, 1, sizeof(*v.u.m));
	return v;
}

const struct jv *
jv_dict_get(const struct jv_dict *m, struct jv key)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (jv_equal(m->v[i].key, key))
			return &m->v[i].val;
	return NULL;
}

const struct jv *
jv_dict_find(const struct jv_dict *m, const char *key)
{
	return jv_dict_get(m, jv_lit(key));
}

void
jv_dict_set(struct jctx *c, struct jv_dict *m, struct jv key, struct jv val)
{
	struct jv *old = (struct jv *)jv_dict_get(m, key);

	if (old) {
		*old = val;
		return;
	}
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 8;
		struct jv_pair *w = jinja_alloc(c, cap, sizeof(*w));

		if (c->failed)
			return;
		if (m->n > 0)
			memcpy(w, m->v, m->n * sizeof(*w));
		m->v = w;
		m->cap = cap;
	}
	m->v[m->n++] = (struct jv_pair){ key, val };
}

bool
jv_true(struct jv v)
{
	switch (v.t) {
	case JV_BOOL: return v.u.b;
	case JV_INT: return v.u.i != 0;
	case JV_FLOAT: return v.u.d != 0;
	case JV_STR: return v.u.s.n > 0;
	case JV_LIST: return v.u.l->n > 0;
	case JV_DICT: return v.u.m->name_space || v.u.m->n > 0;
	case JV_FUNC: return true;
	default: return false;
	}
}

static bool
number(struct jv v, double *d)
{
	if (v.t == JV_INT)
		*d = (double)v.u.i;
	else if (v.t == JV_FLOAT)
		*d = v.u.d;
	else if (v.t == JV_BOOL)
		*d = v.u.b;
	else
		return false;
	return true;
}

bool
jv_equal(struct jv a, struct jv b)
{
	double x, y;
	size_t i;

	if (number(a, &x) && number(b, &y))
		return x == y;
	if (a.t != b.t)
		return false;
	switch (a.t) {
	case JV_STR:
		return a.u.s.n == b.u.s.n && memcmp(a.u.s.p, b.u.s.p, a.u.s.n) == 0;
	case JV_LIST:
		if (a.u.l->n != b.u.l->n)
			return false;
		for (i = 0; i < a.u.l->n; i++)
			if (!jv_equal(a.u.l->v[i], b.u.l->v[i]))
				return false;
		return true;
	case JV_DICT:
		if (a.u.m->n != b.u.m->n)
			return false;
		for (i = 0; i < a.u.m->n; i++) {
			const struct jv *w = jv_dict_get(b.u.m, a.u.m->v[i].key);

			if (!w || !jv_equal(a.u.m->v[i].val, *w))
				return false;
		}
		return true;
	case JV_FUNC:
		return a.u.f == b.u.f;
	default:
		return true;	/* none, undefined */
	}
}

int
jv_order(struct jctx *c, struct jv a, struct jv b)
{
	double x, y;

	if (number(a, &x) && number(b, &y))
		return x < y ? -1 : x > y;
	if (a.t == JV_STR && b.t == JV_STR) {
		size_t n = a.u.s.n < b.u.s.n ? a.u.s.n : b.u.s.n;
		int k = memcmp(a.u.s.p, b.u.s.p, n);

		if (k != 0)
			return k < 0 ? -1 : 1;
		return a.u.s.n < b.u.s.n ? -1 : a.u.s.n > b.u.s.n;
	}
	jinja_fail(c, "values of these types cannot be ordered");
	return 0;
}

size_t
jv_chars(struct jv_str s)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

const char *
jv_cstr(struct jctx *c, struct jv_str s)
{
	char *p = jinja_alloc(c, s.n + 1, 1);

	if (c->failed)
		return "";
	memcpy(p, s.p, s.n);
	return p;
}

void
jv_build_init(struct jv_build *b)
{
	jbuf_init(&b->text);
	jbuf_init(&b->origin);
}

void
jv_build_add(struct jv_build *b, struct jv_str s)
{
	size_t i;

	jbuf_add(&b->text, s.p, s.n);
	if (s.o)
		jbuf_add(&b->origin, s.o, s.n);
	else
		for (i = 0; i < s.n; i++)
			jbuf_addc(&b->origin, 0);
}

void
jv_build_adds(struct jv_build *b, const char *s, size_t n)
{
	jv_build_add(b, (struct jv_str){ s, NULL, n });
}

struct jv
jv_build_done(struct jctx *c, struct jv_build *b)
{
	size_t n = b->text.n;
	char *p = jinja_alloc(c, 2 * n + 2, 1);
	struct jv v = { .t = JV_UNDEF };

	if (!c->failed) {
		memcpy(p, b->text.p, n);
		memcpy(p + n + 1, b->origin.p, n);
		v = jv_bytes(p, n, (unsigned char *)p + n + 1);
	}
	jbuf_release(&b->text);
	jbuf_release(&b->origin);
	return v;
}

/* repr() of a float: shortest digits, ".0" on whole numbers, exponent form as Python chooses it. */
static void
add_float(struct jv_build *b, double d)
{
	char s[40];
	int digits;

	for (digits = 1; digits <= 17; digits++) {
		snprintf(s, sizeof(s), "%.*g", digits, d);
		if (strtod(s, NULL) == d)
			break;
	}
	if (fabs(d) >= 1e-4 && fabs(d) < 1e16 && strchr(s, 'e')) {
		snprintf(s, sizeof(s), "%.*f", 1, d);
	} else if (!strpbrk(s, ".en")) {
		size_t n = strlen(s);

		memcpy(s + n, ".0", 3);
	}
	jv_build_adds(b, s, strlen(s));
}

static void
add_repr(struct jctx *c, struct jv_build *b, struct jv v);

static void
add_repr_str(struct jv_build *b, struct jv_str s)
{
	int q = memchr(s.p, '\'', s.n) && !memchr(s.p, '"', s.n) ? '"' : '\'';
	char quote[2] = { (char)q, 0 };
	size_t i;

	jv_build_adds(b, quote, 1);
	for (i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];
		char esc[8];
		int n = 0;

		if (ch == q || ch == '\\')
			n = snprintf(esc, sizeof(esc), "\\%c", ch);
		else if (ch == '\n' || ch == '\t' || ch == '\r')
			n = snprintf(esc, sizeof(esc), "\\%c", ch == '\n' ? 'n' : ch == '\t' ? 't' : 'r');
		else if (ch < 32 || ch == 127)
			n = snprintf(esc, sizeof(esc), "\\x%02x", ch);
		if (n > 0)
			jv_build_adds(b, esc, (size_t)n);
		else
			jv_build_add(b, (struct jv_str){ s.p + i, s.o ? s.o + i : NULL, 1 });
	}
	jv_build_adds(b, quote, 1);
}

static void
add_repr_list(struct jctx *c, struct jv_build *b, const struct jv_list *l)
{
	size_t i;

	jv_build_adds(b, l->tuple ? "(" : "[", 1);
	for (i = 0; i < l->n; i++) {
		if (i > 0)
			jv_build_adds(b, ", ", 2);
		add_repr(c, b, l->v[i]);
	}
	if (l->tuple && l->n == 1)
		jv_build_adds(b, ",", 1);
	jv_build_adds(b, l->tuple ? ")" : "]", 1);
}

static void
add_plain(struct jv_build *b, struct jv v)
{
	char s[32];

	switch (v.t) {
	case JV_NONE: jv_build_adds(b, "None", 4); break;
	case JV_BOOL: jv_build_adds(b, v.u.b ? "True" : "False", v.u.b ? 4 : 5); break;
	case JV_INT:
		snprintf(s, sizeof(s), "%lld", (long long)v.u.i);
		jv_build_adds(b, s, strlen(s));
		break;
	case JV_FLOAT: add_float(b, v.u.d); break;
	case JV_STR: jv_build_add(b, v.u.s); break;
	default: break;
	}
}

static void
add_repr(struct jctx *c, struct jv_build *b, struct jv v)
{
	size_t i;

	if (++c->depth > 60)
		jinja_fail(c, "value nested deeper than 60");
	if (c->failed) {
		;
	} else if (v.t == JV_STR) {
		add_repr_str(b, v.u.s);
	} else if (v.t == JV_LIST) {
		add_repr_list(c, b, v.u.l);
	} else if (v.t == JV_DICT) {
		jv_build_adds(b, "{", 1);
		for (i = 0; i < v.u.m->n; i++) {
			if (i > 0)
				jv_build_adds(b, ", ", 2);
			add_repr(c, b, v.u.m->v[i].key);
			jv_build_adds(b, ": ", 2);
			add_repr(c, b, v.u.m->v[i].val);
		}
		jv_build_adds(b, "}", 1);
	} else {
		add_plain(b, v);
	}
	c->depth--;
}

struct jv
jv_to_str(struct jctx *c, struct jv v)
{
	struct jv_build b;

	if (v.t == JV_STR)
		return v;
	if (v.t == JV_UNDEF)
		return jv_lit("");
	jv_build_init(&b);
	add_repr(c, &b, v);
	return jv_build_done(c, &b);
}

struct jv
jv_iterate(struct jctx *c, struct jv v)
{
	struct jv l;
	size_t i, k;

	if (v.t == JV_LIST)
		return v;
	l = jv_list_new(c, false);
	if (v.t == JV_DICT) {
		for (i = 0; i < v.u.m->n; i++)
			jv_list_add(c, l, v.u.m->v[i].key);
	} else if (v.t == JV_STR) {
		for (i = 0; i < v.u.s.n && !c->failed; i += k) {
			for (k = 1; i + k < v.u.s.n && ((unsigned char)v.u.s.p[i + k] & 0xc0) == 0x80; k++)
				;
			jv_list_add(c, l, jv_bytes(v.u.s.p + i, k, v.u.s.o ? v.u.s.o + i : NULL));
		}
	} else if (v.t != JV_UNDEF) {
		jinja_fail(c, "value of this type cannot be looped over");
	}
	return l;
}

struct jv
jargs_get(const struct jargs *a, size_t i, const char *name, struct jv fallback)
{
	size_t k;

	if (i < a->n)
		return a->v[i];
	for (k = 0; k < a->n_kw; k++)
		if (strcmp(a->names[k], name) == 0)
			return a->kw[k];
	return fallback;
}
