/*
 * html_walk.c - the tree of a page as Markdown: blocks, headings, inline marks, code.
 */
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#include "doc/html.h"

static const struct tag_row {
	const char *name;
	enum html_tag tag;
} tags[] = {	/* sorted by name */
	{ "a", TAG_A }, { "address", TAG_BLOCK }, { "applet", TAG_NONE }, { "article", TAG_BLOCK },
	{ "aside", TAG_ASIDE }, { "audio", TAG_NONE }, { "b", TAG_STRONG }, { "blockquote", TAG_BQ },
	{ "body", TAG_BLOCK }, { "br", TAG_BR }, { "button", TAG_NONE }, { "canvas", TAG_NONE },
	{ "caption", TAG_CAPTION }, { "center", TAG_BLOCK }, { "cite", TAG_EM }, { "code", TAG_CODE },
	{ "col", TAG_NONE }, { "colgroup", TAG_NONE }, { "dd", TAG_DD }, { "details", TAG_BLOCK },
	{ "dfn", TAG_EM }, { "dialog", TAG_NONE }, { "dir", TAG_UL }, { "div", TAG_BLOCK },
	{ "dl", TAG_DL }, { "dt", TAG_DT }, { "em", TAG_EM }, { "embed", TAG_NONE },
	{ "fieldset", TAG_BLOCK }, { "figcaption", TAG_BLOCK }, { "figure", TAG_BLOCK },
	{ "footer", TAG_FOOT }, { "form", TAG_BLOCK }, { "frame", TAG_NONE }, { "frameset", TAG_NONE },
	{ "h1", TAG_HEAD }, { "h2", TAG_HEAD }, { "h3", TAG_HEAD }, { "h4", TAG_HEAD },
	{ "h5", TAG_HEAD }, { "h6", TAG_HEAD }, { "head", TAG_NONE }, { "header", TAG_TOP },
	{ "hgroup", TAG_BLOCK }, { "hr", TAG_HR }, { "i", TAG_EM }, { "iframe", TAG_NONE },
	{ "img", TAG_IMG }, { "input", TAG_NONE }, { "kbd", TAG_CODE }, { "legend", TAG_BLOCK },
	{ "li", TAG_LI }, { "link", TAG_NONE }, { "listing", TAG_PRE }, { "main", TAG_BLOCK },
	{ "math", TAG_MATH }, { "menu", TAG_UL }, { "meta", TAG_NONE }, { "nav", TAG_NAV },
	{ "noscript", TAG_NONE }, { "object", TAG_NONE }, { "ol", TAG_OL }, { "optgroup", TAG_NONE },
	{ "option", TAG_NONE }, { "p", TAG_P }, { "plaintext", TAG_PRE }, { "pre", TAG_PRE },
	{ "progress", TAG_NONE }, { "q", TAG_Q }, { "rp", TAG_NONE }, { "rt", TAG_NONE },
	{ "samp", TAG_CODE }, { "script", TAG_NONE }, { "section", TAG_BLOCK }, { "select", TAG_NONE },
	{ "strong", TAG_STRONG }, { "style", TAG_NONE }, { "sub", TAG_SUB }, { "summary", TAG_BLOCK },
	{ "sup", TAG_SUP }, { "svg", TAG_NONE }, { "table", TAG_TABLE }, { "tbody", TAG_ROWS },
	{ "td", TAG_CELL }, { "template", TAG_NONE }, { "textarea", TAG_NONE }, { "tfoot", TAG_ROWS },
	{ "th", TAG_CELL }, { "thead", TAG_ROWS }, { "title", TAG_NONE }, { "tr", TAG_ROW },
	{ "tt", TAG_CODE }, { "ul", TAG_UL }, { "var", TAG_EM }, { "video", TAG_NONE },
	{ "xmp", TAG_PRE }
};

static int
by_name(const void *key, const void *row)
{
	return strcmp(key, ((const struct tag_row *)row)->name);
}

enum html_tag
html_tag(const xmlNode *n)
{
	const struct tag_row *r = bsearch(n->name, tags, sizeof(tags) / sizeof(tags[0]),
	    sizeof(tags[0]), by_name);

	return r ? r->tag : TAG_INLINE;
}

/* No-break and zero-width spaces and soft hyphens are typesetting, not text. */
static void
text(struct html *h, const char *s)
{
	size_t n = strlen(s), start = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		const unsigned char *u = (const unsigned char *)s + i;
		size_t len = 0;

		if (u[0] < 0xc2)
			continue;
		if (u[0] == 0xc2 && (u[1] == 0xa0 || u[1] == 0xad))
			len = 2;
		else if (i + 2 < n && u[0] == 0xe2 && u[1] == 0x80 && u[2] >= 0x8b && u[2] <= 0x8f)
			len = 3;
		else if (i + 2 < n && u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf)
			len = 3;
		if (len == 0)
			continue;
		md_text(h->m, s + start, i - start);
		if (u[0] == 0xc2 && u[1] == 0xa0)
			md_text(h->m, " ", 1);
		i += len - 1;
		start = i + 1;
	}
	md_text(h->m, s + start, n - start);
}

void
html_exact(const struct html *h, const xmlNode *n, struct jbuf *out)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) {
			if (c->content)
				jbuf_adds(out, (const char *)c->content);
		} else if (c->type == XML_ELEMENT_NODE) {
			enum html_tag tag = html_tag(c);

			if (tag == TAG_BR)
				jbuf_addc(out, '\n');
			else if (tag == TAG_IMG && html_attr(c, "alt"))
				jbuf_adds(out, html_attr(c, "alt"));
			else if (!html_noise(h, c))
				html_exact(h, c, out);
		}
	}
}

void
html_flat(struct html *h, const xmlNode *n, bool bare, struct jbuf *out)
{
	struct md *outer = h->m, m;
	struct jbuf b;

	jbuf_init(&b);
	md_init(&m, &b);
	m.flat = 1;
	m.bare = bare;
	m.plain = outer->plain;
	h->m = &m;
	html_walk(h, n);
	h->m = outer;
	jbuf_add(out, b.p, b.n);
	jbuf_release(&b);
}

/* A language name out of one class word; NULL if the word names none. */
static const char *
class_lang(const char *w, size_t n, char out[24])
{
	static const char *const heads[] = { "highlight-source-", "highlight-", "language-", "lang-", "src-",
		"sourceCode-" };
	static const char *const none[] = { "default", "none", "text", "plaintext", "plain", "txt",
		"nohighlight", "notranslate", "example" };
	size_t skip = 0;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]) && skip == 0; i++)
		if (n > strlen(heads[i]) && memcmp(w, heads[i], strlen(heads[i])) == 0)
			skip = strlen(heads[i]);
	if (skip == 0 || n - skip > 20)
		return NULL;
	memcpy(out, w + skip, n - skip);
	out[n - skip] = '\0';
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (strcmp(out, none[i]) == 0)
			return "";
	if (strcmp(out, "python3") == 0 || strcmp(out, "py") == 0 || strcmp(out, "ipython3") == 0)
		memcpy(out, "python", 7);
	else if (strcmp(out, "shell-session") == 0)
		memcpy(out, "console", 8);
	return out;
}

static const char *
node_lang(const xmlNode *n, char out[24])
{
	const char *cls = html_attr(n, "class");

	while (cls && *cls) {
		size_t len = strcspn(cls, " \t\n");
		const char *l = class_lang(cls, len, out);

		if (l)
			return l;
		cls += len;
		cls += strspn(cls, " \t\n");
	}
	return NULL;
}

/* The language stands on the <pre>, on a <code> inside, or on a wrapper or two around. */
static const char *
pre_lang(const xmlNode *n, char out[24])
{
	const char *l = node_lang(n, out);
	const xmlNode *up = n->parent;

	for (const xmlNode *c = n->children; c && !l; c = c->next)
		if (c->type == XML_ELEMENT_NODE && html_tag(c) == TAG_CODE)
			l = node_lang(c, out);
	for (int i = 0; i < 6 && up && !l; i++, up = up->parent)
		if (up->type == XML_ELEMENT_NODE && html_tag(up) != TAG_INLINE)
			l = node_lang(up, out);
	return l ? l : "";
}

/* A session that begins with Python's prompt needs no label to be known. */
static const char *
session_lang(const char *s, const char *lang)
{
	return !*lang && strncmp(s, ">>> ", 4) == 0 ? "python" : lang;
}

static void
pre(struct html *h, const xmlNode *n)
{
	struct jbuf b;
	char lang[24];
	size_t skip = 0;

	jbuf_init(&b);
	html_exact(h, n, &b);
	if (b.n > 0 && b.p[0] == '\n')
		skip = 1;
	jbuf_trim(&b);
	if (b.n <= skip)
		;	/* nothing to show */
	else if (h->m->flat)
		md_code(h->m, b.p, b.n);
	else
		md_fence(h->m, session_lang(b.p + skip, pre_lang(n, lang)), b.p + skip, b.n - skip);
	jbuf_release(&b);
}

static void
code(struct html *h, const xmlNode *n)
{
	struct jbuf b;

	jbuf_init(&b);
	html_exact(h, n, &b);
	for (size_t i = 0; i + 1 < b.n; i++)	/* no-break spaces are blanks here too */
		if ((unsigned char)b.p[i] == 0xc2 && (unsigned char)b.p[i + 1] == 0xa0) {
			b.p[i] = ' ';
			memmove(b.p + i + 1, b.p + i + 2, b.n - i - 1);
			b.n--;
		}
	md_code(h->m, b.p, b.n);
	jbuf_release(&b);
}

/* True if all visible text below n is code: marks around it would only be noise. */
static bool
only_code(const xmlNode *n)
{
	bool any = false;

	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_TEXT_NODE && c->content &&
		    strspn((const char *)c->content, " \t\n\r") != strlen((const char *)c->content))
			return false;
		if (c->type != XML_ELEMENT_NODE)
			continue;
		if (html_tag(c) != TAG_CODE && !only_code(c))
			return false;
		any = true;
	}
	return any;
}

static void
marked(struct html *h, const xmlNode *n, const char *mark)
{
	if (only_code(n)) {
		html_walk(h, n);
		return;
	}
	md_open(h->m, mark);
	html_walk(h, n);
	md_close(h->m);
}

static void
heading(struct html *h, const xmlNode *n)
{
	struct jbuf b;
	int level = n->name[1] - '0';
	const xmlNode *up = n->parent;

	jbuf_init(&b);
	if (h->m->flat) {
		html_walk(h, n);
		md_block(h->m, 1);
		goto out;
	}
	/* DocBook writes the word "Note" of an admonition as a heading */
	if (up && up->type == XML_ELEMENT_NODE && h->maker == HTML_DOCBOOK &&
	    (html_class(up, "note") || html_class(up, "warning") || html_class(up, "tip") ||
	    html_class(up, "caution") || html_class(up, "important"))) {
		md_block(h->m, 2);
		md_open(h->m, "**");
		html_walk(h, n);
		md_close(h->m);
		md_gap(h->m, 1);
		goto out;
	}
	h->m->plain++;
	html_flat(h, n, false, &b);
	h->m->plain--;
	md_heading(h->m, level, b.p, b.n);
	if (b.n > 0)
		h->level = level;
out:
	jbuf_release(&b);
}

/* "x<sup>2</sup>" is x^2; a note's number is left out. */
static void
raised(struct html *h, const xmlNode *n, const char *sign)
{
	struct jbuf b;

	if (html_class(n, "footnote") || html_class(n, "footnote-ref") || html_class(n, "reference"))
		return;
	jbuf_init(&b);
	html_flat(h, n, false, &b);
	if (b.n > 0 && b.n <= 12 && b.p[0] != '[' && b.p[0] != '(' && !h->m->space &&
	    (h->m->open || h->m->flat))
		md_word(h->m, sign, 1);
	if (b.n > 0)
		md_text(h->m, b.p, b.n);
	jbuf_release(&b);
}

static const xmlNode *
tex_source(const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		const char *enc;
		const xmlNode *r;

		if (c->type != XML_ELEMENT_NODE)
			continue;
		enc = html_attr(c, "encoding");
		if (strcmp((const char *)c->name, "annotation") == 0 && enc && strstr(enc, "tex"))
			return c;
		r = tex_source(c);
		if (r)
			return r;
	}
	return NULL;
}

static void
math(struct html *h, const xmlNode *n)
{
	const char *alt = html_attr(n, "alttext");
	const xmlNode *tex = tex_source(n);

	if (!tex && !alt) {
		html_walk(h, n);
		return;
	}
	md_word(h->m, "$", 1);
	if (tex)
		html_walk(h, tex);
	else
		md_text(h->m, alt, strlen(alt));
	h->m->space = false;
	md_word(h->m, "$", 1);
}

/* Paragraphs that are one piece of syntax: a synopsis, the signature of an SQL function. */
static bool
is_syntax(const xmlNode *n)
{
	const xmlNode *up = n->parent;

	return html_class(n, "func_signature") ||
	    (up && up->type == XML_ELEMENT_NODE && html_class(up, "cmdsynopsis"));
}

/* The label of a part that a button shows and hides. */
static bool
is_toggle(const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && strcmp((const char *)c->name, "button") == 0)
			return html_text_len(n, NULL) < 60;
	return false;
}

static void
paragraph(struct html *h, const xmlNode *n)
{
	if (is_syntax(n) && !only_code(n)) {
		struct jbuf b;

		jbuf_init(&b);
		html_flat(h, n, true, &b);
		md_block(h->m, 2);
		md_code(h->m, b.p, b.n);
		jbuf_release(&b);
	} else if (is_toggle(n)) {
		return;
	} else if (html_class(n, "admonition-title") || html_class(n, "topic-title")) {
		md_block(h->m, 2);
		marked(h, n, "**");
		md_gap(h->m, 1);
		return;
	} else {
		md_block(h->m, 2);
		html_walk(h, n);
	}
	md_block(h->m, 2);
}

/* True if there is nothing but preformatted text and tables. */
static bool
only_blocks(const xmlNode *n)
{
	bool any = false;

	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_TEXT_NODE && c->content &&
		    strspn((const char *)c->content, " \t\n\r") != strlen((const char *)c->content))
			return false;
		if (c->type != XML_ELEMENT_NODE)
			continue;
		if (html_tag(c) != TAG_PRE && html_tag(c) != TAG_TABLE)
			return false;
		any = true;
	}
	return any;
}

static void
quote(struct html *h, const xmlNode *n)
{
	/* docutils writes any indented block as a quotation, real ones have a class; others indent code */
	if ((h->maker == HTML_SPHINX && !html_attr(n, "class")) || only_blocks(n)) {
		md_block(h->m, 2);
		html_walk(h, n);
		md_block(h->m, 2);
		return;
	}
	md_block(h->m, 2);
	md_push(h->m, "> ", "> ");
	h->m->hold = true;
	html_walk(h, n);
	md_block(h->m, 2);
	md_pop(h->m);
}

static void element(struct html *h, const xmlNode *n);

/* "[1] Text": the label and the first paragraph of a note share a line. */
static void
footnote(struct html *h, const xmlNode *n)
{
	bool first = true;

	md_block(h->m, 2);
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		if (html_tag(c) == TAG_P && first)
			html_walk(h, c);
		else
			element(h, c);
		first = first && html_tag(c) == TAG_INLINE;
		md_text(h->m, " ", 1);
	}
	md_block(h->m, 2);
}

static void
block(struct html *h, const xmlNode *n, int gap)
{
	if (html_class(n, "footnote") || html_class(n, "citation")) {
		footnote(h, n);
		return;
	}
	md_block(h->m, gap);
	html_walk(h, n);
	md_block(h->m, gap);
}

static void
element(struct html *h, const xmlNode *n)
{
	enum html_tag tag = html_tag(n);

	switch (tag) {
	case TAG_BLOCK: case TAG_FOOT: case TAG_ASIDE: case TAG_TOP: case TAG_NAV: case TAG_DD: case TAG_DT:
		block(h, n, 1);
		break;
	case TAG_P: paragraph(h, n); break;
	case TAG_HEAD: heading(h, n); break;
	case TAG_PRE: pre(h, n); break;
	case TAG_CODE: code(h, n); break;
	case TAG_EM: marked(h, n, "*"); break;
	case TAG_STRONG: marked(h, n, "**"); break;
	case TAG_BQ: quote(h, n); break;
	case TAG_UL: html_list(h, n, false); break;
	case TAG_OL: html_list(h, n, true); break;
	case TAG_LI: block(h, n, 1); break;
	case TAG_DL: html_dl(h, n); break;
	case TAG_TABLE: html_table(h, n); break;
	case TAG_ROW: case TAG_ROWS: case TAG_CELL: case TAG_CAPTION:
		block(h, n, 1);
		break;
	case TAG_BR:
		if (h->br_comma)
			md_word(h->m, ",", 1);
		md_break(h->m);
		break;
	case TAG_HR: md_block(h->m, 2); break;
	case TAG_SUP: raised(h, n, "^"); break;
	case TAG_SUB: raised(h, n, "_"); break;
	case TAG_MATH: math(h, n); break;
	case TAG_IMG:
		if (html_class(n, "math") && html_attr(n, "alt"))
			md_text(h->m, html_attr(n, "alt"), strlen(html_attr(n, "alt")));
		break;
	case TAG_Q:
		md_word(h->m, "\"", 1);
		html_walk(h, n);
		md_word(h->m, "\"", 1);
		break;
	default: html_walk(h, n); break;
	}
}

void
html_walk(struct html *h, const xmlNode *n)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) {
			if (c->content)
				text(h, (const char *)c->content);
		} else if (c->type == XML_ELEMENT_NODE && !html_noise(h, c)) {
			element(h, c);
		}
	}
}
