/* Importance weights: the formula, by buckets counted apart; the noise; the hash, which must never change. */
#include "t.h"

#include "text/jdsir.h"

static void
weights(void)
{
	static const char target[] = "the list holds the names (and numbers) of it.", raw[] = "buy now! buy here";
	static uint64_t t[JDSIR_BUCKETS], r[JDSIR_BUCKETS], one[JDSIR_BUCKETS];
	static double ratio[JDSIR_BUCKETS];
	static const char text[] = "the list: buy it now.";
	uint64_t tokens = 0, raws = 0, words;
	double sum = 0;
	int i;

	jdsir_count(target, strlen(target), t);
	jdsir_count(raw, strlen(raw), r);
	jdsir_count(text, strlen(text), one);
	jdsir_ratio(t, r, ratio);
	for (i = 0; i < JDSIR_BUCKETS; i++) {
		tokens += t[i];
		raws += r[i];
		sum += (double)one[i] * ratio[i];
	}
	/* 9 words, "(" ")" and "." are 12 tokens with 11 pairs; 4 words and "!" 5 with 4 */
	eq_int(tokens, 23);
	eq_int(raws, 9);
	near(jdsir_weight(text, strlen(text), ratio, &words), sum, 1e-9);
	eq_int(words, 5);
	for (i = 0; i < JDSIR_BUCKETS; i++)
		if (t[i] == 2 && r[i] == 0)
			near(ratio[i], log(2.0 / 23 + 1e-8) - log(1e-8), 1e-12);
	near(jdsir_weight("", 0, ratio, &words), 0, 0);
	eq_int(words, 0);
}

/* Two words of one spelling are one bucket, whatever stands around; marks are tokens of their own. */
static void
tokens(void)
{
	static uint64_t a[JDSIR_BUCKETS], b[JDSIR_BUCKETS];

	jdsir_count("x y", 3, a);
	jdsir_count("x", 1, b);
	jdsir_count("y", 1, b);
	eq_int(memcmp(a, b, sizeof(a)) != 0, 1);	/* the pair */
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	jdsir_count("x+=y", 4, a);
	jdsir_count("x += y", 6, b);
	eq_int(memcmp(a, b, sizeof(a)), 0);
}

static void
noise(void)
{
	double sum = 0, least = 0;
	char id[16];
	int i, n;

	for (i = 0; i < 4000; i++) {
		n = snprintf(id, sizeof(id), "d%d", i);
		sum += jdsir_noise(7, id, (size_t)n);
		least = fmin(least, jdsir_noise(7, id, (size_t)n));
	}
	near(sum / 4000, 0.5772, 0.08);		/* Euler's constant */
	ok(least > -4);
	ok(jdsir_noise(7, "d1", 2) == jdsir_noise(7, "d1", 2));
	ok(jdsir_noise(7, "d1", 2) != jdsir_noise(8, "d1", 2));
}

int
main(void)
{
	weights();
	tokens();
	noise();
	return t_done();
}
