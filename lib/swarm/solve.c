#include "swarm/solve.h"

#include <math.h>
#include <string.h>

#include "base/jmem.h"

#define ROUNDS 40
#define RIDGE 1e-3		/* of a mean loss: keeps weights finite where the cases are separable */

bool
solve_cholesky(double *a, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		for (size_t i = j; i < n; i++) {
			double sum = a[i * n + j];

			for (size_t k = 0; k < j; k++)
				sum -= a[i * n + k] * a[j * n + k];
			if (i == j && !(sum > 0))
				return false;
			a[i * n + j] = i == j ? sqrt(sum) : sum / a[j * n + j];
		}
	}
	return true;
}

void
solve_forward(const double *l, size_t n, double *b)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			b[i] -= l[i * n + k] * b[k];
		b[i] /= l[i * n + i];
	}
}

void
solve_back(const double *l, size_t n, double *b)
{
	for (size_t i = n; i-- > 0;) {
		for (size_t k = i + 1; k < n; k++)
			b[i] -= l[k * n + i] * b[k];
		b[i] /= l[i * n + i];
	}
}

/* --- choices --- */

/* Probabilities of one case into p; returns -ln p of what was right. */
static double
probabilities(const struct choices_made *c, size_t i, const double *w, double *p)
{
	const double *x = c->x + i * c->alternatives * c->k;
	double max = -INFINITY, sum = 0, right;

	for (size_t a = 0; a < c->alternatives; a++) {
		p[a] = 0;
		for (size_t j = 0; j < c->k; j++)
			p[a] += x[a * c->k + j] * w[j];
		if (p[a] > max)
			max = p[a];
	}
	right = p[c->made[i]];
	for (size_t a = 0; a < c->alternatives; a++)
		sum += p[a] = exp(p[a] - max);
	for (size_t a = 0; a < c->alternatives; a++)
		p[a] /= sum;
	return log(sum) + max - right;
}

double
solve_choices_loss(const struct choices_made *c, const double *w)
{
	double *p = jmem_alloc(c->alternatives + 1, sizeof(*p)), loss = 0, all = 0;

	for (size_t i = 0; i < c->n; i++) {
		double t = c->weight ? c->weight[i] : 1;

		loss += t * probabilities(c, i, w, p);
		all += t;
	}
	jmem_free(p);
	return all > 0 ? loss / all : 0;
}

/* Adds the slope and the curvature of one case: x' (p - right), x' (diag p - p p') x. */
static void
add_case(const struct choices_made *c, size_t i, const double *p, double *slope, double *curve)
{
	const double *x = c->x + i * c->alternatives * c->k, t = c->weight ? c->weight[i] : 1;
	double *mean = curve + c->k * c->k;

	memset(mean, 0, c->k * sizeof(*mean));
	for (size_t a = 0; a < c->alternatives; a++)
		for (size_t j = 0; j < c->k; j++)
			mean[j] += p[a] * x[a * c->k + j];
	for (size_t j = 0; j < c->k; j++)
		slope[j] += t * (mean[j] - x[c->made[i] * c->k + j]);
	for (size_t a = 0; a < c->alternatives; a++)
		for (size_t j = 0; j < c->k; j++)
			for (size_t m = 0; m <= j; m++)
				curve[j * c->k + m] += t * p[a] * (x[a * c->k + j] - mean[j]) *
					(x[a * c->k + m] - mean[m]);
}

/* Newton's steps over the weights that are free, halved until the loss falls. */
static void
climb(const struct choices_made *c, const bool *fixed, double *w)
{
	const size_t k = c->k;
	double *room = jmem_alloc(c->alternatives + k * (k + 4), sizeof(*room)), *p = room;
	double *slope = p + c->alternatives, *next = slope + k, *curve = next + k, all = 0;

	for (size_t i = 0; i < c->n; i++)
		all += c->weight ? c->weight[i] : 1;
	for (int round = 0; round < ROUNDS; round++) {
		double before = solve_choices_loss(c, w), size = 0, by = 1;

		memset(slope, 0, k * sizeof(*slope));
		memset(curve, 0, k * k * sizeof(*curve));
		for (size_t i = 0; i < c->n; i++) {
			probabilities(c, i, w, p);
			add_case(c, i, p, slope, curve);
		}
		for (size_t j = 0; j < k; j++) {
			slope[j] = fixed[j] ? 0 : slope[j] / all + RIDGE * w[j];
			for (size_t m = 0; m <= j; m++)
				curve[j * k + m] = fixed[j] || fixed[m] ? 0 : curve[j * k + m] / all;
			curve[j * k + j] += fixed[j] ? 1 : RIDGE;
			before += RIDGE / 2 * w[j] * w[j];
		}
		if (!solve_cholesky(curve, k))
			break;
		solve_forward(curve, k, slope);
		solve_back(curve, k, slope);
		for (; by > 1e-6; by /= 2) {
			double after = 0;

			for (size_t j = 0; j < k; j++) {
				next[j] = w[j] - by * slope[j];
				after += RIDGE / 2 * next[j] * next[j];
			}
			if (after + solve_choices_loss(c, next) <= before)
				break;
		}
		for (size_t j = 0; j < k && by > 1e-6; j++) {
			size += fabs(next[j] - w[j]);
			w[j] = next[j];
		}
		if (size < 1e-9)
			break;
	}
	jmem_free(room);
}

void
solve_choices(const struct choices_made *c, double *w)
{
	bool *fixed = jmem_zalloc(c->k + 1, sizeof(*fixed));

	for (size_t tries = 0; tries <= c->n_signs; tries++) {
		size_t worst = SIZE_MAX;

		for (size_t j = 0; j < c->k; j++)
			w[j] = 0;
		if (c->n > 0)
			climb(c, fixed, w);
		for (size_t j = 0; j < c->n_signs; j++)
			if (w[j] < 0 && (worst == SIZE_MAX || w[j] < w[worst]))
				worst = j;
		if (worst == SIZE_MAX)
			break;
		fixed[worst] = true;
		w[worst] = 0;
	}
	jmem_free(fixed);
}
