/* Records: the scan, typed values, byte-exact edits, building, the reader. */
#include <stdlib.h>
#include <unistd.h>

#include "t.h"

#include "io/jio.h"
#include "record/jreader.h"
#include "record/jrec.h"

static struct jarena a;

static struct jrec
parsed(const char *line)
{
	struct jerr e = { 0 };
	struct jrec r;

	ok(jrec_parse(&r, line, strlen(line), &a, &e) == 0);
	if (e.code)
		printf("# %s\n", e.msg);
	return r;
}

static void
refused(const char *line, const char *message)
{
	struct jerr e = { 0 };
	struct jrec r;

	eq_int(jrec_parse(&r, line, strlen(line), &a, &e), JERR_FORMAT);
	eq_str(e.msg, message);
}

static void
test_scan(void)
{
	struct jrec r = parsed(" { \"id\" : \"x\\u00e9\\n\" ,\"n\":-12,\"d\":1.50,\"w\":2e0,\"b\":true,"
		"\"o\":{\"k\":\"v\"},\"z\":null,\"arr\":[1,{}]} ");
	struct jrec sub;
	const char *s;
	size_t n;
	int64_t i;
	double d;
	bool b;

	eq_int(r.n, 8);
	ok(jrec_str(&r, "id", &s, &n));
	eq_str(s, "x\xc3\xa9\n");
	eq_int(n, 4);
	ok(!jrec_str(&r, "n", &s, &n) && !jrec_str(&r, "none", &s, &n));
	ok(jrec_int(&r, "n", &i) && i == -12);
	ok(jrec_int(&r, "w", &i) && i == 2);
	ok(!jrec_int(&r, "d", &i));
	ok(jrec_num(&r, "d", &d) && d == 1.5);
	ok(!jrec_num(&r, "id", &d) && !jrec_num(&r, "z", &d));
	ok(jrec_bool(&r, "b", &b) && b);
	ok(jrec_obj(&r, "o", &sub) && jrec_str(&sub, "k", &s, &n));
	eq_str(s, "v");
	ok(!jrec_obj(&r, "arr", &sub));
	r = parsed("{\"n\":9007199254740993,\"h\":1e400}");
	ok(jrec_int(&r, "n", &i) && i == 9007199254740993);
	ok(!jrec_num(&r, "h", &d));
	r = parsed("{}");
	eq_int(r.n, 0);
}

static void
test_refused(void)
{
	char many[2000];
	int i, at = 1;

	refused("", "byte 0: expected an object");
	refused("[]", "byte 0: expected an object");
	refused("{\"a\":1", "byte 6: expected ',' or '}' in an object");
	refused("{\"a\":1,}", "byte 7: expected a key in quotes");
	refused("{\"a\":1} x", "byte 8: something follows the object");
	refused("{\"a\":\"\xff\"}", "byte 6: invalid UTF-8");
	refused("{\"a\":{\"b\":}}", "byte 10: expected a value");
	refused("{\"a\":1,\"b\":2,\"a\":3}", "byte 13: the key \"a\" is there twice");
	refused("{\"a\":1,\"\\u0061\":3}", "byte 7: the key \"\\u0061\" is there twice");
	many[0] = '{';
	for (i = 0; i < 100; i++)
		at += snprintf(many + at, sizeof(many) - (size_t)at, "\"k%02d\":%d,", i, i);
	snprintf(many + at, sizeof(many) - (size_t)at, "\"k42\":0}");
	refused(many, "byte 891: the key \"k42\" is there twice");
}

static void
edited(const char *line, const struct jrec_edit *ed, size_t n, const char *expected)
{
	struct jrec r = parsed(line);
	struct jbuf b;

	jbuf_init(&b);
	jrec_write_edits(&r, ed, n, &b);
	eq_str(b.p, expected);
	jbuf_release(&b);
}

static void
test_edits(void)
{
	const struct jrec_edit set = { "b", "[1]", 3 }, add = { "new", "\"x\"", 3 };
	const struct jrec_edit del_a = { "a", NULL, 0 }, del_b = { "b", NULL, 0 };
	const struct jrec_edit both[] = { del_a, del_b }, mixed[] = { del_a, set, add };
	static const char line[] = " {\"a\": 1.50 , \"b\" :{\"x\":[ ]},\"\\u0063\":\"\\/\"} ";

	edited(line, NULL, 0, " {\"a\": 1.50 , \"b\" :{\"x\":[ ]},\"\\u0063\":\"\\/\"} \n");
	edited(line, &set, 1, " {\"a\": 1.50 , \"b\" :[1],\"\\u0063\":\"\\/\"} \n");
	edited(line, &add, 1, " {\"a\": 1.50 , \"b\" :{\"x\":[ ]},\"\\u0063\":\"\\/\",\"new\":\"x\"} \n");
	edited(line, &del_a, 1, " {\"b\" :{\"x\":[ ]},\"\\u0063\":\"\\/\"} \n");
	edited(line, &del_b, 1, " {\"a\": 1.50,\"\\u0063\":\"\\/\"} \n");
	edited(line, both, 2, " {\"\\u0063\":\"\\/\"} \n");
	edited(line, mixed, 3, " {\"b\" :[1],\"\\u0063\":\"\\/\",\"new\":\"x\"} \n");
	edited("{\"a\":1}", &del_a, 1, "{}\n");
	edited("{\"a\":1}", mixed, 3, "{\"b\":[1],\"new\":\"x\"}\n");
	edited("{ }", &add, 1, "{\"new\":\"x\" }\n");
	edited("{}", &del_a, 1, "{}\n");
}

static void
test_scores(void)
{
	struct jrec r = parsed("{\"id\":1}");
	size_t n;

	eq_str(jrec_add_score(&r, "jfilter.ppl", 12.5, &n), "{\"jfilter.ppl\":12.5}");
	eq_int(n, 20);
	r = parsed("{\"scores\":{\"a.b\":1,\"jfilter.ppl\":3}}");
	eq_str(jrec_add_score(&r, "jfilter.ppl", 0.1, &n), "{\"a.b\":1,\"jfilter.ppl\":0.1}");
	eq_str(jrec_add_score(&r, "x", 2, &n), "{\"a.b\":1,\"jfilter.ppl\":3,\"x\":2}");
}

static void
test_build(void)
{
	struct jbuf b;

	jbuf_init(&b);
	jrec_begin(&b);
	jrec_put_str(&b, "id", "a\"\n", 3);
	jrec_put_num(&b, "x", 0.5);
	jrec_put_int(&b, "n", -7);
	jrec_put_bool(&b, "ok", true);
	jrec_put_raw(&b, "o", "{}", 2);
	jrec_end(&b);
	jrec_begin(&b);
	jrec_end(&b);
	eq_str(b.p, "{\"id\":\"a\\\"\\n\",\"x\":0.5,\"n\":-7,\"ok\":true,\"o\":{}}\n{}\n");
	jbuf_release(&b);
}

static void
put(const char *path, const char *text)
{
	struct jerr e = { 0 };

	ok(jout_put(path, text, strlen(text), &e) == 0);
}

static void
test_reader(void)
{
	char dir[] = "/tmp/jreadXXXXXX", one[64], two[64], other[64];
	char *args[3] = { dir, one, NULL }, *line;
	struct jerr e = { 0 };
	struct jreader r;
	size_t n;

	ok(mkdtemp(dir) != NULL);
	snprintf(one, sizeof(one), "%s/b.jsonl", dir);
	snprintf(two, sizeof(two), "%s/a.jsonl", dir);
	snprintf(other, sizeof(other), "%s/notes.txt", dir);
	put(other, "no record\n");
	eq_int(jreader_open(&r, 1, args, &e), JERR_IO);
	ok(strstr(e.msg, "without *.jsonl") != NULL);
	jerr_clear(&e);
	put(one, "{\"b\":1}\n{\"b\":2}");
	put(two, "{\"a\":1}\n");
	ok(jreader_open(&r, 2, args, &e) == 0);
	eq_int(r.bytes_total, 8 + 15 + 15);
	r.max_line = 100;
	eq_int(jreader_line(&r, &line, &n, &e), 1);
	ok(n == 7 && memcmp(line, "{\"a\":1}", 7) == 0);
	eq_str(jreader_name(&r), two);
	eq_int(jreader_line(&r, &line, &n, &e), 1);
	eq_int(jreader_line(&r, &line, &n, &e), 1);
	eq_int(jreader_lineno(&r), 2);
	eq_str(jreader_name(&r), one);
	eq_int(jreader_line(&r, &line, &n, &e), 1);
	eq_int(jreader_line(&r, &line, &n, &e), 1);
	eq_int(jreader_line(&r, &line, &n, &e), 0);
	eq_int(jreader_done(&r), 38);
	jreader_close(&r);
	args[0] = other;
	snprintf(one, sizeof(one), "%s/none", dir);
	eq_int(jreader_open(&r, 2, args, &e), JERR_IO);
	ok(strstr(e.msg, "none: no such file") != NULL);
	unlink(other);
	unlink(two);
	snprintf(one, sizeof(one), "%s/b.jsonl", dir);
	unlink(one);
	ok(rmdir(dir) == 0);
}

int
main(void)
{
	jarena_init(&a, 0);
	test_scan();
	test_refused();
	test_edits();
	test_scores();
	test_build();
	test_reader();
	jarena_release(&a);
	return t_done();
}
