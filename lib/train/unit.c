/*
 * unit.c - the units of a batch: forward, backward and the sum of their gradients.
 *
 * The operations of a small model are too short to be shared among threads, so there threads take
 * units instead.  A batch is cut into streams of consecutive units; each adds its gradients up in a
 * copy of its own, and the copies are added by a tree of pairs.  How many streams there are depends
 * on the model and the batch alone, never on the threads: who computes a stream makes no difference.
 * The operations of a large model share the threads among themselves: it has one stream.  Where there
 * are more threads than streams, the operations of each stream share some.
 */
#include <stdatomic.h>
#include <string.h>

#include "tensor/jkern.h"
#include "train/train_internal.h"

#define ADD_FLOATS 16384	/* of a gradient, in a task */

/* By the weights of a model.  A graph of more tokens than the last gains no speed and costs memory. */
static const struct size {
	uint64_t weights;		/* up to so many */
	int64_t tokens;			/* of a unit, at most */
	int streams;			/* at most */
} sizes[] = {
	{ 1500000, 256, 8 },
	{ 4000000, 512, 4 },
	{ UINT64_MAX, 2048, 1 }
};

int64_t
jtrain_unit_rows(int64_t tokens, int64_t batch, int64_t seq)
{
	int64_t n = tokens / seq;

	if (n > batch)
		n = batch;
	for (; n > 1; n--)
		if (batch % n == 0)
			return n;
	return 1;
}

/* Adapters and experts keep what a pass has made of the weights in one place: no two passes at a time. */
static const struct size *
size_of(const struct train *t)
{
	bool alone = t->model->adapter || t->model->cfg.experts > 0;
	const struct size *s = sizes;

	while (s->weights < t->model->count || (alone && s->streams > 1))
		s++;
	return s;
}

int64_t
train_unit_rows(const struct train *t, int64_t batch, int64_t seq)
{
	return jtrain_unit_rows(size_of(t)->tokens, batch, seq);
}

int
train_streams(const struct train *t, int64_t units)
{
	int most = size_of(t)->streams;

	return units < most ? (int)units : most;
}

int
train_most_streams(const struct train *t)
{
	int64_t most = 1;
	size_t i;

	for (i = 0; i < t->n_stages; i++) {
		const struct stage *s = &t->stages[i];
		int64_t units = s->batch / train_unit_rows(t, s->batch, s->seq);

		most = units > most ? units : most;
	}
	return train_streams(t, most);
}

struct jpack_row
train_row(const struct rows *r, int64_t i)
{
	int64_t at = i * r->seq;

	return (struct jpack_row){ .ids = r->ids + at, .targets = r->targets + at, .seg = r->seg + at,
		.pos = r->pos + at };
}

/* Runs unit u of the batch through a graph; its rows' sums of token losses go to batch.loss. */
static void
run_unit(struct train *t, struct jmodel_train_graph *g, int64_t u, void (*forward)(struct jgraph *g))
{
	int64_t seq = t->batch.seq, n = t->shape_rows * seq, from = u * n, r, i;
	size_t bytes = (size_t)n * sizeof(int32_t);
	const float *nll;

	memcpy(jnode_data(g->ids), t->batch.ids + from, bytes);
	memcpy(jnode_data(g->targets), t->batch.targets + from, bytes);
	memcpy(jnode_data(g->seg), t->batch.seg + from, bytes);
	memcpy(jnode_data(g->pos), t->batch.pos + from, bytes);
	forward(g->g);
	nll = jnode_data(g->nll);
	for (r = 0; r < t->shape_rows; r++) {
		double sum = 0;

		for (i = 0; i < seq; i++)
			sum += nll[r * seq + i];
		t->batch.loss[u * t->shape_rows + r] = sum;
	}
}

/* One pass over all units. */
struct pass {
	struct train *t;
	int64_t units;
	int streams;
	uint64_t first;			/* piece of the feed that the batch begins with */
	float loss_scale;		/* 0: no gradients */
	atomic_int next;		/* stream */
};

static void
run_stream(struct pass *p, int s, struct jmodel_train_graph *g)
{
	struct train *t = p->t;
	int64_t u = p->units * s / p->streams, end = p->units * (s + 1) / p->streams;

	jgraph_set_loss_scale(g->g, p->loss_scale);
	jgraph_shift_grads(g->g, s * (int64_t)t->model->count);
	for (; u < end; u++) {
		if (p->loss_scale == 0) {
			run_unit(t, g, u, jgraph_evaluate);
			continue;
		}
		jgraph_set_random(g->g, (uint64_t)t->o->seed, p->first + (uint64_t)(u * t->shape_rows));
		run_unit(t, g, u, jgraph_forward);
		jgraph_backward(g->g);
	}
}

/* One stream after another in the graph of this lane, until there is none left. */
static void
run_lane(void *arg, int64_t lane, int worker)
{
	struct pass *p = arg;
	int s;

	(void)worker;
	while ((s = atomic_fetch_add(&p->next, 1)) < p->streams)
		run_stream(p, s, &p->t->graphs[lane]);
}

/* Adds the copies of some gradients into the first and clears the others. */
static void
add_copies(void *arg, int64_t i, int worker)
{
	const struct pass *p = arg;
	const struct jmodel *m = p->t->model;
	uint64_t from = (uint64_t)i * ADD_FLOATS, left = m->count - from;
	int64_t n = (int64_t)(left < ADD_FLOATS ? left : ADD_FLOATS);
	const struct jkern *k = jkern_get();
	int s, step;

	(void)worker;
	for (step = 1; step < p->streams; step *= 2)
		for (s = 0; s + step < p->streams; s += 2 * step) {
			float *to = m->grads + (uint64_t)s * m->count + from;

			k->add(to, to, to + (uint64_t)step * m->count, n);
		}
	for (s = 1; s < p->streams; s++)
		memset(m->grads + (uint64_t)s * m->count + from, 0, (size_t)n * sizeof(float));
}

void
train_run_units(struct train *t, uint64_t first, int64_t n, float loss_scale)
{
	struct pass p = { .t = t, .units = n / t->shape_rows, .first = first, .loss_scale = loss_scale };

	p.streams = train_streams(t, p.units);
	/* With one graph the threads belong to its operations. */
	jpar_for(t->pool, t->n_graphs, run_lane, &p);
	if (loss_scale != 0 && p.streams > 1)
		jpar_for(t->pool, (int64_t)((t->model->count + ADD_FLOATS - 1) / ADD_FLOATS), add_copies, &p);
}

int
train_build_graph(struct train *t, struct jpar *pool, int64_t rows, int64_t seq,
	struct jmodel_train_graph *tg, struct jerr *e)
{
	t->model->embed_noise = (float)t->o->neftune;
	if (jmodel_build_train(t->model, pool, (int)rows, (int)seq, (float)t->o->z_loss, tg, e) < 0)
		return e->code;
	jg_smooth_labels(tg->nll, (float)t->o->label_smoothing);
	return 0;
}

static void
free_graphs(struct train *t)
{
	while (t->n_graphs > 0)
		jgraph_free(t->graphs[--t->n_graphs].g);
	t->shape_rows = t->shape_seq = 0;
}

void
train_open_lanes(struct train *t, int lanes)
{
	int each = jpar_size(t->pool) / lanes;

	t->lanes = lanes;
	t->graphs = jarena_alloc(&t->arena, (size_t)lanes, sizeof(*t->graphs));
	t->lane_pools = jarena_alloc(&t->arena, (size_t)lanes, sizeof(*t->lane_pools));
	for (int i = 0; lanes > 1 && each > 1 && i < lanes; i++)
		t->lane_pools[i] = jpar_new(each);
}

void
train_close_lanes(struct train *t)
{
	free_graphs(t);
	for (int i = 0; i < t->lanes; i++)
		jpar_free(t->lane_pools[i]);
}

int
train_use_shape(struct train *t, int64_t rows, int64_t seq, struct jerr *e)
{
	struct jgraph_plan_opts po = { .training = true, .recompute = t->recompute,
		.bf16_values = train_in_bf16(t->o), .products = train_products(t->o) };
	struct jgraph_plan gp;
	int i;

	t->batch.seq = seq;
	if (t->n_graphs > 0 && t->shape_rows == rows && t->shape_seq == seq)
		return 0;
	free_graphs(t);
	for (i = 0; i < t->lanes; i++) {
		struct jmodel_train_graph *g = &t->graphs[i];

		if (train_build_graph(t, t->lanes > 1 ? t->lane_pools[i] : t->pool, rows, seq, g, e) < 0)
			return e->code;
		t->n_graphs++;
		if (jgraph_plan(g->g, &po, &gp, e) < 0)
			return e->code;
	}
	t->shape_rows = rows;
	t->shape_seq = seq;
	return 0;
}
