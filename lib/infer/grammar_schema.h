/*
 * grammar_schema.h - inside the room infer: JSON Schema to expressions, one file for the walk, one
 * for objects and arrays, one for strings and numbers.
 */
#ifndef GRAMMAR_SCHEMA_H
#define GRAMMAR_SCHEMA_H

#include "conf/jval.h"
#include "infer/grammar.h"

#define VIEW_PARTS 32

/* A schema and what holds beside it (allOf, the target of a reference, one branch of anyOf). */
struct view {
	const struct jval *v[VIEW_PARTS];
	size_t n;
};

struct schema {
	struct gbuild *b;
	const struct jval *root;
	struct jerr *e;
	uint32_t value, string, ws;	/* shared rules: any value, any string, white space */
	int depth;
	struct pending {		/* references whose rule is named and not built */
		uint32_t rule;
		const struct jval *v;
	} *pending;
	size_t n_pending, cap_pending;
};

int schema_fail(struct schema *s, const struct jval *at, const char *why);
/* The one value of a keyword in all parts; NULL where none has it.  Two that differ are an error. */
int view_get(struct schema *s, const struct view *w, const char *key, const struct jval **v);
bool view_has(const struct view *w, const char *key);
int schema_expr(struct schema *s, const struct jval *v, const struct gx **x);
int schema_view(struct schema *s, const struct view *w, const struct gx **x);
/* Adds a schema with its references and allOf to the parts. */
int view_add(struct schema *s, struct view *w, const struct jval *v);

int schema_object(struct schema *s, const struct view *w, const struct gx **x);
int schema_array(struct schema *s, const struct view *w, const struct gx **x);
int schema_string(struct schema *s, const struct view *w, const struct gx **x);
int schema_number(struct schema *s, const struct view *w, bool integer, const struct gx **x);
/* Rules of plain JSON: value, string, ws. */
void schema_json_rules(struct schema *s);
const struct gx *schema_sign(struct schema *s, const char *sign);	/* then white space */
const struct gx *schema_char(struct gbuild *b);		/* one character of a JSON string */
const struct gx *schema_any_number(struct gbuild *b, bool integer);
/* A count keyword (minItems, ...): fallback where absent. */
int schema_count(struct schema *s, const struct view *w, const char *key, uint32_t fallback,
	uint32_t *n);
/* Can a value written for schema a never satisfy b, nor one written for b satisfy a? */
bool schema_disjoint(const struct view *a, const struct view *b);

#endif
