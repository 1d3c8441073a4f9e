/*
 * jinja_parse.h - private to the template engine: the syntax tree and its parser.
 */
#ifndef JINJA_PARSE_H
#define JINJA_PARSE_H

#include "base/jerr.h"
#include "base/jmem.h"
#include "tok/jinja_value.h"

enum jn_type {
	/* expressions */
	JN_CONST, JN_NAME, JN_LIST, JN_TUPLE, JN_DICT, JN_ATTR, JN_ITEM, JN_SLICE, JN_CALL,
	JN_FILTER, JN_TEST, JN_NOT, JN_NEG, JN_POS, JN_AND, JN_OR, JN_COND, JN_BINARY, JN_COMPARE,
	JN_KEYWORD,
	/* statements */
	JN_TEXT, JN_OUTPUT, JN_IF, JN_FOR, JN_SET, JN_SETBLOCK, JN_MACRO, JN_FILTERBLOCK,
	JN_BLOCK, JN_BREAK, JN_CONTINUE
};

/* Operators of JN_BINARY and JN_COMPARE. */
enum jn_op {
	JO_ADD, JO_SUB, JO_MUL, JO_DIV, JO_FLOORDIV, JO_MOD, JO_POW, JO_CONCAT,
	JO_EQ, JO_NE, JO_LT, JO_LE, JO_GT, JO_GE, JO_IN, JO_NOTIN
};

struct jn {
	enum jn_type type;
	int line;
	enum jn_op op;
	const char *name;	/* NAME, ATTR, FILTER, TEST, MACRO, KEYWORD; operand a or kids otherwise */
	struct jv value;	/* CONST, TEXT */
	struct jn *a, *b, *c;	/* FOR: a target, b iterable, c condition; COND: a if b else c */
	struct jn **kids;	/* arguments, elements, statements of the body */
	size_t n;
	struct jn **other;	/* else branch, defaults of a macro, values of a dict */
	size_t n_other;
};

enum jt_type { JT_EOF, JT_NAME, JT_INT, JT_FLOAT, JT_STR, JT_OP };

struct jt {
	enum jt_type type;
	const char *p;		/* the token's text */
	size_t n;
	int64_t i;
	double d;
	struct jv_str s;
};

enum jchunk_type { JCHUNK_END, JCHUNK_TEXT, JCHUNK_EXPR, JCHUNK_STMT };

struct jparse {
	const char *src;
	size_t n, at;		/* position of the scanner between chunks */
	bool line_starting;	/* the last chunk ended with a newline */
	bool strip_next;	/* the last tag ended with -%} */
	const char *code, *code_end;	/* inside a tag */
	struct jt tok;		/* look-ahead inside a tag */
	struct jarena *arena;
	int depth;
	struct jerr *e;
};

int jparse_fail(struct jparse *p, const char *fmt, ...) JPRINTF(2, 3);
/* Next chunk: literal text in *text, or a tag whose first token is then in p->tok. */
enum jchunk_type jparse_chunk(struct jparse *p, struct jv_str *text);
void jparse_next(struct jparse *p);			/* next token inside the tag */
bool jparse_is(const struct jparse *p, const char *op_or_name);
bool jparse_accept(struct jparse *p, const char *op_or_name);
bool jparse_expect(struct jparse *p, const char *op_or_name);
int jparse_line(const struct jparse *p);
struct jn *jparse_node(struct jparse *p, enum jn_type type);
void jparse_push(struct jparse *p, struct jn ***v, size_t *n, struct jn *kid);
struct jn *jparse_expr(struct jparse *p);		/* a full expression, tuples not included */
struct jn *jparse_tuple(struct jparse *p);		/* expression or a, b, c */
struct jn *jparse_target(struct jparse *p);		/* name or (name, name) of a for loop */
struct jn *jparse_primary(struct jparse *p);
struct jn *jparse_postfix(struct jparse *p, struct jn *n);
void jparse_args(struct jparse *p, struct jn *call);
struct jn *jparse_template(struct jparse *p);		/* JN_BLOCK; NULL on error */

#endif
