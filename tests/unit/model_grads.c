/* Graphs over the same weights that add to their own copies of the gradients. */
#include "t.h"

#include <stdlib.h>

#include "model/jmodel.h"
#include "small_model.h"

enum { B = 2, T = 16 };

static void
fill(struct jmodel_train_graph *g)
{
	int32_t *ids = jnode_data(g->ids), *targets = jnode_data(g->targets);
	int32_t *seg = jnode_data(g->seg), *pos = jnode_data(g->pos);

	for (int i = 0; i < B * T; i++) {
		ids[i] = (i * 7) % 90 + 3;
		targets[i] = (i * 7 + 7) % 90 + 3;
		seg[i] = 0;
		pos[i] = i % T;
	}
}

static void
check(const char *preset)
{
	struct jgraph_plan_opts po = { .training = true };
	struct jmodel_train_graph g[2];
	struct jmodel *m = small_model(preset, 1, 3);
	struct jerr e = { 0 };
	size_t bytes;
	uint64_t i = 0;

	bytes = (size_t)m->count * sizeof(float);
	for (int k = 0; k < 2; k++) {
		ok(jmodel_build_train(m, NULL, B, T, 0, &g[k], &e) == 0);
		ok(jgraph_plan(g[k].g, &po, NULL, &e) == 0);
		fill(&g[k]);
		jgraph_set_loss_scale(g[k].g, 1.0f / (B * T));
		jgraph_shift_grads(g[k].g, k * 2 * (int64_t)m->count);
		jgraph_forward(g[k].g);
		jgraph_backward(g[k].g);
	}
	while (i < m->count && m->grads[m->count + i] == 0)
		i++;
	ok(i == m->count);
	ok(memcmp(m->grads, m->grads + 2 * m->count, bytes) == 0);
	for (i = 0; i < m->count && m->grads[i] == 0; i++)
		;
	ok(i < m->count);
	for (int k = 0; k < 2; k++)
		jgraph_free(g[k].g);
	jmodel_free(m);
}

int
main(void)
{
	check("nano");
	check("gpt2");		/* layer norms and biases */
	return t_done();
}
