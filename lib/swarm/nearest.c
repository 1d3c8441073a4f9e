#include "swarm/nearest.h"

#include <math.h>
#include <string.h>

#include "base/jmem.h"
#include "swarm/solve.h"

#define SHRINK 0.1		/* of what directions vary together: so much is taken for chance */
#define PENALTY 0.1		/* of ridge, as a share of a direction's mean square */

void
nearest_release(struct nearest *e)
{
	jmem_free(e->encoder);
	jmem_free(e->v);
	jmem_free(e->of);
	jmem_free(e->mean);
	jmem_free(e->factor);
	jmem_free(e->ridge);
	jmem_free(e->text_at);
	jbuf_release(&e->texts);
	memset(e, 0, sizeof(*e));
}

void
nearest_turn(const struct nearest *e, const float *x, float *out)
{
	const size_t C = e->width;
	double square = 0;
	float scale;

	for (size_t i = 0; i < C; i++) {
		const float *row = e->factor + i * C;
		double v = (double)x[i] - e->mean[i];

		for (size_t k = 0; k < i; k++)
			v -= (double)row[k] * out[k];
		out[i] = (float)(v / row[i]);
		square += (double)out[i] * out[i];
	}
	scale = square > 0 ? (float)(1 / sqrt(square)) : 0;
	for (size_t i = 0; i < C; i++)
		out[i] *= scale;
}

static double
dot(const float *a, const float *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

void
nearest_find(const struct nearest *e, const float *turned, struct near *out)
{
	double *best = jmem_alloc(e->classes * NEIGHBOURS + 1, sizeof(*best));
	size_t *found = jmem_zalloc(e->classes + 1, sizeof(*found));

	for (size_t i = 0; i < e->n; i++) {
		size_t c = e->of[i], k = found[c] < NEIGHBOURS ? found[c] : NEIGHBOURS;
		double d = dot(e->v + i * e->width, turned, e->width), *list = best + c * NEIGHBOURS;

		found[c]++;
		if (k == NEIGHBOURS && d <= list[k - 1])
			continue;
		k -= k == NEIGHBOURS;
		for (; k > 0 && list[k - 1] < d; k--)
			list[k] = list[k - 1];
		list[k] = d;
		if (k == 0)
			out->example[c] = i;
	}
	for (size_t c = 0; c < e->classes; c++) {
		size_t k = found[c] < NEIGHBOURS ? found[c] : NEIGHBOURS;

		out->cosine[c] = k ? 0 : -1;
		for (size_t i = 0; i < k; i++)
			out->cosine[c] += best[c * NEIGHBOURS + i] / (double)k;
	}
	jmem_free(found);
	jmem_free(best);
}

void
nearest_ridge(const struct nearest *e, const float *turned, double *out)
{
	const size_t C = e->width;

	for (size_t c = 0; c < e->classes; c++)
		out[c] = e->ridge[C * e->classes + c];
	for (size_t i = 0; i < C; i++)
		for (size_t c = 0; c < e->classes; c++)
			out[c] += (double)turned[i] * e->ridge[i * e->classes + c];
}

/* --- fitting --- */

/* Every class weighs the same: 1 / (its examples * the classes that have some). */
static void
weigh(const struct nearest *e, double *weight)
{
	double classes = 0;

	memset(weight, 0, e->classes * sizeof(*weight));
	for (size_t i = 0; i < e->n; i++)
		weight[e->of[i]]++;
	for (size_t c = 0; c < e->classes; c++)
		classes += weight[c] > 0;
	for (size_t c = 0; c < e->classes; c++)
		weight[c] = weight[c] > 0 ? 1 / (weight[c] * classes) : 0;
}

/* sum += weight * x x', lower triangle */
static void
add_square(double *sum, const double *x, size_t n, double weight)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k <= i; k++)
			sum[i * n + k] += weight * x[i] * x[k];
}

static int
fit_turn(struct nearest *e, const float *x, const double *weight, struct jerr *err)
{
	const size_t C = e->width;
	double *mean = jmem_zalloc(e->classes * C + C + C * C, sizeof(*mean));
	double *d = mean + e->classes * C, *cov = d + C;
	bool fine;

	for (size_t i = 0; i < e->n; i++)
		for (size_t k = 0; k < C; k++)
			mean[e->of[i] * C + k] += weight[e->of[i]] * x[i * C + k];
	for (size_t k = 0; k < C; k++) {
		double all = 0, classes = 0;

		for (size_t c = 0; c < e->classes; c++) {
			all += mean[c * C + k];
			classes += weight[c] > 0;
		}
		for (size_t c = 0; c < e->classes; c++)
			mean[c * C + k] *= classes;
		e->mean[k] = (float)all;
	}
	for (size_t i = 0; i < e->n; i++) {
		for (size_t k = 0; k < C; k++)
			d[k] = x[i * C + k] - mean[e->of[i] * C + k];
		add_square(cov, d, C, weight[e->of[i]]);
	}
	for (size_t i = 0; i < C; i++) {
		for (size_t k = 0; k < i; k++)
			cov[i * C + k] *= 1 - SHRINK;
		cov[i * C + i] += 1e-12;
	}
	fine = solve_cholesky(cov, C);
	for (size_t k = 0; k < C * C; k++)
		e->factor[k] = (float)(k % C <= k / C ? cov[k] : 0);
	jmem_free(mean);
	return fine ? 0 : jerr_set(err, JERR_ARG, "%s: its vectors of the examples are not numbers that a "
		"router can learn from", e->encoder);
}

static int
fit_ridge(struct nearest *e, const double *weight, struct jerr *err)
{
	const size_t C = e->width, n = C + 1;
	double *a = jmem_zalloc(n * n + n * e->classes + n, sizeof(*a)), *b = a + n * n;
	double *row = b + n * e->classes;
	bool fine;

	row[C] = 1;
	for (size_t i = 0; i < e->n; i++) {
		for (size_t k = 0; k < C; k++)
			row[k] = e->v[i * C + k];
		add_square(a, row, n, weight[e->of[i]]);
		for (size_t k = 0; k < n; k++)
			b[e->of[i] * n + k] += weight[e->of[i]] * row[k];
	}
	for (size_t k = 0; k < C; k++)
		a[k * n + k] += PENALTY / (double)C;
	a[n * n - 1] += 1e-9;
	fine = solve_cholesky(a, n);
	for (size_t c = 0; fine && c < e->classes; c++) {
		solve_forward(a, n, b + c * n);
		solve_back(a, n, b + c * n);
		for (size_t k = 0; k < n; k++)
			e->ridge[k * e->classes + c] = (float)b[c * n + k];
	}
	jmem_free(a);
	return fine ? 0 : jerr_set(err, JERR_ARG, "%s: its vectors do not tell the examples apart",
		e->encoder);
}

int
nearest_fit(struct nearest *e, const float *x, struct jerr *err)
{
	const size_t C = e->width;
	double *weight = jmem_alloc(e->classes + 1, sizeof(*weight));
	int rc;

	e->v = jmem_alloc(e->n * C + 1, sizeof(*e->v));
	e->mean = jmem_zalloc(C, sizeof(*e->mean));
	e->factor = jmem_zalloc(C * C, sizeof(*e->factor));
	e->ridge = jmem_zalloc((C + 1) * e->classes, sizeof(*e->ridge));
	weigh(e, weight);
	rc = fit_turn(e, x, weight, err);
	for (size_t i = 0; rc == 0 && i < e->n; i++)
		nearest_turn(e, x + i * C, e->v + i * C);
	if (rc == 0)
		rc = fit_ridge(e, weight, err);
	jmem_free(weight);
	return rc;
}
