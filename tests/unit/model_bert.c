/*
 * Encoders: last hidden states and pooled embeddings against what transformers computed
 * (tests/ref/make_models.py), with padded rows; a BERT folder of another project.
 */
#include "t.h"

#include <stdlib.h>

#include "base/jle.h"
#include "base/jmem.h"
#include "io/jfs.h"
#include "model/jmodel.h"
#include "model/jsafetensors.h"
#include "t_tmp.h"

static int32_t *
ints(const struct jst *st, const char *name)
{
	const struct jst_tensor *t = jst_find(st, name);
	int32_t *v = jmem_alloc((size_t)t->count, sizeof(*v));

	for (int64_t i = 0; i < t->count; i++)
		v[i] = (int32_t)jle_u32(t->data + 4 * i);
	return v;
}

/* Largest difference of rows that count (mask NULL: all). */
static double
distance(const float *got, const struct jst *st, const char *name, const int32_t *mask)
{
	const struct jst_tensor *t = jst_find(st, name);
	int64_t C = t->shape[t->n_dims - 1];
	float *want = jmem_alloc((size_t)t->count, sizeof(*want));
	struct jerr e = { 0 };
	double d = 0;

	ok(jst_to_f32(t, want, &e) == 0);
	for (int64_t i = 0; i < t->count; i++)
		if (!mask || mask[i / C])
			d = fmax(d, fabs((double)got[i] - (double)want[i]));
	jmem_free(want);
	return d;
}

static void
run(struct jmodel *m, const struct jst *st)
{
	const struct jgraph_plan_opts opts = { .training = false };
	const struct jst_tensor *t = jst_find(st, "ids");
	int B = (int)t->shape[0], T = (int)t->shape[1];
	int32_t *ids = ints(st, "ids"), *mask = ints(st, "mask"), *types = ints(st, "types");
	struct jmodel_encode_graph eg;
	struct jerr e = { 0 };
	float *first;

	if (!ok(jmodel_build_encode(m, NULL, B, T, &eg, &e) == 0) ||
	    !ok(jgraph_plan(eg.g, &opts, NULL, &e) == 0))
		return;
	for (int i = 0; i < B * T; i++) {
		((int32_t *)jnode_data(eg.ids))[i] = ids[i];
		((int32_t *)jnode_data(eg.pos))[i] = i % T;
		((int32_t *)jnode_data(eg.seg))[i] = mask[i] ? 0 : -1;
		((int32_t *)jnode_data(eg.types))[i] = types[i];
	}
	jgraph_forward(eg.g);
	near(distance(jnode_data(eg.hidden), st, "hidden", mask), 0, 1e-5);
	first = jnode_data(eg.pooled);
	if (m->cfg.pooling == JMODEL_POOL_MEAN)
		near(distance(first, st, "pooled", NULL), 0, 1e-5);
	else
		ok(memcmp(first, jnode_data(eg.hidden), (size_t)m->cfg.hidden * sizeof(float)) == 0);
	jgraph_free(eg.g);
	jmem_free(ids);
	jmem_free(mask);
	jmem_free(types);
}

/* It makes no text; a language model makes no embeddings. */
static void
refusals(struct jmodel *m)
{
	struct jmodel_train_graph tg;
	struct jmodel_infer_graph ig;
	struct jmodel_encode_graph eg;
	const struct jmodel_infer_shape shape = { 1, 1, NULL };
	struct jmodel *llama;
	struct jerr e = { 0 };

	eq_int(jmodel_build_train(m, NULL, 1, 4, 0, &tg, &e), JERR_UNSUPPORTED);
	ok(strstr(e.msg, "encoder") != NULL);
	memset(&e, 0, sizeof(e));
	eq_int(jmodel_build_infer(m, NULL, &shape, &ig, &e), JERR_UNSUPPORTED);
	memset(&e, 0, sizeof(e));
	eq_int(jmodel_build_encode(m, NULL, 1, 4096, &eg, &e), JERR_ARG);
	memset(&e, 0, sizeof(e));
	if (!ok(jmodel_load(&llama, "tests/ref/llama/yarn", &e) == 0))
		return;
	eq_int(jmodel_build_encode(llama, NULL, 1, 4, &eg, &e), JERR_UNSUPPORTED);
	jmodel_free(llama);
}

/* bert_tiniest: names with a prefix, the head of pretraining beside them. */
static void
shared(void)
{
	const char *root = getenv("J_TEST_SHARED");
	struct jmodel *m;
	struct jerr e = { 0 };
	char path[512];

	snprintf(path, sizeof(path), "%s/models/bert_tiniest", root ? root : "");
	if (!root || !jfs_is_dir(path)) {
		t_skip("no shared models (J_TEST_SHARED)");
		return;
	}
	if (!ok(jmodel_load(&m, path, &e) == 0)) {
		printf("# %s\n", e.msg);
		return;
	}
	eq_int(m->cfg.vocab_size, 30522);
	ok(jmodel_param(m, "encoder.layer.0.intermediate.dense.weight")->value[0] != 0);
	jmodel_free(m);
}

int
main(void)
{
	struct jst *st;
	struct jmodel *m, *again;
	struct jerr e = { 0 };
	const char *dir = t_tmpdir();

	if (!ok(jmodel_load(&m, "tests/ref/bert/tiny", &e) == 0) ||
	    !ok(jst_open(&st, "tests/ref/bert/tiny.oracle.safetensors", &e) == 0)) {
		printf("# %s\n", e.msg);
		return t_done();
	}
	run(m, st);
	m->cfg.pooling = JMODEL_POOL_CLS;
	run(m, st);
	refusals(m);
	ok(jmodel_save(m, dir, JDT_F32, &e) == 0);
	if (ok(jmodel_load(&again, dir, &e) == 0)) {
		eq_int(again->cfg.pooling, JMODEL_POOL_CLS);
		ok(memcmp(again->values, m->values, (size_t)m->count * sizeof(float)) == 0);
		jmodel_free(again);
	} else {
		printf("# %s\n", e.msg);
	}
	jfs_remove_tree(dir, &e);
	jst_close(st);
	jmodel_free(m);
	shared();
	return t_done();
}
