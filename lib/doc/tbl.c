/*
 * tbl.c - tables of tbl(1), from .TS to .TE, as Markdown pipe tables.
 *
 * Understood: the column separator, the number of columns from the data, a head marked by a rule or
 * bold formats, text blocks.  Formats are otherwise without effect.
 */
#include <string.h>

#include "doc/roff.h"

enum { MAX_CELLS = 4096 };

struct table {
	char sep;
	bool head;		/* the first row is one */
	struct jbuf cell[MAX_CELLS];
	int row_end[MAX_CELLS];	/* cells up to the end of each row */
	int n_cell, n_row;
};

static bool
is_end(const char *s, size_t n)
{
	return n >= 3 && s[0] == '.' && s[1] == 'T' && s[2] == 'E';
}

static void
options(struct table *t, const char *s, size_t n)
{
	for (size_t i = 0; i + 5 <= n; i++)
		if (memcmp(s + i, "tab(", 4) == 0 || memcmp(s + i, "tab (", 5) == 0) {
			const char *open = memchr(s + i, '(', n - i);

			if (open && open + 1 < s + n)
				t->sep = open[1];
			return;
		}
}

/* Reads option and format lines; false at the end of the table or the page. */
static bool
formats(struct roff *r, struct table *t, bool first)
{
	const char *s;
	size_t n;
	bool line1 = true;

	while (roff_next(r, &s, &n)) {
		size_t end = n;

		if (is_end(s, n))
			return false;
		while (end > 0 && (s[end - 1] == ' ' || s[end - 1] == '\t'))
			end--;
		if (first && line1 && end > 0 && s[end - 1] == ';') {
			options(t, s, end);
			continue;
		}
		if (first && line1 && t->n_row == 0)
			t->head = memchr(s, 'b', end) || memchr(s, 'B', end);
		line1 = false;
		if (end > 0 && s[end - 1] == '.')
			return true;
	}
	return false;
}

static struct jbuf *
new_cell(struct table *t)
{
	if (t->n_cell == MAX_CELLS)
		return NULL;
	jbuf_init(&t->cell[t->n_cell]);
	return &t->cell[t->n_cell++];
}

/* The lines between T{ and T}; what follows T} belongs to the row. */
static const char *
block(struct roff *r, struct jbuf *out, size_t *rest)
{
	struct roff_capture c;
	const char *s;
	size_t n;

	*rest = 0;
	roff_capture_begin(r, &c, false);
	while (roff_next(r, &s, &n) && !is_end(s, n)) {
		struct jbuf copy;

		if (n >= 2 && s[0] == 'T' && s[1] == '}') {
			*rest = n - 2;
			break;
		}
		jbuf_init(&copy);
		jbuf_add(&copy, s, n);
		roff_line(r, copy.p, copy.n);
		jbuf_release(&copy);
	}
	roff_capture_end(r, &c, out);
	return s + 2;
}

static void
row(struct roff *r, struct table *t, const char *line, size_t n)
{
	struct jbuf copy;
	const char *s, *end;

	jbuf_init(&copy);
	jbuf_add(&copy, line, n);
	s = copy.p;
	end = s + copy.n;
	for (;;) {
		const char *stop = memchr(s, t->sep, (size_t)(end - s));
		struct jbuf *cell = new_cell(t), text;
		size_t len = (size_t)((stop ? stop : end) - s), rest;

		if (!cell)
			break;
		jbuf_init(&text);
		jbuf_add(&text, s, len);
		jbuf_trim(&text);
		if (strcmp(text.p, "T{") == 0) {
			const char *more = block(r, cell, &rest);

			jbuf_reset(&copy);
			jbuf_add(&copy, more, rest);
			s = copy.p;
			end = s + copy.n;
			stop = rest > 0 && *s == t->sep ? s : NULL;
		} else if (strcmp(text.p, "\\^") != 0 && strcmp(text.p, "_") != 0 &&
		    strcmp(text.p, "\\_") != 0) {
			roff_capture(r, text.p, false, cell);
		}
		jbuf_release(&text);
		if (!stop)
			break;
		s = stop + 1;
	}
	jbuf_release(&copy);
	if (t->n_row < MAX_CELLS)
		t->row_end[t->n_row++] = t->n_cell;
}

static void
write_row(struct roff *r, const struct jbuf *cell, int n, int cols)
{
	struct jbuf b;

	jbuf_init(&b);
	jbuf_addc(&b, '|');
	for (int i = 0; i < cols; i++) {
		jbuf_addc(&b, ' ');
		for (size_t k = 0; i < n && k < cell[i].n; k++) {
			if (cell[i].p[k] == '|')
				jbuf_addc(&b, '\\');
			jbuf_addc(&b, cell[i].p[k]);
		}
		jbuf_adds(&b, i < n && cell[i].n > 0 ? " |" : "|");
	}
	md_block(r->m, 1);
	md_word(r->m, b.p, b.n);
	md_block(r->m, 1);
	jbuf_release(&b);
}

static void
write_rule(struct roff *r, int cols)
{
	for (int k = 0; k < cols; k++) {
		md_word(r->m, k == 0 ? "|" : "", k == 0);
		md_word(r->m, " --- |", 6);
	}
	md_block(r->m, 1);
}

static void
write_table(struct roff *r, const struct table *t)
{
	int cols = 0;

	for (int i = 0, at = 0; i < t->n_row; at = t->row_end[i++])
		cols = t->row_end[i] - at > cols ? t->row_end[i] - at : cols;
	if (cols == 0)
		return;
	roff_flush(r);
	roff_put(r, " ", 1);	/* a term that waits comes first */
	md_block(r->m, 2);
	if (!t->head) {
		write_row(r, NULL, 0, cols);
		write_rule(r, cols);
	}
	for (int i = 0, at = 0; i < t->n_row; at = t->row_end[i++]) {
		write_row(r, &t->cell[at], t->row_end[i] - at, cols);
		if (i == 0 && t->head)
			write_rule(r, cols);
	}
	md_block(r->m, 2);
}

void
tbl_read(struct roff *r)
{
	struct table *t = jmem_zalloc(1, sizeof(*t));
	bool fenced = r->fenced;
	const char *s;
	size_t n;

	t->sep = '\t';
	if (formats(r, t, true))
		while (roff_next(r, &s, &n) && !is_end(s, n)) {
			if (n == 1 && (s[0] == '_' || s[0] == '=')) {
				t->head = t->head || t->n_row == 1;
			} else if (n >= 3 && memcmp(s, ".T&", 3) == 0) {
				if (!formats(r, t, false))
					break;
			} else if (n > 0 && s[0] != '.' && s[0] != '\'') {
				row(r, t, s, n);
			}
		}
	r->fenced = false;
	write_table(r, t);
	r->fenced = fenced;
	for (int i = 0; i < t->n_cell; i++)
		jbuf_release(&t->cell[i]);
	jmem_free(t);
}
