/*
 * svd.c - singular values of B A without forming it: B = Q T and A^T = P S by Gram-Schmidt, and of the
 * small matrix T S^T by one-sided Jacobi rotations (Hestenes 1958).
 */
#include "model/svd.h"

#include <math.h>
#include <string.h>

#include "base/jmem.h"

#define SWEEPS 60

static double
dot(const double *x, const double *y, int64_t n)
{
	double s = 0;

	for (int64_t i = 0; i < n; i++)
		s += x[i] * y[i];
	return s;
}

/* Rows of m [R, n] become orthonormal; t [R, R] says of which each was made: row j = sum t[j][k] row k. */
static void
orthonormal(double *m, int64_t R, int64_t n, double *t)
{
	memset(t, 0, (size_t)(R * R) * sizeof(*t));
	for (int64_t j = 0; j < R; j++) {
		double *x = m + j * n, before = sqrt(dot(x, x, n)), size;

		for (int pass = 0; pass < 2; pass++)	/* twice is enough */
			for (int64_t k = 0; k < j; k++) {
				double d = dot(x, m + k * n, n);

				t[j * R + k] += d;
				for (int64_t i = 0; i < n; i++)
					x[i] -= d * m[k * n + i];
			}
		size = sqrt(dot(x, x, n));
		if (size <= 1e-12 * before)
			size = 0;
		t[j * R + j] = size;
		for (int64_t i = 0; i < n; i++)
			x[i] = size > 0 ? x[i] / size : 0;
	}
}

/* Rotates rows p and q of c, and of v alike, so that those of c are orthogonal; were they already? */
static int
rotate(double *c, double *v, int64_t R, int64_t p, int64_t q)
{
	double *x = c + p * R, *y = c + q * R, a = dot(x, x, R), b = dot(y, y, R), d = dot(x, y, R);
	double z, t, cs, sn;

	if (fabs(d) <= 1e-15 * sqrt(a * b))
		return 0;
	z = (b - a) / (2 * d);
	t = (z >= 0 ? 1 : -1) / (fabs(z) + sqrt(1 + z * z));
	cs = 1 / sqrt(1 + t * t);
	sn = cs * t;
	for (int64_t i = 0; i < 2 * R; i++) {
		double *m = i < R ? x : v + p * R, *n = i < R ? y : v + q * R;
		double u = m[i % R], w = n[i % R];

		m[i % R] = cs * u - sn * w;
		n[i % R] = sn * u + cs * w;
	}
	return 1;
}

/* to [r, n] = by [r, R] m [R, n], rows of `by` in the order given. */
static void
combine(double *m, const double *by, const int64_t *order, const struct svd *s, int64_t n)
{
	double *row = jmem_alloc((size_t)(s->r * n), sizeof(*row));

	memset(row, 0, (size_t)(s->r * n) * sizeof(*row));
	for (int64_t j = 0; j < s->r; j++)
		for (int64_t k = 0; k < s->R; k++)
			for (int64_t i = 0; i < n; i++)
				row[j * n + i] += by[order[j] * s->R + k] * m[k * n + i];
	memcpy(m, row, (size_t)(s->r * n) * sizeof(*m));
	jmem_free(row);
}

void
svd_thin(struct svd *s)
{
	int64_t R = s->R, *order = jmem_alloc((size_t)R, sizeof(*order));
	double *t = jmem_alloc((size_t)(4 * R * R), sizeof(*t)), *u = t + R * R, *c = u + R * R, *v = c + R * R;
	int turning = 1;

	orthonormal(s->b, R, s->O, t);
	orthonormal(s->a, R, s->I, u);
	/* B A = Q^T c^T P with c[k][l] = sum_j u[j][k] t[j][l]: rows of c are those of P. */
	for (int64_t k = 0; k < R; k++)
		for (int64_t l = 0; l < R; l++) {
			c[k * R + l] = 0;
			for (int64_t j = 0; j < R; j++)
				c[k * R + l] += u[j * R + k] * t[j * R + l];
			v[k * R + l] = k == l;
		}
	for (int sweep = 0; turning && sweep < SWEEPS; sweep++) {
		turning = 0;
		for (int64_t p = 0; p < R; p++)
			for (int64_t q = p + 1; q < R; q++)
				turning |= rotate(c, v, R, p, q);
	}
	for (int64_t k = 0; k < R; k++) {	/* by falling singular value */
		double size = dot(c + k * R, c + k * R, R);
		int64_t at = k;

		while (at > 0 && dot(c + order[at - 1] * R, c + order[at - 1] * R, R) < size) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = k;
	}
	combine(s->b, c, order, s, s->O);
	combine(s->a, v, order, s, s->I);
	jmem_free(t);
	jmem_free(order);
}
