/*
 * "%s" % value and the filter format: the conversions of Python's printf-style formatting, with flags,
 * width, precision and names.  Text that a conversion puts in keeps its origin.
 */
#include "jinja.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_WIDTH 1000

struct spec {
	bool left, plus, space, zero, alternate;
	int width, precision;		/* precision -1: none */
	char kind;
};

struct formatting {
	struct jctx *c;
	struct jv arg;
	size_t used;			/* of a tuple, or 0 and 1 */
	struct jv_build out;
};

static const struct jv nothing;

static struct jv
next_arg(struct formatting *f)
{
	struct jv a = f->arg;

	if (a.t == JV_LIST && a.u.l->tuple)
		return f->used < a.u.l->n ? a.u.l->v[f->used++] : jinja_fail(f->c, "not enough arguments for format string");
	return f->used++ ? jinja_fail(f->c, "not enough arguments for format string") : a;
}

static void
pad(struct formatting *f, char with, int64_t n)
{
	for (; n > 0; n--)
		jv_build_adds(&f->out, &with, 1);
}

static void
put_padded(struct formatting *f, const struct spec *s, struct jv_str v)
{
	int64_t room = s->width - (int64_t)jv_chars(v);

	if (!s->left)
		pad(f, ' ', room);
	jv_build_add(&f->out, v);
	if (s->left)
		pad(f, ' ', room);
}

static void
put_text(struct formatting *f, const struct spec *s, struct jv v)
{
	struct jv t = jv_to_str(f->c, v);
	size_t i = 0, chars = 0;

	if (t.t != JV_STR)
		return;
	for (; s->precision >= 0 && i < t.u.s.n; i++)
		if ((t.u.s.p[i] & 0xC0) != 0x80 && chars++ == (size_t)s->precision)
			t.u.s.n = i;
	put_padded(f, s, t.u.s);
}

/* Digits with their sign: zeros go between the two. */
static void
put_number(struct formatting *f, const struct spec *s, bool minus, const char *prefix, const char *digits)
{
	char sign[2] = { minus ? '-' : s->plus ? '+' : s->space ? ' ' : 0, 0 };
	int64_t room = s->width - (int64_t)(strlen(sign) + strlen(prefix) + strlen(digits));
	bool zero = s->zero && !s->left;

	if (!s->left && !zero)
		pad(f, ' ', room);
	jv_build_adds(&f->out, sign, strlen(sign));
	jv_build_adds(&f->out, prefix, strlen(prefix));
	if (zero)
		pad(f, '0', room);
	jv_build_adds(&f->out, digits, strlen(digits));
	if (s->left)
		pad(f, ' ', room);
}

static void
put_integer(struct formatting *f, const struct spec *s, struct jv v)
{
	char digits[MAX_WIDTH + 32];
	bool minus;
	uint64_t n;
	int least = s->precision > 0 ? s->precision : 1;

	if (v.t == JV_FLOAT && fabs(v.u.d) < 9e18 && strchr("diu", s->kind))
		v = (struct jv){ .t = JV_INT, .u.i = (int64_t)v.u.d };
	if (v.t == JV_BOOL)
		v = (struct jv){ .t = JV_INT, .u.i = v.u.b };
	if (v.t != JV_INT) {
		jinja_fail(f->c, "%%%c format: a number is required", s->kind);
		return;
	}
	minus = v.u.i < 0;
	n = minus ? 0 - (uint64_t)v.u.i : (uint64_t)v.u.i;
	if (s->kind == 'x')
		snprintf(digits, sizeof(digits), "%.*llx", least, (unsigned long long)n);
	else if (s->kind == 'X')
		snprintf(digits, sizeof(digits), "%.*llX", least, (unsigned long long)n);
	else if (s->kind == 'o')
		snprintf(digits, sizeof(digits), "%.*llo", least, (unsigned long long)n);
	else
		snprintf(digits, sizeof(digits), "%.*llu", least, (unsigned long long)n);
	put_number(f, s, minus, !s->alternate ? "" : s->kind == 'x' ? "0x" : s->kind == 'X' ? "0X" :
		s->kind == 'o' ? "0o" : "", digits);
}

static void
put_real(struct formatting *f, const struct spec *s, struct jv v)
{
	char digits[MAX_WIDTH + 400];
	const char form[] = { '%', '.', '*', s->kind, 0 };
	const char sharp[] = { '%', '#', '.', '*', s->kind, 0 };
	double d = v.t == JV_FLOAT ? v.u.d : v.t == JV_INT ? (double)v.u.i : v.t == JV_BOOL ? (double)v.u.b : 0;

	if (v.t != JV_FLOAT && v.t != JV_INT && v.t != JV_BOOL) {
		jinja_fail(f->c, "must be real number, not text");
		return;
	}
	snprintf(digits, sizeof(digits), s->alternate ? sharp : form, s->precision < 0 ? 6 : s->precision, fabs(d));
	put_number(f, s, signbit(d) && !isnan(d), "", digits);
}

/* A number of the specification, or one taken from the arguments. */
static int
read_number(struct formatting *f, const struct jv_str *p, size_t *i)
{
	int64_t n = 0;

	if (*i < p->n && p->p[*i] == '*') {
		struct jv v = next_arg(f);

		++*i;
		n = v.t == JV_INT ? v.u.i : -1;
	}
	while (*i < p->n && p->p[*i] >= '0' && p->p[*i] <= '9' && n <= MAX_WIDTH)
		n = n * 10 + (p->p[(*i)++] - '0');
	if (n < 0 || n > MAX_WIDTH)
		jinja_fail(f->c, "a width or precision outside 0 to %d in a format string", MAX_WIDTH);
	return n < 0 || n > MAX_WIDTH ? 0 : (int)n;
}

/* What stands behind a '%' at i: past it. */
static size_t
read_spec(struct formatting *f, struct jv_str p, size_t i, struct spec *s)
{
	*s = (struct spec){ .precision = -1 };
	for (; i < p.n && p.p[i] && strchr("-+ 0#", p.p[i]); i++) {
		s->left |= p.p[i] == '-';
		s->plus |= p.p[i] == '+';
		s->space |= p.p[i] == ' ';
		s->zero |= p.p[i] == '0';
		s->alternate |= p.p[i] == '#';
	}
	s->width = read_number(f, &p, &i);
	if (i < p.n && p.p[i] == '.') {
		i++;
		s->precision = read_number(f, &p, &i);
	}
	while (i < p.n && (p.p[i] == 'l' || p.p[i] == 'h' || p.p[i] == 'L'))
		i++;
	if (i >= p.n)
		jinja_fail(f->c, "incomplete format");
	else
		s->kind = p.p[i++];
	return i;
}

/* "(name)" at i, if it is there: *v is that member of the mapping. */
static size_t
read_name(struct formatting *f, struct jv_str p, size_t i, bool *named, struct jv *v)
{
	const char *end = i < p.n && p.p[i] == '(' ? memchr(p.p + i, ')', p.n - i) : NULL;
	const struct jv *found = NULL;
	size_t n;

	*named = end != NULL;
	if (!end)
		return i;
	n = (size_t)(end - (p.p + i)) - 1;
	if (f->arg.t == JV_DICT)
		found = jv_dict_get(f->arg.u.m, jv_bytes(p.p + i + 1, n, NULL));
	if (found)
		*v = *found;
	else
		jinja_fail(f->c, f->arg.t == JV_DICT ? "no such name in the mapping of a format string" :
			"format requires a mapping");
	f->used = 1;
	return i + n + 2;
}

static size_t
convert(struct formatting *f, struct jv_str p, size_t i)
{
	struct jv v = nothing;
	struct spec s;
	bool named;

	i = read_name(f, p, i, &named, &v);
	i = read_spec(f, p, i, &s);
	if (f->c->failed)
		return i;
	if (s.kind == '%') {
		jv_build_adds(&f->out, "%", 1);
		return i;
	}
	if (!s.kind || !strchr("sdiuxXoeEfFgG", s.kind)) {
		jinja_fail(f->c, "unsupported format character '%c'", s.kind ? s.kind : '?');
		return i;
	}
	if (!named)
		v = next_arg(f);
	if (f->c->failed)
		return i;
	if (s.kind == 's')
		put_text(f, &s, v);
	else if (strchr("diuxXo", s.kind))
		put_integer(f, &s, v);
	else
		put_real(f, &s, v);
	return i;
}

struct jv
jinja_format(struct jctx *c, struct jv_str p, struct jv arg)
{
	struct formatting f = { .c = c, .arg = arg };
	bool tuple = arg.t == JV_LIST && arg.u.l->tuple;
	size_t i = 0;

	jv_build_init(&f.out);
	while (i < p.n && !c->failed) {
		if (p.p[i] == '%') {
			i = convert(&f, p, i + 1);
			continue;
		}
		jv_build_add(&f.out, (struct jv_str){ p.p + i, p.o ? p.o + i : NULL, 1 });
		i++;
	}
	if (!c->failed && (tuple ? f.used < arg.u.l->n : !f.used && arg.t != JV_DICT && arg.t != JV_LIST))
		jinja_fail(c, "not all arguments converted during string formatting");
	return jv_build_done(c, &f.out);
}
