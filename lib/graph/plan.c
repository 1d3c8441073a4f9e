/* plan.c - from a recorded graph to a schedule, sizes and storage. */
#include "graph/ops.h"

#include <string.h>

static void
set_run(struct jgraph *g, const struct jgraph_plan_opts *o)
{
	g->opts = *o;
	g->run.k = jkern_get();
	g->run.mm = o->products == JPRODUCTS_BF16 ? jkern_bf16()
		: o->products == JPRODUCTS_F32 ? jkern_f32() : g->run.k;
	g->run.pool = g->pool;
	g->run.workers = jpar_size(g->pool);
	g->run.training = o->training;
	g->run.grads = o->training;
}

static void
count_work(struct jgraph *g, struct jgraph_plan *plan)
{
	g->work_bytes = 0;
	for (size_t t = 0; t < g->n_steps; t++) {
		const struct jnode *n = g->steps[t].n;
		size_t bytes = n->op->work ? n->op->work(&g->run, n) * sizeof(float) : 0;

		if (bytes > g->work_bytes)
			g->work_bytes = bytes;
		if (!n->op->flops || jstep_stores(&g->steps[t]))
			continue;
		if (g->steps[t].kind == JSTEP_FORWARD)
			plan->forward_flops += n->op->flops(n, false);
		else
			plan->backward_flops += n->op->flops(n,
				g->steps[t].kind == JSTEP_BACKWARD);
	}
	g->work_bytes = (g->work_bytes + 63) / 64 * 64;
}

int
jgraph_measure(struct jgraph *g, const struct jgraph_plan_opts *o, struct jgraph_plan *plan,
	struct jerr *e)
{
	struct jgraph_plan p = { 0 };

	if (g->planned)
		jbug("graph: planned already");
	if (g->in_segment)
		jbug("graph: a segment is open");
	set_run(g, o);
	jschedule_make(g);
	p.activation_bytes = jplace(g->lives, g->n_lives);
	count_work(g, &p);
	p.workspace_bytes = g->work_bytes;
	if (plan)
		*plan = p;
	return 0;
}

static int
pack_weights(struct jgraph *g, struct jerr *e)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		if (n->op == &jop_linear && jparam_pack(n->param[0], g->pool, e) < 0)
			return e->code;
	}
	return 0;
}

static void *
place_of(const struct jgraph *g, int life)
{
	return life < 0 ? NULL : g->slab + g->lives[life].offset;
}

int
jgraph_plan(struct jgraph *g, const struct jgraph_plan_opts *o, struct jgraph_plan *plan,
	struct jerr *e)
{
	struct jgraph_plan p;
	int rc = o->training ? 0 : pack_weights(g, e);

	if (rc == 0)
		rc = jgraph_measure(g, o, &p, e);
	if (rc < 0)
		return rc;
	if (plan)
		*plan = p;
	g->slab_bytes = p.activation_bytes + p.workspace_bytes;
	if (g->slab_bytes == 0)
		g->slab_bytes = 64;
	g->slab = jmem_map(g->slab_bytes);
	if (!g->slab)
		return jerr_set(e, JERR_NOMEM, "graph: no memory for %.1f MB of activations and %.1f "
			"MB of scratch", (double)p.activation_bytes * 1e-6,
			(double)p.workspace_bytes * 1e-6);
	g->run.work = (float *)(void *)(g->slab + p.activation_bytes);
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		n->data = place_of(g, n->buf[JBUF_OUT]);
		n->saved = place_of(g, n->buf[JBUF_SAVED]);
		n->grad = place_of(g, n->buf[JBUF_GRAD]);
		n->stored = place_of(g, n->buf[JBUF_STORED]);
	}
	g->planned = true;
	return 0;
}

void
jgraph_watch(struct jgraph *g, jgraph_watch_fn *fn, void *arg)
{
	g->watch = fn;
	g->watch_arg = arg;
}

/* A product: a matrix, or one for each expert, whose rows are as long as those of the input. */
static void
show_product(const struct jgraph *g, const struct jnode *n)
{
	const struct jparam *w = n->param[0];
	const struct jnode *x = n->n_in > 0 ? n->in[0] : NULL;

	if (w && x && w->n_dims >= 2 && x->dtype == JDT_F32 &&
	    jnode_cols(x) == w->shape[w->n_dims - 1])
		g->watch(g->watch_arg, w, x->data, jnode_rows(x), jnode_cols(x));
}

void
jgraph_run_step(struct jgraph *g, const struct jstep *s)
{
	struct jnode *n = s->n;

	if (s->kind == JSTEP_BACKWARD) {
		n->op->backward(&g->run, n);
		return;
	}
	if (s->kind == JSTEP_PACK) {
		if (g->run.grads)
			jstored_pack(&g->run, n);
		return;
	}
	if (n->again) {
		bool again = s->kind == JSTEP_AGAIN;

		n->data = place_of(g, n->buf[again ? JBUF_OUT_AGAIN : JBUF_OUT]);
		n->saved = place_of(g, n->buf[again && !n->packed ? JBUF_SAVED_AGAIN : JBUF_SAVED]);
	}
	if (jstep_stores(s)) {
		jstored_unpack(&g->run, n);
		return;
	}
	n->op->forward(&g->run, n);
	if (jstored_may(n))
		jstored_round(&g->run, n);
	if (g->watch)
		show_product(g, n);
}

static void
run_forward(struct jgraph *g, bool grads)
{
	if (!g->planned)
		jbug("graph: forward before planning");
	g->run.grads = grads;
	for (size_t t = 0; t < g->n_forward; t++)
		jgraph_run_step(g, &g->steps[t]);
}

void
jgraph_forward(struct jgraph *g)
{
	run_forward(g, g->opts.training);
}

void
jgraph_evaluate(struct jgraph *g)
{
	run_forward(g, false);
}

void
jgraph_backward(struct jgraph *g)
{
	if (!g->planned || !g->run.grads)
		jbug("graph: backward without a training forward");
	for (size_t t = g->n_forward; t < g->n_steps; t++)
		jgraph_run_step(g, &g->steps[t]);
}
