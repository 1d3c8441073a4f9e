/* Models through every format: what is written is read back alike; damaged files are refused. */
#include "t.h"
#include <stdlib.h>

#include "t_tmp.h"

#include "base/jle.h"
#include "base/jmem.h"
#include "io/jfs.h"
#include "io/jgguf.h"
#include "io/jio.h"
#include "model/jmodel.h"
#include "model/jquantize.h"
#include "model/jweights.h"

static const char *const cases[] = {
	"tests/ref/llama/gqa", "tests/ref/llama/scaled", "tests/ref/qwen3/tied",
	"tests/ref/qwen3/untied"
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
	double max = 0;

	for (uint64_t i = 0; i < a->count; i++)
		max = fmax(max, fabs((double)a->values[i] - (double)b->values[i]));
	return max;
}

static void
same_config(const struct jmodel_config *a, const struct jmodel_config *b)
{
	ok(a->arch == b->arch && a->vocab_size == b->vocab_size && a->hidden == b->hidden);
	ok(a->ffn == b->ffn && a->layers == b->layers && a->heads == b->heads);
	ok(a->kv_heads == b->kv_heads && a->head_dim == b->head_dim && a->context == b->context);
	ok(a->tied == b->tied && a->attention_bias == b->attention_bias && a->mlp_bias == b->mlp_bias);
	near(a->norm_eps, b->norm_eps, 0);
	near(a->rope_theta, b->rope_theta, 0);
	near(a->rope_factor, b->rope_factor, 0);
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
	return rc == 0 ? jgguf_commit(w, e) : rc;
}

static void
folder_round_trip(const struct jmodel *m, const char *dir)
{
	static const struct { enum jdtype d; double tol; } types[] = {
		{ JDT_F32, 0 }, { JDT_F16, 1e-3 }, { JDT_BF16, 8e-3 }
	};
	struct jerr e = { 0 };

	for (size_t i = 0; i < 3; i++) {
		struct jmodel *back;

		ok(jfs_mkdirs(dir, &e) == 0);
		ok(jmodel_save(m, dir, types[i].d, &e) == 0);
		back = load(dir);
		if (!back)
			return;
		same_config(&m->cfg, &back->cfg);
		near(largest_difference(m, back), 0, types[i].tol);
		jmodel_free(back);
	}
	eq_int(jmodel_save(m, dir, JDT_Q8_0, &e), JERR_ARG);
}

/* Opened where the weights lie: the same values as converted, and written again the same bytes. */
static void
opened_is_loaded(const char *path, const struct jmodel *loaded, const char *type)
{
	char again[700];
	struct jmodel *m;
	struct jerr e = { 0 };
	struct jbuf a, b;
	int64_t differ = 0;

	if (!ok(jmodel_open(&m, path, &e) == 0)) {
		printf("# %s\n", e.msg);
		return;
	}
	ok(m->values == NULL && jmodel_alloc_grads(m, 1, &e) == JERR_ARG);
	for (size_t i = 0; i < m->n_params; i++) {
		const struct jparam *p = &m->params[i], *q = &loaded->params[i];
		int64_t n = p->shape[0] * p->shape[1];
		float *v = jmem_alloc((size_t)n, sizeof(*v));

		jmodel_rows(p, 0, p->n_dims > 1 ? p->shape[0] : 1, v);
		differ += memcmp(v, q->value, (size_t)n * sizeof(*v)) != 0;
		jmem_free(v);
	}
	eq_int(differ, 0);
	snprintf(again, sizeof(again), "%s.again", path);
	ok(write_gguf(m, again, type, &e) == 0);
	jbuf_init(&a);
	jbuf_init(&b);
	ok(jin_slurp(path, &a, &e) == 0 && jin_slurp(again, &b, &e) == 0);
	ok(a.n == b.n && memcmp(a.p, b.p, a.n) == 0);
	jbuf_release(&a);
	jbuf_release(&b);
	jmodel_free(m);
}

static void
gguf_round_trip(const struct jmodel *m, const char *path)
{
	static const struct { const char *type; double tol; } types[] = {
		{ "f32", 0 }, { "f16", 1e-3 }, { "bf16", 8e-3 }, { "q8_0", 1e-2 }, { "q4_0", 0.1 },
		{ "q5_1", 0.1 }, { "q4_k_m", 0.1 }
	};
	struct jerr e = { 0 };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct jmodel *back;

		if (!ok(write_gguf(m, path, types[i].type, &e) == 0)) {
			printf("# %s\n", e.msg);
			return;
		}
		back = load(path);
		if (!back)
			return;
		same_config(&m->cfg, &back->cfg);
		near(largest_difference(m, back), 0, types[i].tol);
		opened_is_loaded(path, back, types[i].type);
		jmodel_free(back);
	}
}

/* A copy of a file, cut at n bytes, under another name. */
static void
cut(const char *from, const char *to, size_t n)
{
	struct jbuf b;
	struct jerr e = { 0 };

	jbuf_init(&b);
	ok(jin_slurp(from, &b, &e) >= 0);
	ok(jout_put(to, b.p, n < b.n ? n : b.n, &e) == 0);
	jbuf_release(&b);
}

static void
refused(const char *path, const char *word)
{
	struct jmodel *m;
	struct jerr e = { 0 };

	ok(jmodel_load(&m, path, &e) < 0);
	if (!ok(strstr(e.msg, word) != NULL))
		printf("# \"%s\" does not say \"%s\"\n", e.msg, word);
}

static void
damaged(const char *top)
{
	struct jerr e = { 0 };
	char dir[800], weights[1000], gguf[1000], part[1000];
	struct jmodel *m;
	int64_t size;

	snprintf(dir, sizeof(dir), "%s/damaged", top);
	snprintf(weights, sizeof(weights), "%s/model.safetensors", dir);
	snprintf(gguf, sizeof(gguf), "%s/x.gguf", dir);
	snprintf(part, sizeof(part), "%s/y.gguf", dir);

	ok(jfs_mkdirs(dir, &e) == 0);
	cut("tests/ref/llama/gqa/config.json", t_path(dir, "config.json"), SIZE_MAX);
	size = jfs_size("tests/ref/llama/gqa/model.safetensors");
	for (int64_t n = 0; n < size; n += size / 7) {
		cut("tests/ref/llama/gqa/model.safetensors", weights, (size_t)n);
		refused(dir, "model.safetensors");
	}
	cut("tests/ref/llama/scaled/model.safetensors", weights, SIZE_MAX);
	refused(dir, "tensor");		/* biases, other heads: names what does not fit */
	cut("tests/ref/qwen3/tied/model.safetensors", weights, SIZE_MAX);
	refused(dir, "tensor");
	m = load("tests/ref/llama/gqa");
	if (!m || !ok(write_gguf(m, gguf, "f32", &e) == 0))
		return;
	jmodel_free(m);
	size = jfs_size(gguf);
	for (int64_t n = 4; n < size; n += size / 7) {
		cut(gguf, part, (size_t)n);
		refused(part, "y.gguf");
	}
	refused(t_path(dir, "config.json"), "not a model");
	refused(t_path(dir, "absent"), "no such file");
}

static void
init_weights(void)
{
	struct jmodel_config c;
	struct jmodel *a, *b;
	struct jerr e = { 0 };
	double sum = 0;
	struct jparam *p;

	ok(jmodel_preset(&c, "nano", &e) == 0);
	c.vocab_size = 300;
	if (!ok(jmodel_new(&a, &c, &e) == 0) || !ok(jmodel_new(&b, &c, &e) == 0))
		return;
	jmodel_init_weights(a, 1);
	jmodel_init_weights(b, 1);
	near(largest_difference(a, b), 0, 0);
	jmodel_init_weights(b, 2);
	ok(largest_difference(a, b) > 0.01);
	p = jmodel_param(a, "model.layers.0.mlp.down_proj.weight");
	for (int64_t i = 0; p && i < p->shape[0] * p->shape[1]; i++)
		sum += (double)p->value[i] * (double)p->value[i];
	if (p)	/* 0.02 / sqrt(2 * 4) */
		near(sqrt(sum / (double)(p->shape[0] * p->shape[1])), 0.02 / sqrt(8), 1e-4);
	p = jmodel_param(a, "model.layers.3.self_attn.q_norm.weight");
	ok(p && p->value[0] == 1 && !p->decay);
	ok(jmodel_param(a, "lm_head.weight") == NULL);
	ok(a->params[0].value == a->values && a->params[0].decay);
	jmodel_free(a);
	jmodel_free(b);
}

/* The matrix as llama2.c has it: rotary pairs are neighbours inside a head of d rows. */
static void
put_rows(struct jbuf *b, const struct jparam *p, int64_t d)
{
	int64_t cols = p->n_dims > 1 ? p->shape[1] : 1;

	for (int64_t r = 0; r < p->shape[0]; r++) {
		int64_t in = r % d, from = d > 1 ? r - in + in % 2 * (d / 2) + in / 2 : r;

		jbuf_add(b, p->value + from * cols, (size_t)cols * sizeof(float));
	}
}

static void
put_kind(struct jbuf *b, struct jmodel *m, const char *kind, int64_t d)
{
	for (int64_t l = 0; l < m->cfg.layers; l++) {
		char name[128];

		snprintf(name, sizeof(name), "model.layers.%d.%s.weight", (int)l, kind);
		put_rows(b, jmodel_param(m, name), d);
	}
}

/* llama2.c with a head of its own (negative vocabulary size), written here. */
static void
llama2c_untied(const char *path)
{
	static const char *const kinds[] = { "self_attn.v_proj", "self_attn.o_proj",
		"post_attention_layernorm", "mlp.gate_proj", "mlp.down_proj", "mlp.up_proj" };
	struct jmodel *m = load("tests/ref/llama/gqa"), *back;
	int64_t d = m->cfg.head_dim, header[7] = { m->cfg.hidden, m->cfg.ffn, m->cfg.layers,
		m->cfg.heads, m->cfg.kv_heads, -m->cfg.vocab_size, m->cfg.context };
	struct jerr e = { 0 };
	struct jbuf b;

	jbuf_init(&b);
	for (int i = 0; i < 7; i++) {
		unsigned char raw[4];

		jle_put32(raw, (uint32_t)header[i]);
		jbuf_add(&b, raw, 4);
	}
	put_rows(&b, jmodel_param(m, "model.embed_tokens.weight"), 1);
	put_kind(&b, m, "input_layernorm", 1);
	put_kind(&b, m, "self_attn.q_proj", d);
	put_kind(&b, m, "self_attn.k_proj", d);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		put_kind(&b, m, kinds[k], 1);
	put_rows(&b, jmodel_param(m, "model.norm.weight"), 1);
	for (int64_t i = 0; i < m->cfg.context * d; i++)
		jbuf_add(&b, "rope", 4);
	put_rows(&b, jmodel_param(m, "lm_head.weight"), 1);
	ok(jout_put(path, b.p, b.n, &e) == 0);
	back = load(path);
	if (back) {
		same_config(&m->cfg, &back->cfg);
		near(largest_difference(m, back), 0, 0);
		jmodel_free(back);
	}
	ok(jout_put(path, b.p, b.n - 4, &e) == 0);
	refused(path, "not a model");
	jbuf_release(&b);
	jmodel_free(m);
}

/* Real files, outside the repository: the same weights as llama2.c .bin and as GGUF. */
static void
shared_models(void)
{
	const char *top = getenv("J_TEST_SHARED");
	char bin[1024], gguf[1024];
	struct jmodel *a, *b;

	snprintf(bin, sizeof(bin), "%s/models/stories260K/stories260K.bin", top ? top : "../shared");
	snprintf(gguf, sizeof(gguf), "%s/models/stories260K/stories260K.gguf", top ? top : "../shared");
	if (!jfs_exists(bin) || !jfs_exists(gguf)) {
		t_skip("no shared models (J_TEST_SHARED)");
		return;
	}
	a = load(bin);
	b = load(gguf);
	if (!a || !b)
		return;
	eq_int(a->cfg.layers, 5);
	eq_int(a->cfg.kv_heads, 4);
	ok(a->cfg.tied);
	eq_int(a->count, b->count);
	if (a->count == b->count)
		near(largest_difference(a, b), 0, 0);
	jmodel_free(a);
	jmodel_free(b);
}

int
main(void)
{
	char dir[512], path[600];
	struct jerr e = { 0 };

	snprintf(dir, sizeof(dir), "%s", t_tmpdir());
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct jmodel *m = load(cases[i]);

		if (!m)
			continue;
		snprintf(path, sizeof(path), "%s/folder", dir);
		folder_round_trip(m, path);
		snprintf(path, sizeof(path), "%s/m.gguf", dir);
		gguf_round_trip(m, path);
		jmodel_free(m);
	}
	damaged(dir);
	snprintf(path, sizeof(path), "%s/model.bin", dir);
	llama2c_untied(path);
	init_weights();
	shared_models();
	jfs_remove_tree(dir, &e);
	return t_done();
}
