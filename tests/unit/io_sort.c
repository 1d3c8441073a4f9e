/*
 * External sort against a sort in memory: many records in little memory, several merge passes, equal
 * records in the order they came, records of every length.
 */
#include <stdlib.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jstr.h"
#include "io/jfs.h"
#include "io/jsort.h"
#include "t.h"
#include "t_tmp.h"

struct rec {
	const unsigned char *p;
	size_t n;
};

static int
order(const void *a, const void *b)
{
	const struct rec *x = a, *y = b;
	int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* count records of 0..longest bytes from few letters, so that equal ones and prefixes abound */
static void
against_qsort(const char *dir, size_t count, size_t longest, unsigned letters, size_t memory)
{
	struct rec *all = jmem_alloc(count, sizeof(*all));
	struct jerr e = { 0 };
	struct jrand r;
	struct jsort *s;
	const void *p;
	size_t i, j, n, wrong = 0;
	unsigned char *q;
	int rc = 0;

	jrand_init(&r, count, longest);
	eq_int(jsort_open(&s, memory, dir, &e), 0);
	for (i = 0; i < count; i++) {
		n = jrand_below(&r, longest + 1);
		q = jmem_alloc(n, 1);
		for (j = 0; j < n; j++)
			q[j] = (unsigned char)(jrand_below(&r, letters) * 37);
		all[i] = (struct rec){ q, n };
		rc |= jsort_add(s, q, n, &e);
	}
	eq_int(rc, 0);
	eq_int(jsort_finish(s, &e), 0);
	qsort(all, count, sizeof(*all), order);
	for (i = 0; (rc = jsort_next(s, &p, &n, &e)) > 0; i++)
		wrong += i >= count || n != all[i].n || memcmp(p, all[i].p, n) != 0;
	eq_int(rc, 0);
	eq_int(jsort_next(s, &p, &n, &e), 0);
	ok(i == count && wrong == 0);
	jsort_close(s);
	for (i = 0; i < count; i++)
		jmem_free((void *)(uintptr_t)all[i].p);
	jmem_free(all);
}

/* An already sorted and a descending input, by a big-endian counter. */
static void
runs_in_order(const char *dir, int down)
{
	enum { N = 60000 };
	struct jerr e = { 0 };
	struct jsort *s;
	const void *p;
	const unsigned char *u;
	size_t n, wrong = 0;
	unsigned i, v;

	jsort_open(&s, 65536, dir, &e);
	for (i = 0; i < N; i++) {
		v = down ? N - 1 - i : i;
		jsort_add(s, (unsigned char[]){ (unsigned char)(v >> 16), (unsigned char)(v >> 8),
			(unsigned char)v, 'x' }, 4, &e);
	}
	jsort_finish(s, &e);
	for (i = 0; jsort_next(s, &p, &n, &e) == 1; i++) {
		u = p;
		wrong += n != 4 || ((unsigned)u[0] << 16 | (unsigned)u[1] << 8 | u[2]) != i;
	}
	ok(i == N && wrong == 0 && !e.code);
	jsort_close(s);
}

static void
edges(const char *dir)
{
	struct jerr e = { 0 };
	struct jsort *s;
	const void *p;
	size_t n;
	char *big = jmem_alloc(300000, 1);

	jsort_open(&s, 0, dir, &e);
	eq_int(jsort_finish(s, &e), 0);
	eq_int(jsort_next(s, &p, &n, &e), 0);
	jsort_close(s);
	/* a record larger than all memory */
	memset(big, 'm', 300000);
	jsort_open(&s, 65536, dir, &e);
	jsort_add(s, "z", 1, &e);
	jsort_add(s, big, 300000, &e);
	jsort_add(s, "", 0, &e);
	jsort_add(s, "a", 1, &e);
	jsort_finish(s, &e);
	ok(jsort_next(s, &p, &n, &e) == 1 && n == 0);
	ok(jsort_next(s, &p, &n, &e) == 1 && n == 1);
	ok(jsort_next(s, &p, &n, &e) == 1 && n == 300000 && memcmp(p, big, n) == 0);
	ok(jsort_next(s, &p, &n, &e) == 1 && n == 1 && *(const char *)p == 'z');
	eq_int(jsort_next(s, &p, &n, &e), 0);
	jsort_close(s);
	jsort_close(NULL);
	/* closed in the middle, and a folder that is not there */
	jsort_open(&s, 65536, "/absent/folder", &e);
	jsort_add(s, "z", 1, &e);
	eq_int(jsort_add(s, big, 300000, &e), JERR_IO);
	ok(strstr(e.msg, "/absent/folder") != NULL);
	jsort_close(s);
	jmem_free(big);
}

int
main(void)
{
	const char *dir = t_tmpdir();
	struct jerr e = { 0 };
	struct jarena a;
	char **names;
	size_t n = 9;

	against_qsort(dir, 1000, 20, 3, 1 << 20);	/* in memory */
	against_qsort(dir, 20000, 12, 2, 65536);	/* some runs, very many equal records */
	against_qsort(dir, 60000, 40, 7, 65536);	/* more runs than one merge takes */
	against_qsort(dir, 300, 9000, 7, 65536);	/* records larger than a run's share */
	runs_in_order(dir, 0);
	runs_in_order(dir, 1);
	edges(dir);
	jarena_init(&a, 0);
	jfs_list(dir, &a, &names, &n, &e);
	eq_int(n, 0);	/* nothing is left behind */
	jarena_release(&a);
	jfs_remove_tree(dir, &e);
	return t_done();
}
