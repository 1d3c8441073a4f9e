/* Muon: singular values of its updates; which parameters it takes. */
#include "t.h"

#include <stdlib.h>

#include "base/jrand.h"
#include "optim/joptim.h"
#include "optim/optim_internal.h"

/* X X^T of the result is near I: the iteration's bounds on singular values are about 0.68..1.14. */
static void
orthogonal(int64_t rows, int64_t cols)
{
	int64_t r = rows < cols ? rows : cols, i, j, k;
	float *x = malloc((size_t)(rows * cols) * sizeof(*x));
	float *scratch = malloc((size_t)optim_muon_scratch(rows, cols) * sizeof(*scratch));
	double off = 0, low = 9, high = 0;
	struct jrand rng;

	jrand_init(&rng, 3, (uint64_t)(rows * 1000 + cols));
	for (i = 0; i < rows * cols; i++)
		x[i] = (float)jrand_normal(&rng);
	optim_newton_schulz(x, rows, cols, 5, scratch);
	for (i = 0; i < r; i++)
		for (j = 0; j <= i; j++) {
			double dot = 0;

			for (k = 0; k < (rows < cols ? cols : rows); k++)
				dot += rows < cols ? (double)x[i * cols + k] * x[j * cols + k]
					: (double)x[k * cols + i] * x[k * cols + j];
			if (i == j) {
				low = fmin(low, dot);
				high = fmax(high, dot);
			} else {
				off = fmax(off, fabs(dot));
			}
		}
	ok(low > 0.4 && high < 1.4);
	ok(off < 0.35);
	printf("# %lld x %lld: squares of rows %.3f to %.3f, products below %.3f\n",
		(long long)rows, (long long)cols, low, high, off);
	free(x);
	free(scratch);
}

static void
who_is_muon(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	float v[6][64] = { { 0 } }, g[6][64] = { { 0 } };
	struct jparam p[6] = {
		{ .name = "model.embed_tokens.weight", .n_dims = 2, .shape = { 8, 8 }, .decay = true },
		{ .name = "model.layers.0.self_attn.q_proj.weight", .n_dims = 2, .shape = { 8, 8 },
			.decay = true },
		{ .name = "model.layers.0.input_layernorm.weight", .n_dims = 1, .shape = { 8 } },
		{ .name = "lm_head.weight", .n_dims = 2, .shape = { 8, 8 }, .decay = true },
		{ .name = "transformer.wpe.weight", .n_dims = 2, .shape = { 8, 8 }, .decay = true },
		{ .name = "transformer.h.0.attn.c_attn.weight", .n_dims = 2, .shape = { 8, 8 },
			.decay = true },
	};
	const char *want[] = { "model.embed_tokens.weight.exp_avg",
		"model.embed_tokens.weight.exp_avg_sq",
		"model.layers.0.self_attn.q_proj.weight.momentum",
		"model.layers.0.input_layernorm.weight.exp_avg",
		"model.layers.0.input_layernorm.weight.exp_avg_sq", "lm_head.weight.exp_avg",
		"lm_head.weight.exp_avg_sq", "transformer.wpe.weight.exp_avg",
		"transformer.wpe.weight.exp_avg_sq", "transformer.h.0.attn.c_attn.weight.momentum" };
	struct joptim_state s;
	struct joptim *opt;
	size_t i;

	for (i = 0; i < 6; i++) {
		p[i].value = v[i];
		p[i].grad = g[i];
	}
	o.name = "muon";
	ok(joptim_new(&opt, p, 6, &o, NULL, &e) == 0);
	for (i = 0; joptim_state(opt, i, &s) && i < 10; i++)
		eq_str(s.name, want[i]);
	eq_int(i, 10);
	joptim_free(opt);
}

int
main(void)
{
	orthogonal(16, 64);
	orthogonal(96, 24);
	orthogonal(33, 65);
	who_is_muon();
	return t_done();
}
