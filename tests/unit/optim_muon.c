/* Muon against its formula in double precision; singular values; which parameters it takes. */
#include "t.h"

#include <stdlib.h>

#include "../ref/optim_fixture.h"
#include "base/jrand.h"
#include "optim/joptim.h"
#include "optim/optim_internal.h"

#define STEPS 6

static void
follow(int64_t rows, int64_t cols, const float *w0, const float *gs, const float *want)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	int64_t n = rows * cols, i;
	float *w = malloc((size_t)n * sizeof(*w)), *g = calloc((size_t)n, sizeof(*g));
	struct jparam p = { .name = "model.layers.0.mlp.up_proj.weight", .n_dims = 2,
		.shape = { rows, cols }, .value = w, .grad = g, .decay = true };
	struct joptim *opt;
	double worst = 0;
	int s;

	o.name = "muon";
	o.clip = 0;
	memcpy(w, w0, (size_t)n * sizeof(*w));
	ok(joptim_new(&opt, &p, 1, &o, NULL, &e) == 0);
	for (s = 0; s < STEPS; s++) {
		memcpy(g, gs + s * n, (size_t)n * sizeof(*g));
		joptim_step(opt, fixture_lr[s], joptim_grad_norm(opt));
	}
	for (i = 0; i < n; i++)
		worst = fmax(worst, fabs((double)w[i] - want[i]));
	near(worst, 0, 1e-5);
	joptim_free(opt);
	free(w);
	free(g);
}

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
	float v[4][64] = { { 0 } }, g[4][64] = { { 0 } };
	struct jparam p[4] = {
		{ .name = "model.embed_tokens.weight", .n_dims = 2, .shape = { 8, 8 }, .decay = true },
		{ .name = "model.layers.0.self_attn.q_proj.weight", .n_dims = 2, .shape = { 8, 8 },
			.decay = true },
		{ .name = "model.layers.0.input_layernorm.weight", .n_dims = 1, .shape = { 8 } },
		{ .name = "lm_head.weight", .n_dims = 2, .shape = { 8, 8 }, .decay = true },
	};
	const char *want[] = { "model.embed_tokens.weight.exp_avg",
		"model.embed_tokens.weight.exp_avg_sq",
		"model.layers.0.self_attn.q_proj.weight.momentum",
		"model.layers.0.input_layernorm.weight.exp_avg",
		"model.layers.0.input_layernorm.weight.exp_avg_sq", "lm_head.weight.exp_avg",
		"lm_head.weight.exp_avg_sq" };
	struct joptim_state s;
	struct joptim *opt;
	size_t i;

	for (i = 0; i < 4; i++) {
		p[i].value = v[i];
		p[i].grad = g[i];
	}
	o.name = "muon";
	ok(joptim_new(&opt, p, 4, &o, NULL, &e) == 0);
	for (i = 0; joptim_state(opt, i, &s) && i < 7; i++)
		eq_str(s.name, want[i]);
	eq_int(i, 7);
	joptim_free(opt);
}

int
main(void)
{
	follow(6, 10, muon_wide_w0, muon_wide_g, muon_wide_w);
	follow(9, 4, muon_tall_w0, muon_tall_g, muon_tall_w);
	orthogonal(16, 64);
	orthogonal(96, 24);
	orthogonal(33, 65);
	who_is_muon();
	return t_done();
}
