/*
 * codes.c - 8-bit numbers with a dynamic exponent (Dettmers et al. 2022): 256 values from -1 (or 0)
 * to 1, in decades of which each has twice as many values as the one below, so that small and large
 * magnitudes alike keep a few digits.  Blocks of values share a scale, their largest magnitude.
 *
 * The nearest value is found in one look: the exponent and seven bits of the mantissa name a range so
 * narrow that at most one boundary between two values lies in it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/jmem.h"
#include "optim/optim_internal.h"

#define VALUES 256
#define DECADES 7
#define MANTISSA 7
#define LOW_EXPONENT (127 - 23)		/* below 2^-23 everything is 0 */
#define RANGES ((127 - LOW_EXPONENT + 1) << MANTISSA)

struct table {
	float value[VALUES];
	float upper[VALUES];		/* boundary above: the middle between two values */
	unsigned char least[2 * RANGES];	/* code at the lower end of a range; then negative */
};

struct optim_codes {
	struct table table[2];
};

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The middles of equal parts of [0.1, 1] in each decade, both signs or one, 0 and 1. */
static void
fill_values(struct table *t, enum optim_sign sign)
{
	int i, j, n = 0;

	for (i = 0; i < DECADES; i++) {
		int parts = sign == OPTIM_SIGNED ? 1 << i : 2 << i;

		for (j = 0; j < parts; j++) {
			double v = pow(10, i - (DECADES - 1)) * (0.1 + 0.9 * (j + 0.5) / parts);

			t->value[n++] = (float)v;
			if (sign == OPTIM_SIGNED)
				t->value[n++] = (float)-v;
		}
	}
	t->value[n++] = 0;
	t->value[n++] = 1;
	qsort(t->value, VALUES, sizeof(*t->value), by_value);
	for (i = 0; i + 1 < VALUES; i++)
		t->upper[i] = (t->value[i] + t->value[i + 1]) / 2;
	t->upper[VALUES - 1] = INFINITY;
}

static float
from_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static unsigned char
nearest(const struct table *t, float v)
{
	int c = 0;

	while (v > t->upper[c])
		c++;
	return (unsigned char)c;
}

/* Range r of magnitudes starts at bits (LOW_EXPONENT << MANTISSA) + r; range 0 starts at 0. */
static void
fill_ranges(struct table *t)
{
	uint32_t base = (uint32_t)LOW_EXPONENT << MANTISSA, r;

	for (r = 0; r < RANGES; r++) {
		uint32_t from = r == 0 ? 0 : (base + r) << (23 - MANTISSA);
		uint32_t last = ((base + r + 1) << (23 - MANTISSA)) - 1;

		t->least[r] = nearest(t, from_bits(from));
		t->least[RANGES + r] = nearest(t, -from_bits(last));
	}
}

struct optim_codes *
optim_codes_new(void)
{
	struct optim_codes *c = jmem_zalloc(1, sizeof(*c));
	int sign;

	for (sign = OPTIM_UNSIGNED; sign <= OPTIM_SIGNED; sign++) {
		fill_values(&c->table[sign], (enum optim_sign)sign);
		fill_ranges(&c->table[sign]);
	}
	return c;
}

void
optim_codes_free(struct optim_codes *c)
{
	jmem_free(c);
}

float
optim_code_value(const struct optim_codes *c, enum optim_sign sign, int code)
{
	return c->table[sign].value[code];
}

void
optim_decode(const struct optim_codes *c, enum optim_sign sign, const unsigned char *q, float scale,
	float *v, int64_t n)
{
	const float *value = c->table[sign].value;
	int64_t i;

	for (i = 0; i < n; i++)
		v[i] = value[q[i]] * scale;
}

static float
largest(const float *v, int64_t n)
{
	float lane[8] = { 0 };
	int64_t i, j;

	for (i = 0; i + 8 <= n; i += 8)
		for (j = 0; j < 8; j++)
			lane[j] = fabsf(v[i + j]) > lane[j] ? fabsf(v[i + j]) : lane[j];
	for (; i < n; i++)
		lane[0] = fabsf(v[i]) > lane[0] ? fabsf(v[i]) : lane[0];
	for (j = 1; j < 8; j++)
		lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
	return lane[0];
}

/* Values by the scale and where in least[] they begin. */
static void
find_ranges(const float *restrict v, float inverse, float *restrict x, int32_t *restrict range,
	int64_t n)
{
	const int32_t base = LOW_EXPONENT << MANTISSA;

	for (int64_t i = 0; i < n; i++) {
		float by = v[i] * inverse;
		int32_t bits, r;

		memcpy(&bits, &by, sizeof(bits));
		r = ((bits & 0x7fffffff) >> (23 - MANTISSA)) - base;
		r = r < 0 ? 0 : r;
		r = r < RANGES ? r : RANGES - 1;
		x[i] = by;
		range[i] = r + (bits < 0 ? RANGES : 0);
	}
}

/* A value that is not 0 must not become 0 where there is no sign: a second moment divides. */
float
optim_encode(const struct optim_codes *c, enum optim_sign sign, const float *v, unsigned char *q,
	int64_t n)
{
	const struct table *t = &c->table[sign];
	float scale = largest(v, n), inverse = scale > 0 ? 1 / scale : 0, x[OPTIM_BLOCK];
	int32_t range[OPTIM_BLOCK];
	int64_t i;

	/* The scale may be so small that its inverse is not finite: all but 0. */
	if (!isfinite(inverse)) {
		inverse = 0;
		scale = 0;
	}
	find_ranges(v, inverse, x, range, n);
	for (i = 0; i < n; i++) {
		int code = t->least[range[i]];

		q[i] = (unsigned char)(code + (x[i] > t->upper[code]));
	}
	for (i = 0; sign == OPTIM_UNSIGNED && i < n; i++)
		q[i] = (unsigned char)(q[i] + ((q[i] == 0) & (v[i] > 0)));
	return scale;
}
