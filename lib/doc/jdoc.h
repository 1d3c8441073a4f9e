/*
 * jdoc.h - documents of any common kind to clean text.
 *
 * jdoc_extract() looks at the first bytes and the name, turns the bytes into UTF-8 and hands them
 * to the reader of the format.  HTML, man and mdoc pages become Markdown: headings as # lines,
 * code fenced and byte-exact, tables as pipe tables, nested lists; menus, side bars and footers are
 * left out.  Markdown loses its front matter; plain text and source code keep their lines.  A file
 * that is compressed (gzip, xz, zstd, bzip2, found by magic) is opened first.
 *
 * All work is bounded by sizes and depths, never by time, so the text is a function of the bytes,
 * the name and the options.  A struct jdoc is owned by the caller: jdoc_init(), any number of
 * jdoc_extract() (each starts anew and reuses the memory), jdoc_release().  One thread at a time
 * per struct jdoc; different ones are independent.
 */
#ifndef JDOC_H
#define JDOC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jerr.h"
#include "base/jstr.h"

enum jdoc_format {
	JDOC_AUTO,		/* as an option: look at the bytes */
	JDOC_BINARY,
	JDOC_HTML,
	JDOC_MAN,		/* man(7) or mdoc(7) */
	JDOC_MARKDOWN,
	JDOC_TEXT,
	JDOC_CODE
};

struct jdoc_opts {
	const char *name;		/* file name or URL path: decides between text kinds; may be NULL */
	const char *charset;		/* from the transport (HTTP); NULL = unknown */
	enum jdoc_format format;	/* JDOC_AUTO, or what the caller knows */
	size_t max_bytes;		/* of the document, decompressed; 0 = 64 MiB */
};

struct jdoc {
	enum jdoc_format format;
	const char *type;		/* "docs", "code" or "text"; constant */
	const char *code_lang;		/* programming language of JDOC_CODE, constant; NULL otherwise */
	struct jbuf text;		/* UTF-8, LF line ends, one LF at the end; empty if nothing is left */
	struct jbuf title;		/* one line; empty if unknown */
	struct jbuf lang;		/* natural language tag the document states ("en", "pt-BR"); or empty */
	struct jbuf url;		/* canonical URL the document states; or empty */
	struct jbuf alias;		/* page that this one only includes (.so of roff); or empty */
	const char *charset;		/* name of the charset that was decoded; constant */
	bool cut;			/* the parser's depth bound was met: text behind it is missing */
};

void jdoc_init(struct jdoc *d);
void jdoc_release(struct jdoc *d);

/*
 * 0, or JERR_UNSUPPORTED for binary content, JERR_LIMIT over max_bytes, JERR_FORMAT for damaged
 * compression.  o may be NULL.
 */
int jdoc_extract(struct jdoc *d, const void *p, size_t n, const struct jdoc_opts *o,
	struct jerr *e);

/* What the (decompressed) bytes are; name may be NULL.  *code_lang as in struct jdoc. */
enum jdoc_format jdoc_sniff(const void *p, size_t n, const char *name, const char **code_lang);
const char *jdoc_format_name(enum jdoc_format f);
/* True if the bytes start with the magic of gzip, xz, zstd or bzip2. */
bool jdoc_is_compressed(const void *p, size_t n);

/*
 * Appends p as valid UTF-8 to out: byte-order mark, then hint (a charset label, may be NULL), then
 * UTF-8 if it is, else windows-1252.  Nothing is dropped but NUL and control bytes: what cannot be
 * decoded becomes U+FFFD.  Returns the charset's name (constant).
 */
const char *jdoc_to_utf8(const void *p, size_t n, const char *hint, struct jbuf *out);

#endif
