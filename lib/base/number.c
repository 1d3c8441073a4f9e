/*
 * number.c - whole strings to numbers, and numbers to short text for people.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jstr.h"

/* Digits at *s into *v; the number of digits read, or -1 on overflow. */
static int
digits(const char **s, uint64_t *v)
{
	const char *p = *s;
	uint64_t x = 0, d;

	for (; *p >= '0' && *p <= '9'; p++) {
		d = (uint64_t)(*p - '0');
		if (x > (UINT64_MAX - d) / 10)
			return -1;
		x = x * 10 + d;
	}
	*v = x;
	d = (uint64_t)(p - *s);
	*s = p;
	return d > 1000000 ? 1000000 : (int)d;
}

int
jstr_to_u64(const char *s, uint64_t *v)
{
	uint64_t x;

	if (digits(&s, &x) <= 0 || *s)
		return JERR_ARG;
	*v = x;
	return 0;
}

int
jstr_to_i64(const char *s, int64_t *v)
{
	bool minus = *s == '-';
	uint64_t x;

	if (*s == '-' || *s == '+')
		s++;
	if (digits(&s, &x) <= 0 || *s || x > (uint64_t)INT64_MAX + minus)
		return JERR_ARG;
	if (minus)
		*v = x > (uint64_t)INT64_MAX ? INT64_MIN : -(int64_t)x;
	else
		*v = (int64_t)x;
	return 0;
}

/* Decimal only: no white space, hexadecimal, infinity or NaN. */
int
jstr_to_double(const char *s, double *v)
{
	char *end;
	double x;

	if (!*s || s[strspn(s, "0123456789.eE+-")])
		return JERR_ARG;
	errno = 0;
	x = strtod(s, &end);
	if (end == s || *end || !isfinite(x))
		return JERR_ARG;
	*v = x;
	return 0;
}

/* "12", "12K", "1.5K" where the letters in units stand for base, base^2, ... */
static int
scaled(const char *s, const char *units, uint64_t base, uint64_t *v)
{
	const char *at;
	uint64_t whole, mult = 1;
	double part = 0, step = 0.1;
	bool dot;
	int c;

	if (digits(&s, &whole) <= 0)
		return JERR_ARG;
	dot = *s == '.';
	if (dot) {
		if (s[1] < '0' || s[1] > '9')
			return JERR_ARG;
		for (s++; *s >= '0' && *s <= '9'; s++, step /= 10)
			part += step * (*s - '0');
	}
	if (*s) {
		c = *s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s;
		at = strchr(units, c);
		if (!at || s[1])
			return JERR_ARG;
		for (; at >= units; at--)
			mult *= base;
	} else if (dot) {
		return JERR_ARG;
	}
	if (whole > (UINT64_MAX - mult) / mult)
		return JERR_ARG;
	*v = whole * mult + (uint64_t)(part * (double)mult + 0.5);
	return 0;
}

int
jstr_to_size(const char *s, uint64_t *v)
{
	return scaled(s, "kmgt", 1024, v);
}

int
jstr_to_count(const char *s, uint64_t *v)
{
	return scaled(s, "kmbt", 1000, v);
}

char *
jstr_human_bytes(char out[16], double bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	size_t u = 0;

	if (!(bytes >= 0))
		bytes = 0;
	/* 999.5 would print as 1000 of its unit. */
	while (bytes >= 999.5 && u + 1 < sizeof(units) / sizeof(units[0])) {
		bytes /= 1000;
		u++;
	}
	if (u == 0 || bytes >= 99.95)
		snprintf(out, 16, "%d %s", (int)(fmin(bytes, 99999) + 0.5), units[u]);
	else
		snprintf(out, 16, "%.*f %s", bytes >= 9.995 ? 1 : 2, bytes, units[u]);
	return out;
}

char *
jstr_human_time(char out[16], double seconds)
{
	uint64_t s;

	if (!(seconds >= 0))
		seconds = 0;
	if (seconds < 9.995) {
		snprintf(out, 16, "%.2fs", seconds);
		return out;
	}
	if (seconds < 59.95) {
		snprintf(out, 16, "%.1fs", seconds);
		return out;
	}
	s = (uint64_t)(fmin(seconds, 1e12) + 0.5);
	if (s < 3600)
		snprintf(out, 16, "%um%02us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(out, 16, "%uh%02um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(out, 16, "%ud%02uh", (unsigned)(s / 86400), (unsigned)(s / 3600 % 24));
	return out;
}

char *
jstr_human_count(char out[16], double count)
{
	static const char units[] = "kMGTP";
	int u = -1;

	while (count >= 999.5 && u < 4) {
		count /= 1000;
		u++;
	}
	if (u < 0)
		snprintf(out, 16, "%.0f", count);
	else
		snprintf(out, 16, "%.*f%c", count < 9.995 ? 2 : count < 99.95 ? 1 : 0, count, units[u]);
	return out;
}
