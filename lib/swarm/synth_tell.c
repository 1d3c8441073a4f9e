/*
 * synth_tell.c - an answer's story, for people.
 */
#include <string.h>

#include "swarm/jswarm.h"

static const struct jsynth_answer *
part_of(const struct jsynth_result *r, size_t i)
{
	for (size_t k = 0; k < r->n_parts; k++)
		if (r->part_of[k] == i)
			return &r->parts[k];
	return NULL;
}

static void
tell_source(const struct jsynth_result *r, const struct jsynth_source *src, size_t i,
	struct jbuf *out)
{
	const struct jswarm_reply *x = &r->replies[i];
	const struct jsynth_answer *part = part_of(r, i);

	jbuf_printf(out, "%s %s", part ? "asked  " : "missing", src->expert);
	if (part)
		jbuf_printf(out, "  %.0f %% of the answer", 100 * part->weight);
	if (x->missing.n > 0)
		jbuf_printf(out, "%s%s", part ? ", not all of it: " : ": ", x->missing.p);
	if (src->why && *src->why)
		jbuf_printf(out, "  (%s)", src->why);
	if (x->tokens > 0)
		jbuf_printf(out, "  %llu tokens, %.2f s", (unsigned long long)x->tokens, x->seconds);
	jbuf_addc(out, '\n');
	for (size_t k = 0; k < x->n_cites; k++)
		jbuf_printf(out, "        [%zu] %s%s%s\n", k + 1, x->cites[k].title,
			*x->cites[k].title && *x->cites[k].source ? ", " : "", x->cites[k].source);
}

void
jsynth_tell(const struct jsynth_result *r, const struct jsynth_question *q, struct jbuf *out)
{
	if (r->fallback.n > 0)
		jbuf_printf(out, "%s\n", r->fallback.p);
	for (size_t i = 0; i < r->n; i++)
		tell_source(r, &q->sources[i], i, out);
	if (r->mode == JSYNTH_DEBATE)
		jbuf_printf(out, "debate: %d rounds, agreement %.2f\n", r->rounds, r->consensus);
	if (r->control.expert)
		jbuf_printf(out, "control: %d samples of %s, %llu tokens%s%s\n", r->control.samples,
			r->control.expert, (unsigned long long)r->control.tokens,
			r->control.won ? ", better: " : "", r->control.won ? r->control.won : "");
	jbuf_printf(out, "%s: %llu tokens read, %llu written, %.2f s, cost %g\n", jsynth_modes[r->mode],
		(unsigned long long)r->prompt_tokens, (unsigned long long)r->tokens, r->seconds, r->cost);
}
