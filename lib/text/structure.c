/* structure.c - sections of a document, and its first prose. */
#include <string.h>

#include "text/jstructure.h"

struct builder {
	const char *text;
	struct jsection *v;
	size_t n, cap;
	struct jarena *arena;
};

static struct jsection *
push(struct builder *b, enum jsection_kind kind, int level)
{
	struct jsection *s;
	int parent = (int)b->n - 1;

	JARENA_GROW(b->arena, b->v, b->cap, b->n + 1);
	while (parent >= 0 && b->v[parent].level >= level)
		parent = b->v[parent].parent;
	s = &b->v[b->n++];
	s->kind = kind;
	s->level = level;
	s->parent = parent;
	return s;
}

static size_t
line_end(const char *text, size_t at, size_t n)
{
	const char *lf = memchr(text + at, '\n', n - at);

	return lf ? (size_t)(lf - text) : n;
}

/* Is [at, end) a heading?  Gives its level and where the title lies. */
static int
heading(const char *t, size_t at, size_t end, size_t *title, size_t *title_n)
{
	int level = 0;

	while (at + (size_t)level < end && t[at + (size_t)level] == '#')
		level++;
	if (level < 1 || level > 9 || at + (size_t)level >= end || t[at + (size_t)level] != ' ')
		return 0;
	at += (size_t)level + 1;
	while (end > at && (t[end - 1] == ' ' || t[end - 1] == '\r'))
		end--;
	*title = at;
	*title_n = end - at;
	return end > at ? level : 0;
}

/* A line that is nothing but **term**. */
static int
term(const char *t, size_t at, size_t end, size_t *title, size_t *title_n)
{
	if (end - at < 5 || memcmp(t + at, "**", 2) != 0 || memcmp(t + end - 2, "**", 2) != 0)
		return 0;
	*title = at + 2;
	*title_n = end - at - 4;
	return 1;
}

static void
add_line(struct builder *b, size_t at, size_t end)
{
	const char *t = b->text;
	size_t title, title_n;
	struct jsection *s;
	int level = heading(t, at, end, &title, &title_n);

	if (level > 0) {
		int object = title_n > 2 && t[title] == '`' && t[title + title_n - 1] == '`' &&
			!memchr(t + title + 1, '`', title_n - 2);

		s = push(b, object ? JSECTION_OBJECT : JSECTION_HEADING, level);
		s->title = title + (size_t)object;
		s->title_n = title_n - 2 * (size_t)object;
	} else if (term(t, at, end, &title, &title_n)) {
		size_t up = b->n;

		while (up > 0 && b->v[up - 1].kind == JSECTION_TERM)
			up--;
		level = up > 0 ? b->v[up - 1].level + 1 : 1;
		s = push(b, JSECTION_TERM, level);
		s->title = title;
		s->title_n = title_n;
	} else {
		return;
	}
	s->body = end;
}

void
jstructure_parse(const char *text, size_t n, struct jarena *a, struct jsection **v, size_t *count)
{
	struct builder b = { .text = text, .arena = a };
	size_t at, end, i;
	int fenced = 0;

	for (at = 0; at < n; at = end + 1) {
		end = line_end(text, at, n);
		if (end - at >= 3 && memcmp(text + at, "```", 3) == 0)
			fenced = !fenced;
		else if (!fenced && end > at && (text[at] == '#' || text[at] == '*'))
			add_line(&b, at, end);
	}
	for (i = 0; i < b.n; i++) {
		size_t stop = n;

		if (i + 1 < b.n) {
			stop = b.v[i + 1].title;
			while (stop > 0 && text[stop - 1] != '\n')
				stop--;
		}
		b.v[i].body_n = stop > b.v[i].body ? stop - b.v[i].body : 0;
	}
	*v = b.v;
	*count = b.n;
}

/* Does the paragraph that starts here read as running text? */
static int
is_prose(const char *t, size_t at, size_t end)
{
	size_t i, letters = 0;

	if (at >= end)
		return 0;
	if (strchr("|#>*+", t[at]) || (t[at] == '-' && at + 1 < end && t[at + 1] == ' '))
		return 0;
	if (t[at] == ' ' || t[at] == '\t')	/* indented: code or a list's continuation */
		return 0;
	if (t[at] >= '0' && t[at] <= '9' && at + 1 < end && (t[at + 1] == '.' || t[at + 1] == ')'))
		return 0;
	for (i = at; i < end; i++)
		letters += (t[i] | 32) >= 'a' && (t[i] | 32) <= 'z';
	return letters * 2 > end - at;
}

/* End of the last whole sentence within [at, limit); 0 if none. */
static size_t
sentence_end(const char *t, size_t at, size_t end, size_t limit)
{
	size_t i, best = 0;

	for (i = at; i < end && i < limit; i++) {
		if (t[i] != '.' && t[i] != '!' && t[i] != '?')
			continue;
		if (i + 1 == end || ((t[i + 1] == ' ' || t[i + 1] == '\n') &&
		    !(i + 2 < end && t[i + 2] >= 'a' && t[i + 2] <= 'z')))
			best = i + 1;
	}
	return best;
}

void
jstructure_prose(const char *text, size_t from, size_t n, size_t max, size_t *out, size_t *out_n)
{
	size_t at = from, stop = from + n, end;
	int fenced = 0;

	*out_n = 0;
	while (at < stop) {
		size_t eol = line_end(text, at, stop);

		if (eol - at >= 3 && memcmp(text + at, "```", 3) == 0)
			fenced = !fenced;
		if (fenced || eol == at || memcmp(text + at, "```", eol - at < 3 ? eol - at : 3) == 0) {
			at = eol + 1;
			continue;
		}
		for (end = eol; end + 1 < stop && text[end + 1] != '\n' &&
		     memcmp(text + end + 1, "```", stop - end - 1 < 3 ? stop - end - 1 : 3) != 0;)
			end = line_end(text, end + 1, stop);
		if (is_prose(text, at, end)) {
			size_t cut = sentence_end(text, at, end, at + max);

			*out = at;
			*out_n = cut > at ? cut - at : 0;
			return;
		}
		at = end + 1;
	}
}
