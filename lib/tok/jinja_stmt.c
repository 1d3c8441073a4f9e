/* jinja_stmt.c - the statement grammar: text, {{ }}, and the {% %} tags that chat templates use. */
#include <string.h>

#include "tok/jinja_parse.h"

#define MAX_NESTING 60

static struct jn *parse_body(struct jparse *p, const char *const *ends, int *which);

static const char *const end_if[] = { "elif", "else", "endif", NULL };
static const char *const end_for[] = { "else", "endfor", NULL };
static const char *const end_set[] = { "endset", NULL };
static const char *const end_macro[] = { "endmacro", NULL };
static const char *const end_filter[] = { "endfilter", NULL };
static const char *const end_generation[] = { "endgeneration", NULL };

static void
close_tag(struct jparse *p)
{
	if (p->tok.type != JT_EOF)
		jparse_fail(p, "unexpected '%.*s' at the end of a tag",
			(int)(p->tok.n < 20 ? p->tok.n : 20), p->tok.p);
}

static struct jn *
parse_if(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_IF), *body;
	int which;

	n->a = jparse_tuple(p);
	close_tag(p);
	body = parse_body(p, end_if, &which);
	n->kids = body->kids;
	n->n = body->n;
	if (which == 0) {
		jparse_push(p, &n->other, &n->n_other, parse_if(p));
	} else if (which == 1) {
		body = parse_body(p, end_if + 2, &which);
		n->other = body->kids;
		n->n_other = body->n;
	}
	return n;
}

static struct jn *
parse_for(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_FOR), *body;
	int which;

	n->a = jparse_target(p);
	jparse_expect(p, "in");
	/* without the trailing "if", which here filters the loop */
	n->b = jparse_expr(p);
	if (n->b->type == JN_COND && !n->b->c) {
		n->c = n->b->b;
		n->b = n->b->a;
	}
	close_tag(p);
	body = parse_body(p, end_for, &which);
	n->kids = body->kids;
	n->n = body->n;
	if (which == 0) {
		body = parse_body(p, end_for + 1, &which);
		n->other = body->kids;
		n->n_other = body->n;
	}
	return n;
}

static struct jn *
parse_set(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_SET), *body, *f;
	int which;

	n->a = jparse_target(p);
	if (n->a->type == JN_NAME && jparse_accept(p, ".")) {	/* namespace attribute */
		struct jn *attr = jparse_node(p, JN_ATTR);

		attr->a = n->a;
		attr->name = jarena_strndup(p->arena, p->tok.p ? p->tok.p : "", p->tok.n);
		jparse_next(p);
		n->a = attr;
	}
	if (jparse_accept(p, "=")) {
		n->b = jparse_tuple(p);
		close_tag(p);
		return n;
	}
	n->type = JN_SETBLOCK;
	f = NULL;
	if (jparse_accept(p, "|")) {	/* {% set x | trim %} */
		f = jparse_node(p, JN_FILTER);
		f->name = jarena_strndup(p->arena, p->tok.p ? p->tok.p : "", p->tok.n);
		jparse_next(p);
		if (jparse_accept(p, "("))
			jparse_args(p, f);
	}
	n->b = f;
	close_tag(p);
	body = parse_body(p, end_set, &which);
	n->kids = body->kids;
	n->n = body->n;
	return n;
}

static struct jn *
parse_macro(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_MACRO), *body, *arg;
	int which;

	n->name = jarena_strndup(p->arena, p->tok.p ? p->tok.p : "", p->tok.n);
	jparse_next(p);
	jparse_expect(p, "(");
	while (p->tok.type == JT_NAME) {
		arg = jparse_node(p, JN_NAME);
		arg->name = jarena_strndup(p->arena, p->tok.p, p->tok.n);
		jparse_next(p);
		if (jparse_accept(p, "="))
			arg->a = jparse_expr(p);
		jparse_push(p, &n->other, &n->n_other, arg);
		if (!jparse_accept(p, ","))
			break;
	}
	jparse_expect(p, ")");
	close_tag(p);
	body = parse_body(p, end_macro, &which);
	n->kids = body->kids;
	n->n = body->n;
	return n;
}

static struct jn *
parse_filter_block(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_FILTERBLOCK), *body;
	int which;

	n->b = jparse_node(p, JN_FILTER);
	n->b->name = jarena_strndup(p->arena, p->tok.p ? p->tok.p : "", p->tok.n);
	jparse_next(p);
	if (jparse_accept(p, "("))
		jparse_args(p, n->b);
	close_tag(p);
	body = parse_body(p, end_filter, &which);
	n->kids = body->kids;
	n->n = body->n;
	return n;
}

/* {% raw %}: everything up to {% endraw %} as text. */
static struct jn *
parse_raw(struct jparse *p)
{
	struct jn *n = jparse_node(p, JN_TEXT);
	size_t from = p->at, at;

	for (at = from; at + 6 < p->n; at++) {
		size_t k = at + 2;

		if (p->src[at] != '{' || p->src[at + 1] != '%')
			continue;
		while (k < p->n && strchr("-+ \t\n", p->src[k]) && p->src[k])
			k++;
		if (k + 6 <= p->n && memcmp(p->src + k, "endraw", 6) == 0) {
			struct jv_str text;

			n->value = jv_bytes(p->src + from, at - from, NULL);
			p->at = at;
			jparse_chunk(p, &text);
			return n;
		}
	}
	jparse_fail(p, "'{%% raw %%}' is never closed");
	return n;
}

static struct jn *
parse_statement(struct jparse *p)
{
	int which;

	if (jparse_accept(p, "if"))
		return parse_if(p);
	if (jparse_accept(p, "for"))
		return parse_for(p);
	if (jparse_accept(p, "set"))
		return parse_set(p);
	if (jparse_accept(p, "macro"))
		return parse_macro(p);
	if (jparse_accept(p, "filter"))
		return parse_filter_block(p);
	if (jparse_accept(p, "raw"))
		return parse_raw(p);
	if (jparse_accept(p, "break"))
		return jparse_node(p, JN_BREAK);
	if (jparse_accept(p, "continue"))
		return jparse_node(p, JN_CONTINUE);
	if (jparse_accept(p, "generation")) {
		close_tag(p);
		return parse_body(p, end_generation, &which);
	}
	jparse_fail(p, "unknown tag '%.*s'", (int)(p->tok.n < 20 ? p->tok.n : 20),
		p->tok.p ? p->tok.p : "");
	return jparse_node(p, JN_BLOCK);
}

/* Statements up to one of the tags in ends (NULL = end of the template). */
static struct jn *
parse_body(struct jparse *p, const char *const *ends, int *which)
{
	struct jn *body = jparse_node(p, JN_BLOCK), *n;
	struct jv_str text;
	enum jchunk_type type;
	int i;

	if (++p->depth > MAX_NESTING)
		jparse_fail(p, "tags nested deeper than %d", MAX_NESTING);
	while ((type = jparse_chunk(p, &text)) != JCHUNK_END) {
		if (type == JCHUNK_TEXT) {
			if (text.n == 0)
				continue;
			n = jparse_node(p, JN_TEXT);
			n->value = jv_bytes(text.p, text.n, NULL);
		} else if (type == JCHUNK_EXPR) {
			n = jparse_node(p, JN_OUTPUT);
			n->a = jparse_tuple(p);
			close_tag(p);
		} else {
			for (i = 0; ends && ends[i]; i++)
				if (jparse_accept(p, ends[i])) {
					*which = i;
					p->depth--;
					return body;
				}
			n = parse_statement(p);
		}
		jparse_push(p, &body->kids, &body->n, n);
	}
	if (ends)
		jparse_fail(p, "expected '{%% %s %%}' before the end", ends[0]);
	*which = -1;
	p->depth--;
	return body;
}

struct jn *
jparse_template(struct jparse *p)
{
	int which;
	struct jn *body;

	p->line_starting = true;
	body = parse_body(p, NULL, &which);
	return p->e->code ? NULL : body;
}
