/*
 * synth_rank.c - which answer is best: a judge's pairs, or likelihoods.
 */
#include <math.h>
#include <string.h>

#include "swarm/synth_modes.h"

#define SHOWN 4000		/* bytes of an answer that a judge reads */

static void
put_pair(struct jbuf *b, const char *question, const char *first, const char *second)
{
	jbuf_printf(b, "Two answers to a question are compared.\n\nQuestion: %s\n\nAnswer A:\n", question);
	jbuf_add(b, first, jsynth_cut(first, strlen(first), SHOWN));
	jbuf_adds(b, "\n\nAnswer B:\n");
	jbuf_add(b, second, jsynth_cut(second, strlen(second), SHOWN));
	jbuf_adds(b, "\n\nWhich one is more correct and more helpful? Reply with A or B.");
}

static int
ask_judge(struct synth *y, const struct jswarm_model *judge, const struct jbuf *question, bool *a,
	struct jerr *e)
{
	struct jbuf out;
	int rc;

	jbuf_init(&out);
	rc = jswarm_choose(y->s, judge, question->p, "A|B", &out, e);
	*a = out.n > 0 && out.p[0] == 'A';
	y->r->tokens++;
	jbuf_release(&out);
	return rc;
}

int
synth_prefer(struct synth *y, const struct jswarm_model *judge, const char *first,
	const char *second, int *wins, struct jerr *e)
{
	struct jbuf b;
	bool a = false;
	int rc;

	*wins = 0;
	jbuf_init(&b);
	put_pair(&b, y->q->question, first, second);
	rc = ask_judge(y, judge, &b, &a, e);
	*wins += a;
	if (rc == 0) {
		jbuf_reset(&b);
		put_pair(&b, y->q->question, second, first);
		rc = ask_judge(y, judge, &b, &a, e);
		*wins += !a;
	}
	jbuf_release(&b);
	return rc;
}

/* Share of the comparisons that each wins. */
static int
rank_judge(struct synth *y, const struct jswarm_model *judge, struct jerr *e)
{
	struct jsynth_answer *a = y->r->parts;
	size_t n = y->r->n_parts;
	double each = n > 1 ? 1 / (2 * (double)(n - 1)) : 1;
	int rc = 0, wins;

	for (size_t i = 0; i < n; i++)
		a[i].score = n == 1;
	for (size_t i = 0; rc == 0 && i < n; i++)
		for (size_t j = i + 1; rc == 0 && j < n; j++) {
			rc = synth_prefer(y, judge, a[i].text, a[j].text, &wins, e);
			a[i].score += wins * each;
			a[j].score += (2 - wins) * each;
		}
	return rc;
}

/* Geometric mean probability of a byte of the question, the answer being known. */
static int
rank_question(struct synth *y, const struct jswarm_model *m, struct jerr *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < y->r->n_parts; i++) {
		struct jswarm_nll nll = { 0 };
		struct jbuf b;

		jbuf_init(&b);
		jbuf_add(&b, y->r->parts[i].text, jsynth_cut(y->r->parts[i].text, y->r->parts[i].n, SHOWN));
		jbuf_adds(&b, "\n\nWhich question does this answer?");
		rc = jswarm_score(y->s, m, b.p, y->q->question, &nll, e);
		y->r->parts[i].score = nll.bytes ? exp(-nll.nll / (double)nll.bytes) : 0;
		jbuf_release(&b);
	}
	return rc;
}

/* The same of the answer, the question being known: mean over the experts that live here. */
static int
rank_experts(struct synth *y, struct jerr *e)
{
	struct jsynth_answer *a = y->r->parts;
	size_t judges = 0;
	int rc = 0;

	for (size_t i = 0; i < y->r->n_parts; i++)
		a[i].score = 0;
	for (size_t k = 0; rc == 0 && k < y->r->n; k++) {
		const struct jexpert *x = y->r->replies[k].expert;
		struct jswarm_model m;

		if (!x || !jswarm_model_of(x, &m))
			continue;
		judges++;
		for (size_t i = 0; rc == 0 && i < y->r->n_parts; i++) {
			struct jswarm_nll nll = { 0 };

			rc = jswarm_score(y->s, &m, y->q->question, a[i].text, &nll, e);
			a[i].score += nll.bytes ? exp(-nll.nll / (double)nll.bytes) : 0;
		}
	}
	for (size_t i = 0; judges > 0 && i < y->r->n_parts; i++)
		a[i].score /= (double)judges;
	if (rc == 0 && judges == 0)
		rc = jerr_set(e, JERR_ARG, "no expert lives here to judge the answers, and no model is "
			"named for it");
	return rc;
}

int
synth_rank(struct synth *y, struct jerr *e)
{
	struct jswarm_model m = { y->o->model, NULL };
	enum jsynth_rank by = y->o->rank;

	if (!y->s)
		return jerr_set(e, JERR_ARG, "there is no model to judge the answers");
	if (by == JSYNTH_BY_ANY)
		by = m.model ? JSYNTH_BY_JUDGE : JSYNTH_BY_EXPERTS;
	if (by == JSYNTH_BY_EXPERTS)
		return rank_experts(y, e);
	if (!m.model && !synth_model(y, &m))
		return jerr_set(e, JERR_ARG, "no model is named that could judge the answers");
	return by == JSYNTH_BY_JUDGE ? rank_judge(y, &m, e) : rank_question(y, &m, e);
}
