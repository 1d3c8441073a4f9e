/*
 * Routing: scores of all experts, who is asked, and why.
 */
#include "swarm/jroute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "swarm/features.h"
#include "swarm/keywords.h"
#include "swarm/router_file.h"

struct jrouter {
	const struct jexperts *x;
	struct keywords *kw;
	struct weights w;
	bool trained;
	struct features f;
	double *keyword, *logp, *score;	/* [experts], logp of "none of these" as well */
};

int
jrouter_open(struct jrouter **out, const struct jexperts *x, const char *trained, struct jerr *e)
{
	struct jrouter *r = jmem_zalloc(1, sizeof(*r));
	int rc;

	r->x = x;
	r->keyword = jmem_zalloc(3 * (x->n + 1), sizeof(*r->keyword));
	r->logp = r->keyword + x->n;
	r->score = r->logp + x->n + 1;
	rc = keywords_new(&r->kw, x, e);
	if (rc == 0 && trained) {
		rc = router_load(&r->w, x, trained, e);
		r->trained = rc == 0;
	}
	if (rc < 0) {
		jrouter_close(r);
		r = NULL;
	}
	*out = r;
	return rc;
}

void
jrouter_close(struct jrouter *r)
{
	if (!r)
		return;
	keywords_free(r->kw);
	weights_release(&r->w);
	features_release(&r->f);
	jmem_free(r->keyword);
	jmem_free(r);
}

bool
jrouter_is_trained(const struct jrouter *r)
{
	return r->trained;
}

void
jroute_result_init(struct jroute_result *res)
{
	memset(res, 0, sizeof(*res));
	jbuf_init(&res->why);
}

void
jroute_result_release(struct jroute_result *res)
{
	jmem_free(res->v);
	jmem_free(res->why_at);
	jbuf_release(&res->why);
}

/* Probabilities of the mixture into score. */
static void
mix(struct jrouter *r, double trained, double keyword)
{
	double max = -INFINITY, sum = 0;

	for (size_t i = 0; i < r->x->n; i++) {
		r->score[i] = trained * r->logp[i] + keyword * r->keyword[i];
		if (r->score[i] > max)
			max = r->score[i];
	}
	for (size_t i = 0; i < r->x->n; i++)
		sum += exp(r->score[i] - max);
	for (size_t i = 0; i < r->x->n; i++)
		r->score[i] = exp(r->score[i] - max) / sum;
}

/* Fills score, and how much the question looks like one of ours. */
static void
score(struct jrouter *r, const char *question, size_t n, enum jroute_strategy strategy,
	struct jroute_result *res)
{
	keywords_score(r->kw, question, n, r->keyword);
	res->acceptance = 0;
	res->threshold = 0;
	if (strategy == JROUTE_KEYWORD || !r->trained) {
		for (size_t i = 0; i < r->x->n; i++) {
			r->score[i] = r->keyword[i];
			if (r->score[i] > res->acceptance)
				res->acceptance = r->score[i];
		}
		return;
	}
	features_make(&r->f, question, n);
	features_weigh(&r->f, r->w.idf);
	res->acceptance = weights_acceptance(&r->w, &r->f, SIZE_MAX, r->logp);
	res->threshold = r->w.threshold;
	if (strategy == JROUTE_TRAINED)
		mix(r, 1, 0);
	else
		mix(r, r->w.trained_weight, r->w.keyword_weight);
}

static int
by_score(const void *a, const void *b)
{
	const struct jroute_choice *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->expert > y->expert) - (x->expert < y->expert);
}

/* Those that fit into the budget move to the front, the best first. */
static void
choose(const struct jrouter *r, const struct jroute_opts *o, struct jroute_result *res)
{
	struct jroute_choice *rest = jmem_alloc(res->n + 1, sizeof(*rest));
	size_t kept = 0, left = 0;

	for (size_t i = 0; i < res->n; i++) {
		struct jroute_choice c = res->v[i];
		double cost = r->x->v[c.expert].cost;
		bool good = c.score >= o->min_score && c.score > 0, any = !o->abstain && kept == 0;

		if (kept < (size_t)o->top_k && (good || any) &&
		    (o->budget <= 0 || res->cost + cost <= o->budget)) {
			res->v[kept++] = c;
			res->cost += cost;
		} else {
			rest[left++] = c;
		}
	}
	memcpy(res->v + kept, rest, left * sizeof(*rest));
	res->chosen = kept;
	jmem_free(rest);
}

static void
explain(const struct jrouter *r, struct jroute_result *res)
{
	jbuf_reset(&res->why);
	for (size_t i = 0; i < res->n; i++) {
		const struct jroute_choice *c = &res->v[i];
		size_t before;

		res->why_at[i] = res->why.n;
		before = res->why.n;
		keywords_found(r->kw, c->expert, &res->why);
		if (res->why.n == before)
			jbuf_adds(&res->why, "no keyword");
		if (c->trained >= 0)
			jbuf_printf(&res->why, "; trained router %.2f", c->trained);
		jbuf_addc(&res->why, '\n');
	}
	res->why_at[res->n] = res->why.n;
}

int
jrouter_route(struct jrouter *r, const char *question, size_t n, const struct jroute_opts *o,
	struct jroute_result *res, struct jerr *e)
{
	if (o->strategy == JROUTE_TRAINED && !r->trained)
		return jerr_set(e, JERR_ARG, "no trained router: run jroute train --experts DIR first");
	score(r, question, n, o->strategy, res);
	res->v = jmem_realloc(res->v, r->x->n, sizeof(*res->v));
	res->why_at = jmem_realloc(res->why_at, r->x->n + 1, sizeof(*res->why_at));
	res->n = r->x->n;
	res->chosen = 0;
	res->cost = 0;
	for (size_t i = 0; i < res->n; i++)
		res->v[i] = (struct jroute_choice){ i, r->score[i], r->keyword[i],
			r->trained && o->strategy != JROUTE_KEYWORD ? exp(r->logp[i]) : -1 };
	qsort(res->v, res->n, sizeof(*res->v), by_score);
	if (!o->abstain || res->acceptance >= res->threshold)
		choose(r, o, res);
	explain(r, res);
	return 0;
}

void
jrouter_take(struct jrouter *r, const double *score, const struct jbuf *why,
	const struct jroute_opts *o, struct jroute_result *res)
{
	res->v = jmem_realloc(res->v, r->x->n, sizeof(*res->v));
	res->why_at = jmem_realloc(res->why_at, r->x->n + 1, sizeof(*res->why_at));
	res->n = r->x->n;
	res->chosen = 0;
	res->cost = res->acceptance = res->threshold = 0;
	for (size_t i = 0; i < res->n; i++) {
		res->v[i] = (struct jroute_choice){ i, score[i], 0, -1 };
		if (score[i] > res->acceptance)
			res->acceptance = score[i];
	}
	qsort(res->v, res->n, sizeof(*res->v), by_score);
	choose(r, o, res);
	jbuf_reset(&res->why);
	for (size_t i = 0; i < res->n; i++) {
		res->why_at[i] = res->why.n;
		jbuf_add(&res->why, why[res->v[i].expert].p, why[res->v[i].expert].n);
		jbuf_addc(&res->why, '\n');
	}
	res->why_at[res->n] = res->why.n;
}
