/*
 * pre.h - pre-tokenizers of tokenizer.json (private to the room): steps that cut a text into pieces
 * and sometimes change it.
 */
#ifndef TOK_PRE_H
#define TOK_PRE_H

#include "rx.h"
#include "tok.h"

enum pre_kind {
	PRE_SCAN,		/* a known pattern */
	PRE_SPLIT,		/* any other pattern */
	PRE_DIGITS, PRE_PUNCT, PRE_WHITESPACE, PRE_SPACE_SPLIT, PRE_BERT, PRE_METASPACE,
	PRE_CHAR_SPLIT, PRE_FIXED,
	PRE_PREFIX_SPACE	/* ByteLevel's add_prefix_space */
};
enum pre_behavior { PRE_REMOVED, PRE_ISOLATED, PRE_PREVIOUS, PRE_NEXT, PRE_CONTIGUOUS };

struct tok_pre {
	enum pre_kind kind;
	enum scan_kind scan;
	enum pre_behavior behavior;
	bool invert, individual, split;
	enum { PREPEND_NEVER, PREPEND_FIRST, PREPEND_ALWAYS } prepend;
	const char *mark;		/* METASPACE replacement, CHAR_SPLIT delimiter */
	size_t mark_n;
	size_t length;			/* FIXED: characters a piece */
	struct rx *rx;
};

struct pieces {
	struct jbuf text;
	struct pre_span {
		size_t at, n;
	} *v;
	size_t n, cap;
};
void pieces_init(struct pieces *p);
void pieces_release(struct pieces *p);

int pre_parse(struct jtok *t, const struct jval *v, struct jerr *e);
void pre_release(struct jtok *t);
/*
 * a holds one piece, the text; afterwards the pieces for the model.  b and hits are scratch.
 * first: the text begins the input.
 */
int pre_apply(const struct jtok *t, struct pieces *a, struct pieces *b, struct pieces *hits,
	bool first, struct jerr *e);

#endif
