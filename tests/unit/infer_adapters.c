/*
 * Several adapters in one batch: every row has the bits that it has with its adapter hung on the model
 * alone, or with none; they come and go while others run; pages are not shared across them.
 */
#include "t.h"

#include "base/jrand.h"
#include "infer/jinfer.h"
#include "io/jfs.h"
#include "model/jadapter.h"
#include "t_tmp.h"

enum { N = 40, KINDS = 4, MOST_V = 512 };	/* kind 0: none */

static const char *const specs[KINDS] = { NULL, "r=4,alpha=9,targets=all-linear",
	"r=7,alpha=20,rslora,targets=", "r=3,alpha=5,dora,dropout=0.1,targets=all-linear" };

static struct jmodel *
load(const char *path)
{
	struct jmodel *m = NULL;
	struct jerr e = { 0 };

	if (!ok(jmodel_load(&m, path, &e) == 0))
		printf("# %s\n", e.msg);
	return m;
}

/* An adapter with something in it, in dir/kind. */
static const char *
make(const char *dir, const char *base, const char *ends, int kind)
{
	struct jmodel *m = load(base);
	struct jadapter_spec s;
	struct jadapter *a;
	struct jerr e = { 0 };
	struct jrand r;
	const char name[2] = { (char)('0' + kind), 0 }, *path;
	char text[128];

	path = t_path(dir, name);
	jrand_init(&r, 7, (uint64_t)kind);
	snprintf(text, sizeof(text), "%s%s", specs[kind], kind == 2 ? ends : "");
	ok(jadapter_spec_parse(&s, text, &e) == 0);
	ok(jadapter_new(&a, m, &s, &e) == 0 && jadapter_init(a, m, (uint64_t)kind, &e) == 0);
	for (uint64_t i = 0; i < a->count; i++)
		a->values[i] += (float)jrand_normal(&r) * 0.1f;
	ok(jfs_mkdirs(path, &e) == 0);
	if (!ok(jadapter_save(a, path, &e) == 0))
		printf("# %s\n", e.msg);
	jadapter_free(a);
	jmodel_free(m);
	return path;
}

static void
ids_of(uint32_t *ids, int V, uint64_t key)
{
	struct jrand r;

	jrand_init(&r, 2, key);
	for (int i = 0; i < N; i++)
		ids[i] = (uint32_t)jrand_below(&r, (uint64_t)V);
}

/* All logits of the tokens, the adapter hung on the model alone. */
static void
alone(const char *base, const char *adapter, const uint32_t *ids, float *logits)
{
	struct jmodel *m = load(base);
	struct jinfer_feed f = { .slot = 0, .ids = ids, .n = N, .all_logits = logits };
	struct jinfer *inf;
	struct jerr e = { 0 };

	if (adapter && !ok(jmodel_adapt(m, adapter, &e) == 0))
		printf("# %s\n", e.msg);
	ok(jinfer_new(&inf, m, NULL, 1, N, &e) == 0);
	ok(jinfer_feed(inf, &f, 1, &e) == 0);
	jinfer_free(inf);
	jmodel_free(m);
}

/* Two sequences of each kind, prompts and then single tokens in one batch. */
static void
mixed(struct jinfer *inf, const char *const *names, int kinds, uint32_t ids[][N], float *const *want)
{
	size_t V = (size_t)jinfer_config(inf)->vocab_size;
	struct jinfer_feed f[2 * KINDS];
	float *got = jmem_alloc(2 * KINDS * N * V, sizeof(*got));
	struct jerr e = { 0 };
	bool same = true;

	for (int i = 0; i < 2 * kinds; i++) {
		f[i] = (struct jinfer_feed){ .slot = i, .ids = ids[i % kinds], .n = N / 2 + (size_t)(i % 3),
			.all_logits = got + (size_t)i * N * V };
		eq_int(jinfer_begin(inf, i, jinfer_adapter_find(inf, names[i % kinds]), f[i].ids, 0), 0);
	}
	ok(jinfer_feed(inf, f, (size_t)(2 * kinds), &e) == 0);
	for (int i = 0; i < 2 * kinds; i++)
		same &= !memcmp(f[i].all_logits, want[i % kinds], f[i].n * V * sizeof(*got));
	ok(same);
	for (size_t t = N / 2 + 2; same && t < N; t++) {
		for (int i = 0; i < 2 * kinds; i++) {
			f[i].ids += f[i].n;
			f[i].n = t == N / 2 + 2 ? 3 - (size_t)(i % 3) : 1;
		}
		same &= jinfer_feed(inf, f, (size_t)(2 * kinds), &e) == 0;
		for (int i = 0; i < 2 * kinds; i++)
			same &= !memcmp(f[i].all_logits + (f[i].n - 1) * V, want[i % kinds] + t * V,
				V * sizeof(*got));
	}
	ok(same);
	jmem_free(got);
}

static void
check(const char *base, const char *const *names, const char *const *dirs, int kinds,
	struct jpar *pool)
{
	struct jmodel *m = load(base);
	uint32_t ids[KINDS][N];
	float *want[KINDS];
	struct jinfer *inf;
	struct jerr e = { 0 };

	ok(jinfer_new(&inf, m, pool, 2 * KINDS, N, &e) == 0);
	for (int k = 0; k < kinds; k++) {
		want[k] = jmem_alloc((size_t)(N * m->cfg.vocab_size), sizeof(float));
		ids_of(ids[k], (int)m->cfg.vocab_size, 1);	/* the same words, whatever adapter */
		alone(base, dirs[k], ids[k], want[k]);
		if (k > 0)
			ok(memcmp(want[k], want[0], N * sizeof(float)) != 0);
		if (names[k] && !ok(jinfer_adapter_add(inf, names[k], dirs[k], &e) == 0))
			printf("# %s\n", e.msg);
	}
	mixed(inf, names, kinds, ids, want);
	mixed(inf, names, kinds, ids, want);
	for (int k = 0; k < kinds; k++)
		jmem_free(want[k]);
	jinfer_free(inf);
	for (size_t i = 0; i < m->n_params; i++)
		if (m->params[i].many || m->params[i].many_rows || m->params[i].lora)
			ok(0);
	jmodel_free(m);
}

static void
made(const char *base, const char *ends, struct jpar *pool)
{
	static const char *const names[KINDS] = { NULL, "a", "b", "c" };
	const char *dirs[KINDS] = { NULL }, *dir = t_tmpdir();
	struct jerr e = { 0 };

	for (int k = 1; k < KINDS; k++)
		dirs[k] = make(dir, base, ends, k);
	check(base, names, dirs, KINDS, pool);
	ok(jfs_remove_tree(dir, &e) == 0);
}

/* Sampling with adapters that come and go. */
static void
generate(struct jinfer *inf, int slot, const char *name, struct jgen_opts *o, struct jgen **g,
	struct jgen_result *r)
{
	static const uint32_t prompt[] = { 5, 6, 7, 8, 9, 10, 11, 12 };
	struct jerr e = { 0 };

	*o = (struct jgen_opts){ .sample = { .temperature = 0, .top_p = 1, .repeat_penalty = 1 },
		.max_tokens = 24, .ignore_eos = true, .adapter = jinfer_adapter_find(inf, name) };
	jgen_result_init(r);
	ok(jgen_start(g, &(struct jgen_task){ .inf = inf, .slot = slot, .prompt = prompt, .n = 8,
		.opts = o, .result = r }, &e) == 0);
}

static bool
alike(const struct jgen_result *a, const struct jgen_result *b)
{
	return a->ids.n == 24 && b->ids.n == 24 && !memcmp(a->ids.v, b->ids.v, 24 * sizeof(uint32_t));
}

static void
step(struct jgen **g, size_t n, int times)
{
	struct jerr e = { 0 };

	while (times-- > 0)
		ok(jgen_step(g, n, &e) == 0);
}

static void
coming_and_going(void)
{
	const char *lora = "tests/ref/adapter/lora", *rslora = "tests/ref/adapter/rslora";
	struct jmodel *m = load("tests/ref/llama/gqa");
	struct jinfer *inf;
	struct jgen *g[4] = { NULL };
	struct jgen_opts o[4];
	struct jgen_result first[2], r[4];
	struct jerr e = { 0 };
	uint32_t p[8] = { 5, 6, 7, 8, 9, 10, 11, 12 };

	ok(jinfer_new(&inf, m, NULL, 4, 64, &e) == 0);
	for (int i = 0; i < 2; i++) {		/* what each says alone */
		ok(jinfer_adapter_add(inf, "x", i ? rslora : lora, &e) == 0);
		generate(inf, 0, "x", &o[0], &g[0], &first[i]);
		step(g, 1, 24);
		ok(jgen_done(g[0]));
		jgen_free(g[0]);
		ok(jinfer_adapter_remove(inf, "x", &e) == 0);
		eq_int(jinfer_adapter_find(inf, "x"), -1);
	}
	ok(!alike(&first[0], &first[1]));
	ok(jinfer_adapter_add(inf, "x", lora, &e) == 0);
	eq_int(jinfer_adapter_add(inf, "x", lora, &e), JERR_ARG);
	e.code = 0;
	generate(inf, 0, "x", &o[0], &g[0], &r[0]);
	step(g, 1, 5);
	ok(jinfer_adapter_remove(inf, "x", &e) == 0);	/* in use: goes on */
	ok(jinfer_adapter_add(inf, "x", rslora, &e) == 0);
	generate(inf, 1, "x", &o[1], &g[1], &r[1]);
	generate(inf, 2, NULL, &o[2], &g[2], &r[2]);
	step(g, 3, 24);
	eq_int(r[0].reused + r[1].reused, 0);		/* the same prompt, another adapter */
	ok(alike(&r[0], &first[0]) && alike(&r[1], &first[1]) && !alike(&r[2], &r[1]));
	generate(inf, 3, "x", &o[3], &g[3], &r[3]);
	step(g, 4, 24);
	eq_int(r[3].reused, 7);				/* the same one: shared */
	ok(alike(&r[3], &first[1]));
	for (int i = 0; i < 4; i++) {
		jgen_free(g[i]);
		jgen_result_release(&r[i]);
	}
	eq_int(jinfer_begin(inf, 0, 0, p, 8), 7);
	eq_int(jinfer_adapter_remove(inf, "y", &e), JERR_ARG);
	jgen_result_release(&first[0]);
	jgen_result_release(&first[1]);
	jinfer_free(inf);
	jmodel_free(m);
}

/* What cannot stand beside others is refused, and leaves the model as it was. */
static void
refused(const char *base, const char *adapter, const char *why)
{
	struct jmodel *m = load(base);
	struct jinfer *inf;
	struct jerr e = { 0 };

	ok(jinfer_new(&inf, m, NULL, 1, 16, &e) == 0);
	ok(jinfer_adapter_add(inf, "x", adapter, &e) < 0);
	if (!ok(strstr(e.msg, why) != NULL))
		printf("# %s\n", e.msg);
	eq_int(jinfer_adapter_find(inf, "x"), -1);
	for (size_t i = 0; i < m->n_params; i++)
		if (m->params[i].lora || m->params[i].lora_rows || m->params[i].many)
			ok(0);
	jinfer_free(inf);
	jmodel_free(m);
}

int
main(void)
{
	static const char *const names[] = { NULL, "lora", "rslora", "ends" };
	static const char *const dirs[] = { NULL, "tests/ref/adapter/lora", "tests/ref/adapter/rslora",
		"tests/ref/adapter/dora_ends" };
	struct jpar *pool = jpar_new(3);

	check("tests/ref/llama/gqa", names, dirs, 4, pool);
	made("tests/ref/llama/gqa", "embed_tokens+lm_head+v_proj", NULL);
	made("tests/ref/qwen2/window", "embed_tokens+k_proj+down_proj", pool);
	made("tests/ref/gpt2/tiny", "wte+lm_head+c_attn", pool);
	coming_and_going();
	refused("tests/ref/mixtral/tiny", "tests/ref/adapter/experts", "experts");
	refused("tests/ref/llama/gqa", "tests/ref/adapter/ends", "replaces weights of the base");
	refused("tests/ref/qwen3/tied", "tests/ref/adapter/lora", "does not fit");
	refused("tests/ref/llama/gqa", "tests/ref/adapter/none", "none");
	jpar_free(pool);
	return t_done();
}
