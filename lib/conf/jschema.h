/*
 * jschema.h - configuration files described by a table: which keys there are, of which type, with
 * which bounds and defaults.  One table serves the check, the defaults and the documentation, so a
 * default is written down once.
 *
 * Paths are dotted from the root; "[]" stands for every element of a list of objects:
 *
 *	{ .path = "name", .type = JSCHEMA_STR, .required = true, .doc = "name of the domain" },
 *	{ .path = "nodes", .type = JSCHEMA_LIST, .doc = "the machines" },
 *	{ .path = "nodes[].host", .type = JSCHEMA_STR, .required = true, .doc = "its address" },
 *	{ .path = NULL }
 *
 * A key that is not in the table, a wrong type, a value out of bounds or a missing required key is
 * JERR_FORMAT with FILE:LINE.  A null value counts as absent.
 */
#ifndef JSCHEMA_H
#define JSCHEMA_H

#include <stdbool.h>

#include "base/jerr.h"
#include "base/jstr.h"
#include "conf/jval.h"

enum jschema_type {
	JSCHEMA_STR,
	JSCHEMA_INT,
	JSCHEMA_NUM,
	JSCHEMA_BOOL,
	JSCHEMA_STRINGS,	/* list of strings */
	JSCHEMA_NUMBERS,	/* map from any name to a number */
	JSCHEMA_OBJ,		/* object; its keys are the rows "path.key" */
	JSCHEMA_LIST,		/* list of objects; their keys are the rows "path[].key" */
	JSCHEMA_ITEMS,		/* list of strings or objects, mixed; the same rows */
	JSCHEMA_ANY,		/* not looked into */
	JSCHEMA_LATER		/* accepted when empty, else refused: "doc are not supported yet" */
};

struct jschema_key {
	const char *path;
	enum jschema_type type;
	bool required;
	const char *deflt;	/* as written in the file; NULL = none */
	double min, max;	/* of numbers (also in JSCHEMA_NUMBERS); both 0 = no bounds */
	const char *choices;	/* of strings: "a|b|c"; NULL = any */
	const char *doc;	/* one line; for JSCHEMA_LATER what is not supported */
};

struct jschema {
	const char *what;	/* names the root in messages: "domain" */
	const struct jschema_key *key;	/* ends with .path NULL */
};

int jschema_check(const struct jschema *s, const struct jval *root, const char *file,
	struct jerr *e);

/*
 * The value at a path of the table, else the row's default (NULL, 0 or false without one).  at is
 * the root, or for a path with "[]" the element of that list.  The tree must have been checked.
 */
const char *jschema_str(const struct jschema *s, const struct jval *at, const char *path);
int64_t jschema_int(const struct jschema *s, const struct jval *at, const char *path);
double jschema_num(const struct jschema *s, const struct jval *at, const char *path);
bool jschema_bool(const struct jschema *s, const struct jval *at, const char *path);
/* The raw value at the path, NULL if absent or null. */
const struct jval *jschema_at(const struct jval *at, const char *path);

/* Appends the table as a commented YAML file with every key and its default. */
void jschema_template(const struct jschema *s, struct jbuf *out);

#endif
