/* Every optimizer after 20 steps: the weights that torch computes, or the formula in double. */
#include "t.h"

#include <stdlib.h>

#include "../ref/optim_fixture.h"
#include "optim/optim_internal.h"
#include "optim_params.h"

static double
worst(const float *a, const float *b, int n)
{
	double most = 0;
	int i;

	for (i = 0; i < n; i++)
		most = fmax(most, fabs((double)a[i] - b[i]));
	return most;
}

static void
follow(struct joptim_opts o, const char *name, const float *want, double tolerance)
{
	struct jerr e = { 0 };
	struct joptim *opt;
	struct fixture f;
	int i;

	fix_init(&f);
	o.name = name;
	if (!ok(joptim_new(&opt, f.p, FIX_PARAMS, &o, NULL, &e) == 0))
		return;
	joptim_begin_average(opt);
	fix_steps(opt, &f, 0, FIX_STEPS);
	joptim_swap_average(opt);
	printf("# %s\n", name);
	near(worst(f.w, want, FIX_ALL), 0, tolerance);
	for (i = 0; i < FIX_ALL && f.g[i] == 0; i++)
		;
	eq_int(i, FIX_ALL);
	eq_int(joptim_steps(opt), FIX_STEPS);
	joptim_free(opt);
}

/* The loss w^2 / 2 + gradient w: what SAM finds uphill is not what it finds below. */
static void
add_weights(struct fixture *f, int s)
{
	int i;

	fix_gradients(f, s);
	for (i = 0; i < FIX_ALL; i++)
		f->g[i] += f->w[i];
}

static void
sharpness(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	struct jerr e = { 0 };
	struct joptim *opt;
	struct fixture f;
	double norm;
	int s;

	fix_init(&f);
	o.name = "sgd";
	o.sam = 0.5;
	ok(joptim_new(&opt, f.p, FIX_PARAMS, &o, NULL, &e) == 0);
	for (s = 0; s < FIX_STEPS; s++) {
		add_weights(&f, s);
		ok(joptim_climb(opt, joptim_grad_norm(opt)));
		add_weights(&f, s);
		norm = joptim_grad_norm(opt);
		joptim_return(opt);
		joptim_step(opt, fix_rate(s), norm);
	}
	near(worst(f.w, traj_sam, FIX_ALL), 0, 1e-6);
	joptim_free(opt);
}

static void
eight_bits(void)
{
	struct joptim_opts o = JOPTIM_OPTS_INIT;
	int n = 64 * 80, i, s;
	float *w = malloc((size_t)n * sizeof(*w)), *g = malloc((size_t)n * sizeof(*g)), sample[84];
	struct jparam p = { .name = "model.layers.0.mlp.up_proj.weight", .n_dims = 2,
		.shape = { 64, 80 }, .value = w, .grad = g, .decay = true };
	struct jerr e = { 0 };
	struct joptim *opt;

	o.name = "adamw8bit";
	for (i = 0; i < n; i++)
		w[i] = fix_start(i, 0);
	ok(joptim_new(&opt, &p, 1, &o, NULL, &e) == 0);
	for (s = 0; s < FIX_STEPS; s++) {
		for (i = 0; i < n; i++)
			g[i] = fix_gradient(i, 0, s);
		joptim_step(opt, fix_rate(s), joptim_grad_norm(opt));
	}
	for (i = 0; i * 61 < n; i++)
		sample[i] = w[i * 61];
	eq_int(i, 84);
	near(worst(sample, traj_adamw8bit, 84), 0, 2e-6);
	joptim_free(opt);
	free(w);
	free(g);
}

int
main(void)
{
	static const struct joptim_scale groups[] = { { "*up_proj*", 0.5 }, { "*down_proj*", 2 } };
	static const struct joptim_scale decays[] = { { "*", 3 }, { "*up_proj*", 0 } };
	struct joptim_opts o = JOPTIM_OPTS_INIT, other = o;

	follow(o, "adamw", traj_adamw, 1e-6);
	follow(o, "sgd", traj_sgd, 1e-6);
	other.nesterov = true;
	follow(other, "sgd", traj_sgd_nesterov, 1e-6);
	other.nesterov = false;
	other.momentum = 0;
	follow(other, "sgd", traj_sgd_plain, 1e-6);
	follow(o, "adafactor", traj_adafactor, 1e-6);
	follow(o, "lion", traj_lion, 1e-6);
	follow(o, "lamb", traj_lamb, 2e-6);
	follow(o, "novograd", traj_novograd, 2e-6);
	follow(o, "muon", traj_muon, 1e-5);
	other = o;
	other.lr_scales = groups;
	other.n_lr_scales = 2;
	other.decay_scales = decays;
	other.n_decay_scales = 2;
	follow(other, "adamw", traj_groups, 1e-6);
	o.average = 0.6;
	follow(o, "adamw", traj_average, 1e-6);
	sharpness();
	eight_bits();
	return t_done();
}
