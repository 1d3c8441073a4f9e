/*
 * tensor_gemm.c - the matrix product of every feature set against the scalar reference, and the
 * promise on bits: an element does not depend on M, N, tiles or threads.
 */
#include "t.h"

#include <stdlib.h>

#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jsys.h"
#include "tensor/jkern.h"

static float *
random_floats(int64_t n, uint64_t key)
{
	float *p = jmem_alloc((size_t)n + 1, sizeof(*p));
	struct jrand r;

	jrand_init(&r, 5, key);
	for (int64_t i = 0; i < n; i++)
		p[i] = (float)((2 * jrand_double(&r) - 1) * 1.7320508);
	return p;
}

/* Storage of op(X) with `outer` stored rows of `inner` values and 3 more floats a row. */
struct operand {
	float *p;
	int64_t ld;
};

static struct operand
operand(int64_t outer, int64_t inner, uint64_t key)
{
	struct operand o = { random_floats(outer * (inner + 3), key), inner + 3 };

	return o;
}

static void
set_operands(struct jgemm *g, struct operand *a, struct operand *b)
{
	bool tn = g->form == JGEMM_TN, nt = g->form == JGEMM_NT;

	*a = operand(tn ? g->K : g->M, tn ? g->M : g->K, 1);
	*b = operand(nt ? g->N : g->K, nt ? g->K : g->N, 2);
	g->A = a->p;
	g->lda = a->ld;
	g->B = b->p;
	g->ldb = b->ld;
	g->ldc = g->N + 5;
}

static double
worst_difference(const struct jgemm *g, const float *got, const float *want)
{
	double worst = 0;

	for (int64_t i = 0; i < g->M; i++) {
		for (int64_t j = 0; j < g->ldc; j++) {
			double d = fabs((double)got[i * g->ldc + j] - (double)want[i * g->ldc + j]);

			/* Columns from N on belong to somebody else. */
			worst = d > worst ? d : worst;
			if (j >= g->N && d != 0)
				worst = 1e9;
		}
	}
	return worst;
}

/* Without packing: the same bits. */
static bool
small_equal(const struct jkern *k, struct jgemm g)
{
	const float *packed = g.C;
	bool same = true;

	g.C = random_floats(g.M * g.ldc, 3);
	jkern_small(k, &g);
	for (int64_t i = 0; i < g.M; i++)
		same &= memcmp(g.C + i * g.ldc, packed + i * g.ldc, (size_t)g.N * sizeof(float)) == 0;
	jmem_free(g.C);
	return same;
}

static void
check_product(const struct jkern *k, struct jgemm g)
{
	float *work = jmem_alloc(jkern_gemm_work(k, g.form, g.N, g.K), sizeof(*work));
	float *got, *want;
	struct operand a, b;
	double worst;

	set_operands(&g, &a, &b);
	got = random_floats(g.M * g.ldc, 3);
	want = random_floats(g.M * g.ldc, 3);
	for (int64_t i = 0; g.beta == 0 && i < g.M; i++)
		got[i * g.ldc] = NAN;		/* beta 0 must not read C */
	g.C = want;
	jkern_gemm_ref(&g);
	g.C = got;
	jkern_gemm(k, &g, work);
	worst = worst_difference(&g, got, want);
	if (!(worst <= 4e-6 * (double)(g.K + 8)))
		printf("# %s form %d %lld x %lld x %lld beta %g: %g\n", k->name, (int)g.form,
			(long long)g.M, (long long)g.N, (long long)g.K, (double)g.beta, worst);
	ok(worst <= 4e-6 * (double)(g.K + 8));
	if (g.form != JGEMM_NT && k->direct)
		ok(small_equal(k, g));
	jmem_free(work);
	jmem_free(got);
	jmem_free(want);
	jmem_free(a.p);
	jmem_free(b.p);
}

static void
check_shapes(const struct jkern *k)
{
	static const int64_t shapes[][3] = {
		{ 1, 1, 1 }, { 1, 33, 7 }, { 2, 31, 16 }, { 3, 64, 5 }, { 7, 5, 321 },
		{ 13, 17, 19 }, { 14, 32, 48 }, { 29, 65, 100 }, { 65, 1, 30 }, { 230, 70, 33 },
		{ 64, 600, 20 }, { 40, 30, 1000 }, { 5, 520, 9 }
	};

	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		for (int form = JGEMM_NT; form <= JGEMM_TN; form++) {
			struct jgemm g = { .form = (enum jgemm_form)form, .M = shapes[s][0],
				.N = shapes[s][1], .K = shapes[s][2], .alpha = 1 };

			check_product(k, g);
			g.beta = 1;
			g.alpha = 0.5f;
			check_product(k, g);
			g.beta = -0.25f;
			check_product(k, g);
		}
	}
}

/* C of the first `rows` rows and `cols` columns computed alone equals that part of the whole. */
static bool
part_equal(const struct jkern *k, const struct jgemm *whole, int64_t rows, int64_t cols, float *work)
{
	struct jgemm g = *whole;
	bool same = true;

	g.M = rows;
	g.N = cols;
	g.ldc = cols;
	g.C = jmem_alloc((size_t)(rows * cols), sizeof(float));
	jkern_gemm(k, &g, work);
	for (int64_t i = 0; i < rows; i++)
		same &= memcmp(g.C + i * cols, whole->C + i * whole->ldc,
			(size_t)cols * sizeof(float)) == 0;
	jmem_free(g.C);
	return same;
}

static void
check_bits(const struct jkern *k, enum jgemm_form form)
{
	struct jgemm g = { .form = form, .M = 300, .N = 530, .K = 700, .alpha = 1 };
	size_t floats = jkern_gemm_work(k, form, g.N, g.K);
	float *work = jmem_alloc(floats * 3, sizeof(*work));
	float *c = jmem_alloc((size_t)(g.M * (g.N + 5)), sizeof(*c));
	struct jpar *pool = jpar_new(3);
	struct operand a, b;

	set_operands(&g, &a, &b);
	g.C = c;
	jkern_gemm(k, &g, work);
	for (int64_t rows = 1; rows < g.M; rows = rows * 2 + 1)
		ok(part_equal(k, &g, rows, g.N, work));
	ok(part_equal(k, &g, 30, 1, work));
	ok(part_equal(k, &g, 1, 47, work));
	g.C = jmem_alloc((size_t)(g.M * g.ldc), sizeof(*c));
	jkern_gemm_par(k, &g, pool, work);
	for (int64_t i = 0; i < g.M; i++)
		if (memcmp(g.C + i * g.ldc, c + i * g.ldc, (size_t)g.N * sizeof(*c)) != 0)
			ok(!"threads changed a row");
	jmem_free(g.C);
	jmem_free(c);
	jmem_free(work);
	jmem_free(a.p);
	jmem_free(b.p);
	jpar_free(pool);
}

/* The lower triangle alone, and on threads: the bits of the whole product; X X^T is symmetric. */
static void
check_lower(const struct jkern *k, int64_t n, int64_t K)
{
	struct jgemm g = { .form = JGEMM_NT, .M = n, .N = n, .K = K, .lda = K, .ldb = K, .ldc = n,
		.alpha = 1 };
	float *work = jmem_alloc(jkern_gemm_work(k, g.form, n, K) * 3, sizeof(*work));
	float *x = random_floats(n * K, 9), *c[3];
	struct jpar *pool = jpar_new(3);
	bool lower = true, symmetric = true;

	g.A = g.B = x;
	for (int i = 0; i < 3; i++) {
		g.C = c[i] = jmem_zalloc((size_t)(n * n), sizeof(float));
		g.lower = i > 0;
		if (i < 2)
			jkern_gemm(k, &g, work);
		else
			jkern_gemm_par(k, &g, pool, work);
	}
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j <= i; j++) {
			lower &= c[1][i * n + j] == c[0][i * n + j]
				&& c[2][i * n + j] == c[0][i * n + j];
			symmetric &= c[0][i * n + j] == c[0][j * n + i];
		}
	ok(lower);
	ok(symmetric);
	for (int i = 0; i < 3; i++)
		jmem_free(c[i]);
	jmem_free(x);
	jmem_free(work);
	jpar_free(pool);
}

/* Root of the mean squared error over the values' own magnitude, against double. */
static double
error_of(const struct jkern *k, int64_t K, float scale, bool positive)
{
	struct jgemm g = { .form = JGEMM_NT, .M = 64, .N = 64, .K = K, .lda = K, .ldb = K,
		.ldc = 64, .alpha = 1 };
	float *work = jmem_alloc(jkern_gemm_work(k, g.form, 64, K), sizeof(*work));
	float *a = random_floats(64 * K, 21), *b = random_floats(64 * K, 22);
	float *c = jmem_alloc(64 * 64, sizeof(*c));
	double sum = 0;

	for (int64_t i = 0; i < 64 * K; i++) {
		a[i] = scale * (positive ? fabsf(a[i]) : a[i]);
		b[i] = positive ? fabsf(b[i]) : b[i];
	}
	g.A = a;
	g.B = b;
	g.C = c;
	jkern_gemm(k, &g, work);
	for (int i = 0; i < 64 * 64; i++) {
		double exact = 0, size = 0;

		for (int64_t j = 0; j < K; j++) {
			double x = (double)a[i / 64 * K + j] * (double)b[i % 64 * K + j];

			exact += x;
			size += x * x;
		}
		sum += (c[i] - exact) * (c[i] - exact) / (positive ? exact * exact : size);
	}
	jmem_free(work);
	jmem_free(a);
	jmem_free(b);
	jmem_free(c);
	return sqrt(sum / (64 * 64));
}

/* Products from parts are at least as exact as chains of multiply-adds in fp32. */
static void
check_exactness(const struct jkern *k)
{
	static const float scales[] = { 1, 1e-20f, 1e20f, 3e37f };

	for (int64_t K = 64; K <= 1024; K *= 4)
		for (int positive = 0; positive < 2; positive++)
			for (size_t s = 0; s < (K == 256 ? sizeof(scales) / sizeof(scales[0]) : 1); s++) {
				float scale = scales[s] > 1e30f ? scales[s] / (float)K : scales[s];
				double e = error_of(k, K, scale, positive);
				double plain = error_of(jkern_get(), K, scale, positive);

				if (!(e <= plain))
					printf("# K %lld scale %g: %g, %g in a chain\n",
						(long long)K, (double)scale, e, plain);
				ok(e <= plain);
			}
}

/* The whole range of fp32 but its infinities: nothing overflows on the way that need not. */
static void
check_range(const struct jkern *k)
{
	float a[3] = { 3.4028234e38f, -3.4028234e38f, 1.17549435e-38f }, b[1] = { 0.5f }, c[3];
	struct jgemm g = { .form = JGEMM_NT, .M = 3, .N = 1, .K = 1, .lda = 1, .ldb = 1, .ldc = 1,
		.alpha = 1, .A = a, .B = b, .C = c };
	float *work = jmem_alloc(jkern_gemm_work(k, g.form, 1, 1), sizeof(*work));

	jkern_gemm(k, &g, work);
	ok(c[0] == a[0] / 2);
	ok(c[1] == a[1] / 2);
	ok(c[2] >= 0 && c[2] <= a[2] / 2);
	b[0] = NAN;
	jkern_gemm(k, &g, work);
	ok(isnan(c[0]) && isnan(c[2]));
	b[0] = INFINITY;
	jkern_gemm(k, &g, work);
	ok(!isfinite(c[0]));
	jmem_free(work);
}

static void
check_transpose(const struct jkern *k, int64_t rows, int64_t cols)
{
	int64_t ldto = rows + 2, ldfrom = cols + 3;
	float *from = random_floats(rows * ldfrom, 4), *to = random_floats(cols * ldto, 6);
	float *was = random_floats(cols * ldto, 6);
	bool same = true;

	k->transpose(to, from, rows, cols, ldto, ldfrom);
	for (int64_t j = 0; j < cols; j++)
		for (int64_t i = 0; i < ldto; i++)
			same &= to[j * ldto + i] == (i < rows ? from[i * ldfrom + j]
				: was[j * ldto + i]);
	ok(same);
	jmem_free(from);
	jmem_free(to);
	jmem_free(was);
}

/* The table that training multiplies with, where it is one of its own. */
static void
check_training(void)
{
	const struct jkern *k = jkern_f32();

	if (k == jkern_get()) {
		t_skip("no table of its own for training in fp32 on this machine");
		return;
	}
	printf("# %s\n", k->name);
	check_shapes(k);
	for (int form = JGEMM_NT; form <= JGEMM_TN; form++)
		check_bits(k, (enum jgemm_form)form);
	check_exactness(k);
	check_range(k);
}

int
main(void)
{
	check_training();
	eq_int(jgemm_block(288), 288);
	for (int64_t K = 1; K < 5000; K += 7)
		if (jgemm_block(K) < 1 || jgemm_block(K) > 336)
			ok(!"block of k in bounds");
	for (const struct jkern *const *k = jkern_all(); *k; k++) {
		printf("# %s\n", (*k)->name);
		jsys_mask_features((*k)->features);
		ok(jkern_get() == *k);
		check_shapes(*k);
		for (int form = JGEMM_NT; form <= JGEMM_TN; form++)
			check_bits(*k, (enum jgemm_form)form);
		for (int64_t n = 1; n < 700; n = n * 2 + 5) {
			check_lower(*k, n, 330);
			check_transpose(*k, n, 40);
			check_transpose(*k, 33, n);
		}
	}
	return t_done();
}
