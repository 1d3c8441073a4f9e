/* AdamW against the trajectory of torch.optim.AdamW with clip_grad_norm_; threads; bad gradients. */
#include "t.h"

#include <stdlib.h>

#include "../ref/optim_fixture.h"
#include "optim/joptim.h"

#define STEPS 6
#define BIG 200003

static void
against_torch(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	float w[35], gw[35] = { 0 }, b[11], gb[11] = { 0 };
	struct jparam p[3] = {
		{ .name = "w", .n_dims = 2, .shape = { 5, 7 }, .value = w, .grad = gw, .decay = true },
		{ .name = "frozen", .n_dims = 1, .shape = { 4 }, .value = NULL, .grad = NULL },
		{ .name = "b", .n_dims = 1, .shape = { 11 }, .value = b, .grad = gb },
	};
	struct joptim *opt;
	int s, i;

	memcpy(w, adamw_w0, sizeof(w));
	memcpy(b, adamw_b0, sizeof(b));
	ok(joptim_new(&opt, p, 3, &o, NULL, &e) == 0);
	for (s = 0; s < STEPS; s++) {
		double norm, worst = 0;

		memcpy(gw, adamw_gw + s * 35, sizeof(gw));
		memcpy(gb, adamw_gb + s * 11, sizeof(gb));
		norm = joptim_grad_norm(opt);
		near(norm, adamw_norms[s], 1e-5 * norm);
		joptim_step(opt, fixture_lr[s], norm);
		for (i = 0; i < 35; i++)
			worst = fmax(worst, fabs((double)w[i] - adamw_w[s * 35 + i]));
		for (i = 0; i < 11; i++)
			worst = fmax(worst, fabs((double)b[i] - adamw_b[s * 11 + i]));
		near(worst, 0, 5e-7);
	}
	for (i = 0; i < 35 && gw[i] == 0; i++)
		;
	eq_int(i, 35);
	eq_int(joptim_steps(opt), STEPS);
	joptim_free(opt);
}

static void
one_big_step(int threads, float *w, float *g, double *norm)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jparam p = { .name = "big", .n_dims = 1, .shape = { BIG }, .value = w, .grad = g };
	struct jpar *pool = jpar_new(threads);
	struct jerr e = { 0 };
	struct joptim *opt;
	int64_t i;

	for (i = 0; i < BIG; i++) {
		w[i] = (float)(i % 101) * 0.01f;
		g[i] = (float)((i * 7919) % 1009) * 0.001f - 0.5f;
	}
	joptim_new(&opt, &p, 1, &o, pool, &e);
	*norm = joptim_grad_norm(opt);
	joptim_step(opt, 1e-3, *norm);
	joptim_free(opt);
	jpar_free(pool);
}

static void
same_for_any_threads(void)
{
	float *a = malloc(BIG * sizeof(*a)), *b = malloc(BIG * sizeof(*b));
	float *g = malloc(BIG * sizeof(*g));
	double na, nb;

	one_big_step(1, a, g, &na);
	one_big_step(3, b, g, &nb);
	ok(na == nb);
	ok(memcmp(a, b, BIG * sizeof(*a)) == 0);
	free(a);
	free(b);
	free(g);
}

static void
bad_gradient(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	float w[2] = { 1, 2 }, g[2] = { 0.5f, 0 }, v[1] = { 3 }, h[1] = { NAN };
	struct jparam p[2] = {
		{ .name = "fine", .n_dims = 1, .shape = { 2 }, .value = w, .grad = g },
		{ .name = "broken", .n_dims = 1, .shape = { 1 }, .value = v, .grad = h },
	};
	struct joptim *opt;

	ok(joptim_new(&opt, p, 2, &o, NULL, &e) == 0);
	ok(isnan(joptim_grad_norm(opt)));
	eq_str(joptim_bad_grad(opt), "broken");
	h[0] = 0;
	ok(joptim_bad_grad(opt) == NULL);
	joptim_free(opt);
	o.name = "sgd";
	ok(joptim_new(&opt, p, 2, &o, NULL, &e) == JERR_ARG);
	ok(strstr(e.msg, "adamw|muon") != NULL);
}

int
main(void)
{
	against_torch();
	same_for_any_threads();
	bad_gradient();
	return t_done();
}
