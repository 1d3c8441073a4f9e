/* Grammars: which texts belong, what is refused and why, and masks against a naive walk. */
#include "t.h"

#include "infer/jgrammar.h"

struct table {
	const char *text;
	bool whole;
};

typedef int (*reader)(struct jgrammar **g, const char *text, size_t n, const char *name,
	struct jerr *e);

static void
matches(reader read, const char *source, const struct table *t)
{
	struct jgrammar *g;
	struct jerr e = { 0 };

	if (!ok(read(&g, source, strlen(source), "t", &e) == 0)) {
		printf("# %s: %s\n", source, e.msg);
		return;
	}
	for (; t->text; t++)
		if (!ok(jgrammar_match(g, t->text, strlen(t->text)) == t->whole))
			printf("# %s: %s\n", source, t->text);
	jgrammar_free(g);
}
#define MATCHES(read, source, ...) \
	matches(read, source, (const struct table[]){ __VA_ARGS__, { NULL, false } })

static void
refused(reader read, const char *source, const char *why)
{
	struct jgrammar *g;
	struct jerr e = { 0 };

	ok(read(&g, source, strlen(source), "t", &e) < 0);
	if (!ok(strstr(e.msg, why) != NULL))
		printf("# %s\n", e.msg);
	ok(g == NULL || e.code != 0);
}

static void
regular_expressions(void)
{
	MATCHES(jgrammar_regex, "a{2,4}|b+c", { "aa", true }, { "aaaaa", false }, { "bbc", true },
		{ "c", false }, { "", false });
	MATCHES(jgrammar_regex, "[^\\x00-\\x7f]{2}", { "éé", true }, { "é", false }, { "漢字", true },
		{ "ab", false }, { "\xff\xff", false });
	MATCHES(jgrammar_regex, "^(?:\\d{1,3}\\.){3}\\d{1,3}$", { "10.0.0.1", true }, { "10.0.0", false });
	MATCHES(jgrammar_regex, "\\w+\\s?[\\]\\-x]", { "ab -", true }, { "a]", true }, { " x", false });
	MATCHES(jgrammar_regex, "(a*)*b", { "aaab", true }, { "b", true }, { "a", false });
	MATCHES(jgrammar_regex, "[\\u{1F600}-\\u{1F64F}]", { "😀", true }, { "🚀", false });
	MATCHES(jgrammar_regex, "[a-z]{0,3000}", { "", true }, { "abc", true }, { "A", false });
	refused(jgrammar_regex, "(?=a)b", "look-around");
	refused(jgrammar_regex, "(a)\\1", "back references");
	refused(jgrammar_regex, "a(b", "expected ')'");
	refused(jgrammar_regex, "[b-a]", "backwards");
	refused(jgrammar_regex, "*a", "nothing to repeat");
}

static void
gbnf(void)
{
	MATCHES(jgrammar_gbnf, "# comment\nroot ::= expr\nexpr ::= term ((\"+\" | \"-\") term)*\n"
		"term ::= [0-9]+ | \"(\" expr \")\"\n", { "1+(2-3)", true }, { "((7))", true },
		{ "1+", false }, { "(1", false });
	MATCHES(jgrammar_gbnf, "root ::= \"a\" root | \"\\x62\" [x-z]{0,1000}", { "aab", true },
		{ "abxyz", true }, { "a", false });
	MATCHES(jgrammar_gbnf, "root ::= (\n  \"a\" |\n  \"b\"\n)? .", { "ax", true }, { "é", true },
		{ "abc", false });
	refused(jgrammar_gbnf, "root ::= x \"a\"\nx ::= y?  x | \"b\"\ny ::= \"c\"", "left-recursive");
	refused(jgrammar_gbnf, "root ::= foo", "\"foo\" is used and not defined");
	refused(jgrammar_gbnf, "root ::= \"a\" root", "no text can satisfy it");
	refused(jgrammar_gbnf, "root ::= \"a\nroot ::=", "t:");
	refused(jgrammar_gbnf, "root ::= \"a\"\nroot ::= \"b\"", "second time");
	refused(jgrammar_gbnf, "x ::= \"a\"", "\"root\"");
}

static void
schema_values(void)
{
	MATCHES(jgrammar_schema, "{\"type\":\"integer\",\"minimum\":-15,\"maximum\":203}", { "-15", true },
		{ "-16", false }, { "-1", true }, { "0", true }, { "9", true }, { "10", true },
		{ "99", true }, { "100", true }, { "203", true }, { "204", false }, { "-0", false },
		{ "007", false });
	MATCHES(jgrammar_schema, "{\"type\":\"number\",\"exclusiveMinimum\":-2,\"maximum\":1}",
		{ "-1.5", true }, { "-2", false }, { "0.25", true }, { "1", true }, { "1.5", false },
		{ "-0.125", true }, { "-1", true });
	MATCHES(jgrammar_schema, "{\"type\":[\"string\",\"null\"],\"minLength\":1,\"maxLength\":2}",
		{ "null", true }, { "\"\"", false }, { "\"é\"", true }, { "\"\\u00e9x\"", true },
		{ "\"abc\"", false }, { "\"\\ud800\"", false });
	MATCHES(jgrammar_schema, "{\"enum\":[1,\"x\",{\"a\":[]}]}", { "1", true }, { "\"x\"", true },
		{ "{\"a\":[]}", true }, { "2", false });
	MATCHES(jgrammar_schema, "{\"type\":\"string\",\"pattern\":\"^a\\\"\\\\d+$\"}",
		{ "\"a\\\"12\"", true }, { "\"a\"12\"", false });
	MATCHES(jgrammar_schema, "{\"type\":\"string\",\"format\":\"date\"}", { "\"2024-02-28\"", true },
		{ "\"2024-02-30\"", false });
	MATCHES(jgrammar_schema, "true", { "{\"a\": [1,2.5e3,{\"b\":null}]}", true }, { "[", false },
		{ "tru", false });
	refused(jgrammar_schema, "{\"not\":{}}", "\"not\"");
	refused(jgrammar_schema, "{\"type\":\"strin\"}", "type: expected");
	refused(jgrammar_schema, "{\"$ref\":\"#/$defs/x\"}", "nothing is there");
	refused(jgrammar_schema, "{\"type\":\"string\",\"pattern\":\"a\",\"minLength\":3}", "minLength");
	refused(jgrammar_schema, "{\"const\":1,\"enum\":[2]}", "none of these");
	refused(jgrammar_schema, "{", "t:1");
}

static void
schema_structures(void)
{
	MATCHES(jgrammar_schema, "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},"
		"\"b\":{\"enum\":[1,\"x\"]}},\"required\":[\"b\"],"
		"\"additionalProperties\":{\"type\":\"boolean\"}}",
		{ "{\"a\": \"xyz\",\"b\":1}", true }, { "{\"b\":\"x\"}", true }, { "{\"a\":\"x\"}", false },
		{ "{\"b\":1,\"c\":true,\"d\": false}", true }, { "{\"b\":1,\"b\":true}", false },
		{ "{\"b\":1,\"bb\":true}", true }, { "{\"b\":1,\"c\":2}", false }, { "{,\"b\":1}", false });
	MATCHES(jgrammar_schema, "{\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{"
		"\"kids\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/n\"},\"maxItems\":2}},"
		"\"required\":[\"kids\"]}},\"$ref\":\"#/$defs/n\"}",
		{ "{\"kids\":[{\"kids\":[]}]}", true }, { "{}", false },
		{ "{\"kids\":[{\"kids\":[]},{\"kids\":[]},{\"kids\":[]}]}", false });
	MATCHES(jgrammar_schema, "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"null\"},"
		"{\"type\":\"boolean\"}],\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":4}",
		{ "[]", false }, { "[null]", true }, { "[null,true]", true }, { "[null,1]", false },
		{ "[null,true,1,2]", true }, { "[null,true,1,2,3]", false });
	MATCHES(jgrammar_schema, "{\"allOf\":[{\"properties\":{\"a\":{\"type\":\"integer\"}}},"
		"{\"properties\":{\"b\":{\"type\":\"null\"}},\"required\":[\"a\"]}],\"type\":\"object\"}",
		{ "{\"a\":1}", true }, { "{\"a\":1,\"b\":null}", true }, { "{\"b\":null}", false });
	MATCHES(jgrammar_schema, "{\"oneOf\":[{\"properties\":{\"k\":{\"const\":\"x\"}},\"required\":[\"k\"]},"
		"{\"properties\":{\"k\":{\"const\":\"y\"},\"n\":{\"type\":\"integer\"}},"
		"\"required\":[\"k\",\"n\"]}]}", { "{\"k\":\"x\"}", true }, { "{\"k\":\"y\",\"n\":3}", true },
		{ "{\"k\":\"y\"}", false });
	MATCHES(jgrammar_schema, "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"null\"},"
		"\"minProperties\":1,\"maxProperties\":2}", { "{}", false }, { "{\"x\":null}", true },
		{ "{\"x\":null,\"y\":null}", true }, { "{\"x\":null,\"y\":null,\"z\":null}", false });
	refused(jgrammar_schema, "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "oneOf");
	refused(jgrammar_schema, "{\"type\":\"object\",\"minProperties\":2}", "one name");
	refused(jgrammar_schema, "{\"$ref\":\"#\"}", "itself");
}

/* The token of one byte. */
static uint32_t
token_of(const struct jtok *t, char c)
{
	for (uint32_t i = 0; i < jtok_vocab_size(t); i++) {
		size_t n = 0;
		const char *p = jtok_bytes(t, i, &n);

		if (p && n == 1 && *p == c && !jtok_is_special(t, i))
			return i;
	}
	return UINT32_MAX;
}

/* Every token by its bytes against the prefix language, beside what the mask says. */
static void
masks(const struct jtok *t, const char *source, const char *text)
{
	struct jgrammar *g;
	struct jerr e = { 0 };
	int64_t V = jtok_vocab_size(t);
	struct jgvocab *v = jgvocab_new(t, V);
	float *logits = jmem_alloc((size_t)V, sizeof(*logits));
	struct jguide *guide, *naive;
	int wrong = 0;

	if (!ok(jgrammar_schema(&g, source, strlen(source), "t", &e) == 0))
		return;
	guide = jguide_new(g, v);
	for (size_t at = 0; text[at]; at++) {
		for (int64_t i = 0; i < V; i++)
			logits[i] = 0;
		ok(jguide_mask(guide, logits, NULL, NULL, &e) == 0);
		for (int64_t i = 0; i < V; i++) {
			size_t n = 0;
			const char *p = jtok_bytes(t, (uint32_t)i, &n);
			bool can;

			naive = jguide_new(g, v);
			for (size_t k = 0; k < at; k++)
				jguide_accept(naive, token_of(t, text[k]));
			jguide_accept(naive, (uint32_t)i);
			can = p && n && !jtok_is_special(t, (uint32_t)i) &&
				!(jguide_must_end(naive) && !jguide_may_end(naive));
			wrong += can != (logits[i] == 0);
			jguide_free(naive);
		}
		jguide_accept(guide, token_of(t, text[at]));
	}
	eq_int(wrong, 0);
	ok(jguide_may_end(guide));
	eq_int(jguide_shortest(guide), 0);
	jguide_free(guide);
	jgvocab_free(v);
	jgrammar_free(g);
	jmem_free(logits);
}

int
main(void)
{
	struct jtok *t;
	struct jerr e = { 0 };

	regular_expressions();
	gbnf();
	schema_values();
	schema_structures();
	if (ok(jtok_load(&t, "tests/ref/tok/gpt2.json", &e) == 0)) {
		masks(t, "{\"properties\":{\"a\":{\"type\":\"array\",\"items\":{\"type\":\"boolean\"}}},"
			"\"required\":[\"a\"]}", "{\"a\": [true, false]}");
		/* states in the middle of the repetition are alike, those near its counts are not */
		masks(t, "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":3,"
			"\"maxLength\":80}}", "[\"the cat sat\", \"on\\\"the\"]");
		masks(t, "{\"type\":\"string\",\"minLength\":2,\"maxLength\":36}",
			"\"the quick brown fox jumps over the l\"");
		jtok_free(t);
	}
	return t_done();
}
