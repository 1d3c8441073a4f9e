/*
 * graph_cached.c - generation: a row has the same bits whether it is decoded alone, with other
 * sequences, inside a prefill, on more threads, or computed by the training graph; and it agrees
 * with the double reference, whatever type the cache has; and rows get into a page and out of it.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph/kv.h"
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
new_cache(struct jkv_cache *c, enum jdtype k, enum jdtype v)
{
	memset(c, 0, sizeof(*c));
	c->slots = SLOTS;
	c->capacity = CAP;
	c->k_type = k;
	c->v_type = v;
	c->k = jmem_zalloc((size_t)(SLOTS * jkv_pages(CAP)), jkv_page_bytes(k, K, D));
	c->v = jmem_zalloc((size_t)(SLOTS * jkv_pages(CAP)), jkv_page_bytes(v, K, D));
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

struct kind {
	enum jdtype k, v;
	double far;		/* from the reference at most */
};
static const struct kind kinds[] = {
	{ JDT_F32, JDT_F32, 1e-5 }, { JDT_F16, JDT_F16, 2e-3 }, { JDT_Q8_0, JDT_Q8_0, 5e-2 },
	{ JDT_F16, JDT_Q8_0, 5e-2 }
};

/* The same by a cache of that kind, one row after the other. */
static void
single_rows(struct layer *l, const struct kind *kind, int window, float *want)
{
	struct jkv_cache cache;
	struct gen one;

	new_cache(&cache, kind->k, kind->v);
	record(&one, l, 1, window, &cache, NULL);
	for (int t = 0; t < T; t++) {
		set_row(&one, 0, 1, t);
		jgraph_forward(one.g);
		memcpy(want + t * C, row(&one, 0), C * sizeof(*want));
	}
	jgraph_free(one.g);
	free_cache(&cache);
}

/*
 * Some rows of a prompt at once, then rows with other sequences' rows between, then one by one.
 */
static int
decode_rows(struct layer *l, const struct kind *kind, int window, struct jpar *pool,
	const float *want)
{
	struct jkv_cache cache;
	struct gen pre, one;
	int same = 1, t = 75;

	new_cache(&cache, kind->k, kind->v);
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
check_bits(struct layer *l, const struct kind *kind, int window)
{
	float *want = jmem_alloc(T * C, sizeof(*want));
	struct jpar *pool = jpar_new(3);

	if (kind->k == JDT_F32)
		train_rows(l, window, want);
	else
		single_rows(l, kind, window, want);
	ok(decode_rows(l, kind, window, NULL, want));
	ok(decode_rows(l, kind, window, pool, want));
	jpar_free(pool);
	jmem_free(want);
}

static void
check_reference(struct layer *l, const struct kind *kind, int window)
{
	struct jkv_cache cache;
	struct gen pre, one;
	struct jref_graph *r;
	double worst = 0;

	new_cache(&cache, kind->k, kind->v);
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
	near(worst, 0, kind->far);
	jref_free(r);
	jgraph_free(pre.g);
	jgraph_free(one.g);
	free_cache(&cache);
}

/* Out of a page as it went in; rounded again, the same. */
static void
pages(enum jdtype type, bool values)
{
	enum { HEADS = 3, WIDTH = 70 };
	static float in[5 * HEADS * WIDTH], work[KV_TILE_FLOATS(WIDTH)];
	static unsigned char a[5 * HEADS * WIDTH * 4], b[sizeof(a)];
	uint16_t sa[5 * HEADS * 3], sb[5 * HEADS * 3];
	size_t bytes = jkv_page_bytes(type, HEADS, WIDTH);
	struct jkv_rows r = { .type = type, .values = values, .heads = HEADS, .d = WIDTH,
		.first = 50, .n = 5 };
	const double step = type == JDT_F32 ? 0 : type == JDT_F16 ? 1.0 / 1024 : 1.0 / 220;
	double worst = 0;
	struct jrand rand;
	void *other;

	r.page = jmem_zalloc(1, bytes);
	eq_int(jkv_blocks(HEADS, WIDTH), 9);
	jrand_init(&rand, 3, values);
	for (int i = 0; i < 5 * HEADS * WIDTH; i++)
		in[i] = (float)(2 * jrand_double(&rand) - 1);
	memset(in + HEADS * WIDTH, 0, WIDTH * sizeof(*in));	/* blocks of zeros */
	jkv_put_f32(&r, in);
	for (int h = 0; h < HEADS; h++) {
		const float *tile = kv_tile(jkern_get(), &(struct jkv_rows){ .page = r.page,
			.type = type, .values = values, .heads = HEADS, .d = WIDTH, .n = JKV_PAGE }, h, work);

		for (int i = 0; i < 5 * WIDTH; i++) {
			int t = i / WIDTH, e = i % WIDTH;
			float got = values ? tile[(50 + t) * WIDTH + e] : tile[e * JKV_PAGE + 50 + t];

			worst = fmax(worst, fabs((double)(got - in[(t * HEADS + h) * WIDTH + e])));
		}
	}
	ok(worst <= step && (worst > 0 || type == JDT_F32));
	memset(sa, 0, sizeof(sa));
	memset(sb, 0, sizeof(sb));
	jkv_get(&r, a, sa);
	other = r.page;
	r.page = jmem_zalloc(1, bytes);
	jkv_put(&r, a, sa);
	ok(memcmp(r.page, other, bytes) == 0);
	jkv_get(&r, b, sb);
	ok(memcmp(a, b, sizeof(a)) == 0 && memcmp(sa, sb, sizeof(sa)) == 0);
	in[7] = NAN;
	jkv_put_f32(&r, in);	/* no crash, and nothing undefined */
	jmem_free(other);
	jmem_free(r.page);
}

int
main(void)
{
	struct layer l;

	init_layer(&l);
	for (const struct jkern *const *k = jkern_all(); *k; k++) {
		jsys_mask_features((*k)->features);
		printf("# %s\n", jkern_get()->name);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			check_bits(&l, &kinds[i], 0);
			check_bits(&l, &kinds[i], 50);
			check_reference(&l, &kinds[i], 0);
			check_reference(&l, &kinds[i], 70);
			pages(kinds[i].k, false);
			pages(kinds[i].v, true);
		}
	}
	release_layer(&l);
	return t_done();
}
