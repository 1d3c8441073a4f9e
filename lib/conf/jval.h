/*
 * jval.h - values read from JSON and from YAML (libyaml): one tree for both, with the line each
 * value stood on.
 *
 * The tree lives in the caller's arena and is read-only after parsing.  Duplicate keys are
 * an error.  YAML scalars follow the core schema (true/false, integers, floats, null; quoted =
 * string); aliases and merge keys are refused (bounded work).  Depth and size are bounded.
 */
#ifndef JVAL_H
#define JVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/jerr.h"
#include "base/jjson.h"
#include "base/jmem.h"
#include "base/jstr.h"

enum jval_type { JVAL_NULL, JVAL_BOOL, JVAL_INT, JVAL_DOUBLE, JVAL_STR, JVAL_ARR, JVAL_OBJ };

struct jval {
	enum jval_type type;
	int line;			/* from 1, of the key for a member of an object */
	union {
		bool b;
		int64_t i;
		double d;
		struct { const char *p; size_t n; } s;			/* terminated */
		struct { struct jval **v; size_t n; } a;
		struct { const char **k; struct jval **v; size_t n; } o;	/* in file order */
	} u;
};

int jval_parse_json(struct jval **v, const char *p, size_t n, const char *name, struct jarena *a,
	struct jerr *e);
int jval_parse_yaml(struct jval **v, const char *p, size_t n, const char *name, struct jarena *a,
	struct jerr *e);
int jval_load_json(struct jval **v, const char *path, struct jarena *a, struct jerr *e);
int jval_load_yaml(struct jval **v, const char *path, struct jarena *a, struct jerr *e);

const struct jval *jval_get(const struct jval *obj, const char *key);		/* NULL if absent or no object */
const struct jval *jval_path(const struct jval *obj, const char *dotted);	/* "a.b.c" */
/* Typed access with a fallback for absent or null. */
const char *jval_str(const struct jval *obj, const char *key, const char *fallback);
int64_t jval_int(const struct jval *obj, const char *key, int64_t fallback);
double jval_num(const struct jval *obj, const char *key, double fallback);
bool jval_bool(const struct jval *obj, const char *key, bool fallback);

/* Appends the whole value as compact JSON. */
void jjson_val(struct jbuf *b, const struct jval *v);

#endif
