/*
 * graph_bf16.c - products in bf16: losses and gradients near those of fp32, the same bits for any
 * number of threads and with recomputation.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph_model.h"
#include "tensor/jkern.h"

static void
run(struct gm *m, const struct gm_shape *s, struct jpar *pool, const struct jgraph_plan_opts *opts)
{
	struct jerr e = { 0 };

	gm_init(m, s, pool);
	ok(jgraph_plan(m->g, opts, NULL, &e) == 0);
	gm_fill(m, 3);
	jgraph_set_loss_scale(m->g, 0.01f);
	jgraph_forward(m->g);
	jgraph_backward(m->g);
}

/* Length of the difference over the length of a. */
static double
distance(const float *a, const float *b, int64_t n)
{
	double d = 0, l = 1e-30;

	for (int64_t i = 0; i < n; i++) {
		d += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
		l += (double)a[i] * (double)a[i];
	}
	return sqrt(d / l);
}

static void
check(const struct gm_shape *s)
{
	struct jgraph_plan_opts opts = { .training = true };
	struct jpar *pool = jpar_new(3);
	struct gm full, half, again;
	double worst = 0;

	run(&full, s, NULL, &opts);
	opts.products = JPRODUCTS_BF16;
	run(&half, s, NULL, &opts);
	opts.recompute = true;
	run(&again, s, pool, &opts);
	ok(gm_bits(&half) == gm_bits(&again));
	ok(gm_bits(&half) != gm_bits(&full));
	for (int i = 0; i < full.n_params; i++)
		worst = fmax(worst, distance(full.p[i].grad, half.p[i].grad, gm_count(&full.p[i])));
	printf("# %s: loss off by %.5f, gradients by %.5f\n", jkern_bf16()->name,
		distance(jnode_data(full.nll), jnode_data(half.nll), s->B * s->T), worst);
	ok(distance(jnode_data(full.nll), jnode_data(half.nll), s->B * s->T) < 0.01);
	ok(worst < 0.1);
	gm_release(&full);
	gm_release(&half);
	gm_release(&again);
	jpar_free(pool);
}

int
main(void)
{
	const struct gm_shape s = { .B = 2, .T = 70, .C = 72, .H = 4, .K = 2, .d = 18, .F = 100,
		.V = 700, .L = 2, .qk_norm = true, .bias = true, .seg = true };
	const unsigned avx512 = JCPU_AVX2 | JCPU_AVX512;
	const unsigned masks[] = { ~0u, avx512 | JCPU_AVX512_BF16, avx512, JCPU_AVX2, 0 };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		jsys_mask_features(masks[i]);
		check(&s);
	}
	return t_done();
}
