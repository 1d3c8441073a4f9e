/*
 * str.c - small questions about C strings.
 */
#include <string.h>

#include "base/jstr.h"

bool
jstr_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
jstr_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return m <= n && memcmp(s + n - m, suffix, m) == 0;
}

#define FAR 4		/* the cap of the distance */
#define LONGEST 128	/* longer names are never suggestions */

static int
smallest(int a, int b, int c)
{
	int m = a < b ? a : b;

	return m < c ? m : c;
}

int
jstr_distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), i, j;
	unsigned char row[LONGEST + 1];
	int diag, up, v;

	if (strcmp(a, b) == 0)
		return 0;
	if (n > LONGEST || m > LONGEST || (n > m ? n - m : m - n) >= FAR)
		return FAR;
	for (j = 0; j <= m; j++)
		row[j] = (unsigned char)j;
	for (i = 1; i <= n; i++) {
		diag = row[0];
		row[0] = (unsigned char)i;
		for (j = 1; j <= m; j++) {
			up = row[j];
			v = smallest(up + 1, row[j - 1] + 1, diag + (a[i - 1] != b[j - 1]));
			diag = up;
			row[j] = (unsigned char)v;
		}
	}
	return row[m] < FAR ? row[m] : FAR;
}
