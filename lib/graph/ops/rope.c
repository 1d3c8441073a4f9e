/*
 * rope.c - rotary embedding, in two operations: a table of cosines and sines, one row per position,
 * shared by all layers that ask for the same; and the rotation of heads by its rows.
 *
 * The angle is the fp32 product position * inv_freq, as the models' own code has it; its cosine and
 * sine are taken in double and rounded once.
 */
#include <math.h>
#include <string.h>

#include "graph/ops.h"
#include "graph/ref.h"

struct table {
	int64_t half;
	float scale;
	float inv_freq[];
};

static void
table_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct table *a = n->attr;
	const int32_t *pos = n->in[0]->data;

	(void)x;
	for (int64_t r = first; r < first + count; r++) {
		float *row = (float *)n->data + r * 2 * a->half;

		for (int64_t i = 0; i < a->half; i++) {
			float angle = (float)pos[r] * a->inv_freq[i];

			row[i] = (float)cos((double)angle) * a->scale;
			row[a->half + i] = (float)sin((double)angle) * a->scale;
		}
	}
}

static void
table_forward(const struct jrun *x, struct jnode *n)
{
	/* A cosine is some 50 times the work of a copied value. */
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n) * 50, table_rows);
}

static void
table_ref(const struct jref *r)
{
	const struct table *a = r->n->attr;

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		int64_t row = i / (2 * a->half), c = i % (2 * a->half);
		double angle = (double)((float)r->ids[0][row] * a->inv_freq[c % a->half]);

		r->out[i] = (c < a->half ? cos(angle) : sin(angle)) * (double)a->scale;
	}
}

/* Made once: recomputing it costs more time than its memory is worth. */
const struct jop jop_rope_table = {
	.name = "rope_table", .flags = JOP_NO_BACK | JOP_ONCE, .forward = table_forward,
	.forward_ref = table_ref
};

static int64_t
rotated(const struct jrope *r)
{
	return r->dim ? r->dim : r->head_dim;
}

static struct jnode *
find_table(struct jgraph *g, const struct jnode *pos, const struct jrope *r)
{
	size_t half = (size_t)rotated(r) / 2;

	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];
		const struct table *a = n->attr;

		if (n->op == &jop_rope_table && n->in[0] == pos && a->half == (int64_t)half
		    && a->scale == r->scale
		    && !memcmp(a->inv_freq, r->inv_freq, half * sizeof(float)))
			return n;
	}
	return NULL;
}

static struct jnode *
make_table(struct jgraph *g, struct jnode *pos, const struct jrope *r)
{
	size_t half = (size_t)rotated(r) / 2;
	struct jnode *n = jnode_new(g, &jop_rope_table, NULL);
	struct table *a = jnode_attr(n, sizeof(*a) + half * sizeof(float));

	jnode_input(n, pos);
	a->half = (int64_t)half;
	a->scale = r->scale;
	memcpy(a->inv_freq, r->inv_freq, half * sizeof(float));
	n->n_dims = 2;
	n->shape[0] = pos->shape[0];
	n->shape[1] = rotated(r);
	return n;
}

/* --- the rotation --- */
struct heads {
	int64_t d;		/* width; as much as a row of the table has is rotated */
};

/* The values of a row's heads that are not rotated. */
static void
pass(float *to, const float *from, int64_t C, const int64_t width[2], bool add)
{
	int64_t d = width[0], rotates = width[1];

	for (int64_t i = 0; i < C; i++) {
		if (i % d < rotates)
			i += rotates - i % d;
		to[i] = add ? to[i] + from[i] : from[i];
	}
}

static void
rotate_parts(const struct jrun *x, float *to, const float *from, const float *cs,
	const int64_t width[3], int mode)
{
	int64_t C = width[2], d = width[0];

	pass(to, from, C, width, mode & JROPE_ADD);
	for (int64_t i = 0; i < C; i += d)
		x->k->rope(to + i, from + i, cs, 1, width[1] / 2, mode);
}

static void
rotate(const struct jrun *x, struct jnode *n, const int64_t span[2], int mode)
{
	int64_t C = jnode_cols(n), d = jnode_cols(n->in[1]);
	int64_t head = ((const struct heads *)n->attr)->d;
	const float *cs = n->in[1]->data;
	bool back = mode & JROPE_INVERSE;
	const float *from = back ? n->grad : n->in[0]->data;
	float *to = back ? n->in[0]->grad : n->data;

	for (int64_t r = span[0]; r < span[0] + span[1]; r++) {
		if (head == d)
			x->k->rope(to + r * C, from + r * C, cs + r * d, C / d, d / 2, mode);
		else
			rotate_parts(x, to + r * C, from + r * C, cs + r * d,
				(int64_t[3]){ head, d, C }, mode);
	}
}

static void
forward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	rotate(x, n, (int64_t[2]){ first, count }, 0);
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	rotate(x, n, (int64_t[2]){ first, count }, JROPE_INVERSE | (n->add[0] ? JROPE_ADD : 0));
}

static void
forward(const struct jrun *x, struct jnode *n)
{
	jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), forward_rows);
}

static void
backward(const struct jrun *x, struct jnode *n)
{
	if (n->in[0]->grad)
		jrun_for_rows(x, n, jnode_rows(n), jnode_cols(n), backward_rows);
}

static unsigned
keeps(const struct jnode *n)
{
	(void)n;
	return 2;
}

/* out, or (back) the gradient of the input, from `from`. */
static void
rotate_ref(const struct jref *r, double *to, const double *from, bool back)
{
	int64_t C = jnode_cols(r->n), d = jnode_cols(r->n->in[1]), half = d / 2;
	int64_t head = ((const struct heads *)r->n->attr)->d;

	for (int64_t i = 0; i < jnode_count(r->n); i++) {
		const double *cs = r->in[1] + i / C * d;
		int64_t c = i % C % head;
		double v = from[i];

		if (c < half)
			v = from[i] * cs[c] - (back ? -1 : 1) * from[i + half] * cs[half + c];
		else if (c < d)
			v = (back ? -1 : 1) * from[i - half] * cs[c] + from[i] * cs[c - half];
		to[i] += v;
	}
}

static void
forward_ref(const struct jref *r)
{
	memset(r->out, 0, (size_t)jnode_count(r->n) * sizeof(*r->out));
	rotate_ref(r, r->out, r->in[0], false);
}

static void
backward_ref(const struct jref *r)
{
	rotate_ref(r, r->din[0], r->dout, true);
}

const struct jop jop_rope = {
	.name = "rope", .flags = JOP_STORED, .in_place = 1, .back_in_place = 1,
	.forward = forward, .backward = backward, .keeps = keeps,
	.forward_ref = forward_ref, .backward_ref = backward_ref
};

struct jnode *
jg_rope(struct jgraph *g, struct jnode *x, struct jnode *pos, const struct jrope *r)
{
	struct jnode *table, *n;
	struct heads *a;

	if (r->head_dim < 2 || rotated(r) % 2 || rotated(r) > r->head_dim || jnode_cols(x) % r->head_dim
	    || pos->dtype != JDT_I32 || pos->shape[0] != jnode_rows(x))
		jbug("rope: head_dim %d over %lld columns, %lld positions for %lld rows",
			r->head_dim, (long long)jnode_cols(x), (long long)pos->shape[0],
			(long long)jnode_rows(x));
	table = find_table(g, pos, r);
	if (!table)
		table = make_table(g, pos, r);
	n = jnode_new(g, &jop_rope, x);
	a = jnode_attr(n, sizeof(*a));
	a->d = r->head_dim;
	jnode_input(n, x);
	jnode_input(n, table);
	return n;
}
