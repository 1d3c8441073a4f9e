/*
 * roff_text.c - text of a roff page: escapes, fonts, and where it goes (a paragraph, a fenced
 * block, a term, a captured line).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/jutf8.h"
#include "doc/roff.h"

static void
mark_font(struct roff *r, char font)
{
	if (r->marked == font)
		return;
	if (r->marked == 'B' || r->marked == 'I')
		md_close(r->m);
	if (font == 'B')
		md_open(r->m, "**");
	else if (font == 'I')
		md_open(r->m, "*");
	r->marked = font;
}

/* The constant-width text that was gathered, as one piece of code. */
static void
put_code(struct roff *r)
{
	if (r->code.n == 0)
		return;
	mark_font(r, 'R');
	md_code(r->m, r->code.p, r->code.n);
	jbuf_reset(&r->code);
}

void
roff_flush(struct roff *r)
{
	put_code(r);
	mark_font(r, 'R');
}

static void
flush_terms(struct roff *r)
{
	struct jbuf t;

	if (r->terms.n == 0 || r->m != &r->page)
		return;
	t = r->terms;
	jbuf_init(&r->terms);
	md_block(r->m, 2);
	md_open(r->m, "**");
	md_word(r->m, t.p, t.n);
	md_close(r->m);
	md_gap(r->m, 1);
	jbuf_release(&t);
}

void
roff_put(struct roff *r, const char *s, size_t n)
{
	if (n == 0)
		return;
	if (r->fenced) {
		jbuf_add(&r->fence, s, n);
		return;
	}
	flush_terms(r);
	if (r->font == 'C') {
		jbuf_add(&r->code, s, n);
		return;
	}
	put_code(r);
	if (n == 1 && s[0] == ' ') {
		md_text(r->m, s, n);
		return;
	}
	mark_font(r, r->font);
	md_text(r->m, s, n);
}

void
roff_font(struct roff *r, const char *name, size_t n)
{
	char last = r->font;

	if (n == 0 || (n == 1 && name[0] == 'P')) {
		r->font = r->last_font;
		r->last_font = last;
		return;
	}
	if (name[0] == 'C' && n == 2)
		r->font = name[1] == 'B' ? 'B' : name[1] == 'I' ? 'I' : 'C';
	else if (name[0] == 'B' || name[0] == '3')
		r->font = 'B';
	else if (name[0] == 'I' || name[0] == '2')
		r->font = 'I';
	else
		r->font = 'R';
	r->last_font = last;
}

const char *
roff_name(const char *s, const char *end, const char **name, size_t *n)
{
	*name = s;
	*n = 0;
	if (s >= end)
		return end;
	if (*s == '(') {
		*name = s + 1;
		*n = end - s > 2 ? 2 : (size_t)(end - s) - 1;
		return s + 1 + *n;
	}
	if (*s == '[') {
		const char *close = memchr(s, ']', (size_t)(end - s));

		*name = s + 1;
		*n = (size_t)((close ? close : end) - s) - 1;
		return close ? close + 1 : end;
	}
	*n = 1;
	return s + 1;
}

/* The argument of \h'...' and its like: between two of the same character. */
static const char *
quoted(const char *s, const char *end, const char **arg, size_t *n)
{
	const char *close = s < end ? memchr(s + 1, *s, (size_t)(end - s) - 1) : NULL;

	*arg = s < end ? s + 1 : s;
	*n = close ? (size_t)(close - s) - 1 : 0;
	return close ? close + 1 : end;
}

static const char *
size_escape(const char *s, const char *end)
{
	const char *name;
	size_t n;

	if (s < end && (*s == '[' || *s == '('))
		return roff_name(s, end, &name, &n);
	if (s < end && *s == '\'')
		return quoted(s, end, &name, &n);
	if (s < end && (*s == '+' || *s == '-'))
		s++;
	if (s < end && isdigit((unsigned char)*s))
		s++;
	return s;
}

static void
special(struct roff *r, const char *name, size_t n)
{
	char out[8];
	const char *u = roff_char(name, n, out);

	if (u)
		roff_put(r, u, strlen(u));
}

static void
insert_string(struct roff *r, const char *name, size_t n)
{
	const struct roff_def *d = roff_find(r, name, n, 's');

	if (!d || r->budget <= 0)
		return;
	r->budget -= 1 + (long)strlen(d->text) / 16;
	if (r->n_in < ROFF_INPUTS) {
		r->n_in++;	/* strings within strings nest like macros */
		r->in[r->n_in - 1].p = r->in[r->n_in - 1].end = "";
		roff_text(r, d->text, strlen(d->text));
		r->n_in--;
	}
}

/* Escapes whose argument is a number of a character, or text to print. */
static void
quoted_escape(struct roff *r, char kind, const char *arg, size_t n)
{
	char out[4];
	int len;

	if (kind == 'C') {
		special(r, arg, n);
	} else if (kind == 'N') {
		len = n < 8 && n > 0 ? jutf8_encode((uint32_t)strtoul(arg, NULL, 10), out) : 0;
		if (len > 0 && (unsigned char)out[0] >= 0x20)
			roff_put(r, out, (size_t)len);
	} else if (kind == 'o' || kind == 'Z') {
		size_t k = 1;

		while (k < n && (kind == 'Z' || ((unsigned char)arg[k] & 0xc0) == 0x80))
			k++;	/* of what is struck over another only the first shows */
		roff_put(r, arg, n > 0 ? k : 0);
	}
}

/* One escape behind the backslash; returns its end. */
static const char *
escape(struct roff *r, const char *s, const char *end)
{
	const char *name;
	size_t n;

	switch (*s) {
	case 'e': case '\\': roff_put(r, "\\", 1); return s + 1;
	case '-': case '.': case '"': roff_put(r, s, 1); return s + 1;
	case '\'': roff_put(r, "'", 1); return s + 1;
	case '`': roff_put(r, "`", 1); return s + 1;
	case ' ': case '~': case '0': case 't': roff_put(r, " ", 1); return s + 1;
	case '(': case '[':
		s = roff_name(s, end, &name, &n);
		special(r, name, n);
		return s;
	case 'f':
		s = roff_name(s + 1, end, &name, &n);
		roff_font(r, name, n);
		return s;
	case '*':
		s = roff_name(s + 1, end, &name, &n);
		insert_string(r, name, n);
		return s;
	case 'n': case 'k': case 'm': case 'M': case 'g': case 'F': case 'V': case 'Y':
		if (s + 1 < end && *s == 'n' && (s[1] == '+' || s[1] == '-'))
			s++;
		return roff_name(s + 1, end, &name, &n);
	case 's': return size_escape(s + 1, end);
	case 'h': case 'v': case 'w': case 'l': case 'L': case 'D': case 'b': case 'X': case 'H':
	case 'S': case 'R': case 'x': case 'A': case 'B':
		return quoted(s + 1, end, &name, &n);
	case 'c': r->no_space = true; return end;
	default:	/* \& \% \: \/ \, \| \^ \{ \} \z \p \d \u: nothing to see */
		do
			s++;
		while (s < end && ((unsigned char)*s & 0xc0) == 0x80);
		return s;
	}
}

/* The end of text before a comment. */
static const char *
uncommented(const char *s, const char *end)
{
	for (const char *p = s; p + 1 < end; p++) {
		if (*p != '\\')
			continue;
		if (p[1] == '"' || p[1] == '#')
			return p;
		p++;
	}
	return end;
}

void
roff_text(struct roff *r, const char *s, size_t n)
{
	const char *end = uncommented(s, s + n);

	while (s < end) {
		const char *stop = s;

		while (stop < end && *stop != '\\')
			stop++;
		roff_put(r, s, (size_t)(stop - s));
		s = stop;
		if (s + 1 < end && strchr("CNoZ", s[1])) {
			const char *arg;
			char kind = s[1];
			size_t len;

			s = quoted(s + 2, end, &arg, &len);
			quoted_escape(r, kind, arg, len);
		} else if (s < end) {
			s = s + 1 < end ? escape(r, s + 1, end) : end;
		}
	}
}

void
roff_eol(struct roff *r)
{
	if (r->no_space)
		r->no_space = false;
	else if (r->fenced)
		jbuf_addc(&r->fence, r->nofill > 0 ? '\n' : ' ');
	else
		roff_put(r, " ", 1);
}

void
roff_break(struct roff *r)
{
	if (r->fenced) {
		while (r->fence.n > 0 && r->fence.p[r->fence.n - 1] == ' ')
			r->fence.p[--r->fence.n] = '\0';
		if (r->fence.n > 0 && r->fence.p[r->fence.n - 1] != '\n')
			jbuf_addc(&r->fence, '\n');
	} else {
		roff_flush(r);
		md_break(r->m);
	}
}

void
roff_para(struct roff *r)
{
	if (r->fenced) {
		roff_break(r);
		if (r->fence.n > 1 && r->fence.p[r->fence.n - 2] != '\n')
			jbuf_addc(&r->fence, '\n');
	} else {
		roff_flush(r);
		if (r->terms.n == 0)
			md_block(r->m, 2);
	}
}

void
roff_fence_open(struct roff *r)
{
	if (r->fenced || r->m != &r->page)
		return;
	roff_flush(r);
	flush_terms(r);
	r->fenced = true;
	jbuf_reset(&r->fence);
}

void
roff_fence_close(struct roff *r, const char *lang)
{
	size_t skip = 0;

	if (!r->fenced)
		return;
	r->fenced = false;
	jbuf_trim(&r->fence);
	while (r->fence.p[skip] == '\n')
		skip++;
	if (r->fence.n > skip)
		md_fence(r->m, lang, r->fence.p + skip, r->fence.n - skip);
	jbuf_reset(&r->fence);
}

void
roff_capture_begin(struct roff *r, struct roff_capture *c, bool bare)
{
	roff_flush(r);
	c->outer = r->m;
	c->fenced = r->fenced;
	c->font = r->font;
	r->fenced = false;
	r->font = 'R';
	jbuf_init(&c->b);
	md_init(&c->m, &c->b);
	c->m.flat = 1;
	c->m.bare = bare;
	r->m = &c->m;
}

void
roff_capture_end(struct roff *r, struct roff_capture *c, struct jbuf *out)
{
	roff_flush(r);
	r->m = c->outer;
	r->fenced = c->fenced;
	r->font = c->font;
	jbuf_add(out, c->b.p, c->b.n);
	jbuf_release(&c->b);
}

void
roff_capture(struct roff *r, const char *s, bool bare, struct jbuf *out)
{
	struct roff_capture c;

	roff_capture_begin(r, &c, bare);
	roff_text(r, s, strlen(s));
	roff_capture_end(r, &c, out);
}

void
roff_heading(struct roff *r, int level, const char *s, size_t n)
{
	roff_fence_close(r, NULL);
	roff_flush(r);
	flush_terms(r);
	md_heading(r->m, level, s, n);
}

void
roff_item_end(struct roff *r)
{
	struct roff_level *l = &r->lev[r->n_lev];

	roff_flush(r);
	if (l->item) {
		md_pop(r->m);
		l->item = false;
		md_gap(r->m, 1);
		r->m->hold = false;
	}
}

/* "1." "2)" "(a)": what numbers an item. */
static bool
is_number(const char *s, size_t n)
{
	size_t i = 0;

	if (n < 2 || n > 5)
		return false;
	i += s[0] == '(' || s[0] == '[';
	while (i < n && isdigit((unsigned char)s[i]))
		i++;
	return i > 0 && i + 1 == n && strchr(".)]", s[i]) && isdigit((unsigned char)s[i - 1]);
}

static bool
is_bullet(const char *s, size_t n)
{
	return (n == 1 && strchr("*-o+", s[0])) || (n == 3 && (memcmp(s, "\xe2\x80\xa2", 3) == 0 ||
	    memcmp(s, "\xe2\x80\x93", 3) == 0 || memcmp(s, "\xe2\x80\x94", 3) == 0)) ||
	    (n == 2 && (memcmp(s, "\xc2\xb7", 2) == 0 || memcmp(s, "--", 2) == 0));
}

void
roff_item(struct roff *r, const char *s, size_t n, bool sign)
{
	struct roff_level *l = &r->lev[r->n_lev];
	bool was = l->item;

	roff_fence_close(r, NULL);
	if (sign && (is_bullet(s, n) || is_number(s, n))) {
		char first[12] = "- ", rest[12] = "  ";

		roff_item_end(r);
		if (s[0] != '-' && is_number(s, n)) {
			memcpy(first, s, n);
			first[n] = ' ';
			first[n + 1] = '\0';
			memset(rest, ' ', n + 1);
			rest[n + 1] = '\0';
		}
		flush_terms(r);
		md_block(r->m, was ? 1 : 2);
		md_push(r->m, first, rest);
		r->m->hold = true;
		l->item = true;
		return;
	}
	roff_item_end(r);
	if (r->terms.n > 0 && n > 0)
		jbuf_adds(&r->terms, ", ");
	else if (n > 0)
		md_block(r->m, 2);
	jbuf_add(&r->terms, s, n);
	l->term = true;
}

void
roff_indent(struct roff *r)
{
	bool box = r->lev[r->n_lev].term;

	if (r->n_lev + 1 >= ROFF_LEVELS)
		return;
	roff_fence_close(r, NULL);
	roff_flush(r);
	flush_terms(r);
	r->n_lev++;
	memset(&r->lev[r->n_lev], 0, sizeof(r->lev[0]));
	if (box) {
		md_push(r->m, "  ", "  ");
		r->lev[r->n_lev].boxed = true;
	}
}

void
roff_outdent(struct roff *r)
{
	if (r->n_lev == 0)
		return;
	roff_fence_close(r, NULL);
	flush_terms(r);
	roff_item_end(r);
	if (r->lev[r->n_lev].boxed)
		md_pop(r->m);
	r->n_lev--;
	md_block(r->m, 2);
}
