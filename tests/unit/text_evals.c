/* Items of evaluation sets: what is found in a text, and what is not. */
#include "t.h"

#include "base/jstr.h"
#include "text/jevals.h"

static const char *const items[][2] = {
	/* 20 words */
	{ "Janet's ducks lay sixteen eggs per day and she eats three for breakfast every morning "
		"before going to the market", "eighteen" },
	/* 10 words */
	{ "What happens to a frozen lake when the spring arrives?", "It melts slowly" },
	/* 6 words */
	{ "The man turned on the faucet", "water flowed from the spout" },
	/* 5 words, no answer */
	{ "Oak tree seeds are planted", "" },
	/* 9 words */
	{ "Le cafe\xcc\x81 de la gare ferme \xc3\xa0 huit heures", "" },
};

static struct jevals *v;

/* Items found, as bits. */
static unsigned
find(const char *text, const unsigned char *common)
{
	const struct jevals_limits limits = { 13, 0.8 };
	struct jevals_scan *s = jevals_scan_new();
	const struct jevals_hit *h;
	size_t n = jevals_scan(v, s, text, strlen(text), &h), i;
	unsigned found = 0;
	double score;

	for (i = 0; i < n; i++)
		if (jevals_judge(v, &h[i], common, &limits, &score))
			found |= 1u << h[i].item;
	jevals_scan_free(s);
	return found;
}

/* The bytes of the first hit. */
static void
span(const char *text, const char *expected)
{
	struct jevals_scan *s = jevals_scan_new();
	const struct jevals_hit *h;
	char got[400] = "";

	if (jevals_scan(v, s, text, strlen(text), &h) > 0)
		snprintf(got, sizeof(got), "%.*s", (int)(h[0].end - h[0].at), text + h[0].at);
	eq_str(got, expected);
	jevals_scan_free(s);
}

int
main(void)
{
	unsigned char common[20] = { 0 };
	struct jerr e = { 0 };
	char name[8];
	size_t i;

	v = jevals_new();
	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "set:%zu", i);
		eq_int(jevals_add(v, name, items[i][0], strlen(items[i][0]), &e), 1);
		jevals_add_answer(v, items[i][1], strlen(items[i][1]));
	}
	eq_int(jevals_add(v, "x", "too short by one", 16, &e), 0);
	eq_int(jevals_add(v, "x", "the MAN turned on -- the faucet!", 32, &e), 0);
	eq_int(jevals_finish(v, &e), 0);
	eq_int(jevals_size(v), 5);
	eq_int(jevals_words(v, 0), 20);
	eq_str(jevals_name(v, 1), "set:1");
	eq_str(jevals_answer(v, 1), "It melts slowly");

	/* Letter case, line wraps, comment signs, quotes and punctuation do not count. */
	eq_int(find(items[0][0], NULL), 1);
	eq_int(find("x # Janet\xe2\x80\x99s ducks lay\n# SIXTEEN eggs per day, and she eats\n# three for "
		"breakfast every morning\n# before going to the market", NULL), 1);
	/* Composed or not. */
	eq_int(find("Le caf\xc3\xa9 de la gare ferme \xc3\xa0 huit heures", NULL), 16);
	eq_int(find("le cafe\xcc\x81 de la gare ferme a\xcc\x80 huit heures", NULL), 16);
	/* A word changed, put in, left out; at either end. */
	eq_int(find("Janet's ducks lay sixteen eggs per day and he eats three for breakfast every "
		"morning before going to the market", NULL), 1);
	eq_int(find("ducks lay sixteen large eggs per day and she eats three for breakfast every "
		"morning before going to the", NULL), 1);
	/* Thirteen words in a row are enough, twelve are not. */
	eq_int(find("sixteen eggs per day and she eats three for breakfast every morning before", NULL), 1);
	eq_int(find("sixteen eggs per day and she eats three for breakfast every morning after", NULL), 0);
	/* Ten words: one may differ, two only with the answer. */
	eq_int(find("What happens to a frozen lake when the summer arrives?", NULL), 2);
	eq_int(find("What happens to a frozen pond when the summer arrives?", NULL), 0);
	eq_int(find("What happens to a frozen lake when the summer comes? It melts slowly.", NULL), 2);
	/* Six words: all, and the answer. */
	eq_int(find("The man turned on the faucet", NULL), 0);
	eq_int(find("The man turned on the faucet, therefore water flowed from the spout", NULL), 4);
	eq_int(find("The man turned off the faucet, therefore water flowed from the spout", NULL), 0);
	eq_int(find("Oak tree seeds are planted", NULL), 0);
	eq_int(find("", NULL), 0);
	/* Boilerplate words count for nothing. */
	memset(common, 1, 12);
	eq_int(find(items[0][0], common), 1);
	eq_int(find("Janet's ducks lay sixteen eggs per day and she eats three for breakfast", common), 0);
	memset(common, 1, 17);
	eq_int(find(items[0][0], common), 0);

	span("I said: the man, turned on THE faucet! Then", "the man, turned on THE faucet");
	span("no ducks lay sixteen eggs per day and and she eats three", "ducks lay sixteen eggs per day "
		"and and she eats three");
	jevals_free(v);
	return t_done();
}
