/*
 * build.h - what the JSON and the YAML reader share: a stack of finished members from which arrays
 * and objects are cut, and the check for duplicate keys.
 */
#ifndef JCONF_BUILD_H
#define JCONF_BUILD_H

#include "conf/jval.h"

struct member {
	const char *key;	/* NULL in an array */
	struct jval *v;
};

struct build {
	struct jarena *arena;
	const char *name;	/* of the file, for messages */
	struct member *stack;
	size_t n, cap;
};

void build_init(struct build *b, struct jarena *a, const char *name);
void build_release(struct build *b);
struct jval *build_value(struct build *b, enum jval_type type, int line);
struct jval *build_str(struct build *b, const char *p, size_t n, int line);
/* A member's line is that of its key, where a reader looks for it; line is ignored without a key. */
void build_push(struct build *b, const char *key, struct jval *v, int line);
/* The members above `from` become the elements or members of v (JVAL_ARR or JVAL_OBJ). */
int build_close(struct build *b, struct jval *v, size_t from, struct jerr *e);

#endif
