/* html.c - an HTML page to Markdown: parsing, head, order of work.  See html.h. */
#include "doc/html.h"

#include <libxml/HTMLparser.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A value of name= in the first bytes: quotes optional, ends at anything that is no label. */
static bool
label_after(const char *p, size_t n, const char *key, char out[40])
{
	size_t len = strlen(key);

	for (size_t i = 0; i + len < n; i++) {
		size_t k = 0, at = i + len;

		if (strncasecmp(p + i, key, len) != 0)
			continue;
		while (at < n && (p[at] == ' ' || p[at] == '"' || p[at] == '\'' || p[at] == '='))
			at++;
		while (at < n && k < 39 && (strchr("-_.:", p[at]) ||
		    (p[at] >= '0' && p[at] <= '9') || ((p[at] | 32) >= 'a' && (p[at] | 32) <= 'z')))
			out[k++] = p[at++];
		out[k] = '\0';
		if (k > 0)
			return true;
	}
	return false;
}

void
html_charset(const char *p, size_t n, char out[40])
{
	size_t head = n < 4096 ? n : 4096;

	out[0] = '\0';
	if (head > 5 && memcmp(p, "<?xml", 5) == 0) {
		const char *end = memchr(p, '>', head);

		if (end && label_after(p, (size_t)(end - p), "encoding", out))
			return;
	}
	label_after(p, head, "charset=", out);
}

static const xmlNode *
child(const xmlNode *n, const char *name)
{
	if (!n)
		return NULL;
	for (const xmlNode *c = n->children; c; c = c->next)
		if (c->type == XML_ELEMENT_NODE && strcmp((const char *)c->name, name) == 0)
			return c;
	return NULL;
}

/* "json - JSON encoder ... - Python 3.11.2 documentation": the site's part goes. */
static void
cut_site(struct jbuf *title)
{
	static const char *const dashes[] = { " \xe2\x80\x94 ", " \xe2\x80\x93 ", " | " };
	size_t best = 0;

	for (size_t k = 0; k < sizeof(dashes) / sizeof(dashes[0]); k++)
		for (char *p = strstr(title->p, dashes[k]); p; p = strstr(p + 1, dashes[k]))
			if ((size_t)(p - title->p) > best)
				best = (size_t)(p - title->p);
	if (best == 0)
		return;
	title->n = best;
	title->p[best] = '\0';
}

static void
read_meta(struct jdoc *d, struct html *h, const xmlNode *n)
{
	const char *name = html_attr(n, "name"), *content = html_attr(n, "content");
	static const struct {
		const char *word;
		enum html_maker maker;
	} makers[] = {
		{ "Docutils", HTML_SPHINX }, { "Sphinx", HTML_SPHINX }, { "DocBook", HTML_DOCBOOK },
		{ "AsciiDoc", HTML_ASCIIDOC }, { "Asciidoctor", HTML_ASCIIDOC }, { "texi2any", HTML_TEXINFO },
		{ "makeinfo", HTML_TEXINFO }, { "Texinfo", HTML_TEXINFO }, { "Docusaurus", HTML_SITE },
		{ "mkdocs", HTML_SITE }, { "mdbook", HTML_SITE }, { "rustdoc", HTML_SITE },
		{ "Doxygen", HTML_SITE }, { "javadoc", HTML_SITE }, { "GitBook", HTML_SITE },
		{ "VitePress", HTML_SITE }, { "VuePress", HTML_SITE }
	};

	if (content && html_attr(n, "http-equiv") && d->lang.n == 0 &&
	    strcasecmp(html_attr(n, "http-equiv"), "content-language") == 0 && strlen(content) < 36)
		jbuf_adds(&d->lang, content);
	if (!name || !content || strcasecmp(name, "generator") != 0)
		return;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++)
		if (strstr(content, makers[i].word)) {
			h->maker = makers[i].maker;
			return;
		}
}

static void
read_head(struct jdoc *d, struct html *h, const xmlNode *head)
{
	for (const xmlNode *c = head ? head->children : NULL; c; c = c->next) {
		if (c->type != XML_ELEMENT_NODE)
			continue;
		if (strcmp((const char *)c->name, "title") == 0 && d->title.n == 0) {
			html_flat(h, c, true, &d->title);
		} else if (strcmp((const char *)c->name, "meta") == 0) {
			read_meta(d, h, c);
		} else if (strcmp((const char *)c->name, "link") == 0 && d->url.n == 0) {
			const char *rel = html_attr(c, "rel"), *href = html_attr(c, "href");

			if (rel && href && strcasecmp(rel, "canonical") == 0 && strlen(href) < 2048)
				jbuf_adds(&d->url, href);
		}
	}
}

/* The parser is told the depth it may reach; it stops there and says so. */
static htmlDocPtr
parse(const char *p, size_t n, bool *cut)
{
	htmlParserCtxtPtr ctxt = htmlNewParserCtxt();
	htmlDocPtr doc;

	if (!ctxt)
		return NULL;
	doc = htmlCtxtReadMemory(ctxt, p, (int)n, NULL, "UTF-8", HTML_PARSE_RECOVER |
	    HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_COMPACT |
	    HTML_PARSE_IGNORE_ENC);
	*cut = ctxt->disableSAX != 0;
	htmlFreeParserCtxt(ctxt);
	return doc;
}

/* The first heading of the text, without its marks. */
static void
title_from_text(struct jdoc *d)
{
	const char *p = d->text.p, *nl;

	if (*p != '#')
		return;
	p += strspn(p, "# ");
	nl = strchr(p, '\n');
	for (const char *end = nl ? nl : p + strlen(p); p < end; p++)
		if (*p != '`')
			jbuf_addc(&d->title, *p);
}

int
html_read(struct jdoc *d, const char *p, size_t n, struct jerr *e)
{
	struct html h = { 0 };
	struct md m;
	htmlDocPtr doc;
	xmlNode *top, *body;
	const char *lang;

	pthread_once(&once, xmlInitParser);
	if (n > INT32_MAX / 2)
		return jerr_set(e, JERR_LIMIT, "HTML of %zu bytes is over the parser's 1 GiB", n);
	doc = parse(p, n, &d->cut);
	top = doc ? xmlDocGetRootElement(doc) : NULL;
	if (!top) {
		xmlFreeDoc(doc);
		return 0;
	}
	md_init(&m, &d->text);
	h.m = &m;
	lang = html_attr(top, "lang");
	if (!lang)
		lang = html_attr(top, "xml:lang");
	if (lang && strlen(lang) < 36)
		jbuf_adds(&d->lang, lang);
	read_head(d, &h, child(top, "head"));
	body = (xmlNode *)child(top, "body");
	body = html_root(&h, body ? body : top);
	html_walk(&h, body);
	md_finish(&m);
	xmlFreeDoc(doc);
	if (h.maker == HTML_SPHINX || h.maker == HTML_SITE)
		cut_site(&d->title);
	if (d->title.n == 0)
		title_from_text(d);
	return 0;
}
