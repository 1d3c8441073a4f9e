/*
 * quant_fit.c - encoders.  Without importance the 32-value types follow ggml's reference rules, which
 * fix every byte; with importance, and for the K types, scale and minimum are searched for: a number
 * of trial scales, for each the integers that it rounds to, and for those integers the scale (and
 * minimum) of least weighted square error in closed form; the best trial wins.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/jle.h"
#include "tensor/jtensor.h"
#include "tensor/quant.h"

/* A NaN becomes lo. */
static int
nearest(float v, int lo, int hi)
{
	if (!(v > (float)lo))
		return lo;
	if (v >= (float)hi)
		return hi;
	/* Adding 1.5 * 2^23 leaves the value, rounded half to even, in the low bits. */
	return (int)(v + 12582912.0f - 12582912.0f);
}

static int
truncated(float v, int hi)
{
	return v > 0 ? v < (float)hi ? (int)v : hi : 0;
}

static float
largest(const float *x, int n)
{
	float top = 0, v = 0;

	for (int i = 0; i < n; i++) {
		if (fabsf(x[i]) > top) {
			top = fabsf(x[i]);
			v = x[i];
		}
	}
	return v;
}

static void
range(const float *x, int n, float *lo, float *hi)
{
	*lo = *hi = x[0];
	for (int i = 1; i < n; i++) {
		if (x[i] < *lo)
			*lo = x[i];
		if (x[i] > *hi)
			*hi = x[i];
	}
}

static float
inverse(float d)
{
	return d != 0 ? 1 / d : 0;
}

/* x = scale * q, q in [-top, top - 1]: the scale; q as rounded by it, plus top, in q. */
struct symmetric {
	int n, top;
	const float *x, *w;
	unsigned char *q;
};

static bool
try_symmetric(const struct symmetric *s, float inv, double *best, float *scale)
{
	double xl = 0, ll = 0;

	for (int i = 0; i < s->n; i++) {
		int l = nearest(inv * s->x[i], -s->top, s->top - 1);
		double w = s->w[i];

		xl += w * (double)s->x[i] * l;
		ll += w * l * l;
	}
	/* The error left is sum w x^2 - xl^2 / ll. */
	if (!(ll > 0) || !(xl * xl > *best * ll))
		return false;
	*best = xl * xl / ll;
	*scale = (float)(xl / ll);
	return true;
}

static float
fit_symmetric(const struct symmetric *s)
{
	float max = largest(s->x, s->n), scale = 0, inv, best_inv = 0;
	double best = 0;

	if (fabsf(max) < 1e-15f) {
		memset(s->q, s->top, (size_t)s->n);
		return 0;
	}
	for (int t = -9; t <= 9; t++) {
		inv = -((float)s->top + 0.1f * (float)t) / max;
		if (try_symmetric(s, inv, &best, &scale))
			best_inv = inv;
	}
	for (int i = 0; i < s->n; i++)
		s->q[i] = (unsigned char)(nearest(best_inv * s->x[i], -s->top, s->top - 1) + s->top);
	return scale;
}

/* x = scale * q - min, q in [0, top], min >= 0; trial scales (top + first + t * step) / range. */
struct asymmetric {
	int n, top, trials;
	float first, step;
	const float *x, *w;
};

struct line {
	double scale, min, error;
};

/*
 * Least squares over the integers that inv and lo round to.  The error left is
 * sum w x^2 - scale sum w x q + min sum w x, of which all trials share the first term.
 */
static bool
solve_line(const struct asymmetric *a, float lo, float inv, struct line *out)
{
	double w0 = 0, wx = 0, wl = 0, wll = 0, wxl = 0, det;

	for (int i = 0; i < a->n; i++) {
		float w = a->w[i], x = a->x[i], q = (float)nearest(inv * (x - lo), 0, a->top);

		w0 += (double)w;
		wx += (double)(w * x);
		wl += (double)(w * q);
		wll += (double)(w * q * q);
		wxl += (double)(w * x * q);
	}
	det = w0 * wll - wl * wl;
	if (!(det > 0))
		return false;
	out->scale = (w0 * wxl - wx * wl) / det;
	out->min = -(wll * wx - wl * wxl) / det;
	if (out->min < 0) {
		out->min = 0;
		out->scale = wxl / wll;
	}
	out->error = out->min * wx - out->scale * wxl;
	return out->scale > 0;
}

static void
fit_asymmetric(const struct asymmetric *a, float *scale, float *min)
{
	struct line best = { 0, 0, INFINITY }, trial;
	float lo, hi;

	range(a->x, a->n, &lo, &hi);
	if (lo > 0)
		lo = 0;
	*scale = 0;
	*min = -lo;
	if (!(hi > lo))
		return;
	for (int t = 0; t <= a->trials; t++) {
		float inv = ((float)a->top + a->first + a->step * (float)t) / (hi - lo);

		if (solve_line(a, lo, inv, &trial) && trial.error < best.error)
			best = trial;
	}
	if (best.error == (double)INFINITY)
		return;
	*scale = (float)best.scale;
	*min = (float)best.min;
}

/* Scales (or minima), all >= 0, to 6 bits: the common factor of least weighted error. */
static float
fit_scales(const float *v, const float *w, int *q)
{
	struct symmetric s = { 8, 64, v, w, NULL };
	float max = largest(v, 8), inv = 0, scale = 0;
	double best = 0;

	memset(q, 0, 8 * sizeof(*q));
	if (max <= 0)
		return 0;
	for (int t = -4; t <= 4; t++) {
		float trial = (63 + 0.1f * (float)t) / max;

		if (try_symmetric(&s, trial, &best, &scale))
			inv = trial;
	}
	for (int j = 0; j < 8; j++)
		q[j] = nearest(inv * v[j], 0, 63);
	return scale;
}

/* --- blocks of 32 values --- */

/* Weights of a fit with importance: large values matter more, small ones never nothing. */
static void
weigh(float *to, const float *x, const float *w, float sigma2, int n)
{
	for (int i = 0; i < n; i++)
		to[i] = w[i] * sqrtf(sigma2 + x[i] * x[i]);
}

static void
put_nibbles(unsigned char *to, const unsigned char *q)
{
	for (int i = 0; i < 16; i++)
		to[i] = (unsigned char)((q[i] & 15) | (q[i + 16] & 15) << 4);
}

static void
put_fifths(unsigned char *to, const unsigned char *q)
{
	uint32_t h = 0;

	for (int i = 0; i < 32; i++)
		h |= (uint32_t)(q[i] >> 4) << i;
	jle_put32(to, h);
}

/* Q4_0 and Q5_0: q in 0 .. 2 top - 1. */
static void
encode_scaled(unsigned char *d16, unsigned char *q, const float *x, const float *w, float sigma2,
	int top)
{
	float weights[32], d, inv;

	if (w) {
		struct symmetric s = { 32, top, x, weights, q };

		weigh(weights, x, w, sigma2, 32);
		jle_put16(d16, jten_f32_to_f16(fit_symmetric(&s)));
		return;
	}
	d = largest(x, 32) / (float)-top;
	inv = inverse(d);
	for (int i = 0; i < 32; i++)
		q[i] = (unsigned char)truncated(x[i] * inv + ((float)top + 0.5f), 2 * top - 1);
	jle_put16(d16, jten_f32_to_f16(d));
}

void
q4_0_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	unsigned char q[32];

	encode_scaled(b, q, x, w, sigma2, 8);
	put_nibbles(b + 2, q);
}

void
q5_0_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	unsigned char q[32];

	encode_scaled(b, q, x, w, sigma2, 16);
	put_fifths(b + 2, q);
	put_nibbles(b + 6, q);
}

/* Q4_1 and Q5_1. */
static void
encode_ranged(unsigned char *d16, unsigned char *q, const float *x, const float *w, float sigma2,
	int top)
{
	float weights[32], lo, hi, d, inv;

	range(x, 32, &lo, &hi);
	d = (hi - lo) / (float)top;
	if (w) {
		struct asymmetric a = { 32, top, 36, -0.9f, 0.05f, x, weights };
		struct line best = { (double)d, (double)-lo, INFINITY }, trial;

		weigh(weights, x, w, sigma2, 32);
		for (int t = 0; hi > lo && t <= a.trials; t++) {
			float step = ((float)top + a.first + a.step * (float)t) / (hi - lo);

			if (solve_line(&a, lo, step, &trial) && trial.error < best.error)
				best = trial;
		}
		d = (float)best.scale;
		lo = (float)-best.min;
	}
	inv = inverse(d);
	for (int i = 0; i < 32; i++)
		q[i] = (unsigned char)truncated((x[i] - lo) * inv + 0.5f, top);
	jle_put16(d16, jten_f32_to_f16(d));
	jle_put16(d16 + 2, jten_f32_to_f16(lo));
}

void
q4_1_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	unsigned char q[32];

	encode_ranged(b, q, x, w, sigma2, 15);
	put_nibbles(b + 4, q);
}

void
q5_1_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	unsigned char q[32];

	encode_ranged(b, q, x, w, sigma2, 31);
	put_fifths(b + 4, q);
	put_nibbles(b + 8, q);
}

/* Rounding loses so little here that importance is not asked. */
void
q8_0_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	float d = fabsf(largest(x, 32)) / 127.0f, inv = inverse(d);

	(void)w;
	(void)sigma2;
	jle_put16(b, jten_f32_to_f16(d));
	for (int i = 0; i < 32; i++) {
		float v = x[i] * inv;

		b[2 + i] = v == v ? (unsigned char)(signed char)roundf(v) : 0;
	}
}

/* --- blocks of 256 values --- */

/* Eight scales and minima as quant_scale_min() reads them. */
static void
put_scales(unsigned char *s, const int *scale, const int *min)
{
	for (int j = 0; j < 4; j++) {
		s[j] = (unsigned char)(scale[j] | (scale[j + 4] >> 4) << 6);
		s[j + 4] = (unsigned char)(min[j] | (min[j + 4] >> 4) << 6);
		s[j + 8] = (unsigned char)((scale[j + 4] & 15) | (min[j + 4] & 15) << 4);
	}
}

static void
weigh_block(float *to, const float *x, const float *w)
{
	double sum = 0;

	for (int i = 0; i < 256; i++)
		sum += (double)x[i] * (double)x[i];
	if (w) {
		weigh(to, x, w, (float)(2 * sum / 256), 256);
		return;
	}
	for (int j = 0; j < 8; j++) {	/* no importance: root mean square of the sub-block plus |x| */
		double part = 0;

		for (int i = 32 * j; i < 32 * j + 32; i++)
			part += (double)x[i] * (double)x[i];
		for (int i = 32 * j; i < 32 * j + 32; i++)
			to[i] = (float)sqrt(part / 32) + fabsf(x[i]);
	}
}

/* Weighted error of 32 values as dl q - ml, each q the nearest. */
static double
block_error(const float *x, const float *w, float dl, float ml, int top)
{
	float inv = dl > 0 ? 1 / dl : 0;
	double sum = 0;

	for (int i = 0; i < 32; i++) {
		float d = dl * (float)nearest((x[i] + ml) * inv, 0, top) - ml - x[i];

		sum += (double)(w[i] * d * d);
	}
	return sum;
}

/* The scale and the minimum of a sub-block once d and dmin are known: the best of the neighbours. */
static void
settle(const struct asymmetric *a, float d, float dmin, int *qs, int *qm)
{
	int s0 = *qs, m0 = *qm;
	double best = INFINITY;

	for (int s = s0 - 1; s <= s0 + 1; s++) {
		for (int m = m0 - 1; m <= m0 + 1; m++) {
			double err;

			if (s < 0 || s > 63 || m < 0 || m > 63)
				continue;
			err = block_error(a->x, a->w, d * (float)s, dmin * (float)m, a->top);
			if (err < best) {
				best = err;
				*qs = s;
				*qm = m;
			}
		}
	}
}

/* Q4_K and Q5_K: d, dmin and scales into the head of the block, integers 0..top into q. */
static void
encode_k(unsigned char *b, unsigned char *q, const float *x, const float *w, int top)
{
	float weights[256], scale[8], min[8], sum[8] = { 0 }, d, dmin;
	int qs[8], qm[8];

	weigh_block(weights, x, w);
	for (int j = 0; j < 8; j++) {
		struct asymmetric a = { 32, top, 24, -1.2f, 0.1f, x + 32 * j, weights + 32 * j };

		fit_asymmetric(&a, &scale[j], &min[j]);
		for (int i = 0; i < 32; i++)
			sum[j] += weights[32 * j + i];
	}
	d = jten_f16_to_f32(jten_f32_to_f16(fit_scales(scale, sum, qs)));
	dmin = jten_f16_to_f32(jten_f32_to_f16(fit_scales(min, sum, qm)));
	for (int j = 0; j < 8; j++) {
		struct asymmetric a = { 32, top, 0, 0, 0, x + 32 * j, weights + 32 * j };

		settle(&a, d, dmin, &qs[j], &qm[j]);
	}
	jle_put16(b, jten_f32_to_f16(d));
	jle_put16(b + 2, jten_f32_to_f16(dmin));
	put_scales(b + 4, qs, qm);
	for (int i = 0; i < 256; i++) {
		float dl = d * (float)qs[i / 32], ml = dmin * (float)qm[i / 32];

		q[i] = dl > 0 ? (unsigned char)nearest((x[i] + ml) / dl, 0, top) : 0;
	}
}

/* Nibbles of 64 values at a time: the low ones are the first 32. */
static void
put_nibbles_k(unsigned char *to, const unsigned char *q)
{
	for (int i = 0; i < 128; i++) {
		int at = i / 32 * 64 + i % 32;

		to[i] = (unsigned char)((q[at] & 15) | (q[at + 32] & 15) << 4);
	}
}

void
q4_k_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	unsigned char q[256];

	(void)sigma2;
	encode_k(b, q, x, w, 15);
	put_nibbles_k(b + 16, q);
}

void
q5_k_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	unsigned char q[256];

	(void)sigma2;
	encode_k(b, q, x, w, 31);
	memset(b + 16, 0, 32);
	for (int i = 0; i < 256; i++)
		b[16 + i % 32] |= (unsigned char)((q[i] >> 4) << i / 32);
	put_nibbles_k(b + 48, q);
}

static void
put_q6(unsigned char *b, const unsigned char *q)
{
	memset(b + 128, 0, 64);
	for (int i = 0; i < 128; i++) {
		int half = i / 64, at = 128 * half + i % 64;

		b[i] = (unsigned char)((q[at] & 15) | (q[at + 64] & 15) << 4);
	}
	for (int i = 0; i < 256; i++)
		b[128 + i / 128 * 32 + i % 32] |=
			(unsigned char)((q[i] >> 4) << i % 128 / 32 * 2);
}

void
q6_k_encode(unsigned char *b, const float *x, const float *w, float sigma2)
{
	unsigned char q[256];
	float weights[256], scale[16], d, inv;

	(void)sigma2;
	for (int i = 0; i < 256; i++)
		weights[i] = x[i] * x[i];
	if (w)
		weigh_block(weights, x, w);
	for (int j = 0; j < 16; j++) {
		struct symmetric s = { 16, 32, x + 16 * j, weights + 16 * j, q + 16 * j };

		scale[j] = fit_symmetric(&s);
	}
	d = jten_f16_to_f32(jten_f32_to_f16(largest(scale, 16) / -128));
	inv = inverse(d);
	jle_put16(b + 208, jten_f32_to_f16(d));
	for (int j = 0; j < 16; j++) {
		int s = nearest(inv * scale[j], -128, 127);
		float dl = d * (float)s;

		b[192 + j] = (unsigned char)(signed char)s;
		for (int i = 16 * j; i < 16 * j + 16; i++)
			q[i] = dl != 0 ? (unsigned char)(nearest(x[i] / dl, -32, 31) + 32) : 32;
	}
	put_q6(b, q);
}
