#include "infer/jembed.h"

#include <math.h>
#include <string.h>

#include "model/jdescribe.h"

#define SHAPES 16		/* lengths of an encoder's graphs: powers of two and what is between */

struct shaped_encoder {
	struct jmodel_encode_graph eg;
	int T;
};

struct jembedder {
	struct jmodel *m;
	struct jpar *pool;
	struct jtok_state *state;
	struct jids ids;
	bool truncate;
	struct jinfer *inf;		/* decoders */
	float *hidden;			/* [cap, C] */
	size_t hidden_cap;
	struct shaped_encoder graphs[SHAPES];	/* encoders */
	int n_graphs;
};

int
jembed_new(struct jembedder **out, struct jmodel *m, const struct jtok *t, struct jpar *pool,
	bool truncate, struct jerr *e)
{
	struct jembedder *x = jmem_zalloc(1, sizeof(*x));
	int rc = 0;

	x->m = m;
	x->pool = pool;
	x->truncate = truncate;
	x->state = jtok_state_new(t);
	if (jmodel_has_head(&m->cfg))
		rc = jinfer_new(&x->inf, m, pool, 1, (int)(m->cfg.context < 8192 ? m->cfg.context : 8192), e);
	if (rc < 0) {
		jembed_free(x);
		x = NULL;
	}
	*out = x;
	return rc;
}

void
jembed_free(struct jembedder *x)
{
	if (!x)
		return;
	for (int i = 0; i < x->n_graphs; i++)
		jgraph_free(x->graphs[i].eg.g);
	jinfer_free(x->inf);
	jtok_state_free(x->state);
	jids_release(&x->ids);
	jmem_free(x->hidden);
	jmem_free(x);
}

size_t
jembed_width(const struct jembedder *x)
{
	return (size_t)x->m->cfg.hidden;
}

static int
get_encoder(struct jembedder *x, size_t n, struct jmodel_encode_graph **out, struct jerr *e)
{
	const struct jgraph_plan_opts opts = { .training = false };
	struct shaped_encoder *s;
	struct jgraph_plan plan;
	int T = 16, rc;

	while ((size_t)T < n)
		T *= 2;
	if (T > x->m->cfg.context)
		T = (int)x->m->cfg.context;
	for (int i = 0; i < x->n_graphs; i++) {
		if (x->graphs[i].T == T) {
			*out = &x->graphs[i].eg;
			return 0;
		}
	}
	s = &x->graphs[x->n_graphs];
	s->T = T;
	rc = jmodel_build_encode(x->m, x->pool, 1, T, &s->eg, e);
	if (rc < 0)
		return rc;
	rc = jgraph_plan(s->eg.g, &opts, &plan, e);
	if (rc < 0) {
		jgraph_free(s->eg.g);
		return rc;
	}
	x->n_graphs++;
	*out = &s->eg;
	return 0;
}

static int
encode(struct jembedder *x, float *out, struct jerr *e)
{
	struct jmodel_encode_graph *eg;
	int32_t *ids, *pos, *seg, *types;
	int n = (int)x->ids.n, T, rc = get_encoder(x, x->ids.n, &eg, e), dims;

	if (rc < 0)
		return rc;
	T = (int)jnode_shape(eg->ids, &dims)[0];
	ids = jnode_data(eg->ids);
	pos = jnode_data(eg->pos);
	seg = jnode_data(eg->seg);
	types = jnode_data(eg->types);
	for (int i = 0; i < T; i++) {
		ids[i] = i < n ? (int32_t)x->ids.v[i] : 0;
		pos[i] = i < n ? i : 0;
		seg[i] = i < n ? 0 : -1;
		types[i] = 0;
	}
	jgraph_forward(eg->g);
	memcpy(out, jnode_data(eg->pooled), jembed_width(x) * sizeof(*out));
	return 0;
}

static int
decode(struct jembedder *x, float *out, struct jerr *e)
{
	size_t n = x->ids.n, C = jembed_width(x);
	struct jinfer_feed f = { .ids = x->ids.v, .n = n };
	int rc;

	JMEM_GROW(x->hidden, x->hidden_cap, n * C);
	f.hidden = x->hidden;
	jinfer_reset(x->inf, 0);
	rc = jinfer_feed(x->inf, &f, 1, e);
	for (size_t c = 0; rc == 0 && c < C; c++) {
		double sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += x->hidden[i * C + c];
		out[c] = (float)(sum / (double)n);
	}
	return rc;
}

/* Encoders begin and end a text with tokens of their own, which a cut keeps. */
static int
fit(struct jembedder *x, struct jerr *e)
{
	size_t room = x->inf ? (size_t)jinfer_capacity(x->inf) : (size_t)x->m->cfg.context;

	if (x->ids.n == 0)
		return jerr_set(e, JERR_FORMAT, "an empty text has no embedding");
	if (x->ids.n <= room)
		return 0;
	if (!x->truncate)
		return jerr_set(e, JERR_LIMIT, "the text has %zu tokens, the context %zu (--truncate cuts it)",
			x->ids.n, room);
	if (!x->inf)
		x->ids.v[room - 1] = x->ids.v[x->ids.n - 1];
	x->ids.n = room;
	return 0;
}

int
jembed_text(struct jembedder *x, const char *text, size_t n, float *out, struct jerr *e)
{
	double sum = 0;
	float scale;
	int rc;

	x->ids.n = 0;
	rc = jtok_encode(x->state, text, n, JTOK_ADD_BOS_EOS, &x->ids, e);
	if (rc >= 0)
		rc = fit(x, e);
	if (rc >= 0)
		rc = x->inf ? decode(x, out, e) : encode(x, out, e);
	if (rc < 0)
		return rc;
	for (size_t c = 0; c < jembed_width(x); c++)
		sum += (double)out[c] * out[c];
	scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
	for (size_t c = 0; c < jembed_width(x); c++)
		out[c] *= scale;
	return 0;
}
