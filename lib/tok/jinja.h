/*
 * jinja.h - private to the template engine: evaluation.
 *
 * Errors: the first jinja_fail() marks the context; evaluation then unwinds with undefined values.
 */
#ifndef JINJA_H
#define JINJA_H

#include "tok/jinja_parse.h"
#include "tok/jinja_value.h"

struct jscope {
	struct jscope *up;
	struct jv_dict vars;
};

struct jctx {
	struct jarena *arena;
	struct jscope *scope, *root;
	struct jbuf *out, *origin;	/* current output */
	uint64_t steps;			/* left */
	uint64_t bytes;			/* left to allocate */
	int depth;
	int flow;			/* 0, JN_BREAK or JN_CONTINUE */
	bool failed;
	struct jerr *e;
};

typedef struct jv jv_fn(struct jctx *c, struct jv self, const struct jargs *a);
struct jv_func {
	jv_fn *fn;			/* built in, or NULL for a macro */
	struct jn *macro;
	struct jscope *scope;		/* where the macro was defined */
	struct jv self;
};

struct jv jinja_fail(struct jctx *c, const char *fmt, ...) JPRINTF(2, 3);
void *jinja_alloc(struct jctx *c, size_t n, size_t size);	/* counts against the budget */
struct jv jinja_eval(struct jctx *c, const struct jn *n);
void jinja_exec(struct jctx *c, struct jn *const *body, size_t n);
struct jv jinja_call(struct jctx *c, struct jv f, const struct jargs *a);
struct jv jinja_macro(struct jctx *c, const struct jv_func *f, const struct jargs *a);
struct jv jinja_apply_filter(struct jctx *c, const char *name, struct jv v, const struct jargs *a);
bool jinja_apply_test(struct jctx *c, const char *name, struct jv v, const struct jargs *a);
struct jv jinja_format(struct jctx *c, struct jv_str p, struct jv arg);	/* p % arg */
struct jv jinja_escape(struct jctx *c, struct jv v);	/* HTML escapes; the result is safe */
struct jv jinja_attr(struct jctx *c, struct jv v, const char *name);
struct jv jinja_item(struct jctx *c, struct jv v, struct jv key);
struct jv jinja_binary(struct jctx *c, enum jn_op op, struct jv a, struct jv b);
bool jinja_compare(struct jctx *c, enum jn_op op, struct jv a, struct jv b);
struct jv jinja_slice(struct jctx *c, struct jv v, const struct jv bound[3]);
/* A method of str, list or dict by name: .t is JV_FUNC, or JV_UNDEF if there is none. */
struct jv jinja_method(struct jctx *c, struct jv v, const char *name);
/* Runs the body with its own output; the text as a string with origins. */
struct jv jinja_capture(struct jctx *c, struct jn *const *body, size_t n);

#endif
