/*
 * tensor_packed.c - products with packed weights: every kernel set and type against the plain
 * formula, and the promise on bits: a row does not depend on the rows beside it nor on threads.
 */
#include "t.h"

#include "base/jmem.h"
#include "base/jrand.h"
#include "base/jsys.h"
#include "tensor/jkern.h"
#include "tensor/jpacked.h"
#include "tensor/jquant.h"

static float *
random_values(int64_t n, uint64_t key)
{
	float *p = jmem_alloc((size_t)n, sizeof(*p));
	struct jrand r;

	jrand_init(&r, 3, key);
	for (int64_t i = 0; i < n; i++)
		p[i] = (float)((2 * jrand_double(&r) - 1) * 1.7320508);
	return p;
}

/* Random bytes are weights of any block type once their scales are small numbers. */
static void *
random_rows(enum jdtype type, int64_t n)
{
	float *x = random_values(n, 9);
	void *rows = jmem_alloc(jten_bytes(type, n), 1);

	jten_from_f32(rows, type, x, n);
	jmem_free(x);
	return rows;
}

struct sizes {
	int64_t M, N, K;
};

static void
check(enum jdtype type, struct sizes s, bool add)
{
	struct jpar *pool = jpar_new(2);
	void *rows = random_rows(type, s.N * s.K);
	struct jpacked *p = jpacked_new(type, rows, s.N, s.K, pool);
	float *x = random_values(s.M * (s.K + 3), 1), *y = random_values(s.M * (s.N + 1), 2);
	float *want = random_values(s.M * (s.N + 1), 2), *one = random_values(s.N, 2);
	float *work = jmem_alloc(jpacked_work(p, s.M, 2) + 1, sizeof(*work));
	struct jpacked_call c = { s.M, x, s.K + 3, want, s.N + 1, add };
	double worst = 0;

	jpacked_ref(type, rows, s.N, s.K, &c);
	c.y = y;
	jpacked_product(p, &c, pool, work);
	for (int64_t i = 0; i < s.M * (s.N + 1); i++)
		worst = fmax(worst, fabs((double)y[i] - (double)want[i]));
	if (!(worst < 3e-6 * (double)s.K))
		printf("# %s %s M %lld: %g\n", jpacked_kernels(0), jdtype_name(type), (long long)s.M,
			worst);
	ok(worst < 3e-6 * (double)s.K);

	/* The last row alone, on one thread. */
	c = (struct jpacked_call){ 1, x + (s.M - 1) * (s.K + 3), s.K, one, s.N, false };
	jpacked_product(p, &c, NULL, work);
	if (!add)
		ok(memcmp(one, y + (s.M - 1) * (s.N + 1), (size_t)s.N * sizeof(*one)) == 0);
	jpacked_free(p);
	jmem_free(rows);
	jmem_free(x);
	jmem_free(y);
	jmem_free(want);
	jmem_free(one);
	jmem_free(work);
	jpar_free(pool);
}

/* The lowest and highest weights against the lowest and highest of x: nothing saturates. */
static void
check_extremes(void)
{
	enum { K = 64 };
	unsigned char row[2][68];
	float x[K], y[2], want[2];
	struct jpacked_call c = { 1, x, K, want, 2, false };
	struct jpacked *p;
	float work[1024];

	for (int r = 0; r < 2; r++) {
		for (int b = 0; b < 2; b++) {
			row[r][b * 34] = 0;
			row[r][b * 34 + 1] = 0x3c;	/* 1.0 */
			memset(row[r] + b * 34 + 2, r ? 0x80 : 0x7f, 32);
		}
	}
	for (int i = 0; i < K; i++)
		x[i] = i < 32 ? -127 : 127;
	jpacked_ref(JDT_Q8_0, row, 2, K, &c);
	p = jpacked_new(JDT_Q8_0, row, 2, K, NULL);
	c.y = y;
	jpacked_product(p, &c, NULL, work);
	ok(memcmp(y, want, sizeof(y)) == 0);
	for (int i = 0; i < K; i++)
		x[i] = -127;
	c.y = want;
	jpacked_ref(JDT_Q8_0, row, 2, K, &c);
	c.y = y;
	jpacked_product(p, &c, NULL, work);
	ok(memcmp(y, want, sizeof(y)) == 0);
	jpacked_free(p);
}

/* A plain type has the bits of the product with decoded weights. */
static void
check_plain(enum jdtype type, int64_t M)
{
	enum { N = 70, K = 400 };
	void *rows = random_rows(type, N * K);
	float *w = jmem_alloc(N * K, sizeof(*w)), *x = random_values(M * K, 4), *work;
	float *a = random_values(M * N, 5), *b = random_values(M * N, 5);
	struct jgemm g = { .form = JGEMM_NT, .M = M, .N = N, .K = K, .A = x, .lda = K, .B = w,
		.ldb = K, .C = a, .ldc = N, .alpha = 1 };
	const struct jpacked_call c = { M, x, K, b, N, false };
	struct jpacked *p = jpacked_new(type, rows, N, K, NULL);

	work = jmem_alloc(jkern_gemm_work(jkern_get(), JGEMM_NT, N, K) + jpacked_work(p, M, 1),
		sizeof(*work));
	jten_to_f32(w, rows, type, N * K);
	jkern_gemm(jkern_get(), &g, work);
	jpacked_product(p, &c, NULL, work);
	ok(memcmp(a, b, (size_t)(M * N) * sizeof(*a)) == 0);
	jpacked_free(p);
	jmem_free(rows);
	jmem_free(w);
	jmem_free(x);
	jmem_free(work);
	jmem_free(a);
	jmem_free(b);
}

static void
check_all(void)
{
	static const enum jdtype types[] = { JDT_Q8_0, JDT_Q4_0, JDT_Q4_K, JDT_Q5_K, JDT_Q6_K,
		JDT_F16, JDT_BF16 };

	printf("# %s\n", jpacked_kernels(0));
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (int64_t M = 1; M <= 9; M++)
			check(types[i], (struct sizes){ M, 50, 512 }, false);
		check(types[i], (struct sizes){ 37, 129, 768 }, false);
		check(types[i], (struct sizes){ 1, 1, 256 }, true);
		check(types[i], (struct sizes){ 6, 67, 256 }, true);
	}
	check(JDT_Q8_0, (struct sizes){ 3, 33, 32 }, false);
	check(JDT_F16, (struct sizes){ 3, 33, 7 }, false);
	check_extremes();
	for (int64_t M = 1; M < 20; M += 3) {
		check_plain(JDT_F16, M);
		check_plain(JDT_BF16, M);
	}
}

int
main(void)
{
	static const unsigned masks[] = { ~0u, JCPU_AVX2, 0 };

	ok(!jpacked_offers(JDT_Q4_K, 288) && jpacked_offers(JDT_Q4_K, 512));
	ok(!jpacked_offers(JDT_F32, 512));
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		jsys_mask_features(masks[i]);
		check_all();
	}
	return t_done();
}
