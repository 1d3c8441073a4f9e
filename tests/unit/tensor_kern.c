/* tensor_kern.c - the row kernels of every feature set against their scalar references. */
#include "t.h"

#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jsys.h"
#include "tensor/jkern.h"

enum { MOST = 200 };

static void
fill(float *x, int64_t n, uint64_t key, double size)
{
	struct jrand r;

	jrand_init(&r, 9, key);
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)(jrand_normal(&r) * size);
}

/* Largest difference over the largest wanted value. */
static double
distance(const float *a, const float *b, int64_t n)
{
	double worst = 0, top = 1e-30;

	for (int64_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - (double)b[i]);

		top = fabs((double)b[i]) > top ? fabs((double)b[i]) : top;
		worst = !(d <= worst) ? d : worst;
	}
	return worst / top;
}

/* The float behind the n-th must stay what it was. */
static bool
guarded(const float *y, int64_t n)
{
	return y[n] == 77;
}

static void
check_norm(const struct jkern *k, int64_t n)
{
	float x[MOST], w[MOST], dy[MOST], y[MOST + 1], want[MOST], dw[MOST + 1], dww[MOST];
	struct jrms_back b = { .n = n, .eps = 1e-5f, .x = x, .w = w, .dy = dy };

	fill(x, n, 1, 1);
	fill(w, n, 2, 1);
	fill(dy, n, 3, 1);
	y[n] = dw[n] = 77;
	k->rmsnorm(y, x, w, n, 1e-5f);
	jkern_rmsnorm_ref(want, x, w, n, 1e-5f);
	ok(distance(y, want, n) < 1e-6 && guarded(y, n));
	/* Of one value the norm keeps the sign alone: its gradient is rounding. */
	if (n == 1)
		return;
	for (int add = 0; add < 2; add++) {
		b.add = add;
		fill(y, n, 4, 1);
		fill(dw, n, 5, 1);
		b.dx = y;
		b.dw = dw;
		k->rmsnorm_back(&b);
		fill(want, n, 4, 1);
		fill(dww, n, 5, 1);
		b.dx = want;
		b.dw = dww;
		jkern_rmsnorm_back_ref(&b);
		ok(distance(y, want, n) < 2e-6 && guarded(y, n));
		ok(distance(dw, dww, n) < 1e-6 && guarded(dw, n));
	}
	memcpy(y, dy, (size_t)n * sizeof(*y));
	b = (struct jrms_back){ .n = n, .eps = 1e-5f, .x = x, .w = w, .dy = y, .dx = y };
	k->rmsnorm_back(&b);
	b.dy = dy;
	b.dx = want;
	jkern_rmsnorm_back_ref(&b);
	ok(distance(y, want, n) < 2e-6);
}

static void
check_gelu_tanh(const struct jkern *k, int64_t n)
{
	float x[MOST] = { 0 }, y[MOST], d[MOST];
	double worst = 0;

	for (int64_t i = 0; i < n; i++)
		x[i] = ((float)i - 150) * 0.07f;
	k->gelu_tanh(y, d, x, n);
	for (int64_t i = 0; i < n; i++) {
		double u = x[i], t = tanh(0.7978845608028654 * (u + 0.044715 * u * u * u));
		double slope = 0.7978845608028654 * (1 + 3 * 0.044715 * u * u);

		worst = fmax(worst, fabs(0.5 * u * (1 + t) - (double)y[i]));
		worst = fmax(worst, fabs(0.5 * (1 + t) + 0.5 * u * (1 - t * t) * slope
			- (double)d[i]));
	}
	near(worst, 0, 4e-6);
}

static void
check_swiglu(const struct jkern *k, int64_t n)
{
	float g[MOST], u[MOST], dy[MOST], y[MOST + 1], z[MOST + 1], wy[MOST], wz[MOST];
	struct jswiglu_back b = { .n = n, .gate = g, .up = u, .dy = dy };

	fill(g, n, 1, 8);
	fill(u, n, 2, 1);
	fill(dy, n, 3, 1);
	g[0] = -200;
	g[n - 1] = 200;
	y[n] = z[n] = 77;
	k->swiglu(y, g, u, n);
	jkern_swiglu_ref(wy, g, u, n);
	ok(distance(y, wy, n) < 1e-6 && guarded(y, n));
	for (int add = 0; add < 2; add++) {
		b.add_gate = b.add_up = add;
		fill(y, n, 4, 1);
		fill(z, n, 5, 1);
		b.dgate = y;
		b.dup = z;
		k->swiglu_back(&b);
		fill(wy, n, 4, 1);
		fill(wz, n, 5, 1);
		b.dgate = wy;
		b.dup = wz;
		jkern_swiglu_back_ref(&b);
		ok(distance(y, wy, n) < 1e-6 && guarded(y, n));
		ok(distance(z, wz, n) < 1e-6 && guarded(z, n));
	}
}

static void
check_rope(const struct jkern *k, int64_t half)
{
	float x[MOST], cs[MOST], y[MOST + 1], want[MOST];
	int64_t heads = MOST / (2 * half), n = heads * 2 * half;

	fill(x, n, 1, 1);
	fill(cs, 2 * half, 2, 1);
	for (int mode = 0; mode < 4; mode++) {
		fill(y, n, 3, 1);
		fill(want, n, 3, 1);
		y[n] = 77;
		k->rope(y, x, cs, heads, half, mode);
		jkern_rope_ref(want, x, cs, heads, half, mode);
		ok(distance(y, want, n) < 1e-6 && guarded(y, n));
	}
	memcpy(y, x, (size_t)n * sizeof(*y));
	k->rope(y, y, cs, heads, half, 0);
	jkern_rope_ref(want, x, cs, heads, half, 0);
	ok(distance(y, want, n) < 1e-6);
}

static void
check_sums(const struct jkern *k, int64_t n)
{
	float x[MOST], y[MOST + 1], want[MOST], top;
	double sum;

	fill(x, n, 1, 20);
	y[n] = 77;
	top = k->max(x, n);
	for (int64_t i = 0; i < n; i++)
		if (x[i] > top)
			ok(!"maximum");
	if (n > 1)
		x[x[n / 2] == top ? 0 : n / 2] = -INFINITY;
	sum = jkern_exp_sum_ref(want, x, top, n);
	near((double)k->exp_sum(y, x, top, n) / sum, 1, 1e-6);
	ok(distance(y, want, n) < 1e-6 && guarded(y, n));
	near((double)k->sum_exp(x, top, n) / sum, 1, 1e-6);
	k->exp_scale(y, x, top, 0.25f, n);
	for (int64_t i = 0; i < n; i++)
		want[i] *= 0.25f;
	ok(distance(y, want, n) < 1e-6 && guarded(y, n));
	fill(x, n, 1, 1);
	fill(y, n, 2, 1);
	near((double)k->dot(x, y, n), jkern_dot_ref(x, y, n), 1e-6 * (double)n);
}

static void
check_simple(const struct jkern *k, int64_t n)
{
	float a[MOST], b[MOST], y[MOST + 1], want[MOST];

	fill(a, n, 1, 1);
	fill(b, n, 2, 1);
	y[n] = 77;
	k->add(y, a, b, n);
	for (int64_t i = 0; i < n; i++)
		want[i] = a[i] + b[i];
	ok(memcmp(y, want, (size_t)n * sizeof(*y)) == 0 && guarded(y, n));
	k->scale(y, 3, n);
	for (int64_t i = 0; i < n; i++)
		want[i] = want[i] * 3;
	ok(memcmp(y, want, (size_t)n * sizeof(*y)) == 0 && guarded(y, n));
	k->axpy(y, -0.5f, a, n);
	for (int64_t i = 0; i < n; i++)
		want[i] = (float)((double)want[i] - 0.5 * (double)a[i]);
	ok(distance(y, want, n) < 1e-6 && guarded(y, n));
	k->softmax_back(y, a, b, 0.5f, 2, n);
	for (int64_t i = 0; i < n; i++)
		want[i] = (float)(2 * (double)a[i] * ((double)b[i] - 0.5));
	ok(distance(y, want, n) < 1e-6 && guarded(y, n));
}

/* exp over its whole range against libm, and what is outside. */
static void
check_layernorm(const struct jkern *k, int64_t n)
{
	float x[MOST], w[MOST], c[MOST], dy[MOST], y[MOST + 1], want[MOST], sum[4][MOST + 1];
	const float *const wb[2] = { w, c };
	struct jln_back b = { .n = n, .eps = 1e-5f, .x = x, .w = w, .dy = dy };

	if (n < 3)	/* of two values the signs alone remain, the rest is rounding */
		return;
	fill(x, n, 31, 2);
	fill(w, n, 32, 1);
	fill(c, n, 33, 1);
	fill(dy, n, 34, 1);
	y[n] = 77;
	k->layernorm(y, x, wb, n, 1e-5f);
	jkern_layernorm_ref(want, x, wb, n, 1e-5f);
	ok(distance(y, want, n) < 2e-6 && guarded(y, n));
	for (int add = 0; add < 2; add++) {
		for (int i = 0; i < 4; i++) {
			fill(sum[i], n, 35 + (uint64_t)(i & 1), 1);
			sum[i][n] = 77;
		}
		fill(y, n, 37, 1);
		fill(want, n, 37, 1);
		b.add = add;
		b.dx = y;
		b.dw = sum[0];
		b.db = sum[1];
		k->layernorm_back(&b);
		b.dx = want;
		b.dw = sum[2];
		b.db = sum[3];
		jkern_layernorm_back_ref(&b);
		ok(distance(y, want, n) < 1e-5 && guarded(y, n));
		ok(distance(sum[0], sum[2], n) < 2e-6 && guarded(sum[0], n));
		ok(distance(sum[1], sum[3], n) < 2e-6 && guarded(sum[1], n));
	}
}

static void
check_exp(const struct jkern *k)
{
	double worst = 0;

	for (float x = -87; x < 0; x += 0.0037f) {
		float y;
		double e = exp((double)x);

		k->exp_scale(&y, &x, 0, 1, 1);
		worst = fmax(worst, fabs((double)y - e) / e);
	}
	near(worst, 0, 1.5e-7);
	for (int i = 0; i < 4; i++) {
		const float in[4] = { -88, -1e30f, -INFINITY, NAN };
		float y;

		k->exp_scale(&y, &in[i], 0, 1, 1);
		ok(i < 3 ? y == 0 : y != y);
	}
}

int
main(void)
{
	static const int64_t sizes[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 191 };

	for (const struct jkern *const *k = jkern_all(); *k; k++) {
		jsys_mask_features((*k)->features);
		printf("# %s\n", jkern_get()->name);
		check_exp(*k);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			check_norm(*k, sizes[i]);
			check_layernorm(*k, sizes[i]);
			check_swiglu(*k, sizes[i]);
			check_gelu_tanh(*k, sizes[i]);
			check_rope(*k, sizes[i] <= MOST / 2 ? sizes[i] : 1);
			check_sums(*k, sizes[i]);
			check_simple(*k, sizes[i]);
		}
	}
	return t_done();
}
