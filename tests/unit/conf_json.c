/* JSON values: grammar against json-c, lines, duplicates, bounds, and what is written. */
#include <json-c/json.h>
#include <stdlib.h>

#include "t.h"

#include "conf/jval.h"

static struct jarena a;

static struct jval *
parse(const char *s)
{
	struct jerr e = { 0 };
	struct jval *v;

	return jval_parse_json(&v, s, strlen(s), "t", &a, &e) == 0 ? v : NULL;
}

static void
refused(const char *s, const char *message)
{
	struct jerr e = { 0 };
	struct jval *v;

	ok(jval_parse_json(&v, s, strlen(s), "t", &a, &e) == JERR_FORMAT);
	ok(v == NULL);
	eq_str(e.msg, message);
}

static void
written(const char *s, const char *expected)
{
	struct jval *v = parse(s);
	struct jbuf b;

	jbuf_init(&b);
	if (ok(v != NULL))
		jjson_val(&b, v);
	eq_str(b.p, expected);
	jbuf_release(&b);
}

/* The tree must be what json-c makes of the same text. */
static int
same(const struct jval *v, struct json_object *o)
{
	struct json_object *x;
	size_t i;

	switch (v->type) {
	case JVAL_NULL:
		return o == NULL;
	case JVAL_BOOL:
		return json_object_is_type(o, json_type_boolean) && json_object_get_boolean(o) == v->u.b;
	case JVAL_INT:
		return json_object_is_type(o, json_type_int) && json_object_get_int64(o) == v->u.i;
	case JVAL_DOUBLE:
		return json_object_get_double(o) == v->u.d;
	case JVAL_STR:
		return (size_t)json_object_get_string_len(o) == v->u.s.n &&
			memcmp(json_object_get_string(o), v->u.s.p, v->u.s.n) == 0;
	case JVAL_ARR:
		if (json_object_array_length(o) != v->u.a.n)
			return 0;
		for (i = 0; i < v->u.a.n; i++)
			if (!same(v->u.a.v[i], json_object_array_get_idx(o, i)))
				return 0;
		return 1;
	case JVAL_OBJ:
		if ((size_t)json_object_object_length(o) != v->u.o.n)
			return 0;
		for (i = 0; i < v->u.o.n; i++)
			if (!json_object_object_get_ex(o, v->u.o.k[i], &x) || !same(v->u.o.v[i], x))
				return 0;
		return 1;
	}
	return 0;
}

static void
test_against_json_c(void)
{
	static const char *const text[] = {
		"{}", "[]", "[ ]", "null", "true", " false ", "0", "-0", "-12", "1.5", "1e3", "1E-2", "0.0",
		"9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e400",
		"\"\"", "\"a\\u0041\\n\\t\\/\\\\\\\"\"", "\"\\ud83d\\ude00\"", "\"\\u00e9\"", "\"caf\xc3\xa9\"",
		"\"a\\u0000b\"", "[1,[2,[3,[]]],{\"a\":{\"b\":[{}]}}]",
		"{\"a\":1,\"b\":[true,null,\"x\"],\"c\":{\"d\":-1.25e-7}}",
		"\n{\t\"a\" :\r\n1 , \"b\": 2 }\n",
	};
	size_t i;

	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		struct json_object *o = json_tokener_parse(text[i]);
		struct jval *v = parse(text[i]);

		if (!ok(v && same(v, o)))
			printf("# %s\n", text[i]);
		json_object_put(o);
	}
}

static void
test_refused(void)
{
	refused("", "t:1:1: expected a value, found the end");
	refused("{\"a\":1,}", "t:1:8: expected a key in quotes");
	refused("[1,]", "t:1:4: expected a value");
	refused("[1 2]", "t:1:4: expected ',' or ']' in an array");
	refused("{\"a\" 1}", "t:1:6: expected ':' after a key");
	refused("{\"a\":1\n\"b\":2}", "t:2:1: expected ',' or '}' in an object");
	refused("01", "t:1:1: malformed number");
	refused("1.", "t:1:1: malformed number");
	refused(".5", "t:1:1: expected a value");
	refused("-", "t:1:1: malformed number");
	refused("1e", "t:1:1: malformed number");
	refused("NaN", "t:1:1: expected a value");
	refused("tru", "t:1:1: expected a value");
	refused("\"a", "t:1:3: the string does not end");
	refused("\"\\", "t:1:2: the string does not end");
	refused("\"\\x\"", "t:1:2: unknown escape");
	refused("\"\\u12g4\"", "t:1:2: expected four hexadecimal digits after \\u");
	refused("\"\\ud800\"", "t:1:2: a surrogate without its other half");
	refused("\"\\ude00\\ud83d\"", "t:1:2: a surrogate without its other half");
	refused("\"a\nb\"", "t:1:3: a control character in a string must be escaped");
	refused("\"\xff\"", "t:1:2: invalid UTF-8");
	refused("\"\xc0\xaf\"", "t:1:2: invalid UTF-8");
	refused("\"\xed\xa0\x80\"", "t:1:2: invalid UTF-8");
	refused("1 2", "t:1:3: something follows the value");
	refused("{\"a\":1,\n\"a\":2}", "t:2: the key 'a' is there twice");
	refused("[{\"a\":{\"x\":1},\n\"\\u0061\":3}]", "t:2: the key 'a' is there twice");
	refused("{\"a\\u0000b\":1}", "t:1: a key with a NUL character");
}

static void
test_bounds(void)
{
	char deep[300];
	struct jbuf b;
	struct jval *v;
	int i;

	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	deep[128] = '\0';
	ok(parse(deep) != NULL);
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	deep[130] = '\0';
	ok(parse(deep) == NULL);
	jbuf_init(&b);
	jbuf_addc(&b, '{');
	for (i = 0; i < 5000; i++)
		jbuf_printf(&b, "%s\"k%d\":%d", i ? "," : "", i, i);
	jbuf_addc(&b, '}');
	v = parse(b.p);
	ok(v && v->u.o.n == 5000 && jval_int(v, "k4999", 0) == 4999);
	b.n--;
	b.p[b.n] = '\0';
	jbuf_adds(&b, ",\"k77\":1}");
	ok(parse(b.p) == NULL);
	jbuf_release(&b);
}

static void
test_access(void)
{
	struct jval *v = parse("{\n\"a\":\n{\"b\":{\"c\":7,\"d\":2.0,\"e\":\"x\",\"f\":true}},\n\"n\":null}");

	eq_int(v->u.o.v[0]->line, 2);
	eq_int(jval_path(v, "a.b.c")->u.i, 7);
	eq_int(jval_path(v, "a.b.c")->line, 3);
	ok(!jval_path(v, "a.x.c") && !jval_path(v, "a.b.c.d") && !jval_get(NULL, "a"));
	eq_int(jval_int(jval_path(v, "a.b"), "d", 0), 2);
	eq_int(jval_int(v, "n", 5), 5);
	near(jval_num(jval_path(v, "a.b"), "c", 0), 7, 0);
	eq_str(jval_str(jval_path(v, "a.b"), "e", "?"), "x");
	ok(jval_bool(jval_path(v, "a.b"), "f", false));
}

static void
number(double d, const char *expected)
{
	struct jbuf b;

	jbuf_init(&b);
	jjson_num(&b, d);
	eq_str(b.p, expected);
	if (isfinite(d))
		ok(strtod(b.p, NULL) == d);
	jbuf_release(&b);
}

static void
test_written(void)
{
	struct jbuf b;

	written("{ \"a\" : [ 1 , 2.50 , -0.1 , true , null , \"x\" ] , \"b\" : { } }",
		"{\"a\":[1,2.5,-0.1,true,null,\"x\"],\"b\":{}}");
	written("\"\\u0001\\u001f\\u007f\\b\\f\\/\\u2028\"",
		"\"\\u0001\\u001f\x7f\\b\\f/\xe2\x80\xa8\"");
	number(0.1, "0.1");
	number(1.0 / 3, "0.3333333333333333");
	number(0.1 + 0.2, "0.30000000000000004");
	number(5e-324, "5e-324");
	number(1.7976931348623157e308, "1.7976931348623157e+308");
	number(1e22, "1e+22");
	number(-3, "-3");
	number(-0.0, "-0.0");
	number(NAN, "null");
	number(-INFINITY, "null");
	jbuf_init(&b);
	jjson_str(&b, "a\xff\xc3(\xf0\x9f\x98", 7);
	eq_str(b.p, "\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	jbuf_release(&b);
}

int
main(void)
{
	jarena_init(&a, 0);
	test_against_json_c();
	test_refused();
	test_bounds();
	test_access();
	test_written();
	jarena_release(&a);
	return t_done();
}
