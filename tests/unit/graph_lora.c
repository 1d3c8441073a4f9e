/*
 * graph_lora.c - adapters in a graph: look-up, products and head against the double reference, which
 * finite differences check; DoRA's factors; dropout and noise are functions of the key alone.
 */
#include "t.h"

#include "graph/jlora.h"
#include "graph/ref.h"
#include "graph_model.h"

enum { V = 700, C = 24, F = 20, RANK = 3, R = 70, OUT = 10 };

struct net {
	struct gm m;			/* owns parameters and graph */
	struct jlora lora[4];
	struct jparam *w[4];		/* table, up, down, head */
	struct jnode *dora;
};

static void
freeze(struct jparam *p)
{
	jmem_free(p->grad);
	p->grad = NULL;
}

static void
adapt(struct net *n, int i, int64_t rows, int64_t cols, bool look_up)
{
	struct jlora *l = &n->lora[i];

	n->w[i] = gm_param(&n->m, rows, cols);
	freeze(n->w[i]);
	l->a = look_up ? gm_param(&n->m, rows, RANK) : gm_param(&n->m, RANK, cols);
	l->b = gm_param(&n->m, look_up ? cols : rows, RANK);
	l->scale = 0.7f;
	if (look_up)
		n->w[i]->lora_rows = l;
	else
		n->w[i]->lora = l;
}

/* share: dropout; magnitude: table, middle product and head are DoRA. */
static void
net_init(struct net *n, float share, bool magnitude, float noise, struct jpar *pool)
{
	struct jparam *bias;
	struct jnode *x;
	struct jgraph *g;

	memset(n, 0, sizeof(*n));
	g = n->m.g = jgraph_new(pool);
	adapt(n, 0, V, C, true);
	adapt(n, 1, F, C, false);
	adapt(n, 2, C, F, false);
	adapt(n, 3, V, C, false);
	n->lora[1].dropout = n->lora[2].dropout = n->lora[3].dropout = share;
	bias = gm_param(&n->m, 0, C);
	freeze(bias);
	if (magnitude) {
		n->lora[0].m = gm_param(&n->m, 0, C);
		n->lora[2].m = gm_param(&n->m, 0, C);
		n->lora[3].m = gm_param(&n->m, 0, V);
	}
	n->m.ids = jg_input_i32(g, "ids", R);
	n->m.targets = jg_input_i32(g, "targets", R);
	x = jg_embed(g, n->m.ids, n->w[0]);
	if (noise > 0)
		x = jg_noise(g, x, noise);
	n->dora = jg_linear(g, jg_linear(g, x, n->w[1], NULL), n->w[2], bias);
	n->m.nll = jg_linear_ce(g, jg_add(g, x, n->dora), n->w[3], n->m.targets, 0);
	n->m.s = (struct gm_shape){ .B = 1, .T = R, .V = V };
}

static void
net_fill(struct net *n)
{
	int32_t *ids = jnode_data(n->m.ids), *targets = jnode_data(n->m.targets);
	struct jrand r;

	jrand_init(&r, 1, 2);
	for (int i = 0; i < R; i++) {
		ids[i] = (int32_t)jrand_below(&r, V);
		targets[i] = i % 5 == 4 ? -1 : (int32_t)jrand_below(&r, V);
	}
}

static double
worst_gradient(struct net *n, struct jref_graph *r)
{
	double worst = 0;

	for (int i = 0; i < n->m.n_params; i++) {
		struct jparam *p = &n->m.p[i];
		const double *want = p->grad ? jref_param_grad(r, p) : NULL;
		double top = 1e-30, d = 0;

		for (int64_t j = 0; want && j < gm_count(p); j++) {
			top = fmax(top, fabs(want[j]));
			d = fmax(d, fabs((double)p->grad[j] - want[j]));
		}
		worst = fmax(worst, d / top);
	}
	return worst;
}

static double
loss_of(struct net *n, struct jref_graph *r, double scale)
{
	const double *nll = jref_value(r, n->m.nll);
	double s = 0;

	jref_forward(r);
	for (int i = 0; i < R; i++)
		s += nll[i];
	return s * scale;
}

static double
worst_difference(struct net *n, struct jref_graph *r, double scale)
{
	const double h = 1e-4;
	double worst = 0;

	for (int i = 0; i < n->m.n_params; i++) {
		struct jparam *p = &n->m.p[i];
		double *w, *g;

		if (!p->grad)
			continue;
		w = jref_param(r, p);
		g = jref_param_grad(r, p);
		for (int64_t j = 0; j < gm_count(p); j += gm_count(p) / 4 + 1) {
			double old = w[j], up, down;

			w[j] = old + h;
			up = loss_of(n, r, scale);
			w[j] = old - h;
			down = loss_of(n, r, scale);
			w[j] = old;
			worst = fmax(worst, fabs((up - down) / (2 * h) - g[j]) / (1e-2 + fabs(g[j])));
		}
	}
	return worst;
}

static void
check_reference(void)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jref_graph *r;
	struct jerr e = { 0 };
	struct net n;

	net_init(&n, 0, false, 0, NULL);
	ok(jgraph_plan(n.m.g, &opts, NULL, &e) == 0);
	net_fill(&n);
	r = jref_new(n.m.g);
	jref_forward(r);
	jref_backward(r, 0.01);
	jgraph_set_loss_scale(n.m.g, 0.01f);
	jgraph_forward(n.m.g);
	jgraph_backward(n.m.g);
	near(worst_gradient(&n, r), 0, 2e-5);
	near(worst_difference(&n, r, 0.01), 0, 1e-6);
	jref_free(r);
	gm_release(&n.m);
}

/* The sum of the losses with magnitude j of adapter i moved by h. */
static double
moved(struct net *n, int i, int j, float h)
{
	const float *nll = jnode_data(n->m.nll);
	float *m = n->lora[i].m->value, old = m[j];
	double sum = 0;

	m[j] = old + h;
	jgraph_evaluate(n->m.g);
	m[j] = old;
	for (int r = 0; r < R; r++)
		sum += nll[r];
	return sum;
}

/* y - bias = m / |W + scale B A| times the plain sum; dm by differences of the graph itself. */
static void
check_dora(void)
{
	const struct jgraph_plan_opts opts = { .training = true };
	static const int adapted[] = { 0, 2, 3 };
	struct jref_graph *r;
	struct jerr e = { 0 };
	struct net n;

	net_init(&n, 0, true, 0, NULL);
	jnode_keep(n.dora);
	ok(jgraph_plan(n.m.g, &opts, NULL, &e) == 0);
	net_fill(&n);
	r = jref_new(n.m.g);
	jref_forward(r);
	jgraph_set_loss_scale(n.m.g, 1);
	jgraph_forward(n.m.g);
	for (int i = 0; i < R * C; i += 97)
		near(((float *)jnode_data(n.dora))[i], jref_value(r, n.dora)[i], 1e-4);
	for (int i = 0; i < R; i += 7)
		near(((float *)jnode_data(n.m.nll))[i], jref_value(r, n.m.nll)[i], 1e-4);
	jgraph_backward(n.m.g);
	for (size_t k = 0; k < sizeof(adapted) / sizeof(adapted[0]); k++) {
		int i = adapted[k];

		for (int j = 1; j < 8; j += 3)
			near((moved(&n, i, j, 1e-2f) - moved(&n, i, j, -1e-2f)) / 2e-2,
				n.lora[i].m->grad[j], 1e-2 * (1 + fabs(n.lora[i].m->grad[j])));
	}
	jref_free(r);
	gm_release(&n.m);
}

/* Bits of one training pass with the key; recompute and threads must not matter. */
static uint64_t
bits(uint64_t key, bool recompute, bool magnitude, int threads)
{
	const struct jgraph_plan_opts opts = { .training = true, .recompute = recompute };
	struct jpar *pool = threads > 1 ? jpar_new(threads) : NULL;
	struct jerr e = { 0 };
	uint64_t h;
	struct net n;

	net_init(&n, 0.3f, magnitude, 0.1f, pool);
	ok(jgraph_plan(n.m.g, &opts, NULL, &e) == 0);
	net_fill(&n);
	jgraph_set_loss_scale(n.m.g, 0.01f);
	jgraph_set_random(n.m.g, 5, key);
	jgraph_forward(n.m.g);
	jgraph_backward(n.m.g);
	h = gm_bits(&n.m);
	gm_release(&n.m);
	jpar_free(pool);
	return h;
}

/* Without gradients there is no dropout: the losses are those of a graph that has none. */
static void
check_evaluate(bool magnitude)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jerr e = { 0 };
	struct net n[2];
	double worst = 0;

	for (int i = 0; i < 2; i++) {
		net_init(&n[i], i ? 0.5f : 0, magnitude, 0, NULL);
		ok(jgraph_plan(n[i].m.g, &opts, NULL, &e) == 0);
		net_fill(&n[i]);
		jgraph_evaluate(n[i].m.g);
	}
	for (int i = 0; i < R; i++)
		worst = fmax(worst, fabs((double)((float *)jnode_data(n[0].m.nll))[i]
			- ((float *)jnode_data(n[1].m.nll))[i]));
	near(worst, 0, 1e-4);
	gm_release(&n[0].m);
	gm_release(&n[1].m);
}

/* The mean over many keys of what dropout and noise give is what goes in, and evaluation has none. */
static void
check_random(void)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jnode *ids, *x, *y, *t;
	struct jerr e = { 0 };
	struct gm m = { 0 };
	struct jparam *table;
	double sum = 0;
	int zeros = 0, all = 0;

	m.g = jgraph_new(NULL);
	table = gm_param(&m, OUT, C);
	for (int i = 0; i < OUT * C; i++)
		table->value[i] = 1;
	ids = jg_input_i32(m.g, "ids", R);
	t = jg_input_i32(m.g, "targets", R);
	x = jg_embed(m.g, ids, table);
	y = jg_noise(m.g, jg_dropout(m.g, x, 0.25f), 0.01f);
	jnode_keep(y);
	m.nll = jg_linear_ce(m.g, y, table, t, 0);
	ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
	for (uint64_t key = 0; key < 20; key++) {
		const float *v = jnode_data(y);

		jgraph_set_random(m.g, 1, key);
		jgraph_forward(m.g);
		for (int i = 0; i < R * C; i++, all++) {
			sum += v[i];
			zeros += v[i] < 0.5f;
		}
	}
	near(sum / all, 1, 0.02);
	near((double)zeros / all, 0.25, 0.01);
	jgraph_evaluate(m.g);
	for (int i = 0; i < R * C; i++)
		if (((const float *)jnode_data(y))[i] != 1)
			sum = NAN;
	ok(!isnan(sum));
	gm_release(&m);
}

int
main(void)
{
	check_reference();
	check_dora();
	for (int dora = 0; dora < 2; dora++) {
		uint64_t one = bits(1, false, dora, 1);

		ok(one == bits(1, true, dora, 1));
		ok(one == bits(1, false, dora, 4));
		ok(one != bits(2, false, dora, 1));
	}
	check_evaluate(false);
	check_evaluate(true);
	check_random();
	return t_done();
}
