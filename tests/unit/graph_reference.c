/*
 * graph_reference.c - the fp32 graph against the double reference, and the reference's gradients
 * against finite differences of its own forward pass.
 */
#include "t.h"

#include "base/jsys.h"
#include "graph/ref.h"
#include "graph_model.h"
#include "tensor/jkern.h"

/* Largest |a - b| over the largest |b|. */
static double
distance(const float *a, const double *b, int64_t n)
{
	double top = 1e-30, worst = 0;

	for (int64_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - b[i]);

		top = fabs(b[i]) > top ? fabs(b[i]) : top;
		worst = !(d <= worst) ? d : worst;
	}
	return worst / top;
}

static void
check_fp32(struct gm *m, struct jref_graph *r, double scale)
{
	double worst = 0;

	gm_zero_grads(m);
	jgraph_set_loss_scale(m->g, (float)scale);
	jgraph_forward(m->g);
	near(distance(jnode_data(m->nll), jref_value(r, m->nll), m->s.B * m->s.T), 0, 5e-6);
	jgraph_backward(m->g);
	for (int i = 0; i < m->n_params; i++) {
		double d = distance(m->p[i].grad, jref_param_grad(r, &m->p[i]), gm_count(&m->p[i]));

		if (!(d <= worst))
			worst = d;
	}
	near(worst, 0, 2e-5);
}

/* The loss whose gradient backward gives: scale * sum over rows of nll + z log(Z)^2. */
static double
loss_of(struct jref_graph *r, const struct gm *m, double scale)
{
	const double *nll = jref_value(r, m->nll);
	double s = 0;

	jref_forward(r);
	for (int i = 0; i < m->s.B * m->s.T; i++)
		s += nll[i];
	return s * scale;
}

/* Five-point differences of some weights of every parameter; needs z_loss 0. */
static void
check_differences(struct gm *m, struct jref_graph *r, double scale)
{
	const double h = 1e-3;
	double worst = 0;

	for (int i = 0; i < m->n_params; i++) {
		double *w = jref_param(r, &m->p[i]), *g = jref_param_grad(r, &m->p[i]);
		int64_t n = gm_count(&m->p[i]);

		for (int64_t j = 0; j < n; j += n / 3 + 1) {
			double old = w[j], f[4], d;

			for (int k = 0; k < 4; k++) {
				w[j] = old + h * (double[]){ -2, -1, 1, 2 }[k];
				f[k] = loss_of(r, m, scale);
			}
			w[j] = old;
			d = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
			worst = fmax(worst, fabs(d - g[j]) / (1e-2 + fabs(g[j])));
		}
	}
	near(worst, 0, 1e-7);
}

static void
check_shape(const struct gm_shape *s, bool differences)
{
	const struct jgraph_plan_opts opts = { .training = true };
	struct jref_graph *r;
	struct jerr e = { 0 };
	double scale = 0.01;
	struct gm m;

	gm_init(&m, s, NULL);
	ok(jgraph_plan(m.g, &opts, NULL, &e) == 0);
	gm_fill(&m, 3);
	r = jref_new(m.g);
	jref_forward(r);
	jref_backward(r, scale);
	check_fp32(&m, r, scale);
	if (differences)
		check_differences(&m, r, scale);
	jref_free(r);
	gm_release(&m);
}

int
main(void)
{
	const struct gm_shape small = { .B = 2, .T = 9, .C = 12, .H = 4, .K = 2, .d = 6, .F = 10,
		.V = 23, .L = 2, .qk_norm = true, .bias = true, .seg = true };
	struct gm_shape s = small;
	const struct jkern *const *k = jkern_all();

	check_shape(&s, true);
	for (; *k; k++) {
		jsys_mask_features((*k)->features);
		printf("# %s\n", jkern_get()->name);
		eq_str(jkern_get()->name, (*k)->name);
		check_shape(&small, false);
		s = (struct gm_shape){ .B = 1, .T = 150, .C = 40, .H = 2, .K = 1, .d = 20, .F = 33,
			.V = 1100, .L = 1, .z_loss = 0.01f };
		check_shape(&s, false);
		s.window = 37;
		s.seg = true;
		check_shape(&s, false);
		s.window = 70;
		s.seg = false;
		check_shape(&s, false);
	}
	return t_done();
}
