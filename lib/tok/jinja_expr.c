/* jinja_expr.c - the expression grammar, precedence as in jinja2's parser. */
#include <string.h>

#include "tok/jinja_parse.h"

#define MAX_DEPTH 100

struct jn *
jparse_node(struct jparse *p, enum jn_type type)
{
	struct jn *n = jarena_alloc(p->arena, 1, sizeof(*n));

	n->type = type;
	n->line = jparse_line(p);
	return n;
}

void
jparse_push(struct jparse *p, struct jn ***v, size_t *n, struct jn *kid)
{
	if ((*n & (*n - 1)) == 0) {	/* 0, 1, 2, 4, 8, ...: double */
		struct jn **w = jarena_alloc(p->arena, *n ? 2 * *n : 1, sizeof(struct jn *));

		if (*n > 0)
			memcpy(w, *v, *n * sizeof(struct jn *));
		*v = w;
	}
	(*v)[(*n)++] = kid;
}

static char *
take_name(struct jparse *p)
{
	char *s;

	if (p->tok.type != JT_NAME) {
		jparse_fail(p, "expected a name");
		return jarena_strndup(p->arena, "", 0);
	}
	s = jarena_strndup(p->arena, p->tok.p, p->tok.n);
	jparse_next(p);
	return s;
}

static struct jn *
constant(struct jparse *p, struct jv v)
{
	struct jn *n = jparse_node(p, JN_CONST);

	n->value = v;
	return n;
}

static struct jn *
string_literal(struct jparse *p)
{
	struct jv_str s = p->tok.s;

	jparse_next(p);
	while (p->tok.type == JT_STR) {		/* adjacent literals join */
		char *t = jarena_alloc(p->arena, s.n + p->tok.s.n + 1, 1);

		memcpy(t, s.p, s.n);
		memcpy(t + s.n, p->tok.s.p, p->tok.s.n);
		s.p = t;
		s.n += p->tok.s.n;
		jparse_next(p);
	}
	return constant(p, jv_bytes(s.p, s.n, NULL));
}

static struct jn *
dict_literal(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_DICT);
	size_t values = 0;

	jparse_expect(p, "{");
	while (!jparse_is(p, "}") && p->tok.type != JT_EOF) {
		jparse_push(p, &n->kids, &n->n, jparse_expr(p));
		jparse_expect(p, ":");
		jparse_push(p, &n->other, &values, jparse_expr(p));
		if (!jparse_accept(p, ","))
			break;
	}
	n->n_other = values;
	jparse_expect(p, "}");
	return n;
}

static struct jn *
list_literal(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_LIST);

	jparse_expect(p, "[");
	while (!jparse_is(p, "]") && p->tok.type != JT_EOF) {
		jparse_push(p, &n->kids, &n->n, jparse_expr(p));
		if (!jparse_accept(p, ","))
			break;
	}
	jparse_expect(p, "]");
	return n;
}

static struct jn *
name_or_constant(struct jparse *p)
{
	struct jn *n;
	struct jv v = { .t = JV_NONE };

	if (jparse_is(p, "true") || jparse_is(p, "True"))
		v = jv_bool(true);
	else if (jparse_is(p, "false") || jparse_is(p, "False"))
		v = jv_bool(false);
	else if (!jparse_is(p, "none") && !jparse_is(p, "None")) {
		n = jparse_node(p, JN_NAME);
		n->name = take_name(p);
		return n;
	}
	jparse_next(p);
	return constant(p, v);
}

struct jn *
jparse_primary(struct jparse *p)
{
	struct jn *n;
	struct jv v = { .t = JV_FLOAT };

	switch (p->tok.type) {
	case JT_STR:
		return string_literal(p);
	case JT_INT:
		v = jv_int(p->tok.i);
		jparse_next(p);
		return constant(p, v);
	case JT_FLOAT:
		v.u.d = p->tok.d;
		jparse_next(p);
		return constant(p, v);
	case JT_NAME:
		return name_or_constant(p);
	default:
		break;
	}
	if (jparse_is(p, "["))
		return list_literal(p);
	if (jparse_is(p, "{"))
		return dict_literal(p);
	if (jparse_accept(p, "(")) {
		if (jparse_is(p, ")"))
			n = jparse_node(p, JN_TUPLE);
		else
			n = jparse_tuple(p);
		jparse_expect(p, ")");
		return n;
	}
	jparse_fail(p, "expected an expression before '%.*s'",
		(int)(p->tok.n < 20 ? p->tok.n : 20), p->tok.p ? p->tok.p : "");
	return constant(p, v);
}

/* After "(": arguments of a call, up to and including ")". */
void
jparse_args(struct jparse *p, struct jn *call)
{
	while (!jparse_is(p, ")") && p->tok.type != JT_EOF) {
		struct jn *arg = jparse_expr(p);

		if (arg->type == JN_NAME && jparse_accept(p, "=")) {
			arg->type = JN_KEYWORD;
			arg->a = jparse_expr(p);
		}
		jparse_push(p, &call->kids, &call->n, arg);
		if (!jparse_accept(p, ","))
			break;
	}
	jparse_expect(p, ")");
}

static struct jn *
subscript(struct jparse *p, struct jn *of)
{
	struct jn *n = jparse_node(p, JN_ITEM), *part[3] = { NULL, NULL, NULL };
	int at = 0;

	n->a = of;
	while (!jparse_is(p, "]") && p->tok.type != JT_EOF && at < 3) {
		if (jparse_accept(p, ":")) {
			n->type = JN_SLICE;
			at++;
		} else {
			part[at] = jparse_expr(p);
			if (!jparse_is(p, ":"))
				break;
		}
	}
	jparse_expect(p, "]");
	if (n->type == JN_ITEM)
		n->b = part[0];
	else
		for (at = 0; at < 3; at++)
			jparse_push(p, &n->kids, &n->n, part[at]);
	return n;
}

struct jn *
jparse_postfix(struct jparse *p, struct jn *n)
{
	struct jn *up;

	for (;;) {
		if (jparse_accept(p, ".")) {
			if (p->tok.type == JT_INT) {
				up = jparse_node(p, JN_ITEM);
				up->a = n;
				up->b = jparse_primary(p);
			} else {
				up = jparse_node(p, JN_ATTR);
				up->a = n;
				up->name = take_name(p);
			}
		} else if (jparse_accept(p, "[")) {
			up = subscript(p, n);
		} else if (jparse_accept(p, "(")) {
			up = jparse_node(p, JN_CALL);
			up->a = n;
			jparse_args(p, up);
		} else {
			return n;
		}
		n = up;
	}
}

static struct jn *
test_expr(struct jparse *p, struct jn *n)
{
	bool negate = jparse_accept(p, "not");
	struct jn *t = jparse_node(p, JN_TEST), *not;

	t->a = n;
	t->name = take_name(p);
	if (jparse_accept(p, "(")) {
		jparse_args(p, t);
	} else if (p->tok.type == JT_STR || p->tok.type == JT_INT || p->tok.type == JT_FLOAT ||
	    jparse_is(p, "[") || jparse_is(p, "{") || (p->tok.type == JT_NAME &&
	    !jparse_is(p, "else") && !jparse_is(p, "or") && !jparse_is(p, "and") &&
	    !jparse_is(p, "is") && !jparse_is(p, "if") && !jparse_is(p, "in") &&
	    !jparse_is(p, "not"))) {
		jparse_push(p, &t->kids, &t->n, jparse_postfix(p, jparse_primary(p)));
	}
	if (!negate)
		return t;
	not = jparse_node(p, JN_NOT);
	not->a = t;
	return not;
}

static struct jn *
filters(struct jparse *p, struct jn *n)
{
	struct jn *f;

	for (;;) {
		if (jparse_accept(p, "|")) {
			f = jparse_node(p, JN_FILTER);
			f->a = n;
			f->name = take_name(p);
			if (jparse_accept(p, "("))
				jparse_args(p, f);
			n = f;
		} else if (jparse_accept(p, "is")) {
			n = test_expr(p, n);
		} else if (jparse_accept(p, "(")) {
			f = jparse_node(p, JN_CALL);
			f->a = n;
			jparse_args(p, f);
			n = f;
		} else {
			return n;
		}
	}
}

static struct jn *
unary(struct jparse *p, bool with_filter)
{
	struct jn *n;
	bool neg = jparse_is(p, "-");

	if (++p->depth > MAX_DEPTH)
		jparse_fail(p, "expression nested deeper than %d", MAX_DEPTH);
	if (neg || jparse_is(p, "+")) {
		jparse_next(p);
		n = jparse_node(p, neg ? JN_NEG : JN_POS);
		n->a = unary(p, false);
	} else {
		n = jparse_postfix(p, jparse_primary(p));
	}
	p->depth--;
	return with_filter ? filters(p, n) : n;
}

static struct jn *
binary(struct jparse *p, enum jn_op op, struct jn *a, struct jn *b)
{
	struct jn *n = jparse_node(p, JN_BINARY);

	n->op = op;
	n->a = a;
	n->b = b;
	return n;
}

static struct jn *
power(struct jparse *p)
{
	struct jn *n = unary(p, true);

	while (jparse_accept(p, "**"))
		n = binary(p, JO_POW, n, unary(p, true));
	return n;
}

static struct jn *
product(struct jparse *p)
{
	struct jn *n = power(p);

	for (;;) {
		if (jparse_accept(p, "*"))
			n = binary(p, JO_MUL, n, power(p));
		else if (jparse_accept(p, "//"))
			n = binary(p, JO_FLOORDIV, n, power(p));
		else if (jparse_accept(p, "/"))
			n = binary(p, JO_DIV, n, power(p));
		else if (jparse_accept(p, "%"))
			n = binary(p, JO_MOD, n, power(p));
		else
			return n;
	}
}

static struct jn *
concatenation(struct jparse *p)
{
	struct jn *n = product(p);

	while (jparse_accept(p, "~"))
		n = binary(p, JO_CONCAT, n, product(p));
	return n;
}

static struct jn *
sum(struct jparse *p)
{
	struct jn *n = concatenation(p);

	for (;;) {
		if (jparse_accept(p, "+"))
			n = binary(p, JO_ADD, n, concatenation(p));
		else if (jparse_accept(p, "-"))
			n = binary(p, JO_SUB, n, concatenation(p));
		else
			return n;
	}
}

/* a < b <= c: kids are the operands after the first, other their operators as JN_BINARY nodes. */
static struct jn *
comparison(struct jparse *p)
{
	static const char *const ops[] = { "==", "!=", "<", "<=", ">", ">=", "in", NULL };
	struct jn *n = sum(p), *cmp = NULL, *part;
	int i;

	for (;;) {
		enum jn_op op;

		for (i = 0; ops[i] && !jparse_is(p, ops[i]); i++)
			;
		op = (enum jn_op)(JO_EQ + i);
		if (!ops[i] && !jparse_is(p, "not"))
			break;
		jparse_next(p);
		if (!ops[i]) {
			if (!jparse_expect(p, "in"))
				break;
			op = JO_NOTIN;
		}
		if (!cmp) {
			cmp = jparse_node(p, JN_COMPARE);
			cmp->a = n;
		}
		part = binary(p, op, NULL, NULL);
		part->b = sum(p);
		jparse_push(p, &cmp->kids, &cmp->n, part);
	}
	return cmp ? cmp : n;
}

static struct jn *
negation(struct jparse *p)
{
	struct jn *n;

	if (!jparse_accept(p, "not"))
		return comparison(p);
	n = jparse_node(p, JN_NOT);
	if (++p->depth > MAX_DEPTH)
		jparse_fail(p, "expression nested deeper than %d", MAX_DEPTH);
	n->a = negation(p);
	p->depth--;
	return n;
}

static struct jn *
logical(struct jparse *p, bool is_or)
{
	struct jn *n = is_or ? logical(p, false) : negation(p), *up;

	while (jparse_accept(p, is_or ? "or" : "and")) {
		up = jparse_node(p, is_or ? JN_OR : JN_AND);
		up->a = n;
		up->b = is_or ? logical(p, false) : negation(p);
		n = up;
	}
	return n;
}

struct jn *
jparse_expr(struct jparse *p)
{
	struct jn *n, *cond;

	if (++p->depth > MAX_DEPTH)
		jparse_fail(p, "expression nested deeper than %d", MAX_DEPTH);
	n = logical(p, true);
	while (jparse_accept(p, "if")) {
		cond = jparse_node(p, JN_COND);
		cond->a = n;
		cond->b = logical(p, true);
		if (jparse_accept(p, "else"))
			cond->c = jparse_expr(p);
		n = cond;
	}
	p->depth--;
	return n;
}

struct jn *
jparse_tuple(struct jparse *p)
{
	struct jn *first = jparse_expr(p), *n;

	if (!jparse_is(p, ","))
		return first;
	n = jparse_node(p, JN_TUPLE);
	jparse_push(p, &n->kids, &n->n, first);
	while (jparse_accept(p, ",")) {
		if (p->tok.type == JT_EOF || jparse_is(p, ")") || jparse_is(p, "="))
			break;
		jparse_push(p, &n->kids, &n->n, jparse_expr(p));
	}
	return n;
}

struct jn *
jparse_target(struct jparse *p)
{
	bool paren = jparse_accept(p, "(");
	struct jn *first = jparse_node(p, JN_NAME), *n, *next;

	first->name = take_name(p);
	n = first;
	if (jparse_is(p, ",")) {
		n = jparse_node(p, JN_TUPLE);
		jparse_push(p, &n->kids, &n->n, first);
		while (jparse_accept(p, ",")) {
			next = jparse_node(p, JN_NAME);
			next->name = take_name(p);
			jparse_push(p, &n->kids, &n->n, next);
		}
	}
	if (paren)
		jparse_expect(p, ")");
	return n;
}
