/*
 * graph.c - the graph of one unit, made anew when a ramp changes its shape.
 */
#include "train/train_internal.h"

int
train_build_graph(struct train *t, int64_t rows, int64_t seq, struct jmodel_train_graph *tg,
	struct jerr *e)
{
	t->model->embed_noise = (float)t->o->neftune;
	if (jmodel_build_train(t->model, t->pool, (int)rows, (int)seq, (float)t->o->z_loss, tg, e) < 0)
		return e->code;
	jg_smooth_labels(tg->nll, (float)t->o->label_smoothing);
	return 0;
}

int
train_use_shape(struct train *t, int64_t rows, int64_t seq, struct jerr *e)
{
	struct jgraph_plan_opts po = { .training = true, .recompute = t->recompute,
		.products = train_products(t->o) };
	struct jgraph_plan gp;

	t->batch.seq = seq;
	if (t->tg.g && t->shape_rows == rows && t->shape_seq == seq)
		return 0;
	jgraph_free(t->tg.g);
	t->tg.g = NULL;
	if (train_build_graph(t, rows, seq, &t->tg, e) < 0 || jgraph_plan(t->tg.g, &po, &gp, e) < 0)
		return e->code;
	t->shape_rows = rows;
	t->shape_seq = seq;
	return 0;
}
