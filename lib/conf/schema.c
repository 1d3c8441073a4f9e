/*
 * schema.c - a tree checked against a table of keys; values with their defaults.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "conf/jschema.h"

#define MAX_PATH_LEN 200

struct checker {
	const struct jschema *s;
	const char *file;
	struct jerr *e;
};

static int check_object(struct checker *c, const struct jval *v, const char *prefix);

/* The row's key below prefix ("nodes[]." of "nodes[].host"), or NULL if it is not right there. */
static const char *
key_below(const struct jschema_key *k, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(k->path, prefix, n) != 0 || strpbrk(k->path + n, ".["))
		return NULL;
	return k->path + n;
}

static const struct jschema_key *
find_row(const struct jschema *s, const char *path)
{
	const struct jschema_key *k;

	for (k = s->key; k->path; k++)
		if (strcmp(k->path, path) == 0)
			return k;
	return NULL;
}

/* What the object at prefix is called: "domain", "training", "nodes". */
static void
place(const struct checker *c, const char *prefix, char out[MAX_PATH_LEN])
{
	size_t n = strlen(prefix);

	while (n && strchr(".[]", prefix[n - 1]))
		n--;
	if (n >= MAX_PATH_LEN)
		n = MAX_PATH_LEN - 1;
	if (n == 0) {
		n = strlen(c->s->what);
		prefix = c->s->what;
	}
	memcpy(out, prefix, n);
	out[n] = '\0';
}

static int
unknown_key(struct checker *c, const struct jval *v, const char *key, const char *prefix)
{
	const struct jschema_key *k;
	const char *below, *best = NULL;
	char where[MAX_PATH_LEN];
	int d, best_d = 4;

	for (k = c->s->key; k->path; k++) {
		below = key_below(k, prefix);
		d = below ? jstr_distance(key, below) : 4;
		if (d < best_d && d < (int)strlen(below)) {
			best = below;
			best_d = d;
		}
	}
	place(c, prefix, where);
	if (best)
		return jerr_set(c->e, JERR_FORMAT,
			"%s:%d: unknown key '%.80s' in %s (did you mean '%s'?)", c->file, v->line,
			key, where, best);
	return jerr_set(c->e, JERR_FORMAT, "%s:%d: unknown key '%.80s' in %s", c->file, v->line, key,
		where);
}

static void
describe(const struct jval *v, struct jbuf *b)
{
	if (v->type == JVAL_ARR)
		jbuf_adds(b, "a list");
	else if (v->type == JVAL_OBJ)
		jbuf_adds(b, "an object");
	else
		jjson_val(b, v);
	if (b->n > 80) {
		b->n = 77;
		jbuf_adds(b, "...");
	}
}

static int
wrong(struct checker *c, const struct jschema_key *k, const struct jval *v, const char *expected)
{
	struct jbuf found;

	jbuf_init(&found);
	describe(v, &found);
	jerr_set(c->e, JERR_FORMAT, "%s:%d: %s: expected %s, found %s", c->file, v->line, k->path,
		expected, found.p);
	jbuf_release(&found);
	return c->e->code;
}

static int
check_number(struct checker *c, const struct jschema_key *k, const struct jval *v)
{
	double d = v->type == JVAL_INT ? (double)v->u.i : v->u.d;
	char expected[96];

	if (v->type != JVAL_INT && (v->type != JVAL_DOUBLE || !isfinite(d)))
		return wrong(c, k, v, "a number");
	if (k->type == JSCHEMA_INT && v->type != JVAL_INT)
		return wrong(c, k, v, "a whole number");
	if ((k->min == 0 && k->max == 0) || (d >= k->min && d <= k->max))
		return 0;
	snprintf(expected, sizeof(expected), "%.10g to %.10g", k->min, k->max);
	return wrong(c, k, v, expected);
}

static bool
is_choice(const char *choices, const char *s)
{
	size_t n = strlen(s), part;

	for (; *choices; choices += part + (choices[part] == '|')) {
		part = strcspn(choices, "|");
		if (part == n && memcmp(choices, s, n) == 0)
			return true;
	}
	return false;
}

static int
check_string(struct checker *c, const struct jschema_key *k, const struct jval *v)
{
	char expected[200];

	if (v->type != JVAL_STR)
		return wrong(c, k, v, "a text (in quotes if it looks like something else)");
	if (k->required && !v->u.s.n)
		return wrong(c, k, v, "a text that is not empty");
	if (!k->choices || is_choice(k->choices, v->u.s.p))
		return 0;
	snprintf(expected, sizeof(expected), "one of %s", k->choices);
	return wrong(c, k, v, expected);
}

static int
check_elements(struct checker *c, const struct jschema_key *k, const struct jval *v)
{
	char prefix[MAX_PATH_LEN];
	const struct jval *x;
	size_t i;
	int rc = 0;

	if (v->type != JVAL_ARR)
		return wrong(c, k, v, "a list");
	snprintf(prefix, sizeof(prefix), "%s[].", k->path);
	for (i = 0; i < v->u.a.n && rc == 0; i++) {
		x = v->u.a.v[i];
		if (x->type == JVAL_OBJ && k->type != JSCHEMA_STRINGS)
			rc = check_object(c, x, prefix);
		else if (k->type == JSCHEMA_LIST)
			rc = wrong(c, k, x, "an object in the list");
		else
			rc = check_string(c, k, x);
	}
	return rc;
}

static int
check_numbers(struct checker *c, const struct jschema_key *k, const struct jval *v)
{
	size_t i;

	if (v->type != JVAL_OBJ)
		return wrong(c, k, v, "names with numbers");
	for (i = 0; i < v->u.o.n; i++)
		if (check_number(c, k, v->u.o.v[i]) < 0)
			return c->e->code;
	return 0;
}

static bool
is_empty(const struct jval *v)
{
	size_t i;

	switch (v->type) {
	case JVAL_NULL:
		return true;
	case JVAL_STR:
		return v->u.s.n == 0;
	case JVAL_ARR:
		return v->u.a.n == 0;
	case JVAL_OBJ:
		for (i = 0; i < v->u.o.n; i++)
			if (!is_empty(v->u.o.v[i]))
				return false;
		return true;
	default:
		return false;
	}
}

static int
check_value(struct checker *c, const struct jschema_key *k, const struct jval *v)
{
	char prefix[MAX_PATH_LEN];

	switch (k->type) {
	case JSCHEMA_STR:
		return check_string(c, k, v);
	case JSCHEMA_INT:
	case JSCHEMA_NUM:
		return check_number(c, k, v);
	case JSCHEMA_BOOL:
		return v->type == JVAL_BOOL ? 0 : wrong(c, k, v, "true or false");
	case JSCHEMA_NUMBERS:
		return check_numbers(c, k, v);
	case JSCHEMA_STRINGS:
	case JSCHEMA_LIST:
	case JSCHEMA_ITEMS:
		return check_elements(c, k, v);
	case JSCHEMA_OBJ:
		if (v->type != JVAL_OBJ)
			return wrong(c, k, v, "an object");
		snprintf(prefix, sizeof(prefix), "%s.", k->path);
		return check_object(c, v, prefix);
	case JSCHEMA_LATER:
		return is_empty(v) ? 0 : jerr_set(c->e, JERR_UNSUPPORTED,
			"%s:%d: %s are not supported yet", c->file, v->line, k->doc);
	case JSCHEMA_ANY:
		return 0;
	}
	return 0;
}

static int
check_required(struct checker *c, const struct jval *v, const char *prefix)
{
	const struct jschema_key *k;
	const struct jval *x;
	const char *below;
	char where[MAX_PATH_LEN];

	for (k = c->s->key; k->path; k++) {
		below = k->required ? key_below(k, prefix) : NULL;
		x = below ? jval_get(v, below) : NULL;
		if (!below || (x && x->type != JVAL_NULL))
			continue;
		place(c, prefix, where);
		return jerr_set(c->e, JERR_FORMAT, "%s:%d: '%s' is missing in %s", c->file, v->line,
			below, where);
	}
	return 0;
}

/* Depth is bounded by the table: only rows of the table are descended into. */
static int
check_object(struct checker *c, const struct jval *v, const char *prefix)
{
	const struct jschema_key *k;
	char path[MAX_PATH_LEN];
	size_t i;

	for (i = 0; i < v->u.o.n; i++) {
		k = NULL;
		if (!strpbrk(v->u.o.k[i], ".[") &&
		    snprintf(path, sizeof(path), "%s%s", prefix, v->u.o.k[i]) < (int)sizeof(path))
			k = find_row(c->s, path);
		if (!k)
			return unknown_key(c, v->u.o.v[i], v->u.o.k[i], prefix);
		if (v->u.o.v[i]->type != JVAL_NULL && check_value(c, k, v->u.o.v[i]) < 0)
			return c->e->code;
	}
	return check_required(c, v, prefix);
}

int
jschema_check(const struct jschema *s, const struct jval *root, const char *file, struct jerr *e)
{
	struct jerr own = { 0 };
	struct checker c = { s, file, e ? e : &own };

	if (root->type != JVAL_OBJ)
		return jerr_set(c.e, JERR_FORMAT, "%s:%d: expected keys and values", file, root->line);
	return check_object(&c, root, "");
}

const struct jval *
jschema_at(const struct jval *at, const char *path)
{
	const char *p;
	const struct jval *v;

	/* Below a list the caller stands on the element: only what follows the last "[]." counts. */
	while ((p = strstr(path, "[].")) != NULL)
		path = p + 3;
	v = jval_path(at, path);
	return v && v->type != JVAL_NULL ? v : NULL;
}

static const struct jschema_key *
row(const struct jschema *s, const char *path)
{
	const struct jschema_key *k = find_row(s, path);

	if (!k)
		jbug("no key %s in the schema of %s", path, s->what);
	return k;
}

const char *
jschema_str(const struct jschema *s, const struct jval *at, const char *path)
{
	const struct jval *v = jschema_at(at, path);

	return v && v->type == JVAL_STR ? v->u.s.p : row(s, path)->deflt;
}

int64_t
jschema_int(const struct jschema *s, const struct jval *at, const char *path)
{
	const struct jval *v = jschema_at(at, path);
	const char *deflt = row(s, path)->deflt;
	int64_t i = 0;

	if (v && v->type == JVAL_INT)
		return v->u.i;
	if (deflt && jstr_to_i64(deflt, &i) < 0)
		jbug("the default of %s is no whole number", path);
	return i;
}

double
jschema_num(const struct jschema *s, const struct jval *at, const char *path)
{
	const struct jval *v = jschema_at(at, path);
	const char *deflt = row(s, path)->deflt;
	double d = 0;

	if (v && (v->type == JVAL_INT || v->type == JVAL_DOUBLE))
		return v->type == JVAL_INT ? (double)v->u.i : v->u.d;
	if (deflt && jstr_to_double(deflt, &d) < 0)
		jbug("the default of %s is no number", path);
	return d;
}

bool
jschema_bool(const struct jschema *s, const struct jval *at, const char *path)
{
	const struct jval *v = jschema_at(at, path);
	const char *deflt = row(s, path)->deflt;

	if (v && v->type == JVAL_BOOL)
		return v->u.b;
	return deflt && strcmp(deflt, "true") == 0;
}

static const char *
example(const struct jschema_key *k)
{
	switch (k->type) {
	case JSCHEMA_STRINGS:
	case JSCHEMA_ITEMS:
	case JSCHEMA_LATER:
		return "[]";
	case JSCHEMA_NUMBERS:
		return "{}";
	default:
		return k->deflt ? k->deflt : "";
	}
}

void
jschema_template(const struct jschema *s, struct jbuf *out)
{
	const struct jschema_key *k;
	const char *p, *name;
	int depth;
	bool nested;

	for (k = s->key; k->path; k++) {
		depth = 0;
		name = k->path;
		for (p = k->path; *p; p++)
			if (*p == '.') {
				depth++;
				name = p + 1;
			}
		nested = k->type == JSCHEMA_OBJ || k->type == JSCHEMA_LIST;
		jbuf_printf(out, "%*s# %s", 2 * depth, "", k->type == JSCHEMA_LATER ? "" : k->doc);
		if (k->type == JSCHEMA_LATER)
			jbuf_printf(out, "%s are not supported yet", k->doc);
		if (k->choices)
			jbuf_printf(out, " (%s)", k->choices);
		/* Keys of list elements are shown as comments: an empty list has no element. */
		jbuf_printf(out, "\n%*s%s%s:%s%s\n", 2 * depth, "", strchr(k->path, '[') ? "# " : "",
			name, nested ? "" : " ", k->type == JSCHEMA_LIST ? " []" : example(k));
	}
}
