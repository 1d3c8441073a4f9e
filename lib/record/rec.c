/*
 * rec.c - one JSONL line into members, and typed reading of their values.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jjson.h"
#include "record/jrec.h"

#define FEW 16		/* up to here every key is compared with every other */

static int
bad_line(const struct jrec *r, const struct jjson_fault *f, struct jerr *e)
{
	return jerr_set(e, JERR_FORMAT, "byte %zu: %s", (size_t)(f->at - r->line), f->why);
}

static void
add_member(struct jrec *r, const struct jrec_member *m)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 16;
		struct jrec_member *more = jarena_alloc(r->arena, cap, sizeof(*more));

		if (r->n)
			memcpy(more, r->m, r->n * sizeof(*more));
		r->m = more;
		r->cap = cap;
	}
	r->m[r->n++] = *m;
}

/* One "key": value at p; the byte after it, or NULL with *f filled. */
static const char *
scan_member(struct jrec *r, const char *p, const char *end, struct jjson_fault *f)
{
	struct jrec_member m;

	if (p >= end || *p != '"') {
		*f = (struct jjson_fault){ p, "expected a key in quotes" };
		return NULL;
	}
	m.key = p + 1;
	p = jjson_string(p, end, f);
	if (!p)
		return NULL;
	m.key_n = (size_t)(p - 1 - m.key);
	p = jjson_space(p, end);
	if (p >= end || *p != ':') {
		*f = (struct jjson_fault){ p, "expected ':' after a key" };
		return NULL;
	}
	m.val = jjson_space(p + 1, end);
	p = jjson_value(m.val, end, JJSON_DEPTH - 1, f);
	if (!p)
		return NULL;
	m.val_n = (size_t)(p - m.val);
	add_member(r, &m);
	return p;
}

static int
scan_members(struct jrec *r, struct jjson_fault *f)
{
	const char *end = r->line + r->line_n, *p = jjson_space(r->line, end);

	*f = (struct jjson_fault){ p, "expected an object" };
	if (p >= end || *p != '{')
		return -1;
	p = jjson_space(p + 1, end);
	if (p < end && *p == '}') {
		p++;
	} else {
		for (;;) {
			p = scan_member(r, p, end, f);
			if (!p)
				return -1;
			p = jjson_space(p, end);
			if (p >= end || *p != ',')
				break;
			p = jjson_space(p + 1, end);
		}
		*f = (struct jjson_fault){ p, "expected ',' or '}' in an object" };
		if (p >= end || *p != '}')
			return -1;
		p++;
	}
	p = jjson_space(p, end);
	*f = (struct jjson_fault){ p, "something follows the object" };
	return p < end ? -1 : 0;
}

/* Keys are compared by what they mean: "a" and "\u0061" are the same. */
static struct jrec_member
plain_key(const struct jrec *r, size_t i)
{
	struct jrec_member m = r->m[i];

	if (memchr(m.key, '\\', m.key_n)) {
		char *s = jarena_alloc(r->arena, m.key_n, 1);

		m.key_n = jjson_unescape(m.key, m.key_n, s);
		m.key = s;
	}
	return m;
}

static bool
same_key(const struct jrec_member *a, const struct jrec_member *b)
{
	return a->key_n == b->key_n && memcmp(a->key, b->key, a->key_n) == 0;
}

/* Index of a member whose key an earlier one has, or n. */
static size_t
duplicate_of_many(const struct jrec *r)
{
	struct jrec_member *k = jarena_alloc(r->arena, r->n, sizeof(*k));
	size_t cap = 64, i, at, *table;

	while (cap < 2 * r->n)
		cap *= 2;
	table = jarena_alloc(r->arena, cap, sizeof(*table));
	for (i = 0; i < r->n; i++) {
		k[i] = plain_key(r, i);
		at = (size_t)jhash64(k[i].key, k[i].key_n, 0) & (cap - 1);
		while (table[at] && !same_key(&k[table[at] - 1], &k[i]))
			at = (at + 1) & (cap - 1);
		if (table[at])
			return i;
		table[at] = i + 1;
	}
	return i;
}

static size_t
duplicate(const struct jrec *r)
{
	struct jrec_member k[FEW];
	size_t i, j;

	if (r->n > FEW)
		return duplicate_of_many(r);
	for (i = 0; i < r->n; i++) {
		k[i] = plain_key(r, i);
		for (j = 0; j < i; j++)
			if (same_key(&k[i], &k[j]))
				return i;
	}
	return i;
}

int
jrec_parse(struct jrec *r, const char *line, size_t n, struct jarena *a, struct jerr *e)
{
	struct jjson_fault f;
	size_t i;

	*r = (struct jrec){ .line = line, .line_n = n, .arena = a };
	if (scan_members(r, &f) < 0)
		return bad_line(r, &f, e);
	i = duplicate(r);
	if (i < r->n)
		return jerr_set(e, JERR_FORMAT, "byte %zu: the key \"%.*s\" is there twice",
			(size_t)(r->m[i].key - 1 - line),
			(int)(r->m[i].key_n < 80 ? r->m[i].key_n : 80), r->m[i].key);
	return 0;
}

const struct jrec_member *
jrec_find(const struct jrec *r, const char *key)
{
	size_t i, n = strlen(key);

	for (i = 0; i < r->n; i++)
		if (r->m[i].key_n == n && memcmp(r->m[i].key, key, n) == 0)
			return &r->m[i];
	return NULL;
}

const char *
jrec_unescape(const char *val, size_t val_n, struct jarena *a, size_t *n)
{
	size_t raw = val_n - 2;
	char *s = jarena_strndup(a, val + 1, raw);

	*n = raw;
	if (memchr(s, '\\', raw)) {
		*n = jjson_unescape(val + 1, raw, s);
		s[*n] = '\0';
	}
	return s;
}

bool
jrec_str(const struct jrec *r, const char *key, const char **s, size_t *n)
{
	const struct jrec_member *m = jrec_find(r, key);

	if (!m || *m->val != '"')
		return false;
	*s = jrec_unescape(m->val, m->val_n, r->arena, n);
	return true;
}

/*
 * The line is not terminated, but a value inside an object is followed by one of ",}" or white
 * space, where strtod() stops.
 */
bool
jrec_num(const struct jrec *r, const char *key, double *v)
{
	const struct jrec_member *m = jrec_find(r, key);
	double d;

	if (!m || (*m->val != '-' && (*m->val < '0' || *m->val > '9')))
		return false;
	d = strtod(m->val, NULL);
	if (!isfinite(d))
		return false;
	*v = d;
	return true;
}

bool
jrec_int(const struct jrec *r, const char *key, int64_t *v)
{
	const struct jrec_member *m = jrec_find(r, key);
	char few[24];
	double d;

	if (!m || !jrec_num(r, key, &d))
		return false;
	if (m->val_n < sizeof(few)) {
		memcpy(few, m->val, m->val_n);
		few[m->val_n] = '\0';
		if (jstr_to_i64(few, v) == 0)
			return true;
	}
	/* 2.0 and 1e3 are whole numbers too; beyond 2^53 a double does not tell which. */
	if (fabs(d) > 9007199254740992.0 || d != floor(d))
		return false;
	*v = (int64_t)d;
	return true;
}

bool
jrec_bool(const struct jrec *r, const char *key, bool *v)
{
	const struct jrec_member *m = jrec_find(r, key);

	if (!m || (*m->val != 't' && *m->val != 'f'))
		return false;
	*v = *m->val == 't';
	return true;
}

bool
jrec_obj(const struct jrec *r, const char *key, struct jrec *sub)
{
	const struct jrec_member *m = jrec_find(r, key);

	return m && *m->val == '{' && jrec_parse(sub, m->val, m->val_n, r->arena, NULL) == 0;
}
