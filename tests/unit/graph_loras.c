/*
 * Adapters by rows agree with the double reference: products with and without DoRA, look-ups, rows
 * without an adapter, runs longer than a piece, outputs wider than a block.
 */
#include "t.h"

#include "base/jmem.h"
#include "base/jrand.h"
#include "graph/jloras.h"
#include "graph/ref.h"
#include "tensor/jkern.h"

enum { R = 90, V = 17, C = 21, O = 300, SET = 4 };

static void
init(struct jparam *p, int64_t rows, int64_t cols, uint64_t key)
{
	struct jrand r;

	memset(p, 0, sizeof(*p));
	p->n_dims = cols > 1 ? 2 : 1;
	p->shape[0] = rows;
	p->shape[1] = cols;
	p->value = jmem_alloc((size_t)(rows * cols), sizeof(float));
	jrand_init(&r, 3, key);
	for (int64_t i = 0; i < rows * cols; i++)
		p->value[i] = (float)jrand_normal(&r) * 0.4f;
}

struct adapters {
	struct jparam a[SET], b[SET], m[SET];
	struct jlora l[SET];
	const struct jlora *v[SET];
	struct jloras set;
};

/* [.., in] to [.., out]; the second has DoRA, the third is none.  look_up: A by rows. */
static void
init_adapters(struct adapters *x, const struct jparam *w, bool look_up, uint64_t key)
{
	int64_t in = look_up ? w->shape[0] : w->shape[1], out = look_up ? w->shape[1] : w->shape[0];
	float tmp[C > V ? C : V], *norm;

	x->set = (struct jloras){ SET, x->v };
	for (int i = 0; i < SET; i++) {
		int64_t r = 2 + 3 * i;

		init(&x->a[i], look_up ? in : r, look_up ? r : in, key + (uint64_t)i);
		init(&x->b[i], out, r, key + 10 + (uint64_t)i);
		init(&x->m[i], out, 1, key + 20 + (uint64_t)i);
		x->l[i] = (struct jlora){ .a = &x->a[i], .b = &x->b[i], .scale = 0.7f };
		x->v[i] = i == 2 ? NULL : &x->l[i];
	}
	norm = jmem_alloc((size_t)out, sizeof(*norm));
	x->l[1].m = &x->m[1];
	x->l[1].norm = norm;
	if (look_up)
		jlora_column_norms(jkern_get(), w, &x->l[1], norm);
	for (int64_t o = 0; !look_up && o < out; o++)
		norm[o] = jlora_row_norm(jkern_get(), w, &x->l[1], o, tmp);
}

static void
release(struct adapters *x)
{
	jmem_free((void *)(uintptr_t)x->l[1].norm);
	for (int i = 0; i < SET; i++) {
		jmem_free(x->a[i].value);
		jmem_free(x->b[i].value);
		jmem_free(x->m[i].value);
	}
}

static void
check(struct jpar *pool, struct jparam *table, struct jparam *w, struct jparam *bias)
{
	const struct jgraph_plan_opts opts = { .training = false };
	struct jgraph *g = jgraph_new(pool);
	struct jnode *ids = jg_input_i32(g, "ids", R), *which = jg_input_i32(g, "which", R), *x, *y;
	struct jref_graph *r;
	struct jerr e = { 0 };
	double worst = 0;

	jgraph_set_adapters(g, which);
	x = jg_embed(g, ids, table);
	y = jg_linear(g, x, w, bias);
	ok(jgraph_plan(g, &opts, NULL, &e) == 0);
	for (int i = 0; i < R; i++) {
		((int32_t *)jnode_data(ids))[i] = i * 5 % V;
		((int32_t *)jnode_data(which))[i] = i < 40 ? 1 : i % (SET + 1) - 1;
	}
	jgraph_forward(g);
	r = jref_new(g);
	jref_forward(r);
	for (int i = 0; i < R * O; i++)
		worst = fmax(worst, fabs(jref_value(r, y)[i] - (double)((float *)jnode_data(y))[i]));
	near(worst, 0, 1e-4);
	jref_free(r);
	jgraph_free(g);
}

int
main(void)
{
	struct jparam table, w, bias;
	struct adapters rows, product;
	struct jpar *pool = jpar_new(3);

	init(&table, V, C, 1);
	init(&w, O, C, 2);
	init(&bias, O, 1, 3);
	init_adapters(&rows, &table, true, 100);
	init_adapters(&product, &w, false, 200);
	table.many_rows = &rows.set;
	w.many = &product.set;
	check(NULL, &table, &w, NULL);
	check(pool, &table, &w, &bias);
	release(&rows);
	release(&product);
	jmem_free(table.value);
	jmem_free(w.value);
	jmem_free(bias.value);
	jpar_free(pool);
	return t_done();
}
