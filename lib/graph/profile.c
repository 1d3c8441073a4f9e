/* profile.c - where the time of a pass goes. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/jsys.h"
#include "graph/graph.h"

/* "model.layers.3.mlp.up_proj.weight" -> "mlp.up_proj.weight" */
static const char *
kind_of_weight(const struct jnode *n)
{
	const char *name = n->param[0] ? n->param[0]->name : NULL;
	const char *p = name ? name : "";

	for (; *p; p++) {
		const char *q = p + 1;

		if (*p != '.' || !isdigit((unsigned char)*q))
			continue;
		while (isdigit((unsigned char)*q))
			q++;
		if (*q == '.')
			return q + 1;
	}
	return name;
}

static double
bytes_of(const struct jnode *n)
{
	return (double)jnode_count(n) * 4;
}

static double
weight_bytes(const struct jparam *p)
{
	int64_t n = 1;

	for (int i = 0; i < p->n_dims; i++)
		n *= p->shape[i];
	return (double)jten_bytes(p->value ? JDT_F32 : p->dtype, n);
}

static double
step_bytes(const struct jstep *s)
{
	const struct jnode *n = s->n;
	unsigned keeps = n->op->keeps ? n->op->keeps(n) : 0;
	bool back = s->kind == JSTEP_BACKWARD;
	double b = bytes_of(n);

	if (jstep_stores(s))
		return 1.5 * b;
	for (int k = 0; k < n->n_in; k++) {
		if (!back || keeps >> k & 1)
			b += bytes_of(n->in[k]);
		if (back && n->in[k]->grad)
			b += bytes_of(n->in[k]) * (n->add[k] ? 2 : 1);
	}
	for (int k = 0; k < JNODE_PARAMS; k++) {
		if (!n->param[k])
			continue;
		b += weight_bytes(n->param[k]);
		if (back && n->param[k]->grad)
			b += 2 * weight_bytes(n->param[k]);
	}
	return b;
}

/* A loss does the products of its backward pass on the way forward. */
static double
step_flops(const struct jstep *s)
{
	const struct jop *op = s->n->op;
	bool back = s->kind == JSTEP_BACKWARD;

	if (!op->flops || jstep_stores(s))
		return 0;
	if (!(op->flags & JOP_LOSS) || !s->n->g->opts.training)
		return op->flops(s->n, back);
	return back ? 0 : op->flops(s->n, false) + op->flops(s->n, true);
}

static size_t
row_of(struct jgraph_cost *rows, size_t *n, size_t most, const struct jstep *s)
{
	bool back = s->kind == JSTEP_BACKWARD, stores = jstep_stores(s);
	const char *weight = stores ? NULL : kind_of_weight(s->n);
	const char *op = !stores ? s->n->op->name : s->kind == JSTEP_PACK ? "to bf16" : "from bf16";
	size_t i = 0;

	while (i < *n && (strcmp(rows[i].op, op) != 0 || rows[i].backward != back
			|| (rows[i].weight ? !weight || strcmp(rows[i].weight, weight) != 0
			: weight != NULL)))
		i++;
	if (i < *n || i == most)
		return i;
	rows[i] = (struct jgraph_cost){ .op = op, .weight = weight, .backward = back,
		.seconds = INFINITY };
	return (*n)++;
}

size_t
jgraph_profile(struct jgraph *g, int passes, struct jgraph_cost *rows, size_t most)
{
	double *seconds = jmem_alloc(most + 1, sizeof(*seconds));
	size_t n = 0;

	if (!g->planned)
		jbug("graph: profile before planning");
	g->run.grads = g->opts.training;
	for (int pass = 0; pass < passes; pass++) {
		memset(seconds, 0, (most + 1) * sizeof(*seconds));
		for (size_t t = 0; t < g->n_steps; t++) {
			const struct jstep *s = &g->steps[t];
			size_t i = row_of(rows, &n, most, s);
			double start = jsys_now();

			jgraph_run_step(g, s);
			seconds[i] += jsys_now() - start;
			if (pass > 0 || i == most)
				continue;
			rows[i].calls++;
			rows[i].bytes += step_bytes(s);
			rows[i].flops += step_flops(s);
		}
		for (size_t i = 0; i < n; i++)
			rows[i].seconds = fmin(rows[i].seconds, seconds[i]);
	}
	jmem_free(seconds);
	return n;
}
