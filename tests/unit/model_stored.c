/*
 * Activations in bf16: which values wait in two bytes makes no difference, less memory is taken, and
 * the gradients are those of fp32 but for rounding.
 */
#include "t.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "graph/graph.h"
#include "model/jmodel.h"
#include "small_model.h"

enum { B = 2, T = 24 };

static void
fill(struct jmodel_train_graph *g)
{
	int32_t *ids = jnode_data(g->ids), *targets = jnode_data(g->targets);
	int32_t *seg = jnode_data(g->seg), *pos = jnode_data(g->pos);

	for (int i = 0; i < B * T; i++) {
		ids[i] = (i * 7) % 90 + 3;
		targets[i] = (i * 7 + 7) % 90 + 3;
		seg[i] = i % T / 16;
		pos[i] = i % T % 16;
	}
}

/* The gradients and the loss; keep: no value may leave its place. */
static double
run(struct jmodel *m, const struct jgraph_plan_opts *o, bool keep, float *grads, uint64_t *bytes)
{
	struct jmodel_train_graph g;
	struct jgraph_plan plan = { 0 };
	struct jerr e = { 0 };
	double sum = 0;
	const float *nll;

	memset(m->grads, 0, (size_t)m->count * sizeof(float));
	ok(jmodel_build_train(m, NULL, B, T, 0, &g, &e) == 0);
	for (size_t i = 0; keep && i < g.g->n_nodes; i++)
		jnode_keep(g.g->nodes[i]);
	ok(jgraph_plan(g.g, o, &plan, &e) == 0);
	*bytes = plan.activation_bytes;
	for (int pass = 0; pass < 2; pass++) {		/* the second begins where values were packed */
		memset(m->grads, 0, (size_t)m->count * sizeof(float));
		fill(&g);
		jgraph_set_loss_scale(g.g, 1.0f / (B * T));
		jgraph_evaluate(g.g);
		jgraph_forward(g.g);
		jgraph_backward(g.g);
	}
	nll = jnode_data(g.nll);
	for (int i = 0; i < B * T; i++)
		sum += nll[i];
	memcpy(grads, m->grads, (size_t)m->count * sizeof(float));
	jgraph_free(g.g);
	return sum / (B * T);
}

/* |a - b| / |b| */
static double
distance(const float *a, const float *b, uint64_t n)
{
	double d = 0, s = 0;

	for (uint64_t i = 0; i < n; i++) {
		d += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
		s += (double)b[i] * (double)b[i];
	}
	return sqrt(d / s);
}

static void
check(const char *preset)
{
	struct jgraph_plan_opts plain = { .training = true }, stored = { .training = true, .bf16_values = true };
	struct jgraph_plan_opts again = { .training = true, .bf16_values = true, .recompute = true };
	struct jmodel *m = small_model(preset, 2, 1);
	float *want, *kept, *got;
	uint64_t all, less, ignored;
	double loss, rounded;
	size_t bytes;

	printf("# %s\n", preset);
	bytes = (size_t)m->count * sizeof(float);
	want = malloc(bytes);
	kept = malloc(bytes);
	got = malloc(bytes);
	loss = run(m, &plain, false, want, &all);
	rounded = run(m, &stored, true, kept, &ignored);
	ok(run(m, &stored, false, got, &less) == rounded);
	ok(memcmp(got, kept, bytes) == 0);
	ok(less < all - all / 8);
	ok(run(m, &again, false, got, &ignored) == rounded);
	ok(memcmp(got, kept, bytes) == 0);
	ok(rounded != loss && fabs(rounded - loss) < 0.02);
	ok(distance(kept, want, m->count) < 0.03);
	free(want);
	free(kept);
	free(got);
	jmodel_free(m);
}

int
main(void)
{
	check("nano");
	check("nano-moe");
	check("gpt2");
	return t_done();
}
