/* 8-bit numbers: the table, the nearest value, blocks of zeros and of tiny values. */
#include "t.h"

#include "base/jrand.h"
#include "optim/optim_internal.h"

/* The nearest value by looking at all; on a tie the lower one. */
static int
nearest(const struct optim_codes *c, enum optim_sign sign, float x)
{
	int i, best = 0;

	for (i = 1; i < 256; i++) {
		float middle = (optim_code_value(c, sign, i - 1) + optim_code_value(c, sign, i)) / 2;

		if (x > middle)
			best = i;
	}
	return best;
}

static void
table(const struct optim_codes *c, enum optim_sign sign)
{
	int i, rises = 1;

	for (i = 1; i < 256; i++)
		rises &= optim_code_value(c, sign, i) > optim_code_value(c, sign, i - 1);
	ok(rises);
	near(optim_code_value(c, sign, 255), 1, 0);
	if (sign == OPTIM_SIGNED) {
		near(optim_code_value(c, sign, 0), -(0.1 + 0.9 * 63.5 / 64), 1e-7);
		near(optim_code_value(c, sign, 127), 0, 0);
		near(optim_code_value(c, sign, 128), 0.55e-6, 1e-12);
	} else {
		near(optim_code_value(c, sign, 0), 0, 0);
		near(optim_code_value(c, sign, 1), 0.325e-6, 1e-12);
	}
}

static void
against_all(const struct optim_codes *c, enum optim_sign sign)
{
	unsigned char q[OPTIM_BLOCK];
	float v[OPTIM_BLOCK];
	struct jrand r;
	int round, i, wrong = 0;

	jrand_init(&r, 1, 2);
	for (round = 0; round < 200; round++) {
		for (i = 0; i < OPTIM_BLOCK; i++) {
			v[i] = (float)exp(-20 * jrand_double(&r));
			if (sign == OPTIM_SIGNED && jrand_double(&r) < 0.5)
				v[i] = -v[i];
			/* At and beside the boundaries too. */
			if (i % 3 == 0)
				v[i] = (optim_code_value(c, sign, i) + optim_code_value(c, sign,
					(i + 1) % 256)) / 2;
			if (i % 9 == 0)
				v[i] = nextafterf(v[i], round % 2 ? 2 : -2);
		}
		v[7] = 1;
		near(optim_encode(c, sign, v, q, OPTIM_BLOCK), 1, 0);
		for (i = 0; i < OPTIM_BLOCK; i++) {
			int want = nearest(c, sign, v[i]);

			if (sign == OPTIM_UNSIGNED && want == 0 && v[i] > 0)
				want = 1;
			wrong += q[i] != want;
		}
	}
	eq_int(wrong, 0);
}

static void
edges(const struct optim_codes *c)
{
	unsigned char q[4];
	float v[4] = { 0, 0, 0, 0 }, back[4];

	near(optim_encode(c, OPTIM_SIGNED, v, q, 4), 0, 0);
	optim_decode(c, OPTIM_SIGNED, q, 0, back, 4);
	ok(back[0] == 0 && back[3] == 0);
	v[1] = 1e-42f;
	near(optim_encode(c, OPTIM_UNSIGNED, v, q, 4), 0, 0);
	v[0] = 3e-30f;
	v[1] = 6e30f;
	v[2] = -v[1];
	near(optim_encode(c, OPTIM_SIGNED, v, q, 4), 6e30, 1e24);
	optim_decode(c, OPTIM_SIGNED, q, 6e30f, back, 4);
	ok(back[0] == 0 && back[1] == 6e30f && back[3] == 0);
	near(back[2], -6e30, 6e30 * 0.008);
	/* A second moment that is not 0 stays so. */
	optim_encode(c, OPTIM_UNSIGNED, v, q, 2);
	optim_decode(c, OPTIM_UNSIGNED, q, 6e30f, back, 2);
	ok(back[0] > 0);
}

int
main(void)
{
	struct optim_codes *c = optim_codes_new();

	table(c, OPTIM_SIGNED);
	table(c, OPTIM_UNSIGNED);
	against_all(c, OPTIM_SIGNED);
	against_all(c, OPTIM_UNSIGNED);
	edges(c);
	optim_codes_free(c);
	return t_done();
}
