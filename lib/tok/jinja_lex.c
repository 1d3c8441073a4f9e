/*
 * jinja_lex.c - cuts a template into text and tags, and a tag into tokens.
 *
 * White space follows jinja2's lexer with trim_blocks and lstrip_blocks on: the newline after %} or
 * #} goes, blanks between the start of a line and {% or {# go, a - inside a tag strips all white
 * space on its side and a + keeps it.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jutf8.h"
#include "tok/jinja_parse.h"

int
jparse_line(const struct jparse *p)
{
	const char *stop = p->code ? p->code : p->src + p->at, *s;
	int line = 1;

	for (s = p->src; s < stop; s++)
		line += *s == '\n';
	return line;
}

int
jparse_fail(struct jparse *p, const char *fmt, ...)
{
	char msg[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	jerr_set(p->e, JERR_FORMAT, "chat template line %d: %s", jparse_line(p), msg);
	p->tok.type = JT_EOF;
	p->code = p->code_end = p->src + p->n;
	p->at = p->n;
	return JERR_FORMAT;
}

static bool
is_space(int ch)
{
	return ch == ' ' || (ch >= 9 && ch <= 13) || (ch >= 0x1c && ch <= 0x1f);
}

/* Position of the next {{, {% or {#; n if none. */
static size_t
find_tag(const struct jparse *p, size_t at)
{
	for (; at + 1 < p->n; at++)
		if (p->src[at] == '{' && strchr("{%#", p->src[at + 1]))
			return at;
	return p->n;
}

/* Position of "-%}", "%}", ... from at, skipping string literals of code; n if none. */
static size_t
find_close(const struct jparse *p, size_t at, int kind)
{
	const char *s = p->src;
	int close = kind == '{' ? '}' : kind;

	for (; at + 1 < p->n; at++) {
		if (kind != '#' && (s[at] == '"' || s[at] == '\'')) {
			int q = s[at++];

			while (at < p->n && s[at] != q)
				at += s[at] == '\\' ? 2 : 1;
			continue;
		}
		if (kind == '{' && s[at] == '{') {	/* a dict literal: skip to its end */
			int open = 1;

			for (at++; at < p->n && open > 0; at++)
				open += s[at] == '{' ? 1 : s[at] == '}' ? -1 : 0;
			at--;
			continue;
		}
		if (s[at] == close && s[at + 1] == '}')
			return at;
	}
	return p->n;
}

/* The text before a tag that opens at `tag`: what lstrip_blocks and {%- leave of it. */
static size_t
text_end(const struct jparse *p, size_t from, size_t tag)
{
	size_t end = tag, at;
	int kind = p->src[tag + 1], sign = tag + 2 < p->n ? p->src[tag + 2] : 0;

	if (sign == '-') {
		while (end > from && is_space((unsigned char)p->src[end - 1]))
			end--;
		return end;
	}
	if (kind == '{' || sign == '+')
		return end;
	for (at = end; at > from && p->src[at - 1] != '\n'; at--)
		if (!is_space((unsigned char)p->src[at - 1]))
			return end;
	return at > from || p->line_starting ? at : end;
}

static void
after_tag(struct jparse *p, size_t close, int kind)
{
	int sign = close > 0 ? p->src[close - 1] : 0;

	p->at = close + 2;
	p->strip_next = sign == '-';
	p->line_starting = false;
	if (sign == '-') {
		while (p->at < p->n && is_space((unsigned char)p->src[p->at]))
			p->at++;
		p->line_starting = p->src[p->at - 1] == '\n';
	} else if (kind != '{' && sign != '+' && p->at < p->n && p->src[p->at] == '\n') {
		p->at++;
		p->line_starting = true;
	}
}

enum jchunk_type
jparse_chunk(struct jparse *p, struct jv_str *text)
{
	size_t tag, end, open, close;
	int kind;

	p->code = NULL;
	text->p = p->src + p->at;
	text->o = NULL;
	text->n = 0;
	if (p->at >= p->n)
		return JCHUNK_END;
	tag = find_tag(p, p->at);
	if (tag > p->at) {
		end = tag < p->n ? text_end(p, p->at, tag) : p->n;
		text->n = end - p->at;
		p->line_starting = p->src[tag - 1] == '\n';
		p->at = tag;
		return JCHUNK_TEXT;
	}
	kind = p->src[tag + 1];
	open = tag + 2;
	if (open < p->n && (p->src[open] == '-' || p->src[open] == '+') && kind != '{')
		open++;
	else if (open < p->n && p->src[open] == '-')
		open++;
	close = find_close(p, open, kind);
	if (close >= p->n) {
		jparse_fail(p, "'{%c' is never closed", kind);
		return JCHUNK_END;
	}
	end = close;
	if (end > open && (p->src[end - 1] == '-' || (p->src[end - 1] == '+' && kind != '{')))
		end--;
	after_tag(p, close, kind);
	if (kind == '#')
		return JCHUNK_TEXT;	/* empty text */
	p->code = p->src + open;
	p->code_end = p->src + end;
	jparse_next(p);
	return kind == '{' ? JCHUNK_EXPR : JCHUNK_STMT;
}

/* Escapes as Python's unicode-escape codec: an unknown one keeps its backslash. */
static size_t
unescape(const char *s, size_t n, struct jbuf *b)
{
	static const char from[] = "ntr\\'\"abfv0", to[] = "\n\t\r\\'\"\a\b\f\v\0";
	const char *k;
	char hex[9], utf8[4];
	int digits;

	if (n > 0 && *s && (k = strchr(from, *s)) != NULL) {
		jbuf_addc(b, to[k - from]);
		return 1;
	}
	if (n > 0 && *s == '\n')
		return 1;
	digits = n == 0 ? 0 : *s == 'x' ? 2 : *s == 'u' ? 4 : *s == 'U' ? 8 : 0;
	if (digits > 0 && n > (size_t)digits) {
		memcpy(hex, s + 1, (size_t)digits);
		hex[digits] = 0;
		jbuf_add(b, utf8, (size_t)jutf8_encode((uint32_t)strtoul(hex, NULL, 16), utf8));
		return (size_t)digits + 1;
	}
	jbuf_addc(b, '\\');
	return 0;
}

static void
lex_string(struct jparse *p)
{
	struct jbuf b;
	int q = *p->code++;

	jbuf_init(&b);
	while (p->code < p->code_end && *p->code != q) {
		if (*p->code == '\\' && p->code + 1 < p->code_end) {
			p->code++;
			p->code += unescape(p->code, (size_t)(p->code_end - p->code), &b);
		} else {
			jbuf_addc(&b, *p->code++);
		}
	}
	if (p->code < p->code_end)
		p->code++;
	else
		jparse_fail(p, "a string is never closed");
	if (p->tok.type != JT_EOF) {
		p->tok.type = JT_STR;
		p->tok.s = (struct jv_str){ jarena_strndup(p->arena, b.p, b.n), NULL, b.n };
	}
	jbuf_release(&b);
}

/* "e5", "E-5" at s: how many bytes. */
static size_t
exponent(const char *s, const char *end)
{
	size_t n = 1;

	if (s >= end || (*s != 'e' && *s != 'E'))
		return 0;
	if (s + n < end && (s[n] == '+' || s[n] == '-'))
		n++;
	if (s + n >= end || !isdigit((unsigned char)s[n]))
		return 0;
	while (s + n < end && isdigit((unsigned char)s[n]))
		n++;
	return n;
}

static void
lex_number(struct jparse *p)
{
	size_t power;
	char digits[40];
	size_t n = 0;
	bool real = false;
	const char *s = p->code;

	while (s < p->code_end && n < sizeof(digits) - 1 && (isdigit((unsigned char)*s) ||
	    *s == '_' || (*s == '.' && !real && s + 1 < p->code_end &&
	    isdigit((unsigned char)s[1])))) {
		real |= *s == '.';
		if (*s != '_')
			digits[n++] = *s;
		s++;
	}
	power = exponent(s, p->code_end);
	if (power && n + power < sizeof(digits)) {
		memcpy(digits + n, s, power);
		n += power;
		s += power;
		real = true;
	}
	digits[n] = 0;
	p->code = s;
	p->tok.type = real ? JT_FLOAT : JT_INT;
	p->tok.d = strtod(digits, NULL);
	p->tok.i = strtoll(digits, NULL, 10);
}

void
jparse_next(struct jparse *p)
{
	static const char *const two[] = { "==", "!=", "<=", ">=", "//", "**", NULL };
	size_t i;

	while (p->code < p->code_end && is_space((unsigned char)*p->code))
		p->code++;
	p->tok.p = p->code;
	p->tok.n = 0;
	p->tok.type = JT_EOF;
	if (p->code >= p->code_end)
		return;
	p->tok.type = JT_OP;
	if (*p->code == '"' || *p->code == '\'') {
		lex_string(p);
	} else if (isdigit((unsigned char)*p->code)) {
		lex_number(p);
	} else if (isalpha((unsigned char)*p->code) || *p->code == '_') {
		p->tok.type = JT_NAME;
		while (p->code < p->code_end && (isalnum((unsigned char)*p->code) || *p->code == '_'))
			p->code++;
	} else {
		for (i = 0; two[i]; i++)
			if (p->code + 1 < p->code_end && memcmp(p->code, two[i], 2) == 0)
				break;
		p->code += two[i] ? 2 : 1;
		if (!two[i] && !strchr("+-*/%~[](){}<>=.:|,;", p->tok.p[0]))
			jparse_fail(p, "unexpected character '%c'", p->tok.p[0]);
	}
	if (p->tok.type != JT_EOF)
		p->tok.n = (size_t)(p->code - p->tok.p);
}

bool
jparse_is(const struct jparse *p, const char *s)
{
	return (p->tok.type == JT_OP || p->tok.type == JT_NAME) && p->tok.n == strlen(s) &&
		memcmp(p->tok.p, s, p->tok.n) == 0;
}

bool
jparse_accept(struct jparse *p, const char *s)
{
	if (!jparse_is(p, s))
		return false;
	jparse_next(p);
	return true;
}

bool
jparse_expect(struct jparse *p, const char *s)
{
	if (jparse_accept(p, s))
		return true;
	jparse_fail(p, "expected '%s' before '%.*s'", s, (int)(p->tok.n < 20 ? p->tok.n : 20),
		p->tok.p ? p->tok.p : "");
	return false;
}
