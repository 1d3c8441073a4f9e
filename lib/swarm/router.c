/*
 * Routing: scores of all experts, who is asked, and why.
 */
#include "swarm/jroute.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "swarm/keywords.h"
#include "swarm/router_file.h"

#define SAME 0.99		/* cosine of an example's vector with the one in the file, at least */
#define SHOWN 60		/* bytes of an example in a reason */

const char *const jroute_strategies[] = { "keyword", "trained", "knn", "ridge", "embedding", "hybrid",
	NULL };

struct jrouter {
	const struct jexperts *x;
	struct keywords *kw;
	struct trained t;
	bool trained;
	struct features f;
	struct sight sight;
	struct encoder *encoder;	/* opened when it is needed */
	float *vector;			/* [C] */
	double *keyword, *score, *own;	/* [experts] */
};

int
jrouter_open(struct jrouter **out, const struct jexperts *x, const char *trained, struct jerr *e)
{
	struct jrouter *r = jmem_zalloc(1, sizeof(*r));
	int rc;

	r->x = x;
	r->keyword = jmem_zalloc(3 * (x->n + 1), sizeof(*r->keyword));
	r->score = r->keyword + x->n;
	r->own = r->score + x->n;
	rc = keywords_new(&r->kw, x, e);
	if (rc == 0 && trained) {
		rc = router_load(&r->t, x, trained, e);
		r->trained = rc == 0;
	}
	sight_init(&r->sight, &r->t);
	r->vector = jmem_zalloc(r->t.e.width + 1, sizeof(*r->vector));
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
	trained_release(&r->t);
	features_release(&r->f);
	sight_release(&r->sight);
	encoder_close(r->encoder);
	jmem_free(r->vector);
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

int
jrouter_check(const struct jrouter *r, enum jroute_strategy s, struct jerr *e)
{
	bool embeds = strategy_uses(s, SIGNAL_NEAREST) || strategy_uses(s, SIGNAL_RIDGE);

	if (s == JROUTE_KEYWORD || s == JROUTE_HYBRID)
		return 0;
	if (!r->trained)
		return jerr_set(e, JERR_ARG, "no trained router: run jroute train --experts DIR first");
	if (embeds && !trained_embeds(&r->t))
		return jerr_set(e, JERR_ARG, "the router was trained without an encoder: run jroute train "
			"--encoder MODEL");
	return 0;
}

/* Is the encoder asked for a vector? */
static bool
wants_vector(const struct jrouter *r, enum jroute_strategy s)
{
	return r->trained && trained_embeds(&r->t) && s != JROUTE_KEYWORD && s != JROUTE_TRAINED;
}

int
jrouter_memory(const struct jrouter *r, enum jroute_strategy s, uint64_t limit, uint64_t *bytes,
	struct jerr *e)
{
	const struct nearest *n = &r->t.e;
	uint64_t encoder = 0;
	int rc = wants_vector(r, s) ? encoder_bytes(n->encoder, &encoder, e) : 0;

	if (rc < 0)
		return rc;
	*bytes = encoder + (r->trained ? FEATURES * (r->t.w.classes + 1) * sizeof(float) +
		r->t.w.n_words * (8 + 4 * r->t.w.classes) +
		(n->n + n->width + n->classes) * n->width * sizeof(float) : 0);
	if (encoder > 0 && *bytes > limit)
		return jerr_set(e, JERR_NOMEM, "the router with its encoder %s needs %.1f MB of memory, -M "
			"allows %.1f: give more, or route by --strategy trained", n->encoder,
			(double)*bytes * 1e-6, (double)limit * 1e-6);
	if (*bytes > limit)
		return jerr_set(e, JERR_NOMEM, "the router needs %.1f MB of memory, -M allows %.1f",
			(double)*bytes * 1e-6, (double)limit * 1e-6);
	return 0;
}

/* The encoder must be the one of the file: the first example is embedded again. */
static int
open_encoder(struct jrouter *r, struct jerr *e)
{
	struct nearest *n = &r->t.e;
	float *turned = jmem_zalloc(n->width, sizeof(*turned));
	double same = 0;
	int rc = encoder_open(&r->encoder, n->encoder, 1, e);

	if (rc == 0 && encoder_width(r->encoder) == n->width && n->n > 0)
		rc = encoder_text(r->encoder, n->texts.p, n->text_at[1] - 1, r->vector, e);
	if (rc == 0 && encoder_width(r->encoder) == n->width && n->n > 0) {
		nearest_turn(n, r->vector, turned);
		for (size_t i = 0; i < n->width; i++)
			same += (double)turned[i] * n->v[i];
	}
	jmem_free(turned);
	if (rc == 0 && same < SAME) {
		encoder_close(r->encoder);
		r->encoder = NULL;
		rc = jerr_set(e, JERR_ARG, "%s: not the model that the router was trained with: run jroute "
			"train again", n->encoder);
	}
	return rc;
}

/* Fills score, and how much the question looks like one of ours. */
static int
see(struct jrouter *r, const char *question, size_t n, enum jroute_strategy strategy,
	struct jroute_result *res, struct jerr *e)
{
	struct text_seen q = { &r->f, r->keyword, NULL, SIZE_MAX };
	int rc = 0;

	keywords_score(r->kw, question, n, r->keyword);
	res->acceptance = 0;
	res->threshold = 0;
	if (strategy == JROUTE_KEYWORD || !r->trained) {
		for (size_t i = 0; i < r->x->n; i++) {
			r->score[i] = r->keyword[i];
			if (r->score[i] > res->acceptance)
				res->acceptance = r->score[i];
		}
		return 0;
	}
	features_make(&r->f, question, n);
	features_weigh(&r->f, r->t.w.idf);
	if (wants_vector(r, strategy)) {
		rc = r->encoder ? 0 : open_encoder(r, e);
		if (rc == 0)
			rc = encoder_text(r->encoder, question, n, r->vector, e);
		q.vector = r->vector;
	}
	if (rc < 0)
		return rc;
	sight_see(&r->sight, &r->t, &q);
	if (!sight_is_finite(&r->sight, &r->t))
		return jerr_set(e, JERR_FORMAT, "the router gives values that are no numbers: run jroute train "
			"again");
	sight_probabilities(&r->sight, &r->t, strategy, r->score);
	res->acceptance = sight_acceptance(&r->sight, &r->t);
	res->threshold = r->t.threshold[r->sight.embeds];
	return 0;
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

/* "trained router 0.93", "nearest example 0.71: How do I ..." */
static void
explain_trained(struct jrouter *r, size_t expert, enum jroute_strategy strategy, struct jbuf *out)
{
	const struct nearest *n = &r->t.e;

	if (strategy_uses(strategy, SIGNAL_WORDS)) {
		sight_probabilities(&r->sight, &r->t, JROUTE_TRAINED, r->own);
		jbuf_printf(out, "; trained router %.2f", r->own[expert]);
	}
	if (strategy == JROUTE_TRAINED || !trained_embeds(&r->t))
		return;
	if (strategy_uses(strategy, SIGNAL_NEAREST) && r->sight.near.cosine[expert] > -1) {
		size_t i = r->sight.near.example[expert], at = n->text_at[i];
		size_t len = n->text_at[i + 1] - 1 - at, max = len < SHOWN ? len : SHOWN;

		while (max < len && max > 0 && ((unsigned char)n->texts.p[at + max] & 0xc0) == 0x80)
			max--;
		jbuf_printf(out, "; examples %.2f near, \"%.*s%s\"", r->sight.near.cosine[expert], (int)max,
			n->texts.p + at, max < len ? "..." : "");
	}
	if (strategy_uses(strategy, SIGNAL_RIDGE)) {
		sight_probabilities(&r->sight, &r->t, JROUTE_RIDGE, r->own);
		jbuf_printf(out, "; ridge %.2f", r->own[expert]);
	}
}

static void
explain(struct jrouter *r, const struct jroute_opts *o, struct jroute_result *res)
{
	jbuf_reset(&res->why);
	for (size_t i = 0; i < res->n; i++) {
		size_t before = res->why_at[i] = res->why.n;

		keywords_found(r->kw, res->v[i].expert, &res->why);
		if (res->why.n == before)
			jbuf_adds(&res->why, "no keyword");
		if (r->trained && o->strategy != JROUTE_KEYWORD)
			explain_trained(r, res->v[i].expert, o->strategy, &res->why);
		jbuf_addc(&res->why, '\n');
	}
	res->why_at[res->n] = res->why.n;
}

int
jrouter_route(struct jrouter *r, const char *question, size_t n, const struct jroute_opts *o,
	struct jroute_result *res, struct jerr *e)
{
	int rc = jrouter_check(r, o->strategy, e);

	if (rc == 0)
		rc = see(r, question, n, o->strategy, res, e);
	if (rc < 0)
		return rc;
	res->v = jmem_realloc(res->v, r->x->n, sizeof(*res->v));
	res->why_at = jmem_realloc(res->why_at, r->x->n + 1, sizeof(*res->why_at));
	res->n = r->x->n;
	res->chosen = 0;
	res->cost = 0;
	for (size_t i = 0; i < res->n; i++)
		res->v[i] = (struct jroute_choice){ i, r->score[i] };
	qsort(res->v, res->n, sizeof(*res->v), by_score);
	if (!o->abstain || res->acceptance >= res->threshold)
		choose(r, o, res);
	explain(r, o, res);
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
		res->v[i] = (struct jroute_choice){ i, score[i] };
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
