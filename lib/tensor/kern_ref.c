/* kern_ref.c - scalar references of the kernels: the plain formula in double, rounded once. */
#include "tensor/jkern.h"

#include <math.h>

static double
product(const struct jgemm *g, int64_t i, int64_t j)
{
	double s = 0;

	for (int64_t k = 0; k < g->K; k++) {
		double a = g->form == JGEMM_TN ? g->A[k * g->lda + i] : g->A[i * g->lda + k];
		double b = g->form == JGEMM_NT ? g->B[j * g->ldb + k] : g->B[k * g->ldb + j];

		s += a * b;
	}
	return s;
}

void
jkern_gemm_ref(const struct jgemm *g)
{
	for (int64_t i = 0; i < g->M; i++) {
		for (int64_t j = 0; j < g->N; j++) {
			float *c = g->C + i * g->ldc + j;
			double old = g->beta != 0 ? (double)g->beta * (double)*c : 0;

			*c = (float)((double)g->alpha * product(g, i, j) + old);
		}
	}
}

double
jkern_dot_ref(const float *a, const float *b, int64_t n)
{
	double s = 0;

	for (int64_t i = 0; i < n; i++)
		s += (double)a[i] * (double)b[i];
	return s;
}

static double
rms_factor(const float *x, int64_t n, float eps)
{
	return 1 / sqrt(jkern_dot_ref(x, x, n) / (double)n + (double)eps);
}

void
jkern_rmsnorm_ref(float *y, const float *x, const float *w, int64_t n, float eps)
{
	double r = rms_factor(x, n, eps);

	for (int64_t i = 0; i < n; i++)
		y[i] = (float)((double)x[i] * r * (double)w[i]);
}

void
jkern_rmsnorm_back_ref(const struct jrms_back *b)
{
	double r = rms_factor(b->x, b->n, b->eps), s = 0;

	for (int64_t i = 0; i < b->n; i++) {
		double g = (double)b->dy[i] * (double)b->x[i];

		s += g * (double)b->w[i];
		if (b->dw)
			b->dw[i] = (float)((double)b->dw[i] + g * r);
	}
	for (int64_t i = 0; b->dx && i < b->n; i++) {
		double d = (double)b->dy[i] * (double)b->w[i] * r
			- (double)b->x[i] * r * r * r * s / (double)b->n;

		b->dx[i] = (float)(d + (b->add ? (double)b->dx[i] : 0));
	}
}

static void
moments(const float *x, int64_t n, float eps, double *mean, double *inv)
{
	double s = 0, q = 0;

	for (int64_t i = 0; i < n; i++)
		s += (double)x[i];
	s /= (double)n;
	for (int64_t i = 0; i < n; i++)
		q += ((double)x[i] - s) * ((double)x[i] - s);
	*mean = s;
	*inv = 1 / sqrt(q / (double)n + (double)eps);
}

void
jkern_layernorm_ref(float *y, const float *x, const float *const wb[2], int64_t n, float eps)
{
	double mean, inv;

	moments(x, n, eps, &mean, &inv);
	for (int64_t i = 0; i < n; i++)
		y[i] = (float)(((double)x[i] - mean) * inv * (double)wb[0][i] + (double)wb[1][i]);
}

void
jkern_layernorm_back_ref(const struct jln_back *b)
{
	double mean, inv, s = 0, t = 0;

	moments(b->x, b->n, b->eps, &mean, &inv);
	for (int64_t i = 0; i < b->n; i++) {
		double h = ((double)b->x[i] - mean) * inv, g = (double)b->dy[i] * (double)b->w[i];

		s += g / (double)b->n;
		t += g * h / (double)b->n;
		if (b->dw)
			b->dw[i] = (float)((double)b->dw[i] + (double)b->dy[i] * h);
		if (b->db)
			b->db[i] = (float)((double)b->db[i] + (double)b->dy[i]);
	}
	for (int64_t i = 0; b->dx && i < b->n; i++) {
		double h = ((double)b->x[i] - mean) * inv, g = (double)b->dy[i] * (double)b->w[i];

		b->dx[i] = (float)(inv * (g - s - h * t) + (b->add ? (double)b->dx[i] : 0));
	}
}

void
jkern_rope_ref(float *y, const float *x, const float *cs, int64_t heads, int64_t half, int mode)
{
	double sign = mode & JROPE_INVERSE ? -1 : 1;

	for (int64_t h = 0; h < heads; h++, x += 2 * half, y += 2 * half) {
		for (int64_t i = 0; i < half; i++) {
			double a = x[i], b = x[half + i], c = cs[i], s = sign * (double)cs[half + i];
			double ya = a * c - b * s, yb = a * s + b * c;

			y[i] = (float)(ya + (mode & JROPE_ADD ? (double)y[i] : 0));
			y[half + i] = (float)(yb + (mode & JROPE_ADD ? (double)y[half + i] : 0));
		}
	}
}

static double
sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

void
jkern_swiglu_ref(float *y, const float *gate, const float *up, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = (float)((double)gate[i] * sigmoid(gate[i]) * (double)up[i]);
}

void
jkern_swiglu_back_ref(const struct jswiglu_back *b)
{
	for (int64_t i = 0; i < b->n; i++) {
		double g = b->gate[i], s = sigmoid(g), dy = b->dy[i];
		double du = dy * g * s, dg = dy * (double)b->up[i] * s * (1 + g * (1 - s));

		if (b->dup)
			b->dup[i] = (float)(du + (b->add_up ? (double)b->dup[i] : 0));
		if (b->dgate)
			b->dgate[i] = (float)(dg + (b->add_gate ? (double)b->dgate[i] : 0));
	}
}

double
jkern_exp_sum_ref(float *y, const float *x, float m, int64_t n)
{
	double s = 0;

	for (int64_t i = 0; i < n; i++) {
		double v = exp((double)x[i] - (double)m);

		y[i] = (float)v;
		s += v;
	}
	return s;
}
