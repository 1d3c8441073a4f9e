/*
 * schedule.c - the order of work and the life of every buffer.
 *
 * Forward steps follow the recording.  Backward steps run the other way through the nodes that lie
 * between the loss and a trained weight.  With recomputation, the last node of a segment is preceded
 * on the way back by forward steps of those nodes of the segment whose values backward needs and
 * which do not cross the segment's border.  Outside such segments the values of cheap operations
 * (norms, SwiGLU) are made again just before backward reads them: their inputs are kept anyway.
 * Values that are packed have two lives as well; between them they lie in bf16.
 */
#include "graph/graph.h"

static int
new_life(struct jgraph *g, uint64_t bytes)
{
	struct jlife *l;

	JMEM_GROW(g->lives, g->cap_lives, g->n_lives + 1);
	l = &g->lives[g->n_lives];
	*l = (struct jlife){ .bytes = (bytes + 63) / 64 * 64, .first = -1, .last = -1,
		.owner = (int)g->n_lives };
	return (int)g->n_lives++;
}

static void
touch(struct jgraph *g, int life, int step)
{
	struct jlife *l;

	if (life < 0)
		return;
	l = &g->lives[life];
	if (l->first < 0 || step < l->first)
		l->first = step;
	if (step > l->last)
		l->last = step;
}

static void
mark_gradients(struct jgraph *g)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		n->needs_grad = false;
		n->again = n->lazy = n->packed = false;
		for (int k = 0; k < JBUF_KINDS; k++)
			n->buf[k] = -1;
		for (int k = 0; k < JNODE_PARAMS; k++)
			n->needs_grad |= n->param[k] && n->param[k]->grad;
		for (int k = 0; k < n->n_in; k++) {
			n->add[k] = false;
			n->needs_grad |= n->in[k]->needs_grad;
		}
		if (n->op->flags & JOP_NO_BACK)
			n->needs_grad = false;
	}
}

/* on_path[i]: a gradient reaches node i from the last loss. */
static bool *
mark_path(struct jgraph *g)
{
	bool *on_path = jmem_zalloc(g->n_nodes + 1, sizeof(*on_path));
	size_t i = g->n_nodes;

	while (i > 0 && !(g->nodes[i - 1]->op->flags & JOP_LOSS))
		i--;
	if (i == 0 || !g->opts.training)
		return on_path;
	on_path[i - 1] = g->nodes[i - 1]->needs_grad;
	for (; i-- > 0;) {
		struct jnode *n = g->nodes[i];

		for (int k = 0; on_path[i] && k < n->n_in; k++)
			if (n->in[k]->needs_grad)
				on_path[n->in[k]->index] = true;
	}
	return on_path;
}

static unsigned
keeps(const struct jnode *n)
{
	return n->op->keeps ? n->op->keeps(n) : 0;
}

/* Nodes of a segment that backward needs again, from the last to the first. */
static void
mark_again(struct jgraph *g, int seg, const bool *on_path)
{
	int first = g->segments[seg], end = g->ends[seg];
	bool *border = jmem_zalloc((size_t)(end - first) + 1, sizeof(*border));
	bool *wanted = jmem_zalloc((size_t)(end - first) + 1, sizeof(*wanted));

	for (size_t i = (size_t)first; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		for (int k = 0; k < n->n_in; k++) {
			int j = n->in[k]->index - first;

			if (j < 0 || n->in[k]->segment != seg)
				continue;
			border[j] |= n->segment != seg;
			wanted[j] |= on_path[i] && keeps(n) >> k & 1;
		}
	}
	for (int j = end - first - 1; j >= 0; j--) {
		struct jnode *n = g->nodes[first + j];
		bool saves = on_path[first + j] && n->op->saved && n->op->saved(n) > 0;

		wanted[j] |= on_path[first + j] && (keeps(n) & JOP_OUT);
		if (n->segment != seg || border[j] || n->keep || (n->op->flags & JOP_ONCE))
			continue;
		n->again = wanted[j] || saves;
		for (int k = 0; n->again && k < n->n_in; k++)
			if (n->in[k]->segment == seg)
				wanted[n->in[k]->index - first] = true;
	}
	jmem_free(border);
	jmem_free(wanted);
}

/* Cheap nodes whose value the backward step of a consumer reads. */
static void
mark_lazy(struct jgraph *g, const bool *on_path)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		const struct jnode *n = g->nodes[i];

		for (int k = 0; on_path[i] && k < n->n_in; k++) {
			struct jnode *in = n->in[k];

			if (!(in->op->flags & JOP_CHEAP) || !(keeps(n) >> k & 1) || in->keep
			    || !on_path[in->index] || (g->opts.recompute && in->segment >= 0))
				continue;
			in->again = in->lazy = true;
		}
	}
}

static void
pack(struct jnode *n)
{
	if (jstored_may(n) && !n->again && !n->keep)
		n->packed = n->again = n->lazy = true;
}

/* Values that a backward step reads and that may lie in bf16 until then. */
static void
mark_packed(struct jgraph *g, const bool *on_path)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		if (!on_path[i])
			continue;
		if (keeps(n) & JOP_OUT)
			pack(n);
		for (int k = 0; k < n->n_in; k++)
			if (keeps(n) >> k & 1)
				pack(n->in[k]);
	}
}

bool
jstep_stores(const struct jstep *s)
{
	return s->kind == JSTEP_PACK || (s->kind == JSTEP_AGAIN && s->n->packed);
}

static void
add_step(struct jgraph *g, enum jstep_kind kind, struct jnode *n)
{
	JMEM_GROW(g->steps, g->cap_steps, g->n_steps + 1);
	g->steps[g->n_steps++] = (struct jstep){ kind, n };
}

static void make_lazy(struct jgraph *g, struct jnode *n, bool *made);

/* n once more, after the lazy values that it is made of. */
static void
add_again(struct jgraph *g, struct jnode *n, bool *made)
{
	for (int k = 0; !n->packed && k < n->n_in; k++)
		make_lazy(g, n->in[k], made);
	add_step(g, JSTEP_AGAIN, n);
}

static void
make_lazy(struct jgraph *g, struct jnode *n, bool *made)
{
	if (!n->lazy || made[n->index])
		return;
	made[n->index] = true;
	add_again(g, n, made);
}

/* The steps forward; packed values are packed when the last of them has read them. */
static void
make_forward_steps(struct jgraph *g)
{
	size_t *last = jmem_zalloc(g->n_nodes + 1, sizeof(*last));

	g->n_steps = 0;
	for (size_t i = 0; i < g->n_nodes; i++) {
		last[i] = i;
		for (int k = 0; k < g->nodes[i]->n_in; k++)
			last[g->nodes[i]->in[k]->index] = i;
	}
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		if (n->op->forward)
			add_step(g, JSTEP_FORWARD, n);
		for (int k = -1; k < n->n_in; k++) {
			struct jnode *x = k < 0 ? n : n->in[k];

			if (x->packed && last[x->index] == i) {
				add_step(g, JSTEP_PACK, x);
				last[x->index] = g->n_nodes;	/* once */
			}
		}
	}
	g->n_forward = g->n_steps;
	jmem_free(last);
}

static void
make_steps(struct jgraph *g, const bool *on_path)
{
	bool *made = jmem_zalloc(g->n_nodes + 1, sizeof(*made));

	make_forward_steps(g);
	for (int i = (int)g->n_nodes - 1, seg = (int)g->n_segments - 1; i >= 0; i--) {
		for (; seg >= 0 && i < g->ends[seg]; seg--)
			for (int j = g->segments[seg]; j <= i; j++)
				if (g->nodes[j]->again && !g->nodes[j]->lazy)
					add_again(g, g->nodes[j], made);
		if (!on_path[i])
			continue;
		if (keeps(g->nodes[i]) & JOP_OUT)
			make_lazy(g, g->nodes[i], made);
		for (int k = 0; k < g->nodes[i]->n_in; k++)
			if (keeps(g->nodes[i]) >> k & 1)
				make_lazy(g, g->nodes[i]->in[k], made);
		add_step(g, JSTEP_BACKWARD, g->nodes[i]);
	}
	jmem_free(made);
}

static void
make_lives(struct jgraph *g, const bool *on_path)
{
	g->n_lives = 0;
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];
		uint64_t bytes = (uint64_t)jnode_count(n) * 4;
		uint64_t saved = on_path[i] && n->op->saved ? n->op->saved(n) : 0;

		n->buf[JBUF_OUT] = new_life(g, bytes);
		if (n->again)
			n->buf[JBUF_OUT_AGAIN] = new_life(g, bytes);
		if (saved)
			n->buf[JBUF_SAVED] = new_life(g, saved);
		if (saved && n->again && !n->packed)
			n->buf[JBUF_SAVED_AGAIN] = new_life(g, saved);
		if (n->packed)
			n->buf[JBUF_STORED] = new_life(g, bytes / 2);
		if (on_path[i] && !(n->op->flags & JOP_LOSS))
			n->buf[JBUF_GRAD] = new_life(g, bytes);
	}
}

/* The life of n's value at or after the backward pass has reached it. */
static int
late_value(const struct jnode *n)
{
	return n->again ? n->buf[JBUF_OUT_AGAIN] : n->buf[JBUF_OUT];
}

static int
late_saved(const struct jnode *n)
{
	return n->again && !n->packed ? n->buf[JBUF_SAVED_AGAIN] : n->buf[JBUF_SAVED];
}

static void
live_forward(struct jgraph *g, struct jnode *n, int t, bool again)
{
	touch(g, n->buf[again ? JBUF_OUT_AGAIN : JBUF_OUT], t);
	touch(g, n->buf[again ? JBUF_SAVED_AGAIN : JBUF_SAVED], t);
	for (int k = 0; k < n->n_in; k++)
		touch(g, again ? late_value(n->in[k]) : n->in[k]->buf[JBUF_OUT], t);
}

/* Into bf16, or back. */
static void
live_stored(struct jgraph *g, struct jnode *n, int t, bool back)
{
	touch(g, n->buf[back ? JBUF_OUT_AGAIN : JBUF_OUT], t);
	touch(g, n->buf[JBUF_STORED], t);
}

static void
live_backward(struct jgraph *g, struct jnode *n, int t)
{
	unsigned read = keeps(n);

	touch(g, n->buf[JBUF_GRAD], t);
	touch(g, late_saved(n), t);
	if (read & JOP_OUT)
		touch(g, late_value(n), t);
	for (int k = 0; k < n->n_in; k++) {
		struct jnode *in = n->in[k];
		int life = in->buf[JBUF_GRAD];

		if (read >> k & 1)
			touch(g, late_value(in), t);
		if (life < 0 || !in->needs_grad)
			continue;
		n->add[k] = g->lives[life].first >= 0;
		touch(g, life, t);
	}
}

static bool
has_consumer(const struct jgraph *g, const struct jnode *n)
{
	for (size_t i = (size_t)n->index + 1; i < g->n_nodes; i++)
		for (int k = 0; k < g->nodes[i]->n_in; k++)
			if (g->nodes[i]->in[k] == n)
				return true;
	return false;
}

static void
live_always(struct jgraph *g)
{
	for (size_t i = 0; i < g->n_nodes; i++) {
		struct jnode *n = g->nodes[i];

		if (!n->op->forward)
			touch(g, n->buf[JBUF_OUT], 0);
		if (!n->op->forward || n->keep || !has_consumer(g, n))
			touch(g, n->buf[JBUF_OUT], (int)g->n_steps);
	}
}

/*
 * Where an input's value (or the output's gradient) is read for the last time by the step that writes
 * the output (or the input's gradient), and the operation allows it, both take one place.
 */
static void
share(struct jgraph *g, int to, int from, int step)
{
	struct jlife *new = to < 0 ? NULL : &g->lives[to];
	struct jlife *old = from < 0 ? NULL : &g->lives[g->lives[from].owner];

	if (!new || !old || new == old || new->owner != to || new->first != step
	    || old->last != step || new->bytes != old->bytes)
		return;
	new->owner = (int)(old - g->lives);
	old->last = new->last;
}

static void
share_step(struct jgraph *g, const struct jstep *s, int t)
{
	struct jnode *n = s->n;
	bool again = s->kind == JSTEP_AGAIN;

	if (jstep_stores(s))
		return;
	for (int k = 0; k < n->n_in; k++) {
		struct jnode *in = n->in[k];

		if (s->kind == JSTEP_BACKWARD) {
			if (n->op->back_in_place >> k & 1 && !n->add[k])
				share(g, in->buf[JBUF_GRAD], n->buf[JBUF_GRAD], t);
		} else if (n->op->in_place >> k & 1) {
			share(g, n->buf[again ? JBUF_OUT_AGAIN : JBUF_OUT],
				again ? late_value(in) : in->buf[JBUF_OUT], t);
		}
	}
}

void
jschedule_make(struct jgraph *g)
{
	bool *on_path;

	mark_gradients(g);
	on_path = mark_path(g);
	for (size_t s = 0; g->opts.training && g->opts.recompute && s < g->n_segments; s++)
		mark_again(g, (int)s, on_path);
	mark_lazy(g, on_path);
	mark_packed(g, on_path);
	make_steps(g, on_path);
	make_lives(g, on_path);
	for (size_t t = 0; t < g->n_steps; t++) {
		if (g->steps[t].kind == JSTEP_BACKWARD)
			live_backward(g, g->steps[t].n, (int)t);
		else if (jstep_stores(&g->steps[t]))
			live_stored(g, g->steps[t].n, (int)t, g->steps[t].kind == JSTEP_AGAIN);
		else
			live_forward(g, g->steps[t].n, (int)t, g->steps[t].kind == JSTEP_AGAIN);
	}
	live_always(g);
	for (size_t t = 0; t < g->n_steps; t++)
		share_step(g, &g->steps[t], (int)t);
	jmem_free(on_path);
}
