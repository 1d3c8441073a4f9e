/*
 * tensor_bf16.c - products in bf16: every table this machine can run against the formula over rounded
 * operands, and the promise on bits: an element does not depend on M, N, tiles or threads.
 */
#include "t.h"

#include <math.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jsys.h"
#include "tensor/jkern.h"

static float *
random_values(int64_t n, uint64_t key)
{
	float *p = jmem_alloc((size_t)n + 1, sizeof(*p));
	struct jrand r;

	jrand_init(&r, 5, key);
	for (int64_t i = 0; i < n; i++)
		p[i] = (float)((2 * jrand_double(&r) - 1) * 1.7320508);
	return p;
}

static float *
rounded(const float *x, int64_t n)
{
	float *p = jmem_alloc((size_t)n + 1, sizeof(*p));

	for (int64_t i = 0; i < n; i++) {
		uint16_t b = jten_f32_to_bf16(x[i]);

		jten_to_f32(p + i, &b, JDT_BF16, 1);
	}
	return p;
}

static void
set_lines(struct jgemm *g)
{
	g->lda = (g->form == JGEMM_TN ? g->M : g->K) + 3;
	g->ldb = (g->form == JGEMM_NT ? g->K : g->N) + 3;
	g->ldc = g->N + 5;
}

/* Rounding in place and values in two bytes, against one value at a time. */
static void
check_values(const struct jkern *k)
{
	enum { N = 1003 };
	float *x = random_values(N, 9), *y = jmem_alloc(N, sizeof(*y)), back[N];
	static const float odd[] = { 0.0f, -0.0f, INFINITY, -INFINITY, 1e-40f, 3.4e38f, 1.00390625f, 1.01171875f };
	uint16_t two[N];
	int bad = 0;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		x[3 * i] = odd[i];
	for (int64_t n = 1; n <= N; n += n < 40 ? 1 : 321) {
		memcpy(y, x, N * sizeof(*y));
		k->f32_to_bf16(two, x, n);
		k->bf16_to_f32(back, two, n);
		k->round_bf16(y, n);
		for (int64_t i = 0; i < n; i++) {
			bad += two[i] != jten_f32_to_bf16(x[i]);
			bad += memcmp(&back[i], &y[i], sizeof(*y)) != 0;
		}
		bad += n < N && y[n] != x[n];
	}
	eq_int(bad, 0);
	x[5] = NAN;
	k->round_bf16(x, N);
	k->f32_to_bf16(two, x, N);
	k->bf16_to_f32(back, two, N);
	ok(isnan(x[5]) && isnan(back[5]));
	jmem_free(x);
	jmem_free(y);
}

static void
check_product(const struct jkern *k, struct jgemm g)
{
	int64_t na, nb, nc;
	float *a, *b, *ra, *rb, *got, *want, *work;
	double worst = 0;

	set_lines(&g);
	na = g.lda * (g.form == JGEMM_TN ? g.K : g.M);
	nb = g.ldb * (g.form == JGEMM_NT ? g.N : g.K);
	nc = g.M * g.ldc;
	a = random_values(na, 1);
	b = random_values(nb, 2);
	ra = rounded(a, na);
	rb = rounded(b, nb);
	got = random_values(nc, 3);
	want = random_values(nc, 3);
	work = jmem_alloc(jkern_gemm_work(k, g.form, g.N, g.K), sizeof(*work));
	g.A = ra;
	g.B = rb;
	g.C = want;
	jkern_gemm_ref(&g);
	g.A = a;
	g.B = b;
	g.C = got;
	jkern_gemm(k, &g, work);
	for (int64_t i = 0; i < nc; i++)
		worst = fmax(worst, fabs((double)got[i] - (double)want[i]));
	if (!(worst <= 4e-6 * (double)(g.K + 8)))
		printf("# %s form %d %lld x %lld x %lld beta %g: %g\n", k->name, (int)g.form,
			(long long)g.M, (long long)g.N, (long long)g.K, (double)g.beta, worst);
	ok(worst <= 4e-6 * (double)(g.K + 8));
	jmem_free(a);
	jmem_free(b);
	jmem_free(ra);
	jmem_free(rb);
	jmem_free(got);
	jmem_free(want);
	jmem_free(work);
}

static void
check_shapes(const struct jkern *k)
{
	static const int64_t shapes[][3] = {
		{ 1, 1, 1 }, { 1, 33, 7 }, { 16, 16, 32 }, { 32, 32, 64 }, { 31, 17, 33 },
		{ 33, 65, 100 }, { 14, 32, 48 }, { 65, 1, 31 }, { 230, 70, 33 }, { 40, 600, 20 },
		{ 20, 30, 2100 }
	};

	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		for (int form = JGEMM_NT; form <= JGEMM_TN; form++) {
			struct jgemm g = { .form = (enum jgemm_form)form, .M = shapes[s][0],
				.N = shapes[s][1], .K = shapes[s][2], .alpha = 1 };

			check_product(k, g);
			if (s % 3)
				continue;
			g.beta = 1;
			check_product(k, g);
			g.alpha = 0.5f;
			g.beta = -0.25f;
			check_product(k, g);
		}
	}
}

/* On three threads, and the first rows and columns alone. */
static void
check_bits(const struct jkern *k, enum jgemm_form form)
{
	struct jgemm g = { .form = form, .M = 100, .N = 130, .K = 700, .alpha = 1 };
	struct jpar *pool = jpar_new(3);
	float *work = jmem_alloc(3 * jkern_gemm_work(k, form, g.N, g.K), sizeof(*work));
	float *a = random_values(703 * 703, 1), *b = random_values(703 * 703, 2);
	float *c = jmem_alloc(300 * 535, sizeof(*c)), *d = jmem_alloc(300 * 535, sizeof(*d));
	bool same = true;

	set_lines(&g);
	g.A = a;
	g.B = b;
	g.C = c;
	jkern_gemm(k, &g, work);
	g.C = d;
	jkern_gemm_par(k, &g, pool, work);
	for (int64_t i = 0; i < g.M; i++)
		same &= memcmp(c + i * g.ldc, d + i * g.ldc, (size_t)g.N * sizeof(*c)) == 0;
	ok(same);
	g.M = 5;
	g.N = 41;
	jkern_gemm(k, &g, work);
	for (int64_t i = 0; i < g.M; i++)
		same &= memcmp(c + i * g.ldc, d + i * g.ldc, (size_t)g.N * sizeof(*c)) == 0;
	ok(same);
	jpar_free(pool);
	jmem_free(work);
	jmem_free(a);
	jmem_free(b);
	jmem_free(c);
	jmem_free(d);
}

int
main(void)
{
	const unsigned avx512 = JCPU_AVX2 | JCPU_AVX512;
	const unsigned masks[] = { ~0u, avx512 | JCPU_AVX512_BF16, avx512, JCPU_AVX2, 0 };
	const char *last = "";

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		const struct jkern *k;

		jsys_mask_features(masks[i]);
		k = jkern_bf16();
		if (strcmp(k->name, last) == 0)
			continue;
		last = k->name;
		printf("# %s\n", k->name);
		check_values(jkern_get());
		check_shapes(k);
		for (int form = JGEMM_NT; form <= JGEMM_TN; form++)
			check_bits(k, (enum jgemm_form)form);
	}
	return t_done();
}
