/* Importance matrices: collected, written, read in both of llama.cpp's formats; mixes of types. */
#include "t.h"

#include <stdlib.h>

#include "t_tmp.h"

#include "base/jle.h"
#include "base/jmem.h"
#include "base/jrand.h"
#include "io/jfs.h"
#include "model/jquantize.h"
#include "model/jweights.h"

static void
check_means(const struct jimatrix *x)
{
	const float *v = jimatrix_find(x, "blk.0.attn_q.weight", 2);

	ok(v && v[0] == (1 + 9) / 2.0f && v[1] == (4 + 16) / 2.0f);
	ok(!jimatrix_find(x, "blk.0.attn_q.weight", 3) && !jimatrix_find(x, "absent", 2));
}

static void
through_gguf(const char *path)
{
	static const float rows[4] = { 1, 2, 3, -4 }, other[3] = { 1, 1, 1 };
	struct jimatrix *x = jimatrix_new(), *back;
	struct jerr e = { 0 };

	ok(jimatrix_add(x, "blk.0.attn_q.weight", rows, 2, 2, &e) == 0);
	ok(jimatrix_add(x, "blk.0.ffn_down.weight", other, 1, 3, &e) == 0);
	eq_int(jimatrix_add(x, "blk.0.attn_q.weight", other, 1, 3, &e), JERR_ARG);
	check_means(x);
	e.code = 0;
	ok(jimatrix_save(x, path, "text", 512, &e) == 0);
	jimatrix_free(x);
	ok(jimatrix_load(&back, path, &e) == 0);
	eq_int(jimatrix_count(back), 2);
	check_means(back);
	jimatrix_free(back);
}

static size_t
put_entry(unsigned char *p, const char *name, int calls, int cols, const float *v)
{
	size_t n = strlen(name);

	jle_put32(p, (uint32_t)n);
	memcpy(p + 4, name, n);
	jle_put32(p + 4 + n, (uint32_t)calls);
	jle_put32(p + 8 + n, (uint32_t)cols);
	for (int i = 0; i < cols; i++) {
		uint32_t u;

		memcpy(&u, &v[i], 4);
		jle_put32(p + 12 + n + 4 * (size_t)i, u);
	}
	return 12 + n + 4 * (size_t)cols;
}

/* The older format, whole, cut at every byte, and with the same tensor twice. */
static void
through_dat(void)
{
	static const float v[2] = { 15, 30 };	/* means times calls */
	unsigned char b[256];
	struct jimatrix *x;
	struct jerr e = { 0 };
	size_t n = 4;
	int cut = 0;

	jle_put32(b, 1);
	n += put_entry(b + n, "blk.0.attn_q.weight", 3, 2, v);
	ok(jimatrix_load_mem(&x, b, n, "dat", &e) == 0);
	check_means(x);
	jimatrix_free(x);
	for (size_t k = 0; k < n; k++) {
		e.code = 0;
		cut += jimatrix_load_mem(&x, b, k, "dat", &e) == JERR_FORMAT;
	}
	eq_int(cut, n);
	jle_put32(b, 2);
	n += put_entry(b + n, "blk.0.attn_q.weight", 3, 2, v);
	e.code = 0;
	eq_int(jimatrix_load_mem(&x, b, n, "dat", &e), JERR_FORMAT);
	ok(strstr(e.msg, "twice") != NULL);
}

static void
calibrate(void)
{
	struct jimatrix *x = jimatrix_new();
	struct jcalibration c = { .chunk = 16 };
	struct jmodel *m;
	struct jerr e = { 0 };
	struct jrand r;
	uint32_t ids[40];
	const float *q, *k;
	float *embed;
	double sum = 0;

	if (!ok(jmodel_open(&m, "tests/ref/qwen3/tied", &e) == 0))
		return;
	jrand_init(&r, 7, 7);
	for (int i = 0; i < 40; i++)
		ids[i] = (uint32_t)jrand_below(&r, (uint64_t)m->cfg.vocab_size);
	c.ids = ids;
	c.n = 40;
	ok(jmodel_calibrate(m, NULL, &c, x, &e) == 0);
	ok(c.nll > 0 && c.nll < 20);
	q = jimatrix_find(x, "blk.0.attn_q.weight", m->cfg.hidden);
	k = jimatrix_find(x, "blk.0.attn_k.weight", m->cfg.hidden);
	if (!ok(q && k && memcmp(q, k, (size_t)m->cfg.hidden * sizeof(*q)) == 0))
		return;
	ok(jimatrix_find(x, "blk.1.ffn_down.weight", m->cfg.ffn) != NULL);
	ok(jimatrix_find(x, "token_embd.weight", m->cfg.hidden) != NULL);	/* as the head */
	/* What meets q of the first layer is the normed embedding: mean square 1 but for the scale. */
	embed = jmem_alloc((size_t)m->cfg.hidden, sizeof(*embed));
	jmodel_rows(jmodel_param(m, "model.layers.0.input_layernorm.weight"), 0, 1, embed);
	for (int64_t i = 0; i < m->cfg.hidden; i++)
		sum += (double)q[i] / ((double)embed[i] * (double)embed[i]) / (double)m->cfg.hidden;
	near(sum, 1, 1e-3);
	jmem_free(embed);
	c.chunk = 41;
	eq_int(jmodel_calibrate(m, NULL, &c, x, &e), JERR_ARG);
	jimatrix_free(x);
	jmodel_free(m);
}

/* A stack of experts meets each token once for each expert that is chosen. */
static void
calibrate_experts(void)
{
	static const uint32_t ids[16] = { 1, 5, 9, 2, 7, 3, 11, 30, 4, 8, 6, 21, 12, 13, 14, 15 };
	struct jcalibration c = { .ids = ids, .n = 16, .chunk = 16 };
	struct jimatrix *x = jimatrix_new();
	struct jmodel *m;
	struct jerr e = { 0 };

	if (!ok(jmodel_open(&m, "tests/ref/mixtral/tiny", &e) == 0))
		return;
	ok(jmodel_calibrate(m, NULL, &c, x, &e) == 0);
	ok(jimatrix_find(x, "blk.0.ffn_gate_exps.weight", m->cfg.hidden) != NULL);
	ok(jimatrix_find(x, "blk.0.ffn_down_exps.weight", m->cfg.expert_ffn ? m->cfg.expert_ffn :
		m->cfg.ffn) != NULL);
	jimatrix_free(x);
	jmodel_free(m);
}

int
main(void)
{
	const char *dir = t_tmpdir();
	struct jerr e = { 0 };

	through_gguf(t_path(dir, "i.gguf"));
	through_dat();
	calibrate();
	calibrate_experts();
	jfs_remove_tree(dir, &e);
	return t_done();
}
