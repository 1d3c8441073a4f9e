/* Ten AdamW steps on tiny models: the losses that torch computes (tests/ref/make_models.py). */
#include "t.h"

#include "model/jmodel.h"
#include "model/jsafetensors.h"
#include "optim/joptim.h"

struct oracle {
	int B, T;
	float ids[512], losses[16];
	int64_t steps;
};

static int
read_oracle(struct oracle *o, const char *name, struct jerr *e)
{
	const struct jst_tensor *ids, *losses;
	char path[200];
	struct jst *st;

	snprintf(path, sizeof(path), "tests/ref/%s.oracle.safetensors", name);
	if (jst_open(&st, path, e) < 0)
		return e->code;
	ids = jst_find(st, "ids");
	losses = jst_find(st, "adamw_losses");
	if (!ids || ids->count > 512 || !losses || losses->count > 16)
		return jerr_set(e, JERR_FORMAT, "%s: not the oracle this test knows", path);
	o->B = (int)ids->shape[0];
	o->T = (int)ids->shape[1];
	o->steps = losses->count;
	for (int64_t i = 0; i < ids->count; i++)
		o->ids[i] = ids->dtype == JDT_I64 ? (float)((const unsigned char *)ids->data)[8 * i]
			: (float)((const unsigned char *)ids->data)[4 * i];
	jst_to_f32(losses, o->losses, e);
	jst_close(st);
	return e->code;
}

static double
one_step(struct jmodel_train_graph *g, const struct oracle *o)
{
	int32_t *ids = jnode_data(g->ids), *targets = jnode_data(g->targets);
	int32_t *seg = jnode_data(g->seg), *pos = jnode_data(g->pos);
	const float *nll;
	double sum = 0;
	int i;

	for (i = 0; i < o->B * o->T; i++) {
		ids[i] = (int32_t)o->ids[i];
		pos[i] = i % o->T;
		seg[i] = 0;
		targets[i] = pos[i] == o->T - 1 ? -1 : (int32_t)o->ids[i + 1];
	}
	jgraph_set_loss_scale(g->g, 1.0f / (float)(o->B * (o->T - 1)));
	jgraph_forward(g->g);
	nll = jnode_data(g->nll);
	for (i = 0; i < o->B * o->T; i++)
		sum += nll[i];
	jgraph_backward(g->g);
	return sum / (o->B * (o->T - 1));
}

static void
follow(const char *name, bool recompute)
{
	struct joptim_opts oo = JOPTIM_OPTS_INIT;
	struct jgraph_plan_opts po = { .training = true, .recompute = recompute };
	struct jmodel_train_graph g;
	struct jgraph_plan plan;
	struct jerr e = { 0 };
	struct joptim *opt;
	struct jmodel *m;
	struct oracle o;
	char path[200];
	double worst = 0;
	int64_t s;

	snprintf(path, sizeof(path), "tests/ref/%s", name);
	if (!ok(read_oracle(&o, name, &e) == 0 && jmodel_load(&m, path, &e) == 0)) {
		printf("# %s: %s\n", name, e.msg);
		return;
	}
	oo.clip = 0;
	ok(jmodel_alloc_grads(m, 1, &e) == 0);
	ok(jmodel_build_train(m, NULL, o.B, o.T, 0, &g, &e) == 0);
	ok(jgraph_plan(g.g, &po, &plan, &e) == 0);
	ok(joptim_new(&opt, m->params, m->n_params, &oo, NULL, &e) == 0);
	for (s = 0; s < o.steps; s++) {
		worst = fmax(worst, fabs(one_step(&g, &o) - o.losses[s]));
		joptim_step(opt, 1e-2, joptim_grad_norm(opt));
	}
	eq_int(o.steps, 10);
	near(worst, 0, 1e-4);
	printf("# %s: %d x %d tokens, loss %.4f to %.4f, largest difference %.2g\n", name, o.B, o.T,
		o.losses[0], o.losses[o.steps - 1], worst);
	joptim_free(opt);
	jgraph_free(g.g);
	jmodel_free(m);
}

int
main(void)
{
	follow("llama/gqa", false);
	follow("llama/scaled", false);
	follow("qwen3/tied", false);
	follow("qwen3/untied", true);
	return t_done();
}
