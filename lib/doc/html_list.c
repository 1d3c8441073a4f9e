/*
 * html_list.c - lists, definition lists and documented objects.
 *
 * A <dt> that documents an object (Sphinx's dt.sig, DocBook's and Texinfo's dt with an id) becomes a
 * heading one level below the enclosing one with its signature as code; any other <dt> becomes a
 * line in bold, followed by its description.
 */
#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

#include "base/jstr.h"
#include "doc/html.h"

static bool
has_blank_line(const struct md *m, size_t from)
{
	return from < m->out->n && strstr(m->out->p + from, "\n\n") != NULL;
}

void
html_list(struct html *h, const xmlNode *n, bool ordered)
{
	const char *start = html_attr(n, "start");
	int64_t number = 1;
	int gap = h->m->n_box > 0 ? 1 : 2;

	if (start && jstr_to_i64(start, &number) != 0)
		number = 1;
	if (number < 0 || number > 99999)
		number = 1;
	if (gap == 1)
		md_gap(h->m, 1);
	else
		md_block(h->m, 2);
	for (const xmlNode *c = n->children; c; c = c->next) {
		char first[24] = "- ", rest[24] = "  ";
		size_t at = h->m->out->n;

		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		if (html_tag(c) != TAG_LI) {	/* a list right inside a list belongs to the item before */
			md_push(h->m, rest, rest);
			h->m->hold = true;
			html_walk(h, c);
			md_pop(h->m);
			md_gap(h->m, 1);
			continue;
		}
		if (ordered) {
			snprintf(first, sizeof(first), "%d. ", (int)number++);
			snprintf(rest, sizeof(rest), "%*s", (int)strlen(first), "");
		}
		md_push(h->m, first, rest);
		h->m->hold = true;
		html_walk(h, c);
		md_pop(h->m);
		md_gap(h->m, has_blank_line(h->m, at + 2) ? 2 : 1);
	}
	h->m->hold = false;
	md_block(h->m, gap);
}

static bool
is_object(const xmlNode *dl, const xmlNode *dt)
{
	static const char *const plain[] = { "glossary", "simple", "field-list", "footnote", "citation",
		"option-list", "docutils", "toc", "index", "menu" };

	if (html_class(dt, "sig") || html_class(dt, "sig-object"))
		return true;
	if (!html_attr(dt, "id") || !html_attr(dl, "class"))
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (html_class(dl, plain[i]))
			return false;
	return true;
}

/*
 * Long signatures are typeset with blanks inside the parentheses and a comma at the end; commas also
 * end a list of terms.
 */
static void
tidy(struct jbuf *b, bool signature)
{
	size_t k = 0;

	for (size_t i = 0; i < b->n; i++) {
		char c = b->p[i], next = i + 1 < b->n ? b->p[i + 1] : '\0';

		if (signature && c == ' ' && (next == ')' || (k > 0 && b->p[k - 1] == '(')))
			continue;
		if (signature && c == ',' && next == ' ' && i + 2 < b->n && b->p[i + 2] == ')')
			continue;
		if (c == ' ' && next == ',' && k > 0)
			continue;
		if (c == ',' && k > 0 && b->p[k - 1] == ',' && next != ',')
			continue;
		b->p[k++] = c;
	}
	b->n = k;
	while (b->n > 0 && (b->p[b->n - 1] == ' ' || b->p[b->n - 1] == ','))
		b->n--;
	b->p[b->n] = '\0';
}

struct dl {
	const xmlNode *node;
	struct jbuf terms;	/* waiting for their description */
	int level;		/* of the headings of objects */
	bool object;		/* the last term was one */
};

static void
flush_terms(struct html *h, struct dl *d)
{
	if (d->terms.n == 0)
		return;
	h->m->hold = false;
	md_block(h->m, 2);
	md_open(h->m, "**");
	md_word(h->m, d->terms.p, d->terms.n);
	md_close(h->m);
	jbuf_reset(&d->terms);
	md_gap(h->m, 1);
}

static void
term(struct html *h, struct dl *d, const xmlNode *dt)
{
	struct jbuf b;

	jbuf_init(&b);
	h->br_comma = true;
	html_flat(h, dt, true, &b);
	h->br_comma = false;
	d->object = is_object(d->node, dt) && !h->m->flat;
	tidy(&b, d->object);
	if (b.n > 0 && d->object) {
		struct md m;
		struct jbuf head;

		flush_terms(h, d);
		jbuf_init(&head);
		md_init(&m, &head);
		md_code(&m, b.p, b.n);
		md_heading(h->m, d->level, head.p, head.n);
		h->level = d->level;
		jbuf_release(&head);
	} else if (b.n > 0) {
		if (d->terms.n > 0)
			jbuf_adds(&d->terms, ", ");
		jbuf_add(&d->terms, b.p, b.n);
	}
	jbuf_release(&b);
}

static void
description(struct html *h, struct dl *d, const xmlNode *dd)
{
	bool nested = h->terms > 0 && !d->object;

	flush_terms(h, d);
	if (nested) {
		md_push(h->m, "  ", "  ");
		h->m->hold = true;
	}
	h->terms += !d->object;
	html_walk(h, dd);
	h->terms -= !d->object;
	if (nested)
		md_pop(h->m);
	md_block(h->m, 2);
}

static void
entries(struct html *h, struct dl *d, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		enum html_tag tag;

		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		tag = html_tag(c);
		if (tag == TAG_DT)
			term(h, d, c);
		else if (tag == TAG_DD)
			description(h, d, c);
		else if (tag == TAG_BLOCK)	/* HTML 5 lets a <div> hold an entry */
			entries(h, d, c);
		else
			description(h, d, c);
	}
}

void
html_dl(struct html *h, const xmlNode *n)
{
	int level = h->level;
	struct dl d = { .node = n, .level = level + 1 > 6 ? 6 : level + 1 };

	jbuf_init(&d.terms);
	md_block(h->m, 2);
	entries(h, &d, n);
	flush_terms(h, &d);
	h->m->hold = false;
	md_block(h->m, 2);
	h->level = level;
	jbuf_release(&d.terms);
}
