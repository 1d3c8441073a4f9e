/*
 * model_prune.c - pruning against torch (tests/ref/make_prune.py): which weights stay by magnitude, in
 * patterns and by Wanda, the influence of layers, models without some of them; and what is refused.
 */
#include "t.h"

#include "base/jmem.h"
#include "model/jdescribe.h"
#include "model/jprune.h"
#include "model/jsafetensors.h"

static struct jst *oracle;
static uint32_t ids[64];

static struct jcalibration text = { .ids = ids, .n = 64, .chunk = 16 };

static struct jmodel *
loaded(const char *path)
{
	struct jmodel *m = NULL;
	struct jerr e = { 0 };

	if (!ok(jmodel_load(&m, path, &e) == 0))
		printf("# %s\n", e.msg);
	return m;
}

struct told {
	size_t tensors;
	uint64_t n, zeros;
	double worst;
};

static void
on_tensor(void *arg, const struct jprune_tensor *t)
{
	struct told *told = arg;

	told->tensors++;
	told->n += t->n;
	told->zeros += t->zeros;
	if (t->drift > told->worst)
		told->worst = t->drift;
}

/* Weights whose fate is not that of the oracle's mask, in all tensors that it has. */
static int64_t
other_fates(const struct jmodel *m, const char *prefix, int64_t *n)
{
	int64_t other = 0;

	*n = 0;
	for (size_t i = 0; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i];
		const struct jst_tensor *mask;
		char name[200];

		snprintf(name, sizeof(name), "%s.%s", prefix, p->name);
		mask = jst_find(oracle, name);
		for (int64_t k = 0; mask && k < p->shape[0] * p->shape[1]; k++)
			other += (p->value[k] != 0) != (mask->data[k / 8] >> (7 - k % 8) & 1);
		if (mask)
			*n += p->shape[0] * p->shape[1];
	}
	return other;
}

/* By each score and pattern the weights go that torch zeroes. */
static void
same_as_torch(const char *name, const char *path, int jobs)
{
	static const struct {
		const char *name;
		enum jprune_method method;
		double sparsity;
		int keep, of;
	} cases[] = {
		{ "magnitude", JPRUNE_MAGNITUDE, 0.37, 0, 0 },
		{ "pattern", JPRUNE_MAGNITUDE, 0, 2, 4 },
		{ "wanda", JPRUNE_WANDA, 0.5, 0, 0 },
		{ "wanda_pattern", JPRUNE_WANDA, 0, 2, 4 },
	};
	struct jpar *pool = jpar_new(jobs);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct told told = { 0 };
		struct jprune o = { .method = cases[i].method, .sparsity = cases[i].sparsity,
			.keep = cases[i].keep, .of = cases[i].of, .text = &text,
			.on_tensor = on_tensor, .arg = &told };
		struct jmodel *m = loaded(path);
		struct jerr e = { 0 };
		char prefix[64];
		int64_t n, other;

		snprintf(prefix, sizeof(prefix), "%s.%s", name, cases[i].name);
		if (!ok(jmodel_prune(m, pool, &o, &e) == 0))
			printf("# %s: %s\n", prefix, e.msg);
		other = other_fates(m, prefix, &n);
		printf("# %s: %lld of %lld differ\n", prefix, (long long)other, (long long)n);
		ok(n > 0 && other == 0);
		eq_int(told.n, n);
		near((double)told.zeros / (double)n, cases[i].of ? 0.5 : cases[i].sparsity, 0.01);
		ok(told.worst > 0 && told.worst < 0.9);
		jmodel_free(m);
	}
	jpar_free(pool);
}

static void
layers(const char *name, const char *path)
{
	struct jmodel *m = NULL, *less = NULL;
	struct jmodel_layers kept;
	const struct jst_tensor *t;
	double influence[8];
	float want[8];
	char key[64];
	struct jerr e = { 0 };

	if (!ok(jmodel_open(&m, path, &e) == 0))
		return;
	snprintf(key, sizeof(key), "%s.influence", name);
	t = jst_find(oracle, key);
	ok(t && t->count == m->cfg.layers && jst_to_f32(t, want, &e) == 0);
	ok(jmodel_influence(m, NULL, &text, influence, &e) == 0);
	for (int64_t l = 0; l < m->cfg.layers; l++)
		near(influence[l], want[l], 1e-5);
	jmodel_most_influential(influence, m->cfg.layers, 1, &kept);
	for (int64_t l = 0; l < m->cfg.layers; l++)
		if (jmodel_layer_in(&kept, l))
			for (int64_t k = 0; k < m->cfg.layers; k++)
				ok(influence[l] >= influence[k]);
	snprintf(key, sizeof(key), "%s.drop_nll", name);
	t = jst_find(oracle, key);
	if (t && ok(jst_to_f32(t, want, &e) == 0)) {
		struct jimatrix *x = jimatrix_new();

		memset(&kept, 0, sizeof(kept));
		for (int64_t l = 1; l < m->cfg.layers; l++)
			kept.bits[0] |= UINT64_C(1) << l;
		ok(jmodel_keep_layers(&less, m, &kept, &e) == 0);
		eq_int(less->cfg.layers, m->cfg.layers - 1);
		ok(jmodel_calibrate(less, NULL, &text, x, &e) == 0);
		near(text.nll, want[0], 1e-5);
		jimatrix_free(x);
		jmodel_free(less);
	}
	jmodel_free(m);
}

/* Which layers have a window follows the layers that stay. */
static void
kinds_of_layers(void)
{
	struct jmodel *m = loaded("tests/ref/gemma2/tiny"), *less = NULL;
	struct jmodel_layers kept = { { 2 } };
	struct jerr e = { 0 };
	bool windowed = jmodel_layer_in(&m->cfg.windowed, 1);

	ok(jmodel_keep_layers(&less, m, &kept, &e) == 0);
	eq_int(less->cfg.layers, 1);
	eq_int(jmodel_layer_in(&less->cfg.windowed, 0), windowed);
	ok(memcmp(jmodel_param(less, "model.layers.0.self_attn.q_proj.weight")->value,
		jmodel_param(m, "model.layers.1.self_attn.q_proj.weight")->value,
		(size_t)(m->cfg.heads * m->cfg.head_dim * m->cfg.hidden) * 4) == 0);
	jmodel_free(less);
	jmodel_free(m);
}

/* Each expert keeps its share; the router is left alone. */
static void
experts(void)
{
	struct jmodel *m = loaded("tests/ref/mixtral/tiny");
	struct jprune o = { .sparsity = 0.25, .text = &text };
	struct jerr e = { 0 };
	double influence[8];
	const struct jparam *p;

	ok(jmodel_influence(m, NULL, &text, influence, &e) == 0 && influence[0] > 0);
	ok(jmodel_prune(m, NULL, &o, &e) == 0);
	for (size_t i = 0; i < m->n_params; i++) {
		int64_t zeros = 0, parts = strstr(m->params[i].name, "experts.") ? m->cfg.experts : 1, n;

		p = &m->params[i];
		n = p->shape[0] * p->shape[1] / parts;
		if (p->n_dims != 2 || parts == 1)
			continue;
		for (int64_t k = 0; k < n; k++)
			zeros += p->value[k] == 0;
		eq_int(zeros, n / 4);
	}
	p = jmodel_param(m, "model.layers.0.block_sparse_moe.gate.weight");
	for (int64_t k = 0; ok(p != NULL) && k < p->shape[0] * p->shape[1]; k++)
		if (p->value[k] == 0)
			ok(0);
	o.method = JPRUNE_WANDA;
	ok(jmodel_prune(m, NULL, &o, &e) < 0 && strstr(e.msg, "experts"));
	jmodel_free(m);
}

static void
refused(void)
{
	struct jprune o = { .sparsity = 1, .text = &text };
	struct jmodel *m = NULL, *wide = loaded("tests/ref/llama/gqa");
	struct jerr e = { 0 };

	ok(jmodel_prune(wide, NULL, &o, &e) == JERR_ARG);
	e = (struct jerr){ 0 };
	o.keep = 5;
	o.of = 7;		/* 32 columns */
	ok(jmodel_prune(wide, NULL, &o, &e) == JERR_ARG && strstr(e.msg, "multiple of 7"));
	e = (struct jerr){ 0 };
	o.of = 5;
	ok(jmodel_prune(wide, NULL, &o, &e) == JERR_ARG);
	e = (struct jerr){ 0 };
	o = (struct jprune){ .method = JPRUNE_WANDA, .sparsity = 0.5, .text = &text };
	text.chunk = 65;	/* more than all there is */
	ok(jmodel_prune(wide, NULL, &o, &e) == JERR_ARG);
	text.chunk = 16;
	e = (struct jerr){ 0 };
	ids[3] = 1000000;
	ok(jmodel_prune(wide, NULL, &o, &e) == JERR_FORMAT);
	ids[3] = 3;
	e = (struct jerr){ 0 };
	ok(jmodel_open(&m, "tests/ref/llama/gqa", &e) == 0);
	ok(jmodel_prune(m, NULL, &o, &e) == JERR_ARG);
	jmodel_free(m);
	jmodel_free(wide);
}

int
main(void)
{
	const struct jst_tensor *t;
	struct jerr e = { 0 };

	if (!ok(jst_open(&oracle, "tests/ref/prune.oracle.safetensors", &e) == 0))
		return t_done();
	t = jst_find(oracle, "ids");
	ok(t && t->dtype == JDT_I32 && t->count == 64);
	for (int i = 0; i < 64; i++)
		ids[i] = t->data[4 * i];
	same_as_torch("llama", "tests/ref/llama/gqa", 3);
	same_as_torch("gpt2", "tests/ref/gpt2/tiny", 1);
	same_as_torch("gemma2", "tests/ref/gemma2/tiny", 2);
	layers("llama", "tests/ref/llama/gqa");
	layers("gpt2", "tests/ref/gpt2/tiny");
	layers("gemma2", "tests/ref/gemma2/tiny");
	kinds_of_layers();
	experts();
	refused();
	jst_close(oracle);
	return t_done();
}
