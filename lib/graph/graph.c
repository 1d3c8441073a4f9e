/* graph.c - recording: nodes, inputs, segments. */
#include "graph/graph.h"

#include <string.h>

#include "base/jrand.h"
#include "graph/jlora.h"

static const struct jop input_op = { .name = "input", .flags = JOP_NO_BACK };

struct jgraph *
jgraph_new(struct jpar *pool)
{
	struct jgraph *g = jmem_zalloc(1, sizeof(*g));

	jarena_init(&g->arena, 0);
	g->pool = pool;
	g->run.loss_scale = 1;
	return g;
}

void
jgraph_free(struct jgraph *g)
{
	if (!g)
		return;
	if (g->slab)
		jmem_unmap(g->slab, g->slab_bytes);
	jmem_free(g->nodes);
	jmem_free(g->segments);
	jmem_free(g->ends);
	jmem_free(g->steps);
	jmem_free(g->lives);
	jarena_release(&g->arena);
	jmem_free(g);
}

struct jnode *
jnode_new(struct jgraph *g, const struct jop *op, const struct jnode *like)
{
	struct jnode *n;

	if (g->planned)
		jbug("graph: %s recorded after planning", op->name);
	n = jarena_alloc(&g->arena, 1, sizeof(*n));
	n->op = op;
	n->g = g;
	n->index = (int)g->n_nodes;
	n->dtype = JDT_F32;
	n->segment = g->in_segment ? (int)g->n_segments - 1 : -1;
	if (like) {
		n->n_dims = like->n_dims;
		memcpy(n->shape, like->shape, sizeof(n->shape));
	}
	JMEM_GROW(g->nodes, g->cap_nodes, g->n_nodes + 1);
	g->nodes[g->n_nodes++] = n;
	return n;
}

void
jnode_input(struct jnode *n, struct jnode *in)
{
	if (!in || in->g != n->g || n->n_in == JNODE_INS)
		jbug("graph: bad input %d of %s", n->n_in, n->op->name);
	n->in[n->n_in++] = in;
}

void *
jnode_attr(struct jnode *n, size_t size)
{
	void *p = jarena_alloc(&n->g->arena, 1, size);

	n->attr = p;
	return p;
}

int64_t
jnode_count(const struct jnode *n)
{
	int64_t count = 1;

	for (int i = 0; i < n->n_dims; i++)
		count *= n->shape[i];
	return count;
}

int64_t
jnode_cols(const struct jnode *n)
{
	return n->shape[n->n_dims - 1];
}

int64_t
jnode_rows(const struct jnode *n)
{
	int64_t rows = 1;

	for (int i = 0; i + 1 < n->n_dims; i++)
		rows *= n->shape[i];
	return rows;
}

float *
jnode_param_grad(const struct jnode *n, int k)
{
	const struct jparam *p = n->param[k];

	return p && p->grad ? p->grad + n->g->grad_shift : NULL;
}

static struct jnode *
input(struct jgraph *g, const char *name, enum jdtype dtype)
{
	struct jnode *n = jnode_new(g, &input_op, NULL);

	n->name = jarena_strndup(&g->arena, name, strlen(name));
	n->dtype = dtype;
	n->segment = -1;
	n->keep = true;
	return n;
}

struct jnode *
jg_input_i32(struct jgraph *g, const char *name, int64_t count)
{
	struct jnode *n = input(g, name, JDT_I32);

	n->n_dims = 1;
	n->shape[0] = count;
	return n;
}

struct jnode *
jg_input_f32(struct jgraph *g, const char *name, int n_dims, const int64_t *shape)
{
	struct jnode *n = input(g, name, JDT_F32);

	if (n_dims < 1 || n_dims > JTEN_MAX_DIMS)
		jbug("graph: input %s has %d dimensions", name, n_dims);
	n->n_dims = n_dims;
	memcpy(n->shape, shape, (size_t)n_dims * sizeof(*shape));
	return n;
}

void
jgraph_segment_begin(struct jgraph *g)
{
	if (g->in_segment)
		jbug("graph: segment inside a segment");
	JMEM_GROW(g->segments, g->cap_segments, g->n_segments + 1);
	JMEM_GROW(g->ends, g->cap_ends, g->n_segments + 1);
	g->segments[g->n_segments] = (int)g->n_nodes;
	g->ends[g->n_segments] = (int)g->n_nodes;
	g->n_segments++;
	g->in_segment = true;
}

void
jgraph_segment_end(struct jgraph *g)
{
	if (!g->in_segment)
		jbug("graph: end of no segment");
	g->ends[g->n_segments - 1] = (int)g->n_nodes;
	g->in_segment = false;
}

void
jgraph_set_loss_scale(struct jgraph *g, float scale)
{
	g->run.loss_scale = scale;
}

void
jgraph_set_loss_weights(struct jgraph *g, const float *weights)
{
	g->run.loss_weights = weights;
}

void
jgraph_shift_grads(struct jgraph *g, int64_t floats)
{
	g->grad_shift = floats;
}

void
jgraph_set_random(struct jgraph *g, uint64_t seed, uint64_t key)
{
	struct jrand r;

	jrand_init(&r, seed, key);
	g->run.random = jrand_u64(&r);
}

void *
jnode_data(struct jnode *n)
{
	return n->data;
}

const int64_t *
jnode_shape(const struct jnode *n, int *n_dims)
{
	*n_dims = n->n_dims;
	return n->shape;
}

void
jnode_keep(struct jnode *n)
{
	if (n->g->planned)
		jbug("graph: jnode_keep() after planning");
	n->keep = true;
}
