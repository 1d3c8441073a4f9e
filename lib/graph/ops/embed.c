/* embed.c - rows of a table: out[r] = table[ids[r]]. */
#include "graph/jloras.h"
#include "graph/ops.h"
#include "graph/ref.h"

enum { COLS = 64 };	/* columns per task of the gradient */

static int64_t
row_of(const struct jnode *n, int64_t r)
{
	int64_t id = ((const int32_t *)n->in[0]->data)[r];

	if (id < 0 || id >= n->param[0]->shape[0])
		jbug("embed: id %lld of %lld", (long long)id, (long long)n->param[0]->shape[0]);
	return id;
}

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	int64_t C = jnode_cols(n);
	float *out = n->data;

	(void)x;
	for (int64_t r = first; r < first + count; r++)
		jparam_row(n->param[0], row_of(n, r), out + r * C);
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

struct task {
	const struct jrun *x;
	const struct jnode *n;
};

/* All rows in order for some columns: a sum does not depend on how tasks are spread. */
static void
backward_cols(void *arg, int64_t i, int worker)
{
	const struct task *t = arg;
	const struct jnode *n = t->n;
	int64_t C = jnode_cols(n), R = jnode_rows(n), c = i * COLS;
	int64_t w = C - c < COLS ? C - c : COLS;

	(void)worker;
	for (int64_t r = 0; r < R; r++) {
		float *g = jnode_param_grad(n, 0) + row_of(n, r) * C + c;

		t->x->k->add(g, g, n->grad + r * C + c, w);
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	struct task t = { x, n };

	if (n->param[0]->grad)
		jpar_for(x->pool, (jnode_cols(n) + COLS - 1) / COLS, backward_cols, &t);
}

static void
forward_ref(const struct jref *r)
{
	int64_t C = jnode_cols(r->n), R = jnode_rows(r->n);

	for (int64_t i = 0; i < R; i++)
		for (int64_t c = 0; c < C; c++)
			r->out[i * C + c] = r->param[0][r->ids[0][i] * C + c];
}

static void
backward_ref(const struct jref *r)
{
	int64_t C = jnode_cols(r->n), R = jnode_rows(r->n);

	for (int64_t i = 0; i < R; i++)
		for (int64_t c = 0; c < C; c++)
			r->dparam[0][r->ids[0][i] * C + c] += r->dout[i * C + c];
}

const struct jop jop_embed = {
	.name = "embed", .forward = forward, .backward = backward,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_embed(struct jgraph *g, struct jnode *ids, struct jparam *table)
{
	if (table->lora_rows)
		return jg_lora_embed(g, ids, table);
	return table->many_rows && g->which ? jg_loras_embed(g, ids, table)
		: jg_embed_base(g, ids, table);
}

struct jnode *
jg_embed_base(struct jgraph *g, struct jnode *ids, struct jparam *table)
{
	struct jnode *n = jnode_new(g, &jop_embed, NULL);

	if (ids->dtype != JDT_I32 || ids->n_dims != 1 || table->n_dims != 2)
		jbug("embed: ids [R] and a table [V, C] wanted");
	jnode_input(n, ids);
	n->param[0] = table;
	n->n_dims = 2;
	n->shape[0] = ids->shape[0];
	n->shape[1] = table->shape[1];
	return n;
}
