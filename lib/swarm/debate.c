/*
 * debate.c - rounds in which each expert reads the others and answers again, and several samples of
 * one expert as the plain alternative.
 */
#include <string.h>

#include "swarm/synth_modes.h"

#define MAX_SAMPLES 64

/* Texts of the round before, which the replies of the next one replace. */
struct before {
	struct jsynth_answer *a;
	size_t n;
};

static void
remember(const struct synth *y, struct before *b)
{
	b->n = y->r->n_parts;
	b->a = jmem_alloc(b->n ? b->n : 1, sizeof(*b->a));
	for (size_t i = 0; i < b->n; i++) {
		b->a[i] = y->r->parts[i];
		b->a[i].text = jmem_strndup(b->a[i].text, b->a[i].n);
	}
}

/* Who says nothing this time stands by what was said. */
static void
stand_by(struct synth *y, const struct before *b, const size_t *part_of)
{
	for (size_t i = 0; i < b->n; i++) {
		struct jswarm_reply *r = &y->r->replies[part_of[i]];

		if (r->text.n == 0) {
			jbuf_add(&r->text, b->a[i].text, b->a[i].n);
			jbuf_reset(&r->missing);
		}
	}
}

static void
one_round(struct synth *y, uint64_t round)
{
	size_t *part_of = jmem_alloc(y->r->n_parts + 1, sizeof(*part_of));
	struct before b;

	memcpy(part_of, y->r->part_of, y->r->n_parts * sizeof(*part_of));
	remember(y, &b);
	for (size_t i = 0; i < b.n; i++)
		if (!y->q->sources[part_of[i]].text && y->r->replies[part_of[i]].missing.n == 0)
			jbuf_reset(&y->r->replies[part_of[i]].text);
	synth_ask(y, b.a, b.n, round);
	stand_by(y, &b, part_of);
	synth_parts(y);
	for (size_t i = 0; i < b.n; i++)
		jmem_free((char *)b.a[i].text);
	jmem_free(b.a);
	jmem_free(part_of);
}

void
synth_debate(struct synth *y)
{
	struct jsynth_result *r = y->r;
	size_t chosen = synth_central(r->parts, r->n_parts, &r->consensus);

	while (y->s && r->n_parts > 1 && r->rounds < y->o->rounds && r->consensus < y->o->consensus) {
		one_round(y, (uint64_t)++r->rounds);
		chosen = synth_central(r->parts, r->n_parts, &r->consensus);
	}
	for (size_t i = 0; i < r->n_parts; i++)
		r->parts[i].weight = i == chosen;
	jbuf_add(&r->text, r->parts[chosen].text, r->parts[chosen].n);
}

static void
one_sample(struct synth *y, struct synth_self *self, struct jswarm_reply *r)
{
	struct jswarm_ask q = { .question = y->q->question, .history = y->q->history,
		.key = 1000 + (uint64_t)self->taken };

	jswarm_reply_init(r, self->x);
	jswarm_ask(y->s, &q, r, 1);
	self->taken++;
	self->spent += r->tokens;
	self->prompt_spent += r->prompt_tokens;
	if (r->text.n == 0 && self->why.n == 0)
		jbuf_add(&self->why, r->missing.p, r->missing.n);
}

int
synth_self(struct synth *y, struct synth_self *self, struct jbuf *out)
{
	struct jswarm_reply r[MAX_SAMPLES];
	struct jsynth_answer a[MAX_SAMPLES];
	double agreement;
	size_t n = 0;

	while (self->taken < MAX_SAMPLES && (self->taken < self->samples || self->spent < self->tokens)) {
		struct jswarm_reply *x = &r[self->taken];

		one_sample(y, self, x);
		if (x->text.n > 0)
			a[n++] = (struct jsynth_answer){ .expert = self->x->name, .text = x->text.p,
				.n = x->text.n };
		else if (x->tokens == 0)
			break;		/* it cannot be asked at all */
	}
	if (n > 0) {
		const struct jsynth_answer *best = &a[synth_central(a, n, &agreement)];

		jbuf_add(out, best->text, best->n);
	}
	for (int i = 0; i < self->taken; i++)
		jswarm_reply_release(&r[i]);
	return n > 0;
}

/* The single best expert of those that can be asked, at as many tokens as the answer took. */
void
synth_control(struct synth *y)
{
	struct jsynth_control *c = &y->r->control;
	const uint64_t spent = y->r->tokens;
	struct synth_self self = { .samples = 1, .tokens = spent };
	struct jswarm_model judge = { y->o->model, NULL };
	struct jerr why = { 0 };
	int wins;

	if (!y->s || y->r->n_parts == 0)
		return;
	self.x = synth_expert(y, y->r->parts[jsynth_best(y->r->parts, y->r->n_parts)].expert);
	if (!self.x)
		return;
	jbuf_init(&self.why);
	if (synth_self(y, &self, &c->text)) {
		c->expert = self.x->name;
		c->samples = self.taken;
		c->tokens = self.spent;
		if (judge.model) {
			if (synth_prefer(y, &judge, y->r->text.p, c->text.p, &wins, &why) == 0)
				c->won = wins == 2 ? "answer" : wins == 0 ? "control" : "tie";
			else
				jbuf_printf(&y->r->fallback, "%sthe control is not judged: %s",
					y->r->fallback.n ? "; " : "", why.msg);
		}
	}
	y->r->tokens = spent;		/* judging is no part of the answer */
	jbuf_release(&self.why);
}
