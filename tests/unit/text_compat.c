/* The measures of other programs on small texts, worked out by hand. */
#include "t.h"

#include "text/jcompat.h"
#include "text/jsignal.h"

static struct jpage *page;

static const struct jcompat_values *
by(enum jcompat which, const char *text)
{
	ok(jpage_read(page, text, strlen(text), NULL) == 0);
	return jcompat_measure(page, which);
}

/* "a\n\na\nb\na": four filled lines, a three times; 9 characters, 4 of them letters. */
static void
copies(void)
{
	static const char text[] = "a\n\na\nb\na";

	near(by(JCOMPAT_DATATROVE, text)->dup_lines, 2.0 / 4, 1e-12);
	near(by(JCOMPAT_DATATROVE, text)->dup_line_chars, 2.0 / 8, 1e-12);
	near(by(JCOMPAT_DOLMA, text)->dup_lines, 3.0 / 5, 1e-12);
	near(by(JCOMPAT_DOLMA, text)->dup_line_chars, 3.0 / 4, 1e-12);
	near(by(JCOMPAT_CURATOR, text)->dup_lines, 2.0 / 4, 1e-12);
	near(by(JCOMPAT_CURATOR, text)->dup_line_chars, 2.0 / 4, 1e-12);
	ok(isnan(by(JCOMPAT_DOLMA, text)->dup_paras));
	near(by(JCOMPAT_DATATROVE, "p\n\nq\n\n\np")->dup_paras, 1.0 / 3, 1e-12);
	near(by(JCOMPAT_DATATROVE, "p\n\nq\n\n\np")->dup_para_chars, 1.0 / 8, 1e-12);
}

/* "aa bb aa bb cc": 14 characters, 10 in words; "aa bb" stands twice. */
static void
top(void)
{
	static const char text[] = "aa bb aa bb cc", once[] = "aa bb cc";

	near(by(JCOMPAT_DATATROVE, text)->top[2], 2 * 5.0 / 14, 1e-12);
	near(by(JCOMPAT_DOLMA, text)->top[2], 2 * 4.0 / 10, 1e-12);
	near(by(JCOMPAT_RPV2, text)->top[2], 2 * 4.0 / 10, 1e-12);
	near(by(JCOMPAT_CURATOR, text)->top[2], 2 * 5.0 / 14, 1e-12);
	/* What stands once counts for some and not for others. */
	near(by(JCOMPAT_DATATROVE, once)->top[2], 5.0 / 8, 1e-12);
	near(by(JCOMPAT_DOLMA, once)->top[2], 4.0 / 6, 1e-12);
	near(by(JCOMPAT_RPV2, once)->top[2], 0, 0);
	/* A line end between the words: only a search and replace misses it. */
	near(by(JCOMPAT_CURATOR, "aa\nbb aa\nbb cc")->top[2], 0, 0);
	near(by(JCOMPAT_DOLMA, "aa\nbb aa\nbb cc")->top[2], 0.8, 1e-12);
	/* Case and punctuation are nothing to RedPajama. */
	near(by(JCOMPAT_RPV2, "AA, bb. aa Bb! cc")->top[2], 0.8, 1e-12);
}

/* Ten words x, one letter each: six 5-grams, all the same. */
static void
dup(void)
{
	static const char text[] = "x x x x x x x x x x";

	/* The scan sees one at 0, jumps from 1 to 6, and finds no more room. */
	near(by(JCOMPAT_DATATROVE, text)->dup[5], 5.0 / 19, 1e-12);
	near(by(JCOMPAT_DOLMA, text)->dup[5], 1, 1e-12);
	near(by(JCOMPAT_RPV2, text)->dup[5], 1, 1e-12);
	/* Later copies cover words 1 to 9: 9 letters, and the 8 spaces before all but the first. */
	near(by(JCOMPAT_CURATOR, text)->dup[5], 17.0 / 19, 1e-12);
	near(by(JCOMPAT_RPV2, "a b c d e f g h i j")->dup[5], 0, 0);
	near(by(JCOMPAT_DOLMA, "a b c")->dup[5], 0, 0);
}

static void
quality(void)
{
	static const char text[] = "The cat, # and the dog...\n- sat\n* ran";

	/* the cat and the dog sat ran + , # ... - * */
	near(by(JCOMPAT_DATATROVE, text)->words, 7, 0);
	near(by(JCOMPAT_DATATROVE, text)->alpha, 7.0 / 12, 1e-12);
	near(by(JCOMPAT_DATATROVE, text)->stop, 2, 0);		/* and, the */
	near(by(JCOMPAT_DATATROVE, text)->bullets, 1.0 / 3, 1e-12);
	near(by(JCOMPAT_DATATROVE, text)->ellipsis_lines, 1.0 / 3, 1e-12);
	near(by(JCOMPAT_DOLMA, text)->words, 10, 0);
	near(by(JCOMPAT_DOLMA, text)->word_chars, 3, 0);		/* the median */
	near(by(JCOMPAT_DOLMA, text)->bullets, 2.0 / 3, 1e-12);
	near(by(JCOMPAT_DOLMA, text)->ellipsis_lines, 0, 0);
	near(by(JCOMPAT_DOLMA, text)->hashes, 0.1, 1e-12);
	near(by(JCOMPAT_CURATOR, text)->bullets, 0, 0);
}

/* The order that the same page gives: datatrove least, then Curator and dolma, then RedPajama. */
static void
order(void)
{
	static const char text[] = "one two three four five six seven eight nine ten. And so on it goes: one two "
		"three four five six seven eight nine ten. But one two three four five six is not all of it, "
		"as somebody has said before.";
	double dt = by(JCOMPAT_DATATROVE, text)->dup[5], cu = by(JCOMPAT_CURATOR, text)->dup[5];
	double dolma = by(JCOMPAT_DOLMA, text)->dup[5], rp = by(JCOMPAT_RPV2, text)->dup[5];

	printf("# %.3f %.3f %.3f %.3f\n", dt, cu, dolma, rp);
	ok(dt < cu && cu < dolma && dolma < rp);
}

/* Every line of a CRLF page ends in a full stop all the same; U+2028 ends a line. */
static void
line_ends(void)
{
	const struct jsignal *s = jsignal_find("punctuated_lines");
	static const char *const text[] = { "A b.\r\nC d.\r\nE f.\r\n", "A b.\nC d.\nE f.\n",
		"A b.\xe2\x80\xa8" "C d.\xe2\x80\xa8" "E f." };
	size_t i;

	for (i = 0; i < 3; i++) {
		ok(jpage_read(page, text[i], strlen(text[i]), NULL) == 0);
		near(s->measure(page), 1, 0);
	}
}

int
main(void)
{
	page = jpage_new();
	copies();
	top();
	dup();
	quality();
	order();
	line_ends();
	jpage_free(page);
	return t_done();
}
