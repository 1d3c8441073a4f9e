/*
 * graph_plan.c - the memory plan: buffers alive at the same time never overlap, room is reused,
 * sizes are announced before storage is taken, odd graphs are planned too.
 */
#include "t.h"

#include "graph/graph.h"
#include "graph_model.h"

static uint64_t
overlaps(const struct jlife *l, size_t n)
{
	uint64_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < i; j++) {
			bool together = l[i].first >= 0 && l[j].first >= 0
				&& l[i].first <= l[j].last && l[j].first <= l[i].last;
			bool apart = l[i].offset + l[i].bytes <= l[j].offset
				|| l[j].offset + l[j].bytes <= l[i].offset;

			bad += together && !apart;
		}
	}
	return bad;
}

/* Most bytes alive at one step: no plan can do with less. */
static uint64_t
least(const struct jlife *l, size_t n, int steps)
{
	uint64_t most = 0;

	for (int t = 0; t <= steps; t++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += l[i].first >= 0 && l[i].first <= t && t <= l[i].last ? l[i].bytes : 0;
		most = sum > most ? sum : most;
	}
	return most;
}

static void
check_random_lives(void)
{
	enum { N = 120, STEPS = 60 };

	for (uint64_t key = 0; key < 50; key++) {
		struct jlife l[N];
		struct jrand r;
		uint64_t top, need;

		jrand_init(&r, 3, key);
		for (int i = 0; i < N; i++) {
			int first = (int)jrand_below(&r, STEPS);

			l[i] = (struct jlife){ .bytes = 64 * (1 + jrand_below(&r, 40)),
				.first = first, .last = first + (int)jrand_below(&r, 15),
				.owner = i };
		}
		top = jplace(l, N);
		need = least(l, N, STEPS + 20);
		if (overlaps(l, N) || top < need || top > need * 3 / 2)
			ok(!"random lives are placed");
	}
}

/*
 * A place handed over from a dying value to a new one is held once: where two lives of a shared
 * place meet, they may do so in one step only.
 */
static uint64_t
shared_conflicts(const struct jgraph *g)
{
	const struct jlife *l = g->lives;
	uint64_t bad = 0;

	for (size_t i = 0; i < g->n_lives; i++) {
		for (size_t j = 0; j < i; j++) {
			bool apart = l[i].offset + l[i].bytes <= l[j].offset
				|| l[j].offset + l[j].bytes <= l[i].offset;
			bool owner = l[i].owner == (int)i && l[j].owner == (int)j;

			bad += owner && l[i].first >= 0 && l[j].first >= 0 && !apart
				&& l[i].first <= l[j].last && l[j].first <= l[i].last;
			bad += l[i].offset % 64 != 0;
		}
	}
	return bad;
}

static void
check_model(bool training, bool recompute)
{
	const struct gm_shape s = { .B = 2, .T = 64, .C = 64, .H = 4, .K = 2, .d = 16, .F = 96,
		.V = 300, .L = 4, .qk_norm = true, .seg = true };
	const struct jgraph_plan_opts opts = { training, recompute };
	struct jgraph_plan before, after;
	struct jerr e = { 0 };
	uint64_t sum = 0;
	struct gm m;

	gm_init(&m, &s, NULL);
	ok(jgraph_measure(m.g, &opts, &before, &e) == 0);
	ok(jnode_data(m.ids) == NULL);
	ok(jgraph_plan(m.g, &opts, &after, &e) == 0);
	eq_int(before.activation_bytes, after.activation_bytes);
	eq_int(before.workspace_bytes, after.workspace_bytes);
	ok(after.forward_flops > 0 && (training ? after.backward_flops > after.forward_flops
		: after.backward_flops == 0));
	eq_int(shared_conflicts(m.g), 0);
	for (size_t i = 0; i < m.g->n_lives; i++)
		sum += m.g->lives[i].first >= 0 ? m.g->lives[i].bytes : 0;
	ok(after.activation_bytes < (training ? sum * 2 / 3 : sum / 4));
	gm_release(&m);
}

/* Values made of values that are themselves made again, used twice, kept, and chosen by row. */
struct odd {
	struct gm m;
	struct jnode *ids, *rows, *targets;
	struct jparam *table, *w;
};

static void
record_odd(struct odd *o)
{
	struct gm *m = &o->m;
	struct jnode *x, *z;

	m->g = jgraph_new(NULL);
	o->ids = jg_input_i32(m->g, "ids", 5);
	o->targets = jg_input_i32(m->g, "targets", 3);
	o->rows = jg_input_i32(m->g, "rows", 3);
	o->table = gm_param(m, 20, 12);
	o->w = gm_param(m, 12, 12);
	x = jg_embed(m->g, o->ids, o->table);
	x = jg_rmsnorm(m->g, x, gm_param(m, 0, 12), 12, 1e-5f);
	jgraph_segment_begin(m->g);
	x = jg_swiglu(m->g, jg_linear(m->g, x, o->w, NULL), x);
	x = jg_rmsnorm(m->g, x, gm_param(m, 0, 12), 12, 1e-5f);
	z = jg_rmsnorm(m->g, x, gm_param(m, 0, 4), 4, 1e-5f);
	jnode_keep(z);
	x = jg_add(m->g, jg_linear(m->g, z, o->w, NULL), jg_linear(m->g, x, o->w, NULL));
	x = jg_add(m->g, x, x);
	jgraph_segment_end(m->g);
	x = jg_rows(m->g, jg_rmsnorm(m->g, x, gm_param(m, 0, 12), 12, 1e-5f), o->rows);
	m->nll = jg_linear_ce(m->g, x, o->table, o->targets, 0);
}

static void
fill_odd(struct odd *o)
{
	for (int i = 0; i < 5; i++)
		((int32_t *)jnode_data(o->ids))[i] = i * 3;
	for (int i = 0; i < 3; i++) {
		((int32_t *)jnode_data(o->rows))[i] = i == 2 ? 4 : 1;
		((int32_t *)jnode_data(o->targets))[i] = 7 + i;
	}
}

static float
odd_loss(struct odd *o)
{
	const float *nll = jnode_data(o->m.nll);

	jgraph_evaluate(o->m.g);
	return nll[0] + nll[1] + nll[2];
}

/* Central differences of the fp32 graph: crude, but independent of everything else. */
static double
worst_difference(struct odd *o, struct jparam *p)
{
	double worst = 0;

	for (int64_t i = 1; i < gm_count(p); i += 17) {
		float old = p->value[i];
		double d;

		p->value[i] = old + 1e-2f;
		d = (double)odd_loss(o);
		p->value[i] = old - 1e-2f;
		d = (d - (double)odd_loss(o)) / 2e-2;
		p->value[i] = old;
		worst = fmax(worst, fabs(d - (double)p->grad[i]) / (0.1 + fabs(d)));
	}
	return worst;
}

static void
check_odd_graph(bool recompute, float grad[12 * 12])
{
	const struct jgraph_plan_opts opts = { true, recompute };
	struct odd o = { .m = { .n_params = 0 } };
	struct jerr e = { 0 };

	record_odd(&o);
	ok(jgraph_plan(o.m.g, &opts, NULL, &e) == 0);
	fill_odd(&o);
	for (int run = 0; run < 2; run++) {
		gm_zero_grads(&o.m);
		jgraph_forward(o.m.g);
		jgraph_backward(o.m.g);
		if (run || recompute)
			ok(memcmp(o.w->grad, grad, 12 * 12 * sizeof(*grad)) == 0);
		memcpy(grad, o.w->grad, 12 * 12 * sizeof(*grad));
	}
	near(worst_difference(&o, o.w), 0, 2e-2);
	near(worst_difference(&o, o.table), 0, 2e-2);
	gm_release(&o.m);
}

int
main(void)
{
	float grad[12 * 12];

	check_random_lives();
	check_model(false, false);
	check_model(true, false);
	check_model(true, true);
	check_odd_graph(false, grad);
	check_odd_graph(true, grad);
	return t_done();
}
