/*
 * graph_check.h - a recorded graph against the double reference, and the reference's gradients against
 * finite differences of its own forward pass.
 */
#ifndef GRAPH_CHECK_H
#define GRAPH_CHECK_H

#include "graph/ref.h"
#include "graph_model.h"

/* Largest |a - b| over the largest |b|. */
static inline double
gm_distance(const float *a, const double *b, int64_t n)
{
	double top = 1e-30, worst = 0;

	for (int64_t i = 0; i < n; i++) {
		double d = fabs((double)a[i] - b[i]);

		top = fabs(b[i]) > top ? fabs(b[i]) : top;
		worst = !(d <= worst) ? d : worst;
	}
	return worst / top;
}

static inline void
gm_check_fp32(struct gm *m, struct jref_graph *r, double scale)
{
	double worst = 0;

	gm_zero_grads(m);
	jgraph_set_loss_scale(m->g, (float)scale);
	jgraph_forward(m->g);
	near(gm_distance(jnode_data(m->nll), jref_value(r, m->nll), m->s.B * m->s.T), 0, 5e-6);
	jgraph_backward(m->g);
	for (int i = 0; i < m->n_params; i++) {
		double d = gm_distance(m->p[i].grad, jref_param_grad(r, &m->p[i]), gm_count(&m->p[i]));

		if (!(d <= worst))
			worst = d;
	}
	near(worst, 0, 2e-5);
}

/* The loss whose gradient backward gives: scale * sum over rows of nll + z log(Z)^2. */
static inline double
gm_loss(struct jref_graph *r, const struct gm *m, double scale,
	double (*extra)(struct jref_graph *r, const struct gm *m))
{
	const double *nll = jref_value(r, m->nll);
	double s = 0;

	jref_forward(r);
	for (int i = 0; i < m->s.B * m->s.T; i++)
		s += nll[i];
	return (s + (extra ? extra(r, m) : 0)) * scale;
}

/*
 * Five-point differences of some weights of every parameter; extra is what the gradient knows and
 * the loss does not (or NULL).
 */
static inline void
gm_check_differences(struct gm *m, struct jref_graph *r, double scale,
	double (*extra)(struct jref_graph *r, const struct gm *m))
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
				f[k] = gm_loss(r, m, scale, extra);
			}
			w[j] = old;
			d = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h);
			worst = fmax(worst, fabs(d - g[j]) / (1e-2 + fabs(g[j])));
		}
	}
	near(worst, 0, 1e-7);
}

#endif
