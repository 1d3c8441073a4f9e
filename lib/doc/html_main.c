/*
 * html_main.c - which part of a page is its content, and what inside it is noise.
 *
 * Pages of known generators name their content.  For all others each text block gives points to
 * its ancestors (the idea of Readability), weighed by link density and the words of class and id;
 * the ancestor with most points wins.
 */
#include <libxml/tree.h>
#include <string.h>
#include <strings.h>

#include "base/jmem.h"
#include "doc/html.h"

const char *
html_attr(const xmlNode *n, const char *name)
{
	for (const xmlAttr *a = n->type == XML_ELEMENT_NODE ? n->properties : NULL; a; a = a->next)
		if (strcmp((const char *)a->name, name) == 0)
			return a->children && a->children->content ?
			    (const char *)a->children->content : "";
	return NULL;
}

static bool
has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		size_t n = strcspn(list, " \t\n\r\f");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n;
		list += strspn(list, " \t\n\r\f");
	}
	return false;
}

bool
html_class(const xmlNode *n, const char *word)
{
	return has_word(html_attr(n, "class"), word);
}

static bool
is(const xmlNode *n, const char *tag)
{
	return n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, tag) == 0;
}

static bool
is_id(const xmlNode *n, const char *id)
{
	const char *v = html_attr(n, "id");

	return v && strcmp(v, id) == 0;
}

/* Classes that mean the same thing wherever they are used. */
static const char *const noise_class[] = {
	"headerlink", "anchorjs-link", "hash-link", "id_link", "copiable-link", "viewcode-link",
	"header-anchor", "sphinxsidebar", "sphinxsidebarwrapper", "navheader", "navfooter", "related",
	"toctree-wrapper", "toc", "fancy_toc", "fancy-toc1", "fancy-toc2", "nosearch", "linenos", "linenodiv",
	"lineno", "copybtn", "breadcrumb", "breadcrumbs", "theme-doc-toc-mobile", "pagination-nav",
	"skip-link", "skip-nav", "visually-hidden-focusable", "screen-reader-text", "nav-panel",
	"element-contents", "edit-this-page", "table-of-contents", "sr-only", "indexterm",
	"theme-doc-breadcrumbs", "theme-doc-footer", "md-source-file", "Contents_element",
	"shortcontents", "SHORTCONTENTS_element", "mini-toc"
};

static const char *const noise_id[] = {
	"toc", "toc_header", "indices-and-tables", "searchbox", "navbar", "sidebar", "site-navigation"
};

static bool
is_hidden(const xmlNode *n)
{
	const char *style = html_attr(n, "style"), *aria = html_attr(n, "aria-hidden");
	const char *role = html_attr(n, "role");

	if (role && strcmp(role, "tabpanel") == 0)
		return false;
	if (html_attr(n, "hidden") || (aria && strcmp(aria, "true") == 0))
		return true;
	style = style ? strstr(style, "display") : NULL;
	if (!style)
		return false;
	style += 7;
	style += strspn(style, ": ");
	return strncasecmp(style, "none", 4) == 0;
}

/* Words of class and id that mark the frame of a page around an article. */
static const char *const frame_words[] = {
	"comment", "footer", "sidebar", "share", "sharing", "social", "promo", "sponsor", "newsletter",
	"related", "recommend", "cookie", "advert", "outbrain", "taboola", "popup", "modal", "subscribe",
	"masthead", "menu", "navigation", "disqus", "trending", "most-read", "most-popular", "byline",
	"paywall", "signup", "signin", "login", "tag-list", "more-stories", "read-more", "also-like",
	"author-bio", "author-info", "breadcrumb", "gdpr", "consent", "banner", "skyscraper", "caption-credit"
};
static const char *const body_words[] = {
	"article", "body", "content", "entry", "main", "post", "story", "text", "column"
};

static bool
contains(const char *s, const char *const *words, size_t n)
{
	for (size_t i = 0; s && i < n; i++) {
		size_t len = strlen(words[i]);

		for (const char *p = s; *p; p++)
			if ((*p | 32) == words[i][0] && strncasecmp(p, words[i], len) == 0)
				return true;
	}
	return false;
}

#define IN(s, words) contains((s), (words), sizeof(words) / sizeof((words)[0]))

static bool
is_frame(const xmlNode *n)
{
	const char *cls = html_attr(n, "class"), *id = html_attr(n, "id");

	if (!cls && !id)
		return false;
	if (is(n, "body") || is(n, "html") || is(n, "article") || is(n, "main"))
		return false;
	return (IN(cls, frame_words) || IN(id, frame_words)) && !IN(cls, body_words) &&
	    !IN(id, body_words);
}

/* Landmarks: what a nav, footer, aside or header is worth depends on who made the page. */
static bool
is_landmark(const struct html *h, const xmlNode *n, enum html_tag tag)
{
	const char *role = html_attr(n, "role");

	if (role && (strcmp(role, "navigation") == 0 || strcmp(role, "search") == 0 ||
	    strcmp(role, "contentinfo") == 0 || (h->generic && (strcmp(role, "complementary") == 0 ||
	    strcmp(role, "banner") == 0 || strcmp(role, "dialog") == 0))))
		return true;
	if (tag == TAG_NAV || tag == TAG_FOOT)
		return true;
	if (tag == TAG_ASIDE)
		return h->generic && !html_class(n, "footnote") && !html_class(n, "admonition");
	return false;
}

/* A link to its own place, shown as a sign. */
static bool
is_permalink(const xmlNode *n)
{
	static const char *const signs[] = { "\xc2\xb6", "#", "\xc2\xa7", "\xf0\x9f\x94\x97" };
	const char *href = html_attr(n, "href"), *text;

	if (!href || *href != '#' || !n->children || n->children->next ||
	    n->children->type != XML_TEXT_NODE)
		return false;
	text = (const char *)n->children->content;
	for (size_t i = 0; text && i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strcmp(text, signs[i]) == 0)
			return true;
	return false;
}

bool
html_noise(const struct html *h, const xmlNode *n)
{
	enum html_tag tag = html_tag(n);
	const char *cls = html_attr(n, "class"), *id;

	if (tag == TAG_A && is_permalink(n))
		return true;
	if (tag == TAG_NONE || is_landmark(h, n, tag) || is_hidden(n))
		return true;
	if (cls)
		for (size_t i = 0; i < sizeof(noise_class) / sizeof(noise_class[0]); i++)
			if (has_word(cls, noise_class[i]))
				return true;
	id = html_attr(n, "id");
	if (id)
		for (size_t i = 0; i < sizeof(noise_id) / sizeof(noise_id[0]); i++)
			if (strcmp(id, noise_id[i]) == 0)
				return true;
	if (h->maker == HTML_ASCIIDOC && id && strcmp(id, "footer") == 0)
		return true;
	if (h->maker == HTML_SPHINX && (html_class(n, "contents") || html_class(n, "sidebar-toc")))
		return html_class(n, "topic") || html_class(n, "local");
	if (h->maker == HTML_TEXINFO && (html_class(n, "header") || html_class(n, "menu") ||
	    html_class(n, "footnotes-heading")))
		return true;
	return h->generic && is_frame(n);
}

static void
text_len(const xmlNode *n, bool in_link, size_t *len, size_t *linked)
{
	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_TEXT_NODE || c->type == XML_CDATA_SECTION_NODE) {
			bool space = true;
			size_t k = 0;

			for (const char *s = (const char *)c->content; s && *s; s++) {
				bool blank = *s == ' ' || *s == '\n' || *s == '\t' || *s == '\r';

				k += !blank || !space;
				space = blank;
			}
			*len += k;
			*linked += in_link ? k : 0;
		} else if (c->type == XML_ELEMENT_NODE && html_tag(c) != TAG_NONE) {
			text_len(c, in_link || html_tag(c) == TAG_A, len, linked);
		}
	}
}

size_t
html_text_len(const xmlNode *n, size_t *linked)
{
	size_t len = 0, in_links = 0;

	text_len(n, false, &len, &in_links);
	if (linked)
		*linked = in_links;
	return len;
}

typedef bool match_fn(const xmlNode *n);

/* First element in document order that matches. */
static xmlNode *
find(xmlNode *n, match_fn *match)
{
	if (n->type == XML_ELEMENT_NODE && match(n))
		return n;
	for (xmlNode *c = n->children; c; c = c->next) {
		xmlNode *r = c->type == XML_ELEMENT_NODE ? find(c, match) : NULL;

		if (r)
			return r;
	}
	return NULL;
}

static bool
is_main(const xmlNode *n)
{
	const char *role = html_attr(n, "role");

	return (role && strcmp(role, "main") == 0) || is(n, "main");
}

static bool
is_sphinx_body(const xmlNode *n)
{
	const char *item = html_attr(n, "itemprop");

	return is(n, "div") && (html_class(n, "body") || html_class(n, "document") ||
	    (item && strcmp(item, "articleBody") == 0));
}

static bool
is_doc_body(const xmlNode *n)
{
	return html_class(n, "theme-doc-markdown") || html_class(n, "markdown-body") ||
	    html_class(n, "md-content__inner") || html_class(n, "vp-doc") || html_class(n, "rst-content") ||
	    html_class(n, "page-inner") || is_id(n, "main-content") || html_class(n, "docs-content") ||
	    html_class(n, "doc-content") || html_class(n, "td-content");
}

/* Points of the elements, found by the node's private pointer. */
struct points {
	double score;
	xmlNode *node;
};
struct board {
	struct jarena mem;
	struct points *best;
};

static void
give(struct board *b, xmlNode *n, double score)
{
	struct points *p;

	if (!n || n->type != XML_ELEMENT_NODE)
		return;
	p = n->_private;
	if (!p) {
		const char *cls = html_attr(n, "class"), *id = html_attr(n, "id");

		p = jarena_alloc(&b->mem, 1, sizeof(*p));
		p->node = n;
		p->score = is(n, "article") || is(n, "main") ? 10 : is(n, "div") ? 5 : 0;
		p->score += IN(cls, body_words) || IN(id, body_words) ? 25 : 0;
		p->score -= IN(cls, frame_words) || IN(id, frame_words) ? 25 : 0;
		n->_private = p;
	}
	p->score += score;
}

static size_t
commas(const xmlNode *n)
{
	size_t k = 0;

	for (const xmlNode *c = n->children; c; c = c->next) {
		if (c->type == XML_TEXT_NODE)
			for (const char *s = (const char *)c->content; s && *s; s++)
				k += *s == ',' || *s == (char)0xef;
		else if (c->type == XML_ELEMENT_NODE)
			k += commas(c);
	}
	return k;
}

/* Text directly inside an element that is no paragraph, as <br>-separated pages have it. */
static size_t
own_text(const xmlNode *n)
{
	size_t len = 0;

	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_TEXT_NODE && c->content)
			for (const char *s = (const char *)c->content; *s; s++)
				len += *s != ' ' && *s != '\n' && *s != '\t' && *s != '\r';
	return len;
}

static void
score(struct board *b, const struct html *h, xmlNode *n)
{
	for (xmlNode *c = n->children; c; c = c->next) {
		enum html_tag tag;
		size_t len = 0;

		if (c->type != XML_ELEMENT_NODE || html_noise(h, c))
			continue;
		tag = html_tag(c);
		if (tag == TAG_P || tag == TAG_PRE || tag == TAG_CELL)
			len = html_text_len(c, NULL);
		else if (tag == TAG_BLOCK)
			len = own_text(c);
		if (len >= 25) {
			double pts = 1 + (double)commas(c) + (len > 300 ? 3.0 : (double)len / 100);

			if (tag == TAG_BLOCK)
				give(b, c, pts);
			give(b, c->parent, pts);
			if (c->parent)
				give(b, c->parent->parent, pts / 2);
			if (c->parent && c->parent->parent)
				give(b, c->parent->parent->parent, pts / 6);
		}
		score(b, h, c);
	}
}

static void
elect(struct board *b, xmlNode *n)
{
	struct points *p = n->_private;

	if (p) {
		size_t linked, len = html_text_len(n, &linked);

		if (len > 0)
			p->score *= 1 - (double)linked / (double)len;
		if (!b->best || p->score > b->best->score)
			b->best = p;
	}
	for (xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE)
			elect(b, c);
}

static void
forget(xmlNode *n)
{
	n->_private = NULL;
	for (xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE)
			forget(c);
}

/* A parent whose other children also earned points holds a split article. */
static xmlNode *
widen(xmlNode *best, double top)
{
	xmlNode *up = best->parent;
	int good = 0;

	if (!up || up->type != XML_ELEMENT_NODE || is(up, "body") || is(up, "html"))
		return best;
	for (xmlNode *c = up->children; c; c = c->next) {
		struct points *p = c->type == XML_ELEMENT_NODE ? c->_private : NULL;

		good += p && c != best && p->score > top * 0.25;
	}
	return good > 0 ? up : best;
}

static xmlNode *
guess_root(struct html *h, xmlNode *body)
{
	struct board b = { 0 };
	xmlNode *root = body;
	size_t all, part;

	h->generic = true;
	jarena_init(&b.mem, 0);
	score(&b, h, body);
	elect(&b, body);
	if (b.best && b.best->score > 20)
		root = widen(b.best->node, b.best->score);
	forget(body);
	jarena_release(&b.mem);
	/* a page without a clear winner: all of it, with only the certain noise removed */
	all = html_text_len(body, NULL);
	part = html_text_len(root, NULL);
	if (root == body || part * 20 < all) {
		h->generic = false;
		return body;
	}
	return root;
}

xmlNode *
html_root(struct html *h, xmlNode *body)
{
	xmlNode *r = NULL;
	size_t linked, len;

	if (h->maker == HTML_DOCBOOK || h->maker == HTML_ASCIIDOC || h->maker == HTML_TEXINFO)
		return body;
	if (h->maker == HTML_SPHINX || find(body, is_sphinx_body)) {
		r = find(body, is_main);
		r = r ? r : find(body, is_sphinx_body);
		if (r && h->maker == HTML_PLAIN && html_class(r, "body")) {
			if (find(body, is_main))	/* an older Sphinx does not sign its pages */
				h->maker = HTML_SPHINX;
			else
				r = NULL;
		}
	}
	if (!r)
		r = find(body, is_doc_body);
	if (!r && h->maker == HTML_SITE)
		r = find(body, is_main);
	if (r && html_text_len(r, NULL) * 10 >= html_text_len(body, NULL))
		return r;
	/* pages of a few pre-HTML 5 tags and no frame at all: nothing to guess */
	len = html_text_len(body, &linked);
	if (len < 400)
		return body;
	return guess_root(h, body);
}
