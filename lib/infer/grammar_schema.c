/*
 * JSON Schema: the walk over a schema, references, and the choice by type.
 */
#include "infer/grammar_schema.h"

#include <string.h>

#define DEPTH 200

int
schema_fail(struct schema *s, const struct jval *at, const char *why)
{
	return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s", s->b->name, at ? at->line : 1, why);
}

/* Assertions that a left-to-right grammar cannot hold; what is in neither list is an annotation. */
static const char *const refused[] = { "not", "if", "then", "else", "dependentRequired",
	"dependentSchemas", "dependencies", "contains", "minContains", "maxContains", "uniqueItems",
	"multipleOf", "propertyNames", "$dynamicRef", "$recursiveRef", "unevaluatedItems",
	"unevaluatedProperties", NULL };

/* Forms of refused keywords that hold anyway: what we write never goes against them. */
static bool
harmless(const char *key, const struct jval *v)
{
	if (strcmp(key, "uniqueItems") == 0 || strncmp(key, "unevaluated", 11) == 0)
		return v->type == JVAL_BOOL && !(strcmp(key, "uniqueItems") == 0 && v->u.b);
	if (strcmp(key, "multipleOf") == 0)
		return v->type == JVAL_INT && v->u.i == 1;
	return false;
}

static int
check_keywords(struct schema *s, const struct jval *v)
{
	for (size_t i = 0; refused[i]; i++) {
		const struct jval *k = jval_get(v, refused[i]);

		if (k && !harmless(refused[i], k))
			return jerr_set(s->e, JERR_FORMAT, "%s:%d: the keyword \"%s\" cannot be held while "
				"writing from left to right", s->b->name, k->line, refused[i]);
	}
	return 0;
}

/* The token of a JSON pointer (RFC 6901) at p, unescaped. */
static const char *
pointer_token(const char *p, struct jbuf *out)
{
	jbuf_reset(out);
	for (; *p && *p != '/'; p++) {
		if (*p == '~' && (p[1] == '0' || p[1] == '1'))
			jbuf_addc(out, *++p == '0' ? '~' : '/');
		else
			jbuf_addc(out, *p);
	}
	return p;
}

static const struct jval *
resolve(const struct jval *root, const char *ref)
{
	const struct jval *v = root;
	struct jbuf key;

	if (*ref++ != '#')
		return NULL;
	jbuf_init(&key);
	while (v && *ref == '/') {
		ref = pointer_token(ref + 1, &key);
		if (v->type == JVAL_ARR) {
			uint64_t i;

			v = jstr_to_u64(key.p, &i) == 0 && i < v->u.a.n ? v->u.a.v[i] : NULL;
		} else {
			v = jval_get(v, key.p);
		}
	}
	jbuf_release(&key);
	return *ref ? NULL : v;
}

static int
target(struct schema *s, const struct jval *ref, const struct jval **v)
{
	if (ref->type != JVAL_STR)
		return schema_fail(s, ref, "$ref: expected a string");
	*v = resolve(s->root, ref->u.s.p);
	if (!*v)
		return jerr_set(s->e, JERR_FORMAT, "%s:%d: $ref \"%s\": nothing is there (references inside "
			"the schema alone are followed)", s->b->name, ref->line, ref->u.s.p);
	return 0;
}

int
view_add(struct schema *s, struct view *w, const struct jval *v)
{
	const struct jval *ref, *all, *other;
	int rc;

	if (v->type == JVAL_BOOL && v->u.b)
		return 0;
	if (v->type != JVAL_OBJ)
		return schema_fail(s, v, v->type == JVAL_BOOL ? "false: nothing satisfies it" :
			"expected a schema: an object, true or false");
	rc = check_keywords(s, v);
	if (rc < 0)
		return rc;
	if (w->n == VIEW_PARTS)
		return schema_fail(s, v, "$ref and allOf join too many schemas, or join themselves");
	w->v[w->n++] = v;
	ref = jval_get(v, "$ref");
	if (ref && ((rc = target(s, ref, &other)) < 0 || (rc = view_add(s, w, other)) < 0))
		return rc;
	all = jval_get(v, "allOf");
	for (size_t i = 0; all && all->type == JVAL_ARR && i < all->u.a.n; i++)
		if ((rc = view_add(s, w, all->u.a.v[i])) < 0)
			return rc;
	return 0;
}

static bool
same(const struct jval *a, const struct jval *b)
{
	struct jbuf x, y;
	bool equal;

	jbuf_init(&x);
	jbuf_init(&y);
	jjson_val(&x, a);
	jjson_val(&y, b);
	equal = x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
	jbuf_release(&x);
	jbuf_release(&y);
	return equal;
}

int
view_get(struct schema *s, const struct view *w, const char *key, const struct jval **out)
{
	*out = NULL;
	for (size_t i = 0; i < w->n; i++) {
		const struct jval *v = jval_get(w->v[i], key);

		if (!v)
			continue;
		if (*out && !same(*out, v))
			return jerr_set(s->e, JERR_FORMAT, "%s:%d: \"%s\" is said twice, differently (line %d)",
				s->b->name, v->line, key, (*out)->line);
		*out = v;
	}
	return 0;
}

bool
view_has(const struct view *w, const char *key)
{
	for (size_t i = 0; i < w->n; i++)
		if (jval_get(w->v[i], key))
			return true;
	return false;
}

/* --- types --- */
enum type { T_NULL = 1, T_BOOL = 2, T_INT = 4, T_NUM = 8, T_STR = 16, T_ARR = 32, T_OBJ = 64 };
#define T_ALL (T_NULL | T_BOOL | T_NUM | T_STR | T_ARR | T_OBJ)

static unsigned
type_of_name(const struct jval *v)
{
	static const struct { const char *name; unsigned t; } names[] = { { "null", T_NULL },
		{ "boolean", T_BOOL }, { "integer", T_INT }, { "number", T_NUM }, { "string", T_STR },
		{ "array", T_ARR }, { "object", T_OBJ } };

	for (size_t i = 0; v->type == JVAL_STR && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(v->u.s.p, names[i].name) == 0)
			return names[i].t;
	return 0;
}

static unsigned
type_of_value(const struct jval *v)
{
	static const unsigned t[] = { [JVAL_NULL] = T_NULL, [JVAL_BOOL] = T_BOOL,
		[JVAL_INT] = T_INT | T_NUM, [JVAL_DOUBLE] = T_NUM, [JVAL_STR] = T_STR,
		[JVAL_ARR] = T_ARR, [JVAL_OBJ] = T_OBJ };

	return t[v->type];
}

/* Without "type", the keywords tell what is meant; a value of that type satisfies the schema. */
static unsigned
implied(const struct view *w)
{
	static const struct { const char *key; unsigned t; } keys[] = { { "properties", T_OBJ },
		{ "required", T_OBJ }, { "additionalProperties", T_OBJ }, { "patternProperties", T_OBJ },
		{ "minProperties", T_OBJ }, { "maxProperties", T_OBJ },
		{ "items", T_ARR }, { "prefixItems", T_ARR }, { "minItems", T_ARR },
		{ "maxItems", T_ARR }, { "pattern", T_STR }, { "minLength", T_STR },
		{ "maxLength", T_STR }, { "format", T_STR }, { "minimum", T_NUM }, { "maximum", T_NUM },
		{ "exclusiveMinimum", T_NUM }, { "exclusiveMaximum", T_NUM } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (view_has(w, keys[i].key))
			return keys[i].t;
	return T_ALL;
}

/* The types that all parts allow. */
static int
types(struct schema *s, const struct view *w, unsigned *out)
{
	unsigned all = T_ALL | T_INT;
	bool said = false;

	for (size_t i = 0; i < w->n; i++) {
		const struct jval *v = jval_get(w->v[i], "type");
		unsigned t = 0, one;

		if (!v)
			continue;
		said = true;
		for (size_t k = 0; k < (v->type == JVAL_ARR ? v->u.a.n : 1); k++) {
			const struct jval *name = v->type == JVAL_ARR ? v->u.a.v[k] : v;

			one = type_of_name(name);
			if (!one)
				return schema_fail(s, name, "type: expected null, boolean, integer, number, "
					"string, array or object");
			t |= one == T_NUM ? T_NUM | T_INT : one;
		}
		if (jval_bool(w->v[i], "nullable", false))
			t |= T_NULL;
		all &= t;
	}
	if (!said)
		all = implied(w) == T_NUM ? T_NUM : implied(w);
	if (all & T_NUM)
		all &= ~(unsigned)T_INT;
	if (!all)
		return schema_fail(s, w->n ? w->v[0] : s->root, "no type satisfies all of it");
	*out = all;
	return 0;
}

static int
of_type(struct schema *s, const struct view *w, unsigned t, const struct gx **x)
{
	struct gx_list l = { 0 };

	switch (t) {
	case T_NULL:
		*x = gx_str(s->b, "null");
		return 0;
	case T_BOOL:
		gx_push(s->b, &l, gx_str(s->b, "true"));
		gx_push(s->b, &l, gx_str(s->b, "false"));
		*x = gx_alt(s->b, &l);
		return 0;
	case T_INT:
		return schema_number(s, w, true, x);
	case T_NUM:
		return schema_number(s, w, false, x);
	case T_STR:
		return schema_string(s, w, x);
	case T_ARR:
		return schema_array(s, w, x);
	default:
		return schema_object(s, w, x);
	}
}

static const struct gx *
literal(struct schema *s, const struct jval *v)
{
	const struct gx *x;
	struct jbuf b;

	jbuf_init(&b);
	jjson_val(&b, v);
	x = gx_bytes(s->b, b.p, b.n);
	jbuf_release(&b);
	return x;
}

/* const and enum: those of the values whose type is allowed. */
static int
values(struct schema *s, const struct view *w, const struct jval *one, const struct jval *list,
	const struct gx **x)
{
	struct gx_list l = { 0 };
	unsigned t = T_ALL | T_INT;
	bool found = !one || !list;
	int rc = view_has(w, "type") ? types(s, w, &t) : 0;

	if (rc < 0)
		return rc;
	if (list && (list->type != JVAL_ARR || list->u.a.n == 0))
		return schema_fail(s, list, "enum: expected a list of values");
	for (size_t i = 0; list && i < list->u.a.n; i++) {
		const struct jval *v = list->u.a.v[i];

		if (one && !same(one, v))
			continue;
		found = true;
		if (type_of_value(v) & t)
			gx_push(s->b, &l, literal(s, v));
	}
	if (!list && type_of_value(one) & t)
		gx_push(s->b, &l, literal(s, one));
	if (!found || l.n == 0)
		return schema_fail(s, list ? list : one, "none of these values satisfies the rest");
	*x = gx_alt(s->b, &l);
	return 0;
}

/* anyOf and oneOf: each branch together with what stands beside the list. */
static int
branches(struct schema *s, const struct view *w, const struct jval *list, bool one,
	const struct gx **x)
{
	struct view *views = NULL;
	struct gx_list l = { 0 };
	int rc = 0;

	if (list->type != JVAL_ARR || list->u.a.n == 0)
		return schema_fail(s, list, "expected a list of schemas");
	views = jmem_alloc(list->u.a.n, sizeof(*views));
	for (size_t i = 0; rc == 0 && i < list->u.a.n; i++) {
		const struct gx *part;

		views[i].n = 0;
		rc = view_add(s, &views[i], list->u.a.v[i]);
		for (size_t k = 0; rc == 0 && one && k < i; k++)
			if (!schema_disjoint(&views[k], &views[i]))
				rc = jerr_set(s->e, JERR_FORMAT, "%s:%d: oneOf: branches %zu and %zu may hold at "
					"once; say anyOf, or tell them apart by type, a required member or a "
					"constant", s->b->name, list->line, k + 1, i + 1);
		for (size_t k = 0; rc == 0 && k < w->n; k++) {
			if (views[i].n == VIEW_PARTS)
				rc = schema_fail(s, list, "too many schemas are joined");
			else
				views[i].v[views[i].n++] = w->v[k];
		}
		if (rc == 0)
			rc = schema_view(s, &views[i], &part);
		if (rc == 0)
			gx_push(s->b, &l, part);
	}
	jmem_free(views);
	*x = gx_alt(s->b, &l);
	return rc;
}

/* The first list of branches, and the parts without the one it stands in. */
static const struct jval *
next_branches(const struct view *w, struct view *rest, bool *one)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct jval *any = jval_get(w->v[i], "anyOf"), *of = jval_get(w->v[i], "oneOf");

		if (!any && !of)
			continue;
		*rest = *w;
		memmove(rest->v + i, rest->v + i + 1, (rest->n - i - 1) * sizeof(*rest->v));
		rest->n--;
		*one = !any;
		return any ? any : of;
	}
	return NULL;
}

/* Keywords beside anyOf, as a schema of their own. */
static const struct jval *
without_branches(struct schema *s, const struct jval *v)
{
	struct jval *o = jarena_alloc(&s->b->arena, 1, sizeof(*o));
	size_t n = 0;

	*o = *v;
	o->u.o.k = jarena_alloc(&s->b->arena, v->u.o.n, sizeof(*o->u.o.k));
	o->u.o.v = jarena_alloc(&s->b->arena, v->u.o.n, sizeof(*o->u.o.v));
	for (size_t i = 0; i < v->u.o.n; i++) {
		if (strcmp(v->u.o.k[i], "anyOf") == 0 || (strcmp(v->u.o.k[i], "oneOf") == 0 &&
		    !jval_get(v, "anyOf")))
			continue;
		o->u.o.k[n] = v->u.o.k[i];
		o->u.o.v[n++] = v->u.o.v[i];
	}
	o->u.o.n = n;
	return o;
}

int
schema_view(struct schema *s, const struct view *w, const struct gx **x)
{
	const struct jval *one, *list, *some;
	struct gx_list l = { 0 };
	struct view rest;
	unsigned t = 0;
	bool exactly;
	int rc;

	some = next_branches(w, &rest, &exactly);
	for (size_t i = 0; some && i < w->n; i++)
		if (jval_get(w->v[i], exactly ? "oneOf" : "anyOf") == some)
			rest.v[rest.n++] = without_branches(s, w->v[i]);
	if (some)
		return branches(s, &rest, some, exactly, x);
	rc = view_get(s, w, "const", &one);
	if (rc == 0)
		rc = view_get(s, w, "enum", &list);
	if (rc == 0 && (one || list))
		return values(s, w, one, list, x);
	if (rc == 0)
		rc = types(s, w, &t);
	if (rc == 0 && t == T_ALL && !view_has(w, "type")) {
		*x = gx_ref(s->b, s->value);
		return 0;
	}
	for (unsigned bit = 1; rc == 0 && bit <= T_OBJ; bit <<= 1) {
		const struct gx *part;

		if (!(t & bit))
			continue;
		rc = of_type(s, w, bit, &part);
		if (rc == 0)
			gx_push(s->b, &l, part);
	}
	if (rc == 0)
		*x = gx_alt(s->b, &l);
	return rc;
}

/* Does the schema consist of a reference and of annotations? */
static const struct jval *
plain_reference(const struct jval *v)
{
	static const char *const beside[] = { "$ref", "title", "description", "default", "examples",
		"$comment", "deprecated", "readOnly", "writeOnly" };
	const struct jval *ref = jval_get(v, "$ref");
	size_t known = 0;

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
		known += jval_get(v, beside[i]) != NULL;
	return ref && known == v->u.o.n ? ref : NULL;
}

static int
reference(struct schema *s, const struct jval *ref, const struct gx **x)
{
	const struct jval *v;
	size_t known = s->b->n;
	uint32_t rule;
	int rc = target(s, ref, &v);

	if (rc < 0)
		return rc;
	rule = gbuild_rule(s->b, ref->u.s.p, ref->u.s.n, ref->line);
	if (rule >= known) {
		JMEM_GROW(s->pending, s->cap_pending, s->n_pending + 1);
		s->pending[s->n_pending++] = (struct pending){ rule, v };
	}
	*x = gx_ref(s->b, rule);
	return 0;
}

int
schema_expr(struct schema *s, const struct jval *v, const struct gx **x)
{
	struct view w = { .n = 0 };
	const struct jval *ref = v->type == JVAL_OBJ ? plain_reference(v) : NULL;
	int rc;

	if (ref)
		return reference(s, ref, x);
	if (++s->depth > DEPTH)
		return schema_fail(s, v, "schemas are nested too deep");
	rc = view_add(s, &w, v);
	if (rc == 0)
		rc = schema_view(s, &w, x);
	s->depth--;
	return rc;
}

static int
build(struct schema *s, uint32_t *root)
{
	const struct gx *x;
	int rc;

	schema_json_rules(s);
	rc = schema_expr(s, s->root, &x);
	if (rc == 0)
		*root = gbuild_anonymous(s->b, x);
	while (rc == 0 && s->n_pending > 0) {
		struct pending p = s->pending[--s->n_pending];

		rc = schema_expr(s, p.v, &x);
		if (rc == 0)
			s->b->rules[p.rule].x = x;
	}
	return rc;
}

int
jgrammar_schema(struct jgrammar **out, const char *text, size_t n, const char *name,
	struct jerr *e)
{
	struct gbuild b;
	struct schema s = { .b = &b, .e = e };
	struct jval *root;
	uint32_t rule = 0;
	int rc;

	gbuild_init(&b, name);
	rc = jval_parse_json(&root, text, n, name, &b.arena, e);
	if (rc == 0) {
		s.root = root;
		rc = build(&s, &rule);
	}
	if (rc == 0)
		rc = grammar_compile(out, &b, rule, e);
	jmem_free(s.pending);
	gbuild_release(&b);
	return rc;
}
