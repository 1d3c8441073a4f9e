/*
 * probe.c - what this machine can do: the rate of a large matrix product in the kernel that training
 * uses, measured, as the roof against which a run's speed is stated.
 */
#include <math.h>
#include <string.h>

#include "base/jmem.h"
#include "base/jsys.h"
#include "tensor/jkern.h"
#include "train/train_internal.h"

#define ROWS 512
#define WIDTH 1024

static void
fill(float *p, int64_t n)
{
	int64_t i;

	for (i = 0; i < n; i++)
		p[i] = (float)(i % 7) * 0.125f - 0.375f;
}

bool
train_in_bf16(const struct jtrain_opts *o)
{
	return strcmp(o->precision, "bf16") == 0;
}

enum jgraph_products
train_products(const struct jtrain_opts *o)
{
	return train_in_bf16(o) ? JPRODUCTS_BF16 : JPRODUCTS_F32;
}

double
train_probe_peak(struct jpar *pool, double seconds, bool bf16)
{
	const struct jkern *k = bf16 ? jkern_bf16() : jkern_f32();
	struct jgemm g = {
		.form = JGEMM_NT, .M = ROWS, .N = WIDTH, .K = WIDTH,
		.lda = WIDTH, .ldb = WIDTH, .ldc = WIDTH, .alpha = 1
	};
	size_t work = (size_t)jpar_size(pool) * jkern_gemm_work(k, g.form, WIDTH, WIDTH);
	size_t bytes = (2 * ROWS * WIDTH + WIDTH * WIDTH + work) * sizeof(float);
	float *a = jmem_map(bytes), *b = a + ROWS * WIDTH;
	double start, t, best = INFINITY;

	if (!a)
		return 0;
	fill(a, ROWS * WIDTH);
	fill(b, WIDTH * WIDTH);
	g.A = a;
	g.B = b;
	g.C = b + WIDTH * WIDTH;
	for (start = jsys_now(); jsys_now() - start < seconds;) {
		t = jsys_now();
		jkern_gemm_par(k, &g, pool, g.C + ROWS * WIDTH);
		t = jsys_now() - t;
		best = t < best ? t : best;
	}
	jmem_unmap(a, bytes);
	return isinf(best) || best <= 0 ? 0 : 2.0 * ROWS * WIDTH * WIDTH / best;
}
