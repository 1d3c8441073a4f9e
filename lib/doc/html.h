/*
 * html.h - the parts of the HTML reader; private to this room.
 *
 * html.c decodes and parses the page and reads its head, html_main.c finds the element that holds
 * the content and tells noise, html_walk.c turns the tree into Markdown, html_list.c lists and
 * definition lists, html_table.c tables.  The tree is libxml2's; its HTML parser knows the tags of
 * HTML 4, all others are inline to it, which the walk puts right by its own table of tags.
 */
#ifndef HTML_H
#define HTML_H

#include <stdbool.h>

#include "doc/jdoc.h"
#include "doc/md.h"

typedef struct _xmlNode xmlNode;	/* libxml2's own name; users include libxml/tree.h */

enum html_maker {		/* what made the page, where it says so or shows it */
	HTML_PLAIN,
	HTML_SPHINX,
	HTML_DOCBOOK,
	HTML_ASCIIDOC,
	HTML_TEXINFO,
	HTML_SITE		/* another generator of documentation: Docusaurus, MkDocs ... */
};

enum html_tag {
	TAG_INLINE, TAG_NONE,	/* unknown and harmless; never shown */
	TAG_A, TAG_BLOCK, TAG_BQ, TAG_BR, TAG_CAPTION, TAG_CELL, TAG_CODE, TAG_DD, TAG_DL, TAG_DT, TAG_EM,
	TAG_HEAD, TAG_HR, TAG_IMG, TAG_LI, TAG_MATH, TAG_OL, TAG_P, TAG_PRE, TAG_Q, TAG_ROW,
	TAG_ROWS, TAG_STRONG, TAG_SUB, TAG_SUP, TAG_TABLE, TAG_UL, TAG_NAV, TAG_FOOT, TAG_ASIDE, TAG_TOP
};

struct html {
	struct md *m;
	enum html_maker maker;
	bool generic;		/* the root was guessed: drop what looks like boilerplate */
	int level;		/* of the last heading */
	int objects;		/* documented objects around here */
	int terms;		/* plain definition lists around here */
	bool br_comma;		/* <br> separates terms */
	int depth;
};

enum html_tag html_tag(const xmlNode *n);
/* Attribute value or NULL. */
const char *html_attr(const xmlNode *n, const char *name);
/* True if the class attribute has the word. */
bool html_class(const xmlNode *n, const char *word);
/* Part of the page that is not content: menus, permalinks, scripts. */
bool html_noise(const struct html *h, const xmlNode *n);
/* Bytes of visible text below n without white space runs; *linked gets those inside links. */
size_t html_text_len(const xmlNode *n, size_t *linked);
/* The element that holds the content. */
xmlNode *html_root(struct html *h, xmlNode *body);

void html_walk(struct html *h, const xmlNode *n);	/* the children of n */
/* The children of n as one line appended to out: bare without any marks, else as Markdown. */
void html_flat(struct html *h, const xmlNode *n, bool bare, struct jbuf *out);
/* Text below n byte for byte, as inside <pre>. */
void html_exact(const struct html *h, const xmlNode *n, struct jbuf *out);
void html_list(struct html *h, const xmlNode *n, bool ordered);
void html_dl(struct html *h, const xmlNode *n);
void html_table(struct html *h, const xmlNode *n);

/* The reader itself: the text is UTF-8 already. */
int html_read(struct jdoc *d, const char *p, size_t n, struct jerr *e);
/* Charset label of <meta> or the XML declaration within the first bytes, "" if none. */
void html_charset(const char *p, size_t n, char out[40]);

#endif
