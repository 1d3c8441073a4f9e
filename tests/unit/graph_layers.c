/*
 * graph_layers.c - the operations that only some architectures have: fp32 against the double
 * reference, and that one's gradients against finite differences.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph/jlayers.h"
#include "graph/jmoe.h"
#include "graph_check.h"
#include "tensor/jkern.h"

struct part {
	const char *name;
	struct jnode *(*record)(struct gm *m, struct jnode *x);
	float cap;			/* of the logits */
};

static struct jnode *
layernorm(struct gm *m, struct jnode *x)
{
	return jg_layernorm(m->g, x, gm_param(m, 0, m->s.C), gm_param(m, 0, m->s.C), 1e-5f);
}

static struct jnode *
rmsnorm_zero(struct gm *m, struct jnode *x)
{
	return jg_rmsnorm_zero(m->g, x, gm_param(m, 0, m->s.C), m->s.C, 1e-5f);
}

static struct jnode *
act(struct gm *m, struct jnode *x, enum jact a)
{
	struct jnode *h = jg_linear(m->g, x, gm_param(m, m->s.F, m->s.C), NULL);

	return jg_linear(m->g, jg_act(m->g, h, a), gm_param(m, m->s.C, m->s.F), NULL);
}

static struct jnode *
gelu(struct gm *m, struct jnode *x)
{
	return act(m, x, JACT_GELU);
}

static struct jnode *
gelu_tanh(struct gm *m, struct jnode *x)
{
	return act(m, x, JACT_GELU_TANH);
}

static struct jnode *
silu(struct gm *m, struct jnode *x)
{
	return act(m, x, JACT_SILU);
}

/* Both halves of one product, as a gate; one of them read twice. */
static struct jnode *
gated(struct gm *m, struct jnode *x)
{
	struct jnode *h = jg_linear(m->g, x, gm_param(m, 2 * m->s.F, m->s.C), NULL);
	struct jnode *gate = jg_columns(m->g, h, 0, m->s.F), *up = jg_columns(m->g, h, m->s.F, m->s.F);

	h = jg_gated(m->g, gate, up, JACT_GELU_TANH);
	h = jg_add(m->g, h, jg_columns(m->g, h, 0, m->s.F));
	return jg_linear(m->g, h, gm_param(m, m->s.C, m->s.F), NULL);
}

static struct jnode *
scaled(struct gm *m, struct jnode *x)
{
	return jg_scale(m->g, jg_softcap(m->g, x, 0.7f), 1.7f);
}

static struct jnode *
plain(struct gm *m, struct jnode *x)
{
	return jg_linear(m->g, x, gm_param(m, m->s.C, m->s.C), NULL);
}

static struct jnode *
attend(struct gm *m, struct jnode *x, struct jattn a)
{
	const struct gm_shape *s = &m->s;
	struct jnode *q, *k, *v;

	a.B = s->B;
	a.T = s->T;
	a.H = s->H;
	a.K = s->K;
	a.d = s->d;
	a.scale = 0.8f;
	q = jg_linear(m->g, x, gm_param(m, s->H * s->d, s->C), NULL);
	k = jg_linear(m->g, x, gm_param(m, s->K * s->d, s->C), NULL);
	v = jg_linear(m->g, x, gm_param(m, s->K * s->d, s->C), NULL);
	q = jg_attention(m->g, q, k, v, m->seg, &a);
	return jg_linear(m->g, q, gm_param(m, s->C, s->H * s->d), NULL);
}

static struct jnode *
capped_attention(struct gm *m, struct jnode *x)
{
	return attend(m, x, (struct jattn){ .softcap = 1.5f, .window = m->s.window });
}

static struct jnode *
both_ways(struct gm *m, struct jnode *x)
{
	return attend(m, x, (struct jattn){ .both_ways = true });
}

static struct jnode *
partial_rope(struct gm *m, struct jnode *x)
{
	static const float freq[2] = { 1, 0.3f };
	const struct jrope r = { .head_dim = m->s.d, .inv_freq = freq, .scale = 1.2f, .dim = 4 };
	struct jnode *q = jg_linear(m->g, x, gm_param(m, m->s.H * m->s.d, m->s.C), NULL);

	q = jg_rope(m->g, q, m->pos, &r);
	return jg_linear(m->g, q, gm_param(m, m->s.C, m->s.H * m->s.d), NULL);
}

/* Sequences pooled, and added to all of their rows by an embedding of their numbers. */
static struct jnode *
pooled(struct gm *m, struct jnode *x)
{
	struct jnode *mean = jg_pool(m->g, x, m->seg, m->s.B, false);
	struct jnode *first = jg_pool(m->g, x, m->seg, m->s.B, true);
	struct jnode *rows = jg_rows(m->g, jg_add(m->g, mean, first), m->pos);

	return jg_add(m->g, x, rows);
}

static struct jnode *
experts(struct gm *m, struct jnode *x, struct jmoe_opts o)
{
	struct jmoe *moe;
	struct jnode *route, *in, *gate, *up;

	o.experts = 5;
	o.used = 2;
	moe = jg_moe(m->g, m->targets, &o);
	route = jg_moe_route(m->g, jg_linear(m->g, x, gm_param(m, 5, m->s.C), NULL), moe);
	in = jg_moe_spread(m->g, x, route);
	gate = jg_moe_linear(m->g, in, gm_param(m, 5 * m->s.F, m->s.C), route);
	up = jg_moe_linear(m->g, in, gm_param(m, 5 * m->s.F, m->s.C), route);
	in = jg_moe_linear(m->g, jg_swiglu(m->g, gate, up), gm_param(m, 5 * m->s.C, m->s.F), route);
	return jg_add(m->g, x, jg_moe_combine(m->g, in, route));
}

static struct jnode *
experts_plain(struct gm *m, struct jnode *x)
{
	return experts(m, x, (struct jmoe_opts){ 0 });
}

static struct jnode *
experts_normalised(struct gm *m, struct jnode *x)
{
	return experts(m, x, (struct jmoe_opts){ .normalise = true });
}

static struct jnode *
experts_balanced(struct gm *m, struct jnode *x)
{
	return experts(m, x, (struct jmoe_opts){ .normalise = true, .aux = 0.3f, .z = 0.2f });
}

/* The router's losses of experts_balanced, by their definition. */
static double
router_losses(struct jref_graph *r, const struct gm *m)
{
	const struct jnode *logits = NULL, *plan = NULL;
	int64_t R = m->s.B * m->s.T, targets = 0;
	double mean[5] = { 0 }, f[5] = { 0 }, z = 0, aux = 0;

	for (size_t i = 0; i < m->g->n_nodes; i++) {
		if (strcmp(m->g->nodes[i]->op->name, "moe_plan") == 0) {
			plan = m->g->nodes[i];
			logits = plan->in[0];
		}
	}
	for (int64_t i = 0; i < R; i++) {
		const double *l = jref_value(r, logits) + i * 5;
		double sum = 0;

		for (int e = 0; e < 5; e++)
			sum += exp(l[e]);
		for (int e = 0; e < 5; e++)
			mean[e] += exp(l[e]) / sum / (double)R;
		z += log(sum) * log(sum) / (double)R;
		for (int j = 0; j < 2; j++)
			f[((const int32_t *)plan->data)[2 * i + j]] += 1 / (double)R;
		targets += ((const int32_t *)jnode_data(m->targets))[i] >= 0;
	}
	for (int e = 0; e < 5; e++)
		aux += 5 * mean[e] * f[e];
	return ((double)0.3f * aux + (double)0.2f * z) * (double)targets;
}

static const struct part parts[] = {
	{ "layernorm", layernorm, 0 }, { "rmsnorm 1 + w", rmsnorm_zero, 0 }, { "gelu", gelu, 0 },
	{ "gelu, tanh", gelu_tanh, 0 }, { "silu", silu, 0 }, { "columns, gate", gated, 0 },
	{ "scale, softcap", scaled, 0 }, { "capped logits", plain, 1.5f },
	{ "capped scores", capped_attention, 0 }, { "both ways", both_ways, 0 },
	{ "partial rotation", partial_rope, 0 }, { "pool", pooled, 0 },
	{ "experts", experts_plain, 0 }, { "experts, normalised", experts_normalised, 0 },
	{ "experts, balanced", experts_balanced, 0 }
};

static void
record(struct gm *m, const struct gm_shape *s, const struct part *p, struct jpar *pool)
{
	int64_t R = s->B * s->T;
	struct jparam *table;
	struct jnode *x;

	memset(m, 0, sizeof(*m));
	m->s = *s;
	m->g = jgraph_new(pool);
	m->ids = jg_input_i32(m->g, "ids", R);
	m->pos = jg_input_i32(m->g, "pos", R);
	m->seg = jg_input_i32(m->g, "seg", R);
	m->targets = jg_input_i32(m->g, "targets", R);
	table = gm_param(m, s->V, s->C);
	x = jg_embed(m->g, m->ids, table);
	jgraph_segment_begin(m->g);
	x = jg_add(m->g, x, p->record(m, x));
	jgraph_segment_end(m->g);
	m->nll = jg_linear_ce(m->g, x, table, m->targets, 0);
	if (p->cap > 0)
		jg_cap_logits(m->nll, p->cap);
	jnode_keep(m->nll);
}

static void
fill(struct gm *m, const struct part *p)
{
	gm_fill(m, 3);
	if (p->record != pooled)
		return;
	for (int i = 0; i < m->s.B * m->s.T; i++) {	/* pos names sequences; the last rows pad */
		((int32_t *)jnode_data(m->pos))[i] = i / m->s.T;
		((int32_t *)jnode_data(m->seg))[i] = i % m->s.T < m->s.T - 2 ? 0 : -1;
	}
}

/* The same bits with any number of threads, recomputing or not. */
static void
check_bits(const struct gm_shape *s, const struct part *p)
{
	uint64_t bits[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		const struct jgraph_plan_opts opts = { .training = true, .recompute = i == 2 };
		struct jpar *pool = i == 1 ? jpar_new(3) : NULL;
		struct jerr e = { 0 };
		struct gm m;

		record(&m, s, p, pool);
		ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
		fill(&m, p);
		jgraph_set_loss_scale(m.g, 0.01f);
		jgraph_forward(m.g);
		jgraph_backward(m.g);
		bits[i] = gm_bits(&m);
		gm_release(&m);
		jpar_free(pool);
	}
	ok(bits[0] == bits[1] && bits[0] == bits[2]);
}

static void
check(const struct gm_shape *s, const struct part *p, bool recompute, bool differences)
{
	const struct jgraph_plan_opts opts = { .training = true, .recompute = recompute };
	struct jref_graph *r;
	struct jerr e = { 0 };
	double scale = 0.01;
	struct gm m;

	record(&m, s, p, NULL);
	ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
	fill(&m, p);
	jgraph_set_loss_scale(m.g, (float)scale);
	jgraph_forward(m.g);		/* experts are chosen here, for the reference too */
	r = jref_new(m.g);
	jref_forward(r);
	jref_backward(r, scale);
	gm_check_fp32(&m, r, scale);
	if (differences)
		gm_check_differences(&m, r, scale,
			p->record == experts_balanced ? router_losses : NULL);
	jref_free(r);
	gm_release(&m);
}

int
main(void)
{
	const struct gm_shape small = { .B = 2, .T = 7, .C = 12, .H = 4, .K = 2, .d = 6, .F = 10,
		.V = 23, .window = 3, .seg = true };
	const struct gm_shape large = { .B = 1, .T = 70, .C = 20, .H = 2, .K = 1, .d = 10, .F = 17,
		.V = 520, .window = 37, .seg = true };
	const struct jkern *const *k;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		printf("# %s\n", parts[i].name);
		check(&small, &parts[i], false, true);
		for (k = jkern_all(); *k; k++) {
			jsys_mask_features((*k)->features);
			check(&large, &parts[i], k == jkern_all(), false);
		}
		jsys_mask_features(~0u);
		check_bits(&large, &parts[i]);
	}
	return t_done();
}
