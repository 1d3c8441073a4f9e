/*
 * roff_expr.c - conditions of .if and .ie: the built-in letters, comparisons of strings, and
 * numbers, which roff computes from left to right without precedence.
 */
#include <ctype.h>
#include <string.h>

#include "doc/roff.h"

enum { MAX_PARENS = 16 };

struct expr {
	struct roff *r;
	const char *p, *end;
	int depth;
};

static long expression(struct expr *x);

static long
reg(struct expr *x)
{
	const struct roff_def *d;
	const char *name;
	size_t n;

	x->p = roff_name(x->p, x->end, &name, &n);
	if (n == 2 && memcmp(name, ".g", 2) == 0)
		return 1;
	d = roff_find(x->r, name, n, 'n');
	return d ? d->number : 0;
}

static long
operand(struct expr *x)
{
	long v = 0;

	if (x->p < x->end && *x->p == '-') {
		x->p++;
		return x->depth++ < MAX_PARENS ? -operand(x) : 0;
	}
	if (x->p < x->end && *x->p == '!') {
		x->p++;
		return x->depth++ < MAX_PARENS ? operand(x) <= 0 : 0;
	}
	if (x->p < x->end && *x->p == '(') {
		x->p++;
		v = x->depth++ < MAX_PARENS ? expression(x) : 0;
		if (x->p < x->end && *x->p == ')')
			x->p++;
		return v;
	}
	if (x->end - x->p > 2 && x->p[0] == '\\' && x->p[1] == 'n') {
		x->p += 2;
		if (*x->p == '+' || *x->p == '-')
			x->p++;
		return reg(x);
	}
	while (x->p < x->end && (isdigit((unsigned char)*x->p) || *x->p == '.')) {
		if (*x->p != '.' && v < 100000000)
			v = v * 10 + (*x->p - '0');
		x->p++;
	}
	while (x->p < x->end && islower((unsigned char)*x->p))	/* a unit */
		x->p++;
	return v;
}

static long
apply(long a, int op, int two, long b)
{
	switch (op) {
	case '+': return a + b;
	case '-': return a - b;
	case '*': return a % 100000000 * (b % 100000000);
	case '/': return b ? a / b : 0;
	case '%': return b ? a % b : 0;
	case '<': return two ? a <= b : a < b;
	case '>': return two ? a >= b : a > b;
	case '=': return a == b;
	case '&': return a > 0 && b > 0;
	default: return a > 0 || b > 0;
	}
}

static long
expression(struct expr *x)
{
	long v = operand(x);

	while (x->p < x->end && strchr("+-*/%<>=&:", *x->p)) {
		int op = *x->p++, two = 0;

		if (x->p < x->end && *x->p == '=') {
			x->p++;
			two = 1;
		}
		v = apply(v, op, two, operand(x)) % 1000000000;
	}
	return v;
}

long
roff_number(struct roff *r, const char *s, size_t n, size_t *used)
{
	struct expr x = { r, s, s + n, 0 };
	long v = expression(&x);

	*used = (size_t)(x.p - s);
	return v;
}

/* 'one'two' */
static bool
strings(struct roff *r, const char *s, size_t n, size_t *used)
{
	const char *mid = memchr(s + 1, *s, n - 1), *end;
	struct jbuf a, b;
	bool same;

	*used = n;
	end = mid ? memchr(mid + 1, *s, n - (size_t)(mid + 1 - s)) : NULL;
	if (!end)
		return false;
	*used = (size_t)(end - s) + 1;
	jbuf_init(&a);
	jbuf_init(&b);
	jbuf_add(&a, s + 1, (size_t)(mid - s) - 1);
	jbuf_add(&b, mid + 1, (size_t)(end - mid) - 1);
	for (struct jbuf *t = &a; t; t = t == &a ? &b : NULL) {
		struct jbuf out;

		jbuf_init(&out);
		roff_capture(r, t->p, true, &out);
		jbuf_reset(t);
		jbuf_add(t, out.p, out.n);
		jbuf_release(&out);
	}
	same = a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
	jbuf_release(&a);
	jbuf_release(&b);
	return same;
}

static bool
named(struct roff *r, const char *s, size_t n, size_t *used, int kind)
{
	size_t i = 1, start;

	while (i < n && s[i] == ' ')
		i++;
	start = i;
	while (i < n && s[i] != ' ')
		i++;
	*used = i;
	return roff_find(r, s + start, i - start, kind) != NULL ||
	    (kind == 's' && roff_find(r, s + start, i - start, 'm') != NULL);
}

bool
roff_condition(struct roff *r, const char *s, size_t n, size_t *used)
{
	size_t i = 0, more = 0;
	bool no = false, yes;

	while (i < n && (s[i] == '!' || s[i] == ' ')) {
		no = s[i] == '!' ? !no : no;
		i++;
	}
	*used = i;
	if (i == n)
		return false;
	if (strchr("ntoev", s[i]) && (i + 1 == n || !isalnum((unsigned char)s[i + 1]))) {
		yes = s[i] == 'n' || s[i] == 'o';
		more = 1;
	} else if (s[i] == 'd' || s[i] == 'r') {
		yes = named(r, s + i, n - i, &more, s[i] == 'd' ? 's' : 'n');
	} else if (isdigit((unsigned char)s[i]) || strchr("(\\-.+", s[i])) {
		yes = roff_number(r, s + i, n - i, &more) > 0;
		if (more == 0)
			more = 1;
	} else if (isalpha((unsigned char)s[i])) {
		yes = false;
		more = 1;
	} else {
		yes = strings(r, s + i, n - i, &more);
	}
	*used = i + more;
	return yes != no;
}
