/*
 * t.h - the unit-test runner: TAP on standard output, one program per file.
 *
 *	int main(void) { eq_int(add(1, 2), 3); return t_done(); }
 */
#ifndef T_H
#define T_H

#include <math.h>
#include <stdio.h>
#include <string.h>

static int t_count, t_failed;

#define ok(cond) t_ok((cond), #cond, __FILE__, __LINE__)
#define eq_int(a, b) t_eq_int((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)
#define eq_str(a, b) t_eq_str((a), (b), #a " == " #b, __FILE__, __LINE__)
#define near(a, b, tol) t_near((a), (b), (tol), #a " ~ " #b, __FILE__, __LINE__)

static inline int
t_ok(int cond, const char *what, const char *file, int line)
{
	t_count++;
	if (!cond)
		t_failed++;
	printf("%sok %d - %s", cond ? "" : "not ", t_count, what);
	printf(cond ? "\n" : " (%s:%d)\n", file, line);
	return cond;
}

static inline int
t_eq_int(long long a, long long b, const char *what, const char *file, int line)
{
	int good = t_ok(a == b, what, file, line);

	if (!good)
		printf("# got %lld, expected %lld\n", a, b);
	return good;
}

static inline int
t_eq_str(const char *a, const char *b, const char *what, const char *file, int line)
{
	int good = t_ok(a && b && strcmp(a, b) == 0, what, file, line);

	if (!good)
		printf("# got \"%s\", expected \"%s\"\n", a ? a : "(null)", b ? b : "(null)");
	return good;
}

static inline int
t_near(double a, double b, double tol, const char *what, const char *file, int line)
{
	int good = t_ok(fabs(a - b) <= tol, what, file, line);

	if (!good)
		printf("# got %.9g, expected %.9g within %g\n", a, b, tol);
	return good;
}

static inline void
t_skip(const char *why)
{
	printf("ok %d # SKIP %s\n", ++t_count, why);
}

static inline int
t_done(void)
{
	printf("1..%d\n", t_count);
	return t_failed != 0;
}

#endif
