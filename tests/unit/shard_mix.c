/* Mixing: shares hold at every prefix, any row is found without the ones before, limits end a set. */
#include "t.h"

#include <math.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "shard/jmix.h"

/* Rows 0 to n - 1 in sequence: the largest distance of a set from its share; rows count up. */
static double
worst(struct jmix *m, const struct jmix_set *v, size_t sets, uint64_t n)
{
	uint64_t given[64] = { 0 }, i, row, faults = 0;
	double sum = 0, far = 0;
	struct jerr e = { 0 };
	size_t k, set;

	for (k = 0; k < sets; k++)
		sum += v[k].weight;
	for (i = 0; i < n; i++) {
		faults += jmix_row(m, i, &set, &row, &e) != 0 || set >= sets || row != given[set]++;
		for (k = 0; k < sets; k++) {
			double d = fabs((double)given[k] - v[k].weight / sum * (double)(i + 1));

			far = d > far ? d : far;
		}
	}
	eq_int(faults, 0);
	return far;
}

static void
shares(void)
{
	static const struct jmix_set cases[][5] = {
		{ { 1, 0 } },
		{ { 0.7, 0 }, { 0.2, 0 }, { 0.1, 0 } },
		{ { 1, 0 }, { 1, 0 }, { 1, 0 } },
		{ { 1e-4, 0 }, { 1, 0 }, { 3, 0 }, { 1e-2, 0 }, { 1, 0 } },
		{ { 49, 0 }, { 49, 0 }, { 1, 0 }, { 1, 0 } },
		{ { 3.14159, 0 }, { 2.71828, 0 }, { 1.41421, 0 }, { 1.61803, 0 }, { 0.57721, 0 } },
	};
	struct jmix_set many[64];
	struct jrand r;
	struct jerr e = { 0 };
	struct jmix *m;
	size_t c, n;

	for (c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		for (n = 0; n < 5 && cases[c][n].weight > 0; n++)
			;
		ok(jmix_open(&m, cases[c], n, c, &e) == 0);
		ok(worst(m, cases[c], n, 20000) < 1 + 1e-6);
		jmix_close(m);
	}
	jrand_init(&r, 1, 2);
	for (n = 0; n < 64; n++)
		many[n] = (struct jmix_set){ 0.01 + jrand_double(&r), 0 };
	ok(jmix_open(&m, many, 64, 3, &e) == 0);
	ok(worst(m, many, 64, 20000) < 1 + 1e-6);
	eq_int(jmix_rows(m) == UINT64_MAX, 1);
	jmix_close(m);
}

static void
any_order(void)
{
	static const struct jmix_set v[] = { { 5, 0 }, { 3, 9000 }, { 2, 100 } };
	struct jerr e = { 0 };
	struct jmix *a, *b, *c;
	uint64_t i, ra, rb, bad = 0, other = 0;
	size_t sa, sb;

	ok(jmix_open(&a, v, 3, 7, &e) == 0);
	ok(jmix_open(&b, v, 3, 7, &e) == 0);
	ok(jmix_open(&c, v, 3, 8, &e) == 0);
	for (i = 0; i < 3000; i++) {
		uint64_t at = jrand_permute(i, 50000, 1, 1);

		bad += jmix_row(a, at, &sa, &ra, &e) != 0;
		bad += jmix_row(b, at, &sb, &rb, &e) != 0;
		bad += sa != sb || ra != rb;
		/* b goes on in sequence from there for a while, as a resumed run does */
		bad += jmix_row(b, at + 1, &sb, &rb, &e) != 0;
		bad += jmix_row(a, at + 1, &sa, &ra, &e) != 0 || sa != sb || ra != rb;
	}
	eq_int(bad, 0);
	for (i = 0; i < 1000; i++) {
		jmix_row(a, i, &sa, &ra, &e);
		jmix_row(c, i, &sb, &rb, &e);
		other += sa != sb;
	}
	ok(other > 0);
	jmix_close(a);
	jmix_close(b);
	jmix_close(c);
}

static void
limits(void)
{
	static const struct jmix_set v[] = { { 1, 1000 }, { 1, 50 }, { 2, 333 } };
	uint64_t given[3] = { 0 }, i, row, after[3] = { 0 };
	struct jerr e = { 0 };
	struct jmix *m;
	size_t set;

	ok(jmix_open(&m, v, 3, 0, &e) == 0);
	eq_int(jmix_rows(m), 1383);
	for (i = 0; i < 1383; i++) {
		ok(jmix_row(m, i, &set, &row, &e) == 0);
		given[set]++;
		after[set] += i >= 200 && i < 500;	/* set 1 is used up: 1 to 2 of the rest */
	}
	for (set = 0; set < 3; set++)
		eq_int(given[set], v[set].limit);
	ok(after[0] >= 99 && after[0] <= 101);
	eq_int(after[1], 0);
	eq_int(jmix_row(m, 1383, &set, &row, &e), JERR_ARG);
	jmix_close(m);
}

static void
operands(void)
{
	static const char *const wrong[] = { "", "a", "=1", "a=", "a=0", "a=-1", "a=nan", "a=inf", "a=1,", "a=1,x",
		"a=1,0", "a=1,-3x", "a=1,3y" };
	static const struct jmix_set none[] = { { 0, 0 } }, tiny[] = { { 1e-20, 0 }, { 1, 0 } };
	struct jmix_part p;
	struct jerr e = { 0 };
	struct jmix *m;
	size_t i;

	ok(jmix_parse(&p, "a=b=0.25,2.5x", &e) == 0);
	eq_str(p.path, "a=b");
	ok(p.weight == 0.25 && p.epochs == 2.5 && p.tokens == 0);
	eq_int(jmix_limit(&p, 11, 64), 27);
	eq_int(jmix_limit(&p, 0, 64), 1);
	jmix_part_release(&p);
	ok(jmix_parse(&p, "d=3,2k", &e) == 0);
	eq_int(jmix_limit(&p, 11, 64), 31);
	jmix_part_release(&p);
	ok(jmix_parse(&p, "d=3", &e) == 0);
	eq_int(jmix_limit(&p, 11, 64), 0);
	jmix_part_release(&p);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		jerr_clear(&e);
		eq_int(jmix_parse(&p, wrong[i], &e), JERR_ARG);
	}
	jerr_clear(&e);
	eq_int(jmix_open(&m, none, 1, 0, &e), JERR_ARG);
	jerr_clear(&e);
	eq_int(jmix_open(&m, tiny, 2, 0, &e), JERR_ARG);
	jerr_clear(&e);
	eq_int(jmix_open(&m, none, 0, 0, &e), JERR_ARG);
}

int
main(void)
{
	shares();
	any_order();
	limits();
	operands();
	return t_done();
}
