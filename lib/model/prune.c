/*
 * prune.c - weights of least score set to zero.
 */
#include "model/jprune.h"

#include <math.h>
#include <string.h>

#include "base/jmem.h"
#include "model/arch.h"
#include "model/blocks.h"
#include "model/topk.h"

/* A matrix, or an expert's part of a stack. */
struct matrix {
	const struct jparam *p;
	float *w;			/* [rows, cols] */
	int64_t rows, cols;
	const float *x;			/* wanda: mean squares of what meets each column [cols] */
	uint64_t zeros;			/* out */
	double lost, all;		/* out: sums of squares, of what went and before */
};

struct work {
	const struct jmodel *m;
	const struct jprune *o;
	int64_t layer;			/* whose matrices are listed; -1: of all */
	struct matrix *v;
	size_t n, cap;
	struct jimatrix *seen;
	float *scores;			/* a row for each worker */
	int64_t widest;
	struct jerr *e;
};

static void
zero(struct matrix *x, float *w)
{
	x->lost += (double)*w * (double)*w;
	*w = 0;
}

/* Of n weights the `count` of smallest score. */
static void
zero_smallest(struct matrix *x, float *w, const float *score, int64_t n, int64_t count)
{
	int64_t equal = count;
	float limit;

	if (count <= 0)
		return;
	limit = topk_smallest(score, n, count - 1);
	for (int64_t i = 0; i < n; i++)
		equal -= fabsf(score[i]) < limit;
	for (int64_t i = 0; i < n; i++) {
		float s = fabsf(score[i]);

		if (s < limit || (s == limit && equal-- > 0))
			zero(x, &w[i]);
	}
}

/* Of each `of` neighbours all but the `keep` of largest score. */
static void
zero_pattern(struct matrix *x, float *w, const float *score, const struct jprune *o)
{
	for (int64_t first = 0; first < x->cols; first += o->of) {
		const float *s = score + first;
		bool out[JPRUNE_MAX_OF];

		for (int i = 0; i < o->of; i++) {
			int smaller = 0;

			for (int k = 0; k < o->of; k++)
				smaller += fabsf(s[k]) < fabsf(s[i]) ||
					(k < i && fabsf(s[k]) == fabsf(s[i]));
			out[i] = smaller < o->of - o->keep;
		}
		for (int i = 0; i < o->of; i++)
			if (out[i])
				zero(x, &w[first + i]);
	}
}

static void
score_row(const struct matrix *x, const float *w, float *score)
{
	for (int64_t c = 0; c < x->cols; c++)
		score[c] = fabsf(w[c]) * (x->x ? sqrtf(x->x[c]) : 1);
}

static void
prune_one(void *arg, int64_t i, int worker)
{
	struct work *k = arg;
	struct matrix *x = &k->v[i];
	float *score = k->scores + worker * k->widest;
	int64_t n = x->rows * x->cols;

	for (int64_t j = 0; j < n; j++)
		x->all += (double)x->w[j] * (double)x->w[j];
	if (!x->x && !k->o->of)
		zero_smallest(x, x->w, x->w, n, llrint(k->o->sparsity * (double)n));
	for (int64_t r = 0; (x->x || k->o->of) && r < x->rows; r++) {
		float *w = x->w + r * x->cols;

		score_row(x, w, score);
		if (k->o->of)
			zero_pattern(x, w, score, k->o);
		else
			zero_smallest(x, w, score, x->cols, llrint(k->o->sparsity * (double)x->cols));
	}
	for (int64_t j = 0; j < n; j++)
		x->zeros += x->w[j] == 0;
}

static int
list_matrix(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct work *k = arg;
	const struct jparam *p = &k->m->params[s->i];
	int64_t rows = s->shape[0] / s->parts, cols = s->shape[1];

	if (s->layer < 0 || s->n_dims != 2 || s->w->role == W_ROUTER ||
	    (k->layer >= 0 && s->layer != k->layer))
		return 0;
	if (k->o->of && cols % k->o->of)
		return jerr_set(e, JERR_ARG, "%s has rows of %lld weights: %d:%d wants a multiple of %d",
			p->name, (long long)cols, k->o->keep, k->o->of, k->o->of);
	if (cols > k->widest)
		k->widest = cols;
	JMEM_GROW(k->v, k->cap, k->n + (size_t)s->parts);
	for (int64_t part = 0; part < s->parts; part++)
		k->v[k->n++] = (struct matrix){ .p = p, .w = p->value + part * rows * cols,
			.rows = rows, .cols = cols };
	return 0;
}

static int
take_activations(struct work *k, struct jerr *e)
{
	for (size_t i = 0; i < k->n; i++) {
		struct matrix *x = &k->v[i];

		x->x = jimatrix_find(k->seen, x->p->name, x->cols);
		for (int64_t c = 0; x->x && c < x->cols; c++)
			if (!isfinite(x->x[c]))
				return jerr_set(e, JERR_FORMAT, "%s meets activations that are no numbers",
					x->p->name);
		if (!x->x)
			return jerr_set(e, JERR_UNSUPPORTED, "%s: no activation of the text meets it",
				x->p->name);
	}
	return 0;
}

/* The parts of a stack are told as one. */
static void
tell(const struct work *k)
{
	for (size_t i = 0; k->o->on_tensor && i < k->n;) {
		struct jprune_tensor t = { .name = k->v[i].p->name };
		const struct jparam *p = k->v[i].p;
		double lost = 0, all = 0;

		for (; i < k->n && k->v[i].p == p; i++) {
			t.n += (uint64_t)(k->v[i].rows * k->v[i].cols);
			t.zeros += k->v[i].zeros;
			lost += k->v[i].lost;
			all += k->v[i].all;
		}
		t.drift = all > 0 ? sqrt(lost / all) : 0;
		k->o->on_tensor(k->o->arg, &t);
	}
}

/* The matrices of a layer, or of all. */
static int
prune_listed(struct work *k, struct jpar *pool, struct jerr *e)
{
	int rc;

	k->n = 0;
	rc = arch_each(&k->m->cfg, list_matrix, k, e);
	if (rc == 0 && k->seen)
		rc = take_activations(k, e);
	if (rc < 0)
		return rc;
	k->scores = jmem_try((size_t)k->widest * (size_t)jpar_size(pool) + 1, sizeof(*k->scores));
	if (!k->scores)
		return jerr_set(e, JERR_NOMEM, "no memory for rows of %lld scores", (long long)k->widest);
	jpar_for(pool, (int64_t)k->n, prune_one, k);
	jmem_free(k->scores);
	tell(k);
	return 0;
}

static void
see(void *arg, const struct jparam *p, const float *rows, int64_t n, int64_t cols)
{
	struct work *k = arg;

	jimatrix_add(k->seen, p->name, rows, n, cols, k->e);
}

/* Twice through each layer: as it is, to see what meets its matrices, and pruned. */
static int
prune_by_layers(struct work *k, struct jmodel *m, struct jpar *pool, struct jerr *e)
{
	struct blocks b;
	int rc = blocks_open(&b, m, pool, k->o->text, 2 * (int)m->cfg.layers, e);

	if (rc < 0)
		return rc;
	for (k->layer = 0; rc == 0 && k->layer < m->cfg.layers; k->layer++) {
		struct blocks_pass look = { .layer = k->layer, .see = see, .arg = k };
		struct blocks_pass on = { .layer = k->layer, .keep = true };

		k->seen = jimatrix_new();
		rc = blocks_pass(&b, &look, e);
		if (rc == 0)
			rc = e->code;
		if (rc == 0)
			rc = prune_listed(k, pool, e);
		if (rc == 0)
			rc = blocks_pass(&b, &on, e);
		jimatrix_free(k->seen);
	}
	blocks_close(&b);
	return rc;
}

static int
check(const struct jmodel *m, const struct jprune *o, struct jerr *e)
{
	if (!m->values || m->adapter)
		return jerr_set(e, JERR_ARG, "the weights of this model are frozen, or bear an adapter");
	if (o->of && (o->keep < 1 || o->keep >= o->of || o->of > JPRUNE_MAX_OF))
		return jerr_set(e, JERR_ARG, "a pattern of %d:%d: expected N:M, N of each M stay, M at "
			"most %d", o->keep, o->of, JPRUNE_MAX_OF);
	if (!o->of && !(o->sparsity > 0 && o->sparsity < 1))
		return jerr_set(e, JERR_ARG, "a sparsity of %g: expected a share between 0 and 1",
			o->sparsity);
	if (o->method == JPRUNE_WANDA && m->cfg.experts > 0)
		return jerr_set(e, JERR_UNSUPPORTED, "wanda does not know which rows each expert met: "
			"prune a model with experts by magnitude");
	return 0;
}

int
jmodel_prune(struct jmodel *m, struct jpar *pool, const struct jprune *o, struct jerr *e)
{
	struct work k = { .m = m, .o = o, .layer = -1, .e = e };
	int rc = check(m, o, e);

	if (rc == 0)		/* do all rows fit the pattern? before any is changed */
		rc = arch_each(&m->cfg, list_matrix, &k, e);
	if (rc == 0)
		rc = o->method == JPRUNE_WANDA ? prune_by_layers(&k, m, pool, e)
			: prune_listed(&k, pool, e);
	jmem_free(k.v);
	return rc;
}
