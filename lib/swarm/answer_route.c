/*
 * answer_route.c - routing by models: which expert finds the question likeliest, or what a judge says.
 */
#include <math.h>
#include <string.h>

#include "swarm/answer.h"

int
jswarm_likelihoods(struct jswarm *s, const char *question, double *score, struct jbuf *why,
	struct jerr *e)
{
	const struct jexperts *x = s->o.experts;
	double *logp = jmem_alloc(x->n + 1, sizeof(*logp)), top = -INFINITY, sum = 0;
	struct jerr first = { 0 };
	int rc = 0;

	for (size_t i = 0; i < x->n; i++) {
		struct jswarm_nll nll;
		struct jswarm_model m;
		struct jerr own = { 0 };

		logp[i] = -INFINITY;
		if (!jswarm_model_of(&x->v[i], &m)) {
			jbuf_adds(&why[i], x->v[i].node ? "it is on a node: its likelihood is not known" :
				"no model here");
			continue;
		}
		if (jswarm_score(s, &m, NULL, question, &nll, &own) < 0) {
			jbuf_adds(&why[i], own.msg);
			first = first.code ? first : own;
			continue;
		}
		if (nll.bytes == 0)
			continue;
		logp[i] = -nll.nll;
		jbuf_printf(&why[i], "%.3f bits per byte", nll.nll / log(2) / (double)nll.bytes);
		top = logp[i] > top ? logp[i] : top;
	}
	if (first.code && !(top > -INFINITY))		/* none of them could be asked */
		rc = jerr_set(e, first.code, "%s", first.msg);
	for (size_t i = 0; rc == 0 && i < x->n; i++)
		sum += score[i] = top > -INFINITY ? exp(logp[i] - top) : 0;
	for (size_t i = 0; rc == 0 && i < x->n; i++)
		score[i] = sum > 0 ? score[i] / sum : 0;
	jmem_free(logp);
	return rc;
}

/* The names that are left, as a list for the judge and as an expression for the grammar. */
static void
put_names(const struct jexperts *x, const double *score, struct jbuf *list, struct jbuf *regex)
{
	for (size_t i = 0; i < x->n; i++) {
		if (score[i] > 0)
			continue;
		jbuf_printf(list, "- %s: %s%s%s\n", x->v[i].name, x->v[i].domain,
			*x->v[i].description ? ", " : "", x->v[i].description);
		for (const char *p = x->v[i].name; *p; p++)
			jbuf_printf(regex, *p == '.' ? "\\%c" : "%c", *p);
		jbuf_addc(regex, '|');
	}
	jbuf_adds(regex, "none");
}

static int
ask_judge(struct jswarm *s, const struct jswarm_model *judge, const char *question,
	const double *score, struct jbuf *name, struct jerr *e)
{
	struct jbuf text, regex;
	int rc;

	jbuf_init(&text);
	jbuf_init(&regex);
	jbuf_adds(&text, "These experts can be asked:\n\n");
	put_names(s->o.experts, score, &text, &regex);
	jbuf_printf(&text, "\nWhich of them knows the answer to this question: %s\n\nReply with one name, "
		"or none.", question);
	jbuf_reset(name);
	rc = jswarm_choose(s, judge, text.p, regex.p, name, e);
	jbuf_release(&text);
	jbuf_release(&regex);
	return rc;
}

int
jswarm_judge(struct jswarm *s, const struct jswarm_judging *o, double *score,
	struct jbuf *why, struct jerr *e)
{
	const struct jswarm_model m = { o->judge, NULL };
	const struct jexperts *x = s->o.experts;
	struct jbuf name;
	int rc = 0;

	for (size_t i = 0; i < x->n; i++)
		score[i] = 0;
	jbuf_init(&name);
	for (int k = 0; rc == 0 && k < o->top_k && (size_t)k < x->n; k++) {
		const struct jexpert *chosen;

		rc = ask_judge(s, &m, o->question, score, &name, e);
		chosen = rc == 0 ? jexperts_find(x, name.p) : NULL;
		if (!chosen)
			break;		/* none, or none any more */
		score[chosen - x->v] = 1 / (1 + (double)k);
		jbuf_printf(&why[chosen - x->v], "choice %d of the judge", k + 1);
	}
	jbuf_release(&name);
	return rc;
}

int
jswarm_route(struct jswarm *s, struct jrouter *r, const struct jswarm_judging *by,
	const struct jroute_opts *o, struct jroute_result *res, struct jerr *e)
{
	const size_t n = s->o.experts->n;
	double *score = jmem_zalloc(n + 1, sizeof(*score));
	struct jbuf *why = jmem_alloc(n + 1, sizeof(*why));
	int rc;

	for (size_t i = 0; i < n; i++)
		jbuf_init(&why[i]);
	rc = by->judge ? jswarm_judge(s, by, score, why, e) :
		jswarm_likelihoods(s, by->question, score, why, e);
	if (rc == 0)
		jrouter_take(r, score, why, o, res);
	for (size_t i = 0; i < n; i++)
		jbuf_release(&why[i]);
	jmem_free(why);
	jmem_free(score);
	return rc;
}
