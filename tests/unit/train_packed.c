/* Documents packed into one row lose exactly what they lose alone, forward and backward. */
#include "t.h"

#include <stdlib.h>

#include "model/jmodel.h"

#define T 24

/* Loads documents a and b: in one row (packed) or in the first parts of two rows. */
static void
fill(struct jmodel_train_graph *g, bool packed, int first, int second)
{
	int32_t *ids = jnode_data(g->ids), *targets = jnode_data(g->targets);
	int32_t *seg = jnode_data(g->seg), *pos = jnode_data(g->pos);
	int i, d;

	for (i = 0; i < 2 * T; i++) {
		ids[i] = 5;
		targets[i] = -1;
		seg[i] = 2;
		pos[i] = i % T;
	}
	for (d = 0; d < 2; d++)
		for (i = 0; i < (d ? second : first); i++) {
			int at = i + (d ? packed ? first : T : 0);

			ids[at] = (d * 31 + i * 7) % 90 + 3;
			seg[at] = packed ? d : 0;
			pos[at] = i;
			if (i + 1 < (d ? second : first))
				targets[at] = (d * 31 + (i + 1) * 7) % 90 + 3;
		}
}

static double
run(struct jmodel_train_graph *g, struct jmodel *m, float *grads)
{
	const float *nll = jnode_data(g->nll);
	double sum = 0;
	int i;

	memset(m->grads, 0, m->count * sizeof(float));
	jgraph_set_loss_scale(g->g, 1);
	jgraph_forward(g->g);
	for (i = 0; i < 2 * T; i++)
		sum += nll[i];
	jgraph_backward(g->g);
	memcpy(grads, m->grads, m->count * sizeof(float));
	return sum;
}

static void
compare(const char *path)
{
	struct jgraph_plan_opts po = { .training = true };
	struct jmodel_train_graph g;
	struct jgraph_plan plan;
	struct jerr e = { 0 };
	struct jmodel *m;
	float *apart, *together;
	double a, b, worst = 0, size = 0;
	uint64_t i;

	if (!ok(jmodel_load(&m, path, &e) == 0))
		return;
	ok(jmodel_alloc_grads(m, 1, &e) == 0);
	ok(jmodel_build_train(m, NULL, 2, T, 0, &g, &e) == 0);
	ok(jgraph_plan(g.g, &po, &plan, &e) == 0);
	apart = malloc(m->count * sizeof(*apart));
	together = malloc(m->count * sizeof(*together));
	fill(&g, false, 10, 13);
	a = run(&g, m, apart);
	fill(&g, true, 10, 13);
	b = run(&g, m, together);
	near(b, a, 1e-5 * a);
	for (i = 0; i < m->count; i++) {
		worst = fmax(worst, fabs((double)apart[i] - together[i]));
		size = fmax(size, fabs((double)apart[i]));
	}
	near(worst / size, 0, 1e-5);
	printf("# %s: apart %.6f, packed %.6f, gradients differ by %.2g of the largest\n", path, a,
		b, worst / size);
	free(apart);
	free(together);
	jgraph_free(g.g);
	jmodel_free(m);
}

int
main(void)
{
	compare("tests/ref/llama/gqa");
	compare("tests/ref/qwen3/tied");
	return t_done();
}
