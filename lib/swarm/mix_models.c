/*
 * mix_models.c - one text from several models, token by token.
 */
#include "swarm/answer.h"

#include <math.h>
#include <string.h>

#include "base/jhash.h"
#include "base/jsys.h"

#define EVEN 0.1		/* of a prior, spread over all */
#define READ_ROWS 64		/* logits of so many tokens of the question at once */

struct mixing {
	const struct jswarm_mix *o;
	struct member **x;
	size_t n, V;
	struct jmixture mix;
	float **logits;			/* [n][V] */
	float *p;			/* [V] ln of the mixture */
	double *logz, *logp;		/* [n] */
	double *sum;			/* [n] of the weights at each token of the answer */
	struct jids ids;		/* of the answer */
	struct jbuf text;
	struct jsampler *sampler;
	struct jrand rand;
	double temperature;
	size_t max_tokens;
};

static int
open_all(struct jswarm *s, struct mixing *m, struct jerr *e)
{
	unsigned char first[32], print[32];

	for (; m->n < m->o->n; m->n++) {
		int rc = member_get(s, &m->o->models[m->n], &m->x[m->n], e);

		if (rc < 0)
			return rc;
		jtok_fingerprint(m->x[m->n]->tok, m->n ? print : first);
		if (m->n && (memcmp(first, print, sizeof(first)) != 0 ||
		    m->x[m->n]->m->cfg.vocab_size != m->x[0]->m->cfg.vocab_size)) {
			member_put(m->x[m->n]);
			return jerr_set(e, JERR_ARG, "%s and %s have different tokenizers: they cannot be "
				"mixed token by token (other modes can)", m->o->models[0].model,
				m->o->models[m->n].model);
		}
	}
	m->V = (size_t)m->x[0]->m->cfg.vocab_size;
	return 0;
}

static void
allocate(struct mixing *m)
{
	m->logits = jmem_zalloc(m->n, sizeof(*m->logits));
	for (size_t k = 0; k < m->n; k++)
		m->logits[k] = jmem_alloc(m->V, sizeof(float));
	m->p = jmem_alloc(m->V, sizeof(*m->p));
	m->logz = jmem_alloc(m->n, sizeof(*m->logz));
	m->logp = jmem_alloc(m->n, sizeof(*m->logp));
	m->sum = jmem_zalloc(m->n, sizeof(*m->sum));
	m->sampler = jsampler_new((int64_t)m->V);
}

static void
release(struct mixing *m)
{
	for (size_t k = 0; m->logits && k < m->n; k++)
		jmem_free(m->logits[k]);
	for (size_t k = 0; k < m->n; k++)
		member_put(m->x[k]);
	jmem_free(m->logits);
	jmem_free(m->x);
	jmem_free(m->p);
	jmem_free(m->logz);
	jmem_free(m->logp);
	jmem_free(m->sum);
	jsampler_free(m->sampler);
	jmixture_release(&m->mix);
	jids_release(&m->ids);
	jbuf_release(&m->text);
}

/* One token into all; their logits for the next. */
static int
feed(struct mixing *m, uint32_t id, struct jerr *e)
{
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < m->n; k++) {
		struct jinfer_feed f = { .ids = &id, .n = 1, .logits = m->logits[k] };

		rc = jinfer_feed(m->x[k]->inf, &f, 1, e);
		m->logz[k] = jsample_log_sum(m->logits[k], (int64_t)m->V);
	}
	return rc;
}

static void
learn(struct mixing *m, uint32_t id)
{
	for (size_t k = 0; k < m->n; k++)
		m->logp[k] = (double)m->logits[k][id] - m->logz[k];
	jmixture_step(&m->mix, m->logp);
}

/* ln p of ids[1..n-1] by one model into logp[n]; its logits after the last. */
static int
read_alone(struct mixing *m, size_t k, const struct jids *ids, double *logp, struct jerr *e)
{
	float *all = jmem_alloc(READ_ROWS * m->V, sizeof(*all));
	int rc = 0;

	jinfer_reset(m->x[k]->inf, 0);
	for (size_t at = 0; rc == 0 && at < ids->n; at += READ_ROWS) {
		size_t n = ids->n - at < READ_ROWS ? ids->n - at : READ_ROWS;
		struct jinfer_feed f = { .ids = ids->v + at, .n = n, .all_logits = all };

		rc = jinfer_feed(m->x[k]->inf, &f, 1, e);
		for (size_t i = 0; rc == 0 && i < n && at + i + 1 < ids->n; i++)
			logp[at + i + 1] = (double)all[i * m->V + ids->v[at + i + 1]] -
				jsample_log_sum(all + i * m->V, (int64_t)m->V);
		if (rc == 0)
			memcpy(m->logits[k], all + (n - 1) * m->V, m->V * sizeof(*all));
	}
	m->logz[k] = jsample_log_sum(m->logits[k], (int64_t)m->V);
	jmem_free(all);
	return rc;
}

/*
 * The question's own tokens move the weights as the answer's do; what the chat template puts around
 * them says nothing about who knows the subject.
 */
static int
learn_question(struct mixing *m, const char *question, struct jerr *e)
{
	struct member *x = m->x[0];
	struct jids ids = { 0 };
	double *logp;
	int rc = jinfer_prompt(x->state, x->tok, &(struct jprompt){ question, strlen(question), false },
		&ids, e);

	if (rc == 0 && ids.n > (size_t)jinfer_capacity(x->inf))
		ids.n = (size_t)jinfer_capacity(x->inf);
	logp = jmem_alloc(m->n * ids.n + 1, sizeof(*logp));
	for (size_t k = 0; rc == 0 && k < m->n; k++)
		rc = read_alone(m, k, &ids, logp + k * ids.n, e);
	for (size_t i = 1; rc == 0 && i < ids.n; i++) {
		for (size_t k = 0; k < m->n; k++)
			m->logp[k] = logp[k * ids.n + i];
		jmixture_step(&m->mix, m->logp);
	}
	jmem_free(logp);
	jids_release(&ids);
	return rc;
}

/* The question as it is put, into all models. */
static int
read_question(struct mixing *m, const struct jids *ids, struct jerr *e)
{
	double *logp = jmem_alloc(ids->n + 1, sizeof(*logp));
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < m->n; k++)
		rc = read_alone(m, k, ids, logp, e);
	jmem_free(logp);
	return rc;
}

static bool
ends(const struct mixing *m, uint32_t id)
{
	const struct member *x = m->x[0];
	const uint32_t *stops;
	size_t n;

	if (id == x->m->cfg.eos || id == x->m->cfg.bos || id == jtok_bos(x->tok))
		return true;
	stops = jtok_stops(x->tok, &n);
	for (size_t i = 0; i < n; i++)
		if (stops[i] == id)
			return true;
	return false;
}

static uint32_t
choose(struct mixing *m, const struct jswarm_mix *o)
{
	struct jsample_opts s = JSAMPLE_OPTS_INIT;

	s.temperature = m->temperature;
	s.top_p = o->top_p > 0 ? o->top_p : 1;
	for (size_t v = 0; v < m->V; v++) {
		double p = 0;

		for (size_t k = 0; k < m->n; k++)
			p += m->mix.w[k] * exp((double)m->logits[k][v] - m->logz[k]);
		m->p[v] = p > 0 ? (float)log(p) : -INFINITY;
	}
	return jsample_choose(m->sampler, m->p, &s, &m->rand);
}

static int
push(struct mixing *m, uint32_t id, const struct jswarm_ask *q, bool *stop, struct jerr *e)
{
	size_t before = m->text.n;
	int rc;

	JMEM_GROW(m->ids.v, m->ids.cap, m->ids.n + 1);
	m->ids.v[m->ids.n++] = id;
	if (!q->on_text)
		return 0;
	jbuf_reset(&m->text);
	rc = jtok_decode(m->x[0]->state, m->ids.v, m->ids.n, false, &m->text, e);
	if (rc >= 0 && m->text.n > before)
		*stop = q->on_text(q->arg, m->text.p + before, m->text.n - before) != 0;
	return rc < 0 ? rc : 0;
}

static int
write_answer(struct mixing *m, const struct jswarm_ask *q, struct jerr *e)
{
	bool stop = false;
	int rc = 0;

	while (rc == 0 && !stop && m->ids.n < m->max_tokens) {
		uint32_t id = choose(m, m->o);

		if (ends(m, id))
			break;
		for (size_t k = 0; k < m->n; k++)
			m->sum[k] += m->mix.w[k];
		rc = push(m, id, q, &stop, e);
		learn(m, id);
		for (size_t k = 0; k < m->n; k++)
			stop = stop || jinfer_length(m->x[k]->inf, 0) >=
				(size_t)jinfer_capacity(m->x[k]->inf);
		if (rc == 0 && !stop)
			rc = feed(m, id, e);
	}
	return rc;
}

int
jswarm_mix(struct jswarm *s, const struct jswarm_mix *o, const struct jswarm_ask *q, double *w,
	struct jswarm_reply *r, struct jerr *e)
{
	struct mixing m = { .o = o, .x = jmem_zalloc(o->n ? o->n : 1, sizeof(struct member *)) };
	double begin = jsys_now();
	struct jids ids = { 0 };
	int rc;

	m.temperature = s->o.temperature >= 0 ? s->o.temperature : o->temperature;
	m.max_tokens = (size_t)(s->o.max_tokens > 0 ? s->o.max_tokens : o->max_tokens);
	jbuf_init(&m.text);
	rc = open_all(s, &m, e);
	jmixture_init(&m.mix, m.n, o->share);
	if (o->prior)
		jmixture_prior(&m.mix, o->prior, EVEN);
	if (rc == 0) {
		allocate(&m);
		jrand_init(&m.rand, s->o.seed, jhash64(q->question, strlen(q->question), 0) + q->key);
		rc = ask_ids(m.x[0], q, r, &ids, e);
	}
	if (rc == 0)
		rc = learn_question(&m, q->question, e);
	if (rc == 0)
		rc = read_question(&m, &ids, e);
	if (rc == 0)
		rc = write_answer(&m, q, e);
	if (rc == 0)
		rc = jtok_decode(m.x[0]->state, m.ids.v, m.ids.n, false, &r->text, e);
	for (size_t k = 0; rc >= 0 && k < m.n; k++)
		w[k] = m.ids.n ? m.sum[k] / (double)m.ids.n : m.mix.w[k];
	r->prompt_tokens = ids.n * m.n;
	r->tokens = m.ids.n * m.n;	/* every model read every token */
	r->seconds = jsys_now() - begin;
	jids_release(&ids);
	release(&m);
	return rc < 0 ? rc : 0;
}
