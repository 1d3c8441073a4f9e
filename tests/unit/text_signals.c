/* Signals: what each sees, what it must not see, and that the form of the file does not count. */
#include "t.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/jrand.h"
#include "base/jstr.h"
#include "text/jsignal.h"
#include "text/junicode.h"

static struct jpage *page;

static double
measure(const char *name, const char *text)
{
	const struct jsignal *s = jsignal_find(name);
	struct jerr e = { 0 };

	if (!s || jpage_read(page, text, strlen(text), &e) < 0) {
		printf("# %s: %s\n", name, s ? e.msg : "no such signal");
		return -1;
	}
	return s->measure(page);
}

static void
counts(void)
{
	near(measure("words", "One two, three."), 3, 0);
	near(measure("words", ""), 0, 0);
	near(measure("chars", "na\xc3\xafve"), 5, 0);
	near(measure("lines", "a\n\n  \nb\r\n"), 2, 0);
	near(measure("paragraphs", "a\nb\n\n\nc"), 2, 0);
	near(measure("mean_word_chars", "ab cdef, x"), 8.0 / 3, 1e-12);
	near(measure("symbols_per_word", "# a ... b \xe2\x80\xa6 . . . c"), 4.0 / 9, 1e-12);
	near(measure("bullet_lines", "- a\n\xe2\x80\xa2 b\n* c\nd"), 0.75, 0);
	near(measure("ellipsis_lines", "a...\nb\xe2\x80\xa6\nc.\nd. . ."), 0.75, 0);
	near(measure("alpha_words", "a 1 - b2"), 0.5, 0);
	near(measure("stop_words", "The cat, the dog of THE the."), 4, 0);	/* "the." is no token "the" */
	near(measure("punctuated_lines", "A.\nB?\nC,\nD"), 0.5, 0);
	near(measure("short_lines", "short\nthis line has more than thirty characters"), 0.5, 0);
	near(measure("newlines_per_word", "a b\nc d\n"), 0.5, 0);
	near(measure("braces", "{ a { }"), 2, 0);
	near(measure("lorem_ipsum", "Lorem  ipsum dolor, lorem\nIPSUM"), 2, 0);
	near(measure("upper_letters", "AbcD"), 0.5, 0);
	near(measure("max_line", "abc\nabcdef\n"), 6, 0);
	near(measure("mean_line", "abc\nabcde\n"), 4, 0);
	ok(isnan(measure("mean_word_chars", "")) && isnan(measure("bullet_lines", " \n")));
}

static void
encoding(void)
{
	near(measure("bad_chars", "caf\xc3\xa9 \xc3\x83 la carte \xe2\x80\x99"), 0, 0);
	/* "cafÃ©" and "itâ€™s": UTF-8 read as Latin-1 and CP-1252. */
	near(measure("bad_chars", "caf\xc3\x83\xc2\xa9"), 0.2, 1e-12);
	near(measure("bad_chars", "it\xc3\xa2\xe2\x82\xac\xe2\x84\xa2s"), 1.0 / 6, 1e-12);
	near(measure("bad_chars", "a\xef\xbf\xbd" "bc"), 0.25, 1e-12);
	near(measure("bad_chars", "a\x01\x02" "b"), 0.5, 1e-12);
	near(measure("bad_chars", "tab\tand\r\nline\f"), 0, 0);
}

static const char sentence[] = "The function returns the value of the option that was given to it. ";

static void
repeat(struct jbuf *b, const char *s, int n)
{
	while (n-- > 0)
		jbuf_adds(b, s);
}

static void
documentation(void)
{
	struct jbuf b;

	jbuf_init(&b);
	repeat(&b, sentence, 8);
	ok(measure("function_words", b.p) > 0.3);
	near(measure("navigation", b.p), 0, 0);
	near(measure("odd_words", b.p), 0, 0);
	near(measure("prose_share", b.p), 1, 0);
	ok(isnan(measure("function_words", sentence)));		/* too little to tell */

	/* NULL, NaN and undefined are words of the trade. */
	jbuf_reset(&b);
	repeat(&b, "If the pointer is NULL the result is NaN, and undefined behaviour if it is null.\n", 9);
	ok(measure("function_words", b.p) > 0.3 && measure("odd_words", b.p) == 0);

	/* An index, a menu. */
	jbuf_reset(&b);
	repeat(&b, "abs() (built-in function)\nadd_handler() (class method)\n- [Home](index.html)\n", 9);
	near(measure("navigation", b.p), 1, 0);
	near(measure("content_words", b.p), 0, 0);

	/* Code counts as content, in a fence and indented; the fence ends. */
	near(measure("code_share", "Text\n```python\nx = 1\n```\nmore"), 3.0 / 5, 1e-12);
	near(measure("code_share", "Text:\n\n    x = 1\n    y = 2\n\nmore"), 4.0 / 6, 1e-12);
	near(measure("code_share", "```one line``` of text\nno code"), 0, 0);
	near(measure("table_share", "| a | b |\n| - | - |\nword"), 2.0 / 3, 1e-12);
	/* Definitions are brief, and content. */
	near(measure("content_words", "**ANSI**\nAmerican National Standards Institute"), 4, 0);
	near(measure("content_words", "- `x` (int)\n\n  Name of view\n- `y`"), 3, 0);

	jbuf_reset(&b);
	repeat(&b, "asdfg qwertz zxcvb hjklh sdfghj wrtpl ", 10);
	ok(measure("odd_words", b.p) > 0.9);
	ok(measure("function_words", b.p) == 0);
	ok(measure("redirect", "This page has moved to a new place.") > 10);
	near(measure("redirect", sentence), 0, 0);
	ok(measure("boilerplate", "All rights reserved. Privacy policy. Terms of use.") == 1);
	jbuf_release(&b);
}

/* Text of languages without spaces, and of other scripts, is not judged by Latin function words. */
static void
scripts(void)
{
	struct jbuf b;

	jbuf_init(&b);
	repeat(&b, "\xd0\xad\xd1\x82\xd0\xbe \xd0\xb4\xd0\xbe\xd0\xba\xd1\x83\xd0\xbc\xd0\xb5\xd0\xbd\xd1\x82. ", 30);
	ok(isnan(measure("function_words", b.p)));
	jbuf_reset(&b);
	repeat(&b, "\xe8\xbf\x99\xe6\x98\xaf\xe6\x96\x87\xe6\xa1\xa3", 20);
	near(measure("words", b.p), 80, 0);
	near(measure("prose_share", b.p), 1, 0);
	jbuf_reset(&b);
	repeat(&b, "El archivo se abre con la funci\xc3\xb3n que se ha dado, y se cierra al final.\n", 5);
	ok(measure("function_words", b.p) > 0.4);
	jbuf_release(&b);
}

static void
add_base64(struct jbuf *b, int lines, int width)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	struct jrand r;
	int i;

	jrand_init(&r, 1, 2);
	for (; lines > 0; lines--) {
		for (i = 0; i < width; i++)
			jbuf_addc(b, digit[jrand_below(&r, 64)]);
		jbuf_addc(b, '\n');
	}
}

static void
data(void)
{
	struct jbuf b;
	int i;

	jbuf_init(&b);
	add_base64(&b, 20, 76);
	ok(measure("data_chars", b.p) > 0.98);
	jbuf_adds(&b, sentence);
	ok(measure("data_chars", b.p) < 0.98 && measure("data_chars", b.p) > 0.9);

	/* What the usual patterns take for data: word lists, number tables, identifiers, rules. */
	jbuf_reset(&b);
	repeat(&b, "internationalization\nconfiguration\nimplementation\n", 40);
	near(measure("data_chars", b.p), 0, 0);
	jbuf_reset(&b);
	for (i = 0; i < 400; i++)
		jbuf_printf(&b, "%02d ", i * 37 % 100);
	near(measure("data_chars", b.p), 0, 0);
	jbuf_reset(&b);
	repeat(&b, "--------------------------------------------------------------------------------\n", 5);
	repeat(&b, "usr/lib/python3/dist-packages/pkg_resources/_vendor/packaging/requirements/long_name\n", 5);
	near(measure("data_chars", b.p), 0, 0);

	jbuf_reset(&b);
	repeat(&b, "0x12, 0x3f, 0xa0, 0x00, 0xff, 0x7c, 0x11, 0x90,\n", 10);
	ok(measure("data_chars", b.p) > 0.9);
	near(measure("data_chars", "write(0x12, 0x3f) and \\x41\\x42"), 0, 0);
	ok(measure("data_chars", "\\u0041\\u0042\\u0043\\u0044\\u0045\\u0046\\u0047\\u0048") == 1);
	ok(measure("data_chars", "d488b23208c21fe601bd6b2d4ba6c44d334bb075babbf7f0f751318903b6c5d4") == 1);
	near(measure("generated", "# Generated by tool 1.2, do not edit\nx = 1"), 2, 0);
	near(measure("generated", "a\nb\nc\nd\ne\nf\nThe file is generated by make"), 0, 0);
	jbuf_release(&b);
}

/* The same page with other line ends, and in another normal form: every signal is the same. */
static void
forms(void)
{
	static const char page_text[] = "# Caf\xc3\xa9 na\xc3\xafve\n\nThe r\xc3\xa9sum\xc3\xa9 of the "
		"function is given here.\nIt ends with a stop.\n\n    x = f(1)\n    y = 2\n\n| a | b |\n| 1 | 2 |\n\n"
		"- one thing\n- another thing...\n\nThe r\xc3\xa9sum\xc3\xa9 of the function is given here.\n";
	struct jbuf crlf, nfd;
	const struct jsignal *s;
	const char *p;
	size_t i;

	jbuf_init(&crlf);
	jbuf_init(&nfd);
	for (p = page_text; *p; p++) {
		if (*p == '\n')
			jbuf_addc(&crlf, '\r');
		jbuf_addc(&crlf, *p);
	}
	jtext_normalise(page_text, strlen(page_text), JTEXT_NFD, &nfd, NULL);
	ok(nfd.n > strlen(page_text));
	for (i = 0; (s = jsignal_at(i)) != NULL; i++) {
		double lf = measure(s->name, page_text), d = measure(s->name, nfd.p);

		if (!(lf == d || (isnan(lf) && isnan(d))) && !ok(!"NFD differs"))
			printf("# %s: %g %g\n", s->name, lf, d);
		if (strchr(s->name, '.'))
			continue;	/* other programs do see the carriage return */
		d = measure(s->name, crlf.p);
		if (!(lf == d || (isnan(lf) && isnan(d))) && !ok(!"CRLF differs"))
			printf("# %s: %g %g\n", s->name, lf, d);
	}
	ok(i == jsignal_count());
	jbuf_release(&crlf);
	jbuf_release(&nfd);
}

int
main(void)
{
	page = jpage_new();
	counts();
	encoding();
	documentation();
	scripts();
	data();
	forms();
	jpage_free(page);
	return t_done();
}
