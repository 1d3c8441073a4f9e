/*
 * markdown.c - Markdown made regular: front matter, comments and badges go, blank lines are single,
 * fenced code is kept byte for byte.
 */
#include <string.h>

#include "doc/readers.h"

struct line {
	const char *s;
	size_t n;
};

static const char *
take(const char *p, const char *end, struct line *l)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	l->s = p;
	l->n = (size_t)((nl ? nl : end) - p);
	if (l->n > 0 && p[l->n - 1] == '\r')
		l->n--;
	return nl ? nl + 1 : end;
}

static bool
is(const struct line *l, const char *word)
{
	return l->n == strlen(word) && memcmp(l->s, word, l->n) == 0;
}

/* "title: x" of YAML or "title = x" of TOML, quotes removed. */
static void
front_title(struct jdoc *d, const struct line *l)
{
	const char *s = l->s, *end = l->s + l->n;

	if (l->n < 7 || memcmp(s, "title", 5) != 0 || d->title.n > 0)
		return;
	s += 5;
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	if (s == end || (*s != ':' && *s != '='))
		return;
	s++;
	while (s < end && (*s == ' ' || *s == '"' || *s == '\''))
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '"' || end[-1] == '\''))
		end--;
	jbuf_add(&d->title, s, (size_t)(end - s));
}

/* Skips front matter that is closed; returns where the text begins. */
static const char *
front_matter(struct jdoc *d, const char *p, const char *end)
{
	const char *at, *fence;
	struct line l;
	int lines = 0;

	at = take(p, end, &l);
	if (is(&l, "---"))
		fence = "---";
	else if (is(&l, "+++"))
		fence = "+++";
	else
		return p;
	while (at < end && lines++ < 500) {
		at = take(at, end, &l);
		if (is(&l, fence) || (fence[0] == '-' && is(&l, "...")))
			return at;
		front_title(d, &l);
	}
	jbuf_reset(&d->title);
	return p;
}

/* Length of a run of ` or ~ of at least three that opens or closes a fence; its sign in *sign. */
static size_t
fence_run(const struct line *l, char *sign)
{
	size_t i = 0, start;

	while (i < l->n && i < 12 && l->s[i] == ' ')
		i++;
	start = i;
	if (i == l->n || (l->s[i] != '`' && l->s[i] != '~'))
		return 0;
	*sign = l->s[i];
	while (i < l->n && l->s[i] == *sign)
		i++;
	return i - start >= 3 ? i - start : 0;
}

/* Appends the line without HTML comments; *inside carries an open one to the next line. */
static void
add_text(struct jbuf *out, const struct line *l, bool *inside)
{
	size_t i = 0;

	while (i < l->n) {
		if (*inside) {
			if (l->n - i >= 3 && memcmp(l->s + i, "-->", 3) == 0) {
				*inside = false;
				i += 3;
			} else {
				i++;
			}
		} else if (l->n - i >= 4 && memcmp(l->s + i, "<!--", 4) == 0) {
			*inside = true;
			i += 4;
		} else {
			jbuf_addc(out, l->s[i++]);
		}
	}
	while (out->n > 0 && (out->p[out->n - 1] == ' ' || out->p[out->n - 1] == '\t'))
		out->p[--out->n] = '\0';
}

/* Nothing but images that link somewhere: build badges. */
static bool
is_badge(const struct jbuf *b)
{
	const char *p = b->p;
	bool any = false;

	while (*p) {
		const char *close;

		if (*p == ' ') {
			p++;
			continue;
		}
		if (strncmp(p, "[![", 3) != 0 || !(close = strstr(p, ")](")) || !(close = strchr(close + 3, ')')))
			return false;
		any = true;
		p = close + 1;
	}
	return any;
}

/* A title underlined with = or - becomes a # line. */
static bool
is_underline(const struct line *l, char sign)
{
	size_t i = 0;

	while (i < l->n && l->s[i] == sign)
		i++;
	return i >= 3 && strspn(l->s + i, " ") >= l->n - i;
}

struct state {
	struct jdoc *d;
	int blank;		/* empty lines since the last text */
	size_t last;		/* offset of the last line of text */
	bool para;		/* that line may be a title */
	bool comment;
};

static void
heading_above(struct state *s, int level)
{
	struct jbuf t;

	jbuf_init(&t);
	jbuf_adds(&t, s->d->text.p + s->last);
	s->d->text.n = s->last;
	jbuf_adds(&s->d->text, level == 1 ? "# " : "## ");
	jbuf_add(&s->d->text, t.p, t.n);
	jbuf_release(&t);
	s->blank = 1;
	s->para = false;
}

static void
text_line(struct state *s, const struct line *l)
{
	struct jbuf b;

	if (s->para && s->blank == 0 && (is_underline(l, '=') || is_underline(l, '-'))) {
		heading_above(s, l->s[0] == '=' ? 1 : 2);
		return;
	}
	jbuf_init(&b);
	add_text(&b, l, &s->comment);
	if (b.n == 0 || is_badge(&b)) {
		s->blank++;
	} else {
		if (s->blank > 0 && s->d->text.n > 0)
			jbuf_addc(&s->d->text, '\n');
		/* only a paragraph of one line can be a title */
		s->para = (s->blank > 0 || s->d->text.n == 0) && !strchr("#>-*|` ", b.p[0]);
		s->last = s->d->text.n;
		jbuf_add(&s->d->text, b.p, b.n);
		jbuf_addc(&s->d->text, '\n');
		s->blank = 0;
	}
	jbuf_release(&b);
}

static void
first_heading(struct jdoc *d)
{
	const char *p = d->text.p;

	if (d->title.n > 0)
		return;
	while (p && *p) {
		const char *nl = strchr(p, '\n');

		if (p[0] == '#' && p[strspn(p, "#")] == ' ') {
			p += strspn(p, "# ");
			jbuf_add(&d->title, p, strcspn(p, "\n"));
			while (d->title.n > 0 && (d->title.p[d->title.n - 1] == '#' || d->title.p[d->title.n - 1] == ' '))
				d->title.p[--d->title.n] = '\0';
			return;
		}
		p = nl ? nl + 1 : NULL;
	}
}

int
markdown_read(struct jdoc *d, const char *p, size_t n)
{
	const char *end = p + n;
	struct state s = { .d = d };
	size_t open = 0;
	char sign = 0;

	p = front_matter(d, p, end);
	while (p < end) {
		struct line l;
		char c = 0;
		size_t run;

		p = take(p, end, &l);
		run = s.comment ? 0 : fence_run(&l, &c);
		if (open > 0) {
			jbuf_add(&d->text, l.s, l.n);
			jbuf_addc(&d->text, '\n');
			if (run >= open && c == sign)
				open = 0;
			continue;
		}
		if (run > 0) {
			open = run;
			sign = c;
			if (s.blank > 0 && d->text.n > 0)
				jbuf_addc(&d->text, '\n');
			jbuf_add(&d->text, l.s, l.n);
			jbuf_addc(&d->text, '\n');
			s.blank = 0;
			s.para = false;
			continue;
		}
		text_line(&s, &l);
	}
	first_heading(d);
	return 0;
}
