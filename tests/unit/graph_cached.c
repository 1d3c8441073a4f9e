/*
 * graph_cached.c - generation: a row has the same bits whether it is decoded alone, with other
 * sequences, inside a prefill, on more threads, or computed by the training graph; and it agrees
 * with the double reference.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph/ref.h"
#include "graph_model.h"
#include "tensor/jkern.h"

enum { T = 150, H = 6, K = 2, D = 10, C = 28, SLOTS = 3, CAP = 160 };

struct layer {
	struct jparam wq, wk, wv, wo;
	float inv_freq[D / 2];
};

struct gen {
	struct jgraph *g;
	struct jnode *x, *pos, *slot, *out;
};

static void
init_weight(struct jparam *p, int64_t rows, int64_t cols, uint64_t key)
{
	struct jrand r;

	memset(p, 0, sizeof(*p));
	p->n_dims = 2;
	p->shape[0] = rows;
	p->shape[1] = cols;
	p->value = jmem_alloc((size_t)(rows * cols), sizeof(float));
	jrand_init(&r, 11, key);
	for (int64_t i = 0; i < rows * cols; i++)
		p->value[i] = (float)jrand_normal(&r) * 0.3f;
}

static void
init_layer(struct layer *l)
{
	init_weight(&l->wq, H * D, C, 1);
	init_weight(&l->wk, K * D, C, 2);
	init_weight(&l->wv, K * D, C, 3);
	init_weight(&l->wo, C, H * D, 4);
	for (int i = 0; i < D / 2; i++)
		l->inv_freq[i] = (float)pow(100, -2.0 * i / D);
}

static void
release_layer(struct layer *l)
{
	jmem_free(l->wq.value);
	jmem_free(l->wk.value);
	jmem_free(l->wv.value);
	jmem_free(l->wo.value);
}

/* One attention layer over R rows; cache NULL: the training operation. */
static void
record(struct gen *n, struct layer *l, int R, int window, struct jkv_cache *cache,
	struct jpar *pool)
{
	const struct jgraph_plan_opts opts = { .training = false };
	struct jattn a = { 1, R, H, K, D, 0.35f, window };
	struct jrope rope = { D, l->inv_freq, 1 };
	struct jnode *q, *k, *v;
	struct jerr e = { 0 };

	n->g = jgraph_new(pool);
	n->x = jg_input_f32(n->g, "x", 2, (int64_t[]){ R, C });
	n->pos = jg_input_i32(n->g, "pos", R);
	n->slot = jg_input_i32(n->g, "slot", R);
	q = jg_rope(n->g, jg_linear(n->g, n->x, &l->wq, NULL), n->pos, &rope);
	k = jg_rope(n->g, jg_linear(n->g, n->x, &l->wk, NULL), n->pos, &rope);
	v = jg_linear(n->g, n->x, &l->wv, NULL);
	if (cache)
		q = jg_attention_cached(n->g, q, k, v, n->slot, n->pos, &a, cache);
	else
		q = jg_attention(n->g, q, k, v, NULL, &a);
	n->out = jg_linear(n->g, q, &l->wo, NULL);
	if (jgraph_plan(n->g, &opts, NULL, &e) < 0)
		ok(0);
}

/* Row r of the graph is position pos of sequence slot, whose inputs are a function of both. */
static void
set_row(struct gen *n, int r, int slot, int pos)
{
	float *x = (float *)jnode_data(n->x) + r * C;
	struct jrand rand;

	jrand_init(&rand, (uint64_t)slot, (uint64_t)pos);
	for (int i = 0; i < C; i++)
		x[i] = (float)jrand_normal(&rand);
	((int32_t *)jnode_data(n->pos))[r] = pos;
	((int32_t *)jnode_data(n->slot))[r] = slot;
}

static const float *
row(const struct gen *n, int r)
{
	return (const float *)jnode_data(n->out) + r * C;
}

static void
new_cache(struct jkv_cache *c)
{
	c->slots = SLOTS;
	c->capacity = CAP;
	c->k = jmem_zalloc(SLOTS * CAP * K * D, sizeof(float));
	c->v = jmem_zalloc(SLOTS * CAP * K * D, sizeof(float));
}

static void
free_cache(struct jkv_cache *c)
{
	jmem_free(c->k);
	jmem_free(c->v);
}

/* want [T, C]: sequence 1 through the training operation. */
static void
train_rows(struct layer *l, int window, float *want)
{
	struct gen n;

	record(&n, l, T, window, NULL, NULL);
	for (int t = 0; t < T; t++)
		set_row(&n, t, 1, t);
	jgraph_forward(n.g);
	memcpy(want, jnode_data(n.out), T * C * sizeof(*want));
	jgraph_free(n.g);
}

/*
 * Some rows of a prompt at once, then rows with other sequences' rows between, then one by one.
 */
static int
decode_rows(struct layer *l, int window, struct jpar *pool, const float *want)
{
	struct jkv_cache cache;
	struct gen pre, one;
	int same = 1, t = 75;

	new_cache(&cache);
	record(&pre, l, t, window, &cache, pool);
	record(&one, l, 1, window, &cache, pool);
	for (int i = 0; i < t; i++)
		set_row(&pre, i, 1, i);
	jgraph_forward(pre.g);
	same &= !memcmp(row(&pre, 0), want, (size_t)(t * C) * sizeof(*want));
	for (int i = 0; i < 75; i++)
		set_row(&pre, i, i % 3, i % 3 == 1 ? t + i / 3 : i / 3);
	jgraph_forward(pre.g);
	for (int i = 1; i < 75; i += 3)
		same &= !memcmp(row(&pre, i), want + (t + i / 3) * C, C * sizeof(*want));
	t += 25;
	for (; t < T; t++) {
		set_row(&one, 0, 1, t);
		jgraph_forward(one.g);
		same &= !memcmp(row(&one, 0), want + t * C, C * sizeof(*want));
	}
	jgraph_free(pre.g);
	jgraph_free(one.g);
	free_cache(&cache);
	return same;
}

static void
check_bits(struct layer *l, int window)
{
	float *want = jmem_alloc(T * C, sizeof(*want));
	struct jpar *pool = jpar_new(3);

	train_rows(l, window, want);
	ok(decode_rows(l, window, NULL, want));
	ok(decode_rows(l, window, pool, want));
	jpar_free(pool);
	jmem_free(want);
}

static void
check_reference(struct layer *l, int window)
{
	struct jkv_cache cache;
	struct gen pre, one;
	struct jref_graph *r;
	double worst = 0;

	new_cache(&cache);
	record(&pre, l, 100, window, &cache, NULL);
	record(&one, l, 2, window, &cache, NULL);
	for (int t = 0; t < 100; t++)
		set_row(&pre, t, 1, t);
	jgraph_forward(pre.g);
	set_row(&one, 0, 1, 100);
	set_row(&one, 1, 1, 101);
	jgraph_forward(one.g);
	r = jref_new(one.g);
	jref_forward(r);
	for (int i = 0; i < 2 * C; i++)
		worst = fmax(worst, fabs(jref_value(r, one.out)[i] - (double)row(&one, 0)[i]));
	near(worst, 0, 1e-5);
	jref_free(r);
	jgraph_free(pre.g);
	jgraph_free(one.g);
	free_cache(&cache);
}

int
main(void)
{
	struct layer l;

	init_layer(&l);
	for (const struct jkern *const *k = jkern_all(); *k; k++) {
		jsys_mask_features((*k)->features);
		printf("# %s\n", jkern_get()->name);
		check_bits(&l, 0);
		check_bits(&l, 50);
		check_reference(&l, 0);
		check_reference(&l, 70);
	}
	release_layer(&l);
	return t_done();
}
