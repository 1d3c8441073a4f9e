/*
 * model_adapter.c - adapters against peft (tests/ref/make_adapters.py): losses of ten steps, tensors
 * after them, merging; folders read and written back; what is refused.
 */
#include "t.h"
#include "t_tmp.h"

#include <stdlib.h>

#include "io/jfs.h"
#include "io/jio.h"
#include "model/jadapter.h"
#include "model/jsafetensors.h"
#include "optim/joptim.h"

static const struct {
	const char *name, *base;
} cases[] = {
	{ "lora", "llama/gqa" }, { "rslora", "llama/gqa" }, { "dora", "llama/scaled" },
	{ "ends", "llama/gqa" }, { "tied", "qwen3/tied" }, { "gpt2", "gpt2/tiny" },
	{ "experts", "mixtral/tiny" }, { "dora_ends", "llama/gqa" },
	{ "expert_down", "qwen3_moe/tiny" },
};

static char path_buf[3][600];

static const char *
ref(int i, const char *format, const char *name)
{
	char tail[300];

	snprintf(tail, sizeof(tail), format, name);
	snprintf(path_buf[i], sizeof(path_buf[i]), "tests/ref/%s", tail);
	return path_buf[i];
}

struct run {
	struct jst *st;
	struct jmodel *m;
	struct jadapter *a;
	struct jmodel_train_graph tg;
	int B, T;
};

static int
open_run(struct run *r, int i, bool opened)
{
	struct jerr e = { 0 };
	const struct jst_tensor *ids;

	memset(r, 0, sizeof(*r));
	if (jst_open(&r->st, ref(0, "adapter/%s.oracle.safetensors", cases[i].name), &e) < 0
	    || (opened ? jmodel_open : jmodel_load)(&r->m, ref(0, "%s", cases[i].base), &e) < 0
	    || jadapter_load(&r->a, ref(0, "adapter/%s", cases[i].name), &e) < 0) {
		printf("# %s\n", e.msg);
		return -1;
	}
	r->m->cfg.router_losses = false;	/* as transformers has it unless asked */
	ids = jst_find(r->st, "ids");
	r->B = (int)ids->shape[0];
	r->T = (int)ids->shape[1];
	return 0;
}

static void
close_run(struct run *r)
{
	jgraph_free(r->tg.g);
	jmodel_free(r->m);
	jadapter_free(r->a);
	jst_close(r->st);
}

/* The graph, its inputs filled: each row predicts the next token. */
static int
build(struct run *r, bool training)
{
	const struct jgraph_plan_opts po = { .training = training, .recompute = training };
	const struct jst_tensor *t = jst_find(r->st, "ids");
	struct jerr e = { 0 };
	int32_t *ids, *pos, *seg, *targets;

	if (jmodel_build_train(r->m, NULL, r->B, r->T, 0, &r->tg, &e) < 0
	    || jgraph_plan(r->tg.g, &po, NULL, &e) < 0) {
		printf("# %s\n", e.msg);
		return -1;
	}
	ids = jnode_data(r->tg.ids);
	pos = jnode_data(r->tg.pos);
	seg = jnode_data(r->tg.seg);
	targets = jnode_data(r->tg.targets);
	memcpy(ids, t->data, (size_t)(r->B * r->T) * sizeof(*ids));
	for (int i = 0; i < r->B * r->T; i++) {
		pos[i] = i % r->T;
		seg[i] = 0;
		targets[i] = i % r->T == r->T - 1 ? -1 : ids[i + 1];
	}
	return 0;
}

static double
value(const struct jst *st, const char *name, int64_t i)
{
	const struct jst_tensor *t = jst_find(st, name);
	float *v = jmem_alloc((size_t)t->count, sizeof(*v)), x;
	struct jerr e = { 0 };

	jst_to_f32(t, v, &e);
	x = v[i];
	jmem_free(v);
	return x;
}

static double
worst_nll(struct run *r, const char *name)
{
	const float *nll = jnode_data(r->tg.nll);
	double worst = 0;
	int n = r->T - 1;

	for (int i = 0; i < r->B * n; i++)
		worst = fmax(worst, fabs(nll[i / n * r->T + i % n] - value(r->st, name, i)));
	return worst;
}

static void
check_forward(int i, bool opened)
{
	struct jerr e = { 0 };
	struct run r;

	if (!ok(open_run(&r, i, opened) == 0))
		return;
	ok(jadapter_attach(r.a, r.m, &e) == 0);
	if (e.code)
		printf("# %s\n", e.msg);
	if (ok(build(&r, false) == 0)) {
		jgraph_evaluate(r.tg.g);
		near(worst_nll(&r, "nll"), 0, 2e-5);
	}
	close_run(&r);
}

/* The largest difference between two tensors of one shape. */
static double
differ(const struct jst_tensor *t, const struct jst_tensor *u)
{
	float *v = jmem_alloc((size_t)t->count, sizeof(*v)), *w = jmem_alloc((size_t)t->count, sizeof(*w));
	struct jerr e = { 0 };
	double worst = t->count == u->count && t->shape[0] == u->shape[0] ? 0 : 1e9;

	jst_to_f32(t, v, &e);
	if (worst == 0)
		jst_to_f32(u, w, &e);
	for (int64_t k = 0; worst < 1e9 && k < t->count; k++)
		worst = fmax(worst, fabs((double)v[k] - w[k]));
	jmem_free(v);
	jmem_free(w);
	return worst;
}

/* Of all tensors as they are saved. */
static double
worst_final(struct run *r)
{
	double worst = 0;
	char name[200], dir[600], file[700];
	struct jst *st;
	struct jerr e = { 0 };

	snprintf(dir, sizeof(dir), "%s", t_tmpdir());
	snprintf(file, sizeof(file), "%s/adapter_model.safetensors", dir);
	if (jadapter_save(r->a, dir, &e) < 0 || jst_open(&st, file, &e) < 0)
		return 1e9;
	for (size_t i = 0; i < jst_count(st); i++) {
		const struct jst_tensor *t;

		snprintf(name, sizeof(name), "final.%s", jst_at(st, i)->name);
		t = jst_find(r->st, name);
		worst = fmax(worst, t ? differ(t, jst_at(st, i)) : 1e9);
	}
	jst_close(st);
	jfs_remove_tree(dir, &e);
	return worst;
}

static void
check_training(int i, bool opened)
{
	struct joptim_opts oo = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	struct joptim *opt;
	struct run r;
	int64_t targets;

	if (!ok(open_run(&r, i, opened) == 0))
		return;
	ok(jadapter_attach(r.a, r.m, &e) == 0 && jadapter_alloc_grads(r.a, &e) == 0);
	ok(build(&r, true) == 0);
	oo.beta1 = 0.9;
	oo.beta2 = 0.95;
	oo.eps = 1e-8;
	oo.clip = 0;
	ok(joptim_new(&opt, r.a->params, r.a->n_params, &oo, NULL, &e) == 0);
	targets = r.B * (r.T - 1);
	jgraph_set_loss_scale(r.tg.g, (float)(1.0 / (double)targets));
	for (int step = 0; step < 10; step++) {
		const float *nll = jnode_data(r.tg.nll);
		double loss = 0;

		jgraph_forward(r.tg.g);
		for (int k = 0; k < r.B * r.T; k++)
			loss += nll[k];
		near(loss / (double)targets, value(r.st, "losses", step), 2e-4);
		jgraph_backward(r.tg.g);
		joptim_step(opt, 1e-2, joptim_grad_norm(opt));
	}
	near(worst_final(&r), 0, 3e-3);
	joptim_free(opt);
	close_run(&r);
}

static void
check_merge(int i)
{
	struct jerr e = { 0 };
	struct run r;

	if (!ok(open_run(&r, i, false) == 0))
		return;
	ok(jadapter_merge(r.a, &r.m, 1, &e) == 0);
	if (e.code)
		printf("# %s\n", e.msg);
	if (ok(build(&r, false) == 0)) {
		jgraph_evaluate(r.tg.g);
		near(worst_nll(&r, jst_find(r.st, "merged_nll") ? "merged_nll" : "nll"), 0, 3e-5);
	}
	close_run(&r);
}

static bool
same_tensors(const char *x, const char *y)
{
	struct jst *a, *b;
	struct jerr e = { 0 };
	bool same = true;

	if (!ok(jst_open(&a, x, &e) == 0 && jst_open(&b, y, &e) == 0))
		return false;
	same = jst_count(a) == jst_count(b);
	for (size_t i = 0; same && i < jst_count(a); i++) {
		const struct jst_tensor *t = jst_at(a, i), *u = jst_find(b, t->name);

		same = u && u->dtype == t->dtype && u->n_dims == t->n_dims && u->bytes == t->bytes
			&& memcmp(t->shape, u->shape, (size_t)t->n_dims * sizeof(t->shape[0])) == 0
			&& memcmp(t->data, u->data, (size_t)t->bytes) == 0;
	}
	jst_close(a);
	jst_close(b);
	return same;
}

static void
check_copy(const char *from)
{
	struct jerr e = { 0 };
	struct jadapter *a = NULL, *b = NULL;
	char dir[600], file[2][700];

	snprintf(dir, sizeof(dir), "%s", t_tmpdir());
	ok(jadapter_load(&a, from, &e) == 0 && jadapter_save(a, dir, &e) == 0);
	snprintf(file[0], sizeof(file[0]), "%s/adapter_model.safetensors", from);
	snprintf(file[1], sizeof(file[1]), "%s/adapter_model.safetensors", dir);
	ok(same_tensors(file[0], file[1]));
	ok(jadapter_load(&b, dir, &e) == 0);
	if (e.code)
		printf("# %s\n", e.msg);
	if (a && b) {
		ok(a->n_modules == b->n_modules && a->r == b->r && a->alpha == b->alpha);
		eq_str(a->targets, b->targets);
		for (size_t i = 0; i < a->n_modules && i < b->n_modules; i++)
			ok(a->modules[i].alpha == b->modules[i].alpha);
	}
	jadapter_free(a);
	jadapter_free(b);
	jfs_remove_tree(dir, &e);
}

/* The configuration of a case with one piece of text replaced: the message must name the key. */
static void
check_refused(const char *from, const char *to, const char *says)
{
	struct jbuf config, tensors;
	struct jadapter *a = NULL;
	struct jerr e = { 0 };
	char *at;

	jbuf_init(&config);
	jbuf_init(&tensors);
	jin_slurp(ref(0, "adapter/%s/adapter_config.json", "lora"), &config, &e);
	jin_slurp(ref(0, "adapter/%s/adapter_model.safetensors", "lora"), &tensors, &e);
	at = strstr(config.p, from);
	if (ok(at != NULL)) {
		struct jbuf b;

		jbuf_init(&b);
		jbuf_add(&b, config.p, (size_t)(at - config.p));
		jbuf_adds(&b, to);
		jbuf_adds(&b, at + strlen(from));
		ok(jadapter_parse(&a, b.p, b.n, tensors.p, tensors.n, &e) < 0);
		ok(strstr(e.msg, says) != NULL);
		if (!strstr(e.msg, says))
			printf("# %s\n", e.msg);
		jbuf_release(&b);
	}
	jbuf_release(&config);
	jbuf_release(&tensors);
}

static void
check_spec(void)
{
	struct jadapter_spec s;
	struct jadapter *a = NULL;
	struct jmodel *m = NULL;
	struct jerr e = { 0 };

	ok(jadapter_spec_parse(&s, "r=8,alpha=4,targets=q_proj+layers.1.mlp.*,dropout=0.1,rslora",
		&e) == 0);
	ok(s.r == 8 && s.alpha == 4 && s.rslora && !s.dora);
	ok(jadapter_spec_parse(&s, "r=8,rank=4", &e) < 0 && strstr(e.msg, "rank"));
	jerr_clear(&e);
	ok(jadapter_spec_parse(&s, "r=0", &e) < 0);
	jerr_clear(&e);
	ok(jadapter_spec_parse(&s, "r=2,targets=q_proj+*.1.mlp.*,save=norm", &e) == 0);
	ok(jmodel_open(&m, ref(0, "%s", "llama/gqa"), &e) == 0 && jadapter_new(&a, m, &s, &e) == 0);
	ok(a && a->n_modules == 5 && a->n_whole == 1);
	ok(a && strstr(a->targets, "model.layers.0.self_attn.q_proj"));
	ok(jadapter_init(a, m, 1, &e) == 0 && jadapter_attach(a, m, &e) == 0);
	jadapter_free(a);
	jmodel_free(m);
	a = NULL;
	ok(jmodel_open(&m, ref(0, "%s", "llama/gqa"), &e) == 0
		&& jadapter_spec_parse(&s, "r=2", &e) == 0 && jadapter_new(&a, m, &s, &e) == 0);
	ok(a && a->n_modules == 14 && !strstr(a->targets, "layers"));
	jadapter_free(a);
	ok(jadapter_spec_parse(&s, "targets=nothing", &e) == 0 && jadapter_new(&a, m, &s, &e) < 0);
	jmodel_free(m);
}

/* B A of a module in peft's file under a prefix, against ours. */
static double
worst_product(const struct jst *st, const char *method, const struct jadapter_module *m)
{
	char name[200];
	int64_t r = m->r, I = m->a->shape[1], O = m->b->shape[0];
	float *a = jmem_alloc((size_t)(r * I), sizeof(*a)), *b = jmem_alloc((size_t)(O * r), sizeof(*b));
	const struct jst_tensor *t;
	struct jerr e = { 0 };
	double worst = 0;

	snprintf(name, sizeof(name), "%s.%s", method, m->a->name);
	t = jst_find(st, name);
	if (t && t->shape[0] == r)
		jst_to_f32(t, a, &e);
	else
		worst = 1e9;
	snprintf(name, sizeof(name), "%s.%s", method, m->b->name);
	t = jst_find(st, name);
	if (t && t->shape[1] == r)
		jst_to_f32(t, b, &e);
	else
		worst = 1e9;
	for (int64_t i = 0; worst < 1e9 && i < O * I; i++) {
		double x = 0, y = 0;

		for (int64_t k = 0; k < r; k++) {
			x += (double)b[i / I * r + k] * a[k * I + i % I];
			y += (double)m->b->value[i / I * r + k] * m->a->value[k * I + i % I];
		}
		worst = fmax(worst, fabs(x - y));
	}
	jmem_free(a);
	jmem_free(b);
	return worst;
}

/* Of one adapter dare keeps its share, scaled up; another seed keeps others. */
static void
check_masks(struct jadapter *const *v)
{
	const double weights[2] = { 1, 0 };
	struct jadapter_join o = { .method = JJOIN_DARE, .weights = weights, .n = 2,
		.adapters = (const struct jadapter *const *)v, .density = 0.3 };
	struct jadapter *x[2] = { NULL };
	int64_t n = 0, kept = 0, same = 0, wrong = 0;
	struct jerr e = { 0 };

	for (o.seed = 0; o.seed < 2; o.seed++)
		if (!ok(jadapter_join(&x[o.seed], &o, &e) == 0))
			return;
	for (size_t k = 0; k < x[0]->n_modules; k++) {
		const struct jparam *p = v[0]->modules[k].a;
		const float *got = x[0]->modules[k].a->value, *other = x[1]->modules[k].a->value;
		double up = sqrt(v[0]->modules[k].alpha / (double)v[0]->modules[k].r) / 0.3;

		for (int64_t i = 0; i < p->shape[0] * p->shape[1]; i++) {
			n++;
			kept += got[i] != 0;
			same += (got[i] != 0) == (other[i] != 0);
			wrong += got[i] != 0 && fabs((double)got[i] - up * (double)p->value[i]) > 1e-5;
		}
	}
	ok(n == 512 && wrong == 0);
	near((double)kept / (double)n, 0.3, 4 * sqrt(0.3 * 0.7 / (double)n));
	near((double)same / (double)n, 0.3 * 0.3 + 0.7 * 0.7, 0.1);
	jadapter_free(x[0]);
	jadapter_free(x[1]);
}

/*
 * Two adapters joined by each method are what peft makes of them, of dare and dare-ties with the masks that
 * ours draws with seed 0; dare at density 1 is linear.
 */
static void
check_joins(void)
{
	static const struct {
		enum jadapter_join_method method;
		const char *peft;
		double density;
	} ways[] = {
		{ JJOIN_CAT, "cat", 0.3 }, { JJOIN_SVD, "svd", 0.3 }, { JJOIN_LINEAR, "linear", 0.3 },
		{ JJOIN_PRUNE, "magnitude_prune", 0.3 }, { JJOIN_TIES, "ties", 0.3 },
		{ JJOIN_DARE, "linear", 1 }, { JJOIN_DARE, "dare", 0.3 },
		{ JJOIN_DARE_TIES, "dare_ties", 0.3 }, { JJOIN_DARE_TIES, "dare_ties_whole", 1 },
	};
	const double weights[2] = { 0.7, -0.4 };
	struct jadapter *v[2] = { NULL }, *x;
	struct jst *st = NULL;
	struct jerr e = { 0 };

	if (!ok(jst_open(&st, "tests/ref/adapter/join.oracle.safetensors", &e) == 0
		&& jadapter_load(&v[0], "tests/ref/adapter/join_a", &e) == 0
		&& jadapter_load(&v[1], "tests/ref/adapter/join_b", &e) == 0))
		return;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		const struct jadapter_join o = { .method = ways[i].method, .weights = weights, .n = 2,
			.adapters = (const struct jadapter *const *)v, .density = ways[i].density };
		double worst = 0;

		if (!ok(jadapter_join(&x, &o, &e) == 0))
			continue;
		for (size_t k = 0; k < x->n_modules; k++)
			worst = fmax(worst, worst_product(st, ways[i].peft, &x->modules[k]));
		printf("# %s\n", ways[i].peft);
		ok(x->n_modules == 4 && x->alpha == (double)x->r);
		near(worst, 0, 1e-6);
		jadapter_free(x);
	}
	check_masks(v);
	jadapter_free(v[0]);
	jadapter_free(v[1]);
	jst_close(st);
}

/* mlx-lm has A as [I, r], B as [r, O] and the scale itself. */
static void
check_mlx(const char *shared)
{
	struct jadapter *a = NULL;
	const struct jst_tensor *t;
	struct jst *st = NULL;
	struct jerr e = { 0 };
	char dir[500], file[600];
	float *v;

	snprintf(dir, sizeof(dir), "%s/models/qwen2.5-0.5b_mlx_dpo_adapter", shared);
	snprintf(file, sizeof(file), "%s/adapters.safetensors", dir);
	if (!ok(jadapter_load(&a, dir, &e) == 0 && jst_open(&st, file, &e) == 0))
		return;
	eq_int(a->n_modules, 4);
	eq_str(a->modules[0].name, "model.layers.22.self_attn.q_proj");
	near(a->modules[0].alpha / (double)a->modules[0].r, 20, 0);
	t = jst_find(st, "model.layers.22.self_attn.q_proj.lora_a");
	v = jmem_alloc((size_t)t->count, sizeof(*v));
	jst_to_f32(t, v, &e);
	ok(a->modules[0].a->shape[0] == 8 && a->modules[0].a->shape[1] == 896);
	for (int i = 0; i < 8; i++)
		ok(a->modules[0].a->value[i * 896 + 5] == v[5 * 8 + i]);
	jmem_free(v);
	jst_close(st);
	jadapter_free(a);
}

int
main(void)
{
	const char *shared = getenv("J_TEST_SHARED");
	char real[600];

	for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
		printf("# %s\n", cases[i].name);
		check_forward(i, true);
		check_training(i, i % 2 == 0);
		check_merge(i);
		check_copy(ref(2, "adapter/%s", cases[i].name));
	}
	check_refused("\"use_bdlora\": null", "\"use_bdlora\": true", "use_bdlora");
	check_refused("\"arrow_config\": null", "\"arrow_config\": {\"a\": 1}", "arrow_config");
	check_refused("\"velora_config\": null", "\"later_key\": 1", "later_key");
	check_refused("\"lora_bias\": false", "\"lora_bias\": true", "lora_bias");
	check_refused("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", "pissa");
	check_refused("\"r\": 4", "\"r\": 8", "rank");
	check_refused("\"use_dora\": false", "\"use_dora\": true", "magnitude");
	check_refused("\"LORA\"", "\"IA3\"", "IA3");
	check_spec();
	check_joins();
	snprintf(real, sizeof(real), "%s/models/gpt2_lora_kto_hh", shared ? shared : "");
	if (jfs_is_dir(real)) {
		check_copy(real);
		check_mlx(shared);
	} else {
		printf("ok %d # SKIP no shared models (J_TEST_SHARED)\n", ++t_count);
	}
	return t_done();
}
