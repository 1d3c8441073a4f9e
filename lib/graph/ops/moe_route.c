/*
 * moe_route.c - the choice of experts, and the weights of the chosen ones with the router's losses.
 */
#include <math.h>
#include <string.h>

#include "graph/moe.h"
#include "graph/ops.h"
#include "graph/ref.h"

struct jmoe *
jg_moe(struct jgraph *g, struct jnode *targets, const struct jmoe_opts *o)
{
	struct jmoe *m = jarena_alloc(&g->arena, 1, sizeof(*m));

	if (o->experts < 1 || o->used < 1 || o->used > o->experts)
		jbug("moe: %d of %d experts", o->used, o->experts);
	m->o = *o;
	m->targets = targets;
	return m;
}

static struct moe_plan
view(const struct moe_layer *l)
{
	const struct jmoe_opts *o = &l->moe->o;
	const int32_t *v = l->plan->data;
	int64_t slots = l->rows * o->used;

	return (struct moe_plan){ v, v + slots, v + 2 * slots, v + 3 * slots, slots, o->experts,
		o->used };
}

const struct moe_layer *
moe_layer_of(const struct jnode *n)
{
	return *(struct moe_layer *const *)n->attr;
}

struct moe_plan
moe_plan_of(const struct jnode *n)
{
	return view(moe_layer_of(n));
}

/* --- the plan --- */
static void
choose_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct moe_layer *l = moe_layer_of(n);
	int64_t E = l->moe->o.experts, used = l->moe->o.used;

	(void)x;
	for (int64_t r = first; r < first + count; r++) {
		const float *v = (const float *)n->in[0]->data + r * E;
		int32_t *choice = (int32_t *)n->data + r * used;

		for (int64_t j = 0; j < used; j++) {
			int32_t best = -1;

			for (int32_t e = 0; e < E; e++) {
				bool taken = false;

				for (int64_t i = 0; i < j; i++)
					taken |= choice[i] == e;
				if (!taken && (best < 0 || v[e] > v[best]))
					best = e;
			}
			choice[j] = best;
		}
	}
}

/* By expert, then by row: a counting sort. */
static void
plan_forward(const struct jrun *x, struct jnode *n)
{
	const struct moe_layer *l = moe_layer_of(n);
	struct moe_plan p = view(l);
	int32_t *order = (int32_t *)n->data + p.slots, *place = order + p.slots;
	int32_t *start = place + p.slots;

	jrun_for_rows(x, n, l->rows, p.E * p.used, choose_rows);
	memset(start, 0, (size_t)(p.E + 1) * sizeof(*start));
	for (int64_t s = 0; s < p.slots; s++)
		start[p.choice[s] + 1]++;
	for (int64_t e = 0; e < p.E; e++)
		start[e + 1] += start[e];
	for (int64_t s = 0; s < p.slots; s++) {
		int32_t at = start[p.choice[s]]++;

		order[at] = (int32_t)s;
		place[s] = at;
	}
	for (int64_t e = p.E; e > 0; e--)	/* each moved on to the next one's first place */
		start[e] = start[e - 1];
	start[0] = 0;
}

const struct jop jop_moe_plan = {
	.name = "moe_plan", .flags = JOP_NO_BACK | JOP_ONCE, .forward = plan_forward
};

/* --- weights: saved are the probabilities [R, E], then log sum exp [R] --- */
static void
weight_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct moe_layer *l = moe_layer_of(n);
	struct moe_plan p = view(l);

	for (int64_t r = first; r < first + count; r++) {
		const float *v = (const float *)n->in[0]->data + r * p.E;
		float *w = (float *)n->data + r * p.used, top = x->k->max(v, p.E), sum, all = 0;

		sum = x->k->sum_exp(v, top, p.E);
		for (int64_t j = 0; j < p.used; j++) {
			w[j] = expf(v[p.choice[r * p.used + j]] - top) / sum;
			all += w[j];
		}
		for (int64_t j = 0; l->moe->o.normalise && j < p.used; j++)
			w[j] /= all;
		if (!n->saved)
			continue;
		x->k->exp_scale(n->saved + r * p.E, v, top, 1 / sum, p.E);
		n->saved[l->rows * p.E + r] = top + logf(sum);
	}
}

static void
route_forward(const struct jrun *x, struct jnode *n)
{
	struct moe_layer *l = *(struct moe_layer *const *)n->attr;
	int64_t E = l->moe->o.experts;

	jrun_for_rows(x, n, l->rows, E * 8, weight_rows);
	if (!n->saved)
		return;
	memset(l->mean, 0, (size_t)E * sizeof(*l->mean));
	l->z = 0;
	for (int64_t r = 0; r < l->rows; r++) {
		double lse = (double)n->saved[l->rows * E + r];

		x->k->add(l->mean, l->mean, n->saved + r * E, E);
		l->z += lse * lse;
	}
}

/* Rows of all layers that have experts. */
static int64_t
all_rows(const struct jmoe *m)
{
	int64_t rows = 0;

	for (const struct moe_layer *l = m->layers; l; l = l->next)
		rows += l->rows;
	return rows;
}

static int64_t
chosen(const struct jmoe *m, int64_t e)
{
	int64_t n = 0;

	for (const struct moe_layer *l = m->layers; l; l = l->next) {
		struct moe_plan p = view(l);

		n += p.start[e + 1] - p.start[e];
	}
	return n;
}

/* What the losses are multiplied with: the share of this graph in the mean over all targets. */
static float
loss_share(const struct jmoe *m, float scale)
{
	const int32_t *t = m->targets ? m->targets->data : NULL;
	int64_t n = 0;

	for (int64_t i = 0; t && i < jnode_count(m->targets); i++)
		n += t[i] >= 0;
	return scale * (float)n;
}

/* The balance loss's part of the gradient of each probability. */
static void
aux_gradients(const struct jmoe *m, float scale, float *g)
{
	double rows = (double)all_rows(m), c = (double)m->o.aux * (double)loss_share(m, scale);

	for (int64_t e = 0; e < m->o.experts; e++)
		g[e] = (float)(c * m->o.experts * (double)chosen(m, e) / rows / rows);
}

/* Gradient of the probabilities of row r, into g [E]; aux is what each has from the balance loss. */
static void
probability_gradient(const struct jnode *n, int64_t r, const float *aux, float *g)
{
	const struct moe_layer *l = moe_layer_of(n);
	struct moe_plan p = view(l);
	const int32_t *choice = p.choice + r * p.used;
	const float *prob = n->saved + r * p.E, *dw = n->grad + r * p.used;
	float sum = 0, mean = 0;

	memcpy(g, aux, (size_t)p.E * sizeof(*g));
	for (int64_t j = 0; j < p.used; j++) {
		sum += prob[choice[j]];
		mean += dw[j] * prob[choice[j]];
	}
	mean /= sum;
	for (int64_t j = 0; j < p.used; j++)
		g[choice[j]] += l->moe->o.normalise ? (dw[j] - mean) / sum : dw[j];
}

static void
backward_rows(const struct jrun *x, struct jnode *n, int64_t first, int64_t count)
{
	const struct moe_layer *l = moe_layer_of(n);
	const struct jmoe *m = l->moe;
	int64_t E = m->o.experts;
	const float *aux = x->work, z = x->work[E];

	for (int64_t r = first; r < first + count; r++) {
		const float *prob = n->saved + r * E;
		float *g = x->work + E + 1 + r * E, mean = 0, *to = n->in[0]->grad + r * E;
		float push = z * n->saved[l->rows * E + r];

		probability_gradient(n, r, aux, g);
		for (int64_t e = 0; e < E; e++)
			mean += g[e] * prob[e];
		for (int64_t e = 0; e < E; e++) {
			float d = prob[e] * (g[e] - mean + push);

			to[e] = n->add[0] ? to[e] + d : d;
		}
	}
}

static void
route_backward(const struct jrun *x, struct jnode *n)
{
	const struct moe_layer *l = moe_layer_of(n);
	const struct jmoe *m = l->moe;

	if (!n->in[0]->grad)
		return;
	aux_gradients(m, x->loss_scale, x->work);
	x->work[m->o.experts] = 2 * m->o.z * loss_share(m, x->loss_scale) / (float)all_rows(m);
	jrun_for_rows(x, n, l->rows, m->o.experts * 8, backward_rows);
}

static uint64_t
route_saved(const struct jnode *n)
{
	const struct moe_layer *l = moe_layer_of(n);

	return (uint64_t)l->rows * (uint64_t)(l->moe->o.experts + 1) * sizeof(float);
}

static size_t
route_work(const struct jrun *x, const struct jnode *n)
{
	const struct moe_layer *l = moe_layer_of(n);

	return x->training ? (size_t)((l->rows + 1) * l->moe->o.experts + 1) : 0;
}

/* --- reference --- */
static double
softmax_ref(const struct jref *r, int64_t row, double *p)
{
	const struct moe_layer *l = moe_layer_of(r->n);
	int64_t E = l->moe->o.experts;
	double top = -INFINITY, sum = 0;

	for (int64_t e = 0; e < E; e++)
		top = r->in[0][row * E + e] > top ? r->in[0][row * E + e] : top;
	for (int64_t e = 0; e < E; e++)
		sum += p[e] = exp(r->in[0][row * E + e] - top);
	for (int64_t e = 0; e < E; e++)
		p[e] /= sum;
	return top + log(sum);
}

static void
route_forward_ref(const struct jref *r)
{
	const struct moe_layer *l = moe_layer_of(r->n);
	int64_t used = l->moe->o.used;
	double *p = jmem_alloc((size_t)l->moe->o.experts, sizeof(*p));

	for (int64_t row = 0; row < l->rows; row++) {
		double all = 0;

		softmax_ref(r, row, p);
		for (int64_t j = 0; j < used; j++)
			all += r->out[row * used + j] = p[r->ids[1][row * used + j]];
		for (int64_t j = 0; l->moe->o.normalise && j < used; j++)
			r->out[row * used + j] /= all;
	}
	jmem_free(p);
}

static void
route_backward_ref(const struct jref *r)
{
	const struct moe_layer *l = moe_layer_of(r->n);
	const struct jmoe *m = l->moe;
	int64_t E = m->o.experts, used = m->o.used;
	double *p = jmem_alloc((size_t)E * 2, sizeof(*p)), *g = p + E;
	double share = (double)loss_share(m, (float)r->scale), rows = (double)all_rows(m);

	for (int64_t row = 0; row < l->rows; row++) {
		const int32_t *choice = r->ids[1] + row * used;
		const double *dw = r->dout + row * used, *w = r->out + row * used;
		double lse = softmax_ref(r, row, p), mean = 0, along = 0, sum = 0;

		for (int64_t e = 0; e < E; e++)
			g[e] = (double)m->o.aux * share * (double)E * (double)chosen(m, e) / rows / rows;
		for (int64_t j = 0; j < used; j++) {
			along += dw[j] * w[j];
			sum += p[choice[j]];
		}
		for (int64_t j = 0; j < used; j++)
			g[choice[j]] += m->o.normalise ? (dw[j] - along) / sum : dw[j];
		for (int64_t e = 0; e < E; e++)
			mean += g[e] * p[e];
		for (int64_t e = 0; e < E; e++)
			r->din[0][row * E + e] += p[e] * (g[e] - mean
				+ 2 * (double)m->o.z * share * lse / rows);
	}
	jmem_free(p);
}

const struct jop jop_moe_route = {
	.name = "moe_route", .forward = route_forward, .backward = route_backward,
	.saved = route_saved, .work = route_work,
	.forward_ref = route_forward_ref, .backward_ref = route_backward_ref
};

struct jnode *
jg_moe_route(struct jgraph *g, struct jnode *logits, struct jmoe *m)
{
	struct moe_layer *l = jarena_alloc(&g->arena, 1, sizeof(*l));
	struct jnode *plan = jnode_new(g, &jop_moe_plan, NULL), *n;
	struct moe_layer **attr;

	if (jnode_cols(logits) != m->o.experts || jnode_rows(logits) * m->o.used > INT32_MAX / 4)
		jbug("moe_route: %lld logits for %d experts", (long long)jnode_cols(logits),
			m->o.experts);
	l->moe = m;
	l->plan = plan;
	l->rows = jnode_rows(logits);
	l->mean = jarena_alloc(&g->arena, (size_t)m->o.experts, sizeof(*l->mean));
	l->next = m->layers;
	m->layers = l;
	m->n_layers++;
	attr = jnode_attr(plan, sizeof(*attr));
	*attr = l;
	plan->dtype = JDT_I32;
	plan->keep = true;
	plan->n_dims = 1;
	plan->shape[0] = 3 * l->rows * m->o.used + m->o.experts + 1;
	jnode_input(plan, logits);
	n = jnode_new(g, &jop_moe_route, logits);
	attr = jnode_attr(n, sizeof(*attr));
	*attr = l;
	jnode_input(n, logits);
	jnode_input(n, plan);
	n->shape[n->n_dims - 1] = m->o.used;
	return n;
}

/* --- figures --- */
static double
busiest(const struct moe_layer *l, int64_t *idle)
{
	struct moe_plan p = view(l);
	int64_t top = 0;

	for (int64_t e = 0; e < p.E; e++) {
		int64_t n = p.start[e + 1] - p.start[e];

		top = n > top ? n : top;
		*idle += n == 0;
	}
	return (double)top * (double)p.E / (double)p.slots;
}

void
jmoe_load(const struct jmoe *m, struct jmoe_load *load)
{
	double rows = (double)all_rows(m);
	int64_t idle = 0;

	memset(load, 0, sizeof(*load));
	for (const struct moe_layer *l = m->layers; l; l = l->next) {
		load->busiest = fmax(load->busiest, busiest(l, &idle));
		load->z += l->z / rows;
	}
	for (int64_t e = 0; e < m->o.experts; e++) {
		double mean = 0;

		for (const struct moe_layer *l = m->layers; l; l = l->next)
			mean += (double)l->mean[e] / rows;
		load->aux += m->o.experts * mean * (double)chosen(m, e) / rows;
	}
	load->idle = (double)idle / (double)(m->n_layers * m->o.experts);
}
