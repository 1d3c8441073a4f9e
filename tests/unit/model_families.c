/*
 * Every family through both formats: configuration and weights come back alike, an opened model
 * computes what a loaded one does, fused experts are read; what GGUF cannot say is refused.  Rotary
 * frequencies of each scaling are those of transformers.
 */
#include "t.h"

#include <stdlib.h>

#include "base/jmem.h"
#include "base/jstr.h"
#include "graph/jkv.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"
#include "model/jdescribe.h"
#include "model/jquantize.h"
#include "model/jsafetensors.h"
#include "t_tmp.h"

#include "../ref/rope_fixture.h"

static const struct { const char *path, *gguf; } cases[] = {	/* gguf NULL: it has no such model */
	{ "llama/gqa", "llama" }, { "llama/yarn", "llama" }, { "qwen3/tied", "qwen3" },
	{ "gpt2/tiny", "gpt2" }, { "mistral/window", "llama" }, { "qwen2/window", NULL },
	{ "phi3/plain", "phi3" }, { "phi3/long", "phi3" }, { "gemma2/tiny", "gemma2" },
	{ "gemma3/tiny", "gemma3" }, { "smollm3/tiny", "smollm3" }, { "mixtral/tiny", "llama" },
	{ "qwen3_moe/tiny", NULL }, { "bert/tiny", "bert" }
};

static struct jmodel *
load(const char *path)
{
	struct jmodel *m = NULL;
	struct jerr e = { 0 };

	if (!ok(jmodel_load(&m, path, &e) == 0))
		printf("# %s: %s\n", path, e.msg);
	return m;
}

static double
largest_difference(const struct jmodel *a, const struct jmodel *b)
{
	double max = a->count == b->count ? 0 : 1e9;

	for (uint64_t i = 0; i < a->count && max < 1e9; i++)
		max = fmax(max, fabs((double)a->values[i] - (double)b->values[i]));
	return max;
}

/* Written as JSON, so that every member is compared; what GGUF does not keep is set alike. */
static void
same_config(const struct jmodel_config *a, const struct jmodel_config *b, bool gguf)
{
	struct jmodel_config c = *b;
	struct jbuf x, y;

	jbuf_init(&x);
	jbuf_init(&y);
	if (gguf) {
		c.init_std = a->init_std;
		c.pad = a->pad;
		c.bos = a->bos;
		c.eos = a->eos;
		c.router_aux = a->router_aux;
		c.router_losses = a->router_losses;
		c.rope_attention = a->rope_attention;
	}
	jmodel_config_json(a, JDT_F32, &x);
	jmodel_config_json(&c, JDT_F32, &y);
	eq_str(y.p, x.p);
	jbuf_release(&x);
	jbuf_release(&y);
}

static int
write_gguf(const struct jmodel *m, const char *path, const char *type, struct jerr *e)
{
	struct jmodel_gguf o = { .name = "test", .mix = jmix_find(type) };
	struct jgguf_writer *w;
	int rc = jgguf_create(&w, path, e);

	if (rc == 0)
		rc = jmodel_gguf_header(m, w, &o, e);
	if (rc == 0)
		rc = jmodel_gguf_data(m, w, &o, e);
	if (rc == 0)
		return jgguf_commit(w, e);
	jgguf_abort(w);
	return rc;
}

/* Logits of a few ids. */
static float *
logits(struct jmodel *m)
{
	enum { N = 7 };
	const struct jgraph_plan_opts opts = { .training = false };
	const struct jmodel_config *c = &m->cfg;
	size_t per = (size_t)(jkv_pages(N) * JKV_PAGE) * (size_t)(c->kv_heads * c->head_dim);
	float *slab = jmem_zalloc(2 * per * (size_t)c->layers, sizeof(*slab)), *out;
	struct jkv_cache *kv = jmem_zalloc((size_t)c->layers, sizeof(*kv));
	const struct jmodel_infer_shape shape = { N, N, kv };
	struct jmodel_infer_graph ig;
	struct jerr e = { 0 };

	for (int64_t l = 0; l < c->layers; l++)
		kv[l] = (struct jkv_cache){ slab + 2 * per * (size_t)l, slab + 2 * per * (size_t)l + per,
			1, N };
	ok(jmodel_build_infer(m, NULL, &shape, &ig, &e) == 0);
	ok(jgraph_plan(ig.g, &opts, NULL, &e) == 0);
	for (int i = 0; i < N; i++) {
		((int32_t *)jnode_data(ig.ids))[i] = 3 + 5 * i % 31;
		((int32_t *)jnode_data(ig.pos))[i] = ((int32_t *)jnode_data(ig.rows))[i] = i;
		((int32_t *)jnode_data(ig.slot))[i] = 0;
	}
	jgraph_forward(ig.g);
	out = jmem_alloc(N * (size_t)c->vocab_size, sizeof(*out));
	memcpy(out, jnode_data(ig.logits), N * (size_t)c->vocab_size * sizeof(*out));
	jgraph_free(ig.g);
	jmem_free(kv);
	jmem_free(slab);
	return out;
}

static void
opened(const char *path, struct jmodel *loaded)
{
	struct jmodel *m;
	struct jerr e = { 0 };
	double d = 0;
	float *a, *b;

	if (!ok(jmodel_open(&m, path, &e) == 0)) {
		printf("# %s: %s\n", path, e.msg);
		return;
	}
	if (jmodel_has_head(&m->cfg)) {
		a = logits(m);
		b = logits(loaded);
		for (int64_t i = 0; i < 7 * m->cfg.vocab_size; i++)
			d = fmax(d, fabs((double)a[i] - (double)b[i]));
		near(d, 0, 1e-5);
		jmem_free(a);
		jmem_free(b);
	}
	jmodel_free(m);
}

static void
folder(const struct jmodel *m, const char *dir)
{
	struct jmodel *back;
	struct jerr e = { 0 };

	ok(jfs_mkdirs(dir, &e) == 0);
	if (!ok(jmodel_save(m, dir, JDT_F32, &e) == 0) || !(back = load(dir)))
		return;
	same_config(&m->cfg, &back->cfg, false);
	near(largest_difference(m, back), 0, 0);
	opened(dir, back);
	jmodel_free(back);
}

static void
gguf(const struct jmodel *m, const char *path, const char *arch)
{
	static const char *const types[] = { "f32", "f16" };
	struct jmodel *back;
	struct jgguf *g;
	struct jgguf_str s = { 0 };
	struct jerr e = { 0 };

	if (!arch) {
		eq_int(write_gguf(m, path, "f32", &e), JERR_UNSUPPORTED);
		ok(strstr(e.msg, "GGUF") != NULL);
		return;
	}
	for (int i = 0; i < 2; i++) {
		if (!ok(write_gguf(m, path, types[i], &e) == 0)) {
			printf("# %s\n", e.msg);
			return;
		}
		if (!ok(jgguf_open(&g, path, &e) == 0))
			return;
		ok(jgguf_get_str(g, "general.architecture", &s) && s.n == strlen(arch) &&
			memcmp(s.p, arch, s.n) == 0);
		jgguf_close(g);
		back = load(path);
		if (!back)
			return;
		same_config(&m->cfg, &back->cfg, true);
		near(largest_difference(m, back), 0, i ? 1e-3 : 1e-6);
		opened(path, back);
		jmodel_free(back);
	}
}

/* The experts of a layer as transformers 5 has them in memory. */
static void
put_fused(struct jst_writer *w, struct jmodel *m, int layer, bool declare)
{
	int64_t E = m->cfg.experts, F = m->cfg.expert_ffn, C = m->cfg.hidden;
	const struct jparam *p[3];
	struct jerr e = { 0 };
	char name[128];

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "model.layers.%d.block_sparse_moe.experts.w%d.weight", layer,
			i + 1);
		p[i] = jmodel_param(m, name);
	}
	if (declare) {
		snprintf(name, sizeof(name), "model.layers.%d.mlp.experts.gate_up_proj", layer);
		jst_declare(w, name, JDT_F32, 3, (int64_t[]){ E, 2 * F, C });
		snprintf(name, sizeof(name), "model.layers.%d.mlp.experts.down_proj", layer);
		jst_declare(w, name, JDT_F32, 3, (int64_t[]){ E, C, F });
		return;
	}
	for (int64_t i = 0; i < E; i++) {
		ok(jst_put_f32(w, p[0]->value + i * F * C, (uint64_t)(F * C), &e) == 0);
		ok(jst_put_f32(w, p[2]->value + i * F * C, (uint64_t)(F * C), &e) == 0);
	}
	ok(jst_put_f32(w, p[1]->value, (uint64_t)(E * F * C), &e) == 0);
}

static void
fused_experts(const char *dir)
{
	struct jmodel *m = load("tests/ref/mixtral/tiny"), *back;
	struct jst_writer *w;
	struct jerr e = { 0 };
	struct jbuf b;

	if (!m || !ok(jst_create(&w, t_path(dir, "model.safetensors"), &e) == 0))
		return;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < m->n_params; i++) {
			const struct jparam *p = &m->params[i];
			char name[128];

			if (strstr(p->name, ".experts."))
				continue;
			snprintf(name, sizeof(name), "%s", p->name);
			if (strstr(name, "block_sparse_moe.gate"))	/* its name in transformers 5 */
				strcpy(strstr(name, "block_sparse_moe"), "mlp.gate.weight");
			if (pass == 0)
				jst_declare(w, name, JDT_F32, p->n_dims, p->shape);
			else
				ok(jst_put_f32(w, p->value, (uint64_t)(p->shape[0] *
					(p->n_dims > 1 ? p->shape[1] : 1)), &e) == 0);
		}
		for (int l = 0; l < m->cfg.layers; l++)
			put_fused(w, m, l, pass == 0);
	}
	ok(jst_commit(w, &e) == 0);
	jbuf_init(&b);
	jmodel_config_json(&m->cfg, JDT_F32, &b);
	ok(jout_put(t_path(dir, "config.json"), b.p, b.n, &e) == 0);
	jbuf_release(&b);
	back = load(dir);
	if (back)
		near(largest_difference(m, back), 0, 0);
	if (back)
		opened(dir, back);
	jmodel_free(back);
	jmodel_free(m);
}

static void
ropes(void)
{
	for (size_t i = 0; i < sizeof(rope_cases) / sizeof(rope_cases[0]); i++) {
		struct jmodel_config c, again;
		struct jerr e = { 0 };
		float freq[16];
		double worst = 0;
		struct jbuf b;

		if (!ok(jmodel_config_parse(&c, rope_cases[i].config, strlen(rope_cases[i].config),
		    "rope", &e) == 0)) {
			printf("# %s\n", e.msg);
			continue;
		}
		jmodel_inv_freq(&c, rope_cases[i].length, freq);
		for (int k = 0; k < 16; k++)
			worst = fmax(worst, fabs((double)freq[k] / rope_cases[i].freq[k] - 1));
		near(worst, 0, 1e-6);
		near(jmodel_rope_attention(&c), rope_cases[i].attention, 1e-6);
		jbuf_init(&b);
		jmodel_config_json(&c, JDT_F32, &b);
		ok(jmodel_config_parse(&again, b.p, b.n, "again", &e) == 0);
		same_config(&c, &again, false);
		jbuf_release(&b);
	}
}

int
main(void)
{
	const char *top = t_tmpdir();
	struct jerr e = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[256];
		struct jmodel *m;

		printf("# %s\n", cases[i].path);
		snprintf(path, sizeof(path), "tests/ref/%s", cases[i].path);
		m = load(path);
		if (!m)
			continue;
		folder(m, t_path(top, "folder"));
		gguf(m, t_path(top, "x.gguf"), cases[i].gguf);
		ok(jfs_remove_tree(t_path(top, "folder"), &e) == 0);
		jmodel_free(m);
	}
	ok(jfs_mkdirs(t_path(top, "fused"), &e) == 0);
	fused_experts(t_path(top, "fused"));
	ropes();
	jfs_remove_tree(top, &e);
	return t_done();
}
