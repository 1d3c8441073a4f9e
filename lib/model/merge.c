#include "model/jmerge.h"

#include <math.h>
#include <string.h>

#include "base/jrand.h"
#include "model/topk.h"
#include "model/weights.h"

#define MAX_MODELS 64

struct work {
	const struct jmerge *o;
	const struct jparam *p;		/* the one being merged, of the first model */
	int64_t n;
	float **v;			/* values of each model, then (ties, dare) its difference */
	float *base, *out;
};

const char *const jmerge_names = "linear|slerp|ties|dare|dare-ties";

int
jmerge_find(const char *name)
{
	static const char *const names[] = { "linear", "slerp", "ties", "dare", "dare-ties" };

	for (int i = 0; i < 5; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static void
read_all(const struct jparam *p, float *to)
{
	jmodel_rows(p, 0, weights_count(p) / p->shape[p->n_dims - 1], to);
}

static void
linear(const struct work *w, const double *weights, size_t n)
{
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += weights[k];
	for (int64_t i = 0; i < w->n; i++) {
		double v = 0;

		for (size_t k = 0; k < n; k++)
			v += weights[k] * (double)w->v[k][i];
		w->out[i] = (float)(v / sum);
	}
}

static void
slerp(const struct work *w)
{
	double aa = 0, bb = 0, ab = 0, t = w->o->t, c, angle, weights[2];

	for (int64_t i = 0; i < w->n; i++) {
		double a = (double)w->v[0][i], b = (double)w->v[1][i];

		aa += a * a;
		bb += b * b;
		ab += a * b;
	}
	weights[0] = 1 - t;
	weights[1] = t;
	c = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 1;
	if (fabs(c) > 0.9995) {
		linear(w, weights, 2);
		return;
	}
	angle = acos(c);
	weights[0] = sin((1 - t) * angle) / sin(angle);
	weights[1] = sin(t * angle) / sin(angle);
	for (int64_t i = 0; i < w->n; i++)
		w->out[i] = (float)(weights[0] * (double)w->v[0][i] +
			weights[1] * (double)w->v[1][i]);
}

static void
trim(const struct work *w, float *d)
{
	int64_t keep = (int64_t)(w->o->density * (double)w->n + 0.5);

	topk_keep(d, w->n, keep > 0 ? keep : 1, true);
}

static void
drop(const struct work *w, size_t k, float *d)
{
	struct jrand r;
	float up = (float)(1 / w->o->density);

	jrand_init_str(&r, w->o->seed + k * 0x9e3779b97f4a7c15u, w->p->name, strlen(w->p->name));
	for (int64_t i = 0; i < w->n; i++)
		d[i] = jrand_double(&r) < w->o->density ? d[i] * up : 0;
}

/* Differences with the sign of their weighted sum: averaged or summed. */
static double
elected(const struct work *w, int64_t i, bool average)
{
	double all = 0, sum = 0, weights = 0;

	for (size_t k = 0; k < w->o->n; k++)
		all += w->o->weights[k] * (double)w->v[k][i];
	for (size_t k = 0; k < w->o->n; k++) {
		double d = w->o->weights[k] * (double)w->v[k][i];

		if (d * all > 0) {
			sum += d;
			weights += w->o->weights[k];
		}
	}
	return average && weights != 0 ? sum / weights : sum;
}

static void
from_base(const struct work *w)
{
	enum jmerge_method method = w->o->method;

	for (size_t k = 0; k < w->o->n; k++) {
		for (int64_t i = 0; i < w->n; i++)
			w->v[k][i] -= w->base[i];
		if (method == JMERGE_TIES)
			trim(w, w->v[k]);
		else
			drop(w, k, w->v[k]);
	}
	for (int64_t i = 0; i < w->n; i++) {
		double d = 0;

		if (method == JMERGE_DARE)
			for (size_t k = 0; k < w->o->n; k++)
				d += w->o->weights[k] * (double)w->v[k][i];
		else
			d = elected(w, i, method == JMERGE_TIES);
		w->out[i] = (float)((double)w->base[i] + d);
	}
}

/* |out - ref| / |ref|; NaN where a value is none. */
static double
drift_of(const float *out, const float *ref, int64_t n)
{
	double d = 0, all = 0;

	for (int64_t i = 0; i < n; i++) {
		double x = (double)out[i] - (double)ref[i];

		d += x * x;
		all += (double)ref[i] * (double)ref[i];
	}
	if (isnan(d) || isinf(d))
		return NAN;
	return all > 0 ? sqrt(d / all) : sqrt(d);
}

static int
merge_param(struct work *w, size_t i, struct jerr *e)
{
	const struct jmerge *o = w->o;
	double drift;

	w->p = &o->models[0]->params[i];
	w->n = weights_count(w->p);
	for (size_t k = 0; k < o->n; k++)
		read_all(&o->models[k]->params[i], w->v[k]);
	read_all(&(o->base ? o->base : o->models[0])->params[i], w->base);
	switch (o->method) {
	case JMERGE_LINEAR:
		linear(w, o->weights, o->n);
		break;
	case JMERGE_SLERP:
		slerp(w);
		break;
	default:
		from_base(w);
		break;
	}
	drift = drift_of(w->out, w->base, w->n);
	if (isnan(drift))
		return jerr_set(e, JERR_FORMAT, "tensor %s: the merge gives values that are no numbers",
			w->p->name);
	if (o->on_tensor)
		o->on_tensor(o->arg, w->p->name, drift);
	return 0;
}

static int
check_same(const struct jmodel *a, const struct jmodel *b, struct jerr *e)
{
	if (a->adapter || b->adapter)
		return jerr_set(e, JERR_ARG, "an adapter is merged into its base first");
	if (a->n_params != b->n_params || a->cfg.arch != b->cfg.arch)
		return jerr_set(e, JERR_ARG, "models of different architecture or depth cannot be merged: "
			"%s with %zu tensors, %s with %zu", jmodel_arch_name(&a->cfg), a->n_params,
			jmodel_arch_name(&b->cfg), b->n_params);
	for (size_t i = 0; i < a->n_params; i++) {
		const struct jparam *p = &a->params[i], *q = &b->params[i];

		if (strcmp(p->name, q->name) != 0 || p->n_dims != q->n_dims ||
		    memcmp(p->shape, q->shape, (size_t)p->n_dims * sizeof(p->shape[0])) != 0)
			return jerr_set(e, JERR_ARG, "tensor %s: the models differ in shape", p->name);
	}
	return 0;
}

static int
check(const struct jmerge *o, struct jerr *e)
{
	bool based = o->method >= JMERGE_TIES;
	double sum = 0;

	for (size_t k = 0; k < o->n; k++)
		sum += o->weights[k];
	if (o->n < 1 || o->n > MAX_MODELS || (o->method == JMERGE_SLERP && o->n != 2))
		return jerr_set(e, JERR_ARG, "slerp merges two models, the others up to %d; got %zu",
			MAX_MODELS, o->n);
	if (based != (o->base != NULL))
		return jerr_set(e, JERR_ARG, based ? "ties and dare need the base that the models come "
			"from" : "linear and slerp have no base");
	if (o->method == JMERGE_LINEAR && !(fabs(sum) > 1e-9))
		return jerr_set(e, JERR_ARG, "the weights add up to %g", sum);
	if (based && !(o->density > 0 && o->density <= 1))
		return jerr_set(e, JERR_ARG, "a density of %g: expected more than 0, at most 1",
			o->density);
	for (size_t k = 0; k < o->n; k++)
		if (check_same(o->base ? o->base : o->models[0], o->models[k], e) < 0)
			return e->code;
	return 0;
}

static int
merge_all(struct jmodel *m, const struct jmerge *o, struct jerr *e)
{
	float *v[MAX_MODELS] = { NULL };
	struct work w = { .o = o, .v = v };
	int64_t most = 0;
	int rc = 0;

	for (size_t i = 0; i < m->n_params; i++)
		if (weights_count(&m->params[i]) > most)
			most = weights_count(&m->params[i]);
	w.base = jmem_try((size_t)most, sizeof(float));
	for (size_t k = 0; k < o->n; k++)
		v[k] = jmem_try((size_t)most, sizeof(float));
	for (size_t k = 0; k < o->n; k++)
		if (!v[k] || !w.base)
			rc = jerr_set(e, JERR_NOMEM, "no memory for %zu copies of a tensor of %lld "
				"weights", o->n + 1, (long long)most);
	for (size_t i = 0; rc == 0 && i < m->n_params; i++) {
		w.out = m->params[i].value;
		rc = merge_param(&w, i, e);
	}
	for (size_t k = 0; k < o->n; k++)
		jmem_free(v[k]);
	jmem_free(w.base);
	return rc;
}

int
jmodel_merge(struct jmodel **out, const struct jmerge *o, struct jerr *e)
{
	struct jmodel *m;
	int rc = check(o, e);

	if (rc == 0)
		rc = jmodel_new(&m, &o->models[0]->cfg, e);
	if (rc < 0)
		return rc;
	rc = merge_all(m, o, e);
	if (rc < 0)
		jmodel_free(m);
	else
		*out = m;
	return rc;
}
