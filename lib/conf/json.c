/*
 * json.c - JSON text to values.  The grammar is checked first by base/jjson.h, which the records
 * use too; what remains is to cut known-good text.  json-c is not used here: it knows no lines,
 * drops duplicate keys silently and takes twice as long for a tokenizer.json.  The unit test
 * compares with it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/jjson.h"
#include "conf/build.h"
#include "io/jio.h"

#define MAX_FILE ((size_t)1 << 30)

struct cutter {
	struct build b;
	const char *p, *end;
	int line;
};

static void
skip_space(struct cutter *c)
{
	const char *q = jjson_space(c->p, c->end);

	for (; c->p < q; c->p++)
		if (*c->p == '\n')
			c->line++;
}

/* The checked string at c->p, unescaped and terminated. */
static const char *
cut_string(struct cutter *c, size_t *n)
{
	struct jjson_fault f;
	const char *end = jjson_string(c->p, c->end, &f);
	size_t raw = (size_t)(end - c->p) - 2;
	char *s = jarena_strndup(c->b.arena, c->p + 1, raw);

	*n = raw;
	if (memchr(s, '\\', raw)) {
		*n = jjson_unescape(c->p + 1, raw, s);
		s[*n] = '\0';
	}
	c->p = end;
	return s;
}

/* An integer that fits is an integer, any other number a double. */
static struct jval *
cut_number(struct cutter *c)
{
	struct jjson_fault f;
	const char *end = jjson_value(c->p, c->end, 1, &f);
	size_t n = (size_t)(end - c->p);
	struct jval *v = build_value(&c->b, JVAL_INT, c->line);
	char few[64], *s = few;

	if (n >= sizeof(few))
		s = jmem_alloc(n + 1, 1);
	memcpy(s, c->p, n);
	s[n] = '\0';
	if (jstr_to_i64(s, &v->u.i) < 0) {
		v->type = JVAL_DOUBLE;
		v->u.d = strtod(s, NULL);
	}
	if (s != few)
		jmem_free(s);
	c->p = end;
	return v;
}

static struct jval *
cut_word(struct cutter *c)
{
	struct jval *v = build_value(&c->b, *c->p == 'n' ? JVAL_NULL : JVAL_BOOL, c->line);

	v->u.b = *c->p == 't';
	c->p += *c->p == 'f' ? 5 : 4;
	return v;
}

static struct jval *cut_value(struct cutter *c, struct jerr *e);

static const char *
cut_key(struct cutter *c, struct jerr *e)
{
	size_t n;
	const char *key = cut_string(c, &n);

	if (memchr(key, '\0', n)) {
		jerr_set(e, JERR_FORMAT, "%s:%d: a key with a NUL character", c->b.name, c->line);
		return NULL;
	}
	skip_space(c);
	c->p++;
	skip_space(c);
	return key;
}

static struct jval *
cut_container(struct cutter *c, struct jerr *e)
{
	bool object = *c->p == '{';
	struct jval *v = build_value(&c->b, object ? JVAL_OBJ : JVAL_ARR, c->line), *child;
	size_t from = c->b.n;
	const char *key;
	int line;

	for (;;) {
		c->p++;
		skip_space(c);
		if (*c->p == '}' || *c->p == ']')
			break;
		line = c->line;
		key = object ? cut_key(c, e) : NULL;
		if (object && !key)
			return NULL;
		child = cut_value(c, e);
		if (!child)
			return NULL;
		build_push(&c->b, key, child, line);
		skip_space(c);
		if (*c->p != ',')
			break;
	}
	c->p++;
	return build_close(&c->b, v, from, e) < 0 ? NULL : v;
}

/* Recursion is as deep as the checked text: at most JJSON_DEPTH. */
static struct jval *
cut_value(struct cutter *c, struct jerr *e)
{
	struct jval *v;

	if (*c->p == '{' || *c->p == '[')
		return cut_container(c, e);
	if (*c->p == '"') {
		v = build_value(&c->b, JVAL_STR, c->line);
		v->u.s.p = cut_string(c, &v->u.s.n);
		return v;
	}
	return *c->p == '-' || (*c->p >= '0' && *c->p <= '9') ? cut_number(c) : cut_word(c);
}

static int
bad_text(const char *p, const struct jjson_fault *f, const char *name, struct jerr *e)
{
	int line = 1, column = 1;

	for (; p < f->at; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	return jerr_set(e, JERR_FORMAT, "%s:%d:%d: %s", name, line, column, f->why);
}

int
jval_parse_json(struct jval **v, const char *p, size_t n, const char *name, struct jarena *a,
	struct jerr *e)
{
	struct cutter c = { .p = p, .end = p + n, .line = 1 };
	struct jjson_fault f;

	*v = NULL;
	if (jjson_check(p, n, JJSON_DEPTH, &f) < 0)
		return bad_text(p, &f, name, e);
	build_init(&c.b, a, name);
	skip_space(&c);
	*v = cut_value(&c, e);
	build_release(&c.b);
	return *v ? 0 : e->code;
}

int
jval_load_json(struct jval **v, const char *path, struct jarena *a, struct jerr *e)
{
	struct jbuf b;
	int rc;

	jbuf_init_max(&b, MAX_FILE);
	rc = jin_slurp(path, &b, e);
	if (rc == 0)
		rc = jval_parse_json(v, b.p, b.n, path, a, e);
	jbuf_release(&b);
	return rc;
}
