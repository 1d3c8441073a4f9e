/*
 * graph_attention.c - attention alone, for many shapes of heads and ways to see, on every feature set:
 * against the double reference, and in the bits of the operation that generates.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph/jkv.h"
#include "graph_check.h"
#include "tensor/jkern.h"

enum sight { ALL, PIECES, PADDED, SCATTERED };

struct shape {
	int B, T, H, K, d, window;
	float cap;
	bool both_ways;
	enum sight sight;
};

static void
fill_segments(struct gm *m, enum sight sight)
{
	for (int i = 0; i < m->s.B * m->s.T; i++) {
		int t = i % m->s.T, piece = t / (m->s.T / 4 + 1);

		((int32_t *)jnode_data(m->seg))[i] = sight == SCATTERED ? t * 7 % 3
			: sight == PADDED && t > m->s.T - 4 ? -1 : piece;
	}
}

static void
record(struct gm *m, const struct shape *s, struct jkv_cache *cache)
{
	struct jattn a = { s->B, s->T, s->H, s->K, s->d, 0.4f, s->window, s->cap, s->both_ways };
	int64_t R = (int64_t)s->B * s->T, qw = (int64_t)s->H * s->d, kw = (int64_t)s->K * s->d;
	struct jparam *table;
	struct jnode *x, *q, *k, *v;

	memset(m, 0, sizeof(*m));
	m->s = (struct gm_shape){ .B = s->B, .T = s->T, .C = 12, .V = 40, .seg = true };
	m->g = jgraph_new(NULL);
	m->ids = jg_input_i32(m->g, "ids", R);
	m->pos = jg_input_i32(m->g, "pos", R);
	m->seg = jg_input_i32(m->g, "seg", R);
	m->targets = jg_input_i32(m->g, "targets", R);
	table = gm_param(m, m->s.V, m->s.C);
	x = jg_embed(m->g, m->ids, table);
	q = jg_linear(m->g, x, gm_param(m, qw, m->s.C), NULL);
	k = jg_linear(m->g, x, gm_param(m, kw, m->s.C), NULL);
	v = jg_linear(m->g, x, gm_param(m, kw, m->s.C), NULL);
	q = cache ? jg_attention_cached(m->g, q, k, v, m->seg, m->pos, &a, cache)
		: jg_attention(m->g, q, k, v, s->sight == ALL ? NULL : m->seg, &a);
	x = jg_linear(m->g, q, gm_param(m, m->s.C, qw), NULL);
	m->nll = jg_linear_ce(m->g, x, table, m->targets, 0);
	jnode_keep(m->nll);
}

static void
check_reference(const struct shape *s)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jref_graph *r;
	struct jerr e = { 0 };
	struct gm m;

	record(&m, s, NULL);
	ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
	gm_fill(&m, 3);
	fill_segments(&m, s->sight);
	r = jref_new(m.g);
	jref_forward(r);
	jref_backward(r, 0.01);
	gm_check_fp32(&m, r, 0.01);
	jref_free(r);
	gm_release(&m);
}

/* One sequence: what is generated are the bits of what is trained. */
static void
check_generated(const struct shape *s)
{
	const struct jgraph_plan_opts opts = { .training = false };
	size_t size = jkv_page_bytes(JDT_F32, s->K, s->d);
	struct jkv_cache cache = { .slots = 1, .capacity = s->T, .k_type = JDT_F32,
		.v_type = JDT_F32 };
	struct jerr e = { 0 };
	struct gm a, b;

	cache.k = jmem_zalloc((size_t)jkv_pages(s->T), size);
	cache.v = jmem_zalloc((size_t)jkv_pages(s->T), size);
	record(&a, s, NULL);
	record(&b, s, &cache);
	ok(jgraph_plan(a.g, &opts, NULL, &e) == 0 && jgraph_plan(b.g, &opts, NULL, &e) == 0);
	gm_fill(&a, 5);
	gm_fill(&b, 5);
	for (int i = 0; i < s->T; i++) {
		((int32_t *)jnode_data(b.pos))[i] = i;
		((int32_t *)jnode_data(b.seg))[i] = 0;	/* the slot */
	}
	jgraph_forward(a.g);
	jgraph_forward(b.g);
	ok(memcmp(jnode_data(a.nll), jnode_data(b.nll), (size_t)s->T * sizeof(float)) == 0);
	gm_release(&a);
	gm_release(&b);
	jmem_free(cache.k);
	jmem_free(cache.v);
}

static const struct shape shapes[] = {
	{ .B = 2, .T = 1, .H = 2, .K = 1, .d = 8 },
	{ .B = 2, .T = 9, .H = 4, .K = 2, .d = 8 },
	{ .B = 1, .T = 130, .H = 2, .K = 1, .d = 8 },
	{ .B = 1, .T = 64, .H = 1, .K = 1, .d = 5 },
	{ .B = 1, .T = 65, .H = 2, .K = 2, .d = 24, .window = 20 },
	{ .B = 1, .T = 80, .H = 2, .K = 2, .d = 48, .cap = 0.7f },
	{ .B = 1, .T = 100, .H = 1, .K = 1, .d = 64 },
	{ .B = 1, .T = 20, .H = 1, .K = 1, .d = 330 },
	{ .B = 1, .T = 150, .H = 1, .K = 1, .d = 130 },
	{ .B = 2, .T = 90, .H = 2, .K = 1, .d = 16, .sight = PIECES },
	{ .B = 2, .T = 90, .H = 2, .K = 1, .d = 16, .sight = PADDED, .window = 9 },
	{ .B = 1, .T = 70, .H = 2, .K = 1, .d = 16, .sight = SCATTERED },
	{ .B = 1, .T = 70, .H = 2, .K = 1, .d = 8, .sight = PADDED, .both_ways = true },
	{ .B = 1, .T = 70, .H = 2, .K = 1, .d = 8, .sight = SCATTERED, .both_ways = true, .cap = 2 },
};

int
main(void)
{
	for (const struct jkern *const *k = jkern_all(); *k; k++) {
		jsys_mask_features((*k)->features);
		printf("# %s\n", jkern_get()->name);
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
			check_reference(&shapes[i]);
			if (shapes[i].B == 1 && shapes[i].sight == ALL)
				check_generated(&shapes[i]);
		}
	}
	return t_done();
}
