/*
 * value.c - reading values, and writing them as JSON.
 */
#include <string.h>

#include "base/jjson.h"
#include "conf/jval.h"

const struct jval *
jval_get(const struct jval *obj, const char *key)
{
	size_t i;

	if (!obj || obj->type != JVAL_OBJ)
		return NULL;
	for (i = 0; i < obj->u.o.n; i++)
		if (strcmp(obj->u.o.k[i], key) == 0)
			return obj->u.o.v[i];
	return NULL;
}

const struct jval *
jval_path(const struct jval *obj, const char *dotted)
{
	const char *dot;
	size_t i, n;

	for (; obj && *dotted; dotted += n + (dot != NULL)) {
		dot = strchr(dotted, '.');
		n = dot ? (size_t)(dot - dotted) : strlen(dotted);
		if (obj->type != JVAL_OBJ)
			return NULL;
		for (i = 0; i < obj->u.o.n; i++)
			if (strncmp(obj->u.o.k[i], dotted, n) == 0 && !obj->u.o.k[i][n])
				break;
		obj = i < obj->u.o.n ? obj->u.o.v[i] : NULL;
	}
	return obj;
}

const char *
jval_str(const struct jval *obj, const char *key, const char *fallback)
{
	const struct jval *v = jval_get(obj, key);

	return v && v->type == JVAL_STR ? v->u.s.p : fallback;
}

int64_t
jval_int(const struct jval *obj, const char *key, int64_t fallback)
{
	const struct jval *v = jval_get(obj, key);

	if (v && v->type == JVAL_INT)
		return v->u.i;
	/* 2.0 is a whole number too; beyond 2^53 a double does not tell which. */
	if (v && v->type == JVAL_DOUBLE && v->u.d >= -9007199254740992.0 &&
	    v->u.d <= 9007199254740992.0 && v->u.d == (double)(int64_t)v->u.d)
		return (int64_t)v->u.d;
	return fallback;
}

double
jval_num(const struct jval *obj, const char *key, double fallback)
{
	const struct jval *v = jval_get(obj, key);

	if (v && v->type == JVAL_INT)
		return (double)v->u.i;
	return v && v->type == JVAL_DOUBLE ? v->u.d : fallback;
}

bool
jval_bool(const struct jval *obj, const char *key, bool fallback)
{
	const struct jval *v = jval_get(obj, key);

	return v && v->type == JVAL_BOOL ? v->u.b : fallback;
}

static void
put_array(struct jbuf *b, const struct jval *v)
{
	size_t i;

	jbuf_addc(b, '[');
	for (i = 0; i < v->u.a.n; i++) {
		if (i)
			jbuf_addc(b, ',');
		jjson_val(b, v->u.a.v[i]);
	}
	jbuf_addc(b, ']');
}

static void
put_object(struct jbuf *b, const struct jval *v)
{
	size_t i;

	jbuf_addc(b, '{');
	for (i = 0; i < v->u.o.n; i++) {
		if (i)
			jbuf_addc(b, ',');
		jjson_str(b, v->u.o.k[i], strlen(v->u.o.k[i]));
		jbuf_addc(b, ':');
		jjson_val(b, v->u.o.v[i]);
	}
	jbuf_addc(b, '}');
}

void
jjson_val(struct jbuf *b, const struct jval *v)
{
	switch (v->type) {
	case JVAL_NULL:
		jbuf_adds(b, "null");
		break;
	case JVAL_BOOL:
		jbuf_adds(b, v->u.b ? "true" : "false");
		break;
	case JVAL_INT:
		jjson_int(b, v->u.i);
		break;
	case JVAL_DOUBLE:
		jjson_num(b, v->u.d);
		break;
	case JVAL_STR:
		jjson_str(b, v->u.s.p, v->u.s.n);
		break;
	case JVAL_ARR:
		put_array(b, v);
		break;
	case JVAL_OBJ:
		put_object(b, v);
		break;
	}
}
