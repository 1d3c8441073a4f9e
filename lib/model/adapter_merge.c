/*
 * adapter_merge.c - an adapter becomes part of the weights it adapts.
 */
#include <math.h>
#include <string.h>

#include "model/adapter.h"
#include "model/arch.h"
#include "model/jweights.h"

/*
 * W [O, I] += f * B [O, r] A [r, I], row by row: the order of sums is that of r.  Of a stack each of the
 * parts has its own rows of W, B and A.
 */
static void
add_product(struct jparam *w, const struct jadapter_module *m, float f)
{
	int64_t I = w->shape[1], r = m->b->shape[1], rows = w->shape[0] / m->parts;

	for (int64_t o = 0; o < w->shape[0]; o++)
		for (int64_t k = 0; k < r; k++)
			jkern_get()->axpy(w->value + o * I, f * m->b->value[o * r + k],
				m->a->value + (o / rows * r + k) * I, I);
}

/* The table [V, C] += f * A [V, r] B^T. */
static void
add_table(struct jparam *w, const struct jparam *a, const struct jparam *b, float f)
{
	int64_t V = w->shape[0], C = w->shape[1], r = b->shape[1];

	for (int64_t v = 0; v < V; v++)
		for (int64_t c = 0; c < C; c++) {
			float s = 0;

			for (int64_t k = 0; k < r; k++)
				s += b->value[c * r + k] * a->value[v * r + k];
			w->value[v * C + c] += f * s;
		}
}

/* The columns of a table have the magnitudes, and its rows are what the adapter was added to. */
static int
merge_dora_table(struct jparam *w, const struct jadapter_module *m, float scale, struct jerr *e)
{
	const struct jlora l = { .a = m->a, .b = m->b, .scale = scale };
	int64_t V = w->shape[0], C = w->shape[1];
	float *factor = jmem_try((size_t)C, sizeof(*factor));

	if (!factor)
		return jerr_set(e, JERR_NOMEM, "no memory to merge %s", m->name);
	jlora_column_norms(jkern_get(), w, &l, factor);
	for (int64_t c = 0; c < C; c++)
		factor[c] = m->m->value[c] / factor[c];
	add_table(w, m->a, m->b, scale);
	for (int64_t i = 0; i < V * C; i++)
		w->value[i] *= factor[i % C];
	jmem_free(factor);
	return 0;
}

static int
merge_dora(struct jparam *w, const struct jadapter_module *m, float scale, struct jerr *e)
{
	const struct jlora l = { .a = m->a, .b = m->b, .scale = scale };
	float *norm = jmem_try((size_t)w->shape[0] + (size_t)w->shape[1], sizeof(*norm));
	int64_t I = w->shape[1];

	if (!norm)
		return jerr_set(e, JERR_NOMEM, "no memory to merge %s", m->name);
	for (int64_t o = 0; o < w->shape[0]; o++)
		norm[o] = jlora_row_norm(jkern_get(), w, &l, o, norm + w->shape[0]);
	add_product(w, m, scale);
	for (int64_t o = 0; o < w->shape[0]; o++)
		jkern_get()->scale(w->value + o * I, m->m->value[o] / norm[o], I);
	jmem_free(norm);
	return 0;
}

static int
merge_module(const struct jadapter *a, const struct jadapter_module *mod, struct jmodel *m,
	double weight, struct jerr *e)
{
	struct jparam *w = adapter_weight(m, mod);
	float scale = adapter_scale(a, mod);

	if (mod->m)
		return (mod->look_up ? merge_dora_table : merge_dora)(w, mod, scale, e);
	if (mod->look_up)
		add_table(w, mod->a, mod->b, scale * (float)weight);
	else
		add_product(w, mod, scale * (float)weight);
	return 0;
}

/* Whether one side only of a table that embedding and head share is adapted. */
static bool
splits_table(const struct jadapter *a, struct jmodel *m)
{
	for (size_t i = 0; m->cfg.tied && i < a->n_modules; i++)
		if (adapter_weight(m, &a->modules[i]) == &m->params[0])
			return true;
	return false;
}

/* The same model with fp32 weights of its own, tied or with a head of its own. */
static int
remake(struct jmodel **m, bool tied, struct jerr *e)
{
	struct jmodel_config c = (*m)->cfg;
	struct jmodel *out;
	size_t i;

	c.tied = tied;
	if (jmodel_new(&out, &c, e) < 0)
		return e->code;
	for (i = 0; i < out->n_params; i++) {
		struct jparam *to = &out->params[i];
		const struct jparam *from = jmodel_param(*m, to->name);

		jmodel_rows(from ? from : &(*m)->params[0], 0, to->n_dims > 1 ? to->shape[0] : 1,
			to->value);
	}
	jmodel_free(*m);
	*m = out;
	return 0;
}

int
jmodel_thaw(struct jmodel **m, struct jerr *e)
{
	return remake(m, (*m)->cfg.tied, e);
}

static int
check_merge(const struct jadapter *a, const struct jmodel *m, double weight, struct jerr *e)
{
	if (!m->values)
		jbug("adapter: merged into weights that are frozen");
	if (weight != 1 && (a->dora || a->n_whole > 0))
		return jerr_set(e, JERR_ARG, "an adapter with %s cannot be weighted: only with weight 1",
			a->dora ? "DoRA" : "whole tensors");
	for (size_t i = 0; i < m->n_params; i++)
		if (m->params[i].lora || m->params[i].lora_rows)
			return jerr_set(e, JERR_ARG, "%s bears an adapter", m->params[i].name);
	return 0;
}

/* Puts whole tensors in place; shapes were checked by attaching. */
static void
copy_whole(const struct jadapter *a, struct jmodel *m)
{
	for (size_t i = a->n_params - a->n_whole; i < a->n_params; i++) {
		const struct jparam *p = &a->params[i];
		struct jparam *w = jmodel_param(m, p->name + strlen(ADAPTER_PREFIX));

		if (w)	/* else the head of a tied table, which has the same values */
			memcpy(w->value, p->value, (size_t)(p->shape[0]
				* (p->n_dims > 1 ? p->shape[1] : 1)) * sizeof(float));
	}
}

/* Attaching checks every name and shape; the model is then as it was. */
static int
check_fit(const struct jadapter *a, struct jmodel *m, struct jerr *e)
{
	struct jadapter trial = *a;
	struct jparam *saved = jmem_alloc(m->n_params, sizeof(*saved));
	size_t i;

	memcpy(saved, m->params, m->n_params * sizeof(*saved));
	trial.modules = jmem_alloc(a->n_modules + 1, sizeof(*trial.modules));
	memcpy(trial.modules, a->modules, a->n_modules * sizeof(*trial.modules));
	for (i = 0; i < a->n_modules; i++)
		trial.modules[i].norm = NULL;
	trial.whole = NULL;
	jadapter_attach(&trial, m, e);
	for (i = 0; i < a->n_modules; i++)
		jmem_free(trial.modules[i].norm);
	memcpy(m->params, saved, m->n_params * sizeof(*saved));
	jmem_free(trial.whole);
	jmem_free(trial.modules);
	jmem_free(saved);
	return e->code;
}

int
jadapter_merge(const struct jadapter *a, struct jmodel **m, double weight, struct jerr *e)
{
	if (check_merge(a, *m, weight, e) < 0 || check_fit(a, *m, e) < 0)
		return e->code;
	if (splits_table(a, *m) && remake(m, false, e) < 0)
		return e->code;
	copy_whole(a, *m);
	for (size_t i = 0; i < a->n_modules; i++)
		if (merge_module(a, &a->modules[i], *m, weight, e) < 0)
			return e->code;
	return 0;
}
