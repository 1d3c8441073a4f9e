/*
 * graph_bits.c - what must not change a single bit: threads, recomputation, a second run, what
 * stands beside a row in generation; and what must not change more than rounding: packing.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph_model.h"
#include "tensor/jkern.h"

static const struct gm_shape shape = { .B = 3, .T = 131, .C = 40, .H = 4, .K = 2, .d = 10,
	.F = 56, .V = 700, .L = 3, .z_loss = 1e-3f, .qk_norm = true, .bias = true, .seg = true };

/* Two micro-batches added up; the fingerprint of losses and gradients. */
static uint64_t
train_bits(const struct jgraph_plan_opts *like, int threads, bool recompute,
	struct jgraph_plan *plan)
{
	const struct jgraph_plan_opts opts = { .training = true, .recompute = recompute,
		.products = like->products };
	struct jpar *pool = threads > 1 ? jpar_new(threads) : NULL;
	struct jerr e = { 0 };
	struct gm m;
	uint64_t h;

	gm_init(&m, &shape, pool);
	ok(jgraph_plan(m.g, &opts, plan, &e) == 0);
	jgraph_set_loss_scale(m.g, 0.01f);
	for (uint64_t i = 0; i < 2; i++) {
		gm_fill(&m, i);
		jgraph_forward(m.g);
		jgraph_backward(m.g);
	}
	h = gm_bits(&m);
	gm_release(&m);
	jpar_free(pool);
	return h;
}

static void
check_training(enum jgraph_products products)
{
	const struct jgraph_plan_opts like = { .products = products };
	struct jgraph_plan plain, less;
	uint64_t h = train_bits(&like, 1, false, &plain);

	ok(train_bits(&like, 1, true, &less) == h);
	ok(less.activation_bytes < plain.activation_bytes);
	ok(less.backward_flops > plain.backward_flops);
	ok(train_bits(&like, 2, false, &plain) == h);
	ok(train_bits(&like, 3, true, &less) == h);
}

/* evaluate() gives forward()'s losses and leaves gradients alone; so does a plan for inference. */
static void
check_evaluate(enum jgraph_products products)
{
	struct jgraph_plan_opts opts = { .training = true, .products = products };
	size_t bytes = (size_t)(shape.B * shape.T) * sizeof(float);
	struct jerr e = { 0 };
	struct gm m, n;
	uint64_t zero;

	gm_init(&m, &shape, NULL);
	gm_init(&n, &shape, NULL);
	ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
	opts.training = false;
	ok(jgraph_plan(n.g, &opts, NULL, &e) == 0);
	gm_fill(&m, 5);
	gm_fill(&n, 5);
	jgraph_evaluate(m.g);
	zero = gm_bits(&m);
	jgraph_forward(n.g);
	ok(memcmp(jnode_data(m.nll), jnode_data(n.nll), bytes) == 0);
	ok(gm_bits(&n) == zero);
	jgraph_forward(m.g);
	ok(memcmp(jnode_data(m.nll), jnode_data(n.nll), bytes) == 0);
	ok(gm_bits(&m) != zero);
	gm_release(&m);
	gm_release(&n);
}

/* A frozen weight gets no gradient and changes no other gradient's bits. */
static void
check_frozen(void)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jerr e = { 0 };
	struct gm all, part;

	gm_init(&all, &shape, NULL);
	gm_init(&part, &shape, NULL);
	for (int i = 0; i < part.n_params; i++) {
		if (i % 3 == 1)
			continue;
		jmem_free(part.p[i].grad);
		part.p[i].grad = NULL;
	}
	ok(jgraph_plan(all.g, &opts, NULL, &e) == 0);
	ok(jgraph_plan(part.g, &opts, NULL, &e) == 0);
	gm_fill(&all, 5);
	gm_fill(&part, 5);
	jgraph_forward(all.g);
	jgraph_backward(all.g);
	jgraph_forward(part.g);
	jgraph_backward(part.g);
	for (int i = 0; i < part.n_params; i++)
		if (part.p[i].grad)
			ok(memcmp(part.p[i].grad, all.p[i].grad,
				(size_t)gm_count(&part.p[i]) * sizeof(float)) == 0);
	gm_release(&all);
	gm_release(&part);
}

/* Rows of loss_weights scale the seeds: halves of a batch by weights add up to the whole. */
static void
check_weights(void)
{
	const struct jgraph_plan_opts opts = { .training = true };
	int R = shape.B * shape.T;
	float *w = jmem_alloc((size_t)R, sizeof(*w));
	double worst = 0, top = 0;
	struct jerr e = { 0 };
	struct gm a, b;

	gm_init(&a, &shape, NULL);
	gm_init(&b, &shape, NULL);
	ok(jgraph_plan(a.g, &opts, NULL, &e) == 0);
	ok(jgraph_plan(b.g, &opts, NULL, &e) == 0);
	gm_fill(&a, 5);
	gm_fill(&b, 5);
	jgraph_forward(a.g);
	jgraph_backward(a.g);
	for (int half = 0; half < 2; half++) {
		for (int i = 0; i < R; i++)
			w[i] = half == 0 ? (float)(i % 3) : 1 - (float)(i % 3);
		jgraph_set_loss_weights(b.g, w);
		jgraph_forward(b.g);
		jgraph_backward(b.g);
	}
	for (int i = 0; i < a.n_params; i++) {
		for (int64_t j = 0; j < gm_count(&a.p[i]); j++) {
			worst = fmax(worst, fabs((double)a.p[i].grad[j] - (double)b.p[i].grad[j]));
			top = fmax(top, fabs((double)a.p[i].grad[j]));
		}
	}
	near(worst / top, 0, 1e-5);
	gm_release(&a);
	gm_release(&b);
	jmem_free(w);
}

/* Two documents packed in one row of T against the same documents in rows of their own. */
static void
check_packing(void)
{
	struct gm_shape s = shape;
	const struct jgraph_plan_opts opts = { .training = true };
	int T = 90, cut = 33;
	double worst = 0, top = 0, worst_nll = 0;
	struct jerr e = { 0 };
	struct gm one, two;

	s.B = 1;
	s.T = T;
	gm_init(&one, &s, NULL);
	s.B = 2;
	gm_init(&two, &s, NULL);
	ok(jgraph_plan(one.g, &opts, NULL, &e) == 0);
	ok(jgraph_plan(two.g, &opts, NULL, &e) == 0);
	gm_fill(&one, 9);
	gm_fill(&two, 9);
	for (int i = 0; i < 2 * T; i++)
		((int32_t *)jnode_data(two.targets))[i] = -1;
	for (int i = 0; i < T; i++) {
		int doc = i >= cut, at = doc ? T + i - cut : i;

		((int32_t *)jnode_data(one.seg))[i] = doc;
		((int32_t *)jnode_data(one.pos))[i] = doc ? i - cut : i;
		((int32_t *)jnode_data(two.seg))[at] = 0;
		((int32_t *)jnode_data(two.pos))[at] = doc ? i - cut : i;
		((int32_t *)jnode_data(two.ids))[at] = ((int32_t *)jnode_data(one.ids))[i];
		((int32_t *)jnode_data(two.targets))[at] = ((int32_t *)jnode_data(one.targets))[i];
	}
	jgraph_forward(one.g);
	jgraph_backward(one.g);
	jgraph_forward(two.g);
	jgraph_backward(two.g);
	for (int i = 0; i < T; i++)
		worst_nll = fmax(worst_nll, fabs((double)((float *)jnode_data(one.nll))[i]
			- (double)((float *)jnode_data(two.nll))[i < cut ? i : T + i - cut]));
	near(worst_nll, 0, 2e-5);
	for (int i = 0; i < one.n_params; i++) {
		for (int64_t j = 0; j < gm_count(&one.p[i]); j++) {
			worst = fmax(worst, fabs((double)one.p[i].grad[j]
				- (double)two.p[i].grad[j]));
			top = fmax(top, fabs((double)one.p[i].grad[j]));
		}
	}
	near(worst / top, 0, 1e-5);
	gm_release(&one);
	gm_release(&two);
}

int
main(void)
{
	for (const struct jkern *const *k = jkern_all(); *k; k++) {
		jsys_mask_features((*k)->features);
		printf("# %s\n", jkern_get()->name);
		check_training(JPRODUCTS_ROWS);
	}
	jsys_mask_features(~0u);
	check_training(JPRODUCTS_F32);
	check_evaluate(JPRODUCTS_ROWS);
	check_evaluate(JPRODUCTS_F32);
	check_frozen();
	check_weights();
	check_packing();
	return t_done();
}
