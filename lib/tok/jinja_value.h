/*
 * jinja_value.h - private to the template engine: values.
 *
 * A value is passed by value; what it points to lives in the arena of the render.  A string
 * carries, beside its bytes, an optional origin per byte (see jtemplate.h), which every operation
 * that cuts, joins or copies strings keeps.
 */
#ifndef JINJA_VALUE_H
#define JINJA_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jstr.h"

struct jctx;			/* jinja.h */

enum jv_type {
	JV_UNDEF, JV_NONE, JV_BOOL, JV_INT, JV_FLOAT, JV_STR, JV_LIST, JV_DICT, JV_FUNC
};

struct jv_str {
	const char *p;
	const unsigned char *o;	/* origin of each byte; NULL = all 0 */
	size_t n;
};

struct jv {
	enum jv_type t;
	bool safe;		/* a string marked by the safe filter: + escapes what joins it */
	union {
		bool b;
		int64_t i;
		double d;
		struct jv_str s;
		struct jv_list *l;
		struct jv_dict *m;
		struct jv_func *f;
	} u;
};

struct jv_list {
	struct jv *v;
	size_t n, cap;
	bool tuple;
};

struct jv_pair {
	struct jv key, val;
};

struct jv_dict {
	struct jv_pair *v;
	size_t n, cap;
	bool name_space;	/* made by namespace(): the only mutable value */
};

struct jargs {
	struct jv *v;
	size_t n;
	const char **names;		/* keyword arguments follow the positional ones */
	struct jv *kw;
	size_t n_kw;
};

struct jv jv_bool(bool b);
struct jv jv_int(int64_t i);
struct jv jv_none(void);
struct jv jv_lit(const char *s);			/* terminated, not copied */
struct jv jv_bytes(const char *p, size_t n, const unsigned char *o);
struct jv jv_list_new(struct jctx *c, bool tuple);
void jv_list_add(struct jctx *c, struct jv list, struct jv v);
struct jv jv_dict_new(struct jctx *c);
void jv_dict_set(struct jctx *c, struct jv_dict *m, struct jv key, struct jv val);
const struct jv *jv_dict_get(const struct jv_dict *m, struct jv key);
const struct jv *jv_dict_find(const struct jv_dict *m, const char *key);
bool jv_true(struct jv v);
bool jv_equal(struct jv a, struct jv b);
int jv_order(struct jctx *c, struct jv a, struct jv b);	/* -1 0 1; fails on unlike types */
/* str(v): strings unchanged, others as Python prints them. */
struct jv jv_to_str(struct jctx *c, struct jv v);
struct jv jv_json(struct jctx *c, struct jv v, const struct jargs *a);
/* Elements to loop over: lists as they are, keys of dicts, characters of strings. */
struct jv jv_iterate(struct jctx *c, struct jv v);
size_t jv_chars(struct jv_str s);			/* code points */
const char *jv_cstr(struct jctx *c, struct jv_str s);	/* terminated copy */
/* Builds strings with origins. */
struct jv_build {
	struct jbuf text, origin;
};
void jv_build_init(struct jv_build *b);
void jv_build_add(struct jv_build *b, struct jv_str s);
void jv_build_adds(struct jv_build *b, const char *s, size_t n);
struct jv jv_build_done(struct jctx *c, struct jv_build *b);	/* into the arena; releases b */

/* Argument number i or keyword name; fallback if neither is given. */
struct jv jargs_get(const struct jargs *a, size_t i, const char *name, struct jv fallback);

#endif
