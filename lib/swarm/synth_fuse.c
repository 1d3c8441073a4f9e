/*
 * synth_fuse.c - one model reads all answers and writes the final one; and the token-level mixture.
 */
#include <string.h>

#include "swarm/synth_modes.h"

/* The idea of Wang et al. 2024 (Mixture-of-Agents), in words of our own. */
static const char instruction[] =
	"Several experts have answered the question below. Their answers may be wrong, incomplete or "
	"contradict each other. Judge them critically and write one answer that is correct, complete and "
	"clear. Do not speak of the experts or of their answers.";

/* What each gave is measured by how much of it the new text is like. */
static void
weigh_by_likeness(struct jsynth_result *r)
{
	double sum = 0;

	for (size_t i = 0; i < r->n_parts; i++) {
		r->parts[i].weight = jsynth_similarity(r->parts[i].text, r->parts[i].n, r->text.p, r->text.n);
		sum += r->parts[i].weight;
	}
	for (size_t i = 0; i < r->n_parts; i++)
		r->parts[i].weight = sum > 0 ? r->parts[i].weight / sum : 1 / (double)r->n_parts;
}

int
synth_fuse(struct synth *y, struct jerr *e)
{
	struct jswarm_ask q = { .question = y->q->question, .system = instruction,
		.others = y->r->parts, .n_others = y->r->n_parts, .on_text = y->q->on_text,
		.arg = y->q->arg };
	struct jswarm_model m;
	struct jswarm_reply reply;
	const char *why;
	int rc;

	if (!y->s || !synth_model(y, &m))
		return jerr_set(e, JERR_ARG, "no model is named that could merge the answers");
	jswarm_reply_init(&reply, NULL);
	rc = jswarm_generate(y->s, &m, &q, &reply, e);
	why = rc == 0 ? jswarm_nonsense(reply.text.p, reply.text.n) : NULL;
	if (why)
		rc = jerr_set(e, JERR_FORMAT, "%s did not merge the answers: %s", m.model, why);
	y->r->tokens += reply.tokens;
	y->r->prompt_tokens += reply.prompt_tokens;
	if (rc == 0) {
		jbuf_add(&y->r->text, reply.text.p, reply.text.n);
		weigh_by_likeness(y->r);
	}
	jswarm_reply_release(&reply);
	return rc;
}

/* The experts that can be mixed: those that live here.  The others say why not. */
static size_t
gather(struct synth *y, struct jswarm_model *models, size_t *part_of)
{
	size_t n = 0;

	for (size_t i = 0; i < y->r->n; i++) {
		struct jswarm_reply *r = &y->r->replies[i];

		if (!r->expert)
			continue;
		if (r->expert->node)
			jbuf_adds(&r->missing, "it answers on a node, and only models here can be mixed");
		else if (jswarm_model_of(r->expert, &models[n]))
			part_of[n++] = i;
		else
			jswarm_absent(r->expert, &r->missing);
	}
	return n;
}

int
synth_mix(struct synth *y, struct jerr *e)
{
	struct jsynth_result *r = y->r;
	struct jswarm_model *models = jmem_zalloc(r->n + 1, sizeof(*models));
	double *w = jmem_zalloc(2 * r->n + 1, sizeof(*w)), *score = w + r->n;
	size_t n = gather(y, models, r->part_of);
	struct jswarm_ask q = { .question = y->q->question, .history = y->q->history,
		.on_text = y->q->on_text, .arg = y->q->arg };
	struct jswarm_reply reply;
	int rc = 0;

	jswarm_reply_init(&reply, NULL);
	if (n > 0) {
		const struct jexpert *x = r->replies[r->part_of[0]].expert;

		for (size_t i = 0; i < n; i++)
			score[i] = y->q->sources[r->part_of[i]].score;
		rc = jswarm_mix(y->s, &(struct jswarm_mix){ .models = models, .prior = score, .n = n,
			.share = y->o->share, .max_tokens = x->max_tokens, .temperature = x->temperature,
			.top_p = x->top_p }, &q, w, &reply, e);
	}
	if (rc == 0 && n > 0) {
		r->n_parts = n;
		jbuf_add(&r->text, reply.text.p, reply.text.n);
		for (size_t i = 0; i < n; i++)
			r->parts[i] = (struct jsynth_answer){ .expert = r->names[r->part_of[i]],
				.text = "", .score = y->q->sources[r->part_of[i]].score, .weight = w[i] };
	}
	r->tokens += reply.tokens;
	r->prompt_tokens += reply.prompt_tokens;
	jswarm_reply_release(&reply);
	jmem_free(models);
	jmem_free(w);
	return rc;
}
