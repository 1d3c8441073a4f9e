/*
 * jstructure.h - what the shape of a document says: its sections, and question-answer pairs made
 * of nothing but that shape.
 *
 * Documents are the text that jcollect writes: headings as # lines, the name of a documented object
 * as a heading in backticks (`json.dumps(obj, *, indent=None)`), terms of definition lists as
 * "**term**" lines, code between ``` fences, tables as | lines.
 *
 * A pair is a question about a section (a function, a class, an option, a topic) and what the page
 * says of it: the first prose of its body, cut at a sentence end.  Nothing is invented: every
 * answer is a span of the document, and its place is given.  Which wording a question gets is a
 * function of (seed, document id, section number).
 */
#ifndef JSTRUCTURE_H
#define JSTRUCTURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"

enum jsection_kind {
	JSECTION_HEADING,	/* # Title */
	JSECTION_OBJECT,	/* # `signature` */
	JSECTION_TERM		/* **term** */
};

struct jsection {
	enum jsection_kind kind;
	int level;		/* number of #; a term is one deeper than its section */
	int parent;		/* index of the enclosing section, -1 = none */
	size_t title, title_n;	/* offsets into the text, without # ` * */
	size_t body, body_n;	/* what follows, up to the next section */
};

/* Sections in the order of the text, from the arena. */
void jstructure_parse(const char *text, size_t n, struct jarena *a, struct jsection **v,
	size_t *count);

/*
 * The first prose of text[from, from + n): whole sentences of the first paragraph that is no
 * list, table, code or heading, at most max bytes.  *out_n = 0 if there is none.
 */
void jstructure_prose(const char *text, size_t from, size_t n, size_t max, size_t *out,
	size_t *out_n);

struct jpair {
	const char *prompt;	/* terminated */
	const char *answer;
	size_t answer_n;
	size_t from;		/* offset of the answer in the text */
	const char *form;	/* "object", "signature", "option", "name", "topic" */
};

struct jpair_opts {
	uint64_t seed;
	size_t min_answer, max_answer;	/* bytes; 40 and 480 */
};

struct jpair_doc {
	const char *text;
	size_t n;
	const char *title;	/* may be NULL */
	const char *id;
};

/* Pairs of one document, from the arena. */
void jstructure_pairs(const struct jpair_doc *d, const struct jpair_opts *o, struct jarena *a,
	struct jpair **v, size_t *count);

#endif
