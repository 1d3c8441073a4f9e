/*
 * html_table.c - tables: data as Markdown pipe tables, one column as a list, layout as blocks.
 */
#include <libxml/tree.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "doc/html.h"

enum {
	MAX_COLS = 64,
	MAX_SPAN = 1000
};

struct shape {
	int rows, cols;		/* most cells in a row, spans counted */
	int heads;		/* <th> cells */
	int blocks;		/* cells that hold what fits on no single line */
	bool caption;
};

/* Cells with more than a line: code, tables, headings, several list items. */
static bool
is_big(const struct html *h, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		enum html_tag tag;

		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		tag = html_tag(c);
		if (tag == TAG_TABLE || tag == TAG_HEAD || tag == TAG_DL)
			return true;
		if (tag == TAG_PRE) {
			const xmlNode *t = c->children;
			const char *nl = t && t->type == XML_TEXT_NODE && t->content ?
			    strchr((const char *)t->content, '\n') : NULL;

			if (!t || t->next || (nl && nl[1]))
				return true;
		}
		if (is_big(h, c))
			return true;
	}
	return false;
}

static int
span(const xmlNode *n, const char *name)
{
	const char *v = html_attr(n, name);
	int64_t k = 1;

	if (!v || jstr_to_i64(v, &k) != 0 || k < 1)
		return 1;
	return k > MAX_SPAN ? MAX_SPAN : (int)k;
}

static void
measure(const struct html *h, const xmlNode *n, struct shape *s)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		enum html_tag tag;

		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		tag = html_tag(c);
		if (tag == TAG_ROW) {
			int cols = 0;

			for (const xmlNode *k = c->children; k; k = k->next) {
				if (k->type != XML_ELEMENT_NODE || html_tag(k) != TAG_CELL || html_noise(h, k))
					continue;
				cols += span(k, "colspan");
				s->heads += k->name[1] == 'h';
				s->blocks += is_big(h, k);
			}
			s->rows++;
			s->cols = cols > s->cols ? cols : s->cols;
		} else if (tag == TAG_ROWS) {
			measure(h, c, s);
		}
	}
}

struct grid {
	struct jbuf line;
	int cols, rows;
	bool ruled;		/* the line under the head has been written */
	int carry[MAX_COLS];	/* rows that a cell above still covers */
};

static void
put_row(struct html *h, struct grid *g)
{
	md_block(h->m, 1);
	md_word(h->m, g->line.p, g->line.n);
	md_block(h->m, 1);
}

static void
rule(struct html *h, struct grid *g)
{
	jbuf_reset(&g->line);
	for (int i = 0; i < g->cols; i++)
		jbuf_adds(&g->line, i == 0 ? "| --- |" : " --- |");
	put_row(h, g);
	g->ruled = true;
}

static void
cell(struct html *h, const xmlNode *k, struct grid *g)
{
	struct jbuf b;

	jbuf_init(&b);
	if (k)
		html_flat(h, k, false, &b);
	jbuf_adds(&g->line, g->line.n == 0 ? "|" : "");
	jbuf_addc(&g->line, ' ');
	for (size_t i = 0; i < b.n; i++) {
		if (b.p[i] == '|')
			jbuf_addc(&g->line, '\\');
		jbuf_addc(&g->line, b.p[i]);
	}
	jbuf_adds(&g->line, b.n > 0 ? " |" : "|");
	jbuf_release(&b);
}

static void
row(struct html *h, const xmlNode *tr, struct grid *g, bool in_head)
{
	const xmlNode *k = tr->children;
	bool all_heads = true;
	int col = 0;

	jbuf_reset(&g->line);
	while (col < g->cols) {
		int wide, tall;

		if (g->carry[col] > 0) {
			g->carry[col++]--;
			cell(h, NULL, g);
			continue;
		}
		while (k && (k->type != XML_ELEMENT_NODE || html_tag(k) != TAG_CELL || html_noise(h, k)))
			k = k->next;
		if (!k) {
			cell(h, NULL, g);
			col++;
			continue;
		}
		wide = span(k, "colspan");
		tall = span(k, "rowspan");
		all_heads = all_heads && k->name[1] == 'h';
		for (int i = 0; i < wide && col < g->cols; i++, col++) {
			cell(h, i == 0 ? k : NULL, g);
			g->carry[col] = tall - 1;
		}
		k = k->next;
	}
	if (g->rows == 0 && !all_heads && !in_head) {	/* a table without a head gets an empty one */
		struct jbuf keep = g->line;

		jbuf_init(&g->line);
		for (int i = 0; i < g->cols; i++)
			jbuf_adds(&g->line, i == 0 ? "| |" : " |");
		put_row(h, g);
		rule(h, g);
		jbuf_release(&g->line);
		g->line = keep;
	}
	g->rows++;
	put_row(h, g);
	if (!g->ruled)
		rule(h, g);
}

static void
rows(struct html *h, const xmlNode *n, struct grid *g, bool in_head)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		if (html_tag(c) == TAG_ROW)
			row(h, c, g, in_head);
		else if (html_tag(c) == TAG_ROWS)
			rows(h, c, g, in_head || strcmp((const char *)c->name, "thead") == 0);
	}
}

/* One column: an item a row, its paragraphs one below the other. */
static void
single(struct html *h, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		enum html_tag tag;

		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		tag = html_tag(c);
		if (tag == TAG_ROWS || tag == TAG_ROW) {
			single(h, c);
		} else if (tag == TAG_CELL && c->name[1] == 'd') {
			md_push(h->m, "- ", "  ");
			h->m->hold = true;
			html_walk(h, c);
			md_pop(h->m);
			md_gap(h->m, 1);
		}
	}
}

/* Tables that only place things: their cells one after the other. */
static void
layout(struct html *h, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		enum html_tag tag;

		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		tag = html_tag(c);
		if (tag == TAG_ROWS || tag == TAG_ROW) {
			layout(h, c);
		} else if (tag == TAG_CELL && html_class(c, "icon")) {	/* AsciiDoc's admonitions */
			md_block(h->m, 2);
			md_open(h->m, "**");
			html_walk(h, c);
			md_close(h->m);
			md_gap(h->m, 1);
		} else if (tag == TAG_CELL) {
			html_walk(h, c);
			md_block(h->m, 2);
		}
	}
}

static void
captions(struct html *h, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && html_tag(c) == TAG_CAPTION && !html_noise(h, c)) {
			md_block(h->m, 2);
			html_walk(h, c);
			md_block(h->m, 2);
		}
}

static bool
is_layout(const xmlNode *n, const struct shape *s)
{
	const char *role = html_attr(n, "role");
	const xmlNode *up = n->parent;

	if (role && (strcmp(role, "presentation") == 0 || strcmp(role, "none") == 0))
		return true;
	if (up && up->type == XML_ELEMENT_NODE && html_class(up, "admonitionblock"))
		return true;
	if (s->blocks > 0 || s->cols > MAX_COLS)
		return true;
	return s->rows <= 1 && s->heads == 0;
}

void
html_table(struct html *h, const xmlNode *n)
{
	struct shape s = { 0 };
	struct grid g = { 0 };

	if (h->m->flat) {
		html_walk(h, n);
		return;
	}
	measure(h, n, &s);
	md_block(h->m, 2);
	captions(h, n);
	if (s.cols == 1 && s.rows > 1 && s.blocks == 0) {
		single(h, n);
	} else if (is_layout(n, &s)) {
		layout(h, n);
	} else if (s.cols > 0) {
		jbuf_init(&g.line);
		g.cols = s.cols;
		rows(h, n, &g, false);
		jbuf_release(&g.line);
	}
	h->m->hold = false;
	md_block(h->m, 2);
}
