/*
 * graph_frozen.c - frozen weights in a file's form: a graph over them gives the bits that it gives
 * over their decoded values, forward and backward, in training and alone.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph_model.h"
#include "tensor/jkern.h"
#include "tensor/jquant.h"

enum { C = 256, O = 272, V = 530, R = 70 };

struct net {
	struct jgraph *g;
	struct jparam table, w, trained;
	struct jnode *ids, *targets, *nll, *y;
};

static void
random_values(float *p, int64_t n, uint64_t key)
{
	struct jrand r;

	jrand_init(&r, 11, key);
	for (int64_t i = 0; i < n; i++)
		p[i] = (float)(2 * jrand_double(&r) - 1) * 0.35f;
}

/* A [rows, cols] weight: stored as type, or decoded from that. */
static void
frozen(struct jparam *p, int64_t rows, int64_t cols, enum jdtype type, bool decoded)
{
	float *x = jmem_alloc((size_t)(rows * cols), sizeof(*x));
	void *stored = jmem_alloc(jten_bytes(type, rows * cols), 1);

	*p = (struct jparam){ .name = "w", .n_dims = 2, .shape = { rows, cols } };
	random_values(x, rows * cols, (uint64_t)rows);
	jten_from_f32(stored, type, x, rows * cols);
	if (decoded) {
		jten_to_f32(x, stored, type, rows * cols);
		p->value = x;
		jmem_free(stored);
	} else {
		jmem_free(x);
		p->dtype = type;
		p->data = stored;
	}
}

static void
make(struct net *m, enum jdtype type, bool decoded, struct jpar *pool)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jerr e = { 0 };
	struct jnode *x;

	frozen(&m->table, V, C, type, decoded);
	frozen(&m->w, O, C, type, decoded);
	m->trained = (struct jparam){ .name = "t", .n_dims = 2, .shape = { C, C } };
	m->trained.value = jmem_alloc(C * C, sizeof(float));
	m->trained.grad = jmem_zalloc(C * C, sizeof(float));
	random_values(m->trained.value, C * C, 3);
	m->g = jgraph_new(pool);
	m->ids = jg_input_i32(m->g, "ids", R);
	m->targets = jg_input_i32(m->g, "targets", R);
	x = jg_linear(m->g, jg_embed(m->g, m->ids, &m->table), &m->trained, NULL);
	m->y = jg_linear(m->g, x, &m->w, NULL);
	jnode_keep(m->y);
	m->nll = jg_linear_ce(m->g, x, &m->table, m->targets, 0);
	ok(jgraph_plan(m->g, &opts, NULL, &e) == 0);
}

static void
run(struct net *m)
{
	int32_t *ids = jnode_data(m->ids), *targets = jnode_data(m->targets);

	for (int i = 0; i < R; i++) {
		ids[i] = i * 37 % V;
		targets[i] = i * 91 % V;
	}
	jgraph_set_loss_scale(m->g, 1.0f / R);
	jgraph_forward(m->g);
	jgraph_backward(m->g);
}

static void
drop(struct net *m)
{
	jgraph_free(m->g);
	jmem_free(m->table.value);
	jmem_free(m->w.value);
	jmem_free((void *)(uintptr_t)m->table.data);
	jmem_free((void *)(uintptr_t)m->w.data);
	jmem_free(m->trained.value);
	jmem_free(m->trained.grad);
}

static void
check_type(enum jdtype type, struct jpar *pool)
{
	struct net a, b;

	make(&a, type, false, pool);
	make(&b, type, true, NULL);
	run(&a);
	run(&b);
	printf("# %s\n", jdtype_name(type));
	ok(memcmp(jnode_data(a.nll), jnode_data(b.nll), R * sizeof(float)) == 0);
	ok(memcmp(jnode_data(a.y), jnode_data(b.y), (size_t)R * O * sizeof(float)) == 0);
	ok(memcmp(a.trained.grad, b.trained.grad, (size_t)C * C * sizeof(float)) == 0);
	drop(&a);
	drop(&b);
}

/* In generation a row has the same bits alone and among others, near the product of its values. */
static void
check_generation(enum jdtype type, struct jpar *pool)
{
	const struct jgraph_plan_opts opts = { .training = false };
	const int64_t rows[2] = { 33, 1 };
	struct jparam w;
	struct jerr e = { 0 };
	float *x = jmem_alloc(33 * C, sizeof(*x)), *y[2] = { NULL, NULL };
	struct jgraph *g[2];

	frozen(&w, O, C, type, false);
	random_values(x, 33 * C, 5);
	for (int i = 0; i < 2; i++) {
		struct jnode *in, *out;

		g[i] = jgraph_new(i ? NULL : pool);
		in = jg_input_f32(g[i], "x", 2, (int64_t[2]){ rows[i], C });
		out = jg_linear(g[i], in, &w, NULL);
		ok(jgraph_plan(g[i], &opts, NULL, &e) == 0);
		memcpy(jnode_data(in), x + (i ? 32 * C : 0), (size_t)(rows[i] * C) * sizeof(*x));
		jgraph_forward(g[i]);
		y[i] = jnode_data(out);
	}
	ok(w.packed != NULL);
	ok(memcmp(y[0] + 32 * O, y[1], O * sizeof(float)) == 0);
	jgraph_free(g[0]);
	jgraph_free(g[1]);
	jparam_unpack(&w);
	jmem_free((void *)(uintptr_t)w.data);
	jmem_free(x);
}

/* Products with B at every odd place: few rows and many, both forms. */
static void
check_product(enum jdtype type, enum jgemm_form form, int64_t M)
{
	const struct jkern *k = jkern_get();
	struct jgemm g = { .form = form, .M = M, .N = form == JGEMM_NT ? 90 : 150, .alpha = 1,
		.K = form == JGEMM_NT ? 512 : 90, .ldb = 512, .b_type = type };
	size_t work = jkern_gemm_work_of(k, &g);
	float *b = jmem_alloc(90 * 512, sizeof(*b)), *a, *c, *d, *w;
	void *stored = jmem_alloc(jten_bytes(type, 90 * 512), 1);

	g.lda = g.K;
	g.ldc = g.N;
	a = jmem_alloc((size_t)(M * g.K), sizeof(*a));
	c = jmem_alloc((size_t)(M * g.N), sizeof(*c));
	d = jmem_alloc((size_t)(M * g.N), sizeof(*d));
	w = jmem_alloc(work, sizeof(*w));
	random_values(a, M * g.K, 1);
	random_values(b, 90 * 512, 2);
	jten_from_f32(stored, type, b, 90 * 512);
	jten_to_f32(b, stored, type, 90 * 512);
	g.A = a;
	g.C = c;
	g.b_data = stored;
	g.b_col = form == JGEMM_NN ? 77 : 0;
	jkern_gemm(k, &g, w);
	g.b_type = JDT_F32;
	g.B = b + g.b_col;
	g.C = d;
	jkern_gemm(k, &g, w);
	ok(memcmp(c, d, (size_t)(M * g.N) * sizeof(*c)) == 0);
	jmem_free(a);
	jmem_free(b);
	jmem_free(c);
	jmem_free(d);
	jmem_free(w);
	jmem_free(stored);
}

int
main(void)
{
	static const enum jdtype types[] = { JDT_Q8_0, JDT_F16, JDT_BF16, JDT_Q4_0,
		JDT_Q4_K, JDT_Q6_K };
	const struct jkern *const *all = jkern_all(), *const *k = all;
	struct jpar *pool = jpar_new(3);

	for (; *k; k++) {
		unsigned features = 0;

		/* A machine that runs these kernels runs the lesser ones as well. */
		for (const struct jkern *const *lesser = k; *lesser; lesser++)
			features |= (*lesser)->features;
		jsys_mask_features(features);
		printf("# %s\n", jkern_get()->name);
		/* Encoding is slow: all types with the first set of kernels, two with the others. */
		for (size_t i = 0; i < (k == all ? 6u : 2u); i++) {
			check_type(types[i], pool);
			check_generation(types[i], pool);
			for (int64_t M = 1; M < 60; M += 29) {
				check_product(types[i], JGEMM_NT, M);
				check_product(types[i], JGEMM_NN, M);
			}
		}
	}
	jpar_free(pool);
	return t_done();
}
