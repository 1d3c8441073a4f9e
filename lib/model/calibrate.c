/*
 * calibrate.c - importance from running the model: what each matrix meets is watched in the graph
 * that scores text.
 */
#include "model/arch.h"
#include "model/blocks.h"

#include <string.h>

struct watcher {
	const struct jmodel *m;
	struct jimatrix *x;
	char (*names)[64];		/* GGUF names by parameter */
	struct jerr *e;
};

static int
note_name(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct watcher *w = arg;

	(void)e;
	memcpy(w->names[s->i], s->gguf, sizeof(w->names[0]));
	return 0;
}

static void
see(void *arg, const struct jparam *p, const float *rows, int64_t n, int64_t cols)
{
	struct watcher *w = arg;

	jimatrix_add(w->x, w->names[p - w->m->params], rows, n, cols, w->e);
}

static void
fill(struct jmodel_train_graph *tg, const uint32_t *ids, int T)
{
	int32_t *in = jnode_data(tg->ids), *pos = jnode_data(tg->pos);
	int32_t *seg = jnode_data(tg->seg), *targets = jnode_data(tg->targets);

	for (int t = 0; t < T; t++) {
		in[t] = (int32_t)ids[t];
		pos[t] = t;
		seg[t] = 0;
		targets[t] = t + 1 < T ? (int32_t)ids[t + 1] : -1;
	}
}

static int
run_chunks(struct jmodel_train_graph *tg, struct jcalibration *c, struct jerr *e)
{
	uint64_t chunks = c->n / (size_t)c->chunk;
	double sum = 0;

	for (uint64_t i = 0; i < chunks && e->code == 0; i++) {
		const float *nll;

		fill(tg, c->ids + i * (size_t)c->chunk, c->chunk);
		jgraph_evaluate(tg->g);
		nll = jnode_data(tg->nll);
		for (int t = 0; t + 1 < c->chunk; t++)
			sum += (double)nll[t];
		if (c->on_chunk)
			c->on_chunk(c->arg, i + 1, chunks);
	}
	c->nll = sum / ((double)chunks * (c->chunk - 1));
	return e->code;
}

int
jmodel_calibrate(struct jmodel *m, struct jpar *pool, struct jcalibration *c, struct jimatrix *x,
	struct jerr *e)
{
	const struct jgraph_plan_opts opts = { .products = JPRODUCTS_F32 };
	struct jmodel_train_graph tg;
	struct jgraph_plan plan;
	struct watcher w = { .m = m, .x = x, .e = e };
	int rc;

	rc = calibration_check(m, c, e);
	if (rc == 0)
		rc = jmodel_build_train(m, pool, 1, c->chunk, 0, &tg, e);
	if (rc < 0)
		return rc;
	w.names = jmem_zalloc(m->n_params, sizeof(*w.names));
	arch_each(&m->cfg, note_name, &w, e);
	rc = jgraph_plan(tg.g, &opts, &plan, e);
	if (rc >= 0) {
		jgraph_watch(tg.g, see, &w);
		rc = run_chunks(&tg, c, e);
	}
	jgraph_free(tg.g);
	jmem_free(w.names);
	return rc;
}
