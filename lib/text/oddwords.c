/*
 * oddwords.c - words of small Latin letters that no one would say: no vowel, long runs of
 * consonants, vowels or one letter, rows of the keyboard.
 */
#include "text/page_internal.h"

/* Where a letter stands on the keyboard: row * 16 + column. */
static const unsigned char key_at[26] = {
	['q' - 'a'] = 1, ['w' - 'a'] = 2, ['e' - 'a'] = 3, ['r' - 'a'] = 4, ['t' - 'a'] = 5,
	['y' - 'a'] = 6, ['u' - 'a'] = 7, ['i' - 'a'] = 8, ['o' - 'a'] = 9, ['p' - 'a'] = 10,
	['a' - 'a'] = 17, ['s' - 'a'] = 18, ['d' - 'a'] = 19, ['f' - 'a'] = 20, ['g' - 'a'] = 21,
	['h' - 'a'] = 22, ['j' - 'a'] = 23, ['k' - 'a'] = 24, ['l' - 'a'] = 25,
	['z' - 'a'] = 33, ['x' - 'a'] = 34, ['c' - 'a'] = 35, ['v' - 'a'] = 36, ['b' - 'a'] = 37,
	['n' - 'a'] = 38, ['m' - 'a'] = 39
};

/* Five neighbouring keys in a row, either way. */
static bool
has_keyboard_run(const char *s, size_t n)
{
	int run = 0, way = 0, step;
	size_t i;

	for (i = 1; i < n; i++) {
		step = key_at[s[i] - 'a'] - key_at[s[i - 1] - 'a'];
		if (step != 1 && step != -1) {
			run = way = 0;
			continue;
		}
		run = step == way ? run + 1 : 1;
		way = step;
		if (run >= 4)
			return true;
	}
	return false;
}

bool
jpage_is_odd(const char *s, size_t n)
{
	const unsigned vowel_bits = 1u << 0 | 1u << 4 | 1u << 8 | 1u << 14 | 1u << 20 | 1u << 24;
	size_t i, vowels = 0, consonants = 0, same = 0, most_c = 0, most_v = 0, most_s = 0, run_v = 0;

	for (i = 0; i < n; i++) {
		bool vowel = vowel_bits >> (s[i] - 'a') & 1;

		vowels += vowel;
		consonants = vowel ? 0 : consonants + 1;
		run_v = vowel ? run_v + 1 : 0;
		same = i > 0 && s[i] == s[i - 1] ? same + 1 : 1;
		most_c = consonants > most_c ? consonants : most_c;
		most_v = run_v > most_v ? run_v : most_v;
		most_s = same > most_s ? same : most_s;
	}
	return vowels == 0 || most_c >= 6 || most_v >= 5 || most_s >= 4 || n > 30 ||
		has_keyboard_run(s, n);
}
