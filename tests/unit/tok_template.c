/* tok_template.c - the template engine against what Jinja2 prints (tests/ref/check_templates.py). */
#include "t.h"

#include "base/jmem.h"
#include "tok/jtemplate.h"

/* Renders; the text, or the error message. */
static const char *
render(const char *src, const char *vars)
{
	static char buf[2048];
	struct jtemplate *t = NULL;
	struct jtemplate_out out;
	struct jarena a;
	struct jval *v;
	struct jerr e = { 0 };

	jarena_init(&a, 0);
	jtemplate_out_init(&out);
	if (jtemplate_parse(&t, src, strlen(src), &e) == 0 &&
	    jval_parse_json(&v, vars, strlen(vars), "vars", &a, &e) == 0 &&
	    jtemplate_render(t, v, &out, &e) == 0)
		snprintf(buf, sizeof(buf), "%.*s", (int)out.text.n, out.text.p);
	else
		snprintf(buf, sizeof(buf), "error: %s", e.msg);
	jtemplate_free(t);
	jtemplate_out_release(&out);
	jarena_release(&a);
	return buf;
}

static void
expressions(void)
{
	eq_str(render("{{ 1 + 2 * 3 }} {{ 7 // 2 }} {{ 7 / 2 }} {{ -7 % 3 }} {{ 2 ** 3 }}", "{}"),
		"7 3 3.5 2 8");
	eq_str(render("{{ 'a' ~ 1 ~ none }} {{ 'ab' * 2 }} {{ 1 < 2 < 3 }}", "{}"), "a1None abab True");
	eq_str(render("{{ x.y }}{{ x['y'][-1] }}{{ x.z is defined }}", "{\"x\":{\"y\":\"ab\"}}"),
		"abbFalse");
	eq_str(render("{{ 'a' if false }}|{{ 'a' if false else 'b' }}", "{}"), "|b");
	eq_str(render("{{ [1,'x',{'k':true}] }}", "{}"), "[1, 'x', {'k': True}]");
	eq_str(render("{{ l[1:] }}{{ l[::-1] }}{{ l[:-1] }}", "{\"l\":[1,2,3]}"),
		"[2, 3][3, 2, 1][1, 2]");
	eq_str(render("{{ 'h\xc3\xa9llo'[1] }}{{ 'h\xc3\xa9llo' | length }}", "{}"), "\xc3\xa9" "5");
	eq_str(render("{{ not 'x' in 'abc' }}{{ 'x' not in ['x'] }}", "{}"), "TrueFalse");
	eq_str(render("{{ a.b.c }}", "{\"a\":{}}"),
		"error: chat template: 'c' is asked of an undefined value");
}

static void
formats(void)
{
	static const char *const wrong[] = { "{{ '%d'|format('x') }}", "{{ '%s %s'|format(1) }}", "{{ '%s'|format(1,2) }}",
		"{{ '%q' % 1 }}", "{{ '%' % 1 }}", "{{ 'a' % 1 }}", "{{ '%(a)s' % 1 }}", "{{ '%(b)s' % {'a':1} }}",
		"{{ '%99999d' % 1 }}", "{{ '%f' % 'x' }}", "{{ '%s'|format(1, a=2) }}" };
	size_t i;

	eq_str(render("{{ '%s=%-4d|'|format('k', 7) }}{{ '%(a)s' % {'a':1} }}{{ '%%' % () }}", "{}"), "k=7   |1%");
	eq_str(render("{{ 1e3 }} {{ 2.5E-3 }} {{ '%04x%+.2f' % (255, 1e0) }}", "{}"), "1000.0 0.0025 00ff+1.00");
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ok(strncmp(render(wrong[i], "{}"), "error:", 6) == 0);
}

static void
statements(void)
{
	eq_str(render("{% for i in range(3) %}{{ loop.index }}{{ ',' if not loop.last }}{% endfor %}",
		"{}"), "1,2,3");
	eq_str(render("{% for k, v in d.items() %}{{ k }}={{ v }};{% else %}none{% endfor %}",
		"{\"d\":{\"a\":1,\"b\":[2]}}"), "a=1;b=[2];");
	eq_str(render("{% set ns = namespace(n=0) %}{% for i in [1,2,3] if i != 2 %}"
		"{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "{}"), "4");
	eq_str(render("{% macro m(a, b='x') %}<{{ a }}{{ b }}>{% endmacro %}{{ m(1) }}{{ m(1, b=2) }}",
		"{}"), "<1x><12>");
	eq_str(render("{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}"
		"{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{}"), "013");
	eq_str(render("{% set x %}  a {% endset %}[{{ x | trim }}]", "{}"), "[a]");
	eq_str(render("a\n  {% if true %}\nb\n  {% endif %}\nc\n", "{}"), "a\nb\nc");
	eq_str(render("a  {%- if true -%}  b  {%- endif %} c {# x #} d", "{}"), "ab c  d");
	eq_str(render("{{ raise_exception('no ' + 'system') }}", "{}"),
		"error: chat template: no system");
	eq_str(render("{% if x %}", "{}"),
		"error: chat template line 1: expected '{% elif %}' before the end");
}

static void
filters(void)
{
	eq_str(render("{{ x | tojson }}", "{\"x\":{\"a\":[1,2.5,null,true],\"b\":\"<\xc3\xa9\\\"\\n\"}}"),
		"{\"a\": [1, 2.5, null, true], \"b\": \"<\xc3\xa9\\\"\\n\"}");
	eq_str(render("{{ x | tojson(indent=2) }}", "{\"x\":{\"a\":[]}}"), "{\n  \"a\": []\n}");
	eq_str(render("{{ l | selectattr('k', 'equalto', 1) | map(attribute='n') | join('-') }}",
		"{\"l\":[{\"k\":1,\"n\":\"a\"},{\"k\":2,\"n\":\"b\"},{\"k\":1,\"n\":\"c\"}]}"), "a-c");
	eq_str(render("{{ u | default('d') }}{{ '' | default('e', true) }}", "{}"), "de");
	eq_str(render("{{ 'a,b,c'.split(',')[-1] }}{{ ' x '.strip() }}{{ 'ab'.startswith('a') }}", "{}"),
		"cxTrue");
	eq_str(render("{{ 'a\nb' | indent(2) }}", "{}"), "a\n  b");
	eq_str(render("{{ x | nosuch }}", "{}"), "error: chat template: no filter named 'nosuch'");
}

/* Bytes that came from a message carry its number. */
static void
origins(void)
{
	static const char vars[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
		"{\"role\":\"assistant\",\"content\":\" Yo \"}]}";
	static const char src[] = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}.{% endfor %}";
	struct jtemplate *t;
	struct jtemplate_out out;
	struct jarena a;
	struct jval *v;
	struct jerr e = { 0 };

	jarena_init(&a, 0);
	jtemplate_out_init(&out);
	ok(jtemplate_parse(&t, src, strlen(src), &e) == 0);
	ok(jval_parse_json(&v, vars, strlen(vars), "vars", &a, &e) == 0);
	ok(jtemplate_render(t, v, &out, &e) == 0);
	eq_str(out.text.p, "<user>Hi.<assistant>Yo.");
	eq_int(out.origin.n, out.text.n);
	ok(memcmp(out.origin.p, "\0\0\0\0\0\0\1\1\0\0\0\0\0\0\0\0\0\0\0\0\2\2\0", 23) == 0);
	jtemplate_free(t);
	jtemplate_out_release(&out);
	jarena_release(&a);
}

/* A template is foreign code: what it may cost is bounded. */
static void
bounds(void)
{
	char deep[1200];
	size_t i;

	eq_str(render("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
		"{}"), "error: chat template: needs more memory than a template may use");
	eq_str(render("{{ 'x' * 999999999999 }}", "{}"),
		"error: chat template: needs more memory than a template may use");
	eq_str(render("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{}"),
		"error: chat template: calls nested deeper than 60");
	deep[0] = deep[1] = '{';
	for (i = 2; i < 1000; i++)
		deep[i] = '(';
	deep[i] = 0;
	ok(strncmp(render(deep, "{}"), "error:", 6) == 0);
}

int
main(void)
{
	static const char chat[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
		"\"add_generation_prompt\":true}";

	expressions();
	formats();
	statements();
	filters();
	origins();
	bounds();
	eq_str(render(jtemplate_chatml, chat),
		"<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
	return t_done();
}
