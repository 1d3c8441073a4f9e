/*
 * Logits, loss and every gradient against what torch and transformers computed
 * (tests/ref/make_models.py), through the training graph with and without recomputation and through
 * the generation graph.
 */
#include "t.h"

#include <stdlib.h>

#include "base/jmem.h"
#include "base/jle.h"
#include "graph/jkv.h"
#include "graph/jmoe.h"
#include "model/jmodel.h"
#include "model/jsafetensors.h"

static const char *const cases[] = {
	"llama/gqa", "llama/scaled", "qwen3/tied", "qwen3/untied", "llama/yarn", "gpt2/tiny",
	"mistral/window", "qwen2/window", "phi3/plain", "phi3/long", "gemma2/tiny", "gemma3/tiny",
	"smollm3/tiny", "mixtral/tiny", "qwen3_moe/tiny"
};

struct oracle {
	struct jst *st;
	int B, T, V;
	int32_t *ids;		/* [B, T] */
	float *logits;		/* [B, T, V] */
	double loss;
};

static float *
floats(const struct jst *st, const char *name)
{
	const struct jst_tensor *t = jst_find(st, name);
	struct jerr e = { 0 };
	float *v;

	if (!t)
		return NULL;
	v = jmem_alloc((size_t)t->count, sizeof(*v));
	if (jst_to_f32(t, v, &e) == 0)
		return v;
	jmem_free(v);
	return NULL;
}

static int
open_oracle(struct oracle *o, const char *path)
{
	const struct jst_tensor *t;
	struct jerr e = { 0 };
	float *loss;

	memset(o, 0, sizeof(*o));
	if (!ok(jst_open(&o->st, path, &e) == 0))
		return -1;
	t = jst_find(o->st, "logits");
	o->B = (int)t->shape[0];
	o->T = (int)t->shape[1];
	o->V = (int)t->shape[2];
	o->logits = floats(o->st, "logits");
	loss = floats(o->st, "loss");
	o->loss = loss[0];
	jmem_free(loss);
	t = jst_find(o->st, "ids");
	o->ids = jmem_alloc((size_t)t->count, sizeof(*o->ids));
	for (int64_t i = 0; i < t->count; i++)
		o->ids[i] = (int32_t)jle_u32(t->data + 4 * i);
	return 0;
}

static void
close_oracle(struct oracle *o)
{
	jst_close(o->st);
	jmem_free(o->ids);
	jmem_free(o->logits);
}

static void
fill(const struct oracle *o, struct jmodel_train_graph *tg)
{
	int32_t *ids = jnode_data(tg->ids), *pos = jnode_data(tg->pos);
	int32_t *seg = jnode_data(tg->seg), *targets = jnode_data(tg->targets);

	for (int i = 0; i < o->B * o->T; i++) {
		int t = i % o->T;

		ids[i] = o->ids[i];
		pos[i] = t;
		seg[i] = 0;
		targets[i] = t + 1 < o->T ? o->ids[i + 1] : -1;
	}
}

/* max |a - b| relative to the largest value of the tensor */
static double
relative(const float *a, const float *b, int64_t n)
{
	double diff = 0, top = 1e-12;

	for (int64_t i = 0; i < n; i++) {
		diff = fmax(diff, fabs((double)a[i] - (double)b[i]));
		top = fmax(top, fabs((double)b[i]));
	}
	return diff / top;
}

static void
check_gradients(const struct oracle *o, struct jmodel *m)
{
	for (size_t i = 0; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];
		char name[160];
		float *want;
		int64_t n = p->shape[0] * (p->n_dims > 1 ? p->shape[1] : 1);

		snprintf(name, sizeof(name), "grad.%s", p->name);
		want = floats(o->st, name);
		if (!ok(want != NULL))
			continue;
		if (!near(relative(p->grad, want, n), 0, 1e-4))
			printf("# %s\n", name);
		jmem_free(want);
	}
}

static void
train_graph(const struct oracle *o, struct jmodel *m, struct jpar *pool, bool recompute)
{
	const struct jgraph_plan_opts opts = { .training = true, .recompute = recompute };
	struct jmodel_train_graph tg;
	struct jgraph_plan plan;
	struct jerr e = { 0 };
	const float *nll;
	double sum = 0;
	int n = o->B * (o->T - 1);

	if (!ok(jmodel_build_train(m, pool, o->B, o->T, 0, &tg, &e) == 0))
		return;
	if (!ok(jgraph_plan(tg.g, &opts, &plan, &e) == 0))
		return;
	memset(m->grads, 0, (size_t)m->count * sizeof(float));
	fill(o, &tg);
	jgraph_set_loss_scale(tg.g, 1.0f / (float)n);
	jgraph_forward(tg.g);
	nll = jnode_data(tg.nll);
	for (int i = 0; i < o->B * o->T; i++)
		sum += (double)nll[i];
	near(sum / n, o->loss, 1e-5);
	jgraph_backward(tg.g);
	if (ok(!tg.moe == !jst_find(o->st, "aux")) && tg.moe) {
		struct jmoe_load load;
		float *aux = floats(o->st, "aux");

		jmoe_load(tg.moe, &load);
		near(load.aux, (double)aux[0], 1e-5);
		ok(load.busiest >= 1 && load.idle >= 0 && load.idle < 1 && load.z > 0);
		jmem_free(aux);
	}
	check_gradients(o, m);
	jgraph_free(tg.g);
}

/* Both sequences in one call, in chunks of `step` tokens each; rows of two slots side by side. */
static void
infer_graph(const struct oracle *o, struct jmodel *m, struct jpar *pool, int step)
{
	const struct jgraph_plan_opts opts = { .training = false };
	const struct jmodel_config *c = &m->cfg;
	size_t per = (size_t)o->B * (size_t)(jkv_pages(o->T) * JKV_PAGE) * (size_t)(c->kv_heads * c->head_dim);
	float *slab = jmem_zalloc(2 * per * (size_t)c->layers, sizeof(*slab));
	struct jkv_cache *kv = jmem_zalloc((size_t)c->layers, sizeof(*kv));
	struct jmodel_infer_graph ig;
	struct jgraph_plan plan;
	struct jerr e = { 0 };
	double diff = 0;
	int R = o->B * step;
	const struct jmodel_infer_shape shape = { R, R, kv };

	for (int64_t l = 0; l < c->layers; l++)
		kv[l] = (struct jkv_cache){ slab + 2 * per * (size_t)l, slab + 2 * per * (size_t)l + per,
			o->B, o->T };
	if (!ok(jmodel_build_infer(m, pool, &shape, &ig, &e) == 0) ||
	    !ok(jgraph_plan(ig.g, &opts, &plan, &e) == 0))
		return;
	for (int at = 0; at < o->T; at += step) {
		int32_t *ids = jnode_data(ig.ids), *pos = jnode_data(ig.pos);
		int32_t *slot = jnode_data(ig.slot), *rows = jnode_data(ig.rows);

		for (int r = 0; r < R; r++) {
			slot[r] = r / step;
			pos[r] = at + r % step;
			ids[r] = o->ids[slot[r] * o->T + pos[r]];
			rows[r] = r;
		}
		jgraph_forward(ig.g);
		for (int r = 0; r < R; r++) {
			const float *want = o->logits + (r / step * o->T + at + r % step) * o->V;
			const float *got = (const float *)jnode_data(ig.logits) + r * o->V;

			for (int v = 0; v < o->V; v++)
				diff = fmax(diff, fabs((double)got[v] - (double)want[v]));
		}
	}
	near(diff, 0, 1e-4);
	jgraph_free(ig.g);
	jmem_free(kv);
	jmem_free(slab);
}

/* Greedy decoding of the first row through the key/value cache, one token at a time. */
static void
decode(const struct oracle *o, struct jmodel *m, struct jpar *pool)
{
	const struct jgraph_plan_opts opts = { .training = false };
	const struct jmodel_config *c = &m->cfg;
	const struct jst_tensor *t = jst_find(o->st, "greedy");
	int prompt = 8, total = prompt + (int)t->count, same = 0, next = -1;
	size_t per = (size_t)(jkv_pages(total) * JKV_PAGE) * (size_t)(c->kv_heads * c->head_dim);
	float *slab = jmem_zalloc(2 * per * (size_t)c->layers, sizeof(*slab));
	struct jkv_cache *kv = jmem_zalloc((size_t)c->layers, sizeof(*kv));
	const struct jmodel_infer_shape shape = { 1, 1, kv };
	struct jmodel_infer_graph ig;
	struct jerr e = { 0 };

	for (int64_t l = 0; l < c->layers; l++)
		kv[l] = (struct jkv_cache){ slab + 2 * per * (size_t)l, slab + 2 * per * (size_t)l + per,
			1, total };
	if (!ok(jmodel_build_infer(m, pool, &shape, &ig, &e) == 0) ||
	    !ok(jgraph_plan(ig.g, &opts, NULL, &e) == 0))
		return;
	for (int at = 0; at + 1 < total; at++) {
		const float *logits;
		int best = 0;

		*(int32_t *)jnode_data(ig.ids) = at < prompt ? o->ids[at] : next;
		*(int32_t *)jnode_data(ig.pos) = at;
		*(int32_t *)jnode_data(ig.slot) = *(int32_t *)jnode_data(ig.rows) = 0;
		jgraph_forward(ig.g);
		logits = jnode_data(ig.logits);
		for (int v = 1; v < o->V; v++)
			best = logits[v] > logits[best] ? v : best;
		next = best;
		if (at + 1 >= prompt)
			same += next == (int32_t)jle_u32(t->data + 4 * (at + 1 - prompt));
	}
	eq_int(same, total - prompt);
	jgraph_free(ig.g);
	jmem_free(kv);
	jmem_free(slab);
}

int
main(void)
{
	struct jpar *pool = jpar_new(2);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jmodel *m;
		struct oracle o;
		struct jerr e = { 0 };
		char path[256];

		printf("# %s\n", cases[i]);
		snprintf(path, sizeof(path), "tests/ref/%s", cases[i]);
		if (!ok(jmodel_load(&m, path, &e) == 0)) {
			printf("# %s\n", e.msg);
			continue;
		}
		ok(jmodel_alloc_grads(m, 1, &e) == 0);
		snprintf(path, sizeof(path), "tests/ref/%s.oracle.safetensors", cases[i]);
		if (open_oracle(&o, path) == 0) {
			train_graph(&o, m, pool, false);
			train_graph(&o, m, pool, true);
			infer_graph(&o, m, pool, o.T);
			infer_graph(&o, m, pool, 1);
			infer_graph(&o, m, pool, o.T / 3);
			decode(&o, m, pool);
			close_oracle(&o);
		}
		jmodel_free(m);
	}
	jpar_free(pool);
	return t_done();
}
