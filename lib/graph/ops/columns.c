/* columns.c - some columns of each row: out[r] = x[r][first .. first + count). */
#include <string.h>

#include "graph/jlayers.h"
#include "graph/ops.h"
#include "graph/ref.h"

struct columns {
	int64_t first;
};

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct columns *a = n->attr;
	int64_t C = jnode_cols(n), ld = jnode_cols(n->in[0]);
	const float *in = (const float *)n->in[0]->data + a->first;
	float *out = n->data;

	(void)x;
	for (int64_t r = first; r < first + count; r++)
		memcpy(out + r * C, in + r * ld, (size_t)C * sizeof(*out));
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

/* The first to arrive empties the rest of the row for the others to add to. */
static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct columns *a = n->attr;
	int64_t C = jnode_cols(n), ld = jnode_cols(n->in[0]);

	for (int64_t r = first; r < first + count; r++) {
		float *to = n->in[0]->grad + r * ld;

		if (!n->add[0])
			memset(to, 0, (size_t)ld * sizeof(*to));
		x->k->add(to + a->first, to + a->first, n->grad + r * C, C);
	}
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n->in[0]), backward_rows);
}

static void
forward_ref(const struct jref *r)
{
	const struct columns *a = r->n->attr;
	int64_t C = jnode_cols(r->n), ld = jnode_cols(r->n->in[0]);

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->out[i] = r->in[0][i / C * ld + a->first + i % C];
}

static void
backward_ref(const struct jref *r)
{
	const struct columns *a = r->n->attr;
	int64_t C = jnode_cols(r->n), ld = jnode_cols(r->n->in[0]);

	for (int64_t i = 0; i < jnode_count(r->n); i++)
		r->din[0][i / C * ld + a->first + i % C] += r->dout[i];
}

const struct jop jop_columns = {
	.name = "columns", .flags = JOP_STORED, .forward = forward, .backward = backward,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_columns(struct jgraph *g, struct jnode *x, int64_t first, int64_t count)
{
	struct jnode *n = jnode_new(g, &jop_columns, x);
	struct columns *a = jnode_attr(n, sizeof(*a));

	if (first < 0 || count < 1 || first + count > jnode_cols(x))
		jbug("columns: %lld from %lld of %lld", (long long)count, (long long)first,
			(long long)jnode_cols(x));
	jnode_input(n, x);
	n->shape[n->n_dims - 1] = count;
	a->first = first;
	return n;
}
