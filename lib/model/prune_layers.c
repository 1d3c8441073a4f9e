/*
 * prune_layers.c - which layers a model would miss least, and models of some layers of another.
 */
#include "model/jprune.h"

#include <math.h>
#include <string.h>

#include "model/arch.h"
#include "model/blocks.h"
#include "model/jweights.h"
#include "model/weights.h"

struct cosine {
	int64_t cols;
	double sum;
	uint64_t rows;
};

static void
add_rows(void *arg, const float *in, const float *out, int64_t n)
{
	struct cosine *c = arg;

	for (int64_t r = 0; r < n; r++, in += c->cols, out += c->cols) {
		double xx = 0, yy = 0, xy = 0;

		for (int64_t i = 0; i < c->cols; i++) {
			xx += (double)in[i] * (double)in[i];
			yy += (double)out[i] * (double)out[i];
			xy += (double)in[i] * (double)out[i];
		}
		c->sum += xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
		c->rows++;
	}
}

int
jmodel_influence(struct jmodel *m, struct jpar *pool, struct jcalibration *text, double *influence,
	struct jerr *e)
{
	struct blocks b;
	int rc = blocks_open(&b, m, pool, text, (int)m->cfg.layers, e);

	if (rc < 0)
		return rc;
	for (int64_t l = 0; rc == 0 && l < m->cfg.layers; l++) {
		struct cosine c = { .cols = m->cfg.hidden };
		struct blocks_pass p = { .layer = l, .rows = add_rows, .arg = &c, .keep = true };

		rc = blocks_pass(&b, &p, e);
		influence[l] = rc == 0 ? 1 - c.sum / (double)c.rows : 0;
		if (rc == 0 && !isfinite(influence[l]))
			rc = jerr_set(e, JERR_FORMAT, "layer %lld gives values that are no numbers",
				(long long)l);
	}
	blocks_close(&b);
	return rc;
}

void
jmodel_most_influential(const double *influence, int64_t layers, int64_t keep,
	struct jmodel_layers *kept)
{
	memset(kept, 0, sizeof(*kept));
	for (; keep > 0; keep--) {
		int64_t best = -1;

		for (int64_t l = 0; l < layers; l++)
			if (!jmodel_layer_in(kept, l) && (best < 0 || influence[l] > influence[best]))
				best = l;
		if (best >= 0)
			layers_add(kept, best);
	}
}

/* The same set, its layers renumbered. */
static void
renumber(struct jmodel_layers *s, int64_t layers, const struct jmodel_layers *kept)
{
	struct jmodel_layers old = *s;
	int64_t at = 0;

	memset(s, 0, sizeof(*s));
	for (int64_t l = 0; l < layers; l++) {
		if (!jmodel_layer_in(kept, l))
			continue;
		if (jmodel_layer_in(&old, l))
			layers_add(s, at);
		at++;
	}
}

struct copy {
	const struct jmodel *from;
	const struct jmodel_layers *kept;
	struct jparam *to;		/* the next one; both are in the same order */
};

static int
copy_one(const struct arch_slot *s, void *arg, struct jerr *e)
{
	struct copy *c = arg;
	const struct jparam *p = &c->from->params[s->i];

	(void)e;
	if (s->layer >= 0 && !jmodel_layer_in(c->kept, s->layer))
		return 0;
	jmodel_rows(p, 0, weights_count(p) / p->shape[p->n_dims - 1], c->to->value);
	c->to++;
	return 0;
}

int
jmodel_keep_layers(struct jmodel **out, const struct jmodel *m, const struct jmodel_layers *kept,
	struct jerr *e)
{
	struct jmodel_config c = m->cfg;
	struct copy copy = { .from = m, .kept = kept };
	int rc;

	if (m->adapter)
		return jerr_set(e, JERR_ARG, "the model bears an adapter: merge it first (jmodel merge)");
	c.layers = 0;
	for (int64_t l = 0; l < m->cfg.layers; l++)
		c.layers += jmodel_layer_in(kept, l);
	renumber(&c.windowed, m->cfg.layers, kept);
	renumber(&c.no_rope, m->cfg.layers, kept);
	renumber(&c.dense, m->cfg.layers, kept);
	rc = jmodel_new(out, &c, e);
	if (rc < 0)
		return rc;
	copy.to = (*out)->params;
	return arch_each(&m->cfg, copy_one, &copy, e);
}
