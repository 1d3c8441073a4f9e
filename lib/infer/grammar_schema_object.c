/*
 * JSON Schema: objects and arrays.
 *
 * Members come in the order of the schema.  Whether a comma is due depends on what was written, so
 * the members from the i-th on are two rules: as the first thing in the braces, and after another.
 */
#include "infer/grammar_schema.h"

#include <stdlib.h>
#include <string.h>

struct member {
	const char *name;
	const struct gx *value;
	bool required;
};

struct object {
	struct member *m;
	size_t n, cap;
	const struct gx *extra;		/* one member that no name stands for; NULL: none */
	uint32_t min, max;		/* members */
};

int
schema_count(struct schema *s, const struct view *w, const char *key, uint32_t fallback,
	uint32_t *n)
{
	const struct jval *v;
	int rc = view_get(s, w, key, &v);

	*n = fallback;
	if (rc < 0 || !v)
		return rc;
	if (v->type != JVAL_INT || v->u.i < 0 || v->u.i > 100000000)
		return jerr_set(s->e, JERR_FORMAT, "%s:%d: %s: expected a count up to 100000000",
			s->b->name, v->line, key);
	*n = (uint32_t)v->u.i;
	return 0;
}

static bool
listed(const struct view *w, const char *key, const char *name)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct jval *list = jval_get(w->v[i], key);

		for (size_t k = 0; list && list->type == JVAL_ARR && k < list->u.a.n; k++)
			if (list->u.a.v[k]->type == JVAL_STR &&
			    strcmp(list->u.a.v[k]->u.s.p, name) == 0)
				return true;
	}
	return false;
}

static struct member *
find_member(struct object *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->m[i].name, name) == 0)
			return &o->m[i];
	return NULL;
}

/* "name": value */
static const struct gx *
pair(struct schema *s, const struct gx *name, const struct gx *value)
{
	struct gx_list l = { 0 };

	gx_push(s->b, &l, name);
	gx_push(s->b, &l, schema_sign(s, ":"));
	gx_push(s->b, &l, value);
	return gx_seq(s->b, &l);
}

static const struct gx *
quoted(struct schema *s, const char *name)
{
	const struct gx *x;
	struct jbuf b;

	jbuf_init(&b);
	jjson_str(&b, name, strlen(name));
	x = gx_bytes(s->b, b.p, b.n);
	jbuf_release(&b);
	return x;
}

/* All parts that define the member, joined. */
static int
member_value(struct schema *s, const struct view *w, const char *name, const struct gx **x)
{
	struct view both = { .n = 0 };
	const struct jval *only = NULL;
	size_t n = 0;
	int rc = 0;

	for (size_t i = 0; i < w->n && rc == 0; i++) {
		const struct jval *v = jval_get(jval_get(w->v[i], "properties"), name);

		if (!v)
			continue;
		n++;
		only = v;
		rc = view_add(s, &both, v);
	}
	if (rc < 0)
		return rc;
	return n == 1 ? schema_expr(s, only, x) : schema_view(s, &both, x);
}

static int
named_members(struct schema *s, const struct view *w, struct object *o)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct jval *p = jval_get(w->v[i], "properties");

		if (p && p->type != JVAL_OBJ)
			return schema_fail(s, p, "properties: expected an object");
		for (size_t k = 0; p && k < p->u.o.n; k++) {
			struct member m = { .name = p->u.o.k[k] };
			int rc;

			if (find_member(o, m.name))
				continue;
			m.required = listed(w, "required", m.name);
			if (!m.required && p->u.o.v[k]->type == JVAL_BOOL && !p->u.o.v[k]->u.b)
				continue;	/* forbidden: never written */
			rc = member_value(s, w, m.name, &m.value);
			if (rc < 0)
				return rc;
			JMEM_GROW(o->m, o->cap, o->n + 1);
			o->m[o->n++] = m;
		}
	}
	return 0;
}

/*
 * Strings that are none of the names at names[0..n-1], which share their first `at` bytes; no escapes,
 * so that no name is spelled another way.
 */
static const struct gx *
other_names(struct schema *s, const char *const *names, size_t n, size_t at)
{
	struct gx_list l = { 0 };
	struct grange *first = jmem_alloc(n + 3, sizeof(*first));
	const struct grange plain[] = { { 0, 31 }, { '"', '"' }, { '\\', '\\' } };
	const struct gx *any = gx_class(s->b, plain, 3, true);
	size_t k = 0, i, j;

	memcpy(first, plain, sizeof(plain));
	k = 3;
	for (i = 0; i < n; i = j) {
		char c = names[i][at];

		for (j = i + 1; j < n && names[j][at] == c; j++)
			;
		if (c == '\0')
			continue;
		first[k++] = (struct grange){ (unsigned char)c, (unsigned char)c };
		gx_push(s->b, &l, gx_seq2(s->b, gx_bytes(s->b, &c, 1),
			other_names(s, names + i, j - i, at + 1)));
	}
	gx_push(s->b, &l, gx_seq2(s->b, gx_class(s->b, first, k, true),
		gx_repeat(s->b, any, 0, GX_ANY)));
	if (n == 0 || names[0][at] != '\0')
		gx_push(s->b, &l, gx_empty(s->b));
	jmem_free(first);
	return gx_alt(s->b, &l);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
ascii_names(struct schema *s, const struct object *o, const struct view *w)
{
	for (size_t i = 0; i < o->n; i++)
		for (const char *p = o->m[i].name; *p; p++)
			if (*p < 32 || *p == '"' || *p == '\\' || p - o->m[i].name > 100)
				return schema_fail(s, w->v[0], "additional members beside names that are not "
					"plain ASCII or longer than 100 are not offered");
	return 0;
}

static int
extra_names(struct schema *s, const struct object *o, const struct view *w, const struct gx **x)
{
	const char **names;
	struct gx_list l = { 0 };
	int rc = ascii_names(s, o, w);

	if (rc < 0)
		return rc;
	if (o->n == 0) {
		*x = gx_ref(s->b, s->string);
		return 0;
	}
	names = jmem_alloc(o->n, sizeof(*names));
	for (size_t i = 0; i < o->n; i++)
		names[i] = o->m[i].name;
	qsort(names, o->n, sizeof(*names), by_text);
	gx_push(s->b, &l, gx_str(s->b, "\""));
	gx_push(s->b, &l, other_names(s, names, o->n, 0));
	gx_push(s->b, &l, gx_str(s->b, "\""));
	*x = gx_seq(s->b, &l);
	jmem_free(names);
	return 0;
}

/* Members by pattern: in an object without named ones, where no two patterns can clash. */
static int
pattern_members(struct schema *s, const struct view *w, const struct jval *p, struct object *o)
{
	const struct gregex_opts opts = { .json = true };
	struct gx_list name = { 0 };
	const struct gx *x, *value;
	int rc;

	if (o->n > 0 || p->type != JVAL_OBJ || p->u.o.n != 1 || view_has(w, "additionalProperties"))
		return schema_fail(s, p, "patternProperties: offered with one pattern, without properties "
			"and additionalProperties");
	rc = gregex_parse(s->b, p->u.o.k[0], strlen(p->u.o.k[0]), &opts, &x, s->e);
	if (rc == 0)
		rc = schema_expr(s, p->u.o.v[0], &value);
	if (rc < 0)
		return rc;
	gx_push(s->b, &name, gx_str(s->b, "\""));
	gx_push(s->b, &name, x);
	gx_push(s->b, &name, gx_str(s->b, "\""));
	o->extra = pair(s, gx_seq(s->b, &name), value);
	return 0;
}

/* Where nothing is said of members at all, any may be written; beside named ones none but by request. */
static int
extra_members(struct schema *s, const struct view *w, struct object *o)
{
	const struct jval *more, *pattern;
	const struct gx *name, *value = gx_ref(s->b, s->value);
	int rc = view_get(s, w, "additionalProperties", &more);

	if (rc == 0)
		rc = view_get(s, w, "patternProperties", &pattern);
	if (rc < 0)
		return rc;
	if (pattern)
		return pattern_members(s, w, pattern, o);
	if (more ? more->type == JVAL_BOOL && !more->u.b : view_has(w, "properties"))
		return 0;
	if (more && more->type != JVAL_BOOL)
		rc = schema_expr(s, more, &value);
	if (rc == 0)
		rc = extra_names(s, o, w, &name);
	if (rc == 0)
		o->extra = pair(s, name, value);
	return rc;
}

/* Required names that "properties" does not define: of any value, or as additional ones. */
static int
required_members(struct schema *s, const struct view *w, struct object *o)
{
	const struct jval *more;
	int rc = view_get(s, w, "additionalProperties", &more);

	for (size_t i = 0; rc == 0 && i < w->n; i++) {
		const struct jval *list = jval_get(w->v[i], "required");

		if (list && list->type != JVAL_ARR)
			return schema_fail(s, list, "required: expected a list of names");
		for (size_t k = 0; rc == 0 && list && k < list->u.a.n; k++) {
			struct member m = { .required = true, .value = gx_ref(s->b, s->value) };

			if (list->u.a.v[k]->type != JVAL_STR)
				return schema_fail(s, list, "required: expected a list of names");
			m.name = list->u.a.v[k]->u.s.p;
			if (find_member(o, m.name))
				continue;
			if (more && more->type == JVAL_BOOL && !more->u.b)
				return schema_fail(s, list, "a required member that additionalProperties "
					"forbids");
			if (more && more->type == JVAL_OBJ)
				rc = schema_expr(s, more, &m.value);
			JMEM_GROW(o->m, o->cap, o->n + 1);
			o->m[o->n++] = m;
		}
	}
	return rc;
}

static const struct gx *
after_comma(struct schema *s, const struct gx *x)
{
	return gx_seq2(s->b, schema_sign(s, ","), x);
}

/* extra members, `min` to `max` of them. */
static const struct gx *
extras(struct schema *s, const struct object *o, bool first, uint32_t min, uint32_t max)
{
	const struct gx *more, *some;

	if (!o->extra || max == 0)
		return gx_empty(s->b);
	more = after_comma(s, gx_ref(s->b, gbuild_anonymous(s->b, o->extra)));
	if (!first)
		return gx_repeat(s->b, more, min, max);
	some = gx_seq2(s->b, o->extra, gx_repeat(s->b, more, min ? min - 1 : 0,
		max == GX_ANY ? max : max - 1));
	return min ? some : gx_repeat(s->b, some, 0, 1);
}

/* The members from the last to the first: what follows as the first thing, and after a comma. */
static const struct gx *
member_chain(struct schema *s, const struct object *o, uint32_t min, uint32_t max)
{
	const struct gx *first = extras(s, o, true, min, max), *later = extras(s, o, false, min, max);

	for (size_t i = o->n; i-- > 0;) {
		const struct gx *m = gx_ref(s->b, gbuild_anonymous(s->b,
			pair(s, quoted(s, o->m[i].name), o->m[i].value)));
		const struct gx *tail = gx_ref(s->b, gbuild_anonymous(s->b, later));
		const struct gx *with = gx_seq2(s->b, m, tail);
		const struct gx *with_comma = after_comma(s, with);
		struct gx_list a = { 0 }, b = { 0 };

		gx_push(s->b, &a, with);
		gx_push(s->b, &b, with_comma);
		if (!o->m[i].required) {
			gx_push(s->b, &a, gx_ref(s->b, gbuild_anonymous(s->b, first)));
			gx_push(s->b, &b, tail);
		}
		first = gx_alt(s->b, &a);
		later = gx_alt(s->b, &b);
	}
	return first;
}

static int
member_counts(struct schema *s, const struct view *w, const struct object *o, uint32_t *min,
	uint32_t *max)
{
	size_t required = 0;
	int rc = schema_count(s, w, "minProperties", 0, min);

	if (rc == 0)
		rc = schema_count(s, w, "maxProperties", GX_ANY, max);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < o->n; i++)
		required += o->m[i].required;
	if (o->n == 0 && *min > 1)
		return schema_fail(s, w->v[0], "minProperties above 1 without named members: two members could "
			"have one name");
	if (o->n == 0)
		return 0;
	if (*min > required || (*max != GX_ANY && (*max < o->n || o->extra)))
		return schema_fail(s, w->v[0], "minProperties and maxProperties beside named members: offered "
			"where the required ones satisfy the one, and all of them the other");
	*min = 0;
	*max = GX_ANY;
	return 0;
}

int
schema_object(struct schema *s, const struct view *w, const struct gx **x)
{
	struct object o = { 0 };
	struct gx_list l = { 0 };
	uint32_t min = 0, max = GX_ANY;
	int rc = named_members(s, w, &o);

	if (rc == 0)
		rc = required_members(s, w, &o);
	if (rc == 0)
		rc = extra_members(s, w, &o);
	if (rc == 0)
		rc = member_counts(s, w, &o, &min, &max);
	if (rc == 0 && max < min)
		rc = schema_fail(s, w->v[0], "maxProperties below minProperties");
	if (rc == 0 && min > 0 && !o.extra && o.n == 0)
		rc = schema_fail(s, w->v[0], "minProperties, and no member is allowed");
	if (rc == 0) {
		gx_push(s->b, &l, schema_sign(s, "{"));
		gx_push(s->b, &l, member_chain(s, &o, min, max));
		gx_push(s->b, &l, gx_ref(s->b, s->ws));
		gx_push(s->b, &l, gx_str(s->b, "}"));
		*x = gx_seq(s->b, &l);
	}
	jmem_free(o.m);
	return rc;
}

/* --- arrays --- */

/* The items after the fixed ones; NULL: none may follow. */
static int
other_items(struct schema *s, const struct view *w, bool draft7, const struct gx **x)
{
	const struct jval *v;
	int rc = view_get(s, w, draft7 ? "additionalItems" : "items", &v);

	*x = gx_ref(s->b, s->value);
	if (rc < 0 || !v || (v->type == JVAL_BOOL && v->u.b))
		return rc;
	if (v->type == JVAL_BOOL)
		*x = NULL;
	else
		rc = schema_expr(s, v, x);
	return rc;
}

static int
fixed_items(struct schema *s, const struct jval *fixed, struct gx_list *l)
{
	for (size_t i = 0; fixed && i < fixed->u.a.n; i++) {
		const struct gx *x;
		int rc = schema_expr(s, fixed->u.a.v[i], &x);

		if (rc < 0)
			return rc;
		gx_push(s->b, l, x);
	}
	return 0;
}

/* From item i on: the fixed ones may be left out from the end, down to `min`. */
static const struct gx *
item_chain(struct schema *s, const struct gx_list *fixed, const struct gx *other, uint32_t min,
	uint32_t max)
{
	uint32_t k = (uint32_t)fixed->n, low = min > k ? min - k : 0;
	uint32_t high = max == GX_ANY ? GX_ANY : max > k ? max - k : 0;
	const struct gx *x = gx_empty(s->b);

	if (other && high > 0) {
		if (k > 0)
			return gx_repeat(s->b, after_comma(s, other), low, high);
		other = gx_ref(s->b, gbuild_anonymous(s->b, other));
		x = gx_seq2(s->b, other, gx_repeat(s->b, after_comma(s, other), low ? low - 1 : 0,
			high == GX_ANY ? GX_ANY : high - 1));
		if (low == 0)
			x = gx_repeat(s->b, x, 0, 1);
	}
	return x;
}

int
schema_array(struct schema *s, const struct view *w, const struct gx **x)
{
	const struct jval *fixed, *items;
	struct gx_list l = { 0 }, out = { 0 };
	const struct gx *other = NULL, *chain;
	uint32_t min = 0, max = GX_ANY;
	bool draft7;
	int rc = view_get(s, w, "prefixItems", &fixed);

	if (rc == 0)
		rc = view_get(s, w, "items", &items);
	draft7 = rc == 0 && items && items->type == JVAL_ARR;
	if (draft7)
		fixed = items;
	if (rc == 0 && fixed && fixed->type != JVAL_ARR)
		rc = schema_fail(s, fixed, "prefixItems: expected a list of schemas");
	if (rc == 0)
		rc = fixed_items(s, fixed, &l);
	if (rc == 0)
		rc = other_items(s, w, draft7, &other);
	if (rc == 0)
		rc = schema_count(s, w, "minItems", 0, &min);
	if (rc == 0)
		rc = schema_count(s, w, "maxItems", GX_ANY, &max);
	if (rc < 0)
		return rc;
	if (max < min || (!other && min > l.n))
		return schema_fail(s, w->n ? w->v[0] : s->root, "minItems: more than the schema allows");
	while (l.n > max)
		l.n--;
	chain = item_chain(s, &l, other, min, max);
	for (size_t i = l.n; i-- > 0;) {
		chain = gx_seq2(s->b, l.v[i], chain);
		if (i > 0)
			chain = after_comma(s, chain);
		if (i >= min)
			chain = gx_repeat(s->b, chain, 0, 1);
		if (i > 0)
			chain = gx_ref(s->b, gbuild_anonymous(s->b, chain));
	}
	gx_push(s->b, &out, schema_sign(s, "["));
	gx_push(s->b, &out, chain);
	gx_push(s->b, &out, gx_ref(s->b, s->ws));
	gx_push(s->b, &out, gx_str(s->b, "]"));
	*x = gx_seq(s->b, &out);
	return 0;
}

/* --- oneOf --- */
static const struct jval *
member_of(const struct view *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct jval *v = jval_get(jval_get(w->v[i], "properties"), name);

		if (v)
			return v;
	}
	return NULL;
}

/* Values a constant or an enumeration allows; NULL where there is neither. */
static const struct jval *
constants(const struct jval *v, size_t *n, const struct jval *const **list)
{
	const struct jval *one = jval_get(v, "const"), *some = jval_get(v, "enum");

	*n = 0;
	if (some && some->type == JVAL_ARR) {
		*list = (const struct jval *const *)some->u.a.v;
		*n = some->u.a.n;
	}
	return one;
}

static bool
equal_text(const struct jval *a, const struct jval *b)
{
	return a->type == JVAL_STR && b->type == JVAL_STR ? strcmp(a->u.s.p, b->u.s.p) == 0 :
		a->type != b->type ? false : a->type == JVAL_INT ? a->u.i == b->u.i : true;
}

static bool
share_constant(const struct jval *a, const struct jval *b)
{
	const struct jval *const *la, *const *lb, *one_a, *one_b;
	size_t na, nb;

	one_a = constants(a, &na, &la);
	one_b = constants(b, &nb, &lb);
	if ((!one_a && na == 0) || (!one_b && nb == 0))
		return true;		/* one of them allows more than constants */
	if (one_a) {
		la = &one_a;
		na = 1;
	}
	if (one_b) {
		lb = &one_b;
		nb = 1;
	}
	for (size_t i = 0; i < na; i++)
		for (size_t k = 0; k < nb; k++)
			if (equal_text(la[i], lb[k]))
				return true;
	return false;
}

/* Does b require a member that is never written for a? */
static bool
lacks_required(const struct view *a, const struct view *b)
{
	if (view_has(a, "additionalProperties") || !view_has(a, "properties"))
		return false;
	for (size_t i = 0; i < b->n; i++) {
		const struct jval *list = jval_get(b->v[i], "required");

		for (size_t k = 0; list && list->type == JVAL_ARR && k < list->u.a.n; k++)
			if (list->u.a.v[k]->type == JVAL_STR && !member_of(a, list->u.a.v[k]->u.s.p) &&
			    !listed(a, "required", list->u.a.v[k]->u.s.p))
				return true;
	}
	return false;
}

/* A member that both require, with constants that differ. */
static bool
told_apart(const struct view *a, const struct view *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct jval *list = jval_get(a->v[i], "required");

		for (size_t k = 0; list && list->type == JVAL_ARR && k < list->u.a.n; k++) {
			const char *name = list->u.a.v[k]->type == JVAL_STR ? list->u.a.v[k]->u.s.p : "";
			const struct jval *x = member_of(a, name), *y = member_of(b, name);

			if (x && y && listed(b, "required", name) && !share_constant(x, y))
				return true;
		}
	}
	return false;
}

static const struct jval *
single_type(const struct view *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct jval *v = jval_get(w->v[i], "type");

		if (v && v->type == JVAL_STR)
			return v;
	}
	return NULL;
}

bool
schema_disjoint(const struct view *a, const struct view *b)
{
	const struct jval *x = single_type(a), *y = single_type(b);

	if (x && y && strcmp(x->u.s.p, y->u.s.p) != 0)
		return !(strcmp(x->u.s.p, "integer") == 0 && strcmp(y->u.s.p, "number") == 0) &&
			!(strcmp(x->u.s.p, "number") == 0 && strcmp(y->u.s.p, "integer") == 0);
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (!share_constant(a->v[i], b->v[k]))
				return true;
	return told_apart(a, b) || (lacks_required(a, b) && lacks_required(b, a));
}
