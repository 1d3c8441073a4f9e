/*
 * rules.h - rules: a signal, a side and a limit, in named sets.
 *
 * A set is a table of rows.  Shipped sets are tables in presets.c; the same rows are read from a
 * YAML file (what --print-rules writes), so a set can be printed, changed and given back:
 *
 *	name: docs
 *	about: pages of technical documentation
 *	clean: c4			# line rules that come first; may be left out
 *	rules:
 *	  - { rule: stub, signal: content_words, min: 20, why: "too little text to learn from" }
 *
 * A record is dropped by the first row whose signal is below min or above max; a signal that does
 * not apply (NaN) drops nothing.
 */
#ifndef RULES_H
#define RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/jerr.h"
#include "base/jmem.h"
#include "base/jstr.h"
#include "text/jclean.h"
#include "text/jsignal.h"

enum side { SIDE_MIN, SIDE_MAX };

struct rule_row {			/* as shipped */
	const char *rule, *signal;
	enum side side;
	double limit;
	const char *why;
};

struct preset {
	const char *name, *about;
	const struct rule_row *rows;	/* ends with .rule NULL */
	const char *clean;		/* line rules that come first (jclean.h); NULL = none */
};

struct rule {
	const char *name;
	const struct jsignal *signal;
	enum side side;
	double limit;
	const char *why;
};

struct ruleset {
	const char *name, *about;
	const struct jclean *clean;	/* NULL = none */
	struct rule *v;
	size_t n;
};

extern const struct preset presets[];	/* ends with .name NULL */

/* A shipped set by name, or the file of that name.  Everything is from the arena. */
int ruleset_load(struct ruleset *rs, const char *name, struct jarena *a, struct jerr *e);
/* "RULE=LIMIT" changes a limit, "RULE=off" takes the rule out.  1 if the set has the rule, else 0. */
int ruleset_set(struct ruleset *rs, const char *assignment, struct jerr *e);
/* Appends a row, unless a rule of that name is there. */
int ruleset_add(struct ruleset *rs, const struct rule_row *row, struct jarena *a, struct jerr *e);
void ruleset_print(const struct ruleset *rs, struct jbuf *out);
/* Line rules by name; NULL for "none".  JERR_ARG for others. */
int ruleset_clean(const struct jclean **clean, const char *name, struct jerr *e);
bool rule_holds(const struct rule *r, double value);
/* How far the value is on the good side; negative where the rule drops.  0 for NaN. */
double rule_margin(const struct rule *r, double value);

#endif
