/* YAML values: the core schema, lines, and all that is refused. */
#include "t.h"

#include "conf/jval.h"

static struct jarena a;

static void
read_as(const char *yaml, const char *json)
{
	struct jerr e = { 0 };
	struct jval *v;
	struct jbuf b;

	jbuf_init(&b);
	if (jval_parse_yaml(&v, yaml, strlen(yaml), "t", &a, &e) == 0)
		jjson_val(&b, v);
	else
		jbuf_adds(&b, e.msg);
	eq_str(b.p, json);
	jbuf_release(&b);
}

static void
test_scalars(void)
{
	read_as("[null, ~, , Null, NULL]", "t:1:11: did not find expected node content, "
		"while parsing a flow node");
	read_as("[null, ~, Null, NULL, nULL, \"\", '~']", "[null,null,null,null,\"nULL\",\"\",\"~\"]");
	read_as("[true, True, TRUE, false, tRUE, yes, no, on, 'true']",
		"[true,true,true,false,\"tRUE\",\"yes\",\"no\",\"on\",\"true\"]");
	read_as("[0, -1, +2, 012, 0o17, 0x1F, 1_000, 9223372036854775808]",
		"[0,-1,2,12,15,31,\"1_000\",9.223372036854776e+18]");
	read_as("[1.5, -.5, 1., 1e3, 1e+3, 1.e-2, ., e3, 1e, 1.2.3]",
		"[1.5,-0.5,1,1000,1000,0.01,\".\",\"e3\",\"1e\",\"1.2.3\"]");
	read_as("[.inf, -.inf, .nan, 1.10, \"1.10\"]", "[null,null,null,1.1,\"1.10\"]");
	read_as("a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}");
	read_as("1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}");
	read_as("", "null");
	read_as("# only a comment\n", "null");
}

static void
test_lines(void)
{
	static const char text[] = "a:\n  b: 1\n\n  c:\n    - x\n    - y: 2\n";
	struct jerr e = { 0 };
	struct jval *v;

	ok(jval_parse_yaml(&v, text, strlen(text), "t", &a, &e) == 0);
	eq_int(jval_get(v, "a")->line, 1);
	eq_int(jval_path(v, "a.b")->line, 2);
	eq_int(jval_path(v, "a.c")->line, 4);
	eq_int(jval_path(v, "a.c")->u.a.v[0]->line, 5);
	eq_int(jval_path(v, "a.c")->u.a.v[1]->line, 6);
}

static void
test_refused(void)
{
	char deep[200];

	read_as("a: 1\nb: 2\na: 3\n", "t:3: the key 'a' is there twice");
	read_as("a: &x 1\nb: *x\n", "t:1: anchors are not taken here");
	read_as("a: *x\n", "t:1: aliases are not taken here");
	read_as("a: &x [1]\n", "t:1: anchors are not taken here");
	read_as("b: {c: 1, <<: {a: 1}}\n", "t:1: merge keys are not taken here");
	read_as("a: !!python/object x\n", "t:1: tags are not taken here");
	read_as("? [1, 2]\n: 3\n", "t:1: keys that are lists or maps are not taken here");
	read_as("a: 1\n---\nb: 2\n", "t:2: a second document is not taken here");
	read_as("a: \"x\\0y\"\n", "t:1: NUL characters are not taken here");
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	deep[130] = '\0';
	read_as(deep, "t:1: deeper nesting is not taken here");
	read_as("a: [1, 2\nb: 3\n", "t:2:2: did not find expected ',' or ']', while parsing a flow sequence");
	read_as("a: \xff\n", "t: byte 3: invalid leading UTF-8 octet");
}

int
main(void)
{
	jarena_init(&a, 0);
	test_scalars();
	test_lines();
	test_refused();
	jarena_release(&a);
	return t_done();
}
