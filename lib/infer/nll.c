/*
 * Scoring text: windows over the ids through the training graph (forward only), whose head computes
 * the negative log-likelihood without the whole logit matrix.
 */
#include "infer/jinfer.h"
#include "infer/jnll.h"

#include <string.h>

#define STEP 64		/* window lengths are rounded up to this, so that few graphs serve all texts */
#define MAX_GRAPHS 16

struct window {
	int T;
	struct jmodel_train_graph tg;
};

struct jscorer {
	struct jmodel *m;
	struct jpar *pool;
	int context;
	struct window w[MAX_GRAPHS];
	int n, next;
};

int
jscorer_new(struct jscorer **out, struct jmodel *m, struct jpar *pool, int context, struct jerr *e)
{
	struct jscorer *s;

	if (context < 2 || context > m->cfg.context)
		return jerr_set(e, JERR_ARG, "a scoring context of %d: expected 2..%lld", context,
			(long long)m->cfg.context);
	s = jmem_zalloc(1, sizeof(*s));
	s->m = m;
	s->pool = pool;
	s->context = context;
	*out = s;
	return 0;
}

void
jscorer_free(struct jscorer *s)
{
	if (!s)
		return;
	for (int i = 0; i < s->n; i++)
		jgraph_free(s->w[i].tg.g);
	jmem_free(s);
}

static int
get_window(struct jscorer *s, int T, struct window **out, struct jerr *e)
{
	const struct jgraph_plan_opts opts = { .products = JPRODUCTS_F32 };
	struct jgraph_plan plan;
	struct window w = { .T = T };
	int rc;

	for (int i = 0; i < s->n; i++) {
		if (s->w[i].T == T) {
			*out = &s->w[i];
			return 0;
		}
	}
	rc = jmodel_build_train(s->m, s->pool, 1, T, 0, &w.tg, e);
	if (rc < 0)
		return rc;
	rc = jgraph_plan(w.tg.g, &opts, &plan, e);
	if (rc < 0) {
		jgraph_free(w.tg.g);
		return rc;
	}
	if (s->n < MAX_GRAPHS) {
		*out = &s->w[s->n++];
	} else {
		*out = &s->w[s->next++ % MAX_GRAPHS];
		jgraph_free((*out)->tg.g);
	}
	**out = w;
	return 0;
}

/* Inputs ids[0..n-1] predict ids[1..n]; of those, targets from `from` on are scored. */
static int
score_window(struct jscorer *s, const uint32_t *ids, size_t n, size_t from, double *nll,
	struct jerr *e)
{
	int T = (int)((n + STEP - 1) / STEP * STEP);
	struct window *w;
	int32_t *in, *pos, *seg, *targets;
	const float *out;
	int rc = get_window(s, T < s->context ? T : s->context, &w, e);

	if (rc < 0)
		return rc;
	in = jnode_data(w->tg.ids);
	pos = jnode_data(w->tg.pos);
	seg = jnode_data(w->tg.seg);
	targets = jnode_data(w->tg.targets);
	for (int t = 0; t < w->T; t++) {	/* rows behind the text cannot be seen by it */
		in[t] = (size_t)t < n ? (int32_t)ids[t] : 0;
		pos[t] = t;
		seg[t] = 0;
		targets[t] = (size_t)t < n && (size_t)t + 1 >= from ? (int32_t)ids[t + 1] : -1;
	}
	jgraph_forward(w->tg.g);
	out = jnode_data(w->tg.nll);
	for (size_t t = 0; t < n; t++)
		if (t + 1 >= from)
			nll[t + 1] = (double)out[t];
	return 0;
}

int
jscorer_nll(struct jscorer *s, const uint32_t *ids, size_t n, double *nll, struct jerr *e)
{
	size_t ctx = (size_t)s->context, half = ctx / 2, at = 0, from = 1;

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (ids[i] >= (uint64_t)s->m->cfg.vocab_size)
			return jerr_set(e, JERR_ARG, "token id %lu: the model's vocabulary has %lld",
				(unsigned long)ids[i], (long long)s->m->cfg.vocab_size);
	nll[0] = 0;
	while (from < n) {
		size_t len = n - 1 - at < ctx ? n - 1 - at : ctx;
		int rc = score_window(s, ids + at, len, from - at, nll + at, e);

		if (rc < 0)
			return rc;
		from = at + len + 1;
		at += half;
	}
	return 0;
}

int
jinfer_nll(struct jmodel *m, struct jpar *pool, const struct jids *ids, int context, double *nll,
	struct jerr *e)
{
	struct jscorer *s = NULL;
	int rc = jscorer_new(&s, m, pool, context, e);

	if (rc < 0)
		return rc;
	rc = jscorer_nll(s, ids->v, ids->n, nll, e);
	jscorer_free(s);
	return rc;
}
