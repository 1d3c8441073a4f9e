/*
 * The Gopher repetition measures against a second implementation that follows the definitions word
 * by word and takes quadratic time; and examples worked by hand.
 */
#include "t.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/jrand.h"
#include "text/jpage.h"

enum { MAX_WORDS = 600 };

static char word[MAX_WORDS][8];
static int words;

static bool
same(int a, int b, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(word[a + i], word[b + i]) != 0)
			return false;
	return true;
}

static int
copies(int at, int n)
{
	int i, count = 0;

	for (i = 0; i + n <= words; i++)
		count += same(at, i, n);
	return count;
}

static double
chars(int at, int n)
{
	double sum = 0;
	int i;

	for (i = 0; i < n; i++)
		sum += (double)strlen(word[at + i]);
	return sum;
}

/* Longest of the most frequent, times its count; nothing if all are single. */
static double
reference_top(int n)
{
	double best_chars = 0;
	int best = 1, i, c;

	for (i = 0; i + n <= words; i++) {
		c = copies(i, n);
		if (c > best) {
			best = c;
			best_chars = 0;
		}
		if (c == best && chars(i, n) > best_chars)
			best_chars = chars(i, n);
	}
	return best == 1 ? 0 : best_chars * best / chars(0, words);
}

static double
reference_dup(int n)
{
	bool covered[MAX_WORDS] = { false };
	double sum = 0;
	int i, k;

	for (i = 0; i + n <= words; i++)
		if (copies(i, n) > 1)
			for (k = 0; k < n; k++)
				covered[i + k] = true;
	for (i = 0; i < words; i++)
		sum += covered[i] ? chars(i, 1) : 0;
	return sum / chars(0, words);
}

static void
random_text(uint64_t seed)
{
	static const char *const list[] = { "a", "bb", "ccc", "dddd", "eeeee", "f1", "gg" };
	char text[MAX_WORDS * 8];
	const struct jpage_repeat *r;
	struct jpage *pg = jpage_new();
	struct jrand rnd;
	struct jerr e = { 0 };
	double worst = 0, d;
	size_t n = 0;
	int i, from, len;

	jrand_init(&rnd, 3, seed);
	words = (int)jrand_below(&rnd, MAX_WORDS - 60) + 1;
	for (i = 0; i < words; i++)
		strcpy(word[i], list[jrand_below(&rnd, 7)]);
	for (i = 0; words > 40 && i < (int)seed % 5; i++) {	/* copies of longer stretches */
		len = (int)jrand_below(&rnd, 15) + 1;
		from = (int)jrand_below(&rnd, (uint64_t)(words - len));
		memmove(word[jrand_below(&rnd, (uint64_t)(words - len))], word[from],
			(size_t)len * sizeof(word[0]));
	}
	for (i = 0; i < words; i++)
		n += (size_t)sprintf(text + n, "%s%s", word[i], i % 9 == 8 ? ".\n" : ", ");
	jpage_read(pg, text, n, &e);
	r = jpage_repeat(pg);
	for (i = 2; i <= 10; i++) {
		d = i <= 4 ? r->top[i] - reference_top(i) : r->dup[i] - reference_dup(i);
		worst = fabs(d) > worst ? fabs(d) : worst;
	}
	near(worst, 0, 1e-12);
	jpage_free(pg);
}

static struct jpage *
read_page(const char *text)
{
	struct jpage *pg = jpage_new();

	jpage_read(pg, text, strlen(text), NULL);
	return pg;
}

/* Lines a b a c (1 char each but c = 3) and a paragraph that stands twice. */
static void
by_hand(void)
{
	struct jpage *pg = read_page("a\nb\n\na\nccc\n");
	const struct jpage_repeat *r = jpage_repeat(pg);

	near(r->dup_lines, 0.5, 0);			/* both copies of a, of 4 */
	near(r->dup_line_chars, 2.0 / 6, 1e-12);
	near(r->later_line_chars, 1.0 / 6, 1e-12);
	near(r->dup_paras, 0, 0);
	jpage_free(pg);

	pg = read_page("x y\nz\n\nother\n \nx y\r\nz\r\n");
	r = jpage_repeat(pg);
	near(r->dup_paras, 2.0 / 3, 1e-12);		/* CRLF and a line of blanks make no difference */
	near(r->dup_para_chars, 10.0 / 15, 1e-12);
	jpage_free(pg);

	pg = read_page("one line alone");
	near(jpage_repeat(pg)->dup_lines, 0, 0);
	jpage_free(pg);

	/* "to be or not to be": top 2-gram "to be" twice, 4 chars each of 13; one 2-gram more often. */
	pg = read_page("to be or not to be");
	near(jpage_repeat(pg)->top[2], 8.0 / 13, 1e-12);
	near(jpage_repeat(pg)->top[3], 0, 0);
	jpage_free(pg);

	/* A phrase of five words twice in twelve: its ten words of 3 letters, of 36. */
	pg = read_page("the cat sat mat run one the cat sat mat run two");
	near(jpage_repeat(pg)->dup[5], 30.0 / 36, 1e-12);
	near(jpage_repeat(pg)->dup[6], 0, 0);
	jpage_free(pg);

	/* Words that start with an underscore are none of DCLM's. */
	pg = read_page("_x aa _y bb _x aa _y bb");
	near(jpage_repeat(pg)->top[2], 1, 1e-12);
	jpage_free(pg);
	pg = read_page("");
	near(jpage_repeat(pg)->top[2], 0, 0);
	near(jpage_repeat(pg)->dup[10], 0, 0);
	jpage_free(pg);
}

int
main(void)
{
	uint64_t seed;

	by_hand();
	for (seed = 0; seed < 40; seed++)
		random_text(seed);
	return t_done();
}
