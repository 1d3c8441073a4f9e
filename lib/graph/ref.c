/* ref.c - runs a graph's scalar references in double. */
#include "graph/ref.h"

#include <string.h>

static size_t
param_index(struct jref_graph *r, struct jparam *p)
{
	size_t i = 0;

	while (i < r->n_params && r->params[i] != p)
		i++;
	return i;
}

/* The values of a weight, decoded where it is in another form. */
static void
copy_values(double *to, const struct jparam *p, size_t n)
{
	float *x = jmem_alloc(n, sizeof(*x));

	for (int64_t i = 0; i < (p->n_dims > 1 ? p->shape[0] : 1); i++)
		jparam_row(p, i, x + i * p->shape[p->n_dims - 1]);
	for (size_t i = 0; i < n; i++)
		to[i] = x[i];
	jmem_free(x);
}

static size_t
param_count(const struct jparam *p)
{
	size_t n = 1;

	for (int i = 0; i < p->n_dims; i++)
		n *= (size_t)p->shape[i];
	return n;
}

static void
add_param(struct jref_graph *r, struct jparam *p)
{
	size_t i = param_index(r, p), n = param_count(p);

	if (i < r->n_params)
		return;
	r->params[i] = p;
	r->pvalue[i] = jmem_alloc(n, sizeof(double));
	r->pgrad[i] = jmem_zalloc(n, sizeof(double));
	copy_values(r->pvalue[i], p, n);
	r->n_params++;
}

struct jref_graph *
jref_new(struct jgraph *g)
{
	struct jref_graph *r = jmem_zalloc(1, sizeof(*r));

	r->g = g;
	r->value = jmem_zalloc(g->n_nodes + 1, sizeof(*r->value));
	r->grad = jmem_zalloc(g->n_nodes + 1, sizeof(*r->grad));
	r->params = jmem_zalloc(g->n_nodes * JNODE_PARAMS + 1, sizeof(*r->params));
	r->pvalue = jmem_zalloc(g->n_nodes * JNODE_PARAMS + 1, sizeof(*r->pvalue));
	r->pgrad = jmem_zalloc(g->n_nodes * JNODE_PARAMS + 1, sizeof(*r->pgrad));
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		r->value[i] = jmem_zalloc((size_t)jnode_count(n) + 1, sizeof(double));
		r->grad[i] = jmem_zalloc((size_t)jnode_count(n) + 1, sizeof(double));
		for (int k = 0; k < JNODE_PARAMS; k++)
			if (n->param[k])
				add_param(r, n->param[k]);
		if (!n->op->forward && n->dtype == JDT_F32)
			jref_load_input(r, n);
	}
	return r;
}

void
jref_free(struct jref_graph *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->g->n_nodes; i++) {
		jmem_free(r->value[i]);
		jmem_free(r->grad[i]);
	}
	for (size_t i = 0; i < r->n_params; i++) {
		jmem_free(r->pvalue[i]);
		jmem_free(r->pgrad[i]);
	}
	jmem_free(r->value);
	jmem_free(r->grad);
	jmem_free(r->params);
	jmem_free(r->pvalue);
	jmem_free(r->pgrad);
	jmem_free(r);
}

void
jref_load_input(struct jref_graph *r, struct jnode *n)
{
	const float *data = n->data;

	for (int64_t i = 0; i < jnode_count(n); i++)
		r->value[n->index][i] = data[i];
}

static struct jref
view(struct jref_graph *r, const struct jnode *n)
{
	struct jref v = { .n = n, .out = r->value[n->index], .dout = r->grad[n->index] };

	for (int k = 0; k < n->n_in; k++) {
		int i = n->in[k]->index;

		if (n->in[k]->dtype == JDT_I32) {
			v.ids[k] = n->in[k]->data;
			continue;
		}
		v.in[k] = r->value[i];
		v.din[k] = r->grad[i];
	}
	for (int k = 0; k < JNODE_PARAMS; k++) {
		size_t i;

		if (!n->param[k])
			continue;
		i = param_index(r, n->param[k]);
		v.param[k] = r->pvalue[i];
		v.dparam[k] = r->pgrad[i];
	}
	return v;
}

void
jref_forward(struct jref_graph *r)
{
	for (size_t i = 0; i < r->g->n_nodes; i++) {
		const struct jnode *n = r->g->nodes[i];
		struct jref v = view(r, n);

		if (n->op->forward_ref)
			n->op->forward_ref(&v);
	}
}

void
jref_backward(struct jref_graph *r, double scale)
{
	for (size_t i = 0; i < r->g->n_nodes; i++)
		memset(r->grad[i], 0, (size_t)jnode_count(r->g->nodes[i]) * sizeof(double));
	for (size_t i = 0; i < r->n_params; i++)
		memset(r->pgrad[i], 0, param_count(r->params[i]) * sizeof(double));
	for (size_t i = r->g->n_nodes; i-- > 0;) {
		const struct jnode *n = r->g->nodes[i];
		struct jref v = view(r, n);

		v.scale = scale;
		if (n->op->backward_ref)
			n->op->backward_ref(&v);
	}
}

double *
jref_value(struct jref_graph *r, const struct jnode *n)
{
	return r->value[n->index];
}

double *
jref_grad(struct jref_graph *r, const struct jnode *n)
{
	return r->grad[n->index];
}

double *
jref_param(struct jref_graph *r, const struct jparam *p)
{
	return r->pvalue[param_index(r, (struct jparam *)p)];
}

double *
jref_param_grad(struct jref_graph *r, const struct jparam *p)
{
	return r->pgrad[param_index(r, (struct jparam *)p)];
}
