/* Words, lines, sentences, classes and normal forms. */
#include "t.h"

#include "base/jstr.h"
#include "text/junicode.h"
#include "text/jwords.h"

/* All words of s, separated by '|'. */
static const char *
words(const char *s)
{
	static char out[512];
	struct jtext_word w;
	size_t at = 0, n = strlen(s), k = 0;

	while (jtext_next_word(s, n, &at, &w)) {
		if (k > 0)
			out[k++] = '|';
		memcpy(out + k, s + w.at, w.n);
		k += w.n;
	}
	out[k] = 0;
	return out;
}

static const char *
lines(const char *s)
{
	static char out[256];
	struct jtext_span l;
	size_t at = 0, k = 0;

	while (jtext_next_line(s, strlen(s), &at, &l)) {
		memcpy(out + k, s + l.at, l.n);
		k += l.n;
		out[k++] = '|';
	}
	out[k] = 0;
	return out;
}

static const char *
sentences(const char *s)
{
	static char out[512];
	struct jtext_span l;
	size_t at = 0, k = 0;

	while (jtext_next_sentence(s, strlen(s), &at, &l)) {
		memcpy(out + k, s + l.at, l.n);
		k += l.n;
		out[k++] = '|';
	}
	out[k] = 0;
	return out;
}

static void
test_words(void)
{
	struct jtext_word w;
	size_t at = 0;

	eq_str(words(""), "");
	eq_str(words("Don't stop: the 3.14 and 1,000 of os.path."), "Don't|stop|the|3.14|and|1,000|of|os.path");
	eq_str(words("__init__ x_1 a-b 3a a3 f(x)"), "__init__|x_1|a|b|3a|a3|f|x");
	eq_str(words("a. b ... 'quoted' 3. end"), "a|b|quoted|3|end");
	/* Composed and with a combining mark: one word each. */
	eq_str(words("na\xc3\xafve nai\xcc\x88ve"), "na\xc3\xafve|nai\xcc\x88ve");
	eq_str(words("\xd0\xbc\xd0\xb8\xd1\x80!"), "\xd0\xbc\xd0\xb8\xd1\x80");
	/* Han: each character is a word; full-width punctuation is none. */
	eq_str(words("\xe4\xb8\xad\xe6\x96\x87\xe3\x80\x82"), "\xe4\xb8\xad|\xe6\x96\x87");
	eq_str(words("it\xe2\x80\x99s"), "it\xe2\x80\x99s");
	eq_str(words("a\xff" "b"), "a|b");
	ok(jtext_next_word("Abc1", 4, &at, &w) && w.chars == 4 &&
		w.flags == (JTEXT_W_LETTER | JTEXT_W_DIGIT | JTEXT_W_UPPER | JTEXT_W_ASCII));
	at = 0;
	ok(jtext_next_word("_x", 2, &at, &w) && (w.flags & JTEXT_W_UNDERSCORE));
}

static void
test_hash(void)
{
	const char *a = "Stra\xc3\x9f" "e", *b = "STRA\xc3\x9f" "E";
	char longer[600], upper[600];
	struct jtext_word w = { 0, 7, 6, 0 };
	size_t i;

	ok(jtext_word_hash(a, &w) == jtext_word_hash(b, &w));
	for (i = 0; i < sizeof(longer); i++) {
		longer[i] = (char)('a' + i % 26);
		upper[i] = (char)('A' + i % 26);
	}
	w.n = w.chars = sizeof(longer);
	ok(jtext_word_hash(longer, &w) == jtext_word_hash(upper, &w));
	upper[599] = '!';
	ok(jtext_word_hash(longer, &w) != jtext_word_hash(upper, &w));
}

static void
test_lines(void)
{
	eq_str(lines(""), "");
	eq_str(lines("a\nb"), "a|b|");
	eq_str(lines("a\r\nb\rc\n\n"), "a|b|c||");
	eq_str(lines("a\xe2\x80\xa8" "b\xe2\x80\xa9" "c\xc2\x85" "d\fe"), "a|b|c|d|e|");
	eq_str(lines("\xc2\xa0 \xe2\x80\x99"), "\xc2\xa0 \xe2\x80\x99|");
	eq_str(sentences("One. Two? \"Three!\" Four"), "One.|Two?|\"Three!\"|Four|");
	eq_str(sentences("See e.g. Fig. 3 of Mr. Smith. Version 3.11 is out."),
		"See e.g. Fig. 3 of Mr. Smith.|Version 3.11 is out.|");
	eq_str(sentences("A heading\n\nA text\nthat goes on. End"), "A heading|A text\nthat goes on.|End|");
	eq_str(sentences("\xe4\xb8\xad\xe3\x80\x82\xe6\x96\x87\xe3\x80\x82"),
		"\xe4\xb8\xad\xe3\x80\x82|\xe6\x96\x87\xe3\x80\x82|");
	eq_str(sentences(" \n \n"), "");
}

static const char *
normal(const char *s, unsigned form)
{
	static struct jbuf b;

	if (b.p)
		jbuf_release(&b);
	jbuf_init(&b);
	return jtext_normalise(s, strlen(s), form, &b, NULL) < 0 ? NULL : b.p;
}

static const char *
flat(const char *s)
{
	static struct jbuf b;

	if (b.p)
		jbuf_release(&b);
	jbuf_init(&b);
	return jtext_flatten(s, strlen(s), &b, NULL) < 0 ? NULL : b.p;
}

static void
test_unicode(void)
{
	eq_int(jtext_class('a'), JTEXT_LETTER);
	eq_int(jtext_class('\n'), JTEXT_SPACE);
	eq_int(jtext_class(1), JTEXT_CONTROL);
	eq_int(jtext_class(0x301), JTEXT_MARK);
	eq_int(jtext_class(0x661), JTEXT_DIGIT);
	eq_int(jtext_class(0xad), JTEXT_FORMAT);
	eq_int(jtext_class(0x3002), JTEXT_PUNCT);
	eq_int(jtext_class(0x2028), JTEXT_SPACE);
	ok(jtext_is_unspaced(0x4e2d) && !jtext_is_unspaced(0xac00) && !jtext_is_unspaced('a'));
	eq_str(normal("e\xcc\x81", JTEXT_NFC), "\xc3\xa9");
	eq_str(normal("\xc3\xa9", JTEXT_NFD), "e\xcc\x81");
	eq_str(normal("\xef\xac\x81", JTEXT_NFKC), "fi");
	eq_str(normal("Stra\xc3\x9f" "e", JTEXT_FOLD), "strasse");
	eq_str(normal("\xc3\xa9", JTEXT_NFC | JTEXT_STRIP_MARKS), "e");
	eq_str(normal("a\xff" "b", JTEXT_NFC), "a\xef\xbf\xbd" "b");
	ok(!jtext_maybe_not_nfc("caf\xc3\xa9", 5) && jtext_maybe_not_nfc("e\xcc\x81", 3));
	eq_str(flat("  A\r\n\tB\xc2\xa0\xc3\x89 "), "a b \xc3\xa9");
	eq_str(flat("E\xcc\x81"), "\xc3\xa9");
	eq_str(flat(" \n"), "");
}

int
main(void)
{
	test_words();
	test_hash();
	test_lines();
	test_unicode();
	return t_done();
}
