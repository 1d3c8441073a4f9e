/*
 * synth_run.c - from a question and its experts to one answer.
 */
#include <string.h>

#include "base/jsys.h"
#include "swarm/answer.h"
#include "swarm/synth_modes.h"

const char *const jsynth_modes[] = { "select", "concatenate", "weighted", "rank", "fuse", "debate",
	"mix", "self", NULL };

void
jsynth_result_init(struct jsynth_result *r)
{
	memset(r, 0, sizeof(*r));
	jbuf_init(&r->text);
	jbuf_init(&r->fallback);
	jbuf_init(&r->control.text);
}

static void
forget(struct jsynth_result *r)
{
	for (size_t i = 0; i < r->n; i++)
		jswarm_reply_release(&r->replies[i]);
	jmem_free(r->replies);
	jmem_free(r->parts);
	jmem_free(r->part_of);
	jmem_free(r->names);
}

void
jsynth_result_release(struct jsynth_result *r)
{
	forget(r);
	jbuf_release(&r->text);
	jbuf_release(&r->fallback);
	jbuf_release(&r->control.text);
	memset(r, 0, sizeof(*r));
}

const struct jexpert *
synth_expert(const struct synth *y, const char *name)
{
	return y->s && y->s->o.experts ? jexperts_find(y->s->o.experts, name) : NULL;
}

static void
begin(struct synth *y)
{
	struct jsynth_result *r = y->r;

	r->n = y->q->n;
	r->mode = y->o->mode;
	r->replies = jmem_zalloc(r->n + 1, sizeof(*r->replies));
	r->parts = jmem_zalloc(r->n + 1, sizeof(*r->parts));
	r->part_of = jmem_zalloc(r->n + 1, sizeof(*r->part_of));
	r->names = jmem_zalloc(r->n + 1, sizeof(*r->names));
	for (size_t i = 0; i < r->n; i++) {
		const struct jsynth_source *src = &y->q->sources[i];
		const struct jexpert *x = synth_expert(y, src->expert);

		jswarm_reply_init(&r->replies[i], x);
		r->names[i] = src->expert;
		if (src->text)
			jbuf_adds(&r->replies[i].text, src->text);
		if (!x && !src->text)
			jbuf_adds(&r->replies[i].missing, y->s ? "there is no expert of this name" :
				"it gave no answer");
		if (src->text && jswarm_nonsense(src->text, strlen(src->text))) {
			jbuf_adds(&r->replies[i].missing, jswarm_nonsense(src->text, strlen(src->text)));
			jbuf_reset(&r->replies[i].text);
		}
	}
}

void
synth_ask(struct synth *y, const struct jsynth_answer *others, size_t n_others, uint64_t round)
{
	struct jsynth_result *r = y->r;
	struct jswarm_ask q = { .question = y->q->question, .history = y->q->history,
		.others = others, .n_others = n_others, .key = round };
	struct jswarm_reply *ask = jmem_alloc(r->n + 1, sizeof(*ask));
	size_t *from = jmem_alloc(r->n + 1, sizeof(*from)), n = 0;

	for (size_t i = 0; i < r->n; i++)
		if (r->replies[i].expert && !y->q->sources[i].text && r->replies[i].missing.n == 0) {
			from[n] = i;
			ask[n++] = r->replies[i];
		}
	if (n == 1 && r->n == 1 && r->mode == JSYNTH_SELECT) {	/* it can be heard at once */
		q.on_text = y->q->on_text;
		q.arg = y->q->arg;
	}
	if (n > 0)
		jswarm_ask(y->s, &q, ask, n);
	for (size_t i = 0; i < n; i++) {
		if (ask[i].text.n > 0 || ask[i].tokens > 0)
			r->cost += ask[i].expert->cost;
		r->replies[from[i]] = ask[i];
	}
	jmem_free(ask);
	jmem_free(from);
}

void
synth_parts(struct synth *y)
{
	struct jsynth_result *r = y->r;

	r->n_parts = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct jbuf *text = &r->replies[i].text;

		if (text->n == 0)
			continue;
		r->part_of[r->n_parts] = i;
		r->parts[r->n_parts++] = (struct jsynth_answer){ .expert = r->names[i],
			.text = text->p, .n = text->n, .score = y->q->sources[i].score };
	}
}

bool
synth_model(const struct synth *y, struct jswarm_model *m)
{
	double best = -1;

	*m = (struct jswarm_model){ y->o->model, NULL };
	for (size_t i = 0; !y->o->model && i < y->r->n; i++) {
		struct jswarm_model its;

		if (y->r->replies[i].expert && jswarm_model_of(y->r->replies[i].expert, &its) &&
		    y->q->sources[i].score > best) {
			best = y->q->sources[i].score;
			*m = its;
		}
	}
	return m->model != NULL;
}

size_t
synth_central(const struct jsynth_answer *a, size_t n, double *agreement)
{
	double *agree = jmem_alloc(n ? n : 1, sizeof(*agree));
	size_t best = 0;

	*agreement = jsynth_agreement(a, n, agree);
	for (size_t i = 1; i < n; i++)
		if (agree[i] > agree[best] + 1e-12 ||
		    (agree[i] > agree[best] - 1e-12 && a[i].score > a[best].score))
			best = i;
	jmem_free(agree);
	return best;
}

void
synth_say(const struct synth *y, const char *p, size_t n)
{
	if (y->q->on_text && n > 0)
		y->q->on_text(y->q->arg, p, n);
}

/* Another mode than was asked for, and why. */
static void
fall_back(struct synth *y, enum jsynth_mode mode, struct jerr *why)
{
	jbuf_printf(&y->r->fallback, "%s instead of %s: %s", jsynth_modes[mode],
		jsynth_modes[y->r->mode], why->msg);
	y->r->mode = mode;
	jerr_clear(why);
}

/* The modes that only put texts together. */
static void
put_together(struct synth *y)
{
	struct jsynth_result *r = y->r;

	if (r->mode == JSYNTH_CONCATENATE)
		jsynth_concatenate(r->parts, r->n_parts, y->o->weighted.attribution, &r->text);
	else if (r->mode == JSYNTH_WEIGHTED)
		jsynth_weighted(r->parts, r->n_parts, &y->o->weighted, &r->text);
	else
		jsynth_select(r->parts, r->n_parts, &r->text);
}

static int
combine(struct synth *y)
{
	struct jsynth_result *r = y->r;
	struct jerr why = { 0 };

	if (r->mode == JSYNTH_RANK && synth_rank(y, &why) < 0) {
		synth_parts(y);		/* the scores of before */
		fall_back(y, JSYNTH_SELECT, &why);
	}
	if (r->mode == JSYNTH_FUSE && synth_fuse(y, &why) < 0)
		fall_back(y, JSYNTH_WEIGHTED, &why);
	else if (r->mode == JSYNTH_FUSE)
		return 1;		/* heard already */
	if (r->mode == JSYNTH_DEBATE)
		synth_debate(y);
	else
		put_together(y);
	return r->n == 1 && r->mode == JSYNTH_SELECT && !y->q->sources[0].text;
}

/* Several samples of the best expert that is here or on a node. */
static void
answer_self(struct synth *y)
{
	struct jsynth_result *r = y->r;
	struct synth_self self = { .samples = y->o->samples };
	double start = jsys_now();
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < r->n; i++)
		if (r->replies[i].expert && !jswarm_absent(r->replies[i].expert, &r->replies[i].missing) &&
		    (best == SIZE_MAX || y->q->sources[i].score > y->q->sources[best].score))
			best = i;
	if (best == SIZE_MAX)
		return;
	self.x = r->replies[best].expert;
	jbuf_init(&self.why);
	synth_self(y, &self, &r->replies[best].text);
	jbuf_add(&r->replies[best].missing, self.why.p, self.why.n);
	r->replies[best].tokens = self.spent;
	r->replies[best].prompt_tokens = self.prompt_spent;
	r->replies[best].seconds = jsys_now() - start;
	for (size_t i = 0; i < r->n; i++)
		if (i != best && r->replies[i].missing.n == 0)
			jbuf_adds(&r->replies[i].missing, "not asked: this mode samples the best expert alone");
	r->cost += self.x->cost * self.taken;
	synth_parts(y);
	if (r->n_parts > 0)
		jsynth_select(r->parts, r->n_parts, &r->text);
	jbuf_release(&self.why);
}

static void
add_up(struct jsynth_result *r)
{
	for (size_t i = 0; i < r->n; i++) {
		r->tokens += r->replies[i].tokens;
		r->prompt_tokens += r->replies[i].prompt_tokens;
	}
}

int
jsynth_answer(struct jswarm *s, const struct jsynth_question *q, const struct jsynth_opts *o,
	struct jsynth_result *r, struct jerr *e)
{
	struct synth y = { s, q, o, r };
	double start = jsys_now();
	int rc = 0, heard = 0;

	begin(&y);
	if ((o->mode == JSYNTH_MIX || o->mode == JSYNTH_SELF) && !s) {
		rc = jerr_set(e, JERR_ARG, "mode %s asks the experts itself: name them (--experts DIR)",
			jsynth_modes[o->mode]);
	} else if (o->mode == JSYNTH_MIX) {
		rc = synth_mix(&y, e);
		for (size_t i = 0; i < r->n_parts; i++)
			r->cost += r->replies[r->part_of[i]].expert->cost;
		heard = 1;
	} else if (o->mode == JSYNTH_SELF) {
		answer_self(&y);
	} else {
		synth_ask(&y, NULL, 0, 0);
		synth_parts(&y);
		if (r->n_parts > 0)
			heard = combine(&y);
	}
	if (!heard)
		synth_say(&y, r->text.p, r->text.n);
	add_up(r);
	if (rc == 0 && o->control)
		synth_control(&y);
	r->seconds = jsys_now() - start;
	return rc;
}
